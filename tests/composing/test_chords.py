"""Chord symbols: what they mean, what key they are in, and that music is composed over them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.composing.chords import KINDS, Progression, key_of, progression
from flamingo.composing.options import SamplingOptions
from flamingo.composing.piece import Key, Metre
from flamingo.composing.plan import settle
from flamingo.composing.sampling import draw
from flamingo.errors import BadRequest
from tests.composing import tiny

MODEL = tiny.composer()


def classes(text: str) -> list[list[set[int]]]:
    return [[set(chord.classes) for chord in bar] for bar in progression(text)]


def test_a_symbol_is_a_root_a_kind_and_perhaps_a_bass() -> None:
    [[c], [a_minor], [f_sharp_seventh], [b_flat]] = progression("C Am F#7 Bb/D")
    assert (c.root, c.above, c.bass) == (0, (0, 4, 7), 0)
    assert (a_minor.root, set(a_minor.classes)) == (9, {9, 0, 4})
    assert set(f_sharp_seventh.classes) == {6, 10, 1, 4}
    assert (b_flat.root, b_flat.bass) == (10, 2)
    assert progression("Bø7".replace("ø7", "m7b5")) == progression("Bm7b5,")


def test_bars_are_shared_where_lines_are_drawn() -> None:
    assert [len(bar) for bar in progression("C Am | Dm7 G7 | C")] == [2, 2, 1]
    assert progression("| C | G |") == progression("C G") == progression("C, G")


@given(st.sampled_from("CDEFGAB"), st.sampled_from(["", "#", "b"]), st.sampled_from(sorted(KINDS)))
def test_every_kind_is_read_on_every_root(letter: str, sharp: str, kind: str) -> None:
    [[chord]] = progression(letter + sharp + kind)
    assert 0 <= chord.root < 12 and set(chord.classes) == {(chord.root + step) % 12 for step in KINDS[kind]}


@pytest.mark.parametrize(
    "text", ["H", "Cmaj7#11b9x", "c", "C || G", "", "  ", "C D E F G|A B C D E", "C/", "1 4 5", "C " * 600]
)
def test_what_cannot_be_read_is_one_line(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        progression(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C Am F G", "C major"), ("Am F C G", "A minor"), ("Dm Gm A7 Dm", "D minor"), ("Eb Cm7 Fm7 Bb7", "Eb major"),
        ("C5", "C major"), ("F#m Bm C#7 F#m", "F# minor"),
    ],
)  # fmt: skip
def test_the_key_of_a_progression(text: str, key: str) -> None:
    assert key_of(progression(text)) == Key.parse(key)


def inside(text: str, chords: Progression) -> float:
    """The share of attacks, but in the last cadence, on notes of the chord of their place, of a piece that a network
    which has learned nothing composes over `chords`."""
    of = progression(text)
    plan = settle(
        MODEL, np.random.default_rng(0), personas={"ada": 1.0}, seconds=30, metre=Metre(4, 4), key=key_of(of),
        chords=chords, modulate=False,
    )  # fmt: skip
    piece = draw(MODEL, [plan], [0], SamplingOptions())[0].piece()
    notes = piece.notes[piece.notes["start"] < piece.edges[-3]]
    found = []
    for start, pitch in notes[["start", "pitch"]].tolist():
        bar = of[start // 96 % len(of)]
        found.append(pitch % 12 in bar[start % 96 * len(bar) // 96].classes)
    return float(np.mean(found))


@pytest.mark.parametrize("text", ["C Am F G", "Dm Bb | Gm A7"])
def test_music_is_composed_over_chords(text: str) -> None:
    assert inside(text, progression(text)) > 0.65 > 0.5 > inside(text, ())


def test_what_returns_does_so_over_the_same_chord() -> None:
    chords = progression("C Am F G C")
    plan = settle(
        MODEL, np.random.default_rng(1), personas={"ada": 1.0}, seconds=60, metre=Metre(4, 4), key=Key(0),
        chords=chords,
    )  # fmt: skip
    free = replace(plan, chords=())
    back = [bar for bar in range(plan.bars) if free.theme(bar) is not None]
    assert back
    for bar in back:
        then = free.theme(bar)
        assert then is not None
        assert plan.theme(bar) == (then if chords[then % 5] == chords[bar % 5] else None)
    assert any(plan.theme(bar) is None for bar in back)
