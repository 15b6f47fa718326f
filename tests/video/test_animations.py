"""Animated GIF and WebP in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flamingo import video
from flamingo.errors import UnreadableVideo
from tests.video.clips import animation


def frames(path: Path) -> list[video.Frame]:
    with video.Reader(video.probe(path)) as reader:
        return list(reader)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_only_what_moves_is_a_clip(suffix: str, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / f"still{suffix}")
    assert not video.is_clip(tmp_path / f"still{suffix}")
    assert video.is_clip(animation(tmp_path / f"moving{suffix}"))


@pytest.mark.parametrize("loop", [None, 0, 1, 4])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_frames_times_loops_and_holes_come_back(suffix: str, loop: int | None, tmp_path: Path) -> None:
    source = animation(tmp_path / f"a{suffix}", loop=loop)
    clip, before = video.probe(source), frames(source)
    assert [frame.lasts for frame in before] == [40, 50, 60, 70, 80, 90]
    assert all(frame.alpha is not None for frame in before)
    stacked = [np.concatenate([f.rgb, f.alpha[..., None]], axis=2) for f in before if f.alpha is not None]
    parts = [np.stack(stacked[:4]), np.stack(stacked[4:])]
    times = video.times_kept(clip.format, [f.pts / 1000 for f in before], before[-1].lasts / 1000)
    video.write_animation(parts, tmp_path / f"b{suffix}", milliseconds=times, loop=clip.loop, quality=100)
    after = frames(tmp_path / f"b{suffix}")
    assert video.probe(tmp_path / f"b{suffix}").loop == clip.loop
    assert [frame.lasts for frame in after] == [frame.lasts for frame in before]
    for a, b in zip(before, after, strict=True):
        assert a.alpha is not None and b.alpha is not None
        assert np.array_equal(a.alpha > 127, b.alpha > 127)
        seen = a.alpha > 127
        assert np.abs(a.rgb[seen].astype(int) - b.rgb[seen]).mean() < 8


@given(st.lists(st.floats(0.005, 2), min_size=1, max_size=50))
def test_roundings_do_not_add_up(gaps: list[float]) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    kept = video.times_kept("webp", times[:-1].tolist(), gaps[-1])
    assert sum(kept) == pytest.approx(1000 * times[-1], abs=1)


def test_a_damaged_animation_is_read_up_to_there(tmp_path: Path) -> None:
    whole = animation(tmp_path / "a.gif", frames=12).read_bytes()
    (tmp_path / "b.gif").write_bytes(whole[: len(whole) * 2 // 3])
    with video.Reader(video.probe(tmp_path / "b.gif")) as reader:
        assert 0 < len(list(reader)) <= 12


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a, or not")
    with pytest.raises(UnreadableVideo):
        video.probe(tmp_path / "a.gif")


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_how_long_an_animation_lasts_is_the_sum_of_its_frames(suffix: str, tmp_path: Path) -> None:
    clip = video.probe(animation(tmp_path / f"a{suffix}", frames=6))
    assert clip.seconds == pytest.approx(sum(0.04 + 0.01 * i for i in range(6)), abs=0.011)
    assert float(clip.rate) == pytest.approx(6 / clip.seconds)
