"""What the studio's server is told when it starts: where it listens, who may use it, and how much of it."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field

from flamingo.jobs import Settings
from flamingo.studio import address
from flamingo.studio.tls import Certificate

__all__ = ["Limits", "StudioSettings", "is_loopback", "plain_host"]


@dataclass(frozen=True)
class Limits:
    """How much may come in.

    file_bytes, pixels: of one file; files, album_bytes, ratio: of one album, a zip file: how many files, how many
    bytes packed, and how many times as many unpacked. decode_seconds: processor time that looking at one file may
    take; body_bytes: of a request that brings no file; patience: seconds between two pieces of a request.
    head_seconds: for the head of a request; connections: of one client that are open at once.

    waiting: jobs in the queue beyond which no more are taken. uploads and writes: (a second, at once) for one client,
    files that it sends and other requests that change something. at_once: uploads that are received side by side.
    """

    file_bytes: int = 50_000_000
    pixels: int = 50_000_000
    files: int = 500
    album_bytes: int = 1_000_000_000
    ratio: int = 100
    decode_seconds: float = 4.0
    body_bytes: int = 1_000_000
    patience: float = 30.0
    head_seconds: float = 10.0
    connections: int = 64
    waiting: int = 200
    uploads: tuple[float, int] = (20.0, 600)
    writes: tuple[float, int] = (20.0, 200)
    at_once: int = 16


@dataclass(frozen=True)
class StudioSettings:
    """jobs: data folder, database and limits of the work; host, port: where to listen; token: what who asks must
    know, or None; hosts: names, beside the address itself, by which the studio may be called; workers: processes
    that work; inspectors: processes that look at uploads; curated: whether a few works of ours hang in a new
    collection; root_path: the path that it is served under, "" or such as "/flamingo"; trusted: proxies that are
    believed what they say of a client; secret: what the cookies are made with; certificate: that of TLS, if it speaks
    that."""

    jobs: Settings
    host: str = "127.0.0.1"
    port: int = 5555
    token: str | None = None
    hosts: tuple[str, ...] = ()
    workers: int = 1
    inspectors: int = 2
    limits: Limits = field(default_factory=Limits)
    curated: bool = False
    root_path: str = ""
    trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    certificate: Certificate | None = None

    @property
    def known_hosts(self) -> frozenset[str]:
        """Names that a request may give as its host, in lower case. A page elsewhere can make a name of its own lead
        to this machine (DNS rebinding), so any other name is refused."""
        names = {self.host, *self.hosts, "localhost", "127.0.0.1", "::1"}
        if not is_loopback(self.host):
            names |= {*address.names(), *address.addresses()}
        return frozenset(plain_host(name) for name in names if plain_host(name))

    @property
    def scheme(self) -> str:
        """http, or https with a certificate."""
        return "http" if self.certificate is None else "https"

    @property
    def address(self) -> str:
        """What to open in a browser on this machine, with the token if there is one."""
        inside = self.host.strip("[]")
        return self.url("::1" if inside == "::" else "127.0.0.1" if inside in ("0.0.0.0", "") else inside)

    @property
    def others(self) -> list[str]:
        """What to open on other devices, the likeliest first; none if it listens to this machine alone."""
        return [] if is_loopback(self.host) else [self.url(name) for name in address.others(self.host)]

    def url(self, name: str) -> str:
        """What to open where this machine is called so."""
        host = f"[{name}]" if ":" in name else name
        return f"{self.scheme}://{host}:{self.port}{self.root_path}/" + (f"?token={self.token}" if self.token else "")


def plain_host(name: str) -> str:
    """A name as hosts are compared: in lower case, without brackets, port, and the dot that may end it."""
    name = name.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    return name.partition("%")[0].rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether what listens there can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
