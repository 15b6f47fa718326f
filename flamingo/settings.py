"""Every environment variable of Flamingo's own, in one table: `SETTINGS`. No other file reads one.

A variable is read when its value is asked for, not when this module is imported: what changes the environment later,
as tests do, is heard. One that is empty is as good as unset. A value that cannot be is a BadRequest.

    threads = settings.THREADS.value()

The table is plain Python and not a class of pydantic-settings. Measured: `import pydantic_settings` takes 0.36 s of
processor time more than this module, nearly as much as all of `flamingo.runtime` (0.39 s), which needs it; so do
`folders` and `weights`, where nothing else does. Besides, it reads all variables at once: one bad value would refuse
what does not need it.

`python -m flamingo.settings` prints the table of docs/settings.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from flamingo.errors import BadRequest

__all__ = ["SETTINGS", "Setting", "is_token", "markdown_table"]

LOG_LEVELS = ("debug", "info", "warning")
SHORTEST_TOKEN = 12
TOKEN_PATTERN = r"^[\x21-\x7e]+$"

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Setting(Generic[T_co]):
    """One environment variable.

    Attributes:
        name: Of the variable.
        parse: Makes a value of its text; raises ValueError with why it cannot, and what to do.
        default: The value where it is unset.
        type: What kind of value it takes, in words.
        unset: What happens where it is unset, in words.
        meaning: What it is for.
        secret: Whether its text must not be shown.
    """

    name: str
    parse: Callable[[str], T_co]
    default: T_co
    type: str
    unset: str
    meaning: str
    secret: bool = False

    def is_set(self) -> bool:
        """Whether the environment has a text for it."""
        return bool(os.environ.get(self.name))

    def value(self) -> T_co:
        """Its value now. Raises BadRequest for a text that it cannot have."""
        text = os.environ.get(self.name, "")
        if not text:
            return self.default
        try:
            return self.parse(text)
        except ValueError as error:
            shown = self.name if self.secret else f"{self.name}={text.strip()}"
            raise BadRequest(shown, *error.args) from None

    def shown(self) -> str:
        """Its text as it may be shown to whoever may see the terminal."""
        return "set, not shown" if self.secret else os.environ.get(self.name, "")

    @contextmanager
    def changed(self, text: str) -> Iterator[None]:
        """Another text for it meanwhile, in this process and those that it starts."""
        before = os.environ.get(self.name)
        os.environ[self.name] = text
        try:
            yield
        finally:
            if before is None:
                del os.environ[self.name]
            else:
                os.environ[self.name] = before


def is_token(text: str) -> bool:
    """Whether it can be a token: long enough, of plain letters, digits and signs."""
    return len(text) >= SHORTEST_TOKEN and re.fullmatch(TOKEN_PATTERN, text) is not None


def _choice(*choices: str, noun: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        chosen = text.strip().lower()
        if chosen not in choices:
            raise ValueError(f"there is no such {noun}", f"choose one of {', '.join(choices)}")
        return chosen

    return parse


def _count(text: str) -> int:
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit()) or int(stripped) < 1:
        raise ValueError("it is not a number of threads", "give 1 or more")
    return int(stripped)


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("off", "0", "no", "false", "", "on", "1", "yes", "true"):
        raise ValueError("it is neither on nor off", "set it to on or off")
    return word not in ("off", "0", "no", "false")


def _token(text: str) -> str:
    if not is_token(text):
        why = f"it has fewer than {SHORTEST_TOKEN} characters, or one that is no plain letter, digit or sign"
        raise ValueError(why, "choose a longer one, or leave it out and one is made")
    return text


CACHE: Setting[Path | None] = Setting(
    "FLAMINGO_CACHE",
    Path,
    None,
    "folder",
    "`~/.cache/flamingo`",
    "Keeps what can be made again: networks as OpenVINO has compiled them.",
)
CREDENTIALS = Setting(
    "FLAMINGO_CREDENTIALS", _switch, True, "on or off", "on",
    "Whether results are signed and say what made them ([provenance](provenance.md)).",
)  # fmt: skip
DATA: Setting[Path | None] = Setting(
    "FLAMINGO_DATA", Path, None, "folder", "the system's folder for programs' data",
    "Keeps all that is the user's: personas, styles, grades, the signing key, the studio's files "
    "([architecture](architecture.md)).",
)  # fmt: skip
DATABASE: Setting[str | None] = Setting(
    "FLAMINGO_DATABASE", str, None, "PostgreSQL URL", "SQLite in the data folder",
    "Where the studio and its workers keep jobs ([API](api.md)).", secret=True,
)  # fmt: skip
DEBUG = Setting(
    "FLAMINGO_DEBUG", _switch, False, "on or off", "off",
    "Shows the traceback that an error's one line stands for ([debugging](debugging.md)).",
)  # fmt: skip
IDENTITY: Setting[Path | None] = Setting(
    "FLAMINGO_IDENTITY", Path, None, "folder", "`identity` in the data folder, with a key that is made",
    "Has the user's own `key.pem` and `chain.pem`, with which results are signed ([provenance](provenance.md)).",
)  # fmt: skip
JOBS_LOG: Setting[Path | None] = Setting(
    "FLAMINGO_JOBS_LOG", Path, None, "file", "none",
    "For benchmarks: a line of JSON is added to it for every work that a runner has done.",
)  # fmt: skip
LOG_LEVEL = Setting(
    "FLAMINGO_LOG_LEVEL", _choice(*LOG_LEVELS, noun="level"), "warning", "debug, info or warning",
    "warning; info for the studio's workers",
    "What is logged to standard error, as by `flamingo --log-level` ([debugging](debugging.md)).",
)  # fmt: skip
PERSONAS: Setting[Path | None] = Setting(
    "FLAMINGO_PERSONAS", Path, None, "folder", "`personas` in the data folder",
    "Keeps one's own personas ([music](music.md)).",
)  # fmt: skip
PRECISION = Setting(
    "FLAMINGO_PRECISION", _choice("f32", "bf16", noun="precision"), "f32", "f32 or bf16", "f32",
    "In which numbers pictures are painted; bf16 is faster ([painting](painting.md)).",
)  # fmt: skip
RUNTIME: Setting[str | None] = Setting(
    "FLAMINGO_RUNTIME", _choice("openvino", "onnxruntime", "cuda", noun="runtime"), None,
    "openvino, onnxruntime or cuda",
    "openvino on x86-64 where it is installed, onnxruntime elsewhere", "What runs the networks.",
)  # fmt: skip
STYLES: Setting[Path | None] = Setting(
    "FLAMINGO_STYLES", Path, None, "folder", "`styles` in the data folder",
    "Keeps one's own styles ([painting](painting.md)).",
)  # fmt: skip
THREADS: Setting[int | None] = Setting(
    "FLAMINGO_THREADS", _count, None, "whole number of 1 or more", "as many as the runtime finds sensible",
    "How many threads a network computes with.",
)  # fmt: skip
TOKEN: Setting[str | None] = Setting(
    "FLAMINGO_TOKEN", _token, None, "12 characters or more",
    "none for this machine alone; for a network, one that is made and kept",
    "What a browser must know to enter the studio ([household](household.md)).", secret=True,
)  # fmt: skip
WEIGHTS: Setting[Path | None] = Setting(
    "FLAMINGO_WEIGHTS", Path, None, "folder", "the models that ship",
    "Has the models and their manifest ([training](TRAINING.md)).",
)  # fmt: skip

SETTINGS: tuple[Setting[object], ...] = (
    CACHE,
    CREDENTIALS,
    DATA,
    DATABASE,
    DEBUG,
    IDENTITY,
    JOBS_LOG,
    LOG_LEVEL,
    PERSONAS,
    PRECISION,
    RUNTIME,
    STYLES,
    THREADS,
    TOKEN,
    WEIGHTS,
)  # fmt: skip
"""All of them, by name."""


def markdown_table() -> str:
    """The table of docs/settings.md."""
    rows = [("variable", "value", "where it is unset", "meaning"), ("---",) * 4]
    rows += [(f"`{setting.name}`", setting.type, setting.unset, setting.meaning) for setting in SETTINGS]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace(
        "| --- | --- | --- | --- |", "|---|---|---|---|"
    )


if __name__ == "__main__":
    print(markdown_table(), end="")
