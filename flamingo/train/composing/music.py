"""A corpus made ready for training and for measuring: songs by split, personas, and the scale of moods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flamingo.composing import mood
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest
from flamingo.train.corpus import sources, store
from flamingo.train.corpus.songs import Song, songs_of


@dataclass(frozen=True)
class Music:
    """A corpus made ready: songs by split, the personas, the mood scale measured on the training songs."""

    songs: dict[str, list[Song]]
    personas: tuple[str, ...]
    scale: mood.Scale
    files: dict[str, int]
    notes: dict[str, int]
    pairs: list[tuple[sources.Source, Piece]]


def load_music(folders: tuple[str, ...], facts: dict[str, Any] | None = None, moods: str = "") -> Music:
    """Read a corpus. facts: those of a checkpoint, whose personas and scale are kept. moods: a folder of music in
    folders named by moods, which is learned from too."""
    libraries = [Path(f) for f in folders if store.is_library(Path(f))]
    if libraries:
        if len(folders) > 1 or moods:
            raise BadRequest("--music", "a corpus is learned from alone", "make one of all folders")
        return _from_library(store.Library.open(libraries[0]), facts)
    if not folders and not moods:
        raise BadRequest("--music", "there is nothing to learn from", "name a folder of MIDI files")
    felt = sources.find_moods(Path(moods)) if moods else []
    pairs = sources.read([*(sources.find([Path(f) for f in folders]) if folders else ()), *felt])
    if not pairs:
        raise BadRequest("--music", "none of the files can be read", "name a folder of whole MIDI files")
    if facts:
        personas, scale = tuple(facts["config"]["personas"]), mood.Scale(**facts["scale"])
    else:
        personas = tuple(sources.personas_of(pairs))
        features = [mood.bar_features(p) for s, p in pairs if s.split == "train"]
        played = [p.expressive for s, p in pairs if s.split == "train"]
        for rows, expressive in zip(features, played, strict=True):
            if not expressive:
                rows[:, mood.FEATURES.index("loudness")] = np.nan
        scale = mood.Scale.measured(np.concatenate(features))
    return made(pairs, personas, scale)


def _from_library(library: store.Library, facts: dict[str, Any] | None) -> Music:
    """A corpus that `flamingo train corpus` made, as music for training."""
    rows = library.facts["songs"]
    personas = tuple(facts["config"]["personas"]) if facts else ()
    personas += tuple(p for p in library.personas() if p not in personas)
    train = library.indices("train")
    scale = mood.Scale(**facts["scale"]) if facts else mood.Scale.measured(library.features(train))
    splits = {name: library.indices(name) for name in ("train", "valid", "test")}
    return Music(
        {name: [library.song(i, personas, scale) for i in chosen] for name, chosen in splits.items()},
        personas,
        scale,
        {name: len(chosen) for name, chosen in splits.items()},
        {name: sum(rows[i]["notes"] for i in chosen) for name, chosen in splits.items()},
        [],
    )


def made(pairs: list[tuple[sources.Source, Piece]], personas: tuple[str, ...], scale: mood.Scale) -> Music:
    """Pieces with their sources as music for training."""
    splits = ("train", "valid", "test")
    chosen = {name: [(s, p) for s, p in pairs if s.split == name] for name in splits}
    return Music(
        {name: songs_of(split_pairs, personas, scale) for name, split_pairs in chosen.items()},
        personas,
        scale,
        {name: len(split_pairs) for name, split_pairs in chosen.items()},
        {name: sum(len(p.notes) for _, p in split_pairs) for name, split_pairs in chosen.items()},
        pairs,
    )
