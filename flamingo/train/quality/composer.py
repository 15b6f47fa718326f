"""Which of two composers is better: by nats a note on the test works, both as stored, in the same key, each with
its own context.

The works are those that the split (flamingo/train/corpus/sources.py) holds out; it depends on names and sizes of
files alone, so of the same music it holds out the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from flamingo.composing import mood
from flamingo.composing.piece import Piece
from flamingo.train.composing.loop import load_composer, nats_a_note
from flamingo.train.corpus import sources
from flamingo.train.corpus.songs import songs_of
from flamingo.train.manifest import entry_of
from flamingo.train.quality import Verdict, first, incomparable, lower

_KEY = "nats a note"


def judge(staged: Path, weights: Path, model: str, music: Sequence[Path]) -> Verdict:
    """Compare the candidate in `staged` with what ships in `weights`. Raises BadRequest for folders without music."""
    pairs = [(s, p) for s, p in sources.read(s for s in sources.find(music) if s.split == "test")]
    new, old = entry_of(staged, model), entry_of(weights, model)
    assert new is not None
    figures = _measured(staged / new["files"]["weights"]["file"], pairs)
    if old is None:
        return first(figures, model)
    if not pairs:
        return incomparable("no work of this music is held out", figures, {}, old["version"])
    return lower(_KEY, figures, _measured(weights / old["files"]["weights"]["file"], pairs), old["version"])


def _measured(file: Path, pairs: list[tuple[sources.Source, Piece]]) -> dict[str, float]:
    """The network knows the conditions by its own personas and its own scale of moods; one that does not know a
    composer is told none."""
    net, facts = load_composer(file)
    songs = songs_of(pairs, facts["config"]["personas"], mood.Scale(**facts["scale"]))
    if not songs:
        return {}
    figures = nats_a_note(net, songs, facts.get("context", 512), torch.device("cpu"))
    # A composer that tells parts apart says more of each note: what both say is compared.
    return {_KEY: round(figures.get("without parts", figures["all"]), 4)}
