"""The registry of verbs: what can be asked of Flamingo, read by the command line, jobs, the HTTP API, pages and the
client.

A verb's parameters are its options (`flamingo.options`), less those that name files: files that it reads are inputs
of the job, and where results go is not for a request to say. In place of `output` there is `format`, the kind of
file wanted, or a list of them where one piece of work can be written as several kinds. What else a server must know
of a verb before it is carried out stands in a module of the verb's package, `job`.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args, get_origin

import flamingo
from flamingo.errors import BadRequest
from flamingo.targets import load

if TYPE_CHECKING:
    from pydantic import BaseModel

    from flamingo.options import Option

__all__ = ["VERBS", "NamedFile", "Verb", "known", "request_hash"]

_NOT_ASKED = ("output", "explain", "overwrite", "on")


class NamedFile(NamedTuple):
    """A file that comes with a request: what it is called there, and where it lies here."""

    name: str
    path: Path


@dataclass(frozen=True)
class Verb:
    """A verb, and what is known of it without carrying it out.

    Attributes:
        name: of the verb, its command, its route and its page.
        target: "module:function"; its options are read from there.
        about: what it does, in a sentence: the first of its help.
        job: a module with what a server must know: `version(parameters)`, of the models that it would use, and where
            there is something to say `check(parameters, files)`, which raises a FlamingoError for what can be seen to
            be wrong before the job is made (files: NamedFiles by option), and `is_short(parameters, files)`, whether
            it is done in seconds and need not wait behind long jobs (files: Paths by option). "" if there is none.
        into: its option for where results go.
        formats: "module:constant" of the suffixes that it writes, or "" if it leaves no choice.
        files: what its results are called, such as ("piece.mp3", "piece.mid"), the usual kinds, where it is told each
            of them and their suffixes say the kinds; else it is told a folder and each result has its input's suffix.
        says: what a finding is called that is no file of the verb's making, such as "feeling": it is kept as JSON.
            Such a verb writes a picture about each input, and nothing without one.
        calls: whether it, or a file that it makes or reads, calls its inputs by their names.
        resumes: whether it keeps what it has half done in hidden files beside its results, and goes on from there
            when the same is asked again.
    """

    name: str
    target: str
    about: str = ""
    job: str = ""
    into: str = "output"
    formats: str = ""
    files: tuple[str, ...] = ()
    says: str = ""
    calls: bool = False
    resumes: bool = False

    def version(self, parameters: Mapping[str, Any]) -> str:
        """The versions of the models that it would use with these parameters."""
        return str(self._of_job("version", "")(parameters))

    def is_short(self, parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> bool:
        """Whether it is done in seconds."""
        return bool(self._of_job("is_short", False)(parameters, files))

    def check(self, parameters: Mapping[str, Any], files: Mapping[str, Sequence[NamedFile]]) -> None:
        """Raise a FlamingoError for what can be seen to be wrong, or not to be installed, before any work."""
        self._of_job("check", None)(parameters, files)

    def _of_job(self, function: str, usual: Any) -> Callable[..., Any]:
        module = importlib.import_module(self.job) if self.job else None
        return getattr(module, function, lambda *_: usual)

    @cached_property
    def controls(self) -> list[Option]:
        """Its parameters, in order: for a page's controls and an API's description."""
        controls = [o for o in self._options if o.name not in _NOT_ASKED and not _takes_files(o.type)]
        return [*controls, self._format] if self.formats else controls

    @cached_property
    def inputs(self) -> dict[str, Option]:
        """Those of its options that are files to read."""
        return {o.name: o for o in self._options if o.name not in _NOT_ASKED and _takes_files(o.type)}

    @cached_property
    def named(self) -> frozenset[str]:
        """Those of its inputs that its parameters may name by their file names: all lists of files but the first, if
        a parameter is a list of texts."""
        several = [name for name in list(self.inputs)[1:] if self.takes_many(name)]
        return frozenset(several) if any(option.many for option in self.controls) else frozenset()

    @cached_property
    def called(self) -> frozenset[str]:
        """Those of its inputs whose names make a difference to what it does."""
        return frozenset(self.inputs) if self.calls else self.named

    def takes_many(self, option: str) -> bool:
        """Whether this input is a list of files."""
        return _takes_files(self.inputs[option].type, many=True)

    def schema(self) -> dict[str, Any]:
        """JSON schema of its parameters: for an API's description and a page's controls."""
        return self._model.model_json_schema()

    def validated(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, the usual values filled in, as plain JSON values. Raises BadRequest."""
        from flamingo.options import one_line_refusals

        with one_line_refusals(f"flamingo {self.name}"):
            return self._model.model_validate(dict(parameters)).model_dump(mode="json")

    def check_inputs(self, inputs: Mapping[str, Sequence[object]]) -> None:
        """Raise BadRequest unless these are inputs that the verb takes, as many as it takes."""
        for option, files in inputs.items():
            if option not in self.inputs:
                takes = ", ".join(self.inputs) or "none"
                raise BadRequest(f"input {option!r}"[:80], f"{self.name} has no such input", f"it takes: {takes}")
            if len(files) > 1 and not self.takes_many(option):
                raise BadRequest(f"input {option}", "several files were given", "give one")
        for option, details in self.inputs.items():
            if details.default is inspect.Parameter.empty and not inputs.get(option):
                raise BadRequest(f"input {option}", f"{self.name} needs it", "give a file")

    @property
    def _format(self) -> Option:
        from pydantic import AfterValidator, Field
        from pydantic.fields import FieldInfo

        from flamingo.options import Option

        kinds: Any = tuple(sorted(suffix.removeprefix(".") for suffix in load(self.formats)))
        if not self.files:
            says = f"Kind of file: {', '.join(kinds)}; without it the input's own."
            return Option("format", Literal[kinds] | None, None, FieldInfo(description=says), False)
        says = f"Kinds of file, each of which gives one result: {', '.join(kinds)}."
        field = Field(description=says, min_length=1, json_schema_extra={"uniqueItems": True})
        usual = [Path(file).suffix.removeprefix(".") for file in self.files]
        several = Annotated[list[Literal[kinds]], AfterValidator(_without_doubles)]  # type: ignore[valid-type]
        return Option("format", several, usual, field, False)

    @cached_property
    def _options(self) -> list[Option]:
        from flamingo.options import options

        return options(load(self.target))

    @cached_property
    def _model(self) -> type[BaseModel]:
        from pydantic import ConfigDict, create_model

        from flamingo.options import ONE_OR_MANY

        fields: dict[str, Any] = {}
        for option in self.controls:
            default = ... if option.default is inspect.Parameter.empty else option.default
            kind = Annotated[option.type, ONE_OR_MANY] if option.many else option.type
            fields[option.name] = (Annotated[kind, option.field], default)
        rules = ConfigDict(extra="forbid", protected_namespaces=())
        return create_model(f"{self.name}_parameters", __config__=rules, **fields)


_PIECE = ("piece.mp3", "piece.mid", "piece.musicxml", "piece.svg", "piece.png")

VERBS = (
    Verb(
        "paint",
        "flamingo.painting.api:paint",
        "Paint photos in the manner of one painting or several.",
        "flamingo.painting.job",
        formats="flamingo.images:WRITE_SUFFIXES",
        resumes=True,
    ),
    Verb(
        "judge",
        "flamingo.quality.api:judge",
        "Say what painted pictures hold of the photo and of the painting, and what is wrong with them.",
        "flamingo.quality.job",
        says="critique",
    ),
    Verb(
        "compose",
        "flamingo.composing.api:compose",
        "Compose music in the persona of a composer, of the asked length, that ends as a piece should.",
        "flamingo.composing.job",
        formats="flamingo.composing.writing:KINDS",
        files=_PIECE,
    ),
    Verb(
        "film",
        "flamingo.filming.api:film",
        "Make a film of an album: its photos painted, on the beats of music that is composed for it.",
        "flamingo.filming.job",
        formats="flamingo.filming.api:KINDS",
        files=("film.mp4",),
        calls=True,
        resumes=True,
    ),
    Verb(
        "feel",
        "flamingo.mood.api:feel",
        "Say what photos (or a sentence) feel like: valence, arousal, and the moods that fit.",
        "flamingo.mood.job",
        into="explain",
        says="feeling",
    ),
)


def known(more: Mapping[str, str]) -> dict[str, Verb]:
    """Flamingo's verbs by name, and `more`, each a name and "module:function"."""
    users = (Verb(name, target, _first_line(target)) for name, target in more.items())
    return {verb.name: verb for verb in (*VERBS, *users)}


def _first_line(target: str) -> str:
    return (inspect.getdoc(load(target)) or "").split("\n\n")[0]


def request_hash(verb: Verb, parameters: Mapping[str, Any], inputs: Mapping[str, Sequence[str]]) -> str:
    """The name of the request's content: the same verb, parameters, inputs (their hashes, and names where they
    count), models and version of Flamingo give the same 64 hexadecimal digits, and the same result."""
    content = [flamingo.__version__, verb.name, verb.target, verb.version(parameters), parameters, inputs]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()


def _takes_files(kind: Any, many: bool = False) -> bool:
    """Whether a type is a path, or has one in it; many: whether it is a list of them, or has that in it."""
    if kind is Path:
        return not many
    inside = many and get_origin(kind) not in (list, tuple, Sequence)
    return any(_takes_files(part, inside) for part in get_args(kind))


def _without_doubles(kinds: list[str]) -> list[str]:
    if len(set(kinds)) < len(kinds):
        raise ValueError("a kind is named more than once")
    return kinds
