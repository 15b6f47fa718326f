"""The piano roll shows each note where and as loud as it is, and marks the close."""

from __future__ import annotations

import numpy as np
import pytest

from flamingo.composing.piece import BAR, NOTE, Key, Piece
from flamingo.composing.writing import roll
from flamingo.errors import BadRequest


def built(rows: list[tuple[int, int, int, int, int]], bars: int = 4) -> Piece:
    """From (start, duration, pitch, velocity, part), in bars of 4/4 in D major."""
    notes = np.array([(*row, 0.0) for row in rows], NOTE).reshape(-1)
    grid = np.array([(i * 96, 4, 4) for i in range(bars)], BAR)
    return Piece.build(notes, grid, Key(2), title="A title that is too long for the page " * 6, persona="Liszt")


@pytest.mark.parametrize("dark", [False, True])
def test_it_has_the_size_asked_and_the_ground_asked(dark: bool) -> None:
    picture = roll.draw(built([(0, 96, 60, 70, 0), (96, 96, 76, 90, 1)]), width=800, height=300, dark=dark)
    assert picture.rgb.shape == (300, 800, 3)
    assert (picture.rgb[0, 0].mean() < 0.2) == dark


def test_louder_is_deeper_and_on_the_dark_brighter() -> None:
    quiet, loud = (built([(0, 96, 60, v, 0), (96, 96, 79, v, 0)]) for v in (30, 110))
    assert roll.draw(quiet).rgb.mean() > roll.draw(loud).rgb.mean()
    assert roll.draw(quiet, dark=True).rgb.mean() < roll.draw(loud, dark=True).rgb.mean()


def test_a_velocity_map_only_goes_one_way() -> None:
    for part in range(6):
        for dark in (False, True):
            light = roll._velocity_colours(part, dark)[24:109].astype(float) @ (0.2126, 0.7152, 0.0722)
            assert (np.diff(light) * (1 if dark else -1) >= -0.5).all()


def test_notes_lie_at_their_time_and_height_and_the_close_is_shaded() -> None:
    one = built([(0, 96, 60, 100, 0), (288, 96, 79, 100, 0)])
    none = built([(0, 96, 60, 100, 0), (0, 1, 79, 100, 0)])
    changed = np.abs(roll.draw(one).rgb - roll.draw(none).rgb).max(2)[80:560, 80:] > 0.2
    columns = np.flatnonzero(changed.any(0))
    assert columns.max() > 1400
    rows = np.flatnonzero(changed[:, 1100:].any(1))
    assert rows.size and rows.max() < 200, "high notes are above"
    page = roll.draw(one).rgb
    assert page[300, 1500, 1] < page[300, 500, 1], "the last bars have a tint"


def test_nothing_to_play_is_still_a_picture() -> None:
    assert roll.draw(built([], bars=1)).rgb.shape == (600, 1600, 3)


def test_a_size_of_nonsense_is_refused() -> None:
    with pytest.raises(BadRequest):
        roll.draw(built([]), width=10)
