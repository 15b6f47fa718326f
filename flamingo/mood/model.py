"""The mood of a photo: pixels in, a point on the plane of moods out, with what is uncertain about it.

Everything about files, batches and pictures of explanations lives elsewhere; this is what a developer calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import runtime, weights
from flamingo.images import Picture
from flamingo.mood import features
from flamingo.mood.preprocess import seen
from flamingo.mood.valence_arousal import CLASSES, MOODS, nearest, probabilities, shares

Array = NDArray[np.float32]


@dataclass(frozen=True)
class MoodEstimate:
    """What a photo feels like.

    valence, arousal: what people would rate it, on [-1, 1], -1 the lowest grade, 1 the highest, 0 the middle one;
    valence_sd, arousal_sd: standard deviations of their error, measured on photos the model had not seen. mood: the
    same point on the plane of words and music: its ranks among photos, the middle grade of valence and the median
    of arousal at 0, the extremes at -1 and 1 (people use the middle of a scale of grades most). moods:
    probabilities of MOODS; classes: of happy, angry and sad alone, which sum to 1. word: the word nearest to
    `mood`. map: (2, h, w), which part of the photo speaks for how much valence and arousal; its mean is (valence,
    arousal). features: (25,) see flamingo.mood.features. distance: how unlike the training photos it is; 1 on
    average over them."""

    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float
    mood: tuple[float, float]
    moods: dict[str, float]
    word: str
    map: Array
    features: Array
    distance: float
    classes: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only, no arrays."""
        return {
            **{k: round(getattr(self, k), 3) for k in ("valence", "arousal", "valence_sd", "arousal_sd")},
            "mood": [round(x, 3) for x in self.mood],
            "word": self.word,
            "moods": {k: round(p, 4) for k, p in self.moods.items()},
            "classes": shares(self.classes),
            "distance": round(self.distance, 2),
        }


class MoodModel:
    """The mood model that ships. Loading is done once a process. Raises ModelMissing or ModelCorrupt."""

    def __init__(self) -> None:
        entry = weights.entry("feel")
        self.version: str = entry["version"]
        self.facts: dict[str, Any] = entry["judgement"]
        self._network = runtime.load(weights.path("feel", "onnx"))

    @property
    def centre(self) -> tuple[float, float]:
        """Valence that is neither pleasant nor unpleasant, and arousal of the usual photo."""
        valence, arousal = (table[len(table) // 2] for table in self.facts["quantiles"])
        return float(valence), float(arousal)

    def feel(self, picture: Picture) -> MoodEstimate:
        """What a photo feels like. Deterministic; the size of the picture hardly matters.

        Args:
            picture: the photo.

        Returns:
            Valence and arousal on [-1, 1], how sure they are, and the moods that fit.

        Example:
            >>> from flamingo import MoodModel, images
            >>> felt = MoodModel().feel(images.read(photo))
            >>> -1 <= felt.valence <= 1, felt.valence_sd > 0, felt.map.shape[0]
            (True, True, 2)
        """
        point, places, distance = self._network.outputs(photo=seen(picture, self.facts["size"]))
        far = float(distance[0])
        return judged(self.facts, (float(point[0, 0]), float(point[0, 1])), places[0], far, _look(picture))


def judged(
    facts: dict[str, Any], point: tuple[float, float], places: Array, distance: float, measured: Array
) -> MoodEstimate:
    """From what the network gives to what is said of it. facts: the `judgement` of the model's manifest entry."""
    valence, arousal = (min(1.0, max(-1.0, x)) for x in point)
    # A photo unlike all that was learned from is judged with less certainty (measured: see the model card).
    sds = [math.sqrt(base**2 + slope * max(distance - 1, 0)) for base, slope in facts["sd"]]
    ranks = [
        np.interp(x, table, facts["ranks"]) for x, table in zip((valence, arousal), facts["quantiles"], strict=True)
    ]
    mood = (float(ranks[0]), float(ranks[1]))
    spread = (float(facts["spread"][0]), float(facts["spread"][1]))
    return MoodEstimate(
        valence, arousal, sds[0], sds[1], mood, probabilities(*mood, spread, MOODS), nearest(*mood),
        places, measured, distance, probabilities(*mood, spread, CLASSES),
    )  # fmt: skip


def _look(picture: Picture) -> Array:
    return np.asarray(features.measure(features.shrunk(picture.rgb)), np.float32)
