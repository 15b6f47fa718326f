"""The oldest baseline: counts of short contexts, backed off where they are too long to have been seen.

An event's four numbers are predicted one after the other, like the networks do, each from the events before it. The
estimate is that of Witten and Bell (1991): a context's own counts, mixed with the estimate of the next shorter
context by how often it has been followed by something new.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.files import put
from flamingo.train import runs
from flamingo.train.composing.windows import excerpt
from flamingo.train.corpus.songs import Song

if TYPE_CHECKING:
    from flamingo.train.composing.outcome import Outcome
    from flamingo.train.composing.recipe import ComposerRecipe

Array = NDArray[Any]
ORDER = 3
"""Whole events of context at most."""
_SIZES = (events.WHERES, events.PITCHES, len(events.DURATIONS), events.VELOCITIES)


@dataclass
class NGram:
    """Counts by (column, context), where a context is what is chosen of this event and then the events before."""

    counts: dict[tuple[Any, ...], Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def learn(self, rows: Array) -> None:
        """Count one sequence of relative events."""
        spelled = rows.tolist()
        for i in range(1, len(spelled)):
            for column in range(4 if spelled[i][1] >= 0 else 1):
                for context in self._contexts(spelled, i, column):
                    self.counts[context][spelled[i][column]] += 1

    def nats(self, rows: Array) -> Array:
        """(n, 4) nats of the events after the first."""
        spelled = rows.tolist()
        nats = np.zeros((len(spelled) - 1, 4))
        for i in range(1, len(spelled)):
            for column in range(4 if spelled[i][1] >= 0 else 1):
                p = 1 / _SIZES[column]
                for context in self._contexts(spelled, i, column):
                    followers = self.counts.get(context)
                    if followers:
                        total, kinds = followers.total(), len(followers)
                        p = (followers[spelled[i][column]] + kinds * p) / (total + kinds)
                nats[i - 1, column] = -np.log(p)
        return nats

    @staticmethod
    def _contexts(spelled: list[list[int]], i: int, column: int) -> list[tuple[Any, ...]]:
        """From the shortest to the longest."""
        here = tuple(spelled[i][:column])
        contexts: list[tuple[Any, ...]] = [(column,), (column, here)]
        for order in range(1, min(ORDER, i) + 1):
            # Places and pitches of the events before say most; their durations and velocities would thin the counts.
            before = tuple((spelled[i - k][0], spelled[i - k][1]) for k in range(1, order + 1))
            contexts.append((column, here, before))
        return contexts


def train(recipe: ComposerRecipe) -> Outcome:
    """Count the training works, measure the held-out ones, and leave the figures in `ngram.json` in `recipe.out`."""
    from flamingo.train.composing.music import load_music
    from flamingo.train.composing.outcome import Outcome

    begun = time.monotonic()
    music = load_music(recipe.music)
    model = NGram()
    count = 0
    for song in music.songs["train"]:
        rows = excerpt(song, 0, len(song.first) - 1, song.key)["events"]
        model.learn(rows)
        count += len(rows)
    figures = {name: nats_a_note(model, music.songs[name])["all"] for name in ("valid", "test") if music.songs[name]}
    out = Path(recipe.out)
    runs.begin(out, resume=False)
    file = out / "ngram.json"
    facts = {"figures": figures, "events": count, "order": ORDER, "files": music.files, "notes": music.notes}
    put((json.dumps(facts, indent=1) + "\n").encode("utf-8"), file, overwrite=True)
    return Outcome(1, count, time.monotonic() - begun, figures, file)


def nats_a_note(model: NGram, songs: list[Song]) -> dict[str, float]:
    """As flamingo.train.composing.loop.nats_a_note, for counts."""
    total, notes = np.zeros(4), 0
    for song in songs:
        rows = excerpt(song, 0, len(song.first) - 1, song.key)["events"]
        nats = model.nats(rows)
        if not song.played:
            nats[:, 3] = 0
        total += nats.sum(0)
        notes += int((rows[1:, 1] >= 0).sum())
    by_number = total / max(notes, 1)
    return {"all": float(by_number.sum())} | dict(
        zip(("where", "pitch", "duration", "velocity"), by_number.tolist(), strict=True)
    )
