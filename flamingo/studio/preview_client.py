"""The server's side of the process that paints sketches (`preview_worker`): one request after another, never long.

    async with Sketcher() as sketcher:
        sketch = await sketcher.photo(path, {"style": "great-wave", "strength": 1.0, "model": "fast"}, longest=384)

A process of its own, since a network that paints would hold up every page of the server; started when first needed,
ended when it takes too long, and when nobody has asked for a while, for its painters hold some 200 MB.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from flamingo.errors import BadInput
from flamingo.processes import module_command, module_environment
from flamingo.studio.problems import Unavailable

__all__ = ["Sketch", "Sketcher"]

_LINE = 1 << 16
_IDLE = 300.0


@dataclass(frozen=True)
class Sketch:
    """A painted JPEG, its size in pixels, and the milliseconds that it took, decoding and encoding included."""

    jpeg: bytes
    width: int
    height: int
    ms: float


class Sketcher:
    """One process, which answers one request at a time; who asks meanwhile waits.

    seconds: after which a request is given up and the process ended; the first one may take three times as long,
    since it loads the painters. threads: of the network, or None for as many as the machine has cores.
    """

    def __init__(self, seconds: float = 10.0, threads: int | None = None) -> None:
        self._seconds = seconds
        self._threads = threads
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._idle: asyncio.TimerHandle | None = None
        self._warm = False

    async def __aenter__(self) -> Sketcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def waiting(self) -> int:
        """How many requests are being answered or wait for their turn."""
        return self._waiting

    async def photo(self, photo: Path, paint: Mapping[str, Any], *, longest: int, quality: int = 85) -> Sketch:
        """A photo painted small. paint: see `preview_worker`; longest: side in pixels; never enlarged.

        Raises BadInput if the photo cannot be painted, and Unavailable if the process does not answer."""
        return await self._ask(
            {"photo": str(photo), "paint": dict(paint), "longest": longest, "quality": quality}, b""
        )

    async def frame(self, jpeg: bytes, paint: Mapping[str, Any], *, longest: int, quality: int = 80) -> Sketch:
        """The same for a camera's frame, a JPEG."""
        return await self._ask({"paint": dict(paint), "longest": longest, "quality": quality}, jpeg)

    async def keep(self, name: str, painting: Path, source: str, *, overwrite: bool = False) -> None:
        """Keep a painting as a style of one's own: `own.add`, away from the server. Raises as `photo` does."""
        asked = {"keep": name, "painting": str(painting), "source": source, "overwrite": overwrite}
        await self._ask(asked, b"")

    async def load(self, model: str) -> None:
        """Have a painter ready, before anybody waits for it."""
        await self._ask({"load": model}, b"")

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        process, self._process, self._warm = self._process, None, False
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, request: dict[str, Any], payload: bytes) -> Sketch:
        self._waiting += 1
        try:
            await self._turn.acquire()
            answering = asyncio.create_task(self._answer(request, payload))
            answering.add_done_callback(self._over)
            # Who loses interest must not end the process: its answer is waited for, or it would be the next one's.
            return await asyncio.shield(answering)
        finally:
            self._waiting -= 1

    def _over(self, answering: asyncio.Task[Sketch]) -> None:
        self._turn.release()
        if not answering.cancelled():
            answering.exception()  # seen, even if nobody waits for it any more

    async def _answer(self, request: dict[str, Any], payload: bytes) -> Sketch:
        limit = self._seconds if self._warm else 3 * self._seconds
        try:
            header, data = await asyncio.wait_for(self._exchange(request, payload), limit)
        except (TimeoutError, OSError, EOFError, ValueError):
            await self.close()
            raise Unavailable("the sketch", "its painter gave no answer", "try again in a moment") from None
        self._warm = True
        self._end_when_idle()
        if "error" in header:
            raise BadInput(**header["error"])
        return Sketch(data, header["width"], header["height"], header["ms"])

    async def _exchange(self, request: dict[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**request, "bytes": len(payload)}).encode() + b"\n" + payload)
        await process.stdin.drain()
        header = json.loads(await process.stdout.readuntil(b"\n"))
        return header, await process.stdout.readexactly(header["bytes"])

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            threads = {} if self._threads is None else {"FLAMINGO_THREADS": str(self._threads)}
            self._warm = False
            self._process = await asyncio.create_subprocess_exec(
                *module_command("flamingo.studio.preview_worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=module_environment(**threads),
                limit=_LINE,
            )
        return self._process

    def _end_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(_IDLE, lambda: loop.create_task(self._close_if_idle()))

    async def _close_if_idle(self) -> None:
        if self._waiting == 0:
            await self.close()
