"""Which part of the painting is for which part of the photo: what a user writes after --match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flamingo.errors import BadRequest

_HINT = "write it so: --match PHOTO_MASK:PAINTING_MASK"


@dataclass(frozen=True)
class Correspondence:
    """Two masks: patches from where `painting` is white are for where `photo` is white, and for nowhere else."""

    photo: Path
    painting: Path


def parse_matches(texts: Sequence[str], masks: Mapping[str, Path], *, anywhere: bool = True) -> list[Correspondence]:
    """Understand the texts.

    Args:
        texts: PHOTO_MASK:PAINTING_MASK each.
        masks: files that the texts may name by these names.
        anywhere: whether the texts may name other files too, which those of a stranger may not.

    Raises:
        BadRequest: for a text without a colon between two files that are there.
    """
    return [_parsed(text, masks, anywhere) for text in texts]


def _parsed(text: str, masks: Mapping[str, Path], anywhere: bool) -> Correspondence:
    # A file's own name may hold a colon, a Windows drive does: the one between two files is meant.
    parts = [(text[:i], text[i + 1 :]) for i, letter in enumerate(text) if letter == ":"]
    if not parts:
        raise BadRequest(f"match {text!r}", "there is no colon between two masks", _HINT)
    for photo, painting in parts:
        first, second = _file(photo, masks, anywhere), _file(painting, masks, anywhere)
        if first is not None and second is not None:
            return Correspondence(first, second)
    missing = next(name for name in parts[0] if _file(name, masks, anywhere) is None)
    raise BadRequest(f"mask {missing!r}", "there is no such file", _HINT)


def _file(name: str, masks: Mapping[str, Path], anywhere: bool) -> Path | None:
    if name in masks:
        return masks[name]
    try:
        return Path(name) if anywhere and Path(name).is_file() else None
    except (OSError, ValueError):
        return None
