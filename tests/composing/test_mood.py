"""Mood is what was decreed by nobody: faster and louder is more excited, minor is less pleasant, ranks are ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo.composing import mood
from flamingo.composing.mood import FEATURES, Scale, bar_features
from flamingo.composing.performance import louder
from flamingo.composing.piece import Key, Piece
from flamingo.errors import BadRequest
from flamingo.mood.valence_arousal import WORDS, place
from tests.composing import pieces, tiny

some = settings(max_examples=40, deadline=None, derandomize=True)

SCALE = Scale(**{k: tuple(v) for k, v in tiny.SCALE.items()})


def tune(minor: bool = False, bpm: float = 100, up: int = 0, detached: bool = False) -> Piece:
    third, sixth = (3, 8) if minor else (4, 9)
    steps = [0, third, 7, sixth, 7, third, 2, 0] * 4
    notes = [pieces.note(24 * i, 12 if detached else 24, 60 + up + s, 70) for i, s in enumerate(steps)]
    notes += [pieces.note(96 * b, 96, 48 + up, 70) for b in range(8)]
    return pieces.piece(notes, bars=8, key=str(Key(up % 12, minor)), bpm=bpm)


def feature(piece: Piece, name: str) -> float:
    return float(np.nanmean(bar_features(piece)[:, FEATURES.index(name)]))


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_a_place_on_the_plane(word: str) -> None:
    assert place(f" {word.upper()} ") == WORDS[word]
    assert all(-1 <= x <= 1 for x in WORDS[word])


def test_words_lie_where_people_put_them() -> None:
    assert place("happy")[0] > 0 > place("sad")[0]
    assert place("angry")[1] > 0 > place("calm")[1]


@pytest.mark.parametrize(
    ("word", "said"), [("hapy", "'happy'"), ("tendr", "'tender'"), ("zzzz", "choose one of"), ("", "choose one of")]
)
def test_an_unknown_word_is_refused_in_one_line(word: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        place(word)
    assert "\n" not in str(caught.value)


# -- features ------------------------------------------------------------------------------------------------


def test_features_are_what_they_say() -> None:
    piece = tune(bpm=60)
    assert feature(piece, "tempo") == pytest.approx(np.log2(60))
    assert feature(piece, "density") == pytest.approx(np.log2(5 / 4)), "five notes in a bar of four seconds"
    assert feature(piece, "loudness") == 70
    assert feature(tune(), "mode") > 0 > feature(tune(minor=True), "mode")
    assert feature(tune(detached=True), "detached") > feature(tune(), "detached")
    assert feature(tune(up=7), "register") == pytest.approx(feature(tune(), "register") + 7)


def test_seconds_and_tritones_are_dissonant() -> None:
    chords = {name: [pieces.note(24 * i, 24, p) for i in range(8) for p in chord] for name, chord in
              {"triad": (60, 64, 67), "cluster": (60, 61, 66)}.items()}  # fmt: skip
    assert feature(pieces.piece(chords["triad"]), "consonance") == 0
    assert feature(pieces.piece(chords["cluster"]), "consonance") == pytest.approx(-2 / 3)


@some
@given(pieces.any_piece(shifted=True))
def test_any_piece_has_features_without_a_warning(piece: Piece) -> None:
    found = bar_features(piece)
    assert found.shape == (len(piece.bars), len(FEATURES))
    assert not np.isinf(found).any()
    valence, arousal = SCALE.points(found, piece.expressive)
    for points in (valence, arousal):
        assert (np.isnan(points) | (np.abs(points) <= 1)).all()


@some
@given(st.integers(-6, 6))
def test_a_key_alone_changes_no_mood_but_by_its_register(up: int) -> None:
    here, there = bar_features(tune()), bar_features(tune(up=up))
    for i, name in enumerate(FEATURES):
        if name != "register":
            assert np.allclose(here[:, i], there[:, i], equal_nan=True), name


# -- the scale -----------------------------------------------------------------------------------------------


def test_faster_is_more_excited() -> None:
    found = [SCALE.of(tune(bpm=bpm))[1] for bpm in (50, 80, 120, 180)]
    assert found == sorted(found) and found[0] < found[-1]


def test_louder_is_more_excited() -> None:
    found = [SCALE.of(louder(tune(), float(steps)))[1] for steps in (-40, -10, 10, 40)]
    assert found == sorted(found) and found[0] < found[-1]


def test_without_a_player_loudness_says_nothing() -> None:
    silent = [SCALE.of(replace(louder(tune(), float(steps)), expressive=False)) for steps in (-40, 40)]
    assert silent[0] == silent[1]


def test_minor_is_less_pleasant() -> None:
    assert SCALE.of(tune(minor=True))[0] < SCALE.of(tune())[0]


def test_on_the_corpus_that_it_was_measured_on_the_median_is_0_and_the_ends_are_1() -> None:
    features = np.random.default_rng(0).normal(0, 1, (4001, len(FEATURES))) * 3 + 5
    scale = Scale.measured(features)
    for points in scale.points(features):
        assert abs(np.median(points)) < 0.01
        assert (points.min(), points.max()) == pytest.approx((-1, 1), abs=0.001)
        assert np.allclose(np.quantile(points, [0.25, 0.75]), [-0.5, 0.5], atol=0.02), "ranks, evenly spread"


@some
@given(st.integers(0, len(FEATURES) - 1), st.floats(0.01, 5))
def test_more_of_a_feature_never_lowers_what_it_raises(which: int, more: float) -> None:
    low = np.array([SCALE.mean])
    high = low.copy()
    high[0, which] += more
    for before, after in zip(SCALE.points(low), SCALE.points(high), strict=True):
        assert after[0] >= before[0]


def test_a_scale_is_measured_without_players_or_where_all_are_alike() -> None:
    """Plain scores have no loudness, and one tempo: what does not vary says nothing, and spoils nothing."""
    features = np.random.default_rng(0).normal(0, 1, (500, len(FEATURES)))
    features[:, FEATURES.index("loudness")] = np.nan
    features[:, FEATURES.index("tempo")] = 7.0
    scale = Scale.measured(features)
    assert np.isfinite([*scale.mean, *scale.spread, *scale.valence, *scale.arousal]).all()
    for points in scale.points(features, expressive=False):
        assert np.isfinite(points).all()


def test_a_piece_without_notes_is_in_the_middle_and_warns_of_nothing() -> None:
    assert mood.Scale.of(SCALE, pieces.piece(bars=3, bpm=100)) == (0.0, 0.0)
