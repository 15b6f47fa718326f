"""Pictures in and out: orientation, colour profiles, transparency, bit depth, metadata, limits and names.

    picture = read("photo.jpg")
    notes = write(picture.with_rgb(paint(picture.rgb)), "painting.png", never=[Path("photo.jpg")])

Nothing is lost in silence: what could not be kept stands in `Picture.notes` or in what `write` returns.
"""

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
