"""A corpus as files that are mapped into memory: what is not looked at is never read.

corpus.json     what each song is: title, composer, work, collection, side of the split, key, ...
events.npy      (n, 5) int16, the events of all songs one after the other
bars.npy        (b,) of BAR_TOLD: what is told of each bar, and the event it begins with
ends.npy        (e, 4) int32: song, bars up to the end of a phrase, tonic and mode of its key
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import mood
from flamingo.composing.piece import Key, Piece
from flamingo.errors import BadRequest, show
from flamingo.files import put
from flamingo.train.corpus.kept_scores import kept
from flamingo.train.corpus.songs import Song
from flamingo.train.corpus.sources import Source

__all__ = ["Library", "is_library", "write"]

Array = NDArray[Any]

FORMAT = "flamingo-corpus-1"
KEPT = "read"
"""The folder, inside that of a corpus, of the scores as they were read."""
BAR_TOLD = np.dtype(
    [
        ("first", "i4"),  # event of the song with which the bar begins
        ("metre", "u1"),
        ("function", "u1"),
        ("texture", "u1"),
        ("phrase_left", "u1"),
        ("tempo", "f4"),
        ("features", "f4", (len(mood.FEATURES),)),
    ]
)


def is_library(folder: Path) -> bool:
    """Whether a folder holds a corpus that `flamingo train corpus` made."""
    return (folder / "corpus.json").is_file()


def write(folder: Path, songs: Iterable[tuple[dict[str, Any], Song]], facts: dict[str, Any]) -> None:
    """Write a corpus.

    Args:
        folder: where, which must exist.
        songs: what each is (title, composer, work, collection, split), and the song.
        facts: what else `corpus.json` says.
    """
    events: list[Array] = []
    bars: list[Array] = []
    ends: list[tuple[int, int, int, int]] = []
    about: list[dict[str, Any]] = []
    event = bar = 0
    for number, (what, song) in enumerate(songs):
        rows = np.zeros(len(song.first) - 1, BAR_TOLD)
        rows["first"] = song.first[:-1]
        for name in ("metre", "function", "texture", "phrase_left", "tempo", "features"):
            rows[name] = getattr(song, name)
        events.append(np.asarray(song.events, np.int16))
        bars.append(rows)
        ends += [(number, at, key.tonic, int(key.minor)) for at, key in song.ends]
        about.append(
            {
                **what,
                "events": [event, event + len(song.events)],
                "bars": [bar, bar + len(rows)],
                "notes": int((song.events[:, 1] >= 0).sum()),
                "ensemble": song.ensemble,
                "key": [song.key.tonic, int(song.key.minor)],
                "played": song.played,
                "paced": song.paced,
            }
        )
        event, bar = event + len(song.events), bar + len(rows)
    arrays: dict[str, Array] = {
        "events": np.concatenate([np.zeros((0, 5), np.int16), *events]),
        "bars": np.concatenate([np.zeros(0, BAR_TOLD), *bars]),
        "ends": np.array(ends, np.int32).reshape(-1, 4),
    }
    for name, array in arrays.items():
        # A training that has the old file mapped goes on with that.
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as file:
            np.save(file, array, allow_pickle=False)
        Path(file.name).replace(folder / f"{name}.npy")
    text = json.dumps({"format": FORMAT, **facts, "songs": about}, ensure_ascii=False, indent=0)
    put(text.encode(), folder / "corpus.json", overwrite=True)


@dataclass(frozen=True)
class Library:
    """A corpus on disk, mapped into memory.

    Attributes:
        folder: where it lies.
        facts: what `corpus.json` says, "songs" among it: a row for each.
    """

    folder: Path
    facts: dict[str, Any]
    events: Array
    bars: Array
    ends: Array

    @classmethod
    def open(cls, folder: Path) -> Library:
        """Raises BadRequest where there is none, or one of another format."""
        try:
            facts = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
            if facts["format"] != FORMAT:
                raise ValueError("it is of another format")
            arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("events", "bars", "ends")]
            last = facts["songs"][-1] if facts["songs"] else {"events": [0, 0], "bars": [0, 0]}
            shapes = (last["events"][1], 5), (last["bars"][1],), (len(arrays[2]), 4)
            if [array.shape for array in arrays] != list(shapes) or arrays[1].dtype != BAR_TOLD:
                raise ValueError("its parts do not belong together")
        except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
            raise BadRequest(show(folder), f"no corpus can be read there ({error})", "make it anew") from None
        return cls(folder, facts, *arrays)

    def __len__(self) -> int:
        return len(self.facts["songs"])

    def indices(self, split: str) -> list[int]:
        """The songs on one side of the split: train, valid or test."""
        return [i for i, what in enumerate(self.facts["songs"]) if what["split"] == split]

    def personas(self, least: int = 20_000) -> list[str]:
        """Composers with so many training notes at least, in three songs, of music with a keyboard; by name."""
        notes: dict[str, int] = defaultdict(int)
        count: dict[str, int] = defaultdict(int)
        for what in self.facts["songs"]:
            if what["split"] == "train" and what["ensemble"] < 2:
                notes[what["composer"]] += what["notes"]
                count[what["composer"]] += 1
        nobody = ("christmas", "other", "anonymous", "anonim", "anonymus")
        return sorted(c for c in notes if notes[c] >= least and count[c] >= 3 and c not in nobody)

    def features(self, numbers: Sequence[int]) -> Array:
        """(bars, 7) float64: the features of all bars of these songs, NaN for loudness where nobody played, and for
        what depends on a tempo where none is known."""
        found = []
        for number in numbers:
            what = self.facts["songs"][number]
            rows = self.bars[slice(*what["bars"])]["features"].astype(np.float64)
            if not what["played"]:
                rows[:, mood.FEATURES.index("loudness")] = np.nan
            if not what["paced"]:
                rows[:, [mood.FEATURES.index("tempo"), mood.FEATURES.index("density")]] = np.nan
            found.append(rows)
        return np.concatenate(found)

    def pairs(self, *splits: str) -> Iterator[tuple[Source, Piece]]:
        """The pieces on these sides of the split, as they were read, and what they are. Raises BadRequest where they
        are no longer kept."""
        for what in self.facts["songs"]:
            if what["split"] not in splits:
                continue
            file = self.folder / KEPT / what["kept"]
            if not file.is_file():
                raise BadRequest(show(self.folder), f"{KEPT}/{what['kept']} is gone", "make the corpus anew")
            source = Source(
                Path(what["file"]), what["composer"], what["title"], what["work"], what["split"],
                collection=what["collection"],
            )  # fmt: skip
            yield source, kept(file).piece

    def song(self, number: int, personas: Sequence[str], scale: mood.Scale) -> Song:
        """A song, whose arrays are views of the files."""
        what = self.facts["songs"][number]
        events = self.events[slice(*what["events"])]
        bars = self.bars[slice(*what["bars"])]
        first = np.append(bars["first"], len(events)).astype(np.int64)
        a, b = np.searchsorted(self.ends[:, 0], [number, number + 1])
        return Song(
            events,
            np.repeat(np.arange(len(bars)), np.diff(first)),
            first,
            personas.index(what["composer"]) if what["composer"] in personas else -1,
            what["ensemble"],
            Key(what["key"][0], bool(what["key"][1])),
            bars["features"],
            bars["metre"],
            bars["tempo"],
            bars["function"],
            bars["texture"],
            bars["phrase_left"],
            [(int(at), Key(int(tonic), bool(minor))) for _, at, tonic, minor in self.ends[a:b]],
            what["played"],
            what["paced"],
            scale,
        )
