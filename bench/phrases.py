"""Whether phrases that are found end where the words do: songs, where poets and composers agree on it.

    python bench/phrases.py --songs DIR [--count N]

DIR holds songs with words in MusicXML, such as OpenScore Lieder. Phrases are found from the notes alone, as the
composer is taught them (flamingo/composing/phrase_functions.py), with no fermatas, double bars or slurs. A phrase
ends where it should if a word with a comma, a full stop or the like is sung in its last bar. Beside it stands that
for cuts every four bars from the first one that is sung, and for any bar. Only bars between the first and the last
sung one count.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import numpy as np
from _report import Report

from flamingo.composing.parts import part_of_notes
from flamingo.composing.phrase_functions import phrases
from flamingo.composing.reading.scores import ScoreReader
from flamingo.composing.texture import textures
from flamingo.errors import FlamingoError

_ENDS = re.compile(r"[.,;:!?…)\"»“”–—-]\s*$")
_STOPS = re.compile(r"[.;:!?…][)\"»“”]?\s*$")


def punctuated(text: str) -> tuple[set[int], set[int], set[int]]:
    """The bars of a song's first voice, counted from 0, in which a word with a mark after it is sung; in which one
    with more than a comma is; and in which anything is."""
    part = re.search(r"<part\b.*?</part>", text, re.S)
    marked, stopped, sung = set(), set(), set()
    for bar, measure in enumerate(re.findall(r"<measure\b.*?</measure>", part[0] if part else "", re.S)):
        for lyric in re.findall(r"<lyric\b.*?</lyric>", measure, re.S):
            words = re.findall(r"<text\b[^>]*>([^<]*)</text>", lyric)
            kind = re.search(r"<syllabic>(\w+)", lyric)
            sung.add(bar)
            if words and _ENDS.search(words[-1]) and (kind is None or kind[1] in ("single", "end")):
                marked.add(bar)
                if _STOPS.search(words[-1]):
                    stopped.add(bar)
    return marked, stopped, sung


def _counts(ends: Collection[int], marked: set[int], stopped: set[int], inside: range) -> list[int]:
    """Ends, those at a mark, those at more than a comma, and all marks and stops."""
    here = [bar for bar in ends if bar in inside]
    return [len(here), sum(b in marked for b in here), sum(b in stopped for b in here), len(marked), len(stopped)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, required=True, help="folder of songs in MusicXML")
    parser.add_argument("--count", type=int, default=100, help="so many of them, at even distances (default: 100)")
    parser.add_argument("--json", type=Path, help="write every figure there")
    asked = parser.parse_args()
    files = sorted(asked.songs.rglob("*.musicxml"))
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(asked.count, len(files))).astype(int).tolist()]
    report = Report(asked.json)
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    songs = 0
    lengths: list[int] = []
    with ScoreReader() as reader:
        for file in chosen:
            try:
                piece = reader.read(file).piece
            except FlamingoError as error:
                report.say(f"left out: {error}")
                continue
            marked, stopped, sung = punctuated(file.read_text(encoding="utf-8"))
            if len(marked) < 4:
                continue
            songs += 1
            inside = range(min(sung), max(sung) + 1)
            part = part_of_notes(piece)
            ends = [bar for bar, _ in phrases(piece, part, texture=textures(piece, part)).ends]
            lengths += np.diff([-1, *ends]).tolist()
            cuts = {
                "found": ends,
                "every four bars": list(range(min(sung) + 3, len(piece.bars), 4)),
                "any bar": list(inside),
            }
            for name, bars in cuts.items():
                totals[name] = [
                    a + b for a, b in zip(totals[name], _counts(bars, marked, stopped, inside), strict=True)
                ]
    report.heading(f"Ends of phrases and of lines: {songs} songs")
    rows = []
    for name, (ends, right, at_stops, marks, stops) in totals.items():
        shares = right / ends, at_stops / ends, right / marks, at_stops / stops
        rows.append([name, str(ends), *(f"{share:.2f}" for share in shares)])
        report.figures[name] = dict(zip(("right", "at stops", "marks found", "stops found"), shares, strict=True))
    report.table(["cut", "ends", "at a mark", "at a stop", "of the marks", "of the stops"], rows)
    often = np.bincount(lengths, minlength=9)
    report.say(f"lengths: 4 bars {often[4] / sum(often):.2f}, 8 bars {often[8] / sum(often):.2f}")
    report.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
