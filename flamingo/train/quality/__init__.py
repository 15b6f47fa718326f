"""Whether a model that was trained is better than the one that ships: both measured by the same code on the same data
that neither has seen. One file a kind of model; each gives a Verdict."""

from __future__ import annotations

from dataclasses import dataclass


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
