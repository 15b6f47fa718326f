"""Scores are read with their parts apart, and with what is written beside the notes where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flamingo import errors
from flamingo.composing.reading import read
from flamingo.composing.reading.scores import KINDS, LINES, MARK, Score, ScoreReader


@pytest.fixture(scope="module")
def reader() -> Iterator[ScoreReader]:
    """One process for all tests, since it takes a second to start."""
    with ScoreReader() as opened:
        yield opened


# The same three bars of a piano in 4/4, 132 quarters a minute, in two notations: a slur over the first three notes of
# the right hand, forte under it, piano under the left hand in the second bar, a double bar after the first, and a
# fermata on the last note of the second.


def xml_note(name: str, quarters: int, staff: int, notation: str = "") -> str:
    pitch = f"<pitch><step>{name[0]}</step><octave>{name[1]}</octave></pitch>"
    kind = {1: "quarter", 2: "half", 4: "whole"}[quarters]
    more = f"<notations>{notation}</notations>" if notation else ""
    value = f"<duration>{quarters}</duration><voice>{staff}</voice><type>{kind}</type>"
    return f"<note>{pitch}{value}<staff>{staff}</staff>{more}</note>"


def direction(kind: str, staff: int, more: str = "") -> str:
    return f"<direction><direction-type>{kind}</direction-type><staff>{staff}</staff>{more}</direction>"


def bar_line(inside: str, location: str = "right") -> str:
    return f'<barline location="{location}">{inside}</barline>'


BACK = "<backup><duration>4</duration></backup>"
ATTRIBUTES = (
    "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time><staves>2</staves>"
    '<clef number="1"><sign>G</sign><line>2</line></clef><clef number="2"><sign>F</sign><line>4</line></clef>'
    "</attributes>"
)
DOUBLE, END = (bar_line(f"<bar-style>{style}</bar-style>") for style in ("light-light", "light-heavy"))


def xml(*measures: str) -> str:
    numbered = "".join(f'<measure number="{i}">{inside}</measure>' for i, inside in enumerate(measures, 1))
    return (
        '<score-partwise version="4.0"><work><work-title>A small march</work-title></work><part-list>'
        '<score-part id="P1"><part-name>Piano</part-name></score-part></part-list>'
        f'<part id="P1">{numbered}</part></score-partwise>'
    )


MUSICXML = xml(
    ATTRIBUTES
    + direction("<words>Allegro</words>", 1, '<sound tempo="132"/>')
    + direction("<dynamics><f/></dynamics>", 1)
    + xml_note("C5", 1, 1, '<slur type="start" number="1"/>')
    + xml_note("D5", 1, 1)
    + xml_note("E5", 1, 1, '<slur type="stop" number="1"/>')
    + xml_note("F5", 1, 1)
    + BACK
    + xml_note("C3", 2, 2)
    + xml_note("G3", 2, 2)
    + DOUBLE,
    direction("<dynamics><p/></dynamics>", 2)
    + xml_note("G5", 2, 1)
    + xml_note("A5", 2, 1, "<fermata/>")
    + BACK
    + xml_note("C3", 4, 2),
    xml_note("C5", 4, 1) + BACK + xml_note("C3", 4, 2) + END,
)

HUMDRUM = "\n".join(
    line.replace(" ", "\t") if line[0] != "!" else line
    for line in (
        "!!!COM: Somebody, Ada",
        "!!!OTL: A small march",
        "**kern **dynam **kern **dynam",
        "*staff2 *staff2 *staff1 *staff1",
        "*clefF4 * *clefG2 *",
        "*M4/4 * *M4/4 *",
        "*MM132 * *MM132 *",
        "!!!OMD: Allegro",
        "=1 =1 =1 =1",
        "2C . (4cc f",
        ". . 4dd .",
        "2G . 4ee) .",
        ". . 4ff .",
        "=2|| =2|| =2|| =2||",
        "1C p 2gg .",
        ". . 2aa; .",
        "=3 =3 =3 =3",
        "1C . 1cc .",
        "== == == ==",
        "*- *- *- *-\n",
    )
)

MARCH = {"march.musicxml": MUSICXML, "march.krn": HUMDRUM}
PITCHES = [48, 72, 74, 55, 76, 77, 48, 79, 81, 48, 72]
STARTS = [0, 0, 24, 48, 48, 72, 96, 96, 144, 192, 192]
UPPER, LOWER, EVERY = 0, 1, 255


def opened(reader: ScoreReader, folder: Path, name: str, text: str) -> Score:
    (folder / name).write_text(text, encoding="utf-8")
    return reader.read(folder / name)


def told(score: Score, kind: str) -> list[tuple[int, int, int, str]]:
    """Begin and end in units, part, and text of the marks of a kind."""
    return [(int(m["start"]), int(m["end"]), int(m["part"]), score.texts[m["text"]]) for m in score.of(kind)]


# -- the notes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MARCH)
def test_the_staves_are_parts_from_the_top(name: str, reader: ScoreReader, tmp_path: Path) -> None:
    piece = opened(reader, tmp_path, name, MARCH[name]).piece
    assert piece.notes["pitch"].tolist() == PITCHES and piece.notes["start"].tolist() == STARTS
    assert piece.programs == (0, 0)
    assert (piece.notes["part"] == np.where(piece.notes["pitch"] < 60, LOWER, UPPER)).all()


@pytest.mark.parametrize("name", MARCH)
def test_the_rest_is_as_in_a_file_that_is_read_alone(name: str, reader: ScoreReader, tmp_path: Path) -> None:
    piece = opened(reader, tmp_path, name, MARCH[name]).piece
    alone = read(tmp_path / name)
    assert np.array_equal(piece.bars, alone.bars) and piece.edges.tolist() == [0, 96, 192, 288]
    assert np.array_equal(piece.tempos, alone.tempos) and piece.tempos["bpm"].tolist() == pytest.approx(
        [132], abs=0.1
    )
    assert piece.title == alone.title == "A small march"
    assert piece.key == alone.key and not piece.expressive


# -- the marks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MARCH)
@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("slur", [(0, 48, UPPER, "")]),
        ("fermata", [(144, 144, UPPER, "")]),
        ("dynamic", [(0, 0, UPPER, "f"), (96, 96, LOWER, "p")]),
        ("tempo", [(0, 0, UPPER, "Allegro")]),
        ("line", [(96, 96, EVERY, "double"), (288, 288, EVERY, "end")]),
        ("hairpin", []),
        ("words", []),
    ],
)
def test_every_mark_stands_where_it_is_written(
    name: str, kind: str, marks: list[tuple[int, int, int, str]], reader: ScoreReader, tmp_path: Path
) -> None:
    assert told(opened(reader, tmp_path, name, MARCH[name]), kind) == marks


@pytest.mark.parametrize("name", MARCH)
def test_marks_are_in_order_and_of_known_kinds(name: str, reader: ScoreReader, tmp_path: Path) -> None:
    score = opened(reader, tmp_path, name, MARCH[name])
    assert score.marks.dtype == MARK and len(score.marks) == sum(len(score.of(kind)) for kind in KINDS)
    assert (np.diff(score.marks["start"]) >= 0).all() and (score.marks["end"] >= score.marks["start"]).all()
    assert score.texts[0] == "" and len(set(score.texts)) == len(score.texts)
    assert {text for _, _, _, text in told(score, "line")} <= set(LINES)


def test_a_hairpin_has_two_ends_and_says_which_way_it_opens(reader: ScoreReader, tmp_path: Path) -> None:
    swell = (
        ATTRIBUTES
        + direction('<wedge type="crescendo" number="1"/>', 1)
        + xml_note("C5", 2, 1)
        + direction('<wedge type="stop" number="1"/>', 1)
        + xml_note("D5", 2, 1)
        + BACK
        + xml_note("C3", 4, 2)
        + END
    )
    assert told(opened(reader, tmp_path, "a.musicxml", xml(swell)), "hairpin") == [(0, 48, UPPER, "cres")]


def test_words_that_are_no_tempo_are_words(reader: ScoreReader, tmp_path: Path) -> None:
    sweet = ATTRIBUTES + xml_note("C5", 4, 1) + BACK + direction("<words>dolce</words>", 2) + xml_note("C3", 4, 2)
    score = opened(reader, tmp_path, "a.musicxml", xml(sweet))
    assert told(score, "words") == [(0, 0, LOWER, "dolce")]


def test_the_marks_of_a_repeat_stand_at_its_ends(reader: ScoreReader, tmp_path: Path) -> None:
    begin, back = (
        bar_line(f'<bar-style>{style}</bar-style><repeat direction="{way}"/>', side)
        for style, way, side in (("heavy-light", "forward", "left"), ("light-heavy", "backward", "right"))
    )

    def both(high: str) -> str:
        return xml_note(high, 4, 1) + BACK + xml_note("C3", 4, 2)

    score = opened(
        reader, tmp_path, "a.musicxml", xml(ATTRIBUTES + both("C5"), begin + both("D5") + back, both("E5") + END)
    )
    assert [int(p) for p in score.piece.notes["pitch"] if p > 60] == [72, 74, 74, 76], "it is played twice"
    lines = told(score, "line")
    assert (96, 96, EVERY, "repeat-begin") in lines, "where what is repeated begins"
    assert (192, 192, EVERY, "repeat-end") in lines, "where it ends the first time"
    assert lines[-1] == (384, 384, EVERY, "end")


def test_a_staff_that_never_sounds_is_no_part(reader: ScoreReader, tmp_path: Path) -> None:
    silent = "\n".join(
        line.replace(" ", "\t")
        for line in (
            "**kern **kern **dynam **kern",
            "*staff3 *staff2 *staff3 *staff1",
            "*clefF4 *clefG2 * *clefG2",
            "*M4/4 *M4/4 * *M4/4",
            "=1 =1 =1 =1",
            "(2C 1r pp 1cc",
            "2D) . . .",
            "== == == ==",
            "*- *- *- *-\n",
        )
    )
    score = opened(reader, tmp_path, "a.krn", silent)
    assert score.piece.programs == (0, 0)
    assert told(score, "slur") == [(0, 48, LOWER, "")]


# -- what is none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.krn", "junk"),
        ("a.abc", "junk"),  # on this the library crashes, and its process with it
        ("a.mei", "<mei></mei>"),
        ("a.musicxml", MUSICXML[:900]),
        ("a.xml", "<html></html>"),
        ("a.krn", ""),
    ],
)
def test_what_is_no_score_is_named_in_one_line_and_the_next_one_is_read(
    name: str, text: str, reader: ScoreReader, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(errors.UnreadableMusic) as caught:
        opened(reader, tmp_path, name, text)
    assert name in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert opened(reader, tmp_path, "b.krn", HUMDRUM).piece.notes["pitch"].tolist() == PITCHES
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_is_named_in_one_line(reader: ScoreReader, tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableMusic, match=r"gone\.krn") as caught:
        reader.read(tmp_path / "gone.krn")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.mid", "a.MIDI", "a.mp3", "a.pdf"])
def test_midi_and_recordings_are_no_scores(name: str, reader: ScoreReader, tmp_path: Path) -> None:
    with pytest.raises(errors.UnsupportedMusic, match=name):
        opened(reader, tmp_path, name, "MThd")
