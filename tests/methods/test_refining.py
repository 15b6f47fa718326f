"""Refining the vector of a painting that the painter has not learned, with the real VGG-19, on tiny pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flamingo.errors import BadRequest
from flamingo.painting import encoder
from flamingo.painting.methods.refining import refine

Pixels = NDArray[np.float32]
SMALL: dict[str, Any] = {"size": 64, "painting_size": 96}


class _Enough(Exception):
    pass


@pytest.fixture
def first(painting: Pixels) -> Pixels:
    return encoder.encoded(painting, "fine")


@pytest.mark.parametrize("count", [1, 2])
def test_the_loss_falls_and_what_is_told_is_that_of_the_vector_returned(
    photo: Pixels, painting: Pixels, first: Pixels, count: int
) -> None:
    photos = [photo, photo[:, ::-1].copy()][:count]
    found = refine(first, painting, photos, seconds=600, looks=30, **SMALL)
    assert len(found.losses) == 30
    assert found.vector.shape == first.shape and found.vector.dtype == np.float32
    assert found.after < 0.98 * found.before
    again = refine(found.vector, painting, photos, seconds=0, **SMALL)
    assert again.before == pytest.approx(found.after, rel=1e-4)


def test_without_time_it_looks_once_and_gives_back_nothing_worse(
    photo: Pixels, painting: Pixels, first: Pixels
) -> None:
    seen: list[int] = []
    found = refine(first, painting, [photo], seconds=0, on_step=lambda look, share, loss: seen.append(look), **SMALL)
    assert seen == [1] and found.before == found.after and np.array_equal(found.vector, first)
    in_turn = refine(first, painting, [photo, photo[:, ::-1].copy()], seconds=0, **SMALL)
    assert len(in_turn.losses) == 2 and in_turn.after <= in_turn.before


def test_it_can_be_stopped(photo: Pixels, painting: Pixels, first: Pixels) -> None:
    def third(look: int, share: float, loss: float) -> None:
        if look == 3:
            raise _Enough

    with pytest.raises(_Enough):
        refine(first, painting, [photo], seconds=600, on_step=third, **SMALL)


def test_it_needs_a_photo(painting: Pixels, first: Pixels) -> None:
    with pytest.raises(BadRequest, match="no photos"):
        refine(first, painting, [], seconds=1, **SMALL)
