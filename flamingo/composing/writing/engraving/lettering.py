"""Words as outlines, so that a page looks the same in every viewer, whatever fonts that has."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

SVG = "http://www.w3.org/2000/svg"


def outlined(text: ET.Element, weight: str, slant: bool) -> ET.Element:
    """A <text> of verovio as a group of paths that look the same."""
    name = f"{{{SVG}}}"
    lines: list[tuple[float, float, str, list[tuple[str, float, str, str, bool]]]] = []

    def number(value: str | None) -> float:
        return float(re.sub(r"[^0-9.eE+-]", "", value or "") or 0)

    def gather(
        element: ET.Element, x: float, y: float, anchor: str, size: float, family: str, weight: str, slant: bool
    ) -> tuple[float, float]:
        anchor = element.get("text-anchor", anchor)
        size = number(element.get("font-size")) or size
        family = element.get("font-family", family)
        if element.get("font-weight"):
            weight = "Bold" if element.get("font-weight") == "bold" else "Regular"
        if element.get("font-style"):
            slant = element.get("font-style") == "italic"
        moved = element.get("x") is not None or element.get("y") is not None or element.get("dy") is not None
        if moved or not lines:
            x = number(element.get("x")) if element.get("x") is not None else x
            y = (number(element.get("y")) if element.get("y") is not None else y) + number(element.get("dy"))
            lines.append((x, y, anchor, []))
        if element.tag != f"{name}title" and element.text and element.text.strip("\n\t "):
            lines[-1][3].append((element.text, size, family, weight, slant))
        for child in element:
            x, y = gather(child, x, y, anchor, size, family, weight, slant)
            if child.tail and child.tail.strip("\n\t "):
                lines[-1][3].append((child.tail, size, family, weight, slant))
        return x, y

    gather(text, 0.0, 0.0, "start", 405.0, "", weight, slant)
    group = ET.Element(f"{name}g", {"class": "text", "stroke": "none"})
    for x, y, anchor, runs in lines:
        placed: list[tuple[float, float, bool, str]] = []
        at = 0.0
        for words, size, family, bold, italic in runs:
            for letter in words:
                drawn, advance, em, upside = _glyph(letter, family, bold, italic)
                if drawn:
                    placed.append((at, size / em, upside, drawn))
                at += advance * size / em
        begin = x - (at if anchor == "end" else at / 2 if anchor == "middle" else 0)
        for offset, ratio, upside, drawn in placed:
            flip = ratio if upside else -ratio
            move = f"translate({begin + offset:.1f}, {y:.1f}) scale({ratio:.5g}, {flip:.5g})"
            ET.SubElement(group, f"{name}path", {"d": drawn, "transform": move})
    return group


@lru_cache(maxsize=2000)
def _glyph(letter: str, family: str, weight: str, slant: bool) -> tuple[str, float, float, bool]:
    """Path, advance and em of a letter, and whether y already points down.

    Music signs come from verovio's own font, letters from Source Serif (SIL Open Font License).
    """
    if "\ue000" <= letter <= "\uf8ff":
        import verovio

        folder = files(verovio) / "data"
        code = f"{ord(letter):04X}"
        drawn = re.search(r' d="([^"]*)"', (folder / "Leipzig" / f"{code}.xml").read_text("utf-8"))
        wide = re.search(rf'c="{code}"[^>]*h-a-x="([\d.]+)"', (folder / "Leipzig.xml").read_text("utf-8"))
        return (drawn[1] if drawn else "", float(wide[1]) if wide else 300.0, 1000.0, False)
    from fontTools.pens.svgPathPen import SVGPathPen

    font = _font(weight, slant)
    glyphs = font.getGlyphSet()
    glyph_name = font.getBestCmap().get(ord(letter)) or ".notdef"
    pen = SVGPathPen(glyphs)
    glyphs[glyph_name].draw(pen)
    return pen.getCommands(), float(glyphs[glyph_name].width), float(font["head"].unitsPerEm), False


@lru_cache(maxsize=4)
def _font(weight: str, slant: bool) -> Any:
    from fontTools.ttLib import TTFont

    style = ("It" if weight == "Regular" else weight + "It") if slant else weight
    path = files("font_source_serif_pro") / "files" / f"SourceSerifPro-{style}.ttf"
    return TTFont(io.BytesIO(path.read_bytes()), lazy=True)
