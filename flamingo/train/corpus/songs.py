"""Pieces made ready for training: events, and what is told of each bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events, mood
from flamingo.composing.key_estimation import phrase_ends
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.mood.valence_arousal import WORDS
from flamingo.train.corpus.sources import Source, ensemble_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Song:
    """A piece ready for training: events with MIDI pitches, and what is told of each bar.

    Attributes:
        persona: index, -1 for none.
        ends: (bar, key) where a phrase or the piece ends.
        played: whether velocities mean anything.
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
    ends: list[tuple[int, Key]]
    played: bool
    scale: mood.Scale
    mood_point: tuple[float, float] | None = None


def songs_of(pairs: Sequence[tuple[Source, Piece]], personas: Sequence[str], scale: mood.Scale) -> list[Song]:
    """Pieces as songs. Music for voice or strings is told apart from music for the piano."""
    converted = []
    for source, piece in pairs:
        spelled = events.spell(piece)
        features = mood.bar_features(piece)
        # Bars that were cut in two share the label of the whole.
        whole = np.clip(piece.bar_of(spelled.bars["start"]), 0, len(piece.bars) - 1)
        edges = np.append(spelled.bars["start"].astype(int), piece.length)
        ends = [(int(np.searchsorted(spelled.bars["start"], piece.edges[b])), k) for b, k in phrase_ends(piece)]
        converted.append(
            Song(
                spelled.events,
                spelled.bar,
                np.searchsorted(spelled.bar, np.arange(len(spelled.bars) + 1)),
                personas.index(source.composer) if source.composer in personas else -1,
                ensemble_of(piece),
                piece.key,
                features[whole],
                np.array([events.metre_index(Metre(int(n), int(d))) for _, n, d in spelled.bars]),
                bar_tempos(piece, edges),
                [*ends, (len(spelled.bars), piece.key)],
                piece.expressive,
                scale,
                WORDS[source.mood] if source.mood else None,
            )
        )
    return converted


def bar_tempos(piece: Piece, edges: Array) -> Array:
    """(bars,) quarters a minute over each bar and four on each side: what one would call the tempo there."""
    times = piece.seconds(edges)
    n = len(edges) - 1
    a, b = np.clip(np.arange(n) - 4, 0, n), np.clip(np.arange(n) + 5, 0, n)
    return np.asarray((edges[b] - edges[a]) / 24 / np.maximum(times[b] - times[a], 1e-3) * 60)
