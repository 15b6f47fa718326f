"""`feel`: what photos feel like, why, and what happens to photos that cannot be read. With the model that ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import flamingo
from flamingo import cli, images, weights
from flamingo.errors import BadRequest, WouldOverwrite
from flamingo.images import Picture
from flamingo.mood.explain import because
from flamingo.mood.features import NAMES, measure
from flamingo.mood.model import MoodModel, judged
from flamingo.mood.valence_arousal import MOODS

pytestmark = pytest.mark.skipif("feel" not in weights.models(), reason="no trained mood model is in flamingo/weights")


@pytest.fixture(scope="module")
def feeler() -> MoodModel:
    return MoodModel()


@pytest.fixture
def photo(photos: Path) -> Path:
    return photos / "chelsea.jpg"


def test_a_photo_has_a_place_on_the_plane_with_what_is_uncertain(photo: Path, feeler: MoodModel) -> None:
    felt = feeler.feel(images.read(photo))
    assert -1 <= felt.valence <= 1 and -1 <= felt.arousal <= 1
    assert 0.05 < felt.valence_sd < 1 and 0.05 < felt.arousal_sd < 1
    assert set(felt.moods) == set(MOODS) and sum(felt.moods.values()) == pytest.approx(1)


def test_the_map_is_an_exact_account_of_the_judgement(photo: Path, feeler: MoodModel) -> None:
    felt = feeler.feel(images.read(photo))
    assert felt.map.mean((1, 2)).tolist() == pytest.approx([felt.valence, felt.arousal], abs=1e-3)


def test_the_same_photo_at_another_size_feels_much_the_same(photo: Path, feeler: MoodModel) -> None:
    picture = images.read(photo)
    whole, small = feeler.feel(picture), feeler.feel(picture.resized(200))
    assert abs(whole.valence - small.valence) < whole.valence_sd / 2
    assert abs(whole.arousal - small.arousal) < whole.arousal_sd / 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (31, 33), (40, 4000)])
def test_every_shape_can_be_judged(shape: tuple[int, int], feeler: MoodModel) -> None:
    rgb = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    felt = feeler.feel(Picture(rgb=rgb))
    assert np.isfinite([felt.valence, felt.arousal, felt.valence_sd, felt.arousal_sd]).all()


def test_what_is_transparent_is_seen_on_white(feeler: MoodModel) -> None:
    rgb = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    hidden = Picture(rgb=rgb, alpha=np.zeros((64, 64), np.float32))
    white = Picture(rgb=np.ones((64, 64, 3), np.float32))
    assert feeler.feel(hidden).valence == pytest.approx(feeler.feel(white).valence, abs=1e-5)


def test_a_photo_unlike_all_others_is_judged_with_less_certainty(feeler: MoodModel) -> None:
    flat = measure(np.zeros((8, 8, 3), np.float32))
    near, far = (judged(feeler.facts, (0.1, 0.1), np.zeros((2, 3, 3), np.float32), d, flat) for d in (1.0, 30.0))
    assert far.valence_sd >= near.valence_sd and far.arousal_sd >= near.arousal_sd


def test_the_words_name_what_sets_the_photo_apart(feeler: MoodModel) -> None:
    night = Picture(rgb=np.full((64, 96, 3), 0.03, np.float32))
    assert any("dark" in sentence for sentence in because(feeler.feel(night), feeler.facts["features"]))
    fire = Picture(rgb=np.broadcast_to(np.asarray([1, 0.35, 0.05], np.float32), (64, 96, 3)).copy())
    said = " ".join(because(feeler.feel(fire), feeler.facts["features"]))
    assert "warm in colour" in said or "strong in colour" in said or "red" in said


def test_the_features_are_those_that_the_model_was_measured_with(feeler: MoodModel) -> None:
    assert feeler.facts["features"]["names"] == list(NAMES)


def test_an_explanation_is_a_picture_three_photos_wide(photo: Path, tmp_path: Path) -> None:
    (found,) = flamingo.feel([photo], explain=tmp_path / "why.png")
    assert found.explanation == tmp_path / "why.png"
    with Image.open(found.explanation) as opened:
        assert opened.width > 3 * 512


def test_one_broken_photo_does_not_stop_the_others(photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:500])
    failed, fine = flamingo.feel([broken, photo])
    assert failed.error is not None and failed.felt is None and "\n" not in str(failed.error)
    assert fine.error is None and fine.felt is not None


def test_nothing_is_overwritten(photo: Path, tmp_path: Path) -> None:
    there = tmp_path / "why.png"
    there.write_bytes(b"mine")
    with pytest.raises(WouldOverwrite):
        flamingo.feel([photo], explain=there)
    assert there.read_bytes() == b"mine"
    flamingo.feel([photo], explain=there, overwrite=True)
    assert there.read_bytes() != b"mine"


def test_asking_for_nothing_is_refused() -> None:
    with pytest.raises(BadRequest, match="neither a photo nor a sentence"):
        flamingo.feel([])


def test_progress_is_told_and_can_cancel(photo: Path, photos: Path) -> None:
    told: list[tuple[int, int]] = []
    flamingo.feel([photos], on_progress=lambda done, total, _: told.append((done, total)))
    assert told[0][0] == 0 and told[-1][0] == told[-1][1] == len(told) - 1

    def stop(done: int, total: int, photo: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flamingo.feel([photo], on_progress=stop)


def test_the_command_line_says_the_same(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (expected,) = flamingo.feel([photo])
    assert cli.run(["feel", str(photo), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    same: dict[str, Any] = expected.as_dict()
    for told in (found, same):
        told.pop("seconds")
    assert found == same


def test_the_command_line_ends_with_1_where_a_photo_failed(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["feel", str(photo), str(tmp_path / "none.jpg")]) == 1
    told = capsys.readouterr()
    assert "valence" in told.out and "no such file" in told.err and "Traceback" not in told.err
