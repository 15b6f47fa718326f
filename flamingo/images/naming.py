"""Which input becomes which output, settled before any work, so that nothing is lost to a shared name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flamingo.errors import BadRequest, OutputError, WouldOverwrite, show
from flamingo.files import check_target
from flamingo.images.formats import READ_SUFFIXES, WRITE_SUFFIXES, format_of_suffix, written_suffix

__all__ = ["Others", "pictures_in", "plan_outputs"]


@dataclass(frozen=True)
class Others:
    """Files that are no still pictures and go the same way, such as films.

    suffixes: of those that count in a folder; result: the suffix of what becomes of a file, or None if it is a still
    picture after all; check: raises BadRequest if such a result cannot be called so.
    """

    suffixes: Collection[str]
    result: Callable[[Path], str | None]
    check: Callable[[Path], object]


def plan_outputs(
    inputs: Sequence[Path],
    output: Path,
    *,
    suffix: str | None = None,
    overwrite: bool = False,
    others: Others | None = None,
) -> list[tuple[Path, Path]]:
    """Pairs of input and output file, in the order of the inputs; each input once, each output once.

    A folder among the inputs stands for the pictures in it, at any depth, hidden ones left out; their places
    below it are kept below `output`. One file goes to `output` itself if that has a suffix and is no folder;
    everything else goes into the folder `output`, which is made, with those below it, when the plan is sound:
    a place that cannot be written to shows before the work. A file that does not exist stays in the plan,
    since only reading it can fail.

    suffix: that of all results in a folder, such as ".png"; else each keeps its own if that can be written.
    overwrite: whether outputs may exist already. An input is never an output. others: what else may be among the
    inputs; without it, pictures alone.

    Names that would meet, also on file systems that ignore case, are told apart: a.jpg and a.png with suffix
    ".jpg" become a.jpg and a-png.jpg. Raises BadRequest or OutputError.
    """
    if not inputs:
        raise BadRequest("no pictures", "nothing was given to work on", "name files or folders")
    if suffix is not None:
        suffix = suffix.lower() if suffix.startswith(".") else f".{suffix.lower()}"
        format_of_suffix(f"x{suffix}")
    try:
        return _plan([Path(path) for path in inputs], Path(output), suffix, overwrite, others)
    except (OSError, ValueError) as error:
        if isinstance(error, BadRequest):
            raise
        why = (getattr(error, "strerror", None) or "it cannot be used").lower()
        raise OutputError(show(output), why, "choose another place") from None


def pictures_in(inputs: Sequence[Path]) -> list[Path]:
    """The files that `plan_outputs` would find: each input once, a folder standing for the pictures in it. Raises
    BadRequest where there are none."""
    found = [path for path, _ in _expanded([Path(path) for path in inputs], None)]
    if not found:
        where = ", ".join(show(path) for path in inputs[:3])
        raise BadRequest(where, "there are no pictures in it", f"look for {', '.join(sorted(READ_SUFFIXES))}")
    return found


def _plan(
    inputs: list[Path], output: Path, suffix: str | None, overwrite: bool, others: Others | None
) -> list[tuple[Path, Path]]:
    also = frozenset(others.suffixes if others else ())
    other = others.result if others else lambda _path: None
    if len(inputs) == 1 and not inputs[0].is_dir() and not output.is_dir() and output.suffix:
        if suffix is not None and format_of_suffix(output) != format_of_suffix(f"x{suffix}"):
            raise BadRequest(show(output), f"its suffix is not {suffix}", "leave one of the two out")
        if others and other(inputs[0]):
            others.check(output)
        else:
            format_of_suffix(output)
        check_target(output, overwrite=overwrite, never=inputs)
        return [(inputs[0], output)]
    if output.exists() and not output.is_dir():
        raise OutputError(show(output), "several results need a folder, and this is a file", "name a folder")
    if output.suffix.lower() in {*WRITE_SUFFIXES, *also} and not output.is_dir():
        raise BadRequest(show(output), "several results need a folder, and this names a file", "name a folder")
    found = list(_expanded(inputs, output, also))
    if not found:
        where = ", ".join(show(path) for path in inputs[:3])
        raise BadRequest(where, "there are no pictures in it", f"look for {', '.join(sorted(READ_SUFFIXES))}")
    taken = {_key(path) for path, _ in found}
    plan = []
    for path, place in found:
        target = _free(path, output / place, other(path) or suffix or written_suffix(path), taken)
        taken.add(_key(target))
        plan.append((path, target))
    _check_folder(plan, overwrite)
    return plan


def _expanded(
    inputs: list[Path], output: Path | None, also: frozenset[str] = frozenset()
) -> Iterator[tuple[Path, Path]]:
    """Each input file once, with its place below the output folder."""
    seen: set[str] = set()
    for given in inputs:
        pairs = (
            ((path, path.relative_to(given)) for path in _pictures_in(given, output, also))
            if given.is_dir()
            else iter([(given, Path(given.name))])
        )
        for path, place in pairs:
            whole = os.path.abspath(path)  # noqa: PTH100 - links stay links: two names are two inputs
            if whole not in seen:
                seen.add(whole)
                yield path, place


def _pictures_in(folder: Path, output: Path | None, also: frozenset[str]) -> Iterator[Path]:
    # Results of an earlier run, in a folder inside the one they came from, are not inputs of the next.
    results = output.resolve() if output and output.resolve() != folder.resolve() else None
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(here) / name).resolve() != results
        )
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in READ_SUFFIXES | also:
                yield Path(here) / name


def _free(source: Path, wanted: Path, suffix: str, taken: set[str]) -> Path:
    """The first name not taken: a.jpg, then a-png.jpg (the source's suffix), then a-png-2.jpg and so on."""
    folder, stem = wanted.parent, wanted.stem
    origin = source.suffix.lower().removeprefix(".") or "copy"
    number = 1
    target = folder / f"{stem}{suffix}"
    while _key(target) in taken:
        target = folder / f"{stem}-{origin}{'' if number == 1 else f'-{number}'}{suffix}"
        number += 1
    return target


def _key(path: Path) -> str:
    """Equal for names that some file system takes for one: by case, composed accents or linked folders."""
    real = path.parent.resolve() / path.name
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(real)).casefold())


def _check_folder(plan: list[tuple[Path, Path]], overwrite: bool) -> None:
    there = [target for _, target in plan if os.path.lexists(target)]
    if there and not overwrite:
        count = "it exists" if len(there) == 1 else f"{len(there)} results exist"
        raise WouldOverwrite(show(there[0]), f"{count} already", "choose another folder or allow overwriting")
    inputs = [path for path, _ in plan]
    for target in there:
        check_target(target, overwrite=True, never=inputs)
    for folder in sorted({target.parent for _, target in plan}):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(show(folder), "the folder may not be written to", "choose another folder")
