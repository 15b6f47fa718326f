"""Which of two mood models is better, and which of two models of words: by what their cross-validations found, which
stands in their manifest entries. Two that were not measured on the same number of photos, or texts, cannot be told
apart by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flamingo.train.manifest import entry_of
from flamingo.train.quality import Verdict, first, incomparable, lower

_AXES = ("valence", "arousal")


def judge_feel(staged: Path, weights: Path) -> Verdict:
    """By r of valence and arousal over folds of photos, their mean."""
    new, old = entry_of(staged, "feel"), entry_of(weights, "feel")
    assert new is not None
    figures = _r(new)
    if old is None:
        return first(figures, "feel")
    shipped, against = _r(old), str(old["version"])
    photos = [entry["training"]["photos"] for entry in (new, old)]
    if photos[0] != photos[1]:
        why = f"it was measured on {photos[0]} photos, the shipped one on {photos[1]}"
        return incomparable(why, figures, shipped, against)
    if not (figures and shipped):
        return incomparable("one of them was not cross-validated", figures, shipped, against)
    better, why = figures["r"] > shipped["r"], f"r {figures['r']:.3f} for {shipped['r']:.3f}"
    return Verdict(better, why, figures, shipped, against)


def _r(entry: dict[str, Any]) -> dict[str, float]:
    figures = entry["training"]["figures"]
    correlations = {axis: figures[f"photo {axis}"] for axis in _AXES if f"photo {axis}" in figures}
    return {"r": round(sum(correlations.values()) / 2, 4), **correlations} if len(correlations) == 2 else {}


def judge_words(staged: Path, weights: Path) -> Verdict:
    """By the standard deviation of the errors on texts of groups not learned from, the mean of both axes."""
    new, old = entry_of(staged, "words"), entry_of(weights, "words")
    assert new is not None
    figures = _error(new)
    if old is None:
        return first(figures, "words")
    shipped, against = _error(old), str(old["version"])
    if _texts(new) != _texts(old):
        return incomparable("they were measured on other texts", figures, shipped, against)
    return lower("error", figures, shipped, against)


def _error(entry: dict[str, Any]) -> dict[str, float]:
    return {"error": round(sum(entry["sd"][axis] for axis in _AXES) / 2, 4), **entry["sd"]}


def _texts(entry: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(axis, source, row["n"]) for axis in _AXES for source, row in entry["held out"][axis].items()]
