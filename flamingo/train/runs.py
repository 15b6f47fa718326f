"""The folder of a run: what a training writes there, and that one run neither replaces nor mixes with another.

A folder that holds a run is gone on with (`--resume`) or cleared (`--overwrite`), as the user says; without a word of
the user it is refused. Clearing removes what trainings write, by name, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flamingo.errors import BadRequest, show
from flamingo.files import output_error, put

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"

_FILES = re.compile(
    r"checkpoint\.safetensors|checkpoint\.\d+\.tmp|log\.jsonl|ngram\.json|accuracy\.json|confusion\.png"
    r"|sample-(any-)?\d{7,}\.(jpg|png|mid|mp3)"
)
_EVENTS = re.compile(r"events\.out\.tfevents\..*")
_INVENTED = re.compile(r"(happy|angry|sad)-\d{4,}\.png")


def made(out: Path) -> Iterator[Path]:
    """The files in a run folder that trainings made, those of a WGAN in `gan` among them."""
    for run in (out, *_gans(out)):
        for folder, names in ((run, _FILES), (run / "tensorboard", _EVENTS), (run / "pictures", _INVENTED)):
            if folder.is_dir() and (run != out or names is not _INVENTED):
                yield from sorted(f for f in folder.iterdir() if names.fullmatch(f.name) and f.is_file())


def _gans(out: Path) -> list[Path]:
    """The folders of WGANs in that of a mood model."""
    gan = out / "gan"
    return [gan, *sorted(gan.glob("seed-*"))] if gan.is_dir() else []


def check(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Raise BadRequest if `out` holds a run and the user said neither to go on with it nor to replace it."""
    if resume and overwrite:
        raise BadRequest("--resume", "--overwrite says the opposite", "give one of them")
    if not resume and not overwrite and (checkpoint := next(made(out), None)) is not None:
        raise BadRequest(
            f"--out {show(out)}",
            f"it holds a run already ({checkpoint.name})",
            "go on with --resume, replace it with --overwrite, or name another folder",
        )


def clear(out: Path) -> None:
    """Remove what trainings made in `out`, and the folders that are empty then. Raises an OutputError."""
    try:
        for file in list(made(out)):
            file.unlink()
    except OSError as error:
        raise output_error(error, show(out)) from error
    for run in (*reversed(_gans(out)), out):
        for folder in (run / "tensorboard", run / "pictures", run):
            if folder != out and (run != out or folder.name == "tensorboard"):
                with suppress(OSError):
                    folder.rmdir()  # only if it is empty


def begin(out: Path, *, resume: bool, step: int = 0) -> None:
    """Make the folder ready for the first line of a log: cleared, or, for a run that goes on from `step`, without the
    lines of steps that were made after its last checkpoint and will be made again. Raises an OutputError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, show(out)) from error
    if not resume:
        clear(out)
        return
    log = out / LOG
    if not log.is_file():
        return
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    earlier_lines = [line for line in lines if _step(line) <= step]
    if earlier_lines != lines:
        put("".join(earlier_lines).encode("utf-8"), log, overwrite=True)


def _step(line: str) -> float:
    """The step of a line of a log; infinite for a line that was cut short."""
    try:
        return float(json.loads(line).get("step", 0))
    except (ValueError, AttributeError):
        return float("inf")
