"""`flamingo.paint`: photos in, pictures out, and nothing lost on the way. With the shipped fast model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import flamingo
from flamingo.errors import BadRequest, UnreadableImage, WouldOverwrite
from tests.conftest import needs_models

pytestmark = needs_models


@pytest.fixture
def album(tmp_path: Path, photos: Path) -> Path:
    """A folder with two photos of the same stem, one in a folder below, and a file that is no picture."""
    folder = tmp_path / "album"
    (folder / "below").mkdir(parents=True)
    with Image.open(photos / "chelsea.jpg") as opened:
        small = opened.resize((96, 64))
    small.save(folder / "a.jpg")
    small.save(folder / "a.png")
    small.save(folder / "below" / "b.webp")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is not a picture")
    return folder


def test_a_folder_becomes_a_folder_and_one_bad_file_stops_nothing(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    results = flamingo.paint([album], style="udnie", model="fast", output=out)
    failed = [r for r in results if r.error]
    assert [r.photo.name for r in failed] == ["broken.jpg"]
    assert isinstance(failed[0].error, UnreadableImage)
    files = {r.file for r in results if r.file}
    assert len(files) == 3
    assert all(f.exists() and f.is_relative_to(out) for f in files)
    assert (out / "below").is_dir()


def test_a_photo_is_never_overwritten(album: Path) -> None:
    photo = album / "a.jpg"
    before = photo.read_bytes()
    with pytest.raises((WouldOverwrite, BadRequest)):
        flamingo.paint([photo], model="fast", output=photo, overwrite=True)
    assert photo.read_bytes() == before


def test_a_result_that_is_there_is_kept_unless_told(album: Path, tmp_path: Path) -> None:
    target = tmp_path / "painted.png"
    first = flamingo.paint([album / "a.png"], style="udnie", model="fast", output=target)
    assert first[0].error is None
    before = target.read_bytes()
    with pytest.raises(WouldOverwrite):
        flamingo.paint([album / "a.png"], style="scream", model="fast", output=target)
    assert target.read_bytes() == before
    flamingo.paint([album / "a.png"], style="scream", model="fast", output=target, overwrite=True)
    assert target.read_bytes() != before


def test_the_size_is_the_photos_own_unless_asked(album: Path, tmp_path: Path) -> None:
    flamingo.paint([album / "a.png"], model="fast", output=tmp_path / "same.png")
    flamingo.paint([album / "a.png"], model="fast", output=tmp_path / "small.png", size=48)
    with Image.open(tmp_path / "same.png") as same, Image.open(tmp_path / "small.png") as small:
        assert same.size == (96, 64)
        assert small.size == (48, 32)


def test_transparency_and_16_bits_survive(tmp_path: Path) -> None:
    alpha = np.zeros((40, 60, 4), dtype=np.uint8)
    alpha[..., :3] = np.linspace(0, 255, 60, dtype=np.uint8)[None, :, None]
    alpha[:, 30:, 3] = 200
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    ramp = np.linspace(0, 65535, 60 * 40).reshape(40, 60).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    out = tmp_path / "out"
    results = flamingo.paint([tmp_path / "alpha.png", tmp_path / "deep.png"], model="fast", output=out)
    assert not [r.error for r in results if r.error]
    with Image.open(out / "alpha.png") as painted:
        assert painted.mode == "RGBA"
        assert np.array_equal(np.asarray(painted)[..., 3], alpha[..., 3])
    deep = flamingo.images.read(out / "deep.png")
    assert deep.depth == 16
    assert deep.rgb.std() > 0.02, "a 16-bit photo must not become flat grey"


def test_progress_is_told_before_each_photo_and_at_the_end(album: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    flamingo.paint(
        [album],
        model="fast",
        output=tmp_path / "out",
        on_progress=lambda done, total, photo: seen.append((done, total)),
    )
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_cancelling_keeps_what_is_finished(album: Path, tmp_path: Path) -> None:
    def stop_at_second(done: int, total: int, photo: Path) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flamingo.paint([album], model="fast", output=tmp_path / "out", on_progress=stop_at_second)
    left = [f for f in (tmp_path / "out").rglob("*") if f.is_file()]
    assert len(left) >= 1
    for file in left:
        flamingo.images.read(file)


def test_the_result_says_what_made_it(album: Path, tmp_path: Path) -> None:
    (result,) = flamingo.paint(
        [album / "a.png"], style="udnie", strength=0.5, model="fast", output=tmp_path / "x.png"
    )
    assert result.recipe["style"] == "udnie"
    assert result.recipe["strength"] == 0.5
    assert result.recipe["model_version"] == flamingo.Painter("fast").version
    assert len(result.recipe["photo_sha256"]) == 64


def test_an_effort_is_a_method_by_name_and_its_recipe_that_of_the_method(album: Path, tmp_path: Path) -> None:
    how = {"style": "udnie", "model": "fast"}
    by_name, by_method = (
        flamingo.paint([album / "a.png"], output=tmp_path / name, **how, **way)[0]  # type: ignore[arg-type]
        for name, way in (("name.png", {"effort": "quick"}), ("method.png", {"method": "painter"}))
    )
    assert by_name.recipe == by_method.recipe
    assert by_name.file is not None and by_method.file is not None
    assert np.array_equal(flamingo.images.read(by_name.file).rgb, flamingo.images.read(by_method.file).rgb)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"strength": float("nan")}, "strength"),
        ({"strength": 2}, "strength"),
        ({"size": 0}, "size"),
        ({"style": "nonesuch"}, "no style"),
        ({"model": "huge"}, "model"),
        ({"quality": 101}, "quality"),
        ({"effort": "best"}, "effort"),
        ({"effort": "quick", "method": "patches"}, "it is the method painter, not patches; leave --method out"),
        ({"effort": "true", "finish": 10}, "it finishes nothing; leave --finish out"),
        ({"effort": "finished", "finish": 20}, "it finishes in 10 steps, not 20"),
        ({"effort": "finished", "best": 2}, "--effort finished: it does not go with --best"),
    ],
)
def test_a_wrong_request_is_one_line_and_paints_nothing(
    wrong: dict[str, object], said: str, album: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        flamingo.paint([album], output=tmp_path / "out", **wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_picture_too_large_for_the_memory_is_refused_with_a_size_that_fits(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Little:
        available = 400_000

    monkeypatch.setattr("psutil.virtual_memory", lambda: Little)
    (result,) = flamingo.paint([album / "a.png"], model="fast", output=tmp_path / "x.png")
    assert result.error is not None
    assert "--size" in str(result.error)


def test_without_an_output_results_go_to_a_folder_of_their_style(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(album / "a.png", tmp_path / "photo.png")
    (result,) = flamingo.paint([Path("photo.png")], style="udnie", model="fast")
    assert result.file == Path("painted/udnie/photo.png")
    assert (tmp_path / "painted/udnie/photo.png").exists()
