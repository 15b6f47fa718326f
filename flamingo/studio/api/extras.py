"""What the plain install leaves out: whether it is here, and the line that installs it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from flamingo import extras

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["choices"])


class ExtraOut(BaseModel):
    """An optional part of Flamingo."""

    name: str
    installed: bool
    brings: str = Field(description="What can be done with it.")
    line: str = Field(description="The line that installs it, where the studio runs; then start the studio again.")


@router.get("/extras", summary="List the extras")
def list_extras() -> list[ExtraOut]:
    """The optional parts of Flamingo, and which of them are installed."""
    return [
        ExtraOut(name=name, installed=extras.installed(name), brings=extra.brings, line=extras.line(name))
        for name, extra in extras.EXTRAS.items()
    ]
