"""Training sequences cut from songs, and the same for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.model import Bar, Composer
from flamingo.composing.piece import Key
from flamingo.train.corpus.songs import Song

Array = NDArray[Any]


@dataclass
class Windows:
    """Draws training sequences from songs: rows of `length` events, packed with excerpts one after the other.

    Half of the excerpts end where a phrase or piece ends, in the key of that cadence, with the bars that are left
    counted to there; so the model learns short pieces that end, of which a corpus of sonatas has few; and half of
    those begin where the piece or a phrase begins. The others begin anywhere, in the key of the piece.
    """

    songs: list[Song]
    length: int
    random: np.random.Generator
    ending_share: float = 0.5

    def __post_init__(self) -> None:
        # Composers with little music are heard more often than their share, but not as often as all others.
        notes = np.array([len(s.events) for s in self.songs], float)
        total = np.bincount([s.persona + 1 for s in self.songs], notes)
        balance = np.array([total[s.persona + 1] for s in self.songs]) ** -0.35
        self.weights = notes * balance / (notes * balance).sum()

    def row(self) -> dict[str, Array]:
        """One packed sequence: "events" (length + 1, 4), pitches relative, and the conditions of each event."""
        parts: list[dict[str, Array]] = []
        room = self.length + 1
        while room > 0:
            part = self._excerpt()
            if part is None:
                continue
            parts.append({k: v[:room] for k, v in part.items()})
            room -= len(parts[-1]["events"])
        return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}

    def _excerpt(self) -> dict[str, Array] | None:
        song = self.songs[self.random.choice(len(self.songs), p=self.weights)]
        bars = len(song.first) - 1
        if self.random.random() < self.ending_share:
            last, key = song.ends[self.random.integers(len(song.ends))]
            count = int(np.exp(self.random.uniform(np.log(4), np.log(40))))
            begin = max(0, last - count)
            if self.random.random() < 0.5:
                begin = max((end for end, _ in song.ends if end <= begin), default=0)
            return excerpt(song, begin, last, key, **self._playing())
        begin = int(self.random.integers(0, max(1, bars - 2)))
        return excerpt(song, begin, bars, song.key, limit=self.length + 1, **self._playing())

    def _playing(self) -> dict[str, Any]:
        """Augmentation: the same notes a little faster or slower, louder or softer, and labelled so."""
        return {"faster": 2 ** self.random.uniform(-0.25, 0.25), "louder": int(self.random.integers(-1, 2))}


def excerpt(
    song: Song,
    begin: int,
    last: int,
    key: Key,
    *,
    limit: int | None = None,
    faster: float = 1.0,
    louder: int = 0,
) -> dict[str, Array]:
    """Bars `begin` to `last` of a song as a training example in `key`, of at most `limit` events. If it is whole, a
    last bar line closes it. faster: factor of the tempo; louder: bins of velocity."""
    a, b = int(song.first[begin]), int(song.first[last])
    if limit is not None:
        b = min(b, a + limit)
    rows = events.relative(song.events[a:b], key.tonic)
    bar = song.bar[a:b]
    if limit is None:
        rows = np.concatenate((rows, [(events.BAR_LINE, -1, -1, -1)])).astype(np.int16)
        bar = np.append(bar, bar[-1])
    sounding = rows[:, 3] >= 0
    rows[sounding, 3] = np.clip(rows[sounding, 3] + louder, 0, events.VELOCITIES - 1)
    features = song.features[begin : last + 1].copy()
    features[:, :2] += np.log2(faster)  # tempo and density
    features[:, 2] += 8 * louder
    valence, arousal = (np.nan_to_num(curve) for curve in song.scale.points(features, song.played))
    if song.mood_point is not None:
        valence, arousal = (
            np.full_like(curve, x) for curve, x in zip((valence, arousal), song.mood_point, strict=True)
        )
    n = len(rows)
    start = np.zeros(n, np.int8)
    start[bar == begin] = 1
    return {
        "events": rows,
        "persona": np.full(n, song.persona),
        "ensemble": np.full(n, song.ensemble),
        "minor": np.full(n, int(key.minor)),
        "valence": valence[bar - begin].astype(np.float32),
        "arousal": arousal[bar - begin].astype(np.float32),
        "left": events.left_index(last - bar),
        "metre": song.metre[bar],
        "tempo": events.tempo_index(song.tempo[bar] * faster),
        "start": start,
        "played": np.full(n, song.played),
    }


def condition_vectors(model: Composer, rows: dict[str, Array], personas: Sequence[str]) -> Array:
    """(n, d) the conditions of an excerpt's events as the run-time network takes them."""
    vector_by_row: dict[tuple[Any, ...], Array] = {}
    columns = ("persona", "valence", "arousal", "left", "tempo", "metre", "minor", "ensemble", "start")
    vectors = []
    for row in zip(*(rows[c].tolist() for c in columns), strict=True):
        if row not in vector_by_row:
            persona, valence, arousal, left, tempo, metre, minor, ensemble, start = row
            who = {personas[persona]: 1.0} if persona >= 0 else {}
            bars = left + 1 if left < 16 else (17, 21, 25, 33, 49, 65, 97)[min(left - 16, 6)]
            bpm = 36 * 2 ** (tempo / 4)
            bar = Bar(who, valence, arousal, bars, bpm, metre, bool(minor), ensemble, bool(start))
            vector_by_row[row] = model.condition_vector(bar, plain=True)
        vectors.append(vector_by_row[row])
    return np.stack(vectors)
