"""Does the critic put results in the order that they are known to have?

    python bench/critic.py --styles DIR                    eleven results of each of six pairs, 192 px
    python bench/critic.py --styles DIR --photos DIR --others     on photos that its thresholds do not know
    python bench/critic.py --styles DIR --pairs 1 --quick  to see that it works

Of each pair of a photo and a painting come three chains, from worst to best:

    strength   the painter's result at strength 0, .25, .5 and 1, and that one optimised further
    fast       the painter's result saved as JPEG of quality 8, 20 and 50, and undamaged
    optimised  the same of the optimised one

Spearman's rank correlation is between the known place in a chain and the place that the score gives, all chains
together; and of each kind of chain alone. The order of a chain is known by how its results were made, not by any
measure of the critic's: except that to optimise is to lower J, on which the score rests, so the last link of the
first chain says only that nothing else in the score speaks against it.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from _pictures import Photo, Pixels, bundled, held_out, save, spread, to_bytes, to_floats
from _report import Report
from PIL import Image
from scipy.stats import rankdata, spearmanr

from flamingo.errors import FlamingoError
from flamingo.painting.methods import Settings, Style, optimise
from flamingo.painting.painter import Painter
from flamingo.quality.critic import Critic, Critique
from flamingo.train.painting.data import StylePicture, find_styles

STRENGTHS = (0.0, 0.25, 0.5, 1.0)
QUALITIES = (8, 20, 50)
_GOAL, _RESULTS = 0.9, 60


@dataclass(frozen=True)
class _Link:
    """A result in its chain: what it is, and what the critic says."""

    name: str
    critique: Critique

    @property
    def score(self) -> float:
        assert self.critique.score is not None
        return self.critique.score


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json, asked.quick)
    painter = Painter("fine")
    learned = {style.name for style in painter.styles}
    styles = [s for s in sorted(find_styles(asked.styles), key=lambda s: s.name) if s.name in learned]
    photos = [] if asked.others else spread(bundled(), asked.pairs)
    photos += held_out(asked.photos, asked.pairs - len(photos), asked.size) if asked.photos else []
    chosen = spread(styles, len(photos))
    steps = 2 if asked.quick else asked.steps
    report.heading(f"The critic, {len(photos)} pairs, longest side {asked.size}, {steps} steps of optimising")
    chains: dict[str, list[list[_Link]]] = {"strength": [], "fast": [], "optimised": []}
    for photo, style in zip(photos, chosen, strict=True):
        for kind, chain in _chains(painter, photo, style, asked.size, steps, asked.keep).items():
            chains[kind].append(chain)
            found = ", ".join(f"{link.name} {link.score:.1f}" for link in chain)
            report.say(f"{photo.name}, {style.name}, {kind}: {found}")
    # The best of a damaged chain is in the first chain too.
    results = sum(len(chain) - (kind != "strength") for kind, every in chains.items() for chain in every)
    rows = [[kind, str(len(every)), f"{_spearman(every):.3f}"] for kind, every in chains.items()]
    whole = _spearman([chain for every in chains.values() for chain in every])
    rows.append([f"all {results} results", str(sum(map(len, chains.values()))), f"{whole:.3f}"])
    report.table(["chains", "number", "Spearman"], rows)
    report.goal(
        "the critic's order",
        f">= {_GOAL} over >= {_RESULTS} results",
        f"{whole:.3f} over {results}",
        whole >= _GOAL and results >= _RESULTS,
    )
    report.figures["critic"] = {
        "size": asked.size,
        "spearman": whole,
        "chains": {
            kind: [[{"name": link.name, **link.critique.as_dict()} for link in chain] for chain in every]
            for kind, every in chains.items()
        },
    }
    report.verdicts()
    report.save()
    return 0


def _chains(
    painter: Painter, photo: Photo, style: StylePicture, size: int, steps: int, keep: Path | None
) -> dict[str, list[_Link]]:
    pixels = photo.read(size)
    painting = Photo(style.name, style.file).read(size)
    critic = Critic(pixels, painting)
    strengths = [_seen(painter.paint(pixels, style.name, strength)) for strength in STRENGTHS]
    settings = Settings(init="fast", coarsest=None, steps=steps)
    optimised = _seen(optimise(pixels, [Style(painting)], settings, first=strengths[-1]).picture)
    pictures = {
        "strength": [*zip((f"strength {s:g}" for s in STRENGTHS), strengths, strict=True), ("optimised", optimised)],
        "fast": _damaged(strengths[-1]),
        "optimised": _damaged(optimised),
    }
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for kind, every in pictures.items():
            for name, picture in every:
                save(picture, keep / f"{Path(photo.name).stem} {style.name} {kind} {name}.png")
    return {kind: [_Link(name, critic.judge(picture)) for name, picture in every] for kind, every in pictures.items()}


def _seen(pixels: Pixels) -> Pixels:
    """The 8-bit picture that would be saved."""
    return to_floats(to_bytes(pixels))


def _damaged(pixels: Pixels) -> list[tuple[str, Pixels]]:
    found = []
    for quality in QUALITIES:
        file = io.BytesIO()
        Image.fromarray(to_bytes(pixels)).save(file, "JPEG", quality=quality)
        found.append((f"JPEG {quality}", to_floats(np.asarray(Image.open(file)))))
    return [*found, ("undamaged", pixels)]


def _spearman(chains: Sequence[Sequence[_Link]]) -> float:
    """Between the places within each chain, from 0 to 1, that are known and that the score gives."""
    known: list[float] = []
    given: list[float] = []
    for chain in chains:
        places: Any = (rankdata([link.score for link in chain]) - 1) / (len(chain) - 1)
        known += np.linspace(0, 1, len(chain)).tolist()
        given += places.tolist()
    return float(spearmanr(known, given).statistic)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--styles", type=Path, required=True, help="folder of the paintings that the painter has learned"
    )
    parser.add_argument(
        "--photos", type=Path, action="append", help="folder of photos, of which held-out ones are used"
    )
    parser.add_argument("--others", action="store_true", help="only those: the critic's thresholds know the bundled")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--size", type=int, default=192, help="longest side in pixels")
    parser.add_argument("--steps", type=int, default=15, help="of optimising")
    parser.add_argument("--keep", type=Path, help="folder in which to keep all results")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--quick", action="store_true")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FlamingoError as error:
        sys.exit(str(error))
