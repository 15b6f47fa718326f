"""Pictures in and out: orientation, colour profiles, transparency, bit depth, metadata, limits and names.

    picture = read("photo.jpg")
    notes = write(picture.with_rgb(paint(picture.rgb)), "painting.png", never=[Path("photo.jpg")])

Nothing is lost in silence: what could not be kept stands in `Picture.notes` or in what `write` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flamingo.lazy import on_demand

if TYPE_CHECKING:
    from flamingo.images.formats import READ_SUFFIXES, WRITE_SUFFIXES
    from flamingo.images.guard import warm_up
    from flamingo.images.limits import Limits
    from flamingo.images.naming import Others, left_out, pictures_in, plan_outputs
    from flamingo.images.opening import open
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
    "open",
    "pictures_in",
    "plan_outputs",
    "read",
    "to_bytes",
    "warm_up",
    "write",
]

# On demand, since processes that only need to know which kinds of file there are import no decoder.
_HOMES = {
    "READ_SUFFIXES": "flamingo.images.formats",
    "WRITE_SUFFIXES": "flamingo.images.formats",
    "Limits": "flamingo.images.limits",
    "Others": "flamingo.images.naming",
    "Picture": "flamingo.images.picture",
    "from_bytes": "flamingo.images.reading",
    "left_out": "flamingo.images.naming",
    "open": "flamingo.images.opening",
    "pictures_in": "flamingo.images.naming",
    "plan_outputs": "flamingo.images.naming",
    "read": "flamingo.images.reading",
    "to_bytes": "flamingo.images.writing",
    "warm_up": "flamingo.images.guard",
    "write": "flamingo.images.writing",
}

__getattr__ = on_demand(__name__, _HOMES)
