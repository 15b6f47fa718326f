"""What a server must know of `paint` before it is carried out (see flamingo.verbs)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flamingo import weights
from flamingo.errors import BadRequest
from flamingo.painting import encoder, user_styles
from flamingo.painting.options import MODELS, with_effort
from flamingo.painting.request import method_of, parse_terms
from flamingo.verbs import NamedFile

__all__ = ["check", "check_styles", "is_short", "version"]

_SHORT_PIXELS, _SHORT_PATCHES = 2_500_000, 1_000_000


def version(parameters: Mapping[str, Any]) -> str:
    """The painter's version, and when each of one's own styles that is named was last changed."""
    named = [name for name in user_styles.names() if any(name in text for text in parameters["style"] or ())]
    changed = [f"{name}@{(user_styles.folder() / f'{name}.safetensors').stat().st_mtime_ns}" for name in named]
    return "+".join([str(weights.entry(f"painter-{parameters['model']}")["version"]), *changed])


def is_short(parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> bool:
    """Still pictures of 2.5 megapixels together, by the painter, take half a minute on a laptop; by patches it is
    one."""
    method, finish = with_effort(parameters.get("effort"), parameters["method"], parameters.get("finish"))
    if method in ("optimise", "dream") or finish:
        return False
    brought = method == "auto" and files.get("painting")
    most = _SHORT_PATCHES if brought or method == "patches" else _SHORT_PIXELS
    return sum(_pixels(file, parameters.get("size")) for file in files.get("photos", ())) <= most


def check_styles(parameters: Mapping[str, Any], files: Mapping[str, Sequence[NamedFile]]) -> None:
    """Raise BadRequest for styles that cannot be painted, and for an effort that the method contradicts. A style may
    name no file of this computer, only those that came with the request, by the names that they have there."""
    said = (
        parameters.get(name, usual) for name, usual in (("effort", None), ("method", "painter"), ("finish", None))
    )
    asked_method, _ = with_effort(*said)
    style, model = parameters["style"], parameters.get("model", "fine")
    texts = [style] if isinstance(style, str) else list(style or ())
    paintings, masks = (
        # Each in a folder of its own: two may have one name.
        [Path(str(number), file.name) for number, file in enumerate(files.get(option, ()))]
        for option in ("painting", "mask")
    )
    match = parameters.get("match")
    matches = [match] if isinstance(match, str) else list(match or ())
    terms = parse_terms(texts, paintings, masks, matches, model, anywhere=False).styles
    strange = next((term.name for term in terms if term.painting is not None), None)
    method = method_of(asked_method, terms, model)
    if strange is not None and method == "painter" and not encoder.known(model):
        able = [name for name in MODELS if encoder.known(name)]
        hint = f"take the {able[0]} painter" if able else "choose one of /api/styles"
        raise BadRequest(f"style {strange!r}", f"the {model} painter knows the named styles alone", hint)


check = check_styles  # there is nothing else to check


def _pixels(file: Path, longest: int | None) -> float:
    """Pixels to paint; from the head of the file alone, which was decoded to its end when it was taken in. Without
    end for what moves, or cannot be read."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            width, height = picture.size
            if getattr(picture, "is_animated", False):
                return math.inf
    except Exception:  # whatever a strange file makes its decoder say: then nothing is known of it
        return math.inf
    return width * height if longest is None else longest**2 * min(width, height) / max(width, height, 1)
