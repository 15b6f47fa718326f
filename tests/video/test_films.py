"""Films in and out: frames, times, colours and sound come back as they were."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo import video
from flamingo.errors import BadRequest, ImageTooLarge, UnreadableVideo
from flamingo.video.writing import samples as samples_of
from tests.video.clips import RATE, STEPS, film, packets, picture, samples


def frames(path: Path) -> list[video.Frame]:
    with video.Reader(video.probe(path)) as reader:
        return list(reader)


def copy(source: Path, target: Path, parts: int = 1) -> tuple[str, ...]:
    """A clip read, encoded again in some parts and joined."""
    clip, shown = video.probe(source), frames(source)
    files = []
    for i, at in enumerate(np.array_split(np.arange(len(shown)), parts)):
        writer = video.Writer(
            video.written(target), (clip.height, clip.width), rate=clip.rate, time_base=clip.time_base,
            look=video.look_of(clip), quality=100,
        )  # fmt: skip
        for j in at:
            writer.add(shown[j].rgb, shown[j].pts)
        files.append(target.parent / f"part-{i}")
        files[-1].write_bytes(writer.done())
    return video.join(clip, files, target, lasts=shown[-1].lasts)


def psnr(a: Any, b: Any) -> float:
    return float(-10 * np.log10(np.mean((a / 255.0 - b / 255.0) ** 2)))


def seconds(path: Path) -> list[float]:
    base = video.probe(path).time_base
    return [float(frame.pts * base) for frame in frames(path)]


def test_a_film_says_what_it_is(tmp_path: Path) -> None:
    clip = video.probe(film(tmp_path / "a.mp4", 12, (48, 64), sounds=("aac", "mp3")))
    assert (clip.width, clip.height, clip.frames, clip.rate) == (64, 48, 12, RATE)
    assert clip.seconds == pytest.approx(12 / RATE)
    assert clip.sounds == ("aac", "mp3")
    assert clip.notes == ()


def test_frames_that_an_avi_dropped_leave_the_time_as_it_was(tmp_path: Path) -> None:
    shown = [*range(5), *range(8, 12), *range(13, 20)]
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream: Any = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in shown:
            frame = av.VideoFrame.from_ndarray(picture(i, (48, 64)), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    clip = video.probe(tmp_path / "a.avi")
    assert (clip.frames, clip.seconds, clip.rate) == (len(shown), pytest.approx(20 / 25), 25)
    with video.Reader(clip) as reader:
        assert [float(frame.pts * clip.time_base) for frame in reader] == pytest.approx([i / 25 for i in shown])
    assert reader.notes == ()


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.m4v"])
def test_what_is_written_comes_back(name: str, tmp_path: Path) -> None:
    sounds = ("libopus",) if name.endswith("webm") else ("aac",)
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    source = film(tmp_path / f"source-{name}", sounds=sounds, codec=codec)
    assert copy(source, tmp_path / name, parts=3) == ()
    before, after = frames(source), frames(tmp_path / name)
    assert len(after) == 12
    assert min(psnr(a.rgb, b.rgb) for a, b in zip(before, after, strict=True)) > 33
    assert seconds(tmp_path / name) == pytest.approx(seconds(source), abs=1e-6)
    assert packets(tmp_path / name) == packets(source)
    assert video.probe(tmp_path / name).rate == pytest.approx(RATE, abs=0.1)


@settings(max_examples=8, deadline=None)
@given(gaps=st.lists(st.integers(1, 400), min_size=11, max_size=11), parts=st.integers(1, 4))
def test_frames_keep_their_times_however_uneven(gaps: list[int], parts: int, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("uneven")
    times = [0, *np.cumsum(gaps).tolist()]
    source = film(folder / "a.mp4", times=times, sounds=())
    assert seconds(source) == pytest.approx([t / RATE / STEPS for t in times], abs=1e-4)
    copy(source, folder / "b.mp4", parts)
    assert seconds(folder / "b.mp4") == seconds(source)


def test_every_sound_track_is_copied_sample_for_sample(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", sounds=("aac", "flac", "libopus"))
    copy(source, tmp_path / "b.mkv")
    for track in range(3):
        assert packets(tmp_path / "b.mkv", track) == packets(source, track)
        assert np.array_equal(samples(tmp_path / "b.mkv", track), samples(source, track))


def test_sound_that_does_not_fit_is_refused_before_the_work(tmp_path: Path) -> None:
    clip = video.probe(film(tmp_path / "a.mp4"))
    video.check_sound(clip, tmp_path / "b.mkv")
    with pytest.raises(BadRequest, match="webm cannot hold sound in aac"):
        video.check_sound(clip, tmp_path / "b.webm")


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full", [False, True])
def test_colours_are_those_that_were_meant(matrix: int, full: bool, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", matrix=matrix, full=full, pixels="yuv444p")
    assert psnr(frames(source)[3].rgb, picture(3, (48, 64))) > 38
    copy(source, tmp_path / "b.mp4")
    assert psnr(frames(tmp_path / "b.mp4")[3].rgb, picture(3, (48, 64))) > 30
    look = video.probe(tmp_path / "b.mp4").look
    assert (look.matrix, look.full) == (matrix, False)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_film_is_read_upright(turn: int, mirror: bool, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", turn=turn, mirror=mirror)
    expected = np.rot90(picture(3, (48, 64)), turn // 90)  # FFmpeg counts against the clock, and mirrors after that
    expected = expected[:, ::-1] if mirror else expected
    assert frames(source)[3].rgb.shape == expected.shape
    assert psnr(frames(source)[3].rgb, expected) > 30


def test_an_odd_size_stays_odd(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", size=(47, 63), pixels="yuv444p")
    copy(source, tmp_path / "b.mp4")
    assert frames(tmp_path / "b.mp4")[0].rgb.shape == (47, 63, 3)


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", sample_aspect_ratio=Fraction(4, 3))
    copy(source, tmp_path / "b.mp4")
    assert video.probe(tmp_path / "b.mp4").look.aspect == Fraction(4, 3)


def test_some_frames_can_be_passed_over(tmp_path: Path) -> None:
    clip = video.probe(film(tmp_path / "a.mp4"))
    with video.Reader(clip, skip=7) as reader:
        assert [f.pts for f in reader] == [f.pts for f in frames(clip.path)][7:]


def test_a_film_that_is_cut_short_is_read_up_to_there(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mkv", 100, sounds=()).read_bytes()
    (tmp_path / "b.mkv").write_bytes(whole[: len(whole) // 2])
    with video.Reader(video.probe(tmp_path / "b.mkv")) as reader:
        count = len(list(reader))
    assert 10 < count < 90
    (note,) = reader.notes
    assert "cut short or damaged" in note


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no film at all" * 100,
        b"#EXTM3U\n#EXTINF:1,\nhttp://localhost/a.ts\n",
        b"ffconcat version 1.0\nfile a.mp4\n",
    ],
    ids=["empty", "text", "playlist", "list"],
)
def test_what_is_no_film_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    film(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(content)
    with pytest.raises(UnreadableVideo) as caught:
        video.probe(tmp_path / "b.mp4")
    assert "\n" not in str(caught.value)


def test_a_name_is_never_taken_for_an_address(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4")
    for name in ("http://localhost/a.mp4", f"concat:{tmp_path}/a.mp4", "no-such.mp4"):
        with pytest.raises(UnreadableVideo, match="there is no such file"):
            video.probe(Path(name))


def test_a_film_without_its_index_is_refused(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(UnreadableVideo):
        video.probe(tmp_path / "b.mp4")


def test_a_sound_file_is_no_film(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        track: Any = out.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.rate = 48_000
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    with pytest.raises(UnreadableVideo, match="no picture"):
        video.probe(tmp_path / "a.mp4")


def test_frames_that_are_too_large_are_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4")
    with pytest.raises(ImageTooLarge, match="64 x 48"):
        video.probe(source, video.Limits(pixels=3000))
    with pytest.raises(ImageTooLarge, match="12 frames"):
        video.probe(source, video.Limits(frames=11))


@pytest.mark.parametrize(("name", "found"), [("a.MP4", True), ("a.webm", True), ("a.jpg", False), ("a.gif", False)])
def test_a_clip_is_told_by_its_name(name: str, found: bool) -> None:
    assert video.is_clip(Path(name)) is found


def test_a_kind_that_is_not_written_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"\.avi.*use .mp4"):
        video.written(Path("a.avi"))


@pytest.mark.parametrize("container", ["mp4", "webm"])
@pytest.mark.parametrize("size", [(48, 64), (46, 114)])
def test_planes_are_encoded_as_the_frame_that_they_are_of(container: str, size: tuple[int, int]) -> None:
    look = video.Look()
    found = []
    for whole in (True, False):
        writer = video.Writer(
            container, size, rate=Fraction(RATE), time_base=Fraction(1, RATE), look=look, quality=90
        )
        for i in range(6):
            rgb = picture(i, size)
            if whole:
                writer.add(rgb, i)
            else:
                writer.add_planes(samples_of(rgb, look), i)
        found.append(writer.done())
    assert found[0] == found[1]


def test_a_film_is_as_long_as_its_picture_whatever_its_sound(tmp_path: Path) -> None:
    """As screen recorders write it: the sound goes on, and Matroska says how long the whole file is."""
    for name in ("long.mkv", "long.webm"):
        sound, codec = ("libopus", "libvpx-vp9") if name.endswith("webm") else ("aac", "libx264")
        file = tmp_path / name
        with av.open(str(file), "w") as out:
            stream: Any = out.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            track: Any = out.add_stream(sound, rate=48_000, layout="stereo")
            for i in range(20):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * i, np.uint8), "rgb24")
                frame.pts, frame.time_base = i + 5, Fraction(1, 10)  # and the picture begins late
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
            for at in range(0, 192_000, 960):
                quiet = av.AudioFrame.from_ndarray(np.zeros((2, 960), np.float32), "fltp", "stereo")
                quiet.rate, quiet.pts, quiet.time_base = 48_000, at, Fraction(1, 48_000)
                resampled = av.AudioResampler(track.codec_context.format.name, "stereo", 48_000).resample(quiet)
                for piece in resampled:
                    out.mux(track.encode(piece))
            out.mux(track.encode(None))
        clip = video.probe(file)
        assert clip.seconds == pytest.approx(2.0, abs=0.11), name
        assert (clip.frames, float(clip.rate)) == (20, pytest.approx(10, rel=0.03)), name
        with video.Reader(clip) as reader:
            assert len(list(reader)) == 20
            assert reader.notes == (), "it is whole"


def test_a_film_that_is_cut_short_is_still_said_to_be(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mkv", frames=60)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    clip = video.probe(cut)
    with video.Reader(clip) as reader:
        list(reader)
        assert any("cut short" in note for note in reader.notes)


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"), [(".mov", "prores_ks", "yuva444p10le"), (".mkv", "ffv1", "bgra")]
)
def test_transparency_of_a_film_is_said_to_be_left_out(suffix: str, codec: str, pixels: str, tmp_path: Path) -> None:
    file = tmp_path / f"alpha{suffix}"
    with av.open(str(file), "w") as out:
        stream: Any = out.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 4), 120, np.uint8), "rgba").reformat(format=pixels)
            frame.pts, frame.time_base = i, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert any("its transparency is left out" in note for note in video.probe(file).notes)
    assert not any("transparency" in note for note in video.probe(film(tmp_path / "plain.mp4")).notes)


@pytest.mark.parametrize(("suffix", "form"), [(".3gp", "3gp"), (".mts", "mpegts"), (".mpg", "mpeg")])
def test_films_of_phones_and_camcorders_are_read(suffix: str, form: str, tmp_path: Path) -> None:
    codec = "mpeg2video" if form == "mpeg" else "libx264"
    file = tmp_path / f"clip{suffix}"
    with av.open(str(file), "w", format=form) as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(15):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * i, np.uint8), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert video.is_clip(file)
    clip = video.probe(file)
    assert (clip.width, clip.height, float(clip.rate)) == (64, 48, 25)
    assert clip.seconds == pytest.approx(0.6, abs=0.05)
    with video.Reader(clip) as reader:
        assert len(list(reader)) == 15
