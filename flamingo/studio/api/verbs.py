"""Work: one route for each verb, with the parameters of its own signature."""

# No postponed annotations here: the routes are made in a loop, each with types of its own.

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, create_model

from flamingo.jobs.job import Input, plain_file_name
from flamingo.studio.filetypes import HEAD, fitting_name
from flamingo.studio.schemas import FileIn, JobOut, Strict
from flamingo.studio.state import Current, Studio
from flamingo.verbs import NamedFile, Verb

__all__ = ["named_files", "parameters_and_inputs", "request_model", "router_of", "submitted"]


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


def submitted(studio: Studio, verb: Verb, body: BaseModel, fresh: bool = False) -> JobOut:
    """The job for a request. Raises BadRequest, NoSuchFile, or TooMany if the queue is full."""
    studio.check_queue()
    parameters, inputs = parameters_and_inputs(studio, verb, body)
    verb.check(parameters, named_files(studio, inputs))
    return studio.shown(studio.jobs.submit(verb.name, parameters, inputs, reuse=not fresh))


def parameters_and_inputs(
    studio: Studio, verb: Verb, body: BaseModel
) -> tuple[dict[str, Any], dict[str, list[Input]]]:
    """The parameters and the files of a request, with names that tell what is in them, but for those that parameters
    may name. Raises NoSuchFile."""
    parameters = body.model_dump(mode="json", exclude=set(verb.inputs))
    inputs = {}
    for option in verb.inputs:
        files = []
        for file_in in getattr(body, option):
            studio.store.renew(file_in.sha256)
            with studio.store.open(file_in.sha256) as file:
                name = file_in.name if option in verb.named else fitting_name(file_in.name, file.read(HEAD))
            name = plain_file_name(name) if option in verb.called else name
            files.append(Input(file_in.sha256, name))
        inputs[option] = files
    return parameters, inputs


def named_files(studio: Studio, inputs: Mapping[str, Sequence[Input]]) -> dict[str, list[NamedFile]]:
    """The files of a request as a verb's check reads them."""
    return {
        option: [NamedFile(file.name, studio.store.path(file.sha256)) for file in files]
        for option, files in inputs.items()
    }


def router_of(verbs: Mapping[str, Verb], files: int) -> APIRouter:
    """A route for each verb."""
    router = APIRouter(prefix="/api", tags=["work"])
    for verb in verbs.values():
        router.add_api_route(
            f"/{verb.name}",
            _route(verb, request_model(verb, files)),
            methods=["POST"],
            status_code=202,
            response_model=JobOut,
            name=verb.name,
            description=f"{verb.about} {_SAME}",
            operation_id=verb.name,
        )
    return router


_SAME = "The same request is answered with the same job, unless `fresh` asks for a new one."


def _route(verb: Verb, model: type[BaseModel]) -> Callable[..., JobOut]:
    def route(
        body: model,  # type: ignore[valid-type]
        studio: Current,
        response: Response,
        fresh: Annotated[bool, Query(description="Do it again, even if it was done before.")] = False,
    ) -> JobOut:
        job = submitted(studio, verb, body, fresh)
        response.headers["Location"] = job.url
        return job

    return route
