"""The music that is learned from: whose it is, that no test work is heard in training, and what is told of a bar."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from flamingo.composing import events, mood
from flamingo.composing.model import Bar
from flamingo.composing.parts import ensemble_of
from flamingo.composing.piece import Key
from flamingo.composing.writing.midi import to_midi
from flamingo.errors import BadRequest
from flamingo.train.composing.music import Music, load_music
from flamingo.train.composing.windows import Windows, condition_vectors, excerpt
from flamingo.train.corpus.songs import bar_tempos, songs_of
from flamingo.train.corpus.sources import Source, find, personas_of, read, work_of
from tests.composing import pieces, tiny


@pytest.fixture(scope="module")
def ready(music: Path) -> Music:
    return load_music((str(music),))


def small(folder: Path, *names: str, bars: int = 4) -> Path:
    """Files of these names, all alike."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(to_midi(tiny.study("C major", bars)))
    return folder


# -- whose it is ---------------------------------------------------------------------------------------------


def test_folders_and_names_say_whose_a_piece_is(music: Path) -> None:
    found = find([music])
    assert Counter(s.composer for s in found) == {"ada": 12, "ben": 12, "cleo": 2}
    assert next(s for s in found if s.composer == "ben").title.startswith("Study Op")


def test_a_table_says_it_before_any_name(tmp_path: Path) -> None:
    small(tmp_path, "x/1.mid", "x/2.mid")
    (tmp_path / "metadata.csv").write_text("composer,title,midi\nClara Schumann,Scherzo Op. 10,x/1.mid\n", "utf-8")
    assert [(s.composer, s.title) for s in find([tmp_path])] == [("clara-schumann", "Scherzo Op. 10"), ("x", "2")]


def test_files_of_one_name_in_two_folders_are_told_apart_by_the_table(tmp_path: Path) -> None:
    small(tmp_path, "a/1.mid", "b/1.mid")
    table = "composer,title,midi\nAda,First Op. 1,a/1.mid\nBen,Other Op. 2,b/1.mid\n"
    (tmp_path / "metadata.csv").write_text(table, "utf-8")
    assert [s.composer for s in find([tmp_path])] == ["ada", "ben"]


def test_a_table_of_something_else_is_refused_or_passed_over_in_one_line(tmp_path: Path) -> None:
    small(tmp_path, "a/1.mid")
    (tmp_path / "metadata.csv").write_text("name,size\nx,3\n", "utf-8")
    try:
        assert [s.composer for s in find([tmp_path])] == ["a"]
    except BadRequest as error:
        assert "metadata.csv" in str(error) and "\n" not in str(error)


def test_arrangers_are_left_out(tmp_path: Path) -> None:
    small(tmp_path, "Godowsky/Study Op. 1.mid", "Chopin/Study Op. 1.mid")
    assert [s.composer for s in find([tmp_path])] == ["chopin"]


@pytest.mark.parametrize("kind", ["nothing there", "no music", "a file"])
def test_a_folder_without_music_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    if kind == "no music":
        folder.mkdir()
    elif kind == "a file":
        folder.write_text("no folder")
    with pytest.raises(BadRequest) as caught:
        find([folder])
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_left_out(tmp_path: Path) -> None:
    small(tmp_path, "a/1.mid", "a/2.mid")
    (tmp_path / "a" / "2.mid").write_bytes(b"no music")
    assert [s.file.name for s, _ in read(find([tmp_path]))] == ["1.mid"]


def test_without_any_readable_file_there_is_nothing_to_learn(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"no music")
    for folders in ((str(tmp_path),), ()):
        with pytest.raises(BadRequest, match="--music"):
            load_music(folders)


# -- works and the split -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "movements",
    [
        ("Sonata No. 14 Op. 27 No. 2 1. Adagio", "Sonata No. 14 Op. 27 No. 2 2. Allegretto"),
        ("Etudes Op. 10 No. 1", "Etudes Op. 10 No. 12"),
        ("Prelude BWV 846", "Fugue BWV 846".replace("Fugue", "Prelude")),
        ("Sonata in A major K. 331 1", "Sonata in A major K. 331 3"),
        ("Impromptus D. 899 1", "Impromptus D. 899 4"),
        ("Pictures at an Exhibition 1 Gnomus", "Pictures at an Exhibition 5 Ballet"),
        ("Sonata Hob. XVI 52 1", "Sonata Hob. XVI 52 2"),
    ],
)
def test_movements_are_of_one_work(movements: tuple[str, str]) -> None:
    assert work_of(movements[0]) == work_of(movements[1])


@pytest.mark.parametrize(
    "works",
    [
        ("Sonata Op. 27", "Sonata Op. 2"),
        ("Etude Op. 10 No. 1", "Etude Op. 25 No. 1"),
        ("Sonata K. 331", "Sonata K. 330"),
    ],
)
def test_different_numbers_are_different_works(works: tuple[str, str]) -> None:
    assert work_of(works[0]) != work_of(works[1])


def test_a_work_is_on_one_side(tmp_path: Path) -> None:
    names = [f"Ada/Sonata Op. {work} No. {n}.mid" for work in range(20) for n in range(3)]
    found = find([small(tmp_path, *names, bars=2)])
    sides = defaultdict(set)
    for source in found:
        sides[source.work].add(source.split)
    assert len(sides) == 20
    assert all(len(side) == 1 for side in sides.values())
    assert Counter(next(iter(side)) for side in sides.values()).keys() == {"train", "valid", "test"}


def test_the_split_is_the_same_in_any_order_and_company(music: Path, tmp_path: Path) -> None:
    small(tmp_path, "Dora/Piece Op. 1.mid")
    alone = {s.file: s.split for s in find([music])}
    with_more = {s.file: s.split for s in find([tmp_path, music])}
    assert alone == {file: with_more[file] for file in alone}


def test_every_composer_is_left_enough_to_learn_from(music: Path, tmp_path: Path) -> None:
    for composer, count in Counter((s.composer, s.split) for s in find([music])).items():
        if composer[1] != "train":
            assert count <= 3, composer
    one = find([small(tmp_path, "Solo/Piece Op. 1.mid")])
    assert [s.split for s in one] == ["train"], "what one has least of stays in training"


# -- personas ------------------------------------------------------------------------------------------------


def test_a_persona_needs_notes_and_files(music: Path) -> None:
    pairs = read(find([music]))
    assert personas_of(pairs) == ["ada", "ben"]
    assert personas_of(pairs, least=100) == ["ada", "ben"], "two files are too few, however few notes are asked for"
    assert personas_of(pairs, least=10**6) == []


def test_test_works_do_not_make_a_persona(music: Path) -> None:
    pairs = [(Source(s.file, s.composer, s.title, s.work, "test"), p) for s, p in read(find([music]))]
    assert personas_of(pairs) == []


def test_nobody_in_particular_is_no_persona(music: Path) -> None:
    pairs = [(Source(s.file, "other", s.title, s.work, "train"), p) for s, p in read(find([music]))]
    assert personas_of(pairs) == []


@pytest.mark.parametrize(("programs", "ensemble"), [((0,), 0), ((0, 6), 0), ((0, 52), 1), ((40, 41, 42), 2)])
def test_an_ensemble_is_told_by_its_instruments(programs: tuple[int, ...], ensemble: int) -> None:
    assert ensemble_of(pieces.scale(programs=programs)) == ensemble


# -- songs ---------------------------------------------------------------------------------------------------


def test_songs_know_their_bars(ready: Music) -> None:
    for song in ready.songs["train"]:
        bars = len(song.first) - 1
        assert len(song.features) == len(song.metre) == len(song.tempo) == bars
        assert song.first[-1] == len(song.events)
        assert all(song.events[song.first[:-1], 0] == events.BAR_LINE)
        assert song.ends[-1] == (bars, song.key)
    assert {s.persona for s in ready.songs["train"]} == {-1, 0, 1}


def test_phrases_are_found_where_the_studies_have_them(ready: Music) -> None:
    ends = [end for song in ready.songs["train"] for end, _ in song.ends]
    assert sum(end % 4 == 0 for end in ends) > 0.8 * len(ends) and len(ends) > 3 * len(ready.songs["train"])


def test_the_tempo_of_a_bar_is_that_of_its_neighbourhood() -> None:
    piece = pieces.piece(bars=20, tempos=[(0, 60.0), (960, 120.0)])
    found = bar_tempos(piece, piece.edges)
    assert found[0] == pytest.approx(60) and found[-1] == pytest.approx(120)
    assert (np.diff(found) >= -1e-9).all()


def test_an_excerpt_counts_down_to_its_end(ready: Music) -> None:
    song = ready.songs["train"][0]
    rows = excerpt(song, 4, 12, song.key)
    lines = rows["events"][:, 0] == events.BAR_LINE
    assert lines.sum() == 9, "eight bars, and the line that closes them"
    assert rows["left"][lines].tolist() == [*range(7, -1, -1), 0]
    assert np.array_equal(np.flatnonzero(rows["start"]), np.flatnonzero(np.cumsum(lines) == 1)), "the first bar"
    assert len({len(column) for column in rows.values()}) == 1
    assert np.abs(rows["valence"]).max() <= 1 and np.abs(rows["arousal"]).max() <= 1


def test_an_excerpt_is_told_its_key_and_played_louder_and_faster_as_labelled(ready: Music) -> None:
    song = ready.songs["train"][0]
    plain, other = (excerpt(song, 0, 8, Key(song.key.tonic, m), faster=f, louder=v) for m, f, v in
                    ((song.key.minor, 1.0, 0), (not song.key.minor, 2.0, 1)))  # fmt: skip
    assert set(plain["minor"]) != set(other["minor"])
    assert (other["tempo"] - plain["tempo"] == 4).all()
    sounding = plain["events"][:, 3] >= 0
    assert (other["events"][sounding, 3] - plain["events"][sounding, 3] == 1).all()
    assert (other["arousal"] >= plain["arousal"]).all() and other["arousal"].mean() > plain["arousal"].mean()


def test_what_is_told_at_run_time_is_what_was_told_in_training(ready: Music) -> None:
    model = tiny.composer(personas=ready.personas)
    song = next(s for s in ready.songs["train"] if s.persona == 1)
    rows = excerpt(song, 2, 30, song.key)
    told = condition_vectors(model, rows, ready.personas)
    assert told.shape == (len(rows["events"]), model.width)
    i = 100
    who = {ready.personas[song.persona]: 1.0} if song.persona >= 0 else {}
    bar = int(np.cumsum(rows["events"][:, 0] == events.BAR_LINE)[i]) - 1
    bpm = float(36 * 2 ** (rows["tempo"][i] / 4))
    wanted = Bar(who, float(rows["valence"][i]), float(rows["arousal"][i]), 28 - bar, bpm, int(rows["metre"][i]),
                 song.key.minor, song.ensemble, False)  # fmt: skip
    assert np.allclose(told[i], model.condition_vector(wanted, plain=True), atol=1e-5)


# -- windows -------------------------------------------------------------------------------------------------


def windows(ready: Music, seed: int = 0, length: int = 96, songs: str = "train") -> Windows:
    return Windows(ready.songs[songs], length, np.random.default_rng(seed))


def test_a_window_is_full_and_every_number_is_a_choice_there_is(ready: Music) -> None:
    drawn = windows(ready)
    for _ in range(30):
        row = drawn.row()
        assert {len(column) for column in row.values()} == {97}
        where, pitch, duration, velocity, part = row["events"].T
        note = where != events.BAR_LINE
        assert ((where >= 0) & (where < events.WHERES)).all()
        for column, size in (
            (pitch, events.PITCHES),
            (duration, len(events.DURATIONS)),
            (velocity, events.VELOCITIES),
            (part, events.PARTS),
        ):
            assert ((column[note] >= 0) & (column[note] < size)).all() and (column[~note] == -1).all()
        assert ((row["left"] >= 0) & (row["left"] < events.LEFTS)).all()
        assert ((row["tempo"] >= 0) & (row["tempo"] < events.TEMPOS)).all()
        assert ((row["metre"] >= 0) & (row["metre"] <= len(events.METRES))).all()


def test_windows_depend_on_their_seed_alone(ready: Music) -> None:
    a, b, c = (windows(ready, seed).row()["events"].tolist() for seed in (1, 1, 2))
    assert a == b != c


def test_half_of_the_windows_end(ready: Music) -> None:
    drawn = windows(ready, length=400)
    left = np.concatenate([drawn.row()["left"] for _ in range(20)])
    assert (left == 0).mean() > 0.005, "endings are heard"
    assert len(set(left.tolist())) > 12, "and so is all before them"


def test_no_note_of_a_test_work_is_in_a_window(tmp_path: Path) -> None:
    """Test works are moved to a pitch and a place that nothing else has, to be known again."""
    names = [f"Ada/Piece Op. {i}.mid" for i in range(30)]
    small(tmp_path, *names)
    marked = [pieces.note(24 * i + 5, 7, 101) for i in range(16)]
    for source in find([tmp_path]):
        if source.split != "train":
            # As many bytes as before: the split goes by size.
            plain, size = to_midi(pieces.piece(marked, bars=4)), source.file.stat().st_size
            source.file.write_bytes(plain + bytes(max(0, size - len(plain))))
    pairs = read(find([tmp_path]))
    hidden = [s for s, p in pairs if s.split != "train"]
    assert hidden and all((p.notes["pitch"] == 101).all() == (s.split != "train") for s, p in pairs)
    scale = mood.Scale(**{k: tuple(v) for k, v in tiny.SCALE.items()})
    heard = songs_of([(s, p) for s, p in pairs if s.split == "train"], ["ada"], scale)
    drawn = Windows(heard, 64, np.random.default_rng(0))
    for _ in range(50):
        rows = drawn.row()["events"]
        assert not ((rows[:, 0] % 24 == 5) & (rows[:, 1] >= 0)).any()


def test_the_music_of_one_split_is_in_no_other(ready: Music, music: Path) -> None:
    assert sum(ready.files.values()) == 26
    assert ready.files["test"] >= 2 and ready.files["valid"] >= 1
    prints = {name: {song.events.tobytes() for song in found} for name, found in ready.songs.items()}
    assert not prints["train"] & prints["test"] and not prints["train"] & prints["valid"]


def test_those_with_little_music_are_heard_more_often_than_their_share(ready: Music) -> None:
    drawn = windows(ready)
    mine = np.array([s.persona == -1 for s in ready.songs["train"]])
    notes = np.array([len(s.events) for s in ready.songs["train"]])
    assert notes[mine].sum() / notes.sum() < drawn.weights[mine].sum() < 1 / 3


# -- plain scores --------------------------------------------------------------------------------------------


def test_a_corpus_of_plain_scores_can_be_learned_from(tmp_path: Path) -> None:
    """Every note equally loud, one tempo: as notation programs export MIDI."""
    for i in range(6):
        notes = [pieces.note(12 * k, 12, 60 + (k * (i + 2)) % 13, 80) for k in range(256)]
        (tmp_path / f"Ada__Piece_Op_{i}.mid").write_bytes(to_midi(pieces.piece(notes, bars=32, bpm=100)))
    ready = load_music((str(tmp_path),))
    assert np.isfinite([*ready.scale.mean, *ready.scale.spread]).all()
    row = windows(ready).row()
    assert np.isfinite(row["valence"]).all() and not row["played"].any()
