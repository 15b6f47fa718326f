"""What is asked of an optimisation, and how it is laid out before it starts."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flamingo.errors import BadRequest, ImageTooLarge
from flamingo.painting.methods import PRESETS, Settings, Style, memory, preparing, preset
from flamingo.painting.methods.options import optimise_settings
from flamingo.painting.methods.presets import DEEP_ART_REPORT
from flamingo.painting.options import MethodOptions, PaintOptions
from tests.conftest import ROOT

Pixels = NDArray[np.float32]
SIDES = st.integers(32, 5000)


@given(SIDES, SIDES, st.one_of(st.none(), st.integers(32, 600)))
def test_scales_grow_by_the_root_of_two_up_to_the_full_size(height: int, width: int, coarsest: int | None) -> None:
    scales = preparing.scales(height, width, coarsest)
    assert scales[-1] == (height, width)
    for (h, w), (taller, wider) in pairwise(scales):
        assert max(taller, wider) / max(h, w) == pytest.approx(math.sqrt(2), rel=0.03)
    assert min(scales[0]) >= 32 or len(scales) == 1
    if coarsest is None:
        assert len(scales) == 1


@given(st.integers(1, 3000), st.integers(1, 14))
def test_every_step_belongs_to_a_scale_and_the_full_size_has_one(steps: int, count: int) -> None:
    shares = preparing.shares(steps, count)
    assert sum(shares) == steps and len(shares) == count and min(shares) >= 0
    assert shares[-1] >= 1
    assert min(shares) >= 1 or steps < count


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_layers": {"relu9_9": 1.0}},
        {"style_layers": {"relu1_1": -1.0}},
        {"style_layers": {}, "content_layers": {}},
        {"steps": 0},
        {"strength": 1.5},
        {"style_weight": math.nan},
        {"optimiser": "newton"},
        {"coarsest": 5},
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line(wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as caught:
        Settings(**wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_presets_are_plain_data_found_by_name() -> None:
    assert set(PRESETS) == {"flamingo-2021", "nst-2023", "deep-art-2023"}
    for name in PRESETS:
        assert json.loads(json.dumps(preset(name).as_dict()))["losses"] in ("absolute", "raw")
    with pytest.raises(BadRequest, match="did you mean deep-art-2023"):
        preset("deepart-2023")


def test_presets_are_what_docs_optimise_says() -> None:
    """The table of presets in docs/optimise.md, row by row."""
    text = (ROOT / "docs" / "optimise.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in text.splitlines() if "|" in line]
    head = next(row for row in rows if row[0] == "preset")
    told = {row[0].strip("`"): dict(zip(head, row, strict=True)) for row in rows if row[0].strip("`") in PRESETS}
    assert set(told) == set(PRESETS)
    for name, row in told.items():
        settings = PRESETS[name]
        assert row["content"].split(", ") == list(settings.content_layers)
        assert row["style"].split(", ") == list(settings.style_layers)
        assert row["begins with"] == settings.init and row["optimiser"].lower() == settings.optimiser
        numbers = {
            "content weight": settings.content_weight, "style weight": settings.style_weight,
            "tv": settings.variation_weight, "rate": settings.rate or 1.0, "steps": settings.steps,
            "snapshot every": settings.snapshots,
        }  # fmt: skip
        for column, value in numbers.items():
            assert float(row[column]) == pytest.approx(value, rel=1e-3), (name, column)


def test_the_reports_losses_are_those_in_docs_optimise() -> None:
    text = (ROOT / "docs" / "optimise.md").read_text(encoding="utf-8")
    theirs = next(line for line in text.splitlines() if line.startswith("| its report"))
    cells = [cell.strip() for cell in theirs.strip("| ").split("|")][1:]
    told = [tuple(float(x) for x in cell.split(" / ")) for cell in cells]
    assert told == [(style, content) for content, style in DEEP_ART_REPORT.values()]
    assert list(DEEP_ART_REPORT) == [50, 100, 150, 200, 250]


@pytest.mark.parametrize("option", [{"lr": 0.1}, {"tv_weight": 2.0}])
def test_rate_and_total_variation_are_options_of_optimise_alone(option: dict[str, Any]) -> None:
    optimisers: tuple[Literal["adam", "lbfgs"], ...] = ("adam", "lbfgs")
    for optimiser in optimisers:
        settings = optimise_settings(PaintOptions([], optimiser=optimiser, **option))
        assert (settings.rate, settings.variation_weight) == (option.get("lr"), option.get("tv_weight", 0.0))
    for method in ("painter", "dream"):
        with pytest.raises(BadRequest, match=r"--(lr|tv-weight)"):
            MethodOptions(method=method, **option).check_method(method)


def test_a_painting_of_one_colour_or_too_small_is_said(photo: Pixels) -> None:
    flat = np.full((400, 400, 3), 0.3, np.float32)
    large = np.ones((512, 512, 3), np.float32)
    (said,) = preparing.notes(large, [Style(np.tile(flat, (2, 2, 1)))], Settings())
    assert "single colour" in said
    random = np.random.default_rng(0).random((100, 120, 3), dtype=np.float32)
    assert any("156" in s for s in preparing.notes(large, [Style(random)], Settings()))
    assert any("enlarged" in s for s in preparing.notes(large, [Style(random)], Settings()))
    assert not any(
        "156" in s for s in preparing.notes(photo, [Style(random)], Settings(style_layers={"relu3_1": 1.0}))
    )


@pytest.mark.parametrize("settings", [Settings(init="fast"), Settings()])
def test_pictures_that_are_none_are_refused(photo: Pixels, settings: Settings) -> None:
    broken = photo.copy()
    broken[3, 3] = np.nan
    for wrong in (photo[:20], photo[..., :2], broken):
        with pytest.raises(BadRequest):
            preparing.check(wrong, [Style(photo)], settings, photo)
        with pytest.raises(BadRequest):
            preparing.check(photo, [Style(wrong)], settings, photo)
    with pytest.raises(BadRequest):
        preparing.check(photo, [Style(photo, mask=photo[..., 0] * 300)], settings, photo)
    with pytest.raises(BadRequest):
        preparing.check(photo, [], settings, photo)


def test_init_fast_needs_a_picture_of_the_photos_shape(photo: Pixels) -> None:
    for first in (None, photo[:-1]):
        with pytest.raises(BadRequest):
            preparing.check(photo, [Style(photo)], Settings(init="fast"), first)


@given(st.integers(64, 4000), st.integers(64, 4000))
def test_memory_grows_with_the_picture_and_too_much_is_refused_with_what_fits(height: int, width: int) -> None:
    take = memory.needed(height, width, Settings())
    assert memory.needed(height + 64, width, Settings()) > take
    memory.check(height, width, Settings(), free=take)
    with pytest.raises(ImageTooLarge, match="GiB"):
        memory.check(height, width, Settings(), free=take - 1)


def test_a_size_that_is_said_to_fit_fits() -> None:
    free = memory.needed(1000, 1500, Settings())
    with pytest.raises(ImageTooLarge, match="--size") as caught:
        memory.check(2000, 3000, Settings(), free=free)
    size = int(caught.value.hint.split("--size ")[1].split()[0])
    memory.check(size * 2 // 3, size, Settings(), free=free)


@given(st.integers(0, 2**32 - 1))
def test_a_painting_moved_to_the_photos_colours_has_their_mean(seed: int) -> None:
    random = np.random.default_rng(seed)
    photo = (0.4 + 0.05 * random.standard_normal((40, 40, 3))).astype(np.float32)
    painting = random.random((40, 40, 3), dtype=np.float32)
    moved = preparing.matched(painting, photo)
    assert moved.mean((0, 1)) == pytest.approx(photo.mean((0, 1)), abs=0.02)
    assert moved.std((0, 1)) == pytest.approx(photo.std((0, 1)), abs=0.02)


def test_keeping_the_colours_takes_only_the_light_of_the_result(photo: Pixels) -> None:
    dark = photo * np.float32(0.9)
    grey = np.repeat(dark.mean(axis=2, keepdims=True), 3, axis=2)
    assert preparing.recoloured(photo, photo) == pytest.approx(photo, abs=1e-5)
    assert not np.allclose(preparing.recoloured(grey, photo), grey, atol=0.02)
