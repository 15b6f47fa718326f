"""A piano roll: a piece as bars of colour, time from left to right and pitch upwards, to be taken in at one look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flamingo.composing.piece import Piece
from flamingo.composing.writing.engraving.names import track_names
from flamingo.errors import BadRequest
from flamingo.images import Picture
from flamingo.lettering import fitted, font

__all__ = ["draw"]

Colour = tuple[int, int, int]

_SCALE = 2  # drawn this much larger, then averaged, for smooth edges
_BLACK_KEYS = (1, 3, 6, 8, 10)

# Soft to loud, each a path through colours whose lightness only goes one way. The first part is flamingo pink.
_PATHS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((247, 174, 180), (236, 98, 128), (126, 18, 78)),
    ((176, 212, 226), (64, 146, 178), (12, 64, 104)),
    ((240, 212, 150), (216, 150, 44), (122, 70, 8)),
    ((186, 220, 180), (84, 158, 98), (16, 82, 54)),
    ((212, 196, 232), (142, 108, 186), (68, 36, 116)),
    ((214, 208, 200), (142, 132, 122), (64, 58, 52)),
)


def draw(piece: Piece, *, width: int = 1600, height: int = 600, dark: bool = False) -> Picture:
    """Draw `piece`, `width` x `height` pixels, on paper or, if `dark`, on near black.

    Colour tells the part, and its depth (its brightness if `dark`) the velocity; the rows of the tonic and the last
    two bars are tinted. Returns an RGB picture. Raises BadRequest for less than 320 x 160 or more than 16384 pixels
    a side.
    """
    if not (320 <= width <= 16384 and 160 <= height <= 16384):
        raise BadRequest(
            f"a piano roll of {width} x {height}",
            "it is 320 x 160 to 16384 x 16384 pixels",
            "choose a size in between",
        )
    page = _Roll(piece, width * _SCALE, height * _SCALE, dark).drawn()
    rgb = np.asarray(page.resize((width, height), Image.Resampling.BOX), np.float32) / np.float32(255)
    return Picture(rgb=rgb)


def _velocity_colours(part: int, dark: bool) -> NDArray[np.uint8]:
    """(128, 3): the colour of each velocity for a part."""
    soft, middle, loud = _PATHS[part % len(_PATHS)]
    if dark:  # loud glows
        soft, loud = (int(middle[0] * 0.6), int(middle[1] * 0.6), int(middle[2] * 0.6)), soft
    loudness = np.clip((np.arange(128) - 24) / 84, 0, 1)  # what players use, stretched
    return np.stack([np.interp(loudness, (0, 0.5, 1), at) for at in zip(soft, middle, loud, strict=True)], 1).astype(
        np.uint8
    )


class _Roll:
    def __init__(self, piece: Piece, width: int, height: int, dark: bool) -> None:
        self.piece, self.width, self.height, self.dark = piece, width, height, dark
        self.paper: Colour = (22, 19, 24) if dark else (252, 250, 247)
        self.ink: Colour = (236, 230, 232) if dark else (44, 38, 42)
        self.faint: Colour = (146, 136, 142) if dark else (132, 122, 126)
        self.line: Colour = (52, 46, 54) if dark else (228, 222, 220)
        self.bar: Colour = (74, 66, 76) if dark else (206, 198, 198)
        self.sharp_row: Colour = (27, 23, 29) if dark else (247, 244, 240)
        self.tonic: Colour = (48, 29, 40) if dark else (253, 236, 236)
        unit = min(height / 600, width / 1000)
        self.unit = max(unit, 0.6 * _SCALE)
        self.big, self.small = (
            ImageFont.truetype(font("Semibold"), round(22 * self.unit)),
            ImageFont.truetype(font("Regular"), round(13 * self.unit)),
        )
        self.tiny = ImageFont.truetype(font("Regular"), round(11 * self.unit))
        self.left, self.right = round(62 * self.unit), width - round(22 * self.unit)
        self.top, self.bottom = round(78 * self.unit), height - round(34 * self.unit)
        pitches = piece.notes["pitch"].astype(int)
        low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (60, 72)
        spare = max(0, 19 - (high - low)) // 2  # a narrow piece keeps its notes slim
        self.low, self.high = max(0, low - 2 - spare), min(127, high + 2 + spare)
        self.row = (self.bottom - self.top) / (self.high - self.low + 1)
        start, end = piece.played
        self.start, self.end = start, end
        self.seconds = max(float(piece.seconds()), float(end.max()) if len(end) else 0.0, 0.5)

    def x(self, seconds: float) -> float:
        return self.left + (self.right - self.left) * seconds / self.seconds

    def y(self, pitch: float) -> float:
        """The upper edge of a pitch's row."""
        return self.bottom - (pitch - self.low + 1) * self.row

    def drawn(self) -> Image.Image:
        page = Image.new("RGB", (self.width, self.height), self.paper)
        self.pen = ImageDraw.Draw(page)
        self._rows()
        page = self._shade_close(page)
        self.pen = ImageDraw.Draw(page)
        self._bars()
        self._notes()
        self._keyboard()
        self._caption()
        return page

    def _rows(self) -> None:
        for pitch in range(self.low, self.high + 1):
            box = (self.left, self.y(pitch), self.right, self.y(pitch - 1))
            if pitch % 12 == self.piece.key.tonic:
                self.pen.rectangle(box, self.tonic)
            elif pitch % 12 in _BLACK_KEYS:
                self.pen.rectangle(box, self.sharp_row)
        for pitch in range(self.low, self.high + 1):
            if pitch % 12 == 0:
                y = self.y(pitch - 1)
                self.pen.line((self.left, y, self.right, y), self.line, max(1, round(self.unit)))

    def _shade_close(self, page: Image.Image) -> Image.Image:
        """A veil over the last two bars, where the cadence is."""
        edges = self.piece.seconds(self.piece.edges)
        if len(edges) < 4:
            return page
        veil = Image.new("L", page.size, 0)
        box = (self.x(float(edges[-3])), self.top, self.right, self.bottom)
        ImageDraw.Draw(veil).rectangle(box, 26 if self.dark else 30)
        return Image.composite(Image.new("RGB", page.size, (244, 120, 140)), page, veil)

    def _bars(self) -> None:
        edges = [self.x(float(s)) for s in self.piece.seconds(self.piece.edges)]
        room = 34 * self.unit
        wide = (edges[-1] - edges[0]) / len(edges)
        step = next((s for s in (1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 200) if wide * s >= room), 500)
        fine = wide < 5 * self.unit
        for i, x in enumerate(edges):
            numbered = i < len(edges) - 1 and ((i + 1) % step == 0 or i == 0)
            if fine and not numbered and i < len(edges) - 1:
                continue
            colour = self.bar if numbered or i == len(edges) - 1 else self.line
            self.pen.line((x, self.top, x, self.bottom), colour, max(1, round(self.unit)))
            if numbered and (i == 0 or x - edges[0] > room * 0.8):
                self.pen.text((x, self.bottom + 5 * self.unit), str(i + 1), self.faint, self.tiny, anchor="ma")
        total = round(self.seconds)
        clock = f"{total // 60}:{total % 60:02d}"
        self.pen.text((self.right, self.height - 6 * self.unit), clock, self.faint, self.tiny, anchor="rd")

    def _notes(self) -> None:
        notes = self.piece.notes
        tables = {int(part): _velocity_colours(int(part), self.dark) for part in np.unique(notes["part"])}
        gap = min(self.row * 0.09, 1.5 * self.unit)
        for i in np.argsort(-(self.end - self.start), kind="stable"):  # long ones lie under short ones
            note = notes[i]
            colour = tuple(int(c) for c in tables[int(note["part"])][min(int(note["velocity"]), 127)])
            x0 = self.x(float(self.start[i]))
            x1 = max(self.x(float(self.end[i])) - 0.8 * self.unit, x0 + 1.6 * self.unit)
            y0, y1 = self.y(int(note["pitch"])) + gap, self.y(int(note["pitch"]) - 1) - gap
            radius = min((y1 - y0) * 0.32, (x1 - x0) / 2, 4 * self.unit)
            self.pen.rounded_rectangle((x0, y0, x1, max(y1, y0 + 1)), radius, colour)

    def _keyboard(self) -> None:
        white: Colour = (206, 200, 202) if self.dark else (255, 255, 255)
        black: Colour = (10, 8, 11) if self.dark else (58, 50, 54)
        begin, end = self.left - 30 * self.unit, self.left - 4 * self.unit
        thin = max(1, round(0.7 * self.unit))
        self.pen.rectangle((begin, self.top, end, self.bottom), white)
        for pitch in range(self.low, self.high + 1):
            top, bottom = self.y(pitch), self.y(pitch - 1)
            if pitch % 12 in _BLACK_KEYS:
                across = begin + (end - begin) * 0.62
                self.pen.line((across, (top + bottom) / 2, end, (top + bottom) / 2), self.bar, thin)
                self.pen.rectangle((begin, top, across, bottom), black)
            elif pitch % 12 in (0, 5):
                self.pen.line((begin, bottom, end, bottom), self.bar, thin)
            if pitch % 12 == 0:
                label_position = (begin - 5 * self.unit, (top + bottom) / 2)
                self.pen.text(label_position, f"C{pitch // 12 - 1}", self.faint, self.tiny, anchor="rm")
        self.pen.rectangle((begin, self.top, end, self.bottom), None, self.bar, thin)

    def _caption(self) -> None:
        piece = self.piece
        left = self.left - 30 * self.unit
        title = piece.title or "Untitled"
        legend = self._legend()
        self.pen.text((left, 16 * self.unit), fitted(self.pen, title, self.big, legend - left), self.ink, self.big)
        key = piece.key.in_words
        facts = [f"in the persona of {piece.persona}"] if piece.persona else []
        facts += [key, str(piece.metre()), f"{round(piece.bpm)} quarters a minute", f"{len(piece.bars)} bars"]
        words = "  ·  ".join(facts)
        words = fitted(self.pen, words, self.small, self.right - left)
        self.pen.text((left, 46 * self.unit), words, self.faint, self.small)

    def _legend(self) -> float:
        """Soft to loud of each part, at the upper right; returns where it begins."""
        parts = [int(p) for p in np.unique(self.piece.notes["part"])][:6]
        names = [name.partition(", ")[2] or name for name in track_names(self.piece.programs)]
        x = float(self.right)
        if len(parts) == 1:
            self.pen.text((x, 29.5 * self.unit), "loud", self.faint, self.tiny, anchor="rm")
            x -= 30 * self.unit
        for part in reversed(parts):
            table = _velocity_colours(part, self.dark)
            wide, high = 66 * self.unit, 7 * self.unit
            top = 26 * self.unit
            for i in range(33):
                at = x - wide + wide * i / 33
                colour = tuple(int(c) for c in table[24 + round(84 * i / 32)])
                self.pen.rectangle((at, top, at + wide / 33 + 1, top + high), colour)
            if len(parts) > 1:
                label_position = (x - wide / 2, top - 2 * self.unit)
                self.pen.text(
                    label_position, names[part] if part < len(names) else "", self.faint, self.tiny, anchor="md"
                )
            else:
                self.pen.text((x - wide - 6 * self.unit, top + high / 2), "soft", self.faint, self.tiny, anchor="rm")
            x -= wide + 14 * self.unit
        return x - 30 * self.unit
