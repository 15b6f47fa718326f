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

from typing import TYPE_CHECKING

from flamingo.lazy import on_demand

if TYPE_CHECKING:
    from flamingo import errors, images
    from flamingo.client import Client
    from flamingo.composing.api import compose
    from flamingo.composing.personas import known as personas
    from flamingo.composing.result import ComposeResult
    from flamingo.errors import FlamingoError
    from flamingo.filming.api import film
    from flamingo.filming.result import FilmResult
    from flamingo.mood.api import FeelResult, feel
    from flamingo.mood.model import MoodEstimate, MoodModel
    from flamingo.painting.api import paint
    from flamingo.painting.painter import Painter
    from flamingo.painting.result import PaintResult
    from flamingo.painting.sheet import sheet
    from flamingo.painting.styles import Style, styles
    from flamingo.provenance import Verdict, verify
    from flamingo.quality.api import JudgeResult, judge
    from flamingo.ratings.api import rate
    from flamingo.ratings.report import grades
    from flamingo.ratings.store import Rating

__version__ = "0.2.0"

__all__ = [
    "Client",
    "ComposeResult",
    "FeelResult",
    "FilmResult",
    "FlamingoError",
    "JudgeResult",
    "MoodEstimate",
    "MoodModel",
    "PaintResult",
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

# Where each public name lives; it is imported when it is first asked for (PEP 562), so that a process which needs one
# verb, or the version alone, does not load numpy, pydantic and the networks' runtimes for the others.
_HOMES = {
    "Client": "flamingo.client",
    "ComposeResult": "flamingo.composing.result",
    "FeelResult": "flamingo.mood.api",
    "FilmResult": "flamingo.filming.result",
    "FlamingoError": "flamingo.errors",
    "JudgeResult": "flamingo.quality.api",
    "MoodEstimate": "flamingo.mood.model",
    "MoodModel": "flamingo.mood.model",
    "PaintResult": "flamingo.painting.result",
    "Painter": "flamingo.painting.painter",
    "Rating": "flamingo.ratings.store",
    "Style": "flamingo.painting.styles",
    "Verdict": "flamingo.provenance",
    "compose": "flamingo.composing.api",
    "errors": "flamingo.errors:",
    "feel": "flamingo.mood.api",
    "film": "flamingo.filming.api",
    "grades": "flamingo.ratings.report",
    "images": "flamingo.images:",
    "judge": "flamingo.quality.api",
    "paint": "flamingo.painting.api",
    "personas": "flamingo.composing.personas:known",
    "rate": "flamingo.ratings.api",
    "sheet": "flamingo.painting.sheet",
    "styles": "flamingo.painting.styles",
    "verify": "flamingo.provenance",
}

__getattr__ = on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
