"""Whether a model that was trained is better than the one that ships: both measured by the same code on the same data
that neither has seen. One file a kind of model; each gives a Verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo.weights import read_manifest
from flamingo.weights.releases import recover


@dataclass(frozen=True)
class Verdict:
    """better: whether the candidate may replace what ships. comparable: whether the two could be compared at all.
    why: one sentence. candidate, shipped: their figures. against: the version that ships, None if there is none."""

    better: bool
    why: str
    candidate: dict[str, float]
    shipped: dict[str, float]
    against: str | None = None
    comparable: bool = True


def manifest_of(weights: Path) -> dict[str, Any]:
    """The manifest of a folder of models, with no models where there is none. Raises ModelCorrupt."""
    return read_manifest(weights, "name another folder with --weights")


def entry_of(weights: Path, model: str) -> dict[str, Any] | None:
    """The manifest's entry of a model in a folder of models, or None. Raises ModelCorrupt."""
    recover(weights)
    found: dict[str, Any] | None = manifest_of(weights)["models"].get(model)
    return found


def first(candidate: dict[str, float], model: str) -> Verdict:
    """Where nothing ships yet."""
    return Verdict(True, f"the first {model}", candidate, {})


def incomparable(why: str, candidate: dict[str, float], shipped: dict[str, float], against: str) -> Verdict:
    """Where the two cannot be compared: only --force releases."""
    return Verdict(False, f"cannot be compared: {why}", candidate, shipped, against, comparable=False)


def lower(key: str, candidate: dict[str, float], shipped: dict[str, float], against: str) -> Verdict:
    """Where one figure decides, and less is better."""
    new, old = candidate[key], shipped[key]
    return Verdict(new < old, f"{key} {new:.3f} for {old:.3f}", candidate, shipped, against)
