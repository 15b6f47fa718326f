"""The sampled piano: in tune, brighter the harder it is struck, damped as a piano is; and the room around it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flamingo.composing.options import SoundOptions
from flamingo.composing.piece import Piece
from flamingo.composing.writing import sound
from flamingo.composing.writing.sound import piano, room
from flamingo.train import piano_samples
from tests.composing import pieces
from tests.composing.pieces import note, piece

RATE = 48_000
DRY = SoundOptions(room=0)


def struck(key: int, velocity: int, *, seconds: float = 1.0) -> np.ndarray:
    """A key alone, held: (samples, 2)."""
    made = piece([note(0, round(48 * seconds), key, velocity)], bpm=120)
    return piano.play(made, np.array([0]))[0][: round(seconds * RATE)]


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power of both channels together, and the frequencies; sharper than their length by padding."""
    window = np.hanning(len(samples))[:, None]
    power = (np.abs(np.fft.rfft(samples * window, 2**18, axis=0)) ** 2).sum(axis=1)
    return power, np.fft.rfftfreq(2**18, 1 / RATE)


def centroid(samples: np.ndarray) -> float:
    """The middle of the spectrum in Hz."""
    power, frequency = spectrum(samples)
    return float((power * frequency).sum() / power.sum())


def energy(samples: np.ndarray, start: float, end: float) -> float:
    return float(np.sqrt((samples[round(start * RATE) : round(end * RATE)].astype(float) ** 2).mean()))


@pytest.mark.parametrize("key", [36, 48, 60, 72, 84, 96])
def test_a_key_sounds_brighter_the_harder_it_is_struck(key: int) -> None:
    middles = [centroid(struck(key, velocity)) for velocity in (30, 64, 110)]
    assert middles[0] < middles[1] < middles[2]


@pytest.mark.parametrize("key", [24, 60, 98])
def test_every_velocity_is_louder_than_the_one_before(key: int) -> None:
    levels = [energy(struck(key, velocity, seconds=0.5), 0, 0.5) for velocity in range(8, 128, 7)]
    assert all(a < b for a, b in pairwise(levels))


@pytest.mark.parametrize("key", range(44, 85, 4))
def test_every_key_is_in_tune(key: int) -> None:
    power, frequency = spectrum(struck(key, 80, seconds=2))
    tone = 440 * 2 ** ((key - 69) / 12)
    near = (frequency > tone * 0.95) & (frequency < tone * 1.05)
    found = frequency[near][power[near].argmax()]
    assert abs(1200 * np.log2(found / tone)) < 20  # cents; its three strings are not tuned quite alike


def test_neighbouring_keys_are_alike_in_loudness() -> None:
    levels = np.array([20 * np.log10(energy(struck(key, 80, seconds=0.5), 0, 0.5)) for key in range(40, 80)])
    assert np.abs(np.diff(levels)).max() < 2


def test_dampers_end_high_notes_sooner_than_low_ones() -> None:
    def rings(key: int) -> float:
        wave = piano.play(piece([note(0, 12, key, 100)], bars=2, bpm=120), np.array([0]))[0]
        return energy(wave, 0.4, 0.6) / energy(wave, 0.05, 0.25)

    assert rings(28) > 3 * rings(80)


def test_the_highest_keys_have_no_dampers() -> None:
    short, long = (
        piano.play(piece([note(0, length, 96, 100)], bars=2, bpm=120), np.array([0]))[0] for length in (6, 96)
    )
    assert np.array_equal(short[:RATE], long[:RATE])


def test_a_key_that_is_struck_again_forgets_how_it_swung() -> None:
    loud, soft = note(0, 24, 60, 120), note(24, 24, 60, 20)
    pedal = [(0, 192)]
    again = piano.play(piece([loud, soft], bpm=60, pedals=pedal), np.array([0]))[0]
    once = piano.play(piece([loud], bpm=60, pedals=pedal), np.array([0]))[0]
    assert energy(again, 1.6, 2.0) < 0.3 * energy(once, 1.6, 2.0)


def test_all_strings_answer_while_the_pedal_is_down() -> None:
    made = [note(0, 96, 60, 100)]
    alone = piano.play(piece(made, bpm=60), np.array([0]))[0]
    with_pedal = piano.play(piece(made, bpm=60, pedals=[(0, 96)]), np.array([0]))[0]
    answer = with_pedal[: 4 * RATE] - alone[: 4 * RATE]
    assert 0.01 < energy(answer, 1, 3) / energy(alone, 1, 3) < 0.5


def test_the_same_notes_sound_the_same_whatever_was_played_before() -> None:
    made = pieces.scale()
    piano._decoded.clear()
    first = sound.render(made)
    sound.render(piece([note(0, 600, pitch) for pitch in (48, 60, 67)], bars=8, bpm=60))
    with ThreadPoolExecutor(3) as pool:
        for again in pool.map(sound.render, [made] * 3):
            assert np.array_equal(again, first)


def test_a_sound_is_not_cut_off_where_a_recording_ends() -> None:
    held = struck(36, 100, seconds=11.5)
    assert np.abs(np.diff(held[round(8 * RATE) :], axis=0)).max() < 0.02
    assert not held[round(11 * RATE) :].any()


# Room, width, loudness ----------------------------------------------------------


def test_a_hall_makes_the_sound_longer_and_none_leaves_it_dry() -> None:
    made = piece([note(0, 6, 72, 100)], bars=1, bpm=120)
    dry, some, much = (sound.render(made, SoundOptions(room=amount)) for amount in (0, 0.3, 1))
    assert len(dry) < len(some) < len(much)


def test_a_hall_dies_away_in_a_second_and_a_half() -> None:
    click = np.zeros((RATE, 2), np.float32)
    click[0] = 1
    answer = room.in_room(click, RATE, 1)[1:]
    assert 20 * np.log10(energy(answer, 1.2, 1.4) / energy(answer, 0.05, 0.25)) < -35


def test_width_goes_from_one_channel_twice_to_twice_as_wide() -> None:
    def apart(samples: np.ndarray) -> float:
        return float(np.abs(samples[:, 0] - samples[:, 1]).mean() / np.abs(samples).mean())

    mono, usual, wide = (sound.render(pieces.scale(), SoundOptions(width=width, room=0)) for width in (0, 1, 2))
    assert apart(mono) < 1e-4 < apart(usual) < apart(wide)


@pytest.mark.parametrize("wanted", [-30.0, -23.0, -14.0])
def test_a_piece_is_as_loud_as_asked(wanted: float) -> None:
    samples = sound.render(pieces.scale(), SoundOptions(loudness=wanted))
    assert sound.describe_loudness(samples, 44100)["lufs"] == pytest.approx(wanted, abs=0.5)


def test_piano_and_other_instruments_play_together() -> None:
    both = piece([note(0, 96, 48, 80), note(0, 96, 76, 80, 1)], bpm=60, programs=(0, 73))
    alone: Piece = piece([note(0, 96, 48, 80)], bpm=60, programs=(0,))
    power, frequency = spectrum(sound.render(both, DRY, rate=RATE)[: 2 * RATE])
    lower, upper = (power[np.abs(frequency - tone) < 8].max() for tone in (130.8, 659.3))
    without, _ = spectrum(sound.render(alone, DRY, rate=RATE)[: 2 * RATE])
    assert 0.01 < upper / lower < 1000  # a flute has nearly all of its power in one tone
    alone_lower, alone_upper = (without[np.abs(frequency - tone) < 8].max() for tone in (130.8, 659.3))
    assert upper / lower > 5 * alone_upper / alone_lower


# Making the samples ----------------------------------------------------------


def test_samples_are_cut_without_being_encoded_again(tmp_path: Path) -> None:
    time = np.arange(RATE * 4) / RATE
    tone = np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 330 * time)], axis=1) * 0.5
    soundfile.write(tmp_path / "long.ogg", tone, RATE, format="OGG", subtype="VORBIS")
    cut = piano_samples.cut((tmp_path / "long.ogg").read_bytes(), 70_000)
    (tmp_path / "short.ogg").write_bytes(cut)
    whole, _ = soundfile.read(tmp_path / "long.ogg")
    short, _ = soundfile.read(tmp_path / "short.ogg")
    assert len(short) == 70_000 and np.array_equal(short, whole[:70_000])


@pytest.mark.parametrize(("name", "key"), [("A0v3", 21), ("C4v11", 60), ("F#4v7", 66), ("C8v15", 108)])
def test_keys_are_known_by_their_names(name: str, key: int) -> None:
    assert piano_samples.key_of(name) == key


def test_a_name_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="names no key"):
        piano_samples.key_of("harp")


def test_making_the_samples_again_finds_where_they_begin(tmp_path: Path) -> None:
    """A click is put into silence, at other places and loudnesses; both layers are found to begin where it is."""
    random = np.random.default_rng(1)
    wave = random.normal(size=RATE) * np.exp(-np.arange(RATE) / 4000)
    for layer, (begin, level) in enumerate([(300, 0.1), (470, 0.3)]):
        folder = tmp_path / str(layer)
        folder.mkdir()
        samples = np.zeros((RATE * 2, 2))
        samples[begin : begin + RATE] = level * wave[:, None]
        soundfile.write(folder / f"C4v{layer}.ogg", samples, RATE, format="OGG", subtype="VORBIS")
    table = piano_samples.make([tmp_path / "0", tmp_path / "1"], [40, 90], tmp_path / "out")
    assert [row.key for row in table] == [60, 60]
    assert table[1].first - table[0].first == pytest.approx(170, abs=2)
    assert table[1].level - table[0].level == pytest.approx(20 * np.log10(3), abs=0.5)
