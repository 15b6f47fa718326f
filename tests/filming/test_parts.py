"""What a film is made of: album, storyboard, cuts, camera and beats, without making one."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flamingo.errors import BadInput, BadRequest
from flamingo.filming import album as albums
from flamingo.filming import camera, planes, titles
from flamingo.filming.beats import heard, sound_of
from flamingo.filming.cache import Work
from flamingo.filming.cutting import SHORTEST, changes
from flamingo.filming.photos import Photo, kept_share, sharpness
from flamingo.filming.salience import salience
from flamingo.filming.score import along
from flamingo.filming.storyboard import Fit, Shot, Storyboard, View, load
from tests.filming.albums import NAMES, PHOTOS, clicks


def some(name: str, **more: object) -> Photo:
    plain = Photo(name, name, name, name, 9, 9, "", "", (0.0, 0.0), "calm", 1.0, 0, "00" * 192, "01" * 4096)
    return replace(plain, **more)  # type: ignore[arg-type]


# -- album ---------------------------------------------------------------------------------------------------


def test_photos_come_by_time_then_by_name_as_people_count() -> None:
    photos = [
        some("b10", taken=""),
        some("b9", taken=""),
        some("z", taken="2026:01:01"),
        some("a", taken="2026:02:01"),
    ]
    found, notes = albums.ordered(photos, "time")
    assert [p.name for p in found] == ["z", "a", "b9", "b10"]
    assert "2 photos do not say" in notes[0]
    assert [p.name for p in albums.ordered(photos, "name")[0]] == ["a", "b9", "b10", "z"]


def test_moods_go_from_the_calmest_to_what_is_nearest() -> None:
    photos = [some("wild", mood=(0.9, 0.9)), some("calm", mood=(0.0, -0.9)), some("between", mood=(0.3, 0.1))]
    assert [p.name for p in albums.ordered(photos, "mood")[0]] == ["calm", "between", "wild"]


def test_doubles_near_doubles_and_blurred_shots_are_left_out_with_a_word() -> None:
    other = "ff" * 192
    photos = [
        some("first", sharpness=0.5), some("copy", sha256="first"), some("sharper", sharpness=0.9, print=0b11),
        some("blurred", sharpness=0.001, print=2**64 - 1, thumbnail=other),
        some("else", print=2**31 - 1, thumbnail=other),
    ]  # fmt: skip
    kept, notes = albums.sifted(photos)
    assert [p.name for p in kept] == ["sharper", "else"]
    assert len(notes) == 3 and all(note.startswith("left out: ") for note in notes)


def test_sharp_photos_count_as_sharp_and_blurred_ones_as_blurred() -> None:
    from PIL import ImageFilter

    for name in NAMES:
        with Image.open(PHOTOS / f"{name}.jpg") as opened:
            grey = opened.convert("L")
        blurred = grey.filter(ImageFilter.GaussianBlur(max(grey.size) / 100))
        assert sharpness(np.asarray(grey)) > 10 * albums._BLURRED
        assert sharpness(np.asarray(blurred)) < albums._BLURRED


def test_nothing_in_an_archive_leads_out_of_it(tmp_path: Path) -> None:
    picture = (PHOTOS / "chelsea.jpg").read_bytes()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr("../../outside.jpg", picture)
        packed.writestr("/etc/absolute.jpg", picture)
        packed.writestr("__MACOSX/._a.jpg", b"fork")
        packed.writestr("readme.txt", b"hello")
        packed.writestr("good.jpg", picture)
    work = Work(tmp_path / "inside" / "film.mp4")
    work.target.parent.mkdir()
    work.open()
    found, notes = albums.found([tmp_path / "evil.zip"], work)
    assert [each.name for each in found] == [f"{tmp_path}/evil.zip/good.jpg"]
    assert all(each.file.resolve().is_relative_to(work.folder.resolve()) for each in found)
    assert not (tmp_path / "outside.jpg").exists()
    for refused in ("outside.jpg", "absolute.jpg"):
        assert any(refused in note for note in notes), "what leads out of it is refused aloud"
    (tmp_path / "broken.zip").write_bytes(b"PK no archive")
    with pytest.raises(BadInput, match="no zip archive"):
        albums.found([tmp_path / "broken.zip"], work)


# -- cuts ----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    photos=st.integers(2, 60),
    bpm=st.floats(40, 180),
    seconds=st.floats(12, 90),
    loose=st.floats(0, 0.1),
    seed=st.integers(0, 99),
)
def test_photos_change_on_places_of_the_music(
    photos: int, bpm: float, seconds: float, loose: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    beats = np.arange(0, seconds, 60 / bpm)
    beats = beats + random.uniform(0, loose, len(beats))
    down = np.arange(len(beats)) % 4 == 0
    last = float(beats[-2])
    found = changes(beats, down, seconds, random.uniform(0.7, 1.3, photos).tolist(), last=last, frame=1 / 24)
    edges = [0.0, *(change.at for change in found), seconds]
    assert len(found) == photos - 1
    assert all(after - before >= min(SHORTEST, seconds / photos / 2) - 1e-6 for before, after in pairwise(edges))
    assert edges[-2] <= last + 1e-9, "the last photo is there before the last note"
    for change in found:
        assert change.fade == 0 or not change.downbeat
        if change.downbeat:
            assert np.abs(beats[down] - change.at).min() < 1e-9


def test_where_there_is_room_all_changes_are_cuts_on_downbeats() -> None:
    beats = np.arange(0, 32, 0.5)
    found = changes(beats, np.arange(64) % 4 == 0, 32.0, [1.0] * 8, last=30.0, frame=1 / 24)
    assert [(change.at, change.fade) for change in found] == [(4.0 * i, 0.0) for i in range(1, 8)]


@pytest.mark.parametrize(("photos", "beat"), [(50, 0.9), (50, 1.1), (50, 0.45), (8, 0.9), (60, 0.95)])
def test_no_photo_changes_between_beats_while_there_are_enough(photos: int, beat: float) -> None:
    """In slow music most photos get one beat and some get two."""
    beats = np.arange(0, 60, beat)
    found = changes(beats, np.arange(len(beats)) % 4 == 0, 60.0, [1.0] * photos, last=59.0, frame=1 / 24)
    assert max(float(abs(beats - change.at).min()) for change in found) < 1e-9


def test_more_photos_than_the_time_has_room_for_are_refused() -> None:
    with pytest.raises(BadRequest, match="ask for 20 seconds or more"):
        changes(np.arange(0, 5, 0.5), np.zeros(10, bool), 5.0, [1.0] * 100, last=4.0, frame=1 / 24)


def test_neighbours_share_a_section_and_weights_are_kept() -> None:
    moods = [(0.0, 0.0)] * 10 + [(0.8, 0.4)] * 10
    ways = along(moods, [1.0] * 20, 30.0)
    assert [len(way) for way in ways] == [4, 2, 1]
    assert all(sum(point.weight for point in way) == pytest.approx(20) for way in ways)
    assert (ways[1][0].valence, ways[1][1].valence) == (0.0, 0.8)


# -- beats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bpm", [84, 120])
def test_beats_are_heard(bpm: int, tmp_path: Path) -> None:
    found = heard(sound_of(clicks(tmp_path / "a.wav", 10, bpm), 60))
    there = 0.25 + np.arange(40) * 60 / bpm
    assert np.median(np.diff(found.times)) == pytest.approx(60 / bpm, rel=0.02)
    assert max(np.abs(there - time).min() for time in found.times[1:-1]) < 0.04
    assert "clearly" in found.sentence


def test_noise_is_said_to_have_no_clear_beat() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (480_000, 2)).astype(np.float32)
    assert "far from sure" in heard(noise).sentence
    assert not len(heard(np.zeros((96_000, 2), np.float32)).times)


# -- camera --------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    width=st.integers(16, 90),
    height=st.integers(16, 90),
    frame=st.sampled_from([(36, 64), (64, 36), (48, 48), (60, 48)]),
    motion=st.floats(0, 1),
    seconds=st.floats(0.2, 20),
    forward=st.booleans(),
)
def test_the_camera_moves_along_the_cropped_side_only(
    width: int, height: int, frame: tuple[int, int], motion: float, seconds: float, forward: bool
) -> None:
    rgb = np.random.default_rng(width * 99 + height).integers(0, 255, (height, width, 3), dtype=np.uint8)
    first, last, fills = camera.planned(rgb.shape[:2], salience(rgb), frame, seconds, motion, forward)
    share = kept_share(height, width, frame)
    assert fills == (share >= 0.5)
    if fills and share < 0.97:
        assert first.zoom == last.zoom == 1
        across = width / height > frame[1] / frame[0]
        assert (first.y == last.y) if across else (first.x == last.x)
        at = (first.x, last.x) if across else (first.y, last.y)
        assert all(share / 2 - 1e-6 <= place <= 1 - share / 2 + 1e-6 for place in at)
    if motion == 0:
        assert camera.between(first, last, 0.3) == camera.between(first, last, 0.9)
    found = camera.seen(planes.of(rgb), camera.between(first, last, 0.5), frame)
    assert [plane.shape for plane in found] == [frame, *[(frame[0] // 2, frame[1] // 2)] * 2]


@settings(deadline=None)
@given(
    width=st.integers(40, 300),
    height=st.integers(40, 300),
    frame=st.sampled_from([(36, 64), (64, 36), (48, 48), (60, 48)]),
    way=st.tuples(*[st.builds(View, st.floats(0, 1), st.floats(0, 1), st.floats(1, 3))] * 2),
    share=st.floats(0, 1),
)
def test_nothing_is_seen_that_was_not_needed(
    width: int, height: int, frame: tuple[int, int], way: tuple[View, View], share: float
) -> None:
    part = camera.needed((height, width), frame, "crop", way)
    assert part.size[0] <= height and part.size[1] <= width
    rgb = np.full((*part.size, 3), 255, np.uint8)
    rgb[part.seen] = 0
    fitted = planes.of(camera.fitted(rgb, frame, max(view.zoom for view in way)))
    for picture in (fitted, planes.twice(fitted)):
        assert camera.seen(picture, camera.between(*way, share), frame).y.max() == planes.BLACK


@pytest.mark.parametrize(
    ("size", "fit", "way", "expected"),
    [
        ((1434, 2150), "crop", (View(0.5, 0.49), View(0.5, 0.51)), 0.75),  # 3:2 in 16:9, a little up and down
        ((1210, 2150), "crop", (View(), View()), 0.8),  # nothing is cropped: all of it, at the frame's size
        ((1210, 806), "fill", (View(), View(zoom=1.06)), 0.9),
        ((300, 400), "crop", (View(0.5, 0.375), View(0.5, 0.375)), 1.0),  # a small one is not made larger
    ],
)
def test_less_is_painted_than_the_photo_has(
    size: tuple[int, int], fit: Fit, way: tuple[View, View], expected: float
) -> None:
    part = camera.needed(size, (1080, 1920), fit, way)
    share = (part.bottom - part.top) * (part.right - part.left) / (size[0] * size[1])
    assert share <= expected
    if expected == 1.0:
        assert part.size == size


def test_what_catches_the_eye_stays_in_the_frame() -> None:
    rgb = np.full((60, 180, 3), 120, np.uint8)
    rgb[20:40, 128:146] = np.random.default_rng(0).integers(0, 255, (20, 18, 3))
    for forward in (True, False):
        first, last, _ = camera.planned((60, 180), salience(rgb), (60, 96), 6.0, 1.0, forward)
        for share in (0.0, 0.5, 1.0):
            middle = camera.between(first, last, share).x * 180
            assert middle - 48 <= 128 and middle + 48 >= 146


def test_the_camera_sees_fractions_of_a_pixel() -> None:
    y, x = np.mgrid[0:100, 0:400]
    spot = 250 * np.exp(-((x - 200) ** 2 + (y - 50) ** 2) / 200)
    picture = planes.of(np.repeat(spot[..., None], 3, axis=2).astype(np.uint8))
    places = []
    for i in range(9):
        found = camera.seen(picture, View(0.5 + i * 0.001, 0.5), (100, 160)).y - float(planes.BLACK)
        places.append(float((found.sum(axis=0) * np.arange(160)).sum() / found.sum()))
    assert np.diff(places) == pytest.approx([-0.4] * 8, abs=0.05)


@given(top=st.floats(0, 20), left=st.floats(0, 30))
@settings(deadline=None, max_examples=30)
def test_the_fast_way_to_move_gives_what_the_general_one_gives(top: float, left: float) -> None:
    plane = np.random.default_rng(0).integers(0, 255, (60, 90), dtype=np.uint8)
    plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), 2), np.uint8)
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    to = np.array([[1, 0, left], [0, 1, top]])
    general = cv2.warpAffine(plane, to, (60, 40), flags=how, borderMode=cv2.BORDER_REPLICATE)
    # The general way knows 32 places between two pixels.
    assert np.abs(camera._moved(plane, top, left, (40, 60)).astype(int) - general).max() <= 4


def test_a_photo_of_another_shape_is_shown_whole_on_a_blurred_one() -> None:
    tall = np.full((120, 40, 3), 200, np.uint8)
    found = camera.filled(tall, (90, 160))
    assert found.shape[1] / found.shape[0] == pytest.approx(16 / 9, rel=0.02)
    assert found[50, found.shape[1] // 2].mean() == pytest.approx(200, abs=2)
    assert 100 < found[50, 5].mean() < 160, "darker beside it"


# -- letters -------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_a_caption(text: str) -> None:
    frame = planes.of(np.full((72, 128, 3), 90, np.uint8))
    drawn = titles.caption(text, (72, 128))
    if drawn is not None:
        drawn.over(frame, 1.0)
    assert (frame.cb == planes.GREY).all() and frame.y.max() <= planes.white(1)


def test_letters_that_no_font_has_are_named() -> None:
    assert titles.missing("Ελλάδα, été, Привет") == ""
    assert "\u1980" in titles.missing("\u1980")


# -- storyboard ----------------------------------------------------------------------------------------------


@pytest.fixture
def board() -> Storyboard:
    return Storyboard((Shot("a.jpg", 0, 2.5, ("udnie",), caption="á"), Shot("b.jpg", 2.5, 4)), "9:16", 64, 12, "T")


def test_a_storyboard_comes_back_from_its_file(board: Storyboard, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(board.as_json(), encoding="utf-8")
    assert load(tmp_path / "a.json") == board
    assert board.size == (114, 64)
    assert (board.frames, board.starts) == (48, [0, 30])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"start": 2.5', '"start": 3', "shot 0 ends at 2.5 s and shot 1 begins at 3 s"),
        ('"start": 0', '"start": 1', r"shots\.0\.start is not 0"),
        ('"zoom": 1.0', '"zoom": 0', r"shots\.0\.camera\.0\.zoom: input should be greater"),
        ('"wipe": false', '"swipe": false', r"shots\.0\.swipe: unexpected"),
        ('"end": 4', '"end": 2.51', "shot 1 lasts less than a frame"),
        ("{", "[", "invalid JSON"),
    ],
)
def test_what_is_wrong_with_a_storyboard_is_said_in_one_line(
    board: Storyboard, tmp_path: Path, old: str, new: str, why: str
) -> None:
    text = board.as_json()
    assert old in text
    (tmp_path / "a.json").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput, match=why) as refused:
        load(tmp_path / "a.json")
    assert "\n" not in str(refused.value)
