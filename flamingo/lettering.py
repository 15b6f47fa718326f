"""Letters on the pictures that Flamingo draws itself: contact sheets, explanations."""

from __future__ import annotations

from importlib.resources import files

from PIL import ImageDraw, ImageFont


def font(weight: str = "Regular") -> str:
    """The file of Source Sans Pro (SIL Open Font License), from its package: it has the letters of painters' names,
    which the font inside Pillow has not."""
    return str(files("font_source_sans_pro") / "files" / f"SourceSansPro-{weight}.ttf")


def fitted(draw: ImageDraw.ImageDraw, text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """`text`, cut with an ellipsis where it is wider than `width` pixels."""
    if draw.textlength(text, face) <= width:
        return text
    while text and draw.textlength(text + "…", face) > width:
        text = text[:-1]
    return text.rstrip(" ,·") + "…"
