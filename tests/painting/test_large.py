"""Large pictures and the size of strokes: tiles leave no trace, memory is bounded, and a large picture looks like its
small preview. With the shipped models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo.errors import BadRequest
from flamingo.images import resample
from flamingo.painting import pyramid, styles, tiles
from flamingo.painting.options import MODELS, Model
from tests.conftest import needs_models

pytestmark = needs_models
GRID = tiles.grid  # some tests replace it
Pixels = NDArray[np.float32]


def psnr(a: Pixels, b: Pixels) -> float:
    return float(-10 * np.log10(max(float(np.mean((a - b) ** 2)), 1e-12)))


def photo(folder: Path, name: str, width: int, height: int) -> Pixels:
    with Image.open(folder / f"{name}.jpg") as opened:
        small = opened.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small, np.float32) / np.float32(255)


def waves(width: int, height: int) -> Pixels:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([0.5 + 0.4 * np.sin(x / (9 + 6 * c) + y / (15 - 4 * c)) for c in range(3)], axis=2)


def tiled(monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    """Make tiles smaller, so that a picture small enough for a test has several."""
    monkeypatch.setattr(tiles, "grid", lambda height, width, _largest: GRID(height, width, largest))


def seam_ratio(error: Pixels, size: tuple[int, int], largest: int) -> float:
    """The error (H, W) on the lines where tiles meet, over that within the tiles on both sides: not further away than
    24 pixels, since some parts of a photo are harder than others."""
    rows, columns = GRID(*size, largest)
    masks = []
    for reach in (1, 24):
        near = np.zeros(size, bool)
        for down in rows[1:]:
            near[down.keep_start - reach : down.keep_start + reach] = True
        for across in columns[1:]:
            near[:, across.keep_start - reach : across.keep_start + reach] = True
        masks.append(near)
    on, around = masks
    return float(error[on].mean() / error[around & ~on].mean())


@settings(max_examples=200, deadline=None)
@given(height=st.integers(1, 9000), width=st.integers(1, 9000), largest=st.integers(100_000, 800_000))
def test_tiles_cover_the_picture_once_and_overlap_by_what_the_painter_sees(
    height: int, width: int, largest: int
) -> None:
    for side, spans in zip((height, width), GRID(height, width, largest), strict=True):
        assert [s.keep_start for s in spans] == [0, *(s.keep_stop for s in spans[:-1])]
        assert spans[-1].keep_stop == side
        for span in spans:
            assert span.start % tiles.STRIDE == span.stop % tiles.STRIDE == 0
            assert span.start == 0 or span.keep_start - span.start >= tiles.HALO
            assert span.stop >= side or span.stop - span.keep_stop >= tiles.HALO
        assert len({span.stop - span.start for span in spans}) == 1, "one size, so the network is prepared once"


def test_tiles_are_no_larger_than_allowed_and_paint_little_twice() -> None:
    for height, width in ((1422, 2048), (3000, 4000), (8000, 12_500), (400, 20_000)):
        rows, columns = tiles.grid(height, width, tiles.LARGEST["fine"])
        tile = (rows[0].stop - rows[0].start) * (columns[0].stop - columns[0].start)
        assert tile <= tiles.LARGEST["fine"]
        assert len(rows) * len(columns) * tile < 1.75 * height * width


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("subject", ["coffee", "waves"])
def test_a_picture_in_tiles_is_the_picture_without(
    model: Model, subject: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, largest = (300, 420), 70_000
    rgb = waves(420, 300) if subject == "waves" else photo(photos, subject, 420, 300)
    painter, vector = flamingo.Painter(model), styles.vector("starry-night", 1.0, model)
    whole = painter.paint_map(rgb, vector)
    tiled(monkeypatch, largest)
    rows, columns = tiles.grid(*size, largest)
    assert len(rows) * len(columns) >= 4
    # Two styles that are the same one are painted through tiles and masks at this size.
    halves = np.zeros((2, *size), np.float32)
    halves[0, :, :200], halves[1, :, 200:] = 1, 1
    cut = painter.paint_map(rgb, np.stack([vector, vector]), halves)
    assert psnr(cut, whole) > 60
    error = np.abs(cut - whole).mean(axis=2) + 1e-4  # one 40th of a grey level: rounding has no seam
    assert seam_ratio(error, size, largest) <= 1.05


def test_a_large_picture_in_tiles_has_no_seam(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size, largest = (380, 640), 110_000
    rgb = photo(photos, "rocket", 640, 380)
    painter, vector = flamingo.Painter("fast"), styles.vector("udnie", 1.0, "fast")
    whole = painter.paint_map(rgb, vector)  # fits in one tile
    untiled = painter.paint_map(rgb, vector, stroke=None)
    own = painter.paint_vector(rgb, vector)
    tiled(monkeypatch, largest)
    cut = painter.paint_map(rgb, vector)
    assert psnr(cut, whole) > 50
    assert seam_ratio(np.abs(cut - whole).mean(axis=2) + 1e-4, size, largest) <= 1.05
    # Means and variances from a thumbnail change the picture, and on these lines as much as if no tiles met there.
    native = painter.paint_map(rgb, vector, stroke=None)
    on, without = (seam_ratio(np.abs(a - own).mean(axis=2), size, largest) for a in (native, untiled))
    assert on <= 1.05 * without


def test_a_large_picture_looks_like_its_preview(photos: Path) -> None:
    large = photo(photos, "chelsea", 680, 476)
    painter, vector = flamingo.Painter("fast"), styles.vector("great-wave", 1.0, "fast")
    small = resample.shrunk(large, 358, 512)
    preview = painter.paint_map(small, vector)
    seen_from_afar = resample.shrunk(painter.paint_map(large, vector), 358, 512)
    plain = resample.shrunk(painter.paint_vector(large, vector), 358, 512)
    assert psnr(seen_from_afar, preview) > psnr(plain, preview) + 4


def test_a_large_picture_is_sharper_than_its_preview_enlarged(photos: Path) -> None:
    large = photo(photos, "chelsea", 680, 476)
    painter, vector = flamingo.Painter("fast"), styles.vector("great-wave", 1.0, "fast")
    preview = painter.paint_map(resample.shrunk(large, 358, 512), vector)
    enlarged = resample.window(preview, (476, 680), 0, 0, 476, 680, "cubic")
    assert fine_detail(painter.paint_map(large, vector)) > 1.2 * fine_detail(enlarged)


def fine_detail(picture: Pixels) -> float:
    return float(np.abs(pyramid.detail(picture, 2.0)).mean())


@pytest.mark.parametrize("model", MODELS)
def test_larger_strokes_have_less_fine_detail(model: Model, photos: Path) -> None:
    rgb = photo(photos, "coffee", 330, 220)
    painter, vector = flamingo.Painter(model), styles.vector("starry-night", 1.0, model)
    amounts = []
    for size in (0.5, 1.0, 2.0):
        painted = painter.paint_map(rgb, vector, stroke=size)
        assert painted.shape == rgb.shape
        coarse = resample.shrunk(painted, 55, 82)
        amounts.append(float(coarse.std() / fine_detail(painted)))
    assert amounts == sorted(amounts), "larger strokes: more of the variety lies in large shapes"


@pytest.mark.parametrize("size", [0.0, 0.2, 4.1, -1.0, float("nan")])
def test_a_stroke_out_of_range_is_refused(size: float, cat: Pixels) -> None:
    with pytest.raises(BadRequest, match=r"between 0\.25 and 4"):
        flamingo.Painter("fast").paint_map(cat, styles.vector("udnie", 1.0, "fast"), stroke=size)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), size=st.sampled_from([0.5, 0.8, 1.0, 1.3, 2.0]))
def test_any_size_comes_back_at_its_own_size_with_any_stroke(height: int, width: int, size: float) -> None:
    rgb = np.random.default_rng(height * 100 + width).random((height, width, 3), dtype=np.float32)
    painted = flamingo.Painter("fast").paint_map(rgb, styles.vector("udnie", 1.0, "fast"), stroke=size)
    assert painted.shape == rgb.shape and painted.dtype == np.float32
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_strips_are_the_picture_and_progress_rises_to_all(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = photo(photos, "rocket", 440, 600)
    painter, vector = flamingo.Painter("fast"), styles.vector("udnie", 1.0, "fast")
    tiled(monkeypatch, 150_000)
    told: list[tuple[int, int]] = []
    whole = painter.paint_map(rgb, vector, on_progress=lambda done, everything: told.append((done, everything)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    written = 0

    def rows(top: int, bottom: int) -> Pixels:
        assert not written or top >= written - tiles.HALO, "what was yielded long ago is not asked for again"
        return rgb[top:bottom]

    for strip in painter.paint_strips(rows, 600, 440, vector[None]):
        assert np.array_equal(strip, whole[written : written + len(strip)])
        written += len(strip)
    assert written == 600


def test_an_exception_from_the_progress_stops_the_painting(photos: Path) -> None:
    def stop(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flamingo.Painter("fast").paint_map(
            photo(photos, "rocket", 600, 400), styles.vector("udnie", 1.0, "fast"), on_progress=stop
        )


MEMORY = """
import json, sys, numpy as np, flamingo
from flamingo.painting import styles
def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
painter, v = flamingo.Painter("fast"), styles.vector("udnie", 1.0, "fast")
painter.networks.largest = 600_000
row = np.random.default_rng(0).random((1, WIDTH, 3), dtype=np.float32)
rows = lambda top, bottom: np.repeat(row, bottom - top, axis=0)
total = sum(len(s) for s in painter.paint_strips(rows, HEIGHT, WIDTH, v[None]))
print(json.dumps({"rows": total, "peak": peak()}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_picture() -> None:
    peaks = []
    for height, width in ((400, 1200), (400, 2400)):
        script = MEMORY.replace("HEIGHT", str(height)).replace("WIDTH", str(width))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=dict(os.environ))
        answer = json.loads(done.stdout)
        assert answer["rows"] == height
        peaks.append(answer["peak"])
    # The whole picture would take 300 bytes a pixel and more; its next smaller size and a row of strips take a tenth.
    assert peaks[1] - peaks[0] < 80 * 400 * 1200
