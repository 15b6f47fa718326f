"""Pictures in and out: orientation, colour profiles, transparency, bit depth, metadata, limits and names.

    picture = read("photo.jpg")
    notes = write(picture.with_rgb(paint(picture.rgb)), "painting.png", never=[Path("photo.jpg")])

Nothing is lost in silence: what could not be kept stands in `Picture.notes` or in what `write` returns.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flamingo.images.formats import READ_SUFFIXES, WRITE_SUFFIXES
    from flamingo.images.guard import warm_up
    from flamingo.images.limits import Limits
    from flamingo.images.naming import Others, left_out, pictures_in, plan_outputs
    from flamingo.images.picture import Picture
    from flamingo.images.reading import from_bytes, read
    from flamingo.images.writing import to_bytes, write

__all__ = [
    "READ_SUFFIXES",
    "WRITE_SUFFIXES",
    "Limits",
    "Others",
    "Picture",
    "from_bytes",
    "left_out",
    "pictures_in",
    "plan_outputs",
    "read",
    "to_bytes",
    "warm_up",
    "write",
]

_MODULES = {
    "READ_SUFFIXES": "formats",
    "WRITE_SUFFIXES": "formats",
    "Limits": "limits",
    "Others": "naming",
    "Picture": "picture",
    "from_bytes": "reading",
    "left_out": "naming",
    "pictures_in": "naming",
    "plan_outputs": "naming",
    "read": "reading",
    "to_bytes": "writing",
    "warm_up": "guard",
    "write": "writing",
}


def __getattr__(name: str) -> Any:
    # On demand, since processes that only need to know which kinds of file there are import no decoder.
    if name in _MODULES:
        value = getattr(importlib.import_module(f"flamingo.images.{_MODULES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
