"""The plane of moods, on which photos, sentences and music meet: valence across, arousal up, both from -1 to 1.

Words for moods are places on it, after Russell's circumplex (1980): what is near together feels alike.
"""

from __future__ import annotations

from difflib import get_close_matches
from math import exp, hypot

from flamingo.errors import BadRequest

WORDS: dict[str, tuple[float, float]] = {
    "happy": (0.8, 0.5),
    "joyful": (0.9, 0.7),
    "excited": (0.6, 0.9),
    "triumphant": (0.7, 0.8),
    "playful": (0.7, 0.4),
    "tender": (0.5, -0.4),
    "calm": (0.4, -0.8),
    "peaceful": (0.6, -0.8),
    "dreamy": (0.3, -0.6),
    "neutral": (0.0, 0.0),
    "melancholy": (-0.5, -0.4),
    "sad": (-0.8, -0.6),
    "gloomy": (-0.7, -0.8),
    "mysterious": (-0.3, -0.2),
    "restless": (-0.4, 0.6),
    "angry": (-0.7, 0.9),
    "afraid": (-0.8, 0.6),
    "fearful": (-0.8, 0.6),
    "awed": (0.4, 0.6),
    "dramatic": (-0.4, 0.8),
}
"""Words for moods, as (valence, arousal)."""


MOODS = ("happy", "angry", "sad", "calm", "afraid", "tender", "awed")
"""The moods that a photo is judged by. A point on the plane tells anger from sadness, but anger from fear hardly:
they lie side by side, and what tells them apart is not on the plane."""

CLASSES = ("happy", "angry", "sad")
"""The three moods of the first systems that felt photos, for those who want classes: shares of these alone."""


def probabilities(
    valence: float, arousal: float, spread: tuple[float, float], moods: tuple[str, ...] = MOODS
) -> dict[str, float]:
    """How likely each mood is at a point that is not quite known: a normal density at each word's place, all words
    equally likely beforehand.

    Args:
        valence: from -1 to 1.
        arousal: from -1 to 1.
        spread: standard deviations of both.
        moods: the words to choose among.

    Returns:
        Probabilities by word, adding to 1.
    """
    far = {
        mood: ((WORDS[mood][0] - valence) / spread[0]) ** 2 + ((WORDS[mood][1] - arousal) / spread[1]) ** 2
        for mood in moods
    }
    nearest_one = min(far.values())
    likely = {mood: exp(-0.5 * (d - nearest_one)) for mood, d in far.items()}
    total = sum(likely.values())
    return {mood: p / total for mood, p in likely.items()}


def shares(likely: dict[str, float]) -> dict[str, float]:
    """Probabilities with four decimals that still sum to 1: what rounding leaves goes to the largest.

    Args:
        likely: probabilities by name.
    """
    rounded = {mood: round(p, 4) for mood, p in likely.items()}
    if rounded:
        largest = max(rounded, key=lambda mood: rounded[mood])
        rounded[largest] = round(rounded[largest] + 1 - sum(rounded.values()), 4)
    return rounded


def place(word: str) -> tuple[float, float]:
    """The place of a word for a mood.

    Args:
        word: the word, in any case.

    Returns:
        Its valence and arousal, each from -1 to 1.

    Raises:
        BadRequest: the word is not known; it suggests the nearest one that is.

    Example:
        >>> place("Calm")
        (0.4, -0.8)
    """
    point = WORDS.get(word.strip().lower())
    if point is None:
        near = get_close_matches(word.lower(), WORDS, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(WORDS)}"
        raise BadRequest(f"mood {word!r}", "is no mood known here", hint)
    return point


def nearest(valence: float, arousal: float) -> str:
    """The word whose place is nearest to a point.

    Args:
        valence: from -1 to 1.
        arousal: from -1 to 1.

    Example:
        >>> nearest(0.5, -0.7)
        'calm'
    """
    return min(WORDS, key=lambda word: hypot(WORDS[word][0] - valence, WORDS[word][1] - arousal))
