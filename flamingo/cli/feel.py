"""`flamingo feel`: the mood of photos and of words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flamingo
from flamingo.cli.base import command, flag, out, progress, remark, report, styled
from flamingo.errors import show


def _feel(photos: Sequence[Path] = (), *, as_json: bool = False, **choices: Any) -> int:
    with progress("feeling", silent=as_json) as tell:
        results = flamingo.feel(photos, on_progress=tell, **choices)
    return report(results, _print_result, done="judged", as_json=as_json)


def _print_result(r: flamingo.FeelResult) -> None:
    if r.felt:
        felt = r.felt
        likely = sorted(felt.moods.items(), key=lambda pair: -pair[1])[:3]
        out.print(
            styled(
                "{}  [bold]{}[/]  {}  [dim]{}[/]",
                show(r.photo or ""),
                felt.word,
                f"valence {felt.valence:+.2f} ± {felt.valence_sd:.2f}, "
                f"arousal {felt.arousal:+.2f} ± {felt.arousal_sd:.2f}",
                _shares(dict(likely)),
            )
        )
        remark(f"of three: {_shares(felt.classes)}")
        for sentence in (*r.because, *r.notes):
            remark(sentence)
        if r.explanation:
            remark(f"drawn in {show(r.explanation)}")
    elif r.reading:
        reading = r.reading
        out.print(
            styled(
                "{}  [bold]{}[/]  {}",
                show(reading.sentence),
                reading.word,
                f"valence {reading.valence:+.2f} ± {reading.valence_sd:.2f}, "
                f"arousal {reading.arousal:+.2f} ± {reading.arousal_sd:.2f}",
            )
        )
        remark(f"of three: {_shares(reading.classes)}")
        remark(f"styles: {', '.join(name for name, _ in reading.styles[:3])}")


def _shares(likely: dict[str, float]) -> str:
    return ", ".join(f"{mood} {p:.0%}" for mood, p in likely.items())


feel = command(flamingo.feel, _feel, flag("json", "Print what was found as JSON."))
