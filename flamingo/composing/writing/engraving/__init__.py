"""Sheet music of a piece: MusicXML for notation programs, and SVG, PDF and PNG pages to look at or print.

A piece holds what is played; a score holds what is read. Between them lie decisions that the files here take in
turn: which hand plays a note (hands), which small deviations of time are not worth writing (notes), which notes share
a stem (voices), how long a note is written and where values are cut and tied (values), which name a black key gets
(spelling), and where clef, tempo and loudness are worth a mark (marks). No note is ever left out.

`parts` brings these together, `musicxml` writes the result down, and `pages` has it engraved.
"""

from flamingo.composing.writing.engraving.musicxml import to_musicxml
from flamingo.composing.writing.engraving.pages import pages_svg, to_pdf, to_png, to_svg

__all__ = ["pages_svg", "to_musicxml", "to_pdf", "to_png", "to_svg"]
