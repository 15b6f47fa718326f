"""What users write after --style, --painting and --mask, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flamingo.errors import BadInput, BadRequest
from flamingo.painting import styles
from flamingo.painting.style_spec import StyleTerm, parse_styles, style_mix
from tests.conftest import needs_models

pytestmark = needs_models


@pytest.fixture
def masks(tmp_path: Path) -> dict[str, Path]:
    """left.png is white on the left half, grey.png half grey, black.png black."""
    pixels = {"left": np.zeros((40, 60)), "grey": np.full((40, 60), 128), "black": np.zeros((40, 60))}
    pixels["left"][:, :30] = 255
    found = {}
    for name, values in pixels.items():
        found[name] = tmp_path / f"{name}.png"
        Image.fromarray(values.astype(np.uint8)).save(found[name])
    return found


def test_nothing_said_is_starry_night() -> None:
    assert parse_styles([], [], [], "fine") == [StyleTerm("starry-night")]


def test_styles_may_have_weights() -> None:
    assert parse_styles(["great-wave=.6", "scream=4e-1", "udnie"], [], [], "fine") == [
        StyleTerm("great-wave", 0.6),
        StyleTerm("scream", 0.4),
        StyleTerm("udnie", 1.0),
    ]


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "-inf", "half", ""])
def test_a_weight_is_a_positive_number(weight: str) -> None:
    with pytest.raises(BadRequest, match="weight"):
        parse_styles([f"great-wave={weight}"], [], [], "fine")


def test_near_names_are_suggested() -> None:
    with pytest.raises(BadRequest, match="did you mean starry-night"):
        parse_styles(["Starry Nite"], [], [], "fine")


def test_a_mix_is_a_weighted_mean_whatever_the_weights_sum_to() -> None:
    one, other = (styles.vector(name) for name in ("great-wave", "scream"))
    for texts in (["great-wave=.6", "scream=.4"], ["great-wave=6", "scream=4"]):
        found = style_mix(parse_styles(texts, [], [], "fine"), 1.0, "fine")
        assert found.masks is None
        np.testing.assert_allclose(found.vectors, [0.6 * one + 0.4 * other], rtol=1e-5, atol=1e-6)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=4))
def test_a_mix_of_a_style_with_itself_is_that_style(weights: list[float]) -> None:
    found = style_mix(parse_styles([f"udnie={w}" for w in weights], [], [], "fine"), 1.0, "fine")
    np.testing.assert_allclose(found.vectors[0], styles.vector("udnie"), rtol=1e-4, atol=1e-5)


def test_a_style_without_a_mask_takes_what_the_masks_leave(masks: dict[str, Path]) -> None:
    found = style_mix(parse_styles([f"great-wave@{masks['left']}", "scream"], [], [], "fine"), 1.0, "fine")
    assert found.masks is not None
    np.testing.assert_allclose(found.masks[0] + found.masks[1], 1, atol=1e-6)


def test_styles_on_one_mask_are_mixed_there(masks: dict[str, Path]) -> None:
    texts = [f"great-wave=.5@{masks['left']}", f"scream=.5@{masks['left']}"]
    found = style_mix(parse_styles(texts, [], [], "fine"), 1.0, "fine")
    assert found.vectors.shape[0] == 1 and found.masks is not None and len(found.masks) == 1


def test_one_mask_that_no_style_names_is_for_all(masks: dict[str, Path]) -> None:
    found = parse_styles(["great-wave", "scream"], [], [masks["left"]], "fine")
    assert {part.mask for part in found} == {masks["left"]}


def test_of_several_masks_each_is_named(masks: dict[str, Path]) -> None:
    with pytest.raises(BadRequest, match="not said for which style"):
        parse_styles(["great-wave"], [], [masks["left"], masks["grey"]], "fine")
    found = parse_styles(["great-wave@left.png", "scream@grey.png"], [], [masks["left"], masks["grey"]], "fine")
    assert [part.mask for part in found] == [masks["left"], masks["grey"]]


def test_a_black_mask_is_refused(masks: dict[str, Path]) -> None:
    with pytest.raises(BadInput, match="black all over"):
        style_mix(parse_styles(["great-wave"], [], [masks["black"]], "fine"), 1.0, "fine")


def test_a_mask_of_another_size_is_resampled_and_said_so(masks: dict[str, Path]) -> None:
    found = style_mix(parse_styles(["great-wave"], [], [masks["left"]], "fine"), 1.0, "fine")
    fitted, notes = found.fitted(80, 120), found.notes(80, 120)
    assert fitted is not None and fitted.shape[0] == 1
    assert "60 x 40" in notes[0] and "proportions" not in notes[0]
    notes = found.notes(100, 100)
    assert "other proportions" in notes[0]
    assert found.notes(40, 60) == []


def test_a_stranger_may_name_only_what_came_along(masks: dict[str, Path], photos: Path) -> None:
    for text in (str(photos / "chelsea.jpg"), f"great-wave@{masks['left']}", "/etc/passwd", "../x.jpg"):
        with pytest.raises(BadRequest):
            parse_styles([text], [], [], "fine", anywhere=False)
    found = parse_styles(["great-wave@sky.png"], {}, {"sky.png": masks["left"]}, "fine", anywhere=False)
    assert found == [StyleTerm("great-wave", 1.0, None, masks["left"])]


def test_names_of_files_may_hold_signs(tmp_path: Path, photos: Path) -> None:
    odd = tmp_path / "a=b@2x.jpg"
    odd.write_bytes((photos / "chelsea.jpg").read_bytes())
    assert parse_styles([f"{odd}=.5"], [], [], "fine") == [StyleTerm("a=b@2x.jpg", 0.5, odd)]


@given(st.text(max_size=40))
def test_whatever_is_written_is_understood_or_refused_in_one_line(text: str) -> None:
    try:
        parse_styles([text], [], [], "fine", anywhere=False)
    except BadRequest as error:
        assert "\n" not in str(error)
