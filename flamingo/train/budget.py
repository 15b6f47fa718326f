"""Times as people write them: 25m, 90s, 3h. Every training is boxed by one."""

from __future__ import annotations

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: object) -> float:
    """25m, 90s, 3h or a number of seconds, as seconds. Raises ValueError, which says what is understood."""
    written = str(text).strip().lower()
    try:
        value = float(written[:-1]) * _UNITS[written[-1]] if written[-1:] in _UNITS else float(written)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise ValueError("give a time such as 25m, 90s or 3h")
    return value
