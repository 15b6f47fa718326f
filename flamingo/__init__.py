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

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flamingo import errors, images
    from flamingo.client import Client
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

# Where each public name lives; it is imported when it is first asked for (PEP 562), so that a process which needs one
# verb, or the version alone, does not load numpy, pydantic and the networks' runtimes for the others.
_HOMES = {
    "Client": "flamingo.client:Client",
    "Composed": "flamingo.composing.verb:Composed",
    "Criticised": "flamingo.judging.verb:Criticised",
    "Feeler": "flamingo.feeling.feeler:Feeler",
    "Felt": "flamingo.feeling.feeler:Felt",
    "Filmed": "flamingo.filming.verb:Filmed",
    "FlamingoError": "flamingo.errors:FlamingoError",
    "Judged": "flamingo.feeling.verb:Judged",
    "Painted": "flamingo.painting.verb:Painted",
    "Painter": "flamingo.painting.painter:Painter",
    "Rating": "flamingo.grading.store:Rating",
    "Style": "flamingo.painting.styles:Style",
    "Verdict": "flamingo.provenance:Verdict",
    "compose": "flamingo.composing.verb:compose",
    "errors": "flamingo.errors",
    "feel": "flamingo.feeling.verb:feel",
    "film": "flamingo.filming.verb:film",
    "grades": "flamingo.grading.report:grades",
    "images": "flamingo.images",
    "judge": "flamingo.judging.verb:judge",
    "paint": "flamingo.painting.verb:paint",
    "personas": "flamingo.composing.personas:known",
    "rate": "flamingo.grading.verb:rate",
    "sheet": "flamingo.painting.sheet:sheet",
    "styles": "flamingo.painting.styles:styles",
    "verify": "flamingo.provenance:verify",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = home.partition(":")
    found = importlib.import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
