"""The music that composers are learned from: read, labelled, split by work, and cut into training windows.

A corpus is a folder of music files, with or without a `metadata.csv` (columns composer, title, midi). Without one,
`COMPOSER/...` folders or `Composer_First__Work__...` names say whose a piece is. All movements of a work are on one
side of the split, so that no test piece shares a theme with a training piece.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events, mood, reading
from flamingo.composing.key_estimation import phrase_ends
from flamingo.composing.model import Bar, Composer
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.composing.reading.midi import from_midi
from flamingo.errors import BadRequest, FlamingoError
from flamingo.mood.valence_arousal import WORDS

Array = NDArray[Any]

# Arrangements of other composers' pieces would carry test pieces into training: the whole of Godowsky here is that.
_ARRANGERS = frozenset({"godowsky"})
_TEST_SHARE = 0.12
_VALID_SHARE = 0.04


@dataclass(frozen=True)
class Source:
    """One file of a corpus. composer: lower case, one word; work: what its movements share; split: train, valid or
    test; mood: a word of flamingo.mood.valence_arousal that a person gave it, if one did."""

    file: Path
    composer: str
    title: str
    work: str
    split: str = "train"
    mood: str = ""


def find(folders: Sequence[Path]) -> list[Source]:
    """The MIDI files of a corpus in one or several folders, sorted, each on its side of the split. Raises BadRequest
    if there are none."""
    return _split([source for folder in folders for source in _listed(Path(folder))])


def _listed(folder: Path) -> list[Source]:
    if not folder.is_dir():
        raise BadRequest(str(folder), "there is no such folder", "name a folder with MIDI files")
    about_by_file: dict[Path, tuple[str, str]] = {}
    for table in sorted(folder.rglob("metadata.csv")):
        with table.open(encoding="utf-8", newline="") as opened:
            for row in csv.DictReader(opened):
                if row.get("midi") and row.get("composer"):
                    about = (row["composer"], row.get("title") or Path(row["midi"]).stem)
                    about_by_file[table.parent / row["midi"]] = about
                    about_by_file.setdefault(Path(Path(row["midi"]).name), about)
    sources = []
    for file in sorted(f for f in folder.rglob("*") if f.suffix.lower() in (".mid", ".midi") and f.is_file()):
        if file in about_by_file or Path(file.name) in about_by_file:
            composer, title = about_by_file.get(file) or about_by_file[Path(file.name)]
        elif "__" in file.stem:
            composer, title = file.stem.split("__", 1)
            composer = composer.split("_")[0]
        else:
            composer, title = (file.parent.name if file.parent != folder else "other"), file.stem
        if _plain(composer) in _ARRANGERS:
            continue
        title = title.replace("__", " ").replace("_", " ").strip()
        sources.append(Source(file, _plain(composer), title, f"{_plain(composer)}: {work_of(title)}"))
    if not sources:
        raise BadRequest(str(folder), "it holds no MIDI files", "name a folder with .mid files")
    return sources


def _plain(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]+", "-", ascii_name.lower()).strip("-") or "other"


def work_of(title: str) -> str:
    """The title without what tells one movement, or one piece of an opus, from another."""
    catalogue = r"opus(?: posth)?|op\.?|hoboken [ivxl]+|hob\.? ?[ivxl]+|kv|k\.|bwv|d\.?"
    match = re.match(rf".*?(?:{catalogue})[ _.]*\d+[a-z]?(?: \d+(?= \d))?", title, re.I)
    if match:
        return match[0].lower()
    # Without a number, pieces that begin alike belong together: Pictures at an Exhibition, Suite espanola.
    return " ".join(re.sub(r"( lc\d+| sq\d+| \d+.*)$", "", title).lower().split()[:2])


def _split(sources: list[Source]) -> list[Source]:
    """Whole works, in an order that depends on their names alone, until a share of each composer's is held out. A
    work that is more than a third of its composer's stays in training."""
    by_composer: dict[str, dict[str, list[Source]]] = defaultdict(lambda: defaultdict(list))
    for s in sources:
        by_composer[s.composer][s.work].append(s)
    side: dict[str, str] = {}
    for works in by_composer.values():
        size = {work: sum(s.file.stat().st_size for s in group) for work, group in works.items()}
        whole = sum(size.values())
        missing_notes = {"test": _TEST_SHARE * whole, "valid": _VALID_SHARE * whole}
        for work in sorted(works, key=lambda w: hashlib.sha256(w.encode()).digest()):
            if size[work] > whole / 3:
                continue
            for name in ("test", "valid"):
                if missing_notes[name] > 0 and size[work] < missing_notes[name] + 0.15 * whole:
                    side[work] = name
                    missing_notes[name] -= size[work]
                    break
    return [replace(s, split=side.get(s.work, "train")) for s in sources]


def find_moods(folder: Path) -> list[Source]:
    """Music in folders that are named by moods (angry/, calm/, ...): MIDI, scores, or recordings, each with the word
    of its folder. All of it is for training. Raises BadRequest if there is none, or no folder has such a name."""
    if not folder.is_dir():
        raise BadRequest(f"--moods {folder}", "there is no such folder", "name one with folders named by moods")
    sources = []
    for inside in sorted(d for d in folder.iterdir() if d.is_dir()):
        word = inside.name.lower()
        if word not in WORDS:
            continue
        for file in reading.folder(inside):
            title = file.stem.replace("__", " ").replace("_", " ").strip()
            composer = _plain(file.stem.split("__", 1)[0].split("_")[0]) if "__" in file.stem else "other"
            sources.append(Source(file, composer, title, f"{word}: {file.stem}", "train", word))
    if not sources:
        raise BadRequest(
            f"--moods {folder}",
            "no folder in it is named by a mood and holds music",
            "call them happy, angry, sad, ...",
        )
    return sources


def read(sources: Iterable[Source]) -> list[tuple[Source, Piece]]:
    """Every file that can be read; those that cannot are left out."""
    readable = []
    for source in sources:
        try:
            if source.file.suffix.lower() in (".mid", ".midi"):
                piece = from_midi(source.file.read_bytes(), source.file.name, title=source.title)
            else:
                piece = reading.read(source.file)
        except (FlamingoError, OSError):
            continue
        readable.append((source, piece))
    return readable


def personas_of(pairs: Sequence[tuple[Source, Piece]], least: int = 6_000) -> list[str]:
    """Composers with at least so many training notes, in three files, of music with a keyboard; by name."""
    notes: dict[str, int] = defaultdict(int)
    files: dict[str, int] = defaultdict(int)
    for source, piece in pairs:
        if source.split == "train" and ensemble_of(piece) < 2:
            notes[source.composer] += len(piece.notes)
            files[source.composer] += 1
    return sorted(c for c in notes if notes[c] >= least and files[c] >= 3 and c not in ("christmas", "other"))


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


def songs(pairs: Sequence[tuple[Source, Piece]], personas: Sequence[str], scale: mood.Scale) -> list[Song]:
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


def ensemble_of(piece: Piece) -> int:
    """0 for keyboard alone, 1 with a voice (or any solo), 2 for strings and other groups."""
    if all(p < 8 for p in piece.programs):
        return 0
    return 1 if any(p < 8 for p in piece.programs) else 2


def bar_tempos(piece: Piece, edges: Array) -> Array:
    """(bars,) quarters a minute over each bar and four on each side: what one would call the tempo there."""
    times = piece.seconds(edges)
    n = len(edges) - 1
    a, b = np.clip(np.arange(n) - 4, 0, n), np.clip(np.arange(n) + 5, 0, n)
    return np.asarray((edges[b] - edges[a]) / 24 / np.maximum(times[b] - times[a], 1e-3) * 60)


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
