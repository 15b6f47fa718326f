"""Pages of a score to look at or to print: SVG, PNG and PDF.

Verovio engraves the MusicXML. The PDF is vector, by typst, which takes a tenth of a second for a page and was
faithful; svglib took three seconds, and fpdf2 thirteen for three pages, at the wrong size.
"""

from __future__ import annotations

from threading import Lock
from xml.etree import ElementTree as ET

from flamingo.composing.piece import Piece
from flamingo.composing.writing.engraving.lettering import SVG, outlined
from flamingo.composing.writing.engraving.musicxml import makers_of, score_xml, title_of
from flamingo.errors import BadRequest

_PAGE = (2100, 2970)  # A4 in tenths of a millimetre
_LOADING = Lock()
_TALLEST = 60000  # as much as verovio lays out on one page


def to_svg(piece: Piece) -> str:
    """The whole score as one tall page, a self-contained SVG document 840 units wide, without fonts or scripts."""
    pages = _engraved(piece, tall=True)
    if len(pages) == 1:
        return pages[0]
    # Longer than the tallest page there is: one under the other.
    whole = ET.Element(f"{{{SVG}}}svg", version="1.1")
    width = top = 0.0
    for page in pages:
        root = ET.fromstring(page)
        _, _, width, height = (float(n) for n in root.get("viewBox", "").split())
        holder = ET.SubElement(whole, f"{{{SVG}}}g", transform=f"translate(0, {top:g})")
        holder.extend(list(root))
        top += height
    whole.set("viewBox", f"0 0 {width:g} {top:g}")
    return _text_of(whole)


def pages_svg(piece: Piece) -> list[str]:
    """The score on A4 pages, each a self-contained SVG document of 840 x 1188 units, first to last."""
    return _engraved(piece, tall=False)


def to_png(piece: Piece, page: int = 0, width: int = 1600) -> bytes:
    """A page (counted from 0) as a PNG file `width` pixels wide, black on white.

    Raises BadRequest for a page that is not there, or a width outside 100 to 10000 pixels.
    """
    _check_width(width)
    return _rastered(_engraved(piece, tall=False, only=page)[0], width)


def to_pdf(piece: Piece) -> bytes:
    """All pages as one vector PDF file, A4 upright."""
    import typst

    pages = pages_svg(piece)
    # What is in the piece goes in as data, never as typst source.
    inputs = {f"page{i}": page for i, page in enumerate(pages)}
    inputs |= {"title": title_of(piece), "author": makers_of(piece).replace("\n", " "), "count": str(len(pages))}
    source = """
        #set document(title: sys.inputs.title, author: sys.inputs.author, date: none)
        #set page(paper: "a4", margin: 0pt)
        #for i in range(int(sys.inputs.count)) {
          image(bytes(sys.inputs.at("page" + str(i))), format: "svg", width: 100%)
        }
    """
    return bytes(typst.compile(source.encode(), format="pdf", sys_inputs=inputs))


def _check_width(width: int) -> None:
    if not 100 <= width <= 10000:
        raise BadRequest(f"a width of {width}", "a picture of a score is 100 to 10000 pixels wide", "choose between")


def _rastered(svg: str, width: int) -> bytes:
    from flamingo.images import vips

    # The size goes into the document, since that is where the loader looks for it.
    _, _, wide, high = (float(n) for n in ET.fromstring(svg).get("viewBox", "").split())
    sized = svg.replace("<svg ", f'<svg width="{width}" height="{round(width * high / wide)}" ', 1)
    # flamingo.images shuts the loaders that strangers' files could abuse, SVG among them. This document is ours.
    import pyvips

    with _LOADING:
        pyvips.operation_block_set("VipsForeignLoadSvg", False)
        try:
            image = vips.load("svg", sized.encode(), "none").flatten(background=[255, 255, 255]).copy_memory()
        finally:
            pyvips.operation_block_set("VipsForeignLoadSvg", True)
    return vips.save(image, "png", {"compression": 9})


def _engraved(piece: Piece, tall: bool, only: int | None = None) -> list[str]:
    """The pages, or one of them, counted from 0."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    engraver = verovio.toolkit()
    engraver.setOptions(
        {
            "pageWidth": _PAGE[0],
            "pageHeight": _TALLEST if tall else _PAGE[1],
            "adjustPageHeight": tall,
            "scale": 40,
            "pageMarginLeft": 130,
            "pageMarginRight": 110,
            "pageMarginTop": 110,
            "pageMarginBottom": 110,
            "breaks": "auto",
            "header": "auto",
            "bottomMarginPgHead": 5.0,
            "footer": "none",
            "font": "Leipzig",
            "justifyVertically": not tall,
            "svgViewBox": True,
            "svgFormatRaw": True,
            "smuflTextFont": "none",
            "xmlIdSeed": 1,
        }
    )
    engraver.loadData(score_xml(piece, credits=False).decode())
    count = engraver.getPageCount()
    if only is not None and not 0 <= only < count:
        raise BadRequest(f"page {only}", f"the score has {count} pages", f"ask for 0 to {count - 1}")
    page_numbers = range(count) if only is None else [only]
    return [_plain_svg(engraver.renderToSVG(n + 1), None if n else piece) for n in page_numbers]


def _text_of(root: ET.Element) -> str:
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(root, encoding="unicode")


def _plain_svg(svg: str, headed: Piece | None) -> str:
    """Verovio's page with text as outlines and without style sheets or nested documents, for any viewer."""
    root = ET.fromstring(svg)
    name = f"{{{SVG}}}"
    box = [float(n) for n in root.get("viewBox", "0 0 840 1188").split()]
    for style in root.findall(f"{name}style"):
        root.remove(style)
    inner = root.find(f"{name}svg")
    assert inner is not None
    scale = box[2] / float(inner.get("viewBox", "0 0 21000 29700").split()[2])
    inner.tag = f"{name}g"
    inner.attrib = {"transform": f"scale({scale:g})", "class": "score-page", "fill": "#000", "stroke": "#000"}
    root.attrib.pop("overflow", None)
    for note in root.findall(f"{name}desc"):
        root.remove(note)

    def walk(element: ET.Element, weight: str, slant: bool) -> None:
        kinds = element.get("class", "").split()
        if {"tempo", "reh", "ending", "fing"} & set(kinds):
            weight = "Bold"
        if {"dir", "mNum"} & set(kinds):
            slant = True
        for child in list(element):  # marks of where a section begins, which a style sheet would hide
            if "placeholder" in child.get("class", "").split():
                element.remove(child)
        for i, child in enumerate(list(element)):
            if child.tag == f"{name}text":
                element[i] = outlined(child, weight, slant)
            else:
                walk(child, weight, slant)

    for above in list(inner.iter(f"{name}g")):
        for head in list(above):
            if headed and "pgHead" in head.get("class", "").split():  # our own words in the room it makes
                above[list(above).index(head)] = _heading(headed)
    walk(inner, "Regular", False)
    # Glyphs are filled shapes; only drawn lines have a stroke.
    for definition in root.iter(f"{name}defs"):
        for glyph in definition:
            glyph.set("stroke", "none")
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        if kind in ("polygon", "ellipse", "rect") and element.get("stroke-width") is None:
            element.set("stroke", "none")
        if element.get("fill") == "currentColor":
            element.set("fill", "#000")
        if element.get("stroke") == "currentColor":
            element.set("stroke", "#000")
    return _text_of(root)


def _heading(piece: Piece) -> ET.Element:
    """Title in the middle, makers at the right; places are tenths of verovio's unit inside the margins."""
    middle, right = (_PAGE[0] - 240) * 10 // 2, (_PAGE[0] - 240) * 10
    group = ET.Element(f"{{{SVG}}}g", {"class": "pgHead"})
    title = title_of(piece)
    size = min(640.0, 640.0 * 24 / max(len(title), 1))
    makers = makers_of(piece).split("\n")
    words = [(title, "middle", middle, 420.0, size)]
    # They end on the title's line: verovio makes room for one line, and high notes of the first system come close.
    words += [(line, "end", right, 420.0 - 380 * (len(makers) - 1 - i), 300.0) for i, line in enumerate(makers)]
    for line, anchor, x, y, size in words:
        text = ET.Element(f"{{{SVG}}}text", {"x": f"{x}", "y": f"{y}", "text-anchor": anchor, "font-size": f"{size}"})
        text.text = line
        group.append(outlined(text, "Regular", anchor == "end"))
    return group
