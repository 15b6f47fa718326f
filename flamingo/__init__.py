"""Flamingo turns photos into art and gives that art its own music.

The public API is what `__all__` lists; everything else may change between versions.

    import flamingo
    flamingo.paint(["cat.jpg"], style="starry-night", strength=0.8, output="cat-at-night.jpg")

    flamingo.compose(persona="beethoven", seconds=30, mood="calm", output="piece.mp3")

    painter = flamingo.Painter("fine")
    painted = painter.paint(rgb, style="great-wave")    # float arrays (H, W, 3) in [0, 1]
"""

from flamingo import errors, images
from flamingo.composing.personas import known as personas
from flamingo.composing.verb import Composed, compose
from flamingo.errors import FlamingoError
from flamingo.painting.painter import Painter
from flamingo.painting.sheet import sheet
from flamingo.painting.styles import Style, styles
from flamingo.painting.verb import Painted, paint

__version__ = "0.1.0"

__all__ = [
    "Composed",
    "FlamingoError",
    "Painted",
    "Painter",
    "Style",
    "__version__",
    "compose",
    "errors",
    "images",
    "paint",
    "personas",
    "sheet",
    "styles",
]
