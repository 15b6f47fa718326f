"""Addresses of the studio: the path that it is served under, and those under which other devices reach it."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from contextvars import ContextVar

from flamingo.errors import BadRequest

__all__ = ["ROOT", "addresses", "at", "checked_root", "names", "others"]

ROOT: ContextVar[str] = ContextVar("flamingo_root", default="")
"""The path that the request at hand reached the studio under: "" or such as "/flamingo", behind a proxy."""

_VIRTUAL = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "ifb", "tun", "utun", "awdl", "llw")
"""Beginnings of the names of network cards that other devices do not reach."""

_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")


def at(path: str) -> str:
    """An address of this studio, such as "/paint", as the browser must ask for it."""
    return ROOT.get() + path


def checked_root(path: str) -> str:
    """The path to be served under, without the slash at its end. Raises BadRequest for what is none."""
    root = path.strip().rstrip("/")
    if len(root) > 200 or not _PATH.fullmatch(root):
        raise BadRequest(f"root path {path!r}"[:80], "it is no path", "give one such as /flamingo")
    return root


def addresses() -> list[str]:
    """IP addresses of this machine's network cards, loopback included, without zones."""
    return [address for address, _ in _cards()]


def names() -> list[str]:
    """The names of this machine: as it calls itself, in full, and as its neighbours find it (mDNS)."""
    host_names = [socket.gethostname(), socket.getfqdn()]
    label = host_names[0].partition(".")[0]
    if label and label.lower() != "localhost":
        host_names.append(f"{label}.local")
    return list(dict.fromkeys(name.lower().rstrip(".") for name in host_names if name))


def others(host: str) -> list[str]:
    """What other devices can call this machine if the studio listens at `host`: its addresses in the local network,
    the one of the way out first, and its name in the local network last."""
    inside = host.strip("[]")
    if inside not in ("0.0.0.0", "::", ""):
        return [inside]
    addresses = [address for address, card in _cards() if not card.startswith(_VIRTUAL) and _reachable(address)]
    usual = _usual()
    addresses.sort(
        key=lambda address: (address != usual, ":" in address, not ipaddress.ip_address(address).is_private)
    )
    return addresses + [name for name in names() if name.endswith(".local")]


def _cards() -> list[tuple[str, str]]:
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    return [
        (card_address.address.partition("%")[0], name)
        for name, card in psutil.net_if_addrs().items()
        for card_address in card
        if card_address.family in (socket.AF_INET, socket.AF_INET6) and name in up
    ]


def _reachable(address: str) -> bool:
    """Whether another device can open it. A link-local address of IPv6 needs a zone, which is none of a URL's."""
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast)


def _usual() -> str:
    """The address that this machine uses towards others. Nothing is sent: connecting a UDP socket only chooses."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))
        return str(asking.getsockname()[0])
    return ""
