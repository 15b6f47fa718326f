"""Frames are drawn in planes: as they would look if they were drawn in RGB and converted, one by one."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from flamingo.filming import camera, planes, titles
from flamingo.filming.cache import Work
from flamingo.filming.photos import save
from flamingo.filming.planes import Planes
from flamingo.filming.prefetch import ahead
from flamingo.filming.reel import Pictures, Reel
from flamingo.filming.rendering import AHEAD, Piece, encoded, render
from flamingo.filming.storyboard import Shot, Storyboard, View
from flamingo.video import Look, Writer
from tests.filming.albums import NAMES, PHOTOS

FRAME = 216, 384


def photo(name: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(height, width, 3) of a demo photo, as sharp as a lens is at the size of a film."""
    with Image.open(PHOTOS / f"{name}.jpg") as opened:
        small = np.asarray(opened.convert("RGB").resize(size[::-1], Image.Resampling.LANCZOS))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.7), np.uint8)


def apart(found: Planes, expected: Planes) -> list[float]:
    """The mean difference of samples, plane by plane."""
    return [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(found, expected, strict=True)]


def seen_in_rgb(rgb: NDArray[np.uint8], view: View, frame: tuple[int, int]) -> Planes:
    """What the camera sees, cut out in RGB and converted then."""
    (tall, wide), (height, width) = frame, rgb.shape[:2]
    scale = max(tall / height, wide / width) * view.zoom
    left, top = (
        min(max(at * side - part / scale / 2, 0), side - part / scale)
        for at, side, part in ((view.x, width, wide), (view.y, height, tall))
    )
    to = np.array([[1 / scale, 0, left + 0.5 / scale - 0.5], [0, 1 / scale, top + 0.5 / scale - 0.5]])
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(rgb, to, (wide, tall), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return planes.of(np.asarray(found, np.uint8))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(x=st.floats(0, 1), y=st.floats(0, 1))
def test_a_moving_frame_is_that_of_rgb(name: str, x: float, y: float) -> None:
    for size in ((216, 601), (301, 384)):
        rgb = photo(name, size)
        found = camera.seen(planes.of(rgb), View(x, y), FRAME)
        expected = seen_in_rgb(rgb, View(x, y), FRAME)
        assert max(apart(found, expected)) < 0.6
        assert np.quantile(np.abs(found.y.astype(int) - expected.y), 0.99) <= 2


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(x=st.floats(0, 1), y=st.floats(0, 1), zoom=st.floats(1, 1.12))
def test_a_zooming_frame_is_that_of_rgb(name: str, x: float, y: float, zoom: float) -> None:
    rgb = camera.fitted(photo(name, (301, 501)), FRAME, 1.12)
    found = camera.seen(planes.twice(planes.of(rgb)), View(x, y, zoom), FRAME)
    expected = seen_in_rgb(rgb, View(x, y, zoom), FRAME)
    assert max(apart(found, expected)) < 0.6
    assert np.quantile(np.abs(found.y.astype(int) - expected.y), 0.99) <= 2


@given(colour=st.tuples(*[st.integers(0, 255)] * 3), height=st.integers(1, 9), width=st.integers(1, 9))
@settings(deadline=None)
def test_a_colour_becomes_the_samples_of_bt_709(colour: tuple[int, int, int], height: int, width: int) -> None:
    found = planes.of(np.full((height, width, 3), colour, np.uint8))
    assert [p.shape for p in found] == [(height, width), *[(-(-height // 2), -(-width // 2))] * 2]
    r, g, b = (part / 255 for part in colour)
    light = 0.2126 * r + 0.7152 * g + 0.0722 * b
    expected = 16 + 219 * light, 128 + 224 * (b - light) / 1.8556, 128 + 224 * (r - light) / 1.5748
    for plane, value in zip(found, expected, strict=True):
        assert np.abs(plane - value).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_colours_come_back(name: str) -> None:
    rgb = np.asarray(cv2.GaussianBlur(photo(name, (90, 160)), (0, 0), 2), np.uint8)
    assert np.abs(planes.of(rgb).rgb().astype(int) - rgb).mean() < 1.5


def test_a_colour_sample_lies_between_its_four_pixels() -> None:
    ramp = np.zeros((8, 64, 3), np.uint8)
    ramp[..., 2] = np.arange(64) * 4
    cb = planes.of(ramp).cb.astype(float)
    one = planes.of(np.full((2, 2, 3), (0, 0, 128), np.uint8)).cb[0, 0] - 128.0
    assert cb[2, 8:24] == pytest.approx(128 + one * (2 * np.arange(8, 24) + 0.5) * 4 / 128, abs=1.01)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixing_and_dimming_are_those_of_rgb(share: float) -> None:
    first, second = photo("coffee", FRAME), photo("rocket", FRAME)
    mixed = np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0), np.uint8)
    assert max(apart(planes.mixed(planes.of(first), planes.of(second), share), planes.of(mixed))) < 0.6
    dimmed = np.asarray(cv2.convertScaleAbs(first, alpha=share), np.uint8)
    assert max(apart(planes.dimmed(planes.of(first), share), planes.of(dimmed))) < 0.6


def test_letters_are_white_on_any_colour() -> None:
    before = planes.of(np.full((*FRAME, 3), (200, 30, 40), np.uint8))
    for overlay in (titles.title("Ägypten", FRAME), titles.caption("Ägypten", FRAME)):
        assert overlay is not None
        frame = Planes(*(plane.copy() for plane in before))
        overlay.over(frame, 1.0)
        rgb = frame.rgb().astype(int)
        letters = rgb[frame.y > 225]
        assert len(letters) > 8 and letters.min() > 200
        far = frame.y == before.y
        assert np.abs(rgb - (200, 30, 40))[far].mean() < 2


# -- whole frames --------------------------------------------------------------------------------------------


def reel(folder: Path, *shots: Shot, title: str = "") -> Reel:
    """Of photos of 301 x 401, painted blue."""
    work, pictures = Work(folder / "film.mp4"), []
    for i in range(len(shots)):
        place, painting = folder / f"{i}.jpg", folder / f"{i}-painted.jpg"
        save(photo(NAMES[i], (301, 401)), place, work)
        save(np.full((301, 401, 3), (40, 60, 200), np.uint8), painting, work)
        pictures.append(Pictures(place, painting if shots[i].style else None))
    return Reel(Storyboard(shots, "16:9", 108, 12, title), pictures)


def test_a_wipe_draws_a_line_without_colour(tmp_path: Path) -> None:
    drawn = reel(tmp_path, Shot("a", 0, 2, ("udnie",), wipe=True), Shot("b", 2, 3))
    for number in range(4, 14):
        frame = drawn.frame(number)
        line = np.flatnonzero((frame.y == round(planes.white(0.96))).all(axis=0))
        assert len(line) == 2 and line[0] % 2 == 0 and line[1] == line[0] + 1
        assert (frame.cb[:, line[0] // 2] == planes.GREY).all()
        left, right = frame.rgb()[:, : line[0] - 2].astype(int), frame.rgb()[:, line[1] + 3 :].astype(int)
        assert np.abs(left - (40, 60, 200)).max() < 8
        assert np.abs(right - (40, 60, 200)).mean() > 20


def test_a_crossfade_goes_from_one_photo_to_the_next(tmp_path: Path) -> None:
    drawn = reel(tmp_path, Shot("a", 0, 2), Shot("b", 2, 4, transition="crossfade", fade=1.0))
    first, middle, last = (drawn.frame(number) for number in (17, 24, 31))
    assert max(apart(middle, planes.mixed(first, last, 0.5))) < 1.5
    assert apart(first, last)[0] > 10


@pytest.mark.parametrize("fit", ["crop", "fill"])
def test_what_was_drawn_before_a_frame_does_not_change_it(fit: Any, tmp_path: Path) -> None:
    still = (View(), View())
    shots = [Shot(name, at, at + 2, fit=fit, camera=still, caption="there") for at, name in ((0, "a"), (2, "b"))]
    drawn, fresh = (reel(tmp_path, *shots, title="Summer") for _ in range(2))
    for number in range(20):
        drawn.frame(number)
    assert all(map(np.array_equal, drawn.frame(20), fresh.frame(20)))


def test_the_encoder_gets_what_the_conversion_of_each_frame_would_give(tmp_path: Path) -> None:
    shots = Shot("a", 0, 1, camera=(View(), View(0.6, 0.5, 1.1))), Shot("b", 1, 2, transition="crossfade", fade=0.5)
    drawn = reel(tmp_path, *shots)
    board = drawn.board
    told: list[int] = []
    data = render(Piece(board, "mp4", 86, 3, 21, tmp_path / "a"), map(drawn.frame, range(3, 21)), told.append)
    assert told == list(range(3, 21))
    writer = Writer(
        "mp4", board.size, rate=Fraction(12), time_base=Fraction(1, 12), look=Look(), quality=86, quick=True
    )
    for number in range(3, 21):
        writer.add_planes(drawn.frame(number), number)
    assert data == writer.done()


# -- drawn ahead ---------------------------------------------------------------------------------------------


def test_frames_come_in_order_and_few_are_drawn_ahead() -> None:
    begun: list[int] = []

    def draw(number: int) -> str:
        begun.append(number)
        return f"frame {number}"

    frames = ahead(draw, range(100), AHEAD)
    assert [next(frames) for _ in range(5)] == [f"frame {i}" for i in range(5)]
    frames.close()
    many = len(begun)
    assert 5 <= many <= 13
    assert list(ahead(draw, range(3), AHEAD)) == ["frame 0", "frame 1", "frame 2"]
    assert begun[many:] == [0, 1, 2], "nothing went on after it was closed"


def test_what_goes_wrong_in_drawing_is_raised_at_its_frame() -> None:
    def draw(number: int) -> int:
        if number == 2:
            raise MemoryError("a frame too large")
        return number

    threads = threading.active_count()
    frames = ahead(draw, range(9), AHEAD)
    assert [next(frames), next(frames)] == [0, 1]
    with pytest.raises(MemoryError, match="a frame too large"):
        next(frames)
    assert threading.active_count() == threads


def test_a_stop_while_rendering_ends_the_drawing_too(tmp_path: Path) -> None:
    drawn = reel(tmp_path, Shot("a", 0, 1), Shot("b", 1, 2))
    pictures = [Pictures(tmp_path / f"{i}.jpg", None) for i in range(2)]

    def stop(number: int, _all: int) -> None:
        if number == 5:
            raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        encoded(drawn.board, pictures, "mp4", 86, Work(tmp_path / "film.mp4"), stop)
    assert threading.active_count() <= threads
