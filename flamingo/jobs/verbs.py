"""The verbs that a job can carry out, and everything about them that follows from their signatures.

A verb's parameters are its options (`flamingo.options`), less those that name files: files that it reads are inputs
of the job, and where results go is not for a request to say. In place of `output` there is `format`, the kind of
file wanted, or a list of them where one piece of work can be written as several kinds.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

import flamingo
from flamingo import weights
from flamingo.errors import BadRequest
from flamingo.jobs.targets import load
from flamingo.options import ONE_OR_MANY, Option, one_line_refusals, options

__all__ = ["FLAMINGOS", "Verb", "known", "request_hash"]

_NOT_ASKED = ("output", "explain", "overwrite", "on")


@dataclass(frozen=True)
class Verb:
    """A verb as jobs offer it.

    target: "module:function"; version: of the models that it would use, from its parameters.
    into: its option for where results go; formats: "module:constant" of the suffixes that it writes, or "" if it
    leaves no choice. files: what its results are called, such as ("piece.mp3", "piece.mid"), the usual kinds, where
    it is told each of them and their suffixes say the kinds; else it is told a folder and each result has its
    input's suffix.
    says: what a finding is called that is no file of the verb's making, such as "feeling": it is kept as JSON. Such a
    verb writes a picture about each input, and nothing without one.
    calls: whether it, or a file that it makes or reads, calls its inputs by their names.
    resumes: whether it keeps what it has half done in hidden files beside its results, and goes on from there when
    the same is asked again.
    short: whether a job with these parameters and files is done in seconds, and need not wait behind long ones.
    """

    name: str
    target: str
    version: Callable[[Mapping[str, Any]], str] = lambda parameters: ""
    into: str = "output"
    formats: str = ""
    files: tuple[str, ...] = ()
    says: str = ""
    calls: bool = False
    resumes: bool = False
    short: Callable[[Mapping[str, Any], Mapping[str, Sequence[Path]]], bool] = lambda parameters, files: False

    @cached_property
    def controls(self) -> list[Option]:
        """Its parameters, in order: for a page's controls and an API's description."""
        found = [o for o in self._options if o.name not in _NOT_ASKED and not _takes_files(o.type)]
        return [*found, self._format] if self.formats else found

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
        with one_line_refusals(f"flamingo {self.name}"):
            return self._model.model_validate(dict(parameters)).model_dump(mode="json")

    def check_inputs(self, given: Mapping[str, Sequence[object]]) -> None:
        """Raise BadRequest unless these are inputs that the verb takes, as many as it takes."""
        for option, files in given.items():
            if option not in self.inputs:
                takes = ", ".join(self.inputs) or "none"
                raise BadRequest(f"input {option!r}"[:80], f"{self.name} has no such input", f"it takes: {takes}")
            if len(files) > 1 and not self.takes_many(option):
                raise BadRequest(f"input {option}", "several files were given", "give one")
        for option, details in self.inputs.items():
            if details.default is inspect.Parameter.empty and not given.get(option):
                raise BadRequest(f"input {option}", f"{self.name} needs it", "give a file")

    @property
    def _format(self) -> Option:
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
        return options(load(self.target))

    @cached_property
    def _model(self) -> type[BaseModel]:
        fields: dict[str, Any] = {}
        for option in self.controls:
            default = ... if option.default is inspect.Parameter.empty else option.default
            kind = Annotated[option.type, ONE_OR_MANY] if option.many else option.type
            fields[option.name] = (Annotated[kind, option.field], default)
        rules = ConfigDict(extra="forbid", protected_namespaces=())
        return create_model(f"{self.name}_parameters", __config__=rules, **fields)


def _painter(parameters: Mapping[str, Any]) -> str:
    """The painter's version, and when each of one's own styles that is named was last changed."""
    from flamingo.painting import user_styles

    named = [name for name in user_styles.names() if any(name in text for text in parameters["style"] or ())]
    changed = [f"{name}@{(user_styles.folder() / f'{name}.safetensors').stat().st_mtime_ns}" for name in named]
    return "+".join([str(weights.entry(f"painter-{parameters['model']}")["version"]), *changed])


def _composer(parameters: Mapping[str, Any]) -> str:
    """The versions of the composer and of what finds the mood to compose in, and when each of one's own personas that
    is named was last taught."""
    from flamingo.composing import personas

    named = [name for name in personas.own() if name in parameters["persona"]]
    taught = [f"{name}@{personas.own_file(name).stat().st_mtime_ns}" for name in named]
    return "+".join([str(weights.entry("composer")["version"]), _feeler(parameters), *taught])


def _filmer(parameters: Mapping[str, Any]) -> str:
    """The versions of all that a film is made with."""
    return "+".join([_painter(parameters), _composer(parameters)])


def _feeler(parameters: Mapping[str, Any]) -> str:
    there = weights.models()  # each of the two can be missing where only the other is asked for
    return "+".join(str(there.get(model, {}).get("version")) for model in ("feel", "words"))


_SHORT_PIXELS, _SHORT_MUSIC, _SHORT_FILES = 2_500_000, 120.0, 8


def _short_painting(parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> bool:
    """Still pictures of 2.5 megapixels together, by the painter: half a minute on a laptop."""
    if parameters["method"] != "painter" or parameters.get("preset"):
        return False
    return sum(_pixels(file, parameters.get("size")) for file in files.get("photos", ())) <= _SHORT_PIXELS


def _pixels(file: Path, longest: int | None) -> float:
    """Pixels to paint; from the head of the file alone, which was decoded to its end when it was taken in. Without
    end for what moves, or cannot be read."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            width, height = picture.size
            if getattr(picture, "is_animated", False):
                return math.inf
    except Exception:  # whatever a strange file makes its decoder say: then nothing is known of it
        return math.inf
    return width * height if longest is None else longest**2 * min(width, height) / max(width, height, 1)


def _short_piece(parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> bool:
    """Two minutes of music at most, all tries together."""
    tries = parameters.get("variations", 1) * parameters.get("best", 1)
    return bool(parameters["seconds"] * tries <= _SHORT_MUSIC)


def _few_files(parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> bool:
    """Seconds for each file, so a few are a short job."""
    return sum(len(many) for many in files.values()) <= _SHORT_FILES


_PIECE = ("piece.mp3", "piece.mid", "piece.musicxml", "piece.svg", "piece.png")

FLAMINGOS = (
    Verb(
        "paint",
        "flamingo.painting.api:paint",
        _painter,
        formats="flamingo.images:WRITE_SUFFIXES",
        resumes=True,
        short=_short_painting,
    ),
    Verb("judge", "flamingo.quality.api:judge", says="critique", short=_few_files),
    Verb(
        "compose",
        "flamingo.composing.api:compose",
        _composer,
        formats="flamingo.composing.writing:KINDS",
        files=_PIECE,
        short=_short_piece,
    ),
    Verb(
        "film",
        "flamingo.filming.api:film",
        _filmer,
        formats="flamingo.filming.api:KINDS",
        files=("film.mp4",),
        calls=True,
        resumes=True,
    ),
    Verb("feel", "flamingo.mood.api:feel", _feeler, into="explain", says="feeling", short=_few_files),
)


def known(more: Mapping[str, str]) -> dict[str, Verb]:
    """Flamingo's verbs by name, and `more`, each a name and "module:function"."""
    return {verb.name: verb for verb in (*FLAMINGOS, *(Verb(name, target) for name, target in more.items()))}


def request_hash(verb: Verb, parameters: Mapping[str, Any], inputs: Mapping[str, Sequence[str]]) -> str:
    """The name of the request's content: the same verb, parameters, inputs (their hashes, and names where they
    count), models and version of Flamingo give the same 64 hexadecimal digits, and the same result."""
    said = [flamingo.__version__, verb.name, verb.target, verb.version(parameters), parameters, inputs]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=list).encode()).hexdigest()


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
