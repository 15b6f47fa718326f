"""The verb `serve`, defined once: the studio on this machine, for one's own browser or a whole household.

As for `paint`, the signature of `serve` is the definition: the command line makes its options from it. What it needs
is imported when it runs.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flamingo.errors import BadRequest, MissingExtra
from flamingo.options import checked

if TYPE_CHECKING:
    import uvicorn

    from flamingo.studio.settings import StudioSettings
    from flamingo.studio.state import Studio

__all__ = ["serve", "server_config"]

_ENDING = 3  # seconds for what is being answered when it ends


@checked
def serve(
    *,
    host: Annotated[
        str, Field(min_length=1, description="Address to listen at; 0.0.0.0 for the whole network, with a token.")
    ] = "127.0.0.1",
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen at; 0 for any that is free.")] = 5555,
    data: Annotated[
        Path | None,
        Field(description="Folder for photos and results; without it, studio in your data folder, or FLAMINGO_DATA."),
    ] = None,
    workers: Annotated[int, Field(ge=1, le=64, description="How many jobs to work on at a time.")] = 1,
    database: Annotated[
        str | None,
        Field(description="PostgreSQL URL; without it FLAMINGO_DATABASE, or SQLite in the folder."),
    ] = None,
    token: Annotated[
        str | None,
        Field(
            min_length=8,
            pattern=r"^[\x21-\x7e]+$",
            description="What a browser must know; without it FLAMINGO_TOKEN, or a new one if it listens to others.",
        ),
    ] = None,
    allow_host: Annotated[
        tuple[str, ...], Field(description="Another name by which the studio may be called, behind a proxy say.")
    ] = (),
    quota: Annotated[
        float | None, Field(gt=0, allow_inf_nan=False, description="GB that all files together may take.")
    ] = None,
    queue: Annotated[int, Field(ge=1, description="How many jobs may wait.")] = 200,
    rate: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="Requests that change something, a second and client.")
    ] = 20.0,
    curated: Annotated[bool, Field(description="Hang a few works in a new collection, made when it is idle.")] = True,
    open: Annotated[bool, Field(description="Open it in the browser.")] = False,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Start the studio: pages for the browser, and an API, on this machine.

    Returns when it is told to end (Ctrl-C, SIGTERM); jobs that were at work wait for the next start. on_start is
    called with the address once requests are taken. Raises BadRequest if the port is taken or the address is not this
    machine's, and DatabaseError.
    """
    settings = _settings(host, port, data, workers, database, token, allow_host, quota, queue, rate, curated)
    listening = _listen(settings)
    with listening:
        _run(settings, listening, open, on_start)


def _settings(
    host: str,
    port: int,
    data: Path | None,
    workers: int,
    database: str | None,
    token: str | None,
    hosts: tuple[str, ...],
    quota: float | None,
    queue: int,
    rate: float,
    curated: bool,
) -> StudioSettings:
    try:
        from flamingo.jobs import Settings
        from flamingo.studio.settings import Limits, StudioSettings, is_loopback
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "the studio", f"needs {error.name}, which is not installed", "pip install flamingo-art"
        ) from None
    token = token or os.environ.get("FLAMINGO_TOKEN") or None
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(18)
    jobs = Settings.of(data, database, quota=None if quota is None else int(quota * 1e9))
    limits = Limits(waiting=queue, uploads=(rate, int(30 * rate)), writes=(rate, int(10 * rate)))
    return StudioSettings(jobs, host, port, token, hosts, workers, limits=limits, curated=curated)


def _listen(settings: StudioSettings) -> socket.socket:
    where = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except OSError:
        raise BadRequest(where, "there is no such address", "leave --host out, or give this machine's") from None
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(512)
    except (OSError, OverflowError) as error:
        listening.close()
        taken = getattr(error, "errno", None) in (98, 48, 10048)
        why = "something else listens there" if taken else (getattr(error, "strerror", "") or str(error)).lower()
        hint = "end that, or choose another port with --port" if taken else "choose another --host or --port"
        raise BadRequest(where, why, hint) from None
    return listening


def _run(
    settings: StudioSettings, listening: socket.socket, browse: bool, on_start: Callable[[str], None] | None
) -> None:
    from dataclasses import replace

    from flamingo.studio.state import Studio

    settings = replace(settings, port=int(listening.getsockname()[1]))
    with Studio(settings) as studio:
        server = _server(
            server_config(studio), lambda: _started(settings.address, browse, on_start), studio.stopping.set
        )
        # Threads that compute hand over to the one that answers after 1 ms in place of 5.
        sys.setswitchinterval(0.001)
        with suppress(KeyboardInterrupt):  # which is how it is told to end
            server.run(sockets=[listening])


def server_config(studio: Studio, **more: Any) -> uvicorn.Config:
    """How the web server is set up for a studio that is open. more: of its own settings."""
    import uvicorn

    from flamingo.studio.app import create_app

    settings: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # whoever asks could say that it is somebody else
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": _ENDING,
        "h11_max_incomplete_event_size": 1 << 16,
        "ws_max_size": 8 << 20,
    }
    return uvicorn.Config(create_app(studio), **{**settings, **more})


def _server(config: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        """Says when requests are taken, and lets streams of events end before it waits for them."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if not self.should_exit:
                started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending()
            await super().shutdown(sockets=sockets)

    return Server(config)


def _started(address: str, browse: bool, on_start: Callable[[str], None] | None) -> None:
    if on_start is not None:
        on_start(address)
    if browse:
        import webbrowser

        webbrowser.open(address)
