"""Photos that stand clearly for one of three moods, by what their raters said: happy, angry or sad.

Ratings are means from 1 to 7, as the OASIS norms have them (Kurdi, Lozano and Banaji 2017). Between the classes lie
gaps, for a photo in the middle is no example of anything. The words are short for places on the plane: "angry" is
unpleasant and stirring, whether the photo shows anger, danger or a wound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.train.mood.data import Example

CLASSES = ("happy", "angry", "sad")
"""The three moods, by the numbers that `clear_cases` gives."""
HAPPY_VALENCE = 5.0
"""Happy is a mean valence of this and above."""
LOW_VALENCE = 3.25
"""Angry and sad are a mean valence of this and below."""
ANGRY_AROUSAL = 4.25
"""Angry is also a mean arousal of this and above."""
SAD_AROUSAL = 3.9
"""Sad is also a mean arousal of this and below."""


def clear_cases(examples: Sequence[Example]) -> NDArray[Any]:
    """(n,) int64: the place in CLASSES of each example, -1 for those that are no clear case.

    Of the 668 photos of OASIS, 235 are happy, 61 angry and 61 sad.
    """
    # Back from the plane to the raters' scale; rounded, so that a rating of exactly 5 is still 5.
    valence = np.round([4 + 3 * e.valence for e in examples], 6)
    arousal = np.round([4 + 3 * e.arousal for e in examples], 6)
    low = valence <= LOW_VALENCE
    conditions = [valence >= HAPPY_VALENCE, low & (arousal >= ANGRY_AROUSAL), low & (arousal <= SAD_AROUSAL)]
    return np.select(conditions, range(len(CLASSES)), -1).astype(np.int64)
