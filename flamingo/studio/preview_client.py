"""The server's side of the process that paints sketches (`preview_worker`): one request after another, never long.

    async with PreviewClient() as previews:
        painted = await previews.photo(path, {"style": "great-wave", "strength": 1.0, "model": "fast"}, longest=384)

A process of its own, since a network that paints would hold up every page of the server; started when first needed,
ended when it takes too long, and when nobody has asked for a while, for its painters hold some 200 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo.processes.async_host import AsyncHost
from flamingo.processes.host import CannotStart, ChildError, Host
from flamingo.studio.problems import Unavailable

__all__ = ["Preview", "PreviewClient"]

_IDLE = 300.0


@dataclass(frozen=True)
class Preview:
    """A painted JPEG, its size in pixels, and the milliseconds that it took, decoding and encoding included."""

    jpeg: bytes
    width: int
    height: int
    ms: float


class PreviewClient(AsyncHost):
    """One process, which answers one request at a time; who asks meanwhile waits.

    seconds: after which a request is given up and the process ended; the first one may take three times as long,
    since it loads the painters. threads: of the network, or None for as many as the machine has cores.
    """

    def __init__(self, seconds: float = 10.0, threads: int | None = None) -> None:
        environment = {} if threads is None else {"FLAMINGO_THREADS": str(threads)}
        super().__init__(Host("flamingo.studio.preview_worker", environment, quiet=False), _IDLE)
        self._seconds = seconds

    async def __aenter__(self) -> PreviewClient:
        return self

    async def photo(self, photo: Path, paint: Mapping[str, Any], *, longest: int, quality: int = 85) -> Preview:
        """A photo painted small. paint: see `preview_worker`; longest: side in pixels; never enlarged.

        Raises BadInput if the photo cannot be painted, and Unavailable if the process does not answer."""
        return await self._ask(
            {"photo": str(photo), "paint": dict(paint), "longest": longest, "quality": quality}, b""
        )

    async def frame(self, jpeg: bytes, paint: Mapping[str, Any], *, longest: int, quality: int = 80) -> Preview:
        """The same for a camera's frame, a JPEG."""
        return await self._ask({"paint": dict(paint), "longest": longest, "quality": quality}, jpeg)

    async def keep(self, name: str, painting: Path, source: str, *, overwrite: bool = False) -> None:
        """Keep a painting as a style of one's own: `own.add`, away from the server. Raises as `photo` does."""
        request = {"keep": name, "painting": str(painting), "source": source, "overwrite": overwrite}
        await self._ask(request, b"")

    async def load(self, model: str) -> None:
        """Have a painter ready, before anybody waits for it."""
        await self._ask({"load": model}, b"")

    async def _ask(self, request: dict[str, Any], payload: bytes) -> Preview:
        try:
            answer, jpeg = await self.request(request, payload, timeout=self._seconds, first=2 * self._seconds)
        except (ChildError, CannotStart) as error:
            raise Unavailable("the preview", "its painter gave no answer", "try again in a moment") from error
        return Preview(jpeg, answer["width"], answer["height"], answer["ms"])
