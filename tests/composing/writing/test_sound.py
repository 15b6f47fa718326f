"""How a piece sounds: what is louder and longer, at which loudness it comes out, and what the files hold."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from flamingo import errors
from flamingo.composing.options import SoundOptions
from flamingo.composing.piece import Piece
from flamingo.composing.writing import sound
from tests.composing import pieces
from tests.composing.pieces import note, piece

RATE = 44100
KINDS: list[Any] = ["wav", "mp3", "ogg", "flac"]


def energy(samples: np.ndarray, start: float, end: float) -> float:
    """Root mean square between two times in seconds."""
    part = samples[round(start * RATE) : round(end * RATE)].astype(float)
    return float(np.sqrt((part**2).mean())) if len(part) else 0.0


def tone(seconds: float = 2.0, level: float = 0.1) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.repeat((level * np.sin(2 * np.pi * 440 * time))[:, None], 2, axis=1).astype(np.float32)


def loudness(samples: np.ndarray) -> float:
    return sound.describe_loudness(samples, RATE)["lufs"]


# Rendering ----------------------------------------------------------


def test_sound_is_stereo_between_minus_one_and_one(rendered: np.ndarray) -> None:
    assert rendered.dtype == np.float32 and rendered.ndim == 2 and rendered.shape[1] == 2
    assert np.isfinite(rendered).all() and np.abs(rendered).max() <= 1


def test_a_higher_velocity_is_louder() -> None:
    made = piece([note(0, 24, 60, 40), note(96, 24, 60, 110)], bpm=120)
    samples = sound.render(made)
    assert energy(samples, 2, 2.5) > 2 * energy(samples, 0, 0.5)


@pytest.mark.parametrize("velocity", [1, 8, 20])
def test_the_softest_notes_are_heard(velocity: int) -> None:
    samples = sound.render(piece([note(0, 24, 60, velocity), note(96, 24, 60, 60)], bpm=120))
    assert energy(samples, 0, 0.5) > 1e-4


def test_the_pedal_lets_notes_ring() -> None:
    # The second note keeps the two renderings at a like loudness.
    notes = [note(0, 6, 60, 90), note(96, 24, 60, 90)]
    dry = sound.render(piece(notes, bpm=120))
    wet = sound.render(piece(notes, bpm=120, pedals=[(0, 90)]))
    assert energy(wet, 0.6, 1.2) > 5 * energy(dry, 0.6, 1.2)


def test_a_change_of_pedal_ends_what_rang() -> None:
    held = sound.render(piece([note(0, 6, 48, 100)], bpm=120, pedals=[(0, 192)]))
    changed = sound.render(piece([note(0, 6, 48, 100)], bpm=120, pedals=[(0, 24), (24, 192)]))
    assert energy(changed, 1.2, 1.6) / energy(changed, 0, 0.4) < 0.3 * energy(held, 1.2, 1.6) / energy(held, 0, 0.4)


def test_notes_sound_when_they_are_played() -> None:
    made = piece([note(0, 6, 72), note(48, 6, 72, shift=0.25)], bpm=60)
    samples = sound.render(made)
    assert energy(samples, 2.0, 2.2) < 0.2 * energy(samples, 2.25, 2.45)


def test_no_silence_is_put_before_it(rendered: np.ndarray) -> None:
    assert np.abs(rendered[: RATE // 20]).max() > 0.01


@pytest.mark.parametrize("program", [0, 14, 19, 48])
def test_the_end_rings_out_and_does_not_click(program: int) -> None:
    made = piece([note(0, 24, 60, 100)], bars=1, bpm=120, programs=(program,))
    samples = sound.render(made)
    assert 0.5 < len(samples) / RATE <= 0.5 + 4 + 0.1
    assert np.abs(samples[-10:]).max() < 1e-4
    assert np.abs(np.diff(samples[-RATE // 20 :], axis=0)).max() < 0.02


def test_rests_after_the_last_note_are_not_waited_for() -> None:
    assert len(sound.render(piece([note(0, 24, 60)], bars=60, bpm=120))) / RATE < 6


def test_without_notes_it_is_as_long_as_its_bars() -> None:
    samples = sound.render(piece(bars=2, bpm=120))
    assert samples.shape == (4 * RATE, 2) and not samples.any()


def test_another_rate_is_the_same_sound(rendered: np.ndarray) -> None:
    other = sound.render(pieces.scale(), rate=22050)
    assert abs(len(other) / 22050 - len(rendered) / RATE) < 0.01
    assert sound.describe_loudness(other, 22050)["lufs"] == pytest.approx(-16, abs=0.5)


def test_the_same_piece_gives_the_same_sound(rendered: np.ndarray) -> None:
    assert (sound.render(pieces.scale()) == rendered).all()


# Loudness ----------------------------------------------------------

SHORT = piece([note(0, 3, 84, 30)], bars=1, bpm=240)
SOFT = piece([note(24 * i, 24, 60 + i, 8) for i in range(8)])
LOUD = piece([note(6 * i, 12, pitch, 127) for i in range(32) for pitch in range(36 + i % 5, 96, 4)], programs=(61,))
SPARSE = piece([note(96 * i, 2, 96, 127) for i in range(4)], bars=4, programs=(13,))


@pytest.mark.parametrize(
    "made", [pieces.scale(), SHORT, SOFT, LOUD, SPARSE], ids=["scale", "short", "soft", "loud", "sparse"]
)
def test_every_piece_is_as_loud_and_none_is_clipped(made: Piece) -> None:
    found = sound.describe_loudness(sound.render(made), RATE)
    assert found["lufs"] == pytest.approx(-16, abs=1)
    assert found["peak_dbfs"] <= -1 + 0.2


def spiky(level: float) -> np.ndarray:
    samples = tone(6, level)
    samples[RATE // 2 :: RATE] = 0.9
    return samples


def test_lone_peaks_are_held_down_for_the_sake_of_the_rest() -> None:
    before = spiky(0.06)
    after = sound.levelled(before, RATE)
    assert loudness(after) == pytest.approx(-16, abs=1) and loudness(before) < -20
    assert sound.describe_loudness(after, RATE)["peak_dbfs"] <= -1 + 0.2


def test_a_limited_sound_keeps_its_wave() -> None:
    before = spiky(0.06)
    after = sound.levelled(before, RATE)
    away = slice(RATE // 2 + RATE // 5, RATE // 2 + RATE * 4 // 5)  # from the peaks
    ratio = after[away].astype(float).std() / before[away].astype(float).std()
    assert np.abs(after[away] - ratio * before[away]).max() < 1e-4


def test_no_more_is_limited_than_does_no_harm() -> None:
    after = sound.levelled(spiky(0.001), RATE)
    assert loudness(after) < -20
    assert sound.describe_loudness(after, RATE)["peak_dbfs"] == pytest.approx(-1, abs=0.2)


def test_silence_stays_silence() -> None:
    assert not sound.levelled(np.zeros((RATE, 2), np.float32), RATE).any()


def test_loudness_is_that_of_the_standard() -> None:
    """A stereo sine of 997 Hz at 0 dB of full scale is 0 LUFS by BS.1770, as one channel is -3.01."""
    time = np.arange(3 * RATE) / RATE
    sine = np.repeat(np.sin(2 * np.pi * 997 * time)[:, None], 2, axis=1)
    assert sound.describe_loudness(sine / 10, RATE) == {
        "lufs": pytest.approx(-20, abs=0.1),
        "peak_dbfs": pytest.approx(-20, abs=0.1),
        "seconds": 3.0,
    }


def test_a_peak_between_samples_counts() -> None:
    time = np.arange(RATE) / RATE
    between = np.repeat(np.sin(2 * np.pi * RATE / 4 * time + np.pi / 4)[:, None], 2, axis=1)[100:-100]
    assert np.abs(between).max() < 0.71
    assert sound.describe_loudness(between, RATE)["peak_dbfs"] > -0.3


@pytest.mark.parametrize("count", [0, 1, 100, 17639, 17640, 17641])
def test_any_length_has_a_loudness(count: int) -> None:
    found = sound.describe_loudness(tone(1)[:count], RATE)
    assert found["seconds"] == count / RATE
    assert not np.isnan(found["lufs"]) and not np.isnan(found["peak_dbfs"])


def test_silence_is_endlessly_soft() -> None:
    assert sound.describe_loudness(np.zeros((RATE, 2)), RATE)["lufs"] == -np.inf


# Files ----------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_decodes_to_the_same_sound(rendered: np.ndarray, kind: Any) -> None:
    back, rate = soundfile.read(io.BytesIO(sound.encode(rendered, RATE, kind)), dtype="float32")
    assert rate == RATE
    assert abs(len(back) - len(rendered)) <= (0 if kind in ("wav", "flac") else RATE // 20)
    count = min(len(back), len(rendered))
    assert np.corrcoef(back[:count, 0], rendered[:count, 0])[0, 1] > 0.99
    assert loudness(back) == pytest.approx(-16, abs=1)


@pytest.mark.parametrize("kind", KINDS)
def test_tags_are_written(kind: Any) -> None:
    data = sound.encode(tone(), RATE, kind, {"title": "Blåbær ♯", "artist": "Ada", "comment": ""})
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.title, file.artist) == ("Blåbær ♯", "Ada")


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_what_is_too_loud_is_clipped_and_not_wrapped(kind: Any) -> None:
    back, _ = soundfile.read(io.BytesIO(sound.encode(tone(1, 3.0), RATE, kind)))
    assert back.max() > 0.99 and np.abs(np.diff(back, axis=0)).max() < 0.5


def test_a_long_sound_fits_in_every_kind() -> None:
    long = np.zeros((100 * 8000, 1), np.float32)  # libvorbis crashes where all of it is written at once
    long[::100] = 0.1
    data = sound.encode(long, 8000, "ogg")
    assert soundfile.info(io.BytesIO(data)).duration == pytest.approx(100, abs=0.1)


def test_the_same_sound_gives_the_same_wav(rendered: np.ndarray) -> None:
    assert sound.encode(rendered, RATE, "wav") == sound.encode(rendered, RATE, "wav")


def test_what_cannot_be_encoded_is_refused_in_one_line() -> None:
    unknown: Any = "aiff"
    with pytest.raises(errors.BadRequest, match="aiff"):
        sound.encode(tone(), RATE, unknown)
    with pytest.raises(errors.BadRequest, match="mood"):
        sound.encode(tone(), RATE, "wav", {"mood": "blue"})
    with pytest.raises(errors.BadRequest, match="44100"):
        sound.encode(tone(), 96001, "mp3")


# SoundFonts ----------------------------------------------------------


def refusal(path: Path | None) -> str:
    with pytest.raises(errors.FlamingoError) as caught:
        sound.render(pieces.scale(programs=(73,)), SoundOptions(soundfont=path))
    assert len(str(caught.value).splitlines()) == 1 and caught.value.hint
    return str(caught.value)


def test_a_soundfont_of_ones_own_is_used(tmp_path: Path, rendered: np.ndarray) -> None:
    flutes = pieces.scale(programs=(73,))
    copy = tmp_path / "own.sf2"
    copy.write_bytes(sound.check_soundfont(None).read_bytes())
    assert (sound.render(flutes, SoundOptions(soundfont=copy)) == sound.render(flutes)).all()
    assert not np.array_equal(sound.render(pieces.scale(), SoundOptions(soundfont=copy)), rendered)


def test_a_missing_soundfont_is_named(tmp_path: Path) -> None:
    assert "gone.sf2" in refusal(tmp_path / "gone.sf2")


def test_a_folder_is_no_soundfont(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path) or "directory" in refusal(tmp_path)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\x04\0\0\0WAVEfmt ", b"\x89PNG" * 9])
def test_another_file_is_no_soundfont(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.sf2").write_bytes(data)
    assert "it is no SoundFont" in refusal(tmp_path / "bad.sf2")


@pytest.mark.parametrize("part", [12, 1000, 100_000])
def test_a_soundfont_cut_short_is_refused(tmp_path: Path, part: int) -> None:
    (tmp_path / "cut.sf2").write_bytes(sound.check_soundfont(None).read_bytes()[:part])
    assert "cannot be played" in refusal(tmp_path / "cut.sf2")


def test_a_soundfont_damaged_inside_is_refused(tmp_path: Path) -> None:
    data = bytearray(sound.check_soundfont(None).read_bytes())
    table = data.rindex(b"inst") + 8
    data[table + 40 : table + 400] = b"\xff" * 360  # instruments whose zones lie past the end of the file
    (tmp_path / "bad.sf2").write_bytes(data)
    assert "cannot be played" in refusal(tmp_path / "bad.sf2")


def test_without_the_built_in_sounds_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "pip install" in refusal(None)
    sound.render(pieces.scale())  # a piano needs none
