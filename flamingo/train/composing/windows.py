"""Training sequences cut from songs, and the same for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.model import Bar, Composer
from flamingo.composing.piece import Key
from flamingo.train.corpus.songs import Song

Array = NDArray[Any]

HEARD = {"piano": 2.0, "voice": 1.0, "strings": 1.0, "choir": 0.25, "organ": 0.5, "chamber": 0.5, "orchestra": 0.5}
"""By how much more, or less, than its share of the notes music for each ensemble is heard in training."""
_BY_ENSEMBLE = np.array([HEARD[name] for name in events.ENSEMBLES])


@dataclass
class Windows:
    """Draws training sequences from songs: rows of `length` events, packed with excerpts one after the other.

    Half of the excerpts end where a phrase or piece ends, in the key of that cadence, with the bars that are left
    counted to there; so the model learns short pieces that end, of which a corpus of sonatas has few; and half of
    those begin where the piece or a phrase begins. The others begin anywhere, in the key of the piece.

    Attributes:
        songs: what to draw from.
        length: events of a sequence.
        random: where chance comes from.
        ending_share: of the excerpts that end where something ends.
        filling: share of the excerpts in which a few bars come last, what follows them first.
        accompanying: share of those in which one part comes first, and then the others.
    """

    songs: Sequence[Song]
    length: int
    random: np.random.Generator
    ending_share: float = 0.5
    filling: float = 0.0
    accompanying: float = 0.0

    def __post_init__(self) -> None:
        # Composers with little music are heard more often than their share, but not as often as all others.
        notes = np.array([len(s.events) for s in self.songs], float)
        persona = np.array([s.persona for s in self.songs])
        total = np.bincount(persona + 1, notes)
        weights = notes * total[persona + 1] ** -0.35
        if self.filling or self.accompanying:
            weights *= _BY_ENSEMBLE[[s.ensemble for s in self.songs]]
        self.weights = weights / weights.sum()
        self._until = np.cumsum(self.weights)

    def row(self) -> dict[str, Array]:
        """One packed sequence: "events" (length + 1, 5), pitches relative, and the conditions of each event."""
        parts: list[dict[str, Array]] = []
        room = self.length + 1
        while room > 0:
            part = self._excerpt(room)
            parts.append({k: v[:room] for k, v in part.items()})
            room -= len(parts[-1]["events"])
        return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}

    def _excerpt(self, room: int) -> dict[str, Array]:
        song = self.songs[min(int(np.searchsorted(self._until, self.random.random())), len(self.songs) - 1)]
        kind = self.random.random()
        if kind < self.filling + self.accompanying and room > _LEAST_TO_ARRANGE:
            rows = self._arranged(song, room, fill=kind < self.filling)
            if rows is not None:
                return rows
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

    def _arranged(self, song: Song, room: int, *, fill: bool) -> dict[str, Array] | None:
        """An excerpt in which a few bars come last (`fill`), or a part comes first; None where the bars are too long
        for the room."""
        bars = len(song.first) - 1
        begin = int(self.random.integers(0, max(1, bars - 4)))
        count = int(np.exp(self.random.uniform(np.log(6), np.log(40))))
        last = min(bars, begin + count)
        # Bar lines may come twice, and a line more closes.
        while last > begin + 2 and song.first[last] - song.first[begin] + (last - begin) + 2 > room:
            last -= max(1, (last - begin) // 8)
        if song.first[last] - song.first[begin] + (last - begin) + 2 > room or last - begin < 2:
            return None
        rows = excerpt(song, begin, last, song.key, **self._playing())
        there = np.unique(rows["events"][:, 4])
        there = there[there >= 0]
        given: list[int] = []
        if len(there) > 1 and (not fill or self.random.random() < 0.25):
            given = [int(there[0] if self.random.random() < 0.6 else self.random.choice(there))]
        elif not fill:
            return None
        size = last - begin
        if fill:
            hidden = int(min(self.random.choice([1, 2, 3, 4, 6, 8]), size - 1))
            first = int(self.random.integers(0, size - hidden + 1))
        else:
            first = 0 if self.random.random() < 0.7 else int(self.random.integers(0, size - 1))
            hidden = size - first
        return arranged(rows, first, first + hidden, given)

    def _playing(self) -> dict[str, Any]:
        """Augmentation: the same notes a little faster or slower, louder or softer, and labelled so."""
        return {
            "faster": 2 ** self.random.uniform(-0.25, 0.25),
            "louder": int(self.random.integers(-1, 2)),
            "number": int(self.random.integers(events.NUMBERS)),
        }


_LEAST_TO_ARRANGE = 160  # events


def arranged(rows: dict[str, Array], first: int, last: int, given: Sequence[int] = ()) -> dict[str, Array]:
    """An excerpt put in another order, so that a network that only goes on learns to fill in.

    First comes what follows bar `last`, then what stands before bar `first`, then the parts that are given in the
    bars between, and last all else in them, closed by a bar line. So what is filled in goes on from what it follows:
    with what comes later in between it is .12 nats a note harder (docs/LAB.md, 61). "role" says which is which, and
    in the bars to be filled "left" counts to the end of them.

    Args:
        rows: a whole excerpt.
        first, last: the bars to be filled, counted from 0 in the excerpt, the last not included.
        given: parts that are told in them.
    """
    bar, part = rows["bar"], rows["events"][:, 4]
    line = part < 0
    closing = np.zeros(len(bar), bool)
    closing[-1] = True  # the bar line that closes what is filled in
    inside = (bar >= first) & (bar < last) & ~closing
    told = inside & (line | np.isin(part, list(given))) if len(given) else np.zeros(len(bar), bool)
    filled = inside & (line | ~np.isin(part, list(given)))
    blocks = [((bar >= last) & ~closing, "later"), (bar < first, "plain"), (told, "given"), (filled, "fill")]
    order = np.concatenate([np.flatnonzero(mask) for mask, _ in blocks])
    order = np.append(order, order[-1])
    found = {name: column[order].copy() for name, column in rows.items()}
    role = np.repeat([events.ROLES.index(name) for _, name in blocks], [int(mask.sum()) for mask, _ in blocks])
    found["role"] = np.append(role, role[-1]).astype(np.int64)
    found["events"][-1] = (events.BAR_LINE, -1, -1, -1, -1)
    to_fill = np.isin(found["role"], (events.ROLES.index("given"), events.ROLES.index("fill")))
    found["left"][to_fill] = events.left_index(last - found["bar"][to_fill])
    return found


def excerpt(
    song: Song,
    begin: int,
    last: int,
    key: Key,
    *,
    limit: int | None = None,
    faster: float = 1.0,
    louder: int = 0,
    number: int = 0,
) -> dict[str, Array]:
    """Bars `begin` to `last` of a song as a training example in `key`, of at most `limit` events. If it is whole, a
    last bar line closes it. faster: factor of the tempo; louder: bins of velocity; number: of its first bar."""
    a, b = int(song.first[begin]), int(song.first[last])
    if limit is not None:
        b = min(b, a + limit)
    rows = events.relative(song.events[a:b], key.tonic)
    bar = song.bar[a:b]
    if limit is None:
        rows = np.concatenate((rows, [(events.BAR_LINE, -1, -1, -1, -1)])).astype(np.int16)
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
    elif not song.paced:
        arousal = np.full_like(arousal, np.nan)  # it is mostly speed, which nobody wrote
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
        "tempo": events.tempo_index(song.tempo[bar] * faster) if song.paced else np.full(n, events.TEMPOS),
        "function": song.function[bar],
        "texture": song.texture[bar],
        "phrase_left": np.asarray(song.phrase_left[bar]).astype(np.int64) - 1,
        "bar": bar - begin,
        "number": (bar - begin + number) % events.NUMBERS,
        "role": np.zeros(n, np.int64),
        "start": start,
        "played": np.full(n, song.played),
    }


def condition_vectors(
    model: Composer, rows: dict[str, Array], personas: Sequence[str], *, phrases: bool = False
) -> Array:
    """(n, d) the conditions of an excerpt's events as the run-time network takes them. phrases: whether phrases and
    accompaniment are told."""
    vector_by_row: dict[tuple[Any, ...], Array] = {}
    columns = (
        *("persona", "valence", "arousal", "left", "tempo", "metre", "minor", "ensemble", "start"),
        *("function", "texture", "phrase_left", "number", "role"),
    )
    vectors = []
    for row in zip(*(rows[c].tolist() for c in columns), strict=True):
        # Two rows with an arousal that nobody knows are the same row, though no NaN is another.
        row = tuple(None if value != value else value for value in row)
        if row not in vector_by_row:
            persona, valence, arousal, left, tempo, metre, minor, ensemble, start, function, texture, *rest = row
            phrase_left, number, role = rest
            who = {personas[persona]: 1.0} if persona >= 0 else {}
            bars = left + 1 if left < 16 else (17, 21, 25, 33, 49, 65, 97)[min(left - 16, 6)]
            bpm = 36 * 2 ** (tempo / 4) if tempo < events.TEMPOS else None
            told = Bar(
                who, valence, arousal, bars, bpm, metre, bool(minor), ensemble, bool(start), number=number, role=role
            )
            if phrases:
                told = replace(told, function=function, texture=texture, phrase_left=phrase_left + 1)
            vector_by_row[row] = model.condition_vector(told, plain=True)
        vectors.append(vector_by_row[row])
    return np.stack(vectors)
