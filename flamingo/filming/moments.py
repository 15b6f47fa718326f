"""When photos were taken, out of their EXIF data, and in which order that puts them.

EXIF writes the time on a camera's clock, and beside it, if the camera knows, parts of a second and how far that clock
is from UTC (CIPA DC-008, 4.6.5, tables 5 and 8). Photos that say their offset are compared as moments. One that does
not is taken to have been made under the offset of the photo that says one and is nearest by its clock, since people
travel with their cameras; if none says an offset, clocks are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from flamingo.images.exif import EXIF, MAIN, Block

__all__ = ["apart", "clock", "in_order", "moment", "taken"]

# Date and time; its offset, and parts of its second: as taken, as made digital, as last changed.
_TAGS = (
    (EXIF, 0x9003, (0x9011, 0x9010, 0x9012), 0x9291),
    (EXIF, 0x9004, (0x9012, 0x9010, 0x9011), 0x9292),
    (MAIN, 0x0132, (0x9010, 0x9011, 0x9012), 0x9290),
)
_FORM = re.compile(
    r"\s*(\d{4})[-:/.](\d{1,2})[-:/.](\d{1,2})"
    r"(?:[T\s]+(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,](\d+))?)?)?"
    r"\s*(Z|[+-]\d{1,2}:?\d{2})?\s*",
    re.IGNORECASE,
)
_FAREST = timedelta(hours=26)  # between two clocks on earth


def taken(block: Block) -> str:
    """When a photo was taken, as 2026:07:14 18:30:00, with .123 and +02:00 where they are known; "" if it does not
    say so, or nothing that is a date."""
    for folder, tag, offsets, parts in _TAGS:
        match = _FORM.fullmatch(block.text(folder, tag))
        when = _date(match) if match else None
        if match is None or when is None:
            continue
        fraction = match[7] or block.text(EXIF, parts)
        fraction = fraction if fraction.isascii() and fraction.isdigit() else ""
        offset = (
            _offset(match[8]) if match[8] else next(filter(None, (_offset(block.text(EXIF, o)) for o in offsets)), "")
        )
        return f"{when:%Y:%m:%d %H:%M:%S}{'.' + fraction[:6] if fraction else ''}{offset}"
    return ""


def _date(match: re.Match[str]) -> datetime | None:
    numbers = [int(part) if part else 0 for part in match.groups()[:6]]
    if not numbers[0]:
        return None
    numbers[5] = min(numbers[5], 59)  # a leap second
    try:
        return datetime(*numbers)  # type: ignore[arg-type]
    except ValueError:
        return None


def _offset(text: str) -> str:
    """An offset from UTC as +02:00, or "" if it is none."""
    text = text.strip()
    if text.upper() == "Z":
        return "+00:00"
    match = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})", text)
    if not match or int(match[2]) > 14 or int(match[3]) > 59:
        return ""
    return f"{match[1]}{int(match[2]):02d}:{match[3]}"


def clock(when: str) -> datetime | None:
    """The time on the camera's clock that `taken` has told."""
    match = _FORM.fullmatch(when)
    date = _date(match) if match else None
    if match is None or date is None:
        return None
    return date + timedelta(seconds=float(f"0.{match[7] or 0}"))


def _zone(when: str) -> timezone | None:
    match = _FORM.fullmatch(when)
    text = _offset(match[8]) if match and match[8] else ""
    if not text:
        return None
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def moment(when: str, among: Iterable[str] = ()) -> datetime | None:
    """The moment in UTC. among: of other photos, whose offset it takes if it says none."""
    date = clock(when)
    if date is None:
        return None
    zone = _zone(when)
    if zone is None:
        near = [(abs(other - date), zoned) for other, zoned in _zoned(among)]
        zone = min(near, key=lambda candidate: candidate[0])[1] if near else UTC
    return (
        date.replace(tzinfo=zone).astimezone(UTC) if datetime.min + _FAREST < date < datetime.max - _FAREST else None
    )


def _zoned(among: Iterable[str]) -> list[tuple[datetime, timezone]]:
    zoned = []
    for when in among:
        date, zone = clock(when), _zone(when)
        if date is not None and zone is not None:
            zoned.append((date, zone))
    return zoned


def in_order(photos: list[str]) -> list[int]:
    """The places of these times in the order of their moments; equal ones stay as they are. Those that cannot be told
    come last."""
    late = datetime.max.replace(tzinfo=UTC)
    moments = [moment(when, photos) or late for when in photos]
    return sorted(range(len(photos)), key=lambda i: moments[i])


def apart(first: str, second: str) -> timedelta | None:
    """The time between two photos; None where one of them does not say when it was taken."""
    a, b = moment(first, (second,)), moment(second, (first,))
    return None if a is None or b is None else abs(a - b)
