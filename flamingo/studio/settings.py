"""What the studio's server is told when it starts: where it listens, who may use it, and how much of it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field

from flamingo.jobs import Settings

__all__ = ["Limits", "StudioSettings", "is_loopback"]


@dataclass(frozen=True)
class Limits:
    """How much may come in.

    file_bytes, pixels: of one file; files, album_bytes, ratio: of one album, a zip file: how many files, how many
    bytes packed, and how many times as many unpacked. decode_seconds: processor time that looking at one file may
    take; body_bytes: of a request that brings no file; patience: seconds between two pieces of a request.

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
    waiting: int = 200
    uploads: tuple[float, int] = (20.0, 600)
    writes: tuple[float, int] = (20.0, 200)
    at_once: int = 16


@dataclass(frozen=True)
class StudioSettings:
    """jobs: data folder, database and limits of the work; host, port: where to listen; token: what who asks must
    know, or None; hosts: names, beside the address itself, by which the studio may be called; workers: processes
    that work; inspectors: processes that look at uploads; curated: whether a few works of ours hang in a new
    collection."""

    jobs: Settings
    host: str = "127.0.0.1"
    port: int = 5555
    token: str | None = None
    hosts: tuple[str, ...] = ()
    workers: int = 1
    inspectors: int = 2
    limits: Limits = field(default_factory=Limits)
    curated: bool = False

    @property
    def known_hosts(self) -> frozenset[str]:
        """Names that a request may give as its host, in lower case. A page elsewhere can make a name of its own lead
        to this machine (DNS rebinding), so any other name is refused."""
        names = {self.host.strip("[]"), *self.hosts, "localhost", "127.0.0.1", "::1"}
        if not is_loopback(self.host):
            names |= {socket.gethostname(), socket.getfqdn(), *_addresses()}
        return frozenset(name.strip("[]").lower() for name in names)

    @property
    def address(self) -> str:
        """What to open in a browser on this machine, with the token if there is one."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def is_loopback(host: str) -> bool:
    """Whether what listens there can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _addresses() -> set[str]:
    """Of this machine's network cards."""
    import psutil

    return {
        each.address.partition("%")[0]
        for card in psutil.net_if_addrs().values()
        for each in card
        if each.family in (socket.AF_INET, socket.AF_INET6)
    }
