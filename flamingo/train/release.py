"""`flamingo train release`: what a run holds, whether it may be released under a name, and its release.

All that can be refused is refused before anything is written.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from flamingo.errors import BadRequest, ModelMissing, show
from flamingo.nn.checkpoint import Checkpoint

CHECKPOINT = "checkpoint.safetensors"
Kind = Literal["paint", "compose", "feel"]
PAINTERS = ("fine", "fast")
_NAMES: dict[Kind, tuple[str, ...]] = {"paint": PAINTERS, "compose": ("composer",), "feel": ("feel",)}


def kind_of(run: Path) -> tuple[Kind, dict[str, Any]]:
    """Which training made a run, and the facts of its checkpoint. Raises ModelMissing where there is none,
    ModelCorrupt, or BadRequest for a baseline, which is not released."""
    if (run / "ngram.json").is_file() and not (run / CHECKPOINT).exists():
        raise BadRequest(show(run), "it is the baseline ngram, which is measured and not shipped", "train a composer")
    if not (run / CHECKPOINT).exists():
        raise ModelMissing(show(run), "there is no checkpoint in it", "name the --out of a training")
    facts = Checkpoint.load(run / CHECKPOINT).facts
    if "names" in facts and "config" in facts:
        return "paint", facts
    if "personas" in facts.get("config", {}):
        if facts["config"].get("trunk") == "lstm":
            raise BadRequest(
                show(run),
                "it is the baseline lstm, which is measured and not shipped",
                f"have it write a piece: flamingo compose --model {shlex.quote(f'lstm:{run}')} --seconds 30",
            )
        return "compose", facts
    return "feel", facts


def release(
    runs: Sequence[Path],
    weights: Path,
    *,
    name: str,
    music: Sequence[Path] = (),
    images: Sequence[str] = (),
    data: str = "",
    note: str = "",
    overwrite: bool = False,
) -> str:
    """Release what `runs` hold into the folder `weights` under a name, and return a line that says what was released.

    music, images: the folders that a composer, or a mood model, learned from. A run that learned new paintings
    beside those of a release gives styles of the user's own instead; overwrite: whether older ones of theirs may
    go. Raises BadRequest if run, name and folders do not fit together, a ModelError or an OutputError; then every
    model in `weights` is as it was."""
    kinds = [kind_of(run)[0] for run in runs]
    kind = kinds[0]
    beside = kind == "paint" and "beside" in kind_of(runs[0])[1]
    if name not in _NAMES[kind]:
        description = {"paint": "painter", "compose": "composer", "feel": "mood model"}[kind]
        allowed = " or ".join(_NAMES[kind])
        raise BadRequest(f"--name {name}", f"{show(runs[0])} holds a {description}", f"give --name {allowed}")
    if len(runs) > 1 and set(kinds) != {"feel"}:
        raise BadRequest("release", "several runs are one model only for moods", "name one run")
    for option, folders, is_needed in (("--music", music, kind == "compose"), ("--images", images, kind == "feel")):
        if is_needed and not folders:
            raise BadRequest(option, "it is needed to measure what is released", "name the folders it learned from")
        if folders and not is_needed:
            raise BadRequest(option, f"{show(runs[0])} was not trained on such", "leave it out")
        missing = [str(folder) for folder in folders if not Path(folder).exists()]
        if missing:
            raise BadRequest(f"{option} {show(missing[0])}", "there is no such folder", "name those it learned from")
    if kind == "compose":
        from flamingo.train.composing import export as composing

        entry = composing.release(runs[0], weights, list(music), name=name, data=data, note=note)
        return f"{name} {entry['version']}: {entry['test nats a note']['all']:.3f} nats a note on the test works"
    if kind == "feel":
        from flamingo.train.mood import export as feeling

        entry = feeling.release(runs, weights, folders=tuple(images), data_note=data, note=note)
        figures = ", ".join(f"{k} {v:.3f}" for k, v in entry["training"]["figures"].items())
        return f"feel {entry['version']}: {figures}"
    if beside:
        from flamingo.train.painting import extra_styles as new

        style_names = new.release(runs[0], weights, name=name, overwrite=overwrite)
        use = [f"flamingo paint PHOTO --style {style}" for style in style_names]
        return "\n".join(
            [f"kept as {'a style' if len(style_names) == 1 else 'styles'} of yours: {', '.join(style_names)}", *use]
        )
    from flamingo.train.painting import export as painting

    entry = painting.release(runs[0], weights, name=name, data=data, note=note)
    return f"painter-{name} {entry['version']}: export differs by {entry['export_psnr']} dB PSNR"
