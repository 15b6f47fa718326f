"""Training data: the same pictures in the same order on every machine, and none that testing needs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from flamingo.errors import BadRequest
from flamingo.train.painting.data import Consecutive, PhotoCrops, find_pictures, find_styles
from flamingo.train.painting.holdout import for_testing, for_training


def test_item_i_depends_on_the_seed_and_on_i_alone(data: Path) -> None:
    files = find_pictures([data / "photos"])
    one, other = PhotoCrops(files, 64, seed=3), PhotoCrops(files, 64, seed=3)
    assert torch.equal(one[17][0], other[17][0])
    assert not torch.equal(one[17][0], one[18][0])
    assert not torch.equal(one[17][0], PhotoCrops(files, 64, seed=4)[17][0])


def test_an_unreadable_photo_is_passed_over_and_counted(data: Path) -> None:
    items = [PhotoCrops(find_pictures([data / "photos"]), 64, seed=0)[i] for i in range(60)]
    assert all(crop.shape == (3, 64, 64) and crop.dtype == torch.uint8 for crop, _ in items)
    assert sum(skipped for _, skipped in items) > 0


def test_a_folder_of_nothing_but_unreadable_files_ends_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no")
    with pytest.raises(RuntimeError, match="could not be read"):
        PhotoCrops(find_pictures([tmp_path]), 64, seed=0)[0]


def test_photos_smaller_than_the_crop_are_enlarged(data: Path) -> None:
    assert PhotoCrops(find_pictures([data / "photos"]), 256, seed=0)[0][0].shape == (3, 256, 256)


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no such folder"):
        find_pictures([tmp_path / "nowhere"])
    with pytest.raises(BadRequest, match="holds no pictures"):
        find_pictures([tmp_path])


def test_styles_come_in_the_order_of_the_table(data: Path) -> None:
    styles = find_styles(data / "styles")
    assert [(s.name, s.about["artist"]) for s in styles] == [
        ("styles0", "A. Painter"),
        ("styles1", "B. Painter"),
    ]


def test_a_photo_is_for_training_or_for_testing_never_both() -> None:
    files = [Path(f"photo-{i}.jpg") for i in range(5000)]
    train, test = for_training(files), for_testing(files)
    assert not set(train) & set(test)
    assert len(train) + len(test) == 5000
    assert 60 < len(test) < 140


def test_a_photo_stays_on_its_side_wherever_it_lies() -> None:
    held_out = for_testing([Path(f"photo-{i}.jpg") for i in range(500)])
    assert for_testing([Path("elsewhere") / f.name for f in held_out]) == [
        Path("elsewhere") / f.name for f in held_out
    ]


def test_a_resumed_stream_goes_on_where_it_stopped() -> None:
    assert list(islice(Consecutive(5, 2), 3)) == [5, 7, 9]
