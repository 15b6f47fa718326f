"""Every error that Flamingo tells a person about, in one tree.

    FlamingoError
    ├── BadRequest (also a ValueError)   the request itself is wrong: exit code 2
    ├── BadInput                         one input cannot be used; the others can
    │   ├── UnreadableImage              missing, damaged, cut short, or too slow to decode
    │   ├── ImageTooLarge                more pixels, bytes or memory than the limits allow
    │   ├── UnsupportedImage             a sound file of a kind that is not read here
    │   ├── UnreadableVideo              a clip that is missing, damaged, or without a frame that can be decoded
    │   ├── UnreadableMusic              missing, damaged, or without a note in it
    │   ├── MusicTooLarge                more bytes, notes, bars or minutes than the limits allow
    │   └── UnsupportedMusic             a kind of file from which no music is read here
    ├── OutputError                      the result cannot be put where it was asked for
    │   ├── WouldOverwrite               something is there already, or it is one of the inputs
    │   ├── NoSuchFolder                 the folder for the result is missing
    │   └── DiskFull                     no room is left
    ├── BadPixels (also a ValueError)    a result with NaN, infinities or the wrong shape
    ├── ModelError
    │   ├── ModelMissing                 a weight file is not there
    │   └── ModelCorrupt                 a weight file is not the one that was shipped
    └── MissingExtra                     an optional package is not installed

The message of each is one line that says what, why, and what to do about it. The three parts stay available
as `what`, `why` and `hint`, so that a web API can send them as separate fields. Control characters in a part
(a file name may hold a newline) are escaped, so one line stays one line.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import ClassVar

__all__ = [
    "BadInput",
    "BadPixels",
    "BadRequest",
    "DiskFull",
    "FlamingoError",
    "ImageTooLarge",
    "MissingExtra",
    "ModelCorrupt",
    "ModelError",
    "ModelMissing",
    "MusicTooLarge",
    "NoSuchFolder",
    "OutputError",
    "UnreadableImage",
    "UnreadableMusic",
    "UnreadableVideo",
    "UnsupportedImage",
    "UnsupportedMusic",
    "WouldOverwrite",
    "one_line",
    "show",
]

_LONGEST_PART = 400
# These reorder the text around them on a terminal, which lets a file name pose as another one.
_REORDERING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, longest: int = _LONGEST_PART) -> str:
    """`text` with all that could break or disguise a line escaped, and shortened in the middle if longer."""
    safe = "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _REORDERING
        else char
        for char in text
    )
    if len(safe) > longest:
        half = longest // 2
        safe = f"{safe[:half]} ... {safe[-half:]}"
    return safe


def show(path: Path | str) -> str:
    """A file name as it may stand in a message."""
    return one_line(os.fspath(path)) or "''"


class FlamingoError(Exception):
    """The base of all errors meant for a person. `what: why; hint` in one line.

    `exit_code` is what the command line returns when this error ends the whole request.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        # The three parts are the args, so that the error survives pickling between processes.
        super().__init__(what, why, hint)
        self.what = one_line(what)
        self.why = one_line(why)
        self.hint = one_line(hint)

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}" if self.why else self.what
        return f"{text}; {self.hint}" if self.hint else text


class BadRequest(FlamingoError, ValueError):
    """The request itself is wrong, whatever the inputs hold."""

    exit_code: ClassVar[int] = 2


class BadInput(FlamingoError):
    """One input cannot be used."""


class UnreadableImage(BadInput):
    """The file is missing, not readable, damaged, cut short, or does not decode in time."""


class ImageTooLarge(BadInput):
    """The file or its picture is larger than the limits allow; found before decoding."""


class UnsupportedImage(BadInput):
    """The file is of a kind, or uses a feature, that is not read here."""


class UnreadableVideo(BadInput):
    """The clip is missing, not readable, damaged, or holds no frame that can be decoded."""


class UnreadableMusic(BadInput):
    """The file is missing, damaged, or holds no music."""


class MusicTooLarge(BadInput):
    """The file holds more than the limits allow."""


class UnsupportedMusic(BadInput):
    """The file is of a kind from which no music is read here."""


class OutputError(FlamingoError):
    """The result cannot be put where it was asked for."""


class WouldOverwrite(OutputError):
    """Something is there already and may not be replaced."""


class NoSuchFolder(OutputError):
    """The folder for the result does not exist."""


class DiskFull(OutputError):
    """There is no room left for the result."""


class BadPixels(FlamingoError, ValueError):
    """Pixels that are no picture: NaN, infinite, or of the wrong shape or type."""


class ModelError(FlamingoError):
    """A trained model cannot be used."""


class ModelMissing(ModelError):
    """A weight file is not there."""


class ModelCorrupt(ModelError):
    """A weight file is damaged or not the one that was shipped."""


class MissingExtra(FlamingoError):
    """An optional package is not installed; the hint is the one line that installs it."""

    exit_code: ClassVar[int] = 2

    @classmethod
    def of(cls, feature: str, package: str, extra: str) -> MissingExtra:
        """`feature` needs `package`, which the extra `extra` of this package brings."""
        from flamingo import extras

        return cls(feature, f"needs {package}, which is not installed", extras.line(extra))

    @classmethod
    def unless_installed(cls, feature: str, extra: str) -> None:
        """Raise MissingExtra unless all that `extra` brings is installed: before any work is begun or queued."""
        from flamingo import extras

        if missing := extras.missing_modules(extra):
            raise cls.of(feature, " and ".join(missing), extra)
