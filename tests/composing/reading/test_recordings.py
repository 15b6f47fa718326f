"""What is heard in a recording: tones made here, and a piano study rendered from MIDI where that can be done."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import av
import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo import errors
from flamingo.composing.piece import Piece
from flamingo.composing.reading import from_bytes, read
from flamingo.composing.reading import recordings as module
from flamingo.composing.reading.recordings import transcribe

try:
    importlib.metadata.distribution("basic-pitch")
    HEARS = True
except importlib.metadata.PackageNotFoundError:
    HEARS = False
needs_network = pytest.mark.skipif(
    not HEARS, reason="basic-pitch is not installed (pip install --no-deps basic-pitch)"
)

BPM = 100.0
SCALE = [60, 64, 67, 72, 71, 67, 64, 62, 60, 64, 67, 72, 71, 67, 62, 60]


def tones(pitches: list[int], seconds: float = 60 / BPM, rate: int = 44_100, gap: float = 0.0) -> NDArray[np.float32]:
    """Plucked tones with four overtones, one after another."""
    time = np.arange(int(seconds * rate)) / rate
    sound = []
    for pitch in pitches:
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * frequency * k * time) / k**2 for k in range(1, 6))
        sound.append(0.3 * tone * np.exp(-3 * time) * np.minimum(time / 0.004, 1))
    return np.concatenate([np.zeros(int(gap * rate)), *sound]).astype(np.float32)


def recorded(
    samples: NDArray[np.float32], rate: int = 44_100, kind: str = "WAV", subtype: str | None = None
) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format=kind, subtype=subtype)
    return held.getvalue()


def f1(heard: list[tuple[float, int]], true: list[tuple[float, int]]) -> float:
    """Of notes: right if the pitch is and the beginning is within 50 ms; each true note counts once."""
    left, right = sorted(true), 0
    for start, pitch in sorted(heard):
        near = [note for note in left if note[1] == pitch and abs(note[0] - start) <= 0.05]
        if near:
            left.remove(near[0])
            right += 1
    return 2 * right / max(len(heard) + len(true), 1)


def heard_in(piece: Piece) -> list[tuple[float, int]]:
    return [(float(start), int(pitch)) for start, pitch in zip(piece.played[0], piece.notes["pitch"], strict=True)]


@needs_network
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_scale_is_written_down_on_its_beats(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"scale.{kind.lower()}"
    path.write_bytes(recorded(tones(SCALE), kind=kind))
    piece = read(path)
    assert piece.notes["pitch"].tolist() == SCALE
    assert set(np.diff(piece.notes["start"]).tolist()) == {24}
    assert float(np.median(piece.tempos["bpm"])) == pytest.approx(BPM, rel=0.03)
    assert str(piece.key) == "C major" and str(piece.metre()) == "4/4"
    assert piece.expressive and piece.title == "scale"
    assert np.abs(np.diff(piece.played[0]) - 60 / BPM).max() < 0.03


@needs_network
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_101, 48_000, 96_000])
def test_the_sampling_rate_makes_no_difference(rate: int) -> None:
    piece = from_bytes(recorded(tones(SCALE[:8], rate=rate), rate), "a.wav")
    assert piece.notes["pitch"].tolist() == SCALE[:8]


@needs_network
def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    data = recorded(tones(SCALE[:6]))
    whole = np.concatenate([block for block, _ in module._samples(io.BytesIO(data), "a", 30)])
    monkeypatch.setattr(module, "_BLOCK", 10_000)
    parts = np.concatenate([block for block, _ in module._samples(io.BytesIO(data), "a", 30)])
    assert len(whole) == len(parts) and np.abs(whole - parts).max() < 1e-5


@needs_network
def test_progress_ends_with_all_seconds() -> None:
    calls: list[tuple[float, float]] = []
    transcribe(
        io.BytesIO(recorded(tones(SCALE[:8]))),
        name="a.wav",
        on_progress=lambda done, all_: calls.append((done, all_)),
    )
    done = [call[0] for call in calls]
    assert done == sorted(done) and calls[-1] == (pytest.approx(4.8), pytest.approx(4.8))


@needs_network
@pytest.mark.parametrize("samples", [np.zeros(44_100 * 3), np.zeros(10), np.zeros(0), np.full(44_100, np.nan)])
def test_silence_holds_no_notes(samples: NDArray[np.float64]) -> None:
    data = recorded(samples.astype(np.float32), subtype="FLOAT")
    with pytest.raises(errors.UnreadableMusic, match="no notes were heard"):
        from_bytes(data, "a.wav")


@needs_network
def test_one_note_is_a_piece() -> None:
    piece = from_bytes(recorded(tones([69], 1.5, gap=0.5)), "a.wav")
    assert piece.notes["pitch"].tolist() == [69] and len(piece.bars) == 1


@needs_network
def test_a_long_recording_is_refused_before_it_is_heard() -> None:
    data = recorded(np.zeros(8_000 * 60 * 3, np.float32), 8_000)
    calls: list[tuple[float, float]] = []
    with pytest.raises(errors.MusicTooLarge, match="longer than 2 minutes"):
        from_bytes(data, "a.wav", minutes=2, on_progress=lambda *call: calls.append(call))
    assert not calls


@needs_network
def test_too_many_channels_are_refused() -> None:
    with pytest.raises(errors.UnsupportedMusic, match="channels"):
        from_bytes(recorded(np.zeros((100, 40), np.float32)), "a.wav")


@needs_network
@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.ogg", "a.flac"])
@pytest.mark.parametrize("data", [b"junk", b"RIFF\xff\xff\xff\xffWAVE", b"ID3" + bytes(300), b"OggS" + bytes(200)])
def test_what_is_no_recording_is_refused(name: str, data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.UnreadableMusic) as caught:
        from_bytes(data, name)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


@needs_network
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@settings(max_examples=15, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), junk=st.binary(max_size=8), cut=st.integers(0, 3000))
def test_a_damaged_recording_gives_a_piece_or_one_line(kind: str, place: float, junk: bytes, cut: int) -> None:
    data = recorded(tones([60], 0.5), kind=kind)
    at = int(place * len(data))
    try:
        piece = from_bytes(data[:at] + junk + data[at + cut :], f"a.{kind.lower()}")
    except errors.BadInput as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert len(piece.notes) and np.isfinite(piece.notes["shift"]).all()


@needs_network
def test_the_decoder_of_mp3_says_nothing_on_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    data = recorded(tones([60, 64]), kind="MP3")
    middle = len(data) // 2
    for junk in (bytes(2000), b"U" * 40):
        with contextlib.suppress(errors.UnreadableMusic):
            from_bytes(data[:middle] + junk + data[middle + 900 :], "a.mp3")
    assert capfd.readouterr() == ("", "")


def test_a_missing_network_is_said_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", gone)
    with pytest.raises(errors.MissingExtra, match="script/setup recordings"):
        from_bytes(recorded(tones([60])), "a.wav")


@needs_network
def test_a_piano_is_heard_well_and_its_tempo_found() -> None:
    """Measured: F1 0.98 and a tempo within 1 %; the floors are well below."""
    if not all(importlib.util.find_spec(package) for package in ("midirenderer", "pretty_midi")):
        pytest.skip("midirenderer and pretty_midi (for its sound font) are not installed")
    import midirenderer

    folder = Path(str(importlib.metadata.distribution("pretty_midi").locate_file("pretty_midi")))
    font = next(folder.glob("*.sf2"), None)
    if font is None:
        pytest.skip("pretty_midi has no sound font")
    # Thirty seconds of a made-up study: chords in the left hand, quavers in the right, louder on the first beat.
    chords = [
        (48, 52, 55),
        (53, 57, 60),
        (55, 59, 62),
        (48, 52, 55),
        (45, 52, 57),
        (50, 53, 57),
        (43, 50, 59),
        (48, 55),
    ]
    figure = (0, 4, 7, 12, 7, 4, 9, 5)
    rng = np.random.default_rng(5)
    quarter = 60 / 96
    true: list[tuple[float, int]] = []
    events: list[tuple[float, mido.Message]] = []

    def strike(start: float, length: float, pitch: int, velocity: int) -> None:
        start += float(rng.normal(0, 0.008))
        true.append((start, pitch))
        events.append((start, mido.Message("note_on", note=pitch, velocity=velocity)))
        events.append((start + length, mido.Message("note_off", note=pitch)))

    for bar in range(12):
        chord = chords[bar % len(chords)]
        for pitch in chord:
            strike(0.1 + 4 * quarter * bar, 3.8 * quarter, pitch, 80)
        for place, step in enumerate(figure):
            velocity = 100 if place == 0 else 70
            strike(0.1 + quarter * (4 * bar + place / 2), 0.45 * quarter, chord[0] % 12 + 72 + step, velocity)
    track, now = mido.MidiTrack(), 0
    for start, message in sorted(events, key=lambda event: event[0]):
        tick = round(start * 960)  # 120 quarters a minute and 480 ticks: 960 a second
        track.append(message.copy(time=tick - now))
        now = tick
    held = io.BytesIO()
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(file=held)
    sound = bytes(midirenderer.render_wave_from(font.read_bytes(), held.getvalue()))

    piece = from_bytes(sound, "study.wav")
    heard = heard_in(piece)
    # A piece begins with a bar line, a recording somewhere: the first notes are laid on each other.
    offset = min(start for start, _ in true) - min(start for start, _ in heard)
    score = f1([(start + offset, pitch) for start, pitch in heard], true)
    tempo = float(np.median(piece.tempos["bpm"]))
    print(f"F1 {score:.3f}, tempo {tempo:.1f} instead of 96")
    assert score > 0.85
    assert tempo == pytest.approx(96, rel=0.05)
    assert piece.key.tonic == 0


def voice_memo(path: Path, seconds: int = 4) -> Path:
    """Four tones, one after another, in a file of the kind that its name says."""
    rate = 48_000 if path.suffix == ".opus" else 44_100
    time = np.arange(rate * seconds) / rate
    pitches = (261.63, 329.63, 392.0, 523.25)
    wave = sum(np.sin(2 * np.pi * f * time) * (np.floor(time) == i) for i, f in enumerate(pitches))
    samples = (0.4 * np.asarray(wave)).astype(np.float32)
    containers = {".m4a": "ipod", ".mp4": "mp4", ".aac": "adts"}
    suffix = path.suffix
    if suffix not in containers:
        forms = {".opus": {"format": "OGG", "subtype": "OPUS"}, ".aif": {"format": "AIFF"}}
        more = forms.get(suffix, {})
        soundfile.write(path, samples, rate, **more)
        return path
    with av.open(str(path), "w", format=containers[suffix]) as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        for at in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], "fltp", "mono")
            frame.rate, frame.pts, frame.time_base = 44_100, at, Fraction(1, 44_100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@needs_network
@pytest.mark.parametrize("suffix", [".m4a", ".aac", ".aiff", ".aif", ".opus", ".oga"])
def test_recordings_of_phones_and_macs_are_heard_like_others(suffix: str, tmp_path: Path) -> None:
    name = voice_memo(tmp_path / f"memo{'.ogg' if suffix == '.oga' else suffix}")
    file = name.rename(tmp_path / f"memo{suffix}")
    piece = read(file)
    assert {60, 64, 67, 72} <= set(piece.notes["pitch"].tolist())
    assert from_bytes(file.read_bytes(), file.name).notes["pitch"].tolist() == piece.notes["pitch"].tolist()


@needs_network
def test_an_m4a_that_is_none_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "memo.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + b"\0" * 200)
    with pytest.raises(errors.UnreadableMusic, match="no music file that can be read"):
        read(tmp_path / "memo.m4a")


@needs_network
def test_a_long_m4a_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.MusicTooLarge, match=r"longer than 0\.05 minutes"):
        read(voice_memo(tmp_path / "memo.m4a"), minutes=0.05)


# -- one voice -----------------------------------------------------------------------------------------------

TUNE = [
    *((57, 0.3), (60, 0.6), (62, 0.3), (64, 0.45), (65, 0.15), (64, 0.3), (62, 0.6), (59, 0.3), (55, 0.45)),
    *(
        (57, 0.15),
        (59, 0.3),
        (60, 0.6),
        (57, 0.3),
        (57, 0.45),
        (56, 0.15),
        (57, 0.3),
        (59, 0.6),
        (56, 0.3),
        (52, 0.6),
    ),
]


def hummed(overtones: tuple[float, ...], higher: int = 0, rate: int = 22_050) -> NDArray[np.float32]:
    """Greensleeves as somebody hums it: glides, vibrato, a little off, breath; fading between notes, not silent."""
    random = np.random.default_rng(0)
    pitch, loud, was = [], [], float(TUNE[0][0])
    for note, seconds in TUNE:
        time = np.arange(int(seconds * rate)) / rate
        vibrato = 0.25 * np.sin(2 * np.pi * 5.5 * time) * (time > 0.15)
        pitch.append(was + (note - was) * np.clip(time / 0.05, 0, 1) + vibrato + random.normal(0, 0.08))
        loud.append(0.25 + 0.75 * np.minimum(1, time / 0.04) * np.minimum(1, (seconds - time) / 0.05))
        was = note
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((np.concatenate(pitch) + higher - 69) / 12)) / rate
    voice = sum(share * np.sin((k + 1) * phase) for k, share in enumerate(overtones))
    return np.asarray(0.25 * voice * np.concatenate(loud) + random.normal(0, 0.004, len(phase)), np.float32)


@needs_network
def test_a_hummed_tune_is_heard_note_for_note() -> None:
    piece = transcribe(io.BytesIO(recorded(hummed((1, 0.5, 0.25, 0.12, 0.06)), 22_050)), name="hum.wav", line=True)
    assert piece.notes["pitch"].tolist() == [pitch for pitch, _ in TUNE]
    notes = piece.notes
    assert (notes["start"][:-1] + notes["duration"][:-1] <= notes["start"][1:] + 3).all(), "one note at a time"


@needs_network
def test_a_whistled_tune_is_heard_too() -> None:
    """Whistled, a note that is said twice may be one."""
    piece = transcribe(io.BytesIO(recorded(hummed((1, 0.05), 24), 22_050)), name="whistle.wav", line=True)
    tune = [pitch + 24 for pitch, _ in TUNE]
    assert [pitch for pitch, _ in groupby(piece.notes["pitch"].tolist())] == [pitch for pitch, _ in groupby(tune)]
