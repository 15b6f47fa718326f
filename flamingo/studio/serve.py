"""The verb `serve`: the studio on this machine, for one's own browser or a whole household.

Its options are those of `ServeOptions` (see flamingo.options). What it needs is imported when it runs.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flamingo.errors import BadRequest, MissingExtra, show
from flamingo.options import STRICT, verb
from flamingo.settings import SHORTEST_TOKEN, TOKEN, TOKEN_PATTERN, is_token

if TYPE_CHECKING:
    import uvicorn

    from flamingo.studio.settings import StudioSettings
    from flamingo.studio.state import Studio

__all__ = ["Opened", "serve", "server_config"]

_ENDING = 3  # seconds for what is being answered when it ends
_MOST_FILES = 65536


@dataclass(frozen=True)
class Opened:
    """A studio that takes requests. address: for this machine; others: for other devices, the likeliest first, none
    if it listens to this machine alone; each with the token. certificate: the SHA-256 of that of TLS, or "": own:
    whether that was made here."""

    address: str
    others: tuple[str, ...] = ()
    certificate: str = ""
    own: bool = False


@dataclass(frozen=True)
class ServeOptions:
    """The options of `serve`: see `flamingo.serve`."""

    _: KW_ONLY
    host: Annotated[
        str, Field(min_length=1, description="Address to listen at; 0.0.0.0 for the whole network, with a token.")
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen at; 0 for any that is free.")] = 5555
    data: Annotated[
        Path | None,
        Field(description="Folder for photos and results; without it, studio in your data folder, or FLAMINGO_DATA."),
    ] = None
    workers: Annotated[int, Field(ge=1, le=64, description="How many jobs to work on at a time.")] = 1
    database: Annotated[
        str | None,
        Field(description="PostgreSQL URL; without it FLAMINGO_DATABASE, or SQLite in the folder."),
    ] = None
    token: Annotated[
        str | None,
        Field(
            min_length=SHORTEST_TOKEN,
            pattern=TOKEN_PATTERN,
            description="What a browser must know, 12 characters or more; without it FLAMINGO_TOKEN, or, for a whole "
            "network, one that is made once and kept in the folder.",
        ),
    ] = None
    new_token: Annotated[bool, Field(description="Make a new token in place of the kept one.")] = False
    tls: Annotated[
        bool, Field(description="Speak https, with a certificate of its own, so that phones may use the camera.")
    ] = False
    tls_cert: Annotated[
        Path | None, Field(description="Speak https with this certificate: a PEM file with its chain.")
    ] = None
    tls_key: Annotated[Path | None, Field(description="The key of that certificate, a PEM file.")] = None
    root_path: Annotated[
        str, Field(max_length=200, description="Path that a proxy serves the studio under, such as /flamingo.")
    ] = ""
    trusted_proxy: Annotated[
        tuple[str, ...],
        Field(description="Address or network of a proxy whose X-Forwarded headers are believed."),
    ] = ()
    allow_host: Annotated[
        tuple[str, ...], Field(description="Another name by which the studio may be called, behind a proxy say.")
    ] = ()
    quota: Annotated[
        float | None, Field(gt=0, allow_inf_nan=False, description="GB that all files together may take.")
    ] = None
    queue: Annotated[int, Field(ge=1, description="How many jobs may wait.")] = 200
    rate: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="Requests that change something, a second and client.")
    ] = 20.0
    curated: Annotated[bool, Field(description="Hang a few works in a new collection, made when it is idle.")] = True
    open: Annotated[bool, Field(description="Open it in the browser.")] = False
    on_start: Callable[[str], None] | None = None
    on_open: Callable[[Opened], None] | None = None
    __pydantic_config__ = STRICT


@verb(ServeOptions)
def serve(options: ServeOptions) -> None:
    """Start the studio: pages for the browser, and an API, on this machine.

    Returns when it is told to end (Ctrl-C, SIGTERM); jobs that were at work wait for the next start. on_start is
    called with the address once requests are taken, and on_open with all of them. Raises BadRequest if the port is
    taken or the address is not this machine's, and DatabaseError.
    """
    _open_more_files()
    settings = _settings(options)
    settings = _with_proxy(settings, options.root_path, options.trusted_proxy)
    with ExitStack() as stack:
        listening = [stack.enter_context(listener) for listener in _listen(settings)]
        settings = _with_token(settings, options.new_token)
        settings = _with_tls(settings, options.tls, options.tls_cert, options.tls_key)
        _run(settings, listening, options.open, options.on_start, options.on_open)


def _settings(options: ServeOptions) -> StudioSettings:
    try:
        from flamingo.jobs import Settings
        from flamingo.studio.settings import Limits, StudioSettings
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "the studio", f"needs {error.name}, which is not installed", "pip install flamingo-art"
        ) from None
    token = options.token
    if token is None:
        token = TOKEN.value()
    quota = None if options.quota is None else int(options.quota * 1e9)
    jobs = Settings.of(options.data, options.database, quota=quota)
    limits = Limits(
        waiting=options.queue,
        uploads=(options.rate, int(30 * options.rate)),
        writes=(options.rate, int(10 * options.rate)),
    )
    return StudioSettings(
        jobs, options.host, options.port, token, options.allow_host, options.workers,
        limits=limits, curated=options.curated,
    )  # fmt: skip


def _with_proxy(settings: StudioSettings, root: str, proxies: Sequence[str]) -> StudioSettings:
    from dataclasses import replace

    from flamingo.studio.address import checked_root

    trusted = []
    for proxy in proxies:
        try:
            trusted.append(ipaddress.ip_network(proxy.strip("[]"), strict=False))
        except ValueError:
            raise BadRequest(
                f"trusted proxy {proxy!r}"[:80], "it is no IP address or network", "give one such as 127.0.0.1"
            ) from None
    return replace(settings, root_path=checked_root(root), trusted=tuple(trusted))


def _with_token(settings: StudioSettings, new: bool) -> StudioSettings:
    """The token that is kept in the data folder, made if there is none, if others can reach the studio and none was
    given; and the secret that cookies are made with. Raises OutputError."""
    from dataclasses import replace

    from flamingo.private import private_folder
    from flamingo.studio.settings import is_loopback

    data = settings.jobs.data
    try:
        private_folder(data)
    except OSError as error:
        why = (error.strerror or "it cannot be made").lower()
        why = f"the data folder cannot be made ({why})"
        raise BadRequest(show(data), why, "name another one with --data") from None
    secret = _stored_secret(data / "cookie-secret", lambda: secrets.token_hex(32), new).encode()
    token = settings.token
    if token is None and (new or not is_loopback(settings.host)):
        token = _stored_secret(data / "token", lambda: secrets.token_urlsafe(18), new)
        if is_loopback(settings.host):
            token = None  # it is renewed for the next time that others can reach the studio
    return replace(settings, token=token, secret=secret)


def _stored_secret(file: Path, make: Callable[[], str], new: bool) -> str:
    """What is kept in a file for its owner alone; made if there is none that can be used, or if a new one is asked
    for."""
    from flamingo.private import make_private, write_private

    if not new:
        with suppress(OSError, UnicodeDecodeError):
            token = file.read_text(encoding="ascii").strip()
            if is_token(token):
                make_private(file)
                return token
    value = make()
    write_private(file, f"{value}\n".encode())
    return value


def _with_tls(settings: StudioSettings, own: bool, chain: Path | None, key: Path | None) -> StudioSettings:
    from dataclasses import replace

    from flamingo.studio import tls

    if (chain is None) != (key is None):
        raise BadRequest("the certificate", "it needs its key, and the key it", "give both --tls-cert and --tls-key")
    if chain is not None and key is not None:
        return replace(settings, certificate=tls.given(chain, key))
    if own:
        return replace(settings, certificate=tls.own(settings.jobs.data, sorted(settings.known_hosts)))
    return settings


def _listen(settings: StudioSettings) -> list[socket.socket]:
    """Sockets that listen: at the address; for all of IPv4, also at all of IPv6 where there is such."""
    first = _listen_at(settings.host.strip("[]"), settings.port)
    if settings.host != "0.0.0.0":
        return [first]
    with suppress(BadRequest):
        return [first, _listen_at("::", int(first.getsockname()[1]), alone=True)]
    return [first]


def _listen_at(host: str, port: int, alone: bool = False) -> socket.socket:
    where = f"{host}:{port}"
    try:
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = candidates[0]
        listening = socket.socket(family, kind, protocol)
    except OSError:
        raise BadRequest(where, "there is no such address", "leave --host out, or give this machine's") from None
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # "::" is all addresses, those of IPv4 too, unless those have a socket already
            with suppress(OSError):
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(alone))
        listening.bind(address)
        listening.listen(512)
    except (OSError, OverflowError) as error:
        listening.close()
        in_use = getattr(error, "errno", None) in (98, 48, 10048)
        why = "something else listens there" if in_use else (getattr(error, "strerror", "") or str(error)).lower()
        hint = "end that, or choose another port with --port" if in_use else "choose another --host or --port"
        raise BadRequest(where, why, hint) from None
    return listening


def _open_more_files() -> None:
    """Each connection takes a file descriptor, and the usual limit of 1,024 is soon used up: take what the system
    allows."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # macOS refuses more than its own limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _run(
    settings: StudioSettings,
    listening: list[socket.socket],
    browse: bool,
    on_start: Callable[[str], None] | None,
    on_open: Callable[[Opened], None] | None,
) -> None:
    from dataclasses import replace

    from flamingo.studio.state import Studio

    settings = replace(settings, port=int(listening[0].getsockname()[1]))

    def started() -> None:
        if on_start is not None:
            on_start(settings.address)
        if on_open is not None:
            proof = settings.certificate
            certificate_facts = ("", False) if proof is None else (proof.fingerprint, proof.own)
            on_open(Opened(settings.address, tuple(settings.others), *certificate_facts))
        if browse:
            import webbrowser

            webbrowser.open(settings.address)

    with Studio(settings) as studio:
        server = _server(server_config(studio), started, studio.stopping.set)
        # Threads that compute hand over to the one that answers after 1 ms in place of 5.
        sys.setswitchinterval(0.001)
        with suppress(KeyboardInterrupt):  # which is how it is told to end
            server.run(sockets=listening)


def server_config(studio: Studio, **more: Any) -> uvicorn.Config:
    """How the web server is set up for a studio that is open. more: of its own settings."""
    import uvicorn

    from flamingo.studio import connections
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
        "http": connections.protocol(studio.settings.limits, studio.settings.trusted),
    }
    if (certificate := studio.settings.certificate) is not None:
        settings |= {"ssl_certfile": str(certificate.chain), "ssl_keyfile": str(certificate.key)}
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
