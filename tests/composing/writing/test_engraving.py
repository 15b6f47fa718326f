"""Scores: every note arrives on paper where it belongs, written as a musician would, and the pictures open."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from flamingo.composing.piece import BAR, NOTE, TEMPO, UNITS, Key, Metre, Piece
from flamingo.composing.writing import engraving
from flamingo.errors import BadRequest


def built(rows: list[tuple[int, int, int]], metre: str = "4/4", key: str = "C major", **more: Any) -> Piece:
    """A piece from (start, duration, pitch), with as many bars as it needs."""
    full = [(*row, 70, 0, 0.0) if len(row) == 3 else row for row in rows]
    notes = np.array(full, NOTE)
    time = Metre.parse(metre)
    count = max(1, -(-int((notes["start"] + notes["duration"]).max()) // time.units)) if len(notes) else 1
    bars = np.array([(i * time.units, time.numerator, time.denominator) for i in range(count)], BAR)
    return Piece.build(notes, bars, Key.parse(key), **more)


def read_back(piece: Piece) -> Counter[tuple[int, int]]:
    """(onset in units, pitch) of every note that is struck, as verovio reads the MusicXML."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    reader = verovio.toolkit()
    assert reader.loadData(engraving.to_musicxml(piece).decode())
    ties = ET.fromstring(reader.getMEI()).iter("{http://www.music-encoding.org/ns/mei}tie")
    held = {tie.get("endid", "")[1:] for tie in ties}
    found: Counter[tuple[int, int]] = Counter()
    for event in reader.renderToTimemap({"includeRests": False}):
        for name in set(event.get("on", [])) - held:
            values = reader.getMIDIValuesForElement(name)
            found[round(event["qstamp"] * UNITS), values["pitch"]] += 1
    return found


def expected(piece: Piece) -> Counter[tuple[int, int]]:
    return Counter((int(n["start"]), int(n["pitch"])) for n in piece.notes)


def score(piece: Piece) -> ET.Element:
    return ET.fromstring(engraving.to_musicxml(piece))


def names(piece: Piece) -> list[str]:
    signs = {None: "", "1": "#", "-1": "b", "2": "##", "-2": "bb"}
    return [p.findtext("step", "") + signs[p.findtext("alter")] for p in score(piece).iter("pitch")]


@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "2/2", "5/8"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_note_of_a_tangle_is_in_the_file(metre: str, seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = set()
    for _ in range(90):
        start = int(chance.integers(0, 48)) * 12 + int(chance.choice([0, 0, 0, 3, 6, 9, 4, 8]))
        rows.add((start, int(chance.integers(28, 100))))
    piece = built([(s, int(chance.integers(4, 70)), p) for s, p in sorted(rows)], metre, "Eb major")
    found = read_back(piece)
    # Triplets against plain sixteenths need a voice of their own; where four do not suffice, a note moves a little.
    assert sum(found.values()) == len(piece.notes)
    assert Counter(p for _, p in found.elements()) == Counter(p for _, p in expected(piece).elements())
    assert sum((found & expected(piece)).values()) >= 0.95 * len(piece.notes)


def test_plain_music_arrives_exactly() -> None:
    melody = [(i * 12, 11, 72 + (i * 5) % 12) for i in range(32)]
    bass = [(i * 48, 48, 43 + i) for i in range(8)] + [(i * 48, 46, 50 + i) for i in range(8)]
    triplets = [(384 + i * 8, 8, 76 - i) for i in range(12)]
    piece = built(melody + bass + triplets)
    assert read_back(piece) == expected(piece)


def test_several_parts_get_a_staff_each_with_their_names() -> None:
    rows = [(0, 96, 76, 70, 0, 0.0), (0, 48, 55, 70, 1, 0.0), (48, 48, 57, 70, 1, 0.0), (0, 96, 36, 70, 2, 0.0)]
    piece = built(rows, programs=(40, 41, 42))  # type: ignore[arg-type]
    root = score(piece)
    assert [e.text for e in root.iter("part-name")] == ["Violin", "Viola", "Violoncello"]
    assert [e.text for e in root.iter("sign")] == ["G", "C", "F"]
    assert root.find(".//staves") is None
    assert read_back(piece) == expected(piece)


def test_the_hands_of_a_pianist_are_on_two_staves() -> None:
    piece = built([(i * 24, 24, 72 + i) for i in range(4)] + [(i * 24, 24, 48 - i) for i in range(4)])
    staves = {(n.findtext("staff"), int(n.findtext("pitch/octave", "0")) >= 5) for n in score(piece).iter("note")}
    assert staves == {("1", True), ("2", False)}


def test_played_lengths_are_written_as_a_musician_would() -> None:
    kinds = [e.text for e in score(built([(i * 12, 11, 72) for i in range(8)])).iter("type")]
    assert kinds.count("eighth") == 8
    long = score(built([(0, 23, 72), (24, 47, 74), (72, 22, 76)]))
    assert [n.findtext("type") for n in long.iter("note") if n.find("pitch") is not None] == [
        "quarter",
        "half",
        "quarter",
    ]
    assert long.find(".//tie") is None


def test_a_note_over_the_barline_is_tied() -> None:
    root = score(built([(72, 48, 72)]))
    assert [t.get("type") for t in root.iter("tie")] == ["start", "stop"]


def test_triplets_are_tuplets_and_plain_values_are_not() -> None:
    root = score(built([(i * 8, 8, 72 + i) for i in range(6)] + [(48, 36, 70), (84, 12, 72)]))
    assert [t.get("type") for t in root.iter("tuplet")] == ["start", "stop"] * 2
    assert len(list(root.iter("time-modification"))) == 6
    assert len(list(root.iter("dot"))) == 1


def test_a_held_note_under_moving_ones_has_a_voice_of_its_own() -> None:
    piece = built([(0, 96, 60)] + [(i * 24, 24, 72 + i) for i in range(4)], programs=(40,))
    voices = {n.findtext("voice") for n in score(piece).iter("note") if n.find("pitch") is not None}
    assert len(voices) == 2


def test_a_crushed_note_is_a_grace_note() -> None:
    root = score(built([(0, 22, 72), (22, 2, 74), (24, 24, 76), (48, 48, 72)]))
    assert [n.findtext("pitch/step") for n in root.iter("note") if n.find("grace") is not None] == ["D"]


@pytest.mark.parametrize(
    ("key", "pitches", "spelled"),
    [
        ("C minor", [60, 63, 67, 68, 71, 72], ["C", "Eb", "G", "Ab", "B", "C"]),
        ("A minor", [69, 68, 69, 65, 66, 67], ["A", "G#", "A", "F", "F#", "G"]),
        ("E major", [64, 66, 68, 71, 75, 76], ["E", "F#", "G#", "B", "D#", "E"]),
        ("Db major", [61, 65, 68, 66, 72, 73], ["Db", "F", "Ab", "Gb", "C", "Db"]),
    ],
)
def test_black_keys_are_named_for_the_key(key: str, pitches: list[int], spelled: list[str]) -> None:
    piece = built([(i * 24, 24, p) for i, p in enumerate(pitches)], key=key, programs=(40,))
    assert names(piece) == spelled
    assert score(piece).findtext(".//mode") == key.split()[1]


def test_an_accidental_holds_for_its_bar_and_is_taken_back_after() -> None:
    piece = built(
        [(0, 24, 66), (24, 24, 67), (48, 24, 66), (72, 24, 67), (96, 48, 65), (144, 48, 64)], programs=(40,)
    )
    marks = [n.findtext("accidental") for n in score(piece).iter("note") if n.find("pitch") is not None]
    assert marks == ["sharp", None, None, None, "natural", None]


def test_head_tempo_and_loudness() -> None:
    loud = [(i * 24, 24, 72, 45 if i < 16 else 100, 0, 0.0) for i in range(32)]
    tempos = np.array([(0, 80.4)], TEMPO)
    piece = built(loud, tempos=tempos, title="Morning", persona="Grieg")  # type: ignore[arg-type]
    root = score(piece)
    assert root.findtext("work/work-title") == "Morning"
    assert root.findtext("identification/creator") == "in the persona of Grieg"
    assert root.findtext(".//per-minute") == "80"
    assert [d[0].tag for d in root.iter("dynamics")] == ["p", "ff"]
    assert [b.text for b in root.iter("bar-style")] == ["light-heavy"]


def test_a_ritardando_at_the_end_does_not_change_the_tempo_at_the_beginning() -> None:
    def written(tempos: list[tuple[int, float]], bars: int) -> list[str | None]:
        notes = [(i * 24, 24, 72) for i in range(4 * bars)]
        piece = built(notes, tempos=np.array(tempos, TEMPO))
        return [mark.text for mark in score(piece).iter("per-minute")]

    assert written([(0, 118), (10 * 96, 110), (11 * 96, 92)], 12) == ["118"]
    # After a great change the same holds for the passage that ends the piece.
    assert written([(0, 60), (8 * 96, 118), (18 * 96, 100)], 20) == ["60", "118"]
    # Up to four bars, every one counts.
    assert written([(0, 120), (2 * 96, 80)], 4) == ["96"]
    assert written([(0, 120), (3 * 96, 80)], 5) == ["120"]


def test_metre_changes_are_written() -> None:
    notes = np.array([(0, 96, 60, 70, 0, 0), (96, 72, 62, 70, 0, 0)], NOTE)
    piece = Piece.build(notes, np.array([(0, 4, 4), (96, 3, 4)], BAR), Key(0))
    assert [b.text for b in score(piece).iter("beats")] == ["4", "3"]


def test_nothing_to_play_still_makes_a_page() -> None:
    page = engraving.to_svg(built([]))
    assert page.startswith("<svg") and "<text" not in page


def test_pictures_open_and_need_no_fonts() -> None:
    piece = built([(i * 12, 12, 60 + i % 24) for i in range(8 * 40)], title="Long <one> & more", persona="Bach")
    pages = engraving.pages_svg(piece)
    assert len(pages) > 1
    for page in [*pages, engraving.to_svg(piece)]:
        root = ET.fromstring(page)
        kinds = {e.tag.rpartition("}")[2] for e in root.iter()}
        assert kinds <= {"svg", "defs", "g", "use", "path", "polygon", "polyline", "ellipse", "rect", "line"}
    assert pages == engraving.pages_svg(piece), "the same piece gives the same page"
    picture = Image.open(io.BytesIO(engraving.to_png(piece, 1, 400)))
    assert picture.width == 400 and picture.mode == "RGB"
    grey = np.asarray(picture.convert("L"))
    assert grey[0, 0] == 255 and grey.min() < 60
    pdf = engraving.to_pdf(piece)
    assert pdf.startswith(b"%PDF") and b"/Subtype /Image" not in pdf and b"/Subtype/Image" not in pdf


def test_nonsense_is_refused() -> None:
    piece = built([(0, 24, 60)])
    with pytest.raises(BadRequest):
        engraving.to_png(piece, page=1)
    with pytest.raises(BadRequest):
        engraving.to_png(piece, width=3)
    with pytest.raises(BadRequest):
        engraving.to_musicxml(Piece(piece.notes, np.zeros(0, BAR), Key(0)))
