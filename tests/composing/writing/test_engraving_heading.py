"""The heading of a score: title and makers, with the first system clear of them however high its notes are."""

from __future__ import annotations

import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from flamingo.composing.piece import Key
from flamingo.composing.writing import engraving
from flamingo.composing.writing.engraving.musicxml import to_musicxml
from tests.composing import tiny


@pytest.mark.parametrize(
    ("key", "fifths"),
    [("E-flat minor", -6), ("F# major", 6), ("Eb major", -3), ("F# minor", 3), ("B minor", 2), ("Bb minor", -5)],
)
def test_the_signature_is_of_the_key_as_it_is_named(key: str, fifths: int) -> None:
    assert Key.parse(key).fifths == fifths
    score = ET.fromstring(to_musicxml(replace(tiny.study("C major", 8), key=Key.parse(key))))
    assert score.findtext(".//key/fifths") == str(fifths)


def test_every_key_has_the_sign_of_its_name() -> None:
    for tonic in range(12):
        for minor in (False, True):
            key = Key(tonic, minor)
            name = str(key).split()[0]
            assert -6 <= key.fifths <= 6
            assert not ("b" in name and key.fifths > 0), name
            assert not ("#" in name and key.fifths < 0), name


def test_makers_are_two_creators_without_a_newline() -> None:
    score = ET.fromstring(to_musicxml(replace(tiny.study("A minor", 8), persona="Mozart")))
    creators = {each.get("type"): each.text for each in score.iter("creator")}
    assert creators == {"composer": "in the persona of Mozart", "software": "Flamingo"}


@pytest.mark.parametrize("program", [0, 40], ids=["piano", "violin"])
def test_the_makers_do_not_run_into_the_first_system(program: int) -> None:
    piece = tiny.study("A minor", 8)
    notes = piece.notes.copy()
    notes["pitch"] = np.where(notes["pitch"] >= 60, np.minimum(notes["pitch"] + 36, 103), notes["pitch"])
    high = replace(piece, notes=notes, programs=(program,), persona="Rachmaninoff and Tchaikovsky")
    page = Image.open(io.BytesIO(engraving.to_png(high, width=1600))).convert("L")
    right = np.asarray(page)[:700, 1050:1520] < 128
    rows = np.asarray(right.any(axis=1))
    first = int(rows.argmax())
    # Two lines of text, then nothing for a while, then music: the makers' block and the gap below it.
    gaps = [stop - start for start, stop in _runs(~rows[first:])]
    assert max(gaps[:3]) >= 14, gaps


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Where runs of True begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
