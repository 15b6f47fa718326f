"""Folders of scores and MIDI files become one corpus: all that can be read, each work on one side of the split."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo.composing import mood
from flamingo.composing.piece import NOTE, PEDAL, Piece
from flamingo.composing.reading.midi import from_midi
from flamingo.composing.reading.scores import KINDS, MARK, Score, ScoreReader
from flamingo.composing.writing.engraving.musicxml import to_musicxml
from flamingo.errors import BadRequest, UnreadableMusic, WouldOverwrite
from flamingo.train.corpus.build import Built, build
from flamingo.train.corpus.kept_scores import keep, kept, name_of
from flamingo.train.corpus.recipe import CorpusRecipe
from flamingo.train.corpus.songs import Song, song_of
from flamingo.train.corpus.sources import Source, find_scores
from flamingo.train.corpus.store import KEPT, Library, is_library
from flamingo.train.corpus.works import GRAM, duplicates, grams, groups, split
from tests.composing import pieces, tiny

Array = NDArray[Any]

some = settings(max_examples=40, deadline=None, derandomize=True)
SCALE = mood.Scale(**{k: tuple(v) for k, v in tiny.SCALE.items()})


# -- a small library -----------------------------------------------------------------------------------------


def tune(seed: int, notes: int = 64) -> list[int]:
    """A melody in eighths of C major, of which no passage comes twice."""
    dice = np.random.default_rng(seed)
    return [60 + 12 * (k // 7) + (0, 2, 4, 5, 7, 9, 11)[k % 7] for k in dice.integers(0, 14, notes).tolist()]


def in_humdrum(pitches: Sequence[int], **records: str) -> str:
    names = ["c", "c#", "d", "d#", "e", "f", "f#", "g", "g#", "a", "a#", "b"]
    lines = [f"!!!{name}: {text}" for name, text in records.items()] + ["**kern", "*clefG2", "*M4/4"]
    for i, pitch in enumerate(pitches):
        lines += [f"={i // 8 + 1}"] if i % 8 == 0 else []
        name = names[pitch % 12]
        lines.append("8" + name[0] * (pitch // 12 - 4) + name[1:])
    return "\n".join([*lines, "==", "*-", ""])


def of_one_line(pitches: Sequence[int]) -> Piece:
    notes = [pieces.note(12 * i, 12, pitch) for i, pitch in enumerate(pitches)]
    return pieces.piece(notes, bars=-(-len(notes) // 8), bpm=90)


def put(file: Path, content: bytes | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


EVENING = tune(3)


@dataclass(frozen=True)
class Made:
    """A library on disk and the corpus that was made of it. lines: what was said meanwhile."""

    music: tuple[Path, ...]
    out: Path
    built: Built
    lines: list[str]

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "corpus.json").read_text(encoding="utf-8"))
        return found

    def file(self, row: dict[str, Any]) -> Path:
        """The file that a row of `corpus.json` tells of."""
        folder = next(path for path in self.music if path.name == row["collection"])
        (found,) = folder.rglob(row["file"])
        return found

    def row(self, collection: str, file: str) -> dict[str, Any] | None:
        found = [r for r in self.facts["songs"] if (r["collection"], r["file"]) == (collection, file)]
        return found[0] if found else None


def recipe(music: Sequence[Path], out: Path, **more: Any) -> CorpusRecipe:
    return CorpusRecipe(music=tuple(str(folder) for folder in music), out=str(out), processes=1, **more)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """MIDI files of three composers; songs in Humdrum; prints in MusicXML, of which three stand elsewhere too."""
    home = tmp_path_factory.mktemp("library")
    midi, songs, prints = (home / name for name in ("midi", "songs", "prints"))
    tiny.corpus(midi, works=4, bars=16)
    for number in (1, 2):
        put(songs / f"a{number}.krn", in_humdrum(tune(number), COM="Doe, Ada", OTL=f"Song Op. 5 No. {number}"))
    put(songs / "evening.krn", in_humdrum(EVENING, COM="Smith, Ben", OTL="Evening"))
    put(songs / "broken.krn", "junk")
    put(prints / "Smith" / "Abendlied" / "evening.musicxml", to_musicxml(of_one_line(EVENING)))
    put(prints / "Ada" / "First sonata" / "first.musicxml", to_musicxml(tiny.study("C major", 16, 0)))
    put(prints / "Ada" / "Third sonata" / "third.musicxml", to_musicxml(tiny.study("F major", 16, 2)))
    put(prints / "Ada" / "Half a sonata" / "half.musicxml", to_musicxml(of_one_line(tune(4)))[:900])
    lines: list[str] = []
    out = home / "corpus"
    built = build(recipe((midi, songs, prints), out), lines.append)
    return Made((midi, songs, prints), out, built, lines)


@pytest.fixture(scope="session")
def again(made: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, list[str]]:
    """The same once more, in place of an older corpus; and the scores that were read for it."""
    out = tmp_path_factory.mktemp("again") / "corpus"
    shutil.copytree(made.out / KEPT, out / KEPT)
    put(out / "corpus.json", '{"format": "older"}')
    was_read: list[str] = []
    read = ScoreReader.read

    def watched(reader: ScoreReader, path: Path | str) -> Score:
        was_read.append(Path(path).name)
        return read(reader, path)

    def never(*_: Any, **__: Any) -> Piece:
        raise AssertionError("a MIDI file is read again")

    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScoreReader, "read", watched)
        patch.setattr("flamingo.train.corpus.build.from_midi", never)
        built = build(recipe(made.music, out, overwrite=True), lines.append)
    return Made(made.music, out, built, lines), was_read


# -- what is made --------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(made: Made) -> None:
    named = {Path(file).name: why for file, why in made.built.unreadable}
    assert set(named) == {"broken.krn", "half.musicxml"}
    assert all(name in why and "\n" not in why for name, why in named.items())
    assert {Path(file).name for file, _ in made.facts["unreadable"]} == set(named)
    for name in named:
        assert any(name in line for line in made.lines), name
    assert is_library(made.out) and len(Library.open(made.out)) == 10 + 3 + 3 - 2


def test_whose_a_piece_is_and_what_it_is_called_is_told(made: Made) -> None:
    song = made.row("songs", "a1.krn")
    assert song is not None
    assert (song["composer"], song["title"], song["work"]) == ("doe", "Song Op. 5 No. 1", "doe: song op. 5")
    third = made.row("prints", "third.musicxml")
    assert third is not None
    assert (third["composer"], third["title"], third["work"]) == ("ada", "Third sonata: third", "ada: third sonata")


def test_the_same_music_in_two_collections_is_kept_once_for_training(made: Made) -> None:
    for one, other in (
        (("midi", "Sonata Op. 1.mid"), ("prints", "first.musicxml")),
        (("songs", "evening.krn"), ("prints", "evening.musicxml")),
    ):
        there = [row for row in (made.row(*one), made.row(*other)) if row is not None]
        assert [row["split"] for row in there] == ["train"], one
    assert made.facts["duplicates"] == 2


def test_the_same_music_in_two_collections_is_on_one_side(made: Made) -> None:
    one, other = made.row("midi", "Sonata Op. 3.mid"), made.row("prints", "third.musicxml")
    assert one is not None and other is not None
    assert one["split"] == other["split"] == "test"


def test_what_was_built_is_counted_as_it_is_written(made: Made) -> None:
    rows, table = made.facts["songs"], made.built.table
    for collection in ("midi", "songs", "prints"):
        for side in ("train", "valid", "test"):
            mine = [row["notes"] for row in rows if (row["collection"], row["split"]) == (collection, side)]
            assert table[collection].get(f"{side} files", 0) == len(mine)
            assert table[collection].get(f"{side} notes", 0) == sum(mine)
    assert sum(row.get("duplicates", 0) for row in table.values()) == 2
    assert made.built.ensembles == {"piano": sum(row["notes"] for row in rows)}
    assert made.built.folder == made.out and made.built.seconds > 0


def test_no_file_is_read_twice(made: Made, again: tuple[Made, list[str]]) -> None:
    second, was_read = again
    assert sorted(was_read) == ["broken.krn", "half.musicxml"], "only what could not be read"
    assert any("16 files, 0 of them read now, 2 left out" in line for line in second.lines)
    first, later = ({f.name: f.stat().st_mtime_ns for f in (m.out / KEPT).iterdir()} for m in (made, second))
    assert first == later


def test_an_older_corpus_is_replaced_by_all_of_the_new_one(made: Made, again: tuple[Made, list[str]]) -> None:
    for name in ("events.npy", "bars.npy", "ends.npy"):
        assert (made.out / name).read_bytes() == (again[0].out / name).read_bytes(), name
    assert made.facts == again[0].facts
    assert made.built.table == again[0].built.table


def test_a_corpus_that_is_there_is_not_replaced_unasked(made: Made) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in made.out.iterdir()}
    with pytest.raises(WouldOverwrite, match="--overwrite") as caught:
        build(recipe(made.music, made.out))
    assert "\n" not in str(caught.value)
    assert {file.name: file.stat().st_mtime_ns for file in made.out.iterdir()} == before


@pytest.mark.parametrize("kind", ["no folder", "missing", "a file", "empty", "no music", "nothing readable"])
def test_without_music_there_is_no_corpus_and_one_line_says_why(kind: str, tmp_path: Path) -> None:
    folder, out = tmp_path / "music", tmp_path / "corpus"
    if kind == "a file":
        put(folder, "no folder")
    elif kind == "empty":
        folder.mkdir()
    elif kind in ("no music", "nothing readable"):
        put(folder / ("notes.txt" if kind == "no music" else "a.mid"), "no music")
    with pytest.raises(BadRequest, match="--music") as caught:
        build(recipe([] if kind == "no folder" else [folder], out))
    assert "\n" not in str(caught.value)
    assert not is_library(out)


def test_one_missing_folder_among_others_is_named(made: Made, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="elsewhere"):
        build(recipe([*made.music, tmp_path / "elsewhere"], tmp_path / "corpus"))


def test_no_torch_is_needed() -> None:
    program = "import sys, flamingo.train.corpus.build; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# -- songs out of a corpus -----------------------------------------------------------------------------------


def assert_same(one: Song, other: Song) -> None:
    for name in ("events", "bar", "first", "metre", "function", "texture", "phrase_left"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("features", "tempo"):  # kept in 32 bits
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-6, equal_nan=True), name
    for name in ("persona", "ensemble", "key", "ends", "played", "paced", "scale", "mood_point"):
        assert getattr(one, name) == getattr(other, name), name


def test_a_corpus_gives_back_the_songs_that_went_in(made: Made) -> None:
    library = Library.open(made.out)
    assert len(library.facts["songs"]) == len(library) == 14
    scores = [(i, row) for i, row in enumerate(library.facts["songs"]) if row["collection"] != "midi"]
    assert len(scores) >= 4
    for number, row in scores:
        score = kept(made.out / KEPT / name_of(made.file(row).read_bytes()))
        persona = ["ada", "ben"].index(row["composer"]) if row["composer"] in ("ada", "ben") else -1
        assert_same(
            library.song(number, ["ada", "ben"], SCALE), song_of(score.piece, SCALE, persona=persona, score=score)
        )


def test_what_is_kept_of_a_midi_file_is_what_is_in_it(made: Made) -> None:
    library = Library.open(made.out)
    *_, (number, row) = ((i, row) for i, row in enumerate(library.facts["songs"]) if row["collection"] == "midi")
    piece = from_midi(made.file(row).read_bytes(), by_track=True)
    assert_same(library.song(number, [], SCALE), song_of(piece, SCALE))
    assert row["notes"] == len(piece.notes)


def test_every_song_is_on_one_side(made: Made) -> None:
    library = Library.open(made.out)
    sides = [library.indices(side) for side in ("train", "valid", "test")]
    assert sorted(i for side in sides for i in side) == list(range(len(library)))
    assert sides[0] and sides[2]


def test_composers_with_enough_to_learn_from_are_personas(made: Made) -> None:
    library = Library.open(made.out)
    count = Counter(library.facts["songs"][i]["composer"] for i in library.indices("train"))
    assert count["ben"] >= 3 > count["cleo"]
    found = library.personas(least=100)
    assert "ben" in found and "cleo" not in found and found == sorted(found)
    assert library.personas(least=10**6) == []


def test_features_are_unknown_where_nobody_played_or_no_tempo_is_written(made: Made) -> None:
    library = Library.open(made.out)
    numbers = {row["file"]: i for i, row in enumerate(library.facts["songs"])}
    loudness, tempo, density, mode = (mood.FEATURES.index(n) for n in ("loudness", "tempo", "density", "mode"))
    played, plain = (library.features([numbers[name]]) for name in ("Sonata Op. 2.mid", "a1.krn"))
    assert np.isfinite(played[:, [loudness, tempo, density, mode]]).all()
    assert np.isnan(plain[:, [loudness, tempo, density]]).all() and np.isfinite(plain[:, mode]).all()
    both = library.features([numbers["Sonata Op. 2.mid"], numbers["a1.krn"]])
    assert np.array_equal(both, np.concatenate((played, plain)), equal_nan=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "corpus.json").unlink(),
        lambda folder: (folder / "corpus.json").write_text(""),
        lambda folder: (folder / "corpus.json").write_text('{"format": "flamingo-corpus-1", "songs": ['),
        lambda folder: (folder / "corpus.json").write_text('{"format": "flamingo-corpus-0", "songs": []}'),
        lambda folder: (folder / "corpus.json").write_text('{"songs": []}'),
        lambda folder: (folder / "corpus.json").write_bytes(b"\xff\xfe\x00"),
        lambda folder: (folder / "events.npy").unlink(),
        lambda folder: (folder / "events.npy").write_bytes((folder / "events.npy").read_bytes()[:1000]),
        lambda folder: (folder / "bars.npy").write_bytes((folder / "bars.npy").read_bytes()[:40]),
        lambda folder: (folder / "ends.npy").write_bytes(b"no array"),
    ],
    ids=["gone", "empty", "cut", "older", "nameless", "no text", "no events", "few events", "no bars", "no ends"],
)
def test_a_damaged_corpus_is_refused_in_one_line(
    damage: Callable[[Path], object], made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    shutil.copytree(made.out, folder, ignore=shutil.ignore_patterns(KEPT))
    assert len(Library.open(folder)) == 14
    damage(folder)
    with pytest.raises(BadRequest, match="make it anew") as caught:
        Library.open(folder)
    assert "\n" not in str(caught.value)


# -- scores that were read -----------------------------------------------------------------------------------


@st.composite
def any_score(draw: st.DrawFn) -> Score:
    """Any piece with any marks."""
    piece = replace(
        draw(pieces.any_piece(shifted=True)),
        title=draw(st.text(max_size=20)),
        expressive=draw(st.booleans()),
        pedals=np.array(draw(st.lists(st.tuples(st.integers(0, 99), st.integers(100, 200)), max_size=3)), PEDAL),
    )
    texts = ("", *draw(st.lists(st.text(min_size=1, max_size=9), max_size=4, unique=True)))
    place = st.integers(0, 5000)
    mark = st.tuples(
        st.integers(0, len(KINDS) - 1), place, place, st.sampled_from((0, 1, 255)), st.integers(0, len(texts) - 1)
    )
    return Score(piece, np.array(draw(st.lists(mark, max_size=6)), MARK), texts)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(any_score())
def test_what_is_kept_is_what_was_read(tmp_path_factory: pytest.TempPathFactory, score: Score) -> None:
    file = tmp_path_factory.mktemp("kept") / "score.npz"
    keep(score, file)
    again = kept(file)
    for name in ("notes", "bars", "tempos", "pedals"):
        one, other = getattr(score.piece, name), getattr(again.piece, name)
        assert one.dtype == other.dtype and np.array_equal(one, other), name
    for name in ("key", "programs", "title", "expressive"):
        assert getattr(score.piece, name) == getattr(again.piece, name), name
    assert again.marks.dtype == MARK and np.array_equal(again.marks, score.marks)
    assert again.texts == score.texts


def test_what_is_kept_anew_replaces_what_was_there(tmp_path: Path) -> None:
    for pitch in (60, 72):
        piece = of_one_line([pitch] * 8)
        keep(Score(piece, np.zeros(0, MARK), ("",)), tmp_path / "score.npz")
    assert (kept(tmp_path / "score.npz").piece.notes["pitch"] == 72).all()
    assert [file.name for file in tmp_path.iterdir()] == ["score.npz"]


def test_a_score_is_kept_by_what_is_in_its_file() -> None:
    assert name_of(b"music") == name_of(b"music") != name_of(b"music\n")


def test_what_is_no_kept_score_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", notes=np.zeros(0, NOTE))
    whole = (tmp_path / "other.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-30])
    put(tmp_path / "junk.npz", "junk")
    put(tmp_path / "empty.npz", "")
    for name in ("gone", "junk", "other", "cut", "empty"):
        with pytest.raises(UnreadableMusic) as caught:
            kept(tmp_path / f"{name}.npz")
        assert "\n" not in str(caught.value)


# -- finding scores ------------------------------------------------------------------------------------------


def about(folder: Path) -> dict[str, tuple[str, str, str]]:
    """Composer, work and title of each score in a folder."""
    return {s.file.name: (s.composer, s.work, s.title) for s in find_scores(folder)}


def test_scores_are_found_at_any_depth_in_order(tmp_path: Path) -> None:
    for name in (
        "b/c/d.KRN",
        "b/a.musicxml",
        "z.abc",
        "a.mxl",
        "b/e.mei",
        "b/f.xml",
        "notes.txt",
        "a.mid",
        "g.krn/x",
    ):
        put(tmp_path / "prints" / name, "")
    found = find_scores(tmp_path / "prints")
    names = [s.file.relative_to(tmp_path / "prints").as_posix() for s in found]
    assert names == ["a.mxl", "b/a.musicxml", "b/c/d.KRN", "b/e.mei", "b/f.xml", "z.abc"]
    assert {(s.collection, s.split, s.mood) for s in found} == {("prints", "train", "")}


def test_the_records_of_a_humdrum_file_say_whose_it_is(tmp_path: Path) -> None:
    put(tmp_path / "a.krn", in_humdrum([60], COM="Zarębski, Juliusz", GTL="Les Roses Op. 13", OTL="Prélude"))
    put(tmp_path / "Folder" / "Work" / "b.krn", in_humdrum([60], COM="Doe, Ada"))
    assert about(tmp_path) == {
        "a.krn": ("zarebski", "zarebski: les roses op. 13", "Les Roses Op. 13: Prélude"),
        "b.krn": ("doe", "doe: b", "b"),
    }


def test_folders_say_it_where_no_record_does(tmp_path: Path) -> None:
    put(tmp_path / "Doe,_Ada" / "Op._5" / "one.musicxml", "")
    put(tmp_path / "Doe,_Ada" / "Op._5" / "No_2" / "lc12345678.musicxml", "")
    put(tmp_path / "Doe,_Ada" / "Leaf.mei", "")
    put(tmp_path / "Doe,_Ada" / "Op._5" / "three.krn", in_humdrum([60], OTL="Nobody's"))
    put(tmp_path / "alone.abc", "")
    found = about(tmp_path)
    op5 = ("one.musicxml", "lc12345678.musicxml", "three.krn")
    assert {found[name][:2] for name in op5} == {("doe", "doe: op. 5")}
    assert found["lc12345678.musicxml"][2] == "Op. 5: No 2"
    assert found["Leaf.mei"] == ("doe", "doe: leaf", "Leaf")
    assert found["alone.abc"] == ("other", "other: alone", "alone")


def test_pieces_that_belong_to_no_work_are_one_each(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        put(tmp_path / "Ada" / "_" / name / f"{name}.musicxml", "")
    assert {work for _, work, _ in about(tmp_path).values()} == {"ada: one", "ada: two"}


def test_pieces_of_one_manuscript_are_one_work(tmp_path: Path) -> None:
    for number in ("001-005", "002-005"):
        put(tmp_path / f"pl-sa--154-{number}_air.krn", in_humdrum([60], COM="Anonymus", OTL=f"Air {number}"))
    assert len({work for _, work, _ in about(tmp_path).values()}) == 1


# -- works ---------------------------------------------------------------------------------------------------


def source(title: str, **more: Any) -> Source:
    """A score that nothing else tells of. more: other attributes, `name` that of its file."""
    name = more.pop("name", f"{title}.krn")
    return Source(
        Path(name), **{"composer": "ada", "title": title, "work": f"ada: {title}", "collection": "a"} | more
    )


NOTHING = np.zeros(0, np.uint64)


def together(*sources: Source, passages: Sequence[Array] | None = None) -> bool:
    group, _ = groups(sources, passages or [NOTHING] * len(sources))
    return len(set(group)) == 1


def test_passages_are_those_of_the_highest_line_in_any_key() -> None:
    music = of_one_line(tune(1))
    found = grams(music)
    assert len(found) == 64 - GRAM and (np.diff(found.astype(object)) > 0).all()
    assert np.array_equal(grams(music.transposed(5)), found)
    bass = [pieces.note(12 * i, 12, 40 + i % 5) for i in range(64)]
    accompanied = Piece.build(np.concatenate((music.notes, np.array(bass, NOTE))), music.bars, music.key)
    assert np.array_equal(grams(accompanied), found)
    assert not set(found.tolist()) & set(grams(of_one_line(tune(2))).tolist())


@pytest.mark.parametrize("notes", [0, 1, GRAM])
def test_a_piece_that_is_too_short_has_no_passages(notes: int) -> None:
    music = of_one_line(tune(1, notes)) if notes else pieces.piece([])
    assert len(grams(music)) == 0


def test_a_passage_that_comes_again_is_one_passage() -> None:
    assert len(grams(of_one_line([60, 62, 64, 65] * 16))) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sonata Op. 27 No. 2", "Moonlight, op.27"),
        ("Opus 10", "Studies Op. 10 No. 3"),
        ("Prelude BWV 846", "Fugue bwv_846"),
        ("Sonata K. 331", "Turkish March KV 331"),
        ("Sonata Hob. XVI:52", "Sonata in E flat hob. XVI:52"),
        ("Waltz Op. posth. 66", "Fantasy Op. 66"),
    ],
)
def test_the_same_catalogue_number_is_the_same_work(one: str, other: str) -> None:
    assert together(source(one), source(other))
    assert not together(source(one), source(other, composer="ben", work=f"ben: {other}"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Op. 27", "Op. 2"), ("Op. 1", "K. 1"), ("Op. 10", "Op. 10a"), ("Hob. XVI:52", "Hob. XVII:52"), ("Air", "Song")],
)
def test_other_numbers_are_other_works(one: str, other: str) -> None:
    assert not together(source(one), source(other))


def test_the_same_number_of_a_public_library_is_the_same_work() -> None:
    assert together(source("Abendlied", name="lc4985398.krn"), source("Evening song LC4985398", composer="ben"))
    assert not together(source("Abendlied", name="lc4985398.krn"), source("Evening", name="lc4985399.krn"))


def test_works_of_one_name_go_together() -> None:
    assert together(source("First movement", work="ada: suite"), source("Last movement", work="ada: suite"))


def numbers(*spans: tuple[int, int]) -> Array:
    """Passages as they may be: the numbers in some spans."""
    return np.concatenate([np.arange(a, b, dtype=np.uint64) for a, b in spans])


def test_pieces_that_share_a_good_part_of_their_melody_are_one_work() -> None:
    whole, half, little = numbers((0, 100)), numbers((50, 70), (200, 220)), numbers((0, 13), (200, 227))
    group, alike = groups([source("a"), source("b")], [whole, half])
    assert len(set(group)) == 1 and alike == [(0, 1, 0.5)], "of the shorter one's passages"
    group, alike = groups([source("a"), source("b")], [whole, little])
    assert len(set(group)) == 2 and alike == [], "a third is not enough"


def test_a_melody_of_few_passages_says_nothing() -> None:
    assert groups([source("a"), source("b")], [numbers((0, 23))] * 2)[1] == []
    assert groups([source("a"), source("b")], [numbers((0, 24))] * 2)[1] == [(0, 1, 1.0)]


def test_passages_that_are_in_many_pieces_are_nobodys() -> None:
    def alike(count: int) -> int:
        passages = [numbers((0, 50), (1000 * i, 1000 * i + 30)) for i in range(1, count + 1)]
        return len(set(groups([source(str(i)) for i in range(count)], passages)[0]))

    assert alike(12) == 1
    assert alike(13) == 13


def test_what_is_like_the_same_piece_is_one_work_with_it() -> None:
    left, both, right = numbers((0, 40)), numbers((0, 80)), numbers((40, 80))
    assert not together(source("a"), source("c"), passages=[left, right])
    assert together(source("a"), source("b"), source("c"), passages=[left, both, right])


# -- sides ---------------------------------------------------------------------------------------------------


def sides(sources: Sequence[Source], group: Sequence[int] | None = None, notes: int = 100) -> list[str]:
    found = split(sources, group or range(len(sources)), [notes] * len(sources))
    assert [replace(s, split="train") for s in found] == [replace(s, split="train") for s in sources]
    return [s.split for s in found]


def test_some_works_of_every_collection_are_held_out() -> None:
    found = [source(f"{name} {i}", collection=name) for name in ("a", "b") for i in range(100)]
    for begin in (0, 100):
        assert Counter(sides(found)[begin : begin + 100]) == {"train": 95, "test": 3, "valid": 2}


def test_which_works_are_held_out_depends_on_their_names_alone() -> None:
    found = [source(f"piece {i}") for i in range(100)]
    dealt = dict(zip((s.title for s in found), sides(found), strict=True))
    turned = dict(zip((s.title for s in found[::-1]), sides(found[::-1]), strict=True))
    assert dealt == turned


def test_a_work_that_is_much_of_its_collection_is_trained_on() -> None:
    assert sides([source("a"), source("b"), source("c")]) == ["train"] * 3


def test_sides_that_were_given_stay_and_what_belongs_to_them_follows() -> None:
    def midi(title: str, side: str) -> Source:
        return source(title, name=f"{title}.mid", split=side, collection="midi")

    found = [midi("a", "test"), source("a"), midi("b", "valid"), source("b"), midi("c", "train"), source("c")]
    assert sides(found, [0, 0, 1, 1, 2, 2]) == ["test", "test", "valid", "valid", "train", "train"]
    assert sides([midi("a", "valid"), midi("b", "test"), source("c")], [0, 0, 0]) == ["test"] * 3


def test_midi_files_on_the_training_side_are_not_held_out() -> None:
    assert set(sides([source(f"{i}", name=f"{i}.mid") for i in range(100)])) == {"train"}


def test_a_work_of_two_collections_is_trained_on() -> None:
    pairs = [source(f"{i}", collection=name) for i in range(100) for name in ("a", "b")]
    assert set(sides(pairs, [i // 2 for i in range(200)])) == {"train"}


@some
@given(st.data())
def test_a_work_is_on_one_side_and_little_is_held_out(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    group = data.draw(st.lists(st.integers(0, 30), min_size=count, max_size=count))
    notes = data.draw(st.lists(st.integers(1, 500), min_size=count, max_size=count))
    dealt = split([source(f"{i}") for i in range(count)], group, notes)
    of_group: dict[int, set[str]] = defaultdict(set)
    for number, one in zip(group, dealt, strict=True):
        of_group[number].add(one.split)
    assert all(len(side) == 1 for side in of_group.values())
    for side, share in (("test", 0.03), ("valid", 0.015)):
        held = sum(n for n, one in zip(notes, dealt, strict=True) if one.split == side)
        assert held <= (share + 0.01) * sum(notes) + 1e-6


# -- duplicates ----------------------------------------------------------------------------------------------


def test_of_the_same_music_what_has_more_notes_stays() -> None:
    assert duplicates([source("a"), source("b")], [(0, 1, 0.9)], [100, 120], [False] * 2) == {0}
    assert duplicates([source("a"), source("b")], [(0, 1, 0.9)], [120, 100], [False] * 2) == {1}


def test_what_is_only_the_same_work_stays() -> None:
    assert duplicates([source("a"), source("b")], [(0, 1, 0.7)], [100, 120], [False] * 2) == set()


def test_performances_stay_whatever_they_are_like() -> None:
    assert duplicates([source("a"), source("c")], [(0, 1, 1.0)], [100, 120], [True, False]) == {1}
    assert duplicates([source("a"), source("b")], [(0, 1, 1.0)], [100, 120], [True, True]) == set()


def test_what_is_gone_already_leaves_the_other_in() -> None:
    """The same file in two folders is there once, not never."""
    assert duplicates([source("a"), source("a")], [(0, 1, 1.0)], [100, 100], [False] * 2, {1}) == {1}


def test_what_is_tested_is_not_left_out() -> None:
    held = [source(name, split="test") for name in ("a", "b")]
    assert duplicates(held, [(0, 1, 1.0)], [100, 120], [False] * 2) == set()


def test_of_three_that_are_alike_one_stays() -> None:
    three = [source(name) for name in "abc"]
    assert duplicates(three, [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0)], [3, 2, 1], [False] * 3) == {1, 2}


@some
@given(st.integers(2, 8), st.data())
def test_something_of_all_music_stays(count: int, data: st.DataObject) -> None:
    pairs = [(a, b, 1.0) for a in range(count) for b in range(a + 1, count)]
    alike = data.draw(st.lists(st.sampled_from(pairs), unique=True))
    notes = data.draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    out = duplicates([source(f"{i}") for i in range(count)], alike, notes, [False] * count)
    near = {i: {i} for i in range(count)}
    for a, b, _ in alike:
        joined = near[a] | near[b]
        near |= dict.fromkeys(joined, joined)
    assert all(members - out for members in near.values())
    assert out <= {i for a, b, _ in alike for i in (a, b)}


# -- what may go wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Prelude BWV 846", "BWV846, first part"),
        ("Study Op. 10", "Op10 No. 1"),
        ("Sonata K331", "KV331: Alla turca"),
        ("Impromptu D. 899", "D899"),
        ("Sonata Hob. XVI:52", "Hob. XVI 52"),
    ],
)
def test_a_catalogue_number_is_one_however_it_is_written(one: str, other: str) -> None:
    found, _ = groups([source(one, work="doe: a"), source(other, work="doe: b")], [NOTHING] * 2)
    assert found[0] == found[1]


def test_a_key_is_no_catalogue_number() -> None:
    pieces = [source("Concerto in D 1. Allegro", work="doe: a"), source("Trio in D 1. Lento", work="doe: b")]
    found, _ = groups(pieces, [NOTHING] * 2)
    assert found[0] != found[1]


def test_pieces_of_no_work_are_a_work_each(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        put(tmp_path / "Ada" / "_" / f"{name}.musicxml", "")
    assert [(s.work, s.title) for s in find_scores(tmp_path)] == [("ada: one", "One"), ("ada: two", "Two")]


@pytest.mark.parametrize("damage", ["[]", "null", '{"format": "flamingo-corpus-1"}', "{"])
def test_a_corpus_whose_table_is_damaged_is_refused(made: Made, tmp_path: Path, damage: str) -> None:
    for name in ("events.npy", "bars.npy", "ends.npy"):
        (tmp_path / name).write_bytes((made.out / name).read_bytes())
    put(tmp_path / "corpus.json", damage)
    with pytest.raises(BadRequest, match="no corpus can be read there"):
        Library.open(tmp_path)


@pytest.mark.parametrize("name", ["events.npy", "bars.npy", "ends.npy"])
@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_corpus_with_a_damaged_array_is_refused(made: Made, tmp_path: Path, name: str, content: bytes) -> None:
    for each in ("corpus.json", "events.npy", "bars.npy", "ends.npy"):
        (tmp_path / each).write_bytes((made.out / each).read_bytes())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadRequest, match="no corpus can be read there"):
        Library.open(tmp_path)


def test_a_corpus_of_parts_that_do_not_belong_together_is_refused(made: Made, tmp_path: Path) -> None:
    for each in ("corpus.json", "events.npy", "bars.npy", "ends.npy"):
        (tmp_path / each).write_bytes((made.out / each).read_bytes())
    np.save(tmp_path / "events.npy", np.zeros(3))
    with pytest.raises(BadRequest, match="do not belong together"):
        Library.open(tmp_path)
