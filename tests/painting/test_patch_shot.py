"""Films rebuilt from pieces of a painting, at the public edge of `Steady` and by `flamingo.paint`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

import flamingo
from flamingo import video
from flamingo.painting.colour import to_oklab
from flamingo.painting.patches.atlas import Source
from flamingo.painting.patches.shot import Shot
from flamingo.painting.patches.synthesis import PatchSettings, Region, synthesise
from flamingo.painting.temporal import SPAN, Steady
from tests.painting.steadiness import painted, painted_in_two_runs, sharpness, unrest
from tests.video.clips import animation, film

Pixels = NDArray[np.float32]
STEP = 2  # pixels by which the camera moves from frame to frame


@pytest.fixture
def painting() -> Pixels:
    file = Path(flamingo.__file__).parent / "paintings" / "starry-night.webp"
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB").resize((160, 127)), np.float32) / np.float32(255)


@pytest.fixture
def panned(cat: Pixels) -> list[Pixels]:
    """A camera that pans over the cat: ten frames (96, 120, 3), each with a grain of its own."""
    grain = np.random.default_rng(0)
    frames = [cat[40:136, 40 + STEP * i : 160 + STEP * i] for i in range(10)]
    return [np.asarray(np.clip(f + grain.normal(0, 0.01, f.shape), 0, 1), np.float32) for f in frames]


def of(painting: Pixels, share: Pixels | None = None) -> Region:
    return Region((Source(to_oklab(painting)),), share)


def steady(*regions: Region, **how: Any) -> Steady:
    return Steady(Shot(regions, PatchSettings(**how), lambda: None))


def one_by_one(frames: Sequence[Pixels], *regions: Region) -> list[Pixels]:
    return [
        np.concatenate(list(synthesise(lambda a, b, f=f: f[a:b], (96, 120), regions, PatchSettings())))
        for f in frames
    ]


def test_strokes_stay_on_their_things_and_stay_sharp(panned: list[Pixels], painting: Pixels) -> None:
    alone = one_by_one(panned, of(painting))
    together = painted(panned, steady(of(painting)))
    assert [p.shape for p in together] == [f.shape for f in panned]
    assert unrest(together, STEP) < unrest(alone, STEP) / 4
    assert sharpness(together) > 0.7 * sharpness(alone), "no veil"
    assert sharpness(together[SPAN : SPAN + 1]) > 0.85 * sharpness(alone[SPAN : SPAN + 1]), "a key is a picture"


def test_keys_stay_in_the_colours_of_the_painting(panned: list[Pixels], painting: Pixels) -> None:
    known = cKDTree(to_oklab(painting).reshape(-1, 3))
    for key in painted(panned, steady(of(painting)))[::SPAN]:
        assert np.quantile(known.query(to_oklab(key).reshape(-1, 3))[0], 0.95) < 0.02


def test_a_still_film_stands_still(panned: list[Pixels], painting: Pixels) -> None:
    pictures = painted([panned[0]] * (SPAN + 1), steady(of(painting)))
    assert max(float(np.abs(p - pictures[0]).mean()) for p in pictures) < 0.02


def test_nothing_of_a_scene_is_left_after_a_cut(panned: list[Pixels], painting: Pixels) -> None:
    other = [np.ascontiguousarray(1 - f[::-1]) for f in panned[:2]]
    after = painted([*panned[:2], *other], steady(of(painting)))[2:]
    assert all(np.array_equal(a, b) for a, b in zip(after, painted(other, steady(of(painting))), strict=True))


def test_work_goes_on_where_it_stopped_as_if_it_had_not(panned: list[Pixels], painting: Pixels) -> None:
    stopped = painted_in_two_runs(panned, lambda: steady(of(painting)))
    whole = painted(panned, steady(of(painting)))
    assert all(np.array_equal(a, b) for a, b in zip(stopped, whole, strict=True))


def test_the_same_film_has_the_same_frames_with_any_number_of_threads(
    panned: list[Pixels], painting: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("FLAMINGO_THREADS", threads)
        found.append(painted(panned[:3], steady(of(painting), seed=5)))
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_each_part_of_a_frame_is_made_of_its_own_painting(panned: list[Pixels]) -> None:
    rows = np.random.default_rng(0).normal(0, 0.05, (64, 1, 1))
    red, blue = (
        np.asarray(np.clip(np.array(c) + rows + np.zeros((64, 64, 1)), 0, 1), np.float32)
        for c in ((0.8, 0.1, 0.1), (0.1, 0.2, 0.7))
    )
    left = np.zeros((4, 6), np.float32)
    left[:, :3] = 1
    for picture in painted(panned[:4], steady(of(red, left), of(blue, 1 - left))):
        assert (picture[:, :50, 0] > picture[:, :50, 2]).mean() > 0.95
        assert (picture[:, -50:, 0] < picture[:, -50:, 2]).mean() > 0.95


def test_what_is_missing_is_made_anew_and_joins_what_is_around_it(panned: list[Pixels], painting: Pixels) -> None:
    shot = Shot((of(painting),), PatchSettings(), lambda: None)
    whole = shot.begin(panned[0])
    mask = np.zeros((48, 60), np.float32)
    mask[20:30, 10:22] = 1
    hidden = whole.copy()
    hidden[40:60, 20:44] = 0
    ((box, made),) = shot.boxes(panned[0], mask, hidden)
    missing = np.zeros(whole.shape[:2], bool)
    missing[40:60, 20:44] = True
    missing, here = missing[box.slices], whole[box.slices]
    assert missing.sum() == 20 * 24, "the box holds it"
    assert np.abs(made - here)[missing].mean() < 0.1, "much as the whole frame has it"
    assert np.abs(made - here)[~missing].mean() < 0.03
    assert shot.work < 2


# -- by flamingo.paint -----------------------------------------------------------------------------------------------


@pytest.fixture
def painting_file(tmp_path: Path, painting: Pixels) -> Path:
    file = tmp_path / "night.png"
    Image.fromarray(np.rint(painting * 255).astype(np.uint8)).save(file)
    return file


def paint(source: Path, target: Path, **how: Any) -> flamingo.PaintResult:
    (result,) = flamingo.paint([source], output=target, overwrite=True, **how)
    if result.error is not None:
        raise result.error
    return result


def pixels(path: Path) -> NDArray[np.uint8]:
    with video.Reader(video.probe(path)) as reader:
        return np.stack([frame.rgb for frame in reader])


@pytest.mark.parametrize("how", [{}, {"method": "patches"}])
def test_a_film_is_made_of_a_painting_that_is_brought(
    how: dict[str, Any], tmp_path: Path, painting_file: Path
) -> None:
    source = film(tmp_path / "a.mp4", 10)
    result = paint(source, tmp_path / "b.mp4", painting=painting_file, fidelity=0.2, seed=3, **how)
    assert (result.recipe["method"], result.recipe["fidelity"], result.recipe["seed"]) == ("patches", 0.2, 3)
    before, after = video.probe(source), video.probe(tmp_path / "b.mp4")
    assert (after.width, after.height, after.frames, after.sounds) == (64, 48, before.frames, before.sounds)


def test_fidelity_counts_for_photos_and_films_of_one_batch(tmp_path: Path, painting_file: Path, cat: Pixels) -> None:
    photo, moving = tmp_path / "cat.png", animation(tmp_path / "a.gif")
    Image.fromarray(np.rint(cat[:64, :96] * 255).astype(np.uint8)).save(photo)
    results = flamingo.paint([photo, moving], painting=painting_file, fidelity=0.9, output=tmp_path / "out")
    assert [r.error for r in results] == [None, None]
    assert [(r.recipe["method"], r.recipe["fidelity"]) for r in results] == [("patches", 0.9)] * 2
    (loose,) = flamingo.paint([moving], painting=painting_file, fidelity=0.0, output=tmp_path / "b.gif")
    assert loose.file is not None and results[1].file is not None
    assert not np.array_equal(pixels(loose.file), pixels(results[1].file))


def test_strength_colour_and_masks_hold_in_films(tmp_path: Path, painting_file: Path) -> None:
    source = animation(tmp_path / "a.webp")
    photo = pixels(source).astype(int)
    mask = tmp_path / "mask.png"
    Image.fromarray(np.repeat([[255, 0]], 2, axis=0).astype(np.uint8)).save(mask)
    how: dict[str, Any] = {"painting": painting_file, "method": "patches", "quality": 100}
    paint(source, tmp_path / "masked.webp", mask=mask, **how)
    away = np.abs(pixels(tmp_path / "masked.webp") - photo)
    width = away.shape[2]
    assert away[:, :, : width // 4].mean() > 10
    assert away[:, :, -width // 5 :].max() == 0
    paint(source, tmp_path / "half.webp", strength=0.5, colour=0.5, **how)
    paint(source, tmp_path / "whole.webp", **how)
    half, whole = (np.abs(pixels(tmp_path / f"{name}.webp") - photo).mean() for name in ("half", "whole"))
    assert half < 0.65 * whole


def test_a_stopped_film_goes_on_where_it_was(tmp_path: Path, painting_file: Path) -> None:
    source = film(tmp_path / "a.mp4", 34, sounds=())
    asked: list[int] = []

    def stop(done: int, _all: int, _path: Path) -> None:
        if done == 33:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paint(source, tmp_path / "b.mp4", painting=painting_file, on_progress=stop)
    result = paint(
        source, tmp_path / "b.mp4", painting=painting_file, on_progress=lambda done, _all, _path: asked.append(done)
    )
    paint(source, tmp_path / "whole.mp4", painting=painting_file)
    assert any("went on after" in note for note in result.notes)
    assert np.array_equal(pixels(tmp_path / "b.mp4"), pixels(tmp_path / "whole.mp4"))


def test_a_film_is_not_finished_and_has_no_variants(tmp_path: Path, painting_file: Path) -> None:
    source = film(tmp_path / "a.mp4", 2)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"finish": 1}, "leave --finish out"), ({"best": 2}, "leave --best out"),
    ]  # fmt: skip
    for how, said in refused:
        (result,) = flamingo.paint([source], painting=painting_file, output=tmp_path / "b.mp4", **how)
        assert said in str(result.error)
        assert not (tmp_path / "b.mp4").exists()
