"""`flamingo train corpus`: folders of scores and MIDI files become one corpus, once.

Each file is read in a process of its own pool and kept (kept_scores.py), so what broke off goes on where it was. Then
works are found across the collections (works.py), sides of the split given, duplicates left out, and every piece
labelled and written (songs.py, store.py). What cannot be read is named and counted, and the rest goes on.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from flamingo.composing import mood
from flamingo.composing.events import ENSEMBLES
from flamingo.composing.reading.midi import from_midi
from flamingo.composing.reading.scores import MARK, Score, ScoreReader
from flamingo.errors import BadRequest, FlamingoError, WouldOverwrite, show
from flamingo.train.corpus import store
from flamingo.train.corpus.kept_scores import keep, kept, name_of
from flamingo.train.corpus.recipe import CorpusRecipe
from flamingo.train.corpus.songs import Song, song_of
from flamingo.train.corpus.sources import MIDI, Source, find, find_scores
from flamingo.train.corpus.works import duplicates, grams, groups, split

__all__ = ["Built", "build"]

Say = Callable[[str], object]
_EVERY = 15.0  # seconds between two lines of progress
_NO_SCALE = mood.Scale((), (), (), ())


@dataclass(frozen=True)
class Built:
    """What a corpus came to.

    Attributes:
        folder: where it lies.
        table: by collection: files and notes by side of the split, and how many are duplicates.
        ensembles: notes by who plays.
        unreadable: files that could not be read, with the reason.
        seconds: that it took.
    """

    folder: Path
    table: dict[str, dict[str, int]]
    ensembles: dict[str, int]
    unreadable: list[tuple[str, str]]
    seconds: float


def build(recipe: CorpusRecipe, say: Say = lambda line: None) -> Built:
    """Make a corpus. Raises BadRequest where there is no music, WouldOverwrite where one is there already."""
    begun = time.monotonic()
    out = Path(recipe.out)
    if store.is_library(out) and not recipe.overwrite:
        raise WouldOverwrite(show(out), "it holds a corpus", "name another folder, or add --overwrite")
    sources = _found(recipe.music)
    (out / store.KEPT).mkdir(parents=True, exist_ok=True)
    files, unreadable = _read(sources, out / store.KEPT, recipe.processes, say)
    readable = [(s, f) for s, f in zip(sources, files, strict=True) if f is not None]
    if not readable:
        raise BadRequest("--music", "none of the files can be read", "name folders with whole files")
    sources, names = [s for s, _ in readable], [f for _, f in readable]
    paths = [out / store.KEPT / name for name in names]
    with ProcessPoolExecutor(recipe.processes, mp_context=get_context("spawn")) as pool:
        looked = list(_progress(pool.map(_passages, paths, chunksize=16), len(paths), "melodies compared", say))
        notes = [count for _, count, _ in looked]
        group, alike = groups(sources, [rows for rows, _, _ in looked])
        sources = split(sources, group, notes)
        # The same file in two places is read once, and heard once.
        first = {name: i for i, name in reversed(list(enumerate(names)))}
        twice = {i for i, name in enumerate(names) if first[name] != i}
        twice |= duplicates(sources, alike, notes, [played for _, _, played in looked], twice)
        chosen = [i for i in range(len(sources)) if i not in twice]
        songs = pool.map(_song, [paths[i] for i in chosen], chunksize=8)
        about = [_about(sources[i], names[i]) for i in chosen]
        facts = {"unreadable": [[show(file), why] for file, why in unreadable], "duplicates": len(twice)}
        store.write(out, zip(about, _progress(songs, len(chosen), "pieces labelled", say), strict=True), facts)
    rows = json.loads((out / "corpus.json").read_text(encoding="utf-8"))["songs"]
    by_collection: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_ensemble: dict[str, int] = defaultdict(int)
    for row in rows:
        by_collection[row["collection"]][f"{row['split']} files"] += 1
        by_collection[row["collection"]][f"{row['split']} notes"] += row["notes"]
        by_ensemble[ENSEMBLES[row["ensemble"]]] += row["notes"]
    for i in twice:
        by_collection[sources[i].collection]["duplicates"] += 1
    table = {name: dict(row) for name, row in by_collection.items()}
    return Built(out, table, dict(by_ensemble), unreadable, time.monotonic() - begun)


def _found(folders: Sequence[str]) -> list[Source]:
    """The files of all folders, MIDI files with the sides of the split that they have always had."""
    if not folders:
        raise BadRequest("--music", "there is nothing to read", "name folders of scores or MIDI files")
    paths = [Path(folder) for folder in folders]
    for path in paths:
        if not path.is_dir():
            raise BadRequest(f"--music {show(path)}", "there is no such folder", "name folders of music")
    sources: list[Source] = []
    midi = [path for path in paths if any(f.suffix.lower() in MIDI for f in path.rglob("*"))]
    for path in paths:
        sources += find_scores(path)
    if midi:
        try:
            played = find(midi)
        except BadRequest:  # arrangements alone
            played = []
        for source in played:
            home = next(path for path in midi if path in source.file.parents)
            sources.append(replace(source, collection=home.name))
    if not sources:
        raise BadRequest("--music", "there is no music in these folders", "name folders of scores or MIDI files")
    return sources


def _read(
    sources: Sequence[Source], folder: Path, processes: int, say: Say
) -> tuple[list[str | None], list[tuple[str, str]]]:
    """The names under which the scores are kept in a folder, None for one that cannot be read; and these, with the
    reason."""
    names: list[str | None] = [None] * len(sources)
    unreadable: list[tuple[str, str]] = []
    begun = said = time.monotonic()
    new = done = 0
    mine = threading.local()
    readers = ExitStack()

    def one(source: Source) -> tuple[str, bool]:
        content = source.file.read_bytes()
        name = name_of(content)
        if (folder / name).is_file():
            return name, False
        if source.file.suffix.lower() in MIDI:
            piece = from_midi(content, source.file.name, title=source.title, by_track=True)
            keep(Score(piece, np.zeros(0, MARK), ("",)), folder / name)
        else:
            if not hasattr(mine, "reader"):
                mine.reader = readers.enter_context(ScoreReader())
            keep(mine.reader.read(source.file), folder / name)
        return name, True

    with readers, ThreadPoolExecutor(processes) as pool:
        tasks = {pool.submit(one, source): i for i, source in enumerate(sources)}
        for task in as_completed(tasks):
            i = tasks[task]
            done += 1
            try:
                names[i], fresh = task.result()
                new += fresh
            except (FlamingoError, OSError) as error:
                unreadable.append((str(sources[i].file), str(error)))
                say(f"left out: {error}")
            now = time.monotonic()
            if now - said > _EVERY:
                said = now
                left = (now - begun) / done * (len(sources) - done)
                say(f"{done:,} of {len(sources):,} files read, {left / 60:.0f} minutes left")
    say(f"{len(sources) - len(unreadable):,} files, {new:,} of them read now, {len(unreadable)} left out")
    return names, unreadable


def _progress(results: Any, count: int, what: str, say: Say) -> Any:
    said = time.monotonic()
    for i, result in enumerate(results, 1):
        yield result
        if time.monotonic() - said > _EVERY:
            said = time.monotonic()
            say(f"{i:,} of {count:,} {what}")


def _passages(file: Path) -> tuple[Any, int, bool]:
    piece = kept(file).piece
    return grams(piece), len(piece.notes), piece.expressive


def _song(file: Path) -> Song:
    score = kept(file)
    return song_of(score.piece, _NO_SCALE, score=score)


def _about(source: Source, name: str) -> dict[str, Any]:
    return {
        "kept": name,
        "title": source.title,
        "composer": source.composer,
        "work": source.work,
        "collection": source.collection,
        "split": source.split,
        "file": source.file.name,
    }
