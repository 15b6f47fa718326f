"""Finishing: steps of optimisation on pictures that the painter or patches have made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo.errors import BadRequest
from flamingo.painting.methods import finishing
from flamingo.painting.methods.settings import Step

Pixels = NDArray[np.float32]


@pytest.fixture
def photo_file(tmp_path: Path, cat: Pixels) -> Path:
    file = tmp_path / "cat.png"
    Image.fromarray(np.rint(cat * 255).astype(np.uint8)).resize((96, 64)).save(file)
    return file


@pytest.fixture
def painting_file(tmp_path: Path) -> Path:
    file = tmp_path / "wave.png"
    with Image.open(Path(flamingo.__file__).parent / "paintings" / "great-wave.webp") as opened:
        opened.convert("RGB").resize((96, 66)).save(file)
    return file


def paint(photo: Path, target: Path, **how: Any) -> flamingo.PaintResult:
    (result,) = flamingo.paint([photo], output=target, overwrite=True, **how)
    if result.error is not None:
        raise result.error
    return result


def pixels(file: Path | None) -> Pixels:
    assert file is not None
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB"), np.float32) / np.float32(255)


@pytest.mark.parametrize("how", [{"method": "patches"}, {"method": "painter", "model": "fast"}], ids=str)
def test_losses_fall_from_step_to_step_and_the_recipe_counts_them(
    how: dict[str, Any], photo_file: Path, painting_file: Path, tmp_path: Path
) -> None:
    steps: list[Step] = []
    result = paint(
        photo_file,
        tmp_path / "out.png",
        painting=painting_file,
        finish=4,
        on_step=lambda _, s: steps.append(s),
        **how,
    )
    assert [step.step for step in steps] == [0, 1, 2, 3]
    assert steps[-1].style < 0.9 * steps[0].style
    assert result.recipe["finish"] == 4
    plain = paint(photo_file, tmp_path / "plain.png", painting=painting_file, **how)
    assert "finish" not in plain.recipe
    assert 0 < np.abs(pixels(result.file) - pixels(plain.file)).mean() < 0.2


def test_the_effort_finished_is_what_its_recipe_says(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    result = paint(photo_file, tmp_path / "a.png", painting=painting_file, effort="finished", size=48)
    method, finish = result.recipe["method"], result.recipe["finish"]
    assert (method, finish) == ("patches", 10)
    again = paint(photo_file, tmp_path / "b.png", painting=painting_file, method=method, finish=finish, size=48)
    assert np.array_equal(pixels(again.file), pixels(result.file))


def test_what_is_large_is_finished_small_and_keeps_its_fine_strokes(
    photo_file: Path, painting_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "LONGEST", 48)
    plain = pixels(paint(photo_file, tmp_path / "a.png", painting=painting_file).file)
    finished = pixels(paint(photo_file, tmp_path / "b.png", painting=painting_file, finish=3).file)
    change = finished - plain
    assert np.abs(change).mean() > 0.002
    # What was added was made at half the size: from pixel to pixel it changes less than the picture does.
    assert np.abs(np.diff(change, axis=1)).mean() < 0.5 * np.abs(np.diff(plain, axis=1)).mean()


def test_a_very_large_photo_is_finished_in_strips(
    photo_file: Path, painting_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flamingo.images import opening

    monkeypatch.setattr(finishing, "LONGEST", 48)
    whole = paint(photo_file, tmp_path / "a.png", painting=painting_file, finish=2)
    monkeypatch.setattr(opening, "WHOLE", 1000)
    streamed = paint(photo_file, tmp_path / "b.png", painting=painting_file, finish=2)
    assert np.abs(pixels(whole.file) - pixels(streamed.file)).mean() < 0.01


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"finish": 2, "best": 2}, "it does not go with --best"),
        ({"finish": 2, "method": "optimise"}, "the method optimise has no such thing"),
        ({"finish": -1}, "greater than or equal to 0"),
    ],
    ids=str,
)
def test_what_cannot_be_finished_is_said(how: dict[str, Any], said: str, photo_file: Path) -> None:
    with pytest.raises(BadRequest, match=said):
        flamingo.paint([photo_file], style="scream", **how)


def test_films_are_not_finished(photo_file: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.gif"
    with Image.open(photo_file) as still:
        frames = [still.convert("P"), still.rotate(180).convert("P")]
    frames[0].save(film, save_all=True, append_images=frames[1:], duration=100)
    (result,) = flamingo.paint([film], style="udnie", model="fast", finish=1, output=tmp_path / "out.gif")
    assert "films are not finished" in str(result.error)
