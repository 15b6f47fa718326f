"""WS /api/live: a camera painted as you watch. Frames come as JPEG and go back painted, as many as can be.

A frame that comes while another is painted takes the place of the one that waits, so what is seen is never old. The
size of the painted frames is settled by the time that they take: the largest that holds ten a second.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, FastAPI, Query, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from flamingo.errors import FlamingoError
from flamingo.jobs.job import plain_file_name
from flamingo.painting.job import check_styles
from flamingo.studio.catalogue import LIVE
from flamingo.studio.preview_client import PreviewClient
from flamingo.studio.schemas import FileIn
from flamingo.studio.state import Current, Studio
from flamingo.verbs import NamedFile

__all__ = ["SIZES", "Pace", "router"]

SIZES = (160, 192, 224, 256, 288, 320, 384, 448, 512)
"""Longest sides that frames are painted at."""

_GOAL = 0.1  # seconds a frame: ten a second
_FRAME_BYTES = 400_000
_SESSIONS = 2
_MOST = 8  # styles in a mix
_TRY_AGAIN_LATER, _TOO_BIG, _POLICY = 1013, 1009, 1008


def _listed(style: object) -> object:
    return [style] if isinstance(style, str) else style


class LiveSettings(BaseModel, extra="ignore"):
    """What is asked for, in the address or as a message: styles as for POST /api/paint, NAME or NAME=WEIGHT, their
    strength, and the largest size."""

    style: Annotated[list[str], BeforeValidator(_listed), Field(max_length=_MOST)] = ["great-wave"]
    strength: float = Field(1.0, ge=0, le=1, allow_inf_nan=False)
    longest: int = Field(512, ge=SIZES[0], le=SIZES[-1])


class _Message(LiveSettings):
    """A wish in a message, which may bring paintings of one's own: files that were uploaded."""

    painting: list[FileIn] = Field([], max_length=_MOST)


class Pace:
    """Which size holds ten frames a second. It grows when there was time to spare for a while, and
    shrinks at once when there is none."""

    def __init__(self) -> None:
        self._index = SIZES.index(256)
        self._durations: deque[float] = deque(maxlen=20)
        self._good = 0

    @property
    def longest(self) -> int:
        """The longest side to paint at, in pixels."""
        return SIZES[self._index]

    @property
    def seconds(self) -> float:
        """The median time of the last frames of this size; 0 if there was none."""
        return sorted(self._durations)[len(self._durations) // 2] if self._durations else 0.0

    def took(self, seconds: float) -> None:
        """A frame of this size has taken so long."""
        self._durations.append(seconds)
        if len(self._durations) >= 4 and self.seconds > _GOAL and self._index > 0:
            self._change(-1)
            return
        # The next size has up to 1.4 times the pixels, so there must be room for that, and not for a moment only.
        self._good = self._good + 1 if self.seconds < 0.6 * _GOAL else 0
        if self._good >= 15 and self._index + 1 < len(SIZES):
            self._change(1)

    def _change(self, step: int) -> None:
        self._index += step
        self._durations.clear()
        self._good = 0


class _State(TypedDict):
    live: set[PreviewClient]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[_State]:
    clients: set[PreviewClient] = set()
    yield {"live": clients}
    for previews in list(clients):
        await previews.close()


router = APIRouter(lifespan=_lifespan)


@router.websocket("/api/live")
async def live(socket: WebSocket, live_settings: Annotated[LiveSettings, Query()], studio: Current) -> None:
    """Paint frames until the other side is gone."""
    await socket.accept()
    clients: set[PreviewClient] = socket.state.live
    if len(clients) >= _SESSIONS:
        await socket.close(_TRY_AGAIN_LATER, f"{_SESSIONS} cameras are being painted; end one of them")
        return
    async with PreviewClient(seconds=5.0) as previews:
        clients.add(previews)
        try:
            await _Session(socket, previews, studio, live_settings).run()
        finally:
            clients.discard(previews)


class _Session:
    """One camera."""

    def __init__(
        self, socket: WebSocket, previews: PreviewClient, studio: Studio, live_settings: LiveSettings
    ) -> None:
        self._socket, self._previews, self._studio = socket, previews, studio
        self._message = _Message.model_validate(live_settings.model_dump())
        self._paintings: dict[str, str] = {}  # paths by the names that the wish has for them
        self._newest: bytes | None = None
        self._come = asyncio.Event()

    async def run(self) -> None:
        painting = asyncio.create_task(self._paint())
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait([painting, listening], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (painting, listening):
                task.cancel()
            for outcome in await asyncio.gather(painting, listening, return_exceptions=True):
                ours = (asyncio.CancelledError, WebSocketDisconnect, RuntimeError)  # closed from the other side
                if isinstance(outcome, BaseException) and not isinstance(outcome, ours):
                    raise outcome

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (frame := message.get("bytes")) is not None:
                if len(frame) > _FRAME_BYTES:
                    await self._socket.close(_TOO_BIG, f"a frame has more than {_FRAME_BYTES:,} bytes")
                    return
                self._newest = frame
                self._come.set()
            else:
                await self._change(message.get("text") or "")

    async def _change(self, text: str) -> None:
        try:
            changes: Any = json.loads(text)
            message = _Message.model_validate({**self._message.model_dump(), **changes})
            paintings = await run_in_threadpool(self._painting_paths, message)
        except FlamingoError as error:
            await self._tell({"what": error.what, "why": error.why, "hint": error.hint})
        except (ValueError, TypeError, RecursionError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it is no JSON object"
            await self._tell({"what": "the wish", "why": first, "hint": "send style, strength or longest"})
        else:
            self._message, self._paintings = message, paintings

    def _painting_paths(self, message: _Message) -> dict[str, str]:
        """The paintings that a wish brings, as paths. Raises BadRequest for a style that cannot be painted, and
        NoSuchFile."""
        files = [
            NamedFile(plain_file_name(painting.name), self._studio.store.path(painting.sha256))
            for painting in message.painting
        ]
        check_styles({"style": message.style, "model": LIVE}, {"painting": files})
        return {file.name: str(file.path) for file in files}

    async def _paint(self) -> None:
        pace, count, since = Pace(), 0, time.monotonic()
        while True:
            await self._come.wait()
            self._come.clear()
            frame, self._newest = self._newest, None
            if frame is None:
                continue
            begun = time.monotonic()
            longest = min(pace.longest, self._message.longest)
            try:
                message = self._message
                paint = {
                    "style": message.style,
                    "strength": message.strength,
                    "model": LIVE,
                    "painting": self._paintings,
                }
                preview = await self._previews.frame(frame, paint, longest=longest)
            except FlamingoError as error:
                await self._tell({"what": error.what, "why": error.why, "hint": error.hint})
                continue
            await self._socket.send_bytes(preview.jpeg)
            pace.took(time.monotonic() - begun)
            count += 1
            now = time.monotonic()
            if now - since >= 1 or count == 1:
                fps = count / max(now - since, 1e-3)
                await self._tell({"fps": round(fps, 1), "longest": longest, "ms": round(1000 * pace.seconds)})
                count, since = 0, now

    async def _tell(self, message: dict[str, Any]) -> None:
        with suppress(RuntimeError):  # it has just closed
            await self._socket.send_text(json.dumps(message))
