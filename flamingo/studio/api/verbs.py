"""Work: one route for each verb, with the parameters of its own signature."""

# No postponed annotations here: the routes are made in a loop, each with types of its own.

import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, create_model

from flamingo.composing import personas
from flamingo.errors import BadRequest, MissingExtra
from flamingo.filming import storyboard
from flamingo.jobs.job import Input, plain_file_name
from flamingo.jobs.targets import load
from flamingo.jobs.verbs import Verb
from flamingo.mood import valence_arousal
from flamingo.painting import encoder, style_spec
from flamingo.painting.options import MODELS
from flamingo.studio.filetypes import HEAD, content_of, fitting_name
from flamingo.studio.schemas import FileIn, JobOut, Strict
from flamingo.studio.state import Current, Studio

__all__ = ["check_styles", "request_model", "router_of", "submitted", "told"]

Inputs = Mapping[str, list[Input]]


def check_styles(given: Mapping[str, Any], files: Inputs) -> None:
    """Raise BadRequest for styles that cannot be painted. A style may name no file of this computer, only those that
    came with the request, by the names that they have where the work is done."""
    style, model = given["style"], given.get("model", "fine")
    texts = [style] if isinstance(style, str) else list(style or ())
    paintings, masks = (
        [Path(str(number), plain_file_name(file.name)) for number, file in enumerate(files.get(option, ()))]
        for option in ("painting", "mask")
    )
    parts = style_spec.parse_styles(texts, paintings, masks, model, anywhere=False)
    strange = next((part.name for part in parts if part.painting is not None), None)
    if strange is not None and not encoder.known(model):
        able = [each for each in MODELS if encoder.known(each)]
        hint = f"take the {able[0]} painter" if able else "choose one of /api/styles"
        raise BadRequest(f"style {strange!r}", f"the {model} painter knows the named styles alone", hint)


def _check_persona(given: Mapping[str, Any], files: Inputs) -> None:
    personas.cast(given["persona"])


def _check_mood(given: Mapping[str, Any], files: Inputs) -> None:
    if given["mood"] is not None:
        valence_arousal.place(given["mood"])


def _check_storyboard(path: Path, files: Inputs) -> None:
    """Raise a BadInput or BadRequest for a storyboard that names a file which did not come with the request, or a
    style, persona or mood that is not known."""
    [given] = files["storyboard"]
    if not files.get("photos"):
        raise BadRequest("a storyboard", "its photos did not come with it", "send them too, under the names it has")
    name = given.name or "the storyboard"
    board = storyboard.load(path, name)
    called = {option: tuple(file.name for file in many) for option, many in files.items()}
    brought = (called.get(option, ()) for option in ("photos", "painting", "mask", "music"))
    storyboard.among(board, storyboard.Brought(*brought), name)
    for style in {shot.style for shot in board.shots if shot.style}:
        check_styles({"style": style, "model": board.manner.model}, files)
    personas.cast(board.music.persona)
    if board.music.mood is not None:
        valence_arousal.place(board.music.mood)


def _check_method(given: Mapping[str, Any], files: Inputs) -> None:
    if given["method"] != "painter":
        MissingExtra.unless_installed(f"the method `{given['method']}`", "torch")


def _check_words(given: Mapping[str, Any], files: Inputs) -> None:
    if given["words"]:
        MissingExtra.unless_installed("reading a sentence", "words")


def _check_recording(studio: Studio, files: Inputs) -> None:
    """Raise MissingExtra for a recording to go on from where nothing here can listen to it."""
    for file in files.get("continue_from", ()):
        with studio.store.open(file.sha256) as opened:
            if content_of(opened.read(HEAD), file.name or "the music").kind == "sound":
                MissingExtra.unless_installed("listening to recordings", "recordings")


_CHECKS: dict[str, Callable[[Mapping[str, Any], Inputs], None]] = {
    "style": check_styles,
    "persona": _check_persona,
    "mood": _check_mood,
    "method": _check_method,
    "words": _check_words,
}
"""What is looked up before a job is made, so that a slip of the pen, or what is not installed, is told at once."""


def request_model(verb: Verb, files: int) -> type[BaseModel]:
    """What a request for a verb holds: its parameters, and the files that it reads by option. files: how many at
    most."""
    fields: dict[str, Any] = {}
    for option in verb.controls:
        default = ... if option.default is inspect.Parameter.empty else option.default
        kind = str | option.type if option.many else option.type
        fields[option.name] = (Annotated[_strict(kind), option.field], default)
    for name, option in verb.inputs.items():
        needed = option.default is inspect.Parameter.empty
        most = files if verb.takes_many(name) else 1
        field = Field(min_length=int(needed), max_length=most, description=option.description)
        fields[name] = (Annotated[list[FileIn], field], ... if needed else [])
    return create_model(f"{verb.name.capitalize()}In", __base__=Strict, **fields)


def _strict(kind: Any) -> Any:
    """The type without pydantic's kindness: true is no number here, and 1 no yes."""
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        return Union[tuple(_strict(part) for part in get_args(kind))]  # noqa: UP007
    return {bool: StrictBool, int: StrictInt, float: StrictFloat}.get(kind, kind)


def submitted(studio: Studio, verb: Verb, asked: BaseModel, fresh: bool = False) -> JobOut:
    """The job for a request. Raises BadRequest, NoSuchFile, or TooMany if the queue is full."""
    studio.check_queue()
    parameters, inputs = told(studio, verb, asked)
    for name, check in _CHECKS.items():
        if name in parameters:
            check(parameters, inputs)
    _check_recording(studio, inputs)
    if inputs.get("storyboard"):
        _check_storyboard(studio.store.path(inputs["storyboard"][0].sha256), inputs)
    return studio.shown(studio.jobs.submit(verb.name, parameters, inputs, reuse=not fresh))


def told(studio: Studio, verb: Verb, asked: BaseModel) -> tuple[dict[str, Any], dict[str, list[Input]]]:
    """The parameters and the files of a request, with names that tell what is in them, but for those that parameters
    may name. Raises NoSuchFile."""
    parameters = asked.model_dump(mode="json", exclude=set(verb.inputs))
    inputs = {}
    for option in verb.inputs:
        files = []
        for each in getattr(asked, option):
            studio.store.renew(each.sha256)
            with studio.store.open(each.sha256) as file:
                name = each.name if option in verb.named else fitting_name(each.name, file.read(HEAD))
            name = plain_file_name(name) if option in verb.called else name
            files.append(Input(each.sha256, name))
        inputs[option] = files
    return parameters, inputs


def router_of(verbs: Mapping[str, Verb], files: int) -> APIRouter:
    """A route for each verb."""
    router = APIRouter(prefix="/api", tags=["work"])
    for verb in verbs.values():
        about = (inspect.getdoc(load(verb.target)) or "").split("\n\n")[0]
        router.add_api_route(
            f"/{verb.name}",
            _route(verb, request_model(verb, files)),
            methods=["POST"],
            status_code=202,
            response_model=JobOut,
            name=verb.name,
            description=f"{about} The same request is answered with the same job, unless `fresh` asks for a new one.",
            operation_id=verb.name,
        )
    return router


def _route(verb: Verb, model: type[BaseModel]) -> Callable[..., JobOut]:
    def route(
        asked: model,  # type: ignore[valid-type]
        studio: Current,
        response: Response,
        fresh: Annotated[bool, Query(description="Do it again, even if it was done before.")] = False,
    ) -> JobOut:
        job = submitted(studio, verb, asked, fresh)
        response.headers["Location"] = job.url
        return job

    return route
