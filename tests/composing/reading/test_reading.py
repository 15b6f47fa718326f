"""What comes out of a file of music of each kind, and what is said about files that are none."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo import errors
from flamingo.composing.piece import Piece
from flamingo.composing.reading import KINDS, folder, from_bytes, read

# The same tune in each notation: E flat major, 3/4, 90 quarters a minute, a pickup of one quarter, two bars.
ABC = "X:1\nT:A small waltz\nM:3/4\nL:1/4\nQ:1/4=90\nK:Eb\nB,|EGB|e3|]\n"
KERN = (
    "!!!OTL: A small waltz\n**kern\n*clefG2\n*k[b-e-a-]\n*E-:\n*M3/4\n*MM90\n"
    "4B-\n=1\n4e-\n4g\n4b-\n=2\n2.ee-\n==\n*-\n"
)


def xml_note(step: str, octave: int, quarters: int) -> str:
    alter = "<alter>-1</alter>" if step in "BE" else ""
    pitch = f"<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>"
    kind = {1: "<type>quarter</type>", 3: "<type>half</type><dot/>"}[quarters]
    return f"<note>{pitch}<duration>{quarters}</duration>{kind}</note>"


MUSICXML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
    'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
    '<score-partwise version="4.0"><work><work-title>A small waltz</work-title></work>'
    '<part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list><part id="P1">'
    '<measure number="0" implicit="yes"><attributes><divisions>1</divisions><key><fifths>-3</fifths></key>'
    "<time><beats>3</beats><beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef></attributes>"
    f'<direction><sound tempo="90"/></direction>{xml_note("B", 3, 1)}</measure>'
    f'<measure number="1">{xml_note("E", 4, 1)}{xml_note("G", 4, 1)}{xml_note("B", 4, 1)}</measure>'
    f'<measure number="2">{xml_note("E", 5, 3)}</measure></part></score-partwise>'
)
MEI = (
    '<?xml version="1.0"?><mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.0"><meiHead><fileDesc>'
    "<titleStmt><title>A small waltz</title></titleStmt><pubStmt/></fileDesc></meiHead><music><body><mdiv><score>"
    '<scoreDef meter.count="3" meter.unit="4" keysig="3f" midi.bpm="90"><staffGrp>'
    '<staffDef n="1" lines="5" clef.shape="G" clef.line="2"/></staffGrp></scoreDef><section>'
    '<measure n="0" metcon="false"><staff n="1"><layer>'
    '<note dur="4" oct="3" pname="b" accid.ges="f"/></layer></staff>'
    '</measure><measure n="1"><staff n="1"><layer><note dur="4" oct="4" pname="e" accid.ges="f"/>'
    '<note dur="4" oct="4" pname="g"/><note dur="4" oct="4" pname="b" accid.ges="f"/></layer></staff></measure>'
    '<measure n="2"><staff n="1"><layer><note dur="2" dots="1" oct="5" pname="e" accid.ges="f"/></layer></staff>'
    "</measure></section></score></mdiv></body></music></mei>"
)


def mxl(text: str = MUSICXML, container: bool = True) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        if container:
            listed = '<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>'
            packed.writestr("META-INF/container.xml", listed)
        packed.writestr("s.xml", text)
    return held.getvalue()


def midi() -> bytes:
    file = mido.MidiFile(ticks_per_beat=480)
    tempo = mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90))
    file.tracks.append(mido.MidiTrack([tempo, mido.MetaMessage("time_signature", numerator=3, denominator=4)]))
    for pitch, quarters in ((58, 1), (63, 1), (67, 1), (70, 1), (75, 3)):
        file.tracks[0].append(mido.Message("note_on", note=pitch, velocity=90))
        file.tracks[0].append(mido.Message("note_off", note=pitch, time=480 * quarters))
    held = io.BytesIO()
    file.save(file=held)
    return held.getvalue()


SCORES = {
    "a.abc": ABC.encode(),
    "a.krn": KERN.encode(),
    "a.musicxml": MUSICXML.encode(),
    "a.xml": MUSICXML.encode("utf-16"),
    "b.xml": MEI.encode(),
    "a.mei": MEI.encode(),
    "a.mxl": mxl(),
    "b.mxl": mxl(container=False),
}


def pitches(piece: Piece) -> list[int]:
    return [int(pitch) for pitch in piece.notes["pitch"]]


@pytest.mark.parametrize("name", SCORES)
def test_every_notation_gives_the_same_tune(name: str) -> None:
    piece = from_bytes(SCORES[name], name)
    assert pitches(piece) == [58, 63, 67, 70, 75]
    assert piece.notes["start"].tolist() == [0, 24, 48, 72, 96]
    assert piece.notes["duration"].tolist() == [24, 24, 24, 24, 72]
    assert piece.edges.tolist() == [0, 24, 96, 168]  # the pickup is a bar of its own
    assert str(piece.key) == "Eb major" and str(piece.metre(1)) == "3/4"
    assert float(piece.tempos["bpm"][0]) == pytest.approx(90, abs=0.01)
    assert piece.title == "A small waltz" and not piece.expressive


def test_a_midi_file_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "Waltz in E flat.MID"
    path.write_bytes(midi())
    piece = read(path)
    assert pitches(piece) == [58, 63, 67, 70, 75] and piece.title == "Waltz in E flat"


def test_repeats_are_played() -> None:
    piece = from_bytes(b"X:1\nM:2/4\nL:1/4\nK:C\n|:CE:|G2|]\n", "a.abc")
    assert pitches(piece) == [60, 64, 60, 64, 67]


def test_of_a_book_of_tunes_the_first_is_read() -> None:
    piece = from_bytes(ABC.encode() + b"\nX:2\nT:Other\nM:4/4\nL:1/4\nK:C\nCCCC|]\n", "book.abc")
    assert piece.title == "A small waltz" and len(piece.notes) == 5


@pytest.mark.parametrize("name", ["a.pdf", "a", "upload", "a.mid.gz"])
def test_an_unknown_kind_is_told_which_are_known(name: str) -> None:
    with pytest.raises(errors.UnsupportedMusic) as caught:
        from_bytes(b"data", name)
    assert all(suffix in str(caught.value) for suffix in KINDS)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mid").write_bytes(b"")
    for name, why in {"gone.mid": "no such file", ".": "folder", "empty.mid": "empty", "a\0b.mid": "."}.items():
        with pytest.raises(errors.UnreadableMusic, match=why):
            read(tmp_path / name)


def test_entities_are_refused() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + MUSICXML.split("\n", 2)[2]
    with pytest.raises(errors.UnsupportedMusic, match="entities"):
        from_bytes(bomb.encode(), "a.musicxml")


def test_a_bomb_in_an_archive_is_refused() -> None:
    with pytest.raises(errors.MusicTooLarge, match="unpacked"):
        from_bytes(mxl("<score-partwise>" + " " * (40 << 20)), "a.mxl")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.abc", b"junk"),
        ("a.krn", b"junk"),
        ("a.mei", b"<mei>"),
        ("a.musicxml", b"<score-partwise>"),
        ("a.xml", b"<html></html>"),
        ("a.xml", MUSICXML.encode()[:900]),
        ("a.mxl", mxl()[:200]),
        ("a.mxl", b"PK\3\4"),
        ("a.krn", b"**kern\n\0\n"),
        ("a.xml", b"\xff\xfe\0"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line(name: str, data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.UnreadableMusic) as caught:
        from_bytes(data, name)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.abc", "a.krn", "a.musicxml", "a.mei", "a.mxl"])
@settings(max_examples=6, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), junk=st.binary(max_size=8), cut=st.integers(0, 30))
def test_a_damaged_score_gives_a_piece_or_one_line(name: str, place: float, junk: bytes, cut: int) -> None:
    data = SCORES[name]
    at = int(place * len(data))
    try:
        piece = from_bytes(data[:at] + junk + data[at + cut :], name)
    except errors.BadInput as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert len(piece.notes) and piece.length > piece.notes["start"].max()


def test_a_folder_gives_its_music_at_any_depth_and_nothing_hidden(tmp_path: Path) -> None:
    for name in ("b.mid", "a/z.KRN", "a/b/c.mp3", "notes.txt", ".x.mid", ".git/y.mid", "c.mid/d.abc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in folder(tmp_path)]
    assert found == ["a/b/c.mp3", "a/z.KRN", "b.mid", "c.mid/d.abc"]
    with pytest.raises(errors.UnreadableMusic, match="no such folder"):
        folder(tmp_path / "gone")
    with pytest.raises(errors.UnreadableMusic, match="not a folder"):
        folder(tmp_path / "b.mid")
