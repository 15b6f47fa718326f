"""Where a file comes from, as far as it says so itself."""

from __future__ import annotations

from typing import Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from flamingo.errors import BadRequest
from flamingo.jobs.job import plain_suffix
from flamingo.studio.api.files import form
from flamingo.studio.forms import Part, received
from flamingo.studio.state import Current, Studio

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["origin"])

_SIDECAR_BYTES = 2**20
_SECONDS = 4.0


class VerdictOut(BaseModel):
    """What is known of a file. state: whole (signed and unchanged), changed, broken, unsigned (words that anyone
    could have written) or nothing; the rest is what the file says of itself."""

    file: str
    state: Literal["whole", "changed", "broken", "unsigned", "nothing"]
    whole: bool
    sentences: list[str] = Field(description="All of it in plain words, the most important first.")
    found: str
    faults: list[str]
    own: bool = Field(description="Whether this machine signed it.")
    signer: str
    issuer: str
    software: str
    verb: str
    when: str
    stamped: str
    source_type: str
    inputs: list[str]
    recipe: dict[str, Any]
    notes: list[str]


@router.post("/verify", openapi_extra=form("sidecar"))
async def verify(request: Request, studio: Current) -> VerdictOut:
    """Say what is known of where a file comes from, and what that proves. The file is not kept."""
    limits = {"file": studio.settings.limits.file_bytes, "sidecar": _SIDECAR_BYTES}
    async with received(request, studio, limits) as parts:
        if "file" not in parts:
            raise BadRequest("field file", "it is missing", "send the file in the field 'file'")
        verdict = await anyio.to_thread.run_sync(_verdict, studio, parts, limiter=studio.looking)
        return VerdictOut(**verdict)


def _verdict(studio: Studio, parts: dict[str, Part]) -> dict[str, Any]:
    file, sidecar = parts["file"], parts.get("sidecar")
    path = file.path.rename(file.path.with_suffix(plain_suffix(file.name)))  # what it is called may tell what it is
    beside = str(sidecar.path) if sidecar else None
    verdict: dict[str, Any] = studio.inspection.ask(
        "verify", file.name or "the file", _SECONDS, path=str(path), sidecar=beside
    )
    return verdict
