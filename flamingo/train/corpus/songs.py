"""Pieces made ready for training: events, and what is told of each bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events, mood
from flamingo.composing.key_estimation import phrase_ends
from flamingo.composing.parts import ensemble_of, part_of_notes
from flamingo.composing.phrase_functions import phrases
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.composing.reading.scores import Score
from flamingo.composing.texture import textures
from flamingo.mood.valence_arousal import WORDS
from flamingo.train.corpus.sources import Source

Array = NDArray[Any]


@dataclass(frozen=True)
class Song:
    """A piece ready for training: events with MIDI pitches, and what is told of each bar.

    Attributes:
        events: (n, 5) int16: where, MIDI pitch, duration, velocity (as flamingo.composing.events has them), and part,
            0 to PARTS - 1; a bar line has only the first, and -1 for the others.
        bar: (n,) int, the bar of each event.
        first: (bars + 1,) int, the event with which each bar begins, and their number.
        persona: index, -1 for none.
        ensemble: an index of flamingo.composing.events.ENSEMBLES.
        features: (bars, 7), see flamingo.composing.mood.bar_features.
        metre: (bars,) int, see flamingo.composing.events.metre_index.
        tempo: (bars,) quarters a minute.
        function, texture, phrase_left: (bars,) int, see flamingo.composing.phrase_functions and texture.
        ends: (bar, key) where a phrase or the piece ends, counted as bars up to there.
        played: whether velocities mean anything.
        paced: whether the tempo is known; where a score has none, nothing is said of it.
        mood_point: valence and arousal that a person gave it, in place of what is measured.
    """

    events: Array
    bar: Array
    first: Array
    persona: int
    ensemble: int
    key: Key
    features: Array
    metre: Array
    tempo: Array
    function: Array
    texture: Array
    phrase_left: Array
    ends: list[tuple[int, Key]]
    played: bool
    paced: bool
    scale: mood.Scale
    mood_point: tuple[float, float] | None = None


def songs_of(pairs: Sequence[tuple[Source, Piece]], personas: Sequence[str], scale: mood.Scale) -> list[Song]:
    """Pieces as songs."""
    return [song_of(piece, scale, **_about(source, personas)) for source, piece in pairs]


def _about(source: Source, personas: Sequence[str]) -> dict[str, Any]:
    return {
        "persona": personas.index(source.composer) if source.composer in personas else -1,
        "mood_point": WORDS[source.mood] if source.mood else None,
    }


def song_of(
    piece: Piece,
    scale: mood.Scale,
    *,
    persona: int = -1,
    mood_point: tuple[float, float] | None = None,
    score: Score | None = None,
) -> Song:
    """A piece as a song. score: what is written in it beside the notes, if it was read as one."""
    piece, part = _in_parts(piece)
    spelled = events.spell(piece, part)
    texture = textures(piece, part)
    phrase = phrases(piece, part, texture=texture, **(_marks(score) if score else {}))
    # Bars that were cut in two share the label of the whole.
    whole = np.clip(piece.bar_of(spelled.bars["start"]), 0, len(piece.bars) - 1)
    edges = np.append(spelled.bars["start"].astype(int), piece.length)
    ends = [(int(np.searchsorted(spelled.bars["start"], piece.edges[b])), k) for b, k in phrase_ends(piece)]
    return Song(
        spelled.events,
        spelled.bar,
        np.searchsorted(spelled.bar, np.arange(len(spelled.bars) + 1)),
        persona,
        ensemble_of(piece),
        piece.key,
        mood.bar_features(piece)[whole],
        np.array([events.metre_index(Metre(int(n), int(d))) for _, n, d in spelled.bars]),
        bar_tempos(piece, edges),
        phrase.function[whole],
        texture[whole],
        phrase.left[whole],
        [*ends, (len(spelled.bars), piece.key)],
        piece.expressive,
        piece.expressive or is_paced(piece),
        scale,
        mood_point,
    )


def _in_parts(piece: Piece) -> tuple[Piece, Array]:
    """The piece and the part of each of its notes; of several notes of one part that strike the same key at the same
    time, as the winds of an orchestra do, the longest stays."""
    part = part_of_notes(piece)
    notes = piece.notes
    order = np.lexsort((-notes["duration"], part, notes["pitch"], notes["start"]))
    notes, part = notes[order], part[order]
    same = (notes["start"][1:] == notes["start"][:-1]) & (notes["pitch"][1:] == notes["pitch"][:-1])
    there = np.append(True, ~(same & (part[1:] == part[:-1])))
    return replace(piece, notes=notes[there]), part[there]


def is_paced(piece: Piece) -> bool:
    """Whether somebody wrote a tempo: 120 all the time is what readers put where nothing is written."""
    return bool(len(piece.tempos) and np.any(np.abs(piece.tempos["bpm"] - 120) > 0.5))


def _marks(score: Score) -> dict[str, list[int]]:
    """Where a score ends something: at double bars and repeats, under fermatas, and with slurs over its top staff."""
    lines = score.of("line")
    ending = [score.texts[mark["text"]] != "repeat-begin" for mark in lines]
    slurs = score.of("slur")
    return {
        "lines": lines["end"][np.array(ending, bool)].tolist(),
        "stops": score.of("fermata")["start"].tolist(),
        "slur_ends": slurs["end"][slurs["part"] == 0].tolist(),
    }


def bar_tempos(piece: Piece, edges: Array) -> Array:
    """(bars,) quarters a minute over each bar and four on each side: what one would call the tempo there."""
    times = piece.seconds(edges)
    n = len(edges) - 1
    a, b = np.clip(np.arange(n) - 4, 0, n), np.clip(np.arange(n) + 5, 0, n)
    return np.asarray((edges[b] - edges[a]) / 24 / np.maximum(times[b] - times[a], 1e-3) * 60)
