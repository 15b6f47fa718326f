"""DeepDream with the real VGG-19, on tiny pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.painting.methods import dream
from flamingo.painting.methods.dreaming import Dream
from flamingo.painting.methods.features import to_planes
from flamingo.vgg.network import VGG19

Pixels = NDArray[np.float32]
QUICK = Dream(layers=("relu3_3",), octaves=2, steps=4, jitter=4)


def _response(rgb: Pixels) -> float:
    return float(np.square(VGG19.load().forward(to_planes(rgb), ["relu3_3"])["relu3_3"]).mean())


def test_a_dream_has_more_of_what_its_layers_see(photo: Pixels) -> None:
    told: list[tuple[int, int]] = []
    dreamt = dream(photo, QUICK, on_step=lambda done, every: told.append((done, every)))
    assert dreamt.shape == photo.shape and dreamt.dtype == np.float32
    assert dreamt.min() >= 0 and dreamt.max() <= 1
    assert _response(dreamt) > 1.2 * _response(photo)
    assert told[-1][0] == told[-1][1] and len(told) == told[-1][1]


def test_the_same_seed_dreams_the_same_and_a_guide_something_else(photo: Pixels, painting: Pixels) -> None:
    dreamt = dream(photo, QUICK)
    assert np.array_equal(dreamt, dream(photo, QUICK))
    assert not np.allclose(dreamt, dream(photo, QUICK, guide=painting), atol=0.01)


def test_requests_that_make_no_sense_are_refused(photo: Pixels) -> None:
    for wrong in ({"layers": ()}, {"layers": ("relu6_1",)}, {"rate": float("nan")}, {"octaves": 0}):
        with pytest.raises(BadRequest):
            Dream(**wrong)
    with pytest.raises(BadRequest):
        dream(photo[:20], QUICK)
