"""Where a clip is cut into chunks, and that nothing of it is seen in the painting."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import flamingo
from flamingo import video
from flamingo.painting import chunks, styles
from flamingo.painting.clips import paint_clip
from tests.conftest import needs_models
from tests.video import clips
from tests.video.clips import film

Bytes = NDArray[np.uint8]
CUT = 28
"""The first frame of the second shot of `two_shots`."""


@pytest.fixture
def two_shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """40 frames: a scene, and from `CUT` on another one; in chunks of about ten frames."""
    plain: Callable[[int, tuple[int, int]], Bytes] = clips.picture
    other = lambda i, size: plain(i, size) if i < CUT else 255 - plain(i + 50, size)[::-1]  # noqa: E731
    monkeypatch.setattr(clips, "picture", other)
    monkeypatch.setattr(chunks, "_LONG", 10)
    return film(tmp_path / "two-shots.mp4", 40)


def decoded(path: Path) -> Bytes:
    with video.Reader(video.probe(path)) as reader:
        return np.stack([frame.rgb for frame in reader])


def painted(source: Path, target: Path, **more: Any) -> Bytes:
    paint_clip(source, target, flamingo.Painter("fast"), styles.vector("udnie", 1.0, "fast")[None], **more)
    return decoded(target)


def test_cuts_are_found_and_motion_is_none(two_shots: Path) -> None:
    told: list[int] = []
    assert chunks.cuts(video.probe(two_shots), lambda: told.append(1)) == ([CUT], 40, ())
    assert len(told) == 40


@given(
    lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=9),
    overlap=st.integers(1, chunks.OVERLAP),
)
def test_every_frame_is_in_one_chunk_or_in_the_overlap_of_two(lengths: list[int], overlap: int) -> None:
    cuts = list(itertools.accumulate(lengths))
    found = chunks.planned(cuts[:-1], cuts[-1], overlap)
    assert (found[0].first, found[0].head, found[-1].last, found[-1].tail) == (0, 0, cuts[-1], 0)
    for one, other in itertools.pairwise(found):
        assert one.tail == other.head
        assert one.last - one.tail == other.first
        assert (one.tail == 0) == (other.first in cuts), "a cut is never in an overlap"
    for chunk in found:
        assert chunk.last - chunk.first - chunk.head - chunk.tail > 0
        assert chunk.last - chunk.first <= 1.5 * chunks._LONG + overlap


@needs_models
def test_a_run_that_stopped_at_the_edge_of_a_chunk_goes_on_there(two_shots: Path, tmp_path: Path) -> None:
    whole = painted(two_shots, tmp_path / "whole.mp4")
    assert len(whole) == 40
    for stop in (9, 12, 27, CUT, 30):

        def tell(done: int, _all: int, _path: Path, stop: int = stop) -> None:
            if done == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            painted(two_shots, tmp_path / f"{stop}.mp4", on_progress=tell)
        assert np.abs(painted(two_shots, tmp_path / f"{stop}.mp4").astype(int) - whole).mean() < 1


@needs_models
def test_nothing_jumps_where_chunks_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = film(tmp_path / "a.mp4", 60, sounds=())
    plain = painted(source, tmp_path / "plain.mp4", quality=100).astype(float)
    monkeypatch.setattr(chunks, "_LONG", 30)
    found = painted(source, tmp_path / "b.mp4", quality=100).astype(float)
    assert np.abs(found[-10:] - plain[-10:]).mean() > 0.5, "the second half is another painting"
    change = np.abs(np.diff(found, axis=0)).mean(axis=(1, 2, 3))
    usual = np.abs(np.diff(plain, axis=0)).mean(axis=(1, 2, 3))
    across = slice(29, 30 + chunks.OVERLAP)
    assert change[across].mean() < 1.25 * usual[across].mean()
    assert change[across].max() < 1.5 * usual.max()


def test_a_shot_that_must_not_be_divided_is_one_chunk() -> None:
    assert chunks.planned([500], 1000, divide=False) == [chunks.Chunk(0, 500), chunks.Chunk(500, 1000)]
    assert len(chunks.planned([500], 1000)) > 2
