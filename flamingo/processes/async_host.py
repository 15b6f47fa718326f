"""A host for asyncio: a `Host` whose requests are waited for in a thread."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from flamingo.processes.host import Host

__all__ = ["AsyncHost"]


class AsyncHost(AbstractAsyncContextManager["AsyncHost"]):
    """One child process, which answers one request at a time; who asks meanwhile waits.

    Args:
        host: used by nobody else.
        idle: seconds without a request after which the process ends.

    Attributes:
        waiting: how many requests are being answered or wait for their turn.
    """

    def __init__(self, host: Host, idle: float) -> None:
        self._host, self._idle, self.waiting = host, idle, 0
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def request(self, header: dict[str, Any], payload: bytes = b"", **how: Any) -> tuple[dict[str, Any], bytes]:
        """The response to a request, as `Host.request` has it."""
        self.waiting += 1
        try:
            await self._turn.acquire()
            answering = asyncio.create_task(asyncio.to_thread(self._host.request, header, payload, **how))
            answering.add_done_callback(self._over)
            # Who loses interest must not end the process: its response is waited for, or it would be the next one's.
            return await asyncio.shield(answering)
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        """End the process."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.to_thread(self._host.end)

    def _over(self, answering: asyncio.Task[Any]) -> None:
        self._turn.release()
        if not answering.cancelled():
            answering.exception()  # seen, even if nobody waits for it any more
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._idle, lambda: loop.create_task(self._close_if_idle()))

    async def _close_if_idle(self) -> None:
        async with self._turn:
            if self.waiting == 0:
                await self.close()
