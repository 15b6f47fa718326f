"""Flamingo turns photos into art and gives that art its own music.

The public API is what `__all__` lists; everything else may change between versions.

    import flamingo
    flamingo.paint(["cat.jpg"], style="starry-night", strength=0.8, output="cat-at-night.jpg")

    flamingo.compose(persona="beethoven", seconds=30, mood="calm", output="piece.mp3")

    painter = flamingo.Painter("fine")
    painted = painter.paint(rgb, style="great-wave")    # float arrays (H, W, 3) in [0, 1]

    with flamingo.Client("http://127.0.0.1:5555") as studio:        # one that `flamingo serve` has started
        studio.paint("cat.jpg", style="great-wave").wait().download("painted")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flamingo import errors, images
from flamingo.composing.personas import known as personas
from flamingo.composing.verb import Composed, compose
from flamingo.errors import FlamingoError
from flamingo.feeling.feeler import Feeler, Felt
from flamingo.feeling.verb import Judged, feel
from flamingo.filming.verb import Filmed, film
from flamingo.grading.report import grades
from flamingo.grading.store import Rating
from flamingo.grading.verb import rate
from flamingo.judging.verb import Criticised, judge
from flamingo.painting.painter import Painter
from flamingo.painting.sheet import sheet
from flamingo.painting.styles import Style, styles
from flamingo.painting.verb import Painted, paint
from flamingo.provenance import Verdict, verify

if TYPE_CHECKING:
    from flamingo.client import Client

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Composed",
    "Criticised",
    "Feeler",
    "Felt",
    "Filmed",
    "FlamingoError",
    "Judged",
    "Painted",
    "Painter",
    "Rating",
    "Style",
    "Verdict",
    "__version__",
    "compose",
    "errors",
    "feel",
    "film",
    "grades",
    "images",
    "judge",
    "paint",
    "personas",
    "rate",
    "sheet",
    "styles",
    "verify",
]


def __getattr__(name: str) -> Any:
    # On demand, for it needs an HTTP library that nothing else here does.
    if name == "Client":
        from flamingo.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
