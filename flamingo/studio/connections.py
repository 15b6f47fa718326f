"""Connections that do not speak: the head of a request has a time limit, and one client may have so many at once.

uvicorn waits for ever for a request to come, and takes as many connections as the system gives it files: some hundred
half-sent requests of one device would shut everybody out. When a client has too many, its oldest one without a
request at work is closed for the new one, so that who comes back is let in.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import json
from collections.abc import Sequence
from typing import Any

from flamingo.studio.settings import Limits

__all__ = ["protocol"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def protocol(limits: Limits, trusted: Sequence[_Network]) -> type[asyncio.Protocol]:
    """uvicorn's protocol for HTTP, with the limits. trusted: proxies, which speak for many clients and are not
    counted."""
    base: Any = _base()
    clients: dict[str, list[Any]] = {}

    class Limited(base):  # type: ignore[misc]
        _late: asyncio.TimerHandle | None = None
        _client = ""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._client = self._counted()
            if self._client and not self._room():
                transport.write(_refusal())
                transport.close()
                return
            if self._client:
                clients.setdefault(self._client, []).append(self)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            self._forget()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.busy or self.transport.get_protocol() is not self:  # or it speaks another protocol from now on
                self._rest()
            elif self._late is None and not self.transport.is_closing():
                self._wait()

        @property
        def busy(self) -> bool:
            """Whether a request is being answered."""
            return self.cycle is not None and not self.cycle.response_complete

        def _wait(self) -> None:
            self._late = asyncio.get_running_loop().call_later(limits.head_seconds, self._end)

        def _rest(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _end(self) -> None:
            self._late = None
            if not self.busy and not self.transport.is_closing():
                self.transport.close()

        def _counted(self) -> str:
            """Who it is: the address, or for IPv6 the network; "" for whom nobody counts."""
            try:
                address: Any = ipaddress.ip_address(str(self.client[0]).partition("%")[0])
            except (ValueError, TypeError, IndexError):
                return ""
            address = getattr(address, "ipv4_mapped", None) or address
            if any(address in network for network in trusted):
                return ""
            return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))

        def _room(self) -> bool:
            """Whether one more fits, made to if need be."""
            its = [
                connection for connection in clients.get(self._client, ()) if not connection.transport.is_closing()
            ]
            clients[self._client] = its
            if len(its) < limits.connections:
                return True
            idle = next(
                (
                    connection
                    for connection in its
                    if not connection.busy and connection.transport.get_protocol() is connection
                ),
                None,
            )
            if idle is None:
                return False
            its.remove(idle)
            idle.transport.close()
            return True

        def _forget(self) -> None:
            its = clients.get(self._client)
            if its is not None:
                if self in its:
                    its.remove(self)
                if not its:
                    del clients[self._client]

    return Limited


def _base() -> Any:
    """What uvicorn would take by itself."""
    try:
        importlib.import_module("httptools")
    except ImportError:
        return importlib.import_module("uvicorn.protocols.http.h11_impl").H11Protocol
    return importlib.import_module("uvicorn.protocols.http.httptools_impl").HttpToolsProtocol


def _refusal() -> bytes:
    what, why = "too many connections", "this client has as many open as one may have"
    problem = {
        "type": "urn:flamingo:too-many",
        "title": "Service Unavailable",
        "status": 503,
        "what": what,
        "why": why,
    }
    problem |= {"hint": "close some", "detail": f"{what}: {why}; close some"}
    body = json.dumps(problem).encode()
    head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
    return f"{head}Retry-After: 5\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
