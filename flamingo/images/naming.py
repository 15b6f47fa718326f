"""Which input becomes which output, settled before any work, so that nothing is lost to a shared name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flamingo.errors import BadRequest, OutputError, WouldOverwrite, show
from flamingo.files import check_target
from flamingo.images import folders
from flamingo.images.formats import READ_SUFFIXES, WRITE_SUFFIXES, format_of_suffix, written_suffix

__all__ = ["Others", "left_out", "pictures_in", "plan_outputs"]


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

    A folder among the inputs stands for the pictures in it, at any depth, hidden ones and those of systems left out
    (see `left_out`); their places below it are kept below `output`. Results of an earlier run in the folder `output`
    are no inputs, if that is the folder that is given. One file goes to `output` itself if that has a suffix and is
    no folder; everything else goes into the folder `output`, which is made, with those below it, when the plan is
    sound: a place that cannot be written to shows before the work. A file that does not exist stays in the plan,
    since only reading it can fail. An input is never an output.

    Names that would meet, also on file systems that ignore case, are told apart: a.jpg and a.png with suffix
    ".jpg" become a.jpg and a-png.jpg.

    Args:
        inputs: files and folders.
        output: the file or folder of the results.
        suffix: that of all results in a folder, such as ".png"; else each keeps its own if that can be written.
        overwrite: whether outputs may exist already.
        others: what else may be among the inputs, such as films; without it, pictures alone.

    Returns:
        Pairs of input and output.

    Raises:
        BadRequest: there is nothing to do, or several files would go to one.
        OutputError: an output cannot be written, or is there already.

    Example:
        >>> import numpy as np
        >>> from flamingo import images
        >>> photo = folder / "cat.png"
        >>> _ = images.write(images.Picture(np.zeros((8, 8, 3), np.float32)), photo)
        >>> [(source, target)] = images.plan_outputs([photo], folder / "painted", suffix=".jpg")
        >>> target.relative_to(folder).as_posix()
        'painted/cat.jpg'
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
    """The files that `plan_outputs` would find: each input once, a folder standing for the pictures in it.

    Args:
        inputs: files and folders.

    Returns:
        The files, in the order of the inputs.

    Raises:
        BadRequest: there are none.
    """
    pictures = [path for path, _ in _expanded([Path(path) for path in inputs], None)]
    if not pictures:
        where = ", ".join(show(path) for path in inputs[:3])
        raise BadRequest(where, "there are no pictures in it", f"look for {', '.join(sorted(READ_SUFFIXES))}")
    return pictures


def left_out(inputs: Sequence[Path], output: Path | None = None, *, others: Others | None = None) -> list[str]:
    """What lies in folders and is not taken, but for hidden files and those of systems.

    Args:
        inputs: files and folders.
        output: where `plan_outputs` would write to; without it, `pictures_in` is meant.
        others: what else is taken.

    Returns:
        Sentences that name every such file.
    """
    films = None if others is None else frozenset(others.suffixes)
    excluded = []
    for path_in in map(Path, inputs):
        if path_in.is_dir():
            excluded += [why for _, why in folders.walked(path_in, films, output) if why is not None]
    if output is not None:
        excluded += [
            folders.LeftOut(path.name, folders.EARLIER) for path in _earlier(list(map(Path, inputs)), output)
        ]
    return folders.sentences(dict.fromkeys(excluded))


def _earlier(inputs: Sequence[Path], output: Path) -> list[Path]:
    """Those among several files named one by one, as a shell's *.jpg does, that are results of an earlier run in the
    folder where their photos are."""
    files = [path for path in inputs if not path.is_dir() and path.parent.resolve() == output.resolve()]
    names = [path.name for path in files]
    return [path for path in files if _may_be_result(path.name, names) and folders.marked(path)]


def _may_be_result(name: str, names: Sequence[str]) -> bool:
    """Whether one of the others would be painted as this one: IMG_1.HEIC as IMG_1.jpg, a.jpg as a-jpg.jpg."""
    path = Path(name)
    converted = (
        other != name and Path(other).stem == path.stem and written_suffix(Path(other)) == path.suffix.lower()
        for other in names
    )
    return folders.named_as_result(name, names) or any(converted)


def _plan(
    inputs: list[Path], output: Path, suffix: str | None, overwrite: bool, others: Others | None
) -> list[tuple[Path, Path]]:
    also = None if others is None else frozenset(others.suffixes)
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
    if output.suffix.lower() in {*WRITE_SUFFIXES, *(also or ())} and not output.is_dir():
        raise BadRequest(show(output), "several results need a folder, and this names a file", "name a folder")
    expanded = list(_expanded(inputs, output, also))
    if not expanded:
        where = ", ".join(show(path) for path in inputs[:3])
        raise BadRequest(where, "there are no pictures in it", f"look for {', '.join(sorted(READ_SUFFIXES))}")
    used_keys = {_key(path) for path, _ in expanded} | {_key(path) for path in _kept_results(inputs, output)}
    plan = []
    for path, relative in expanded:
        target = _free(path, output / relative, other(path) or suffix or written_suffix(path), used_keys)
        used_keys.add(_key(target))
        plan.append((path, target))
    _check_folder(plan, overwrite)
    return plan


def _expanded(
    inputs: list[Path], output: Path | None, films: frozenset[str] | None = None
) -> Iterator[tuple[Path, Path]]:
    """Each input file once, with its place below the output folder."""
    visited: set[str] = set()
    earlier = set(_earlier(inputs, output)) if output is not None else set()
    for source in inputs:
        pairs = (
            ((path, path.relative_to(source)) for path, why in folders.walked(source, films, output) if why is None)
            if source.is_dir()
            else iter([(source, Path(source.name))] if source not in earlier else [])
        )
        for path, relative in pairs:
            whole = os.path.abspath(path)  # noqa: PTH100 - links stay links: two names are two inputs
            if whole not in visited:
                visited.add(whole)
                yield path, relative


def _kept_results(inputs: list[Path], output: Path) -> Iterator[Path]:
    """What lies in a folder that is painted into itself, is called as a result, and does not say that it is one. It
    is no input, and might be a photo all the same, so it is not replaced either."""
    for source in inputs:
        if source.is_dir() and source.resolve() == output.resolve():
            for path, why in folders.walked(source, None, output):
                if why is not None and why.why == folders.EARLIER and not folders.marked(path):
                    yield path


def _free(source: Path, wanted_target: Path, suffix: str, used_keys: set[str]) -> Path:
    """The first name not taken: a.jpg, then a-png.jpg (the source's suffix), then a-png-2.jpg and so on."""
    folder, stem = wanted_target.parent, wanted_target.stem
    origin = source.suffix.lower().removeprefix(".") or "copy"
    number = 1
    target = folder / f"{stem}{suffix}"
    while _key(target) in used_keys:
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
