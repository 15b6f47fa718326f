"""How far a film is, over all of its stages, and how long it will still take.

Every stage begins with a guess of how long a step of it takes. Once steps have been taken, their own pace counts, and
what is still to come is guessed anew by how far off the guesses were.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Progress", "Stages"]

Progress = Callable[[int, int, str], None]
"""Called as (done, all, what is being done), in thousandths of the whole."""

_ALL = 1000


@dataclass
class Stages:
    """The stages of a film. guesses: the seconds that each is expected to take, in order.

    What `on_progress` raises goes through: it is how a run is cancelled.
    """

    on_progress: Progress | None
    guesses: dict[str, float]
    _took: dict[str, float] = field(default_factory=dict)
    _begun: float = 0.0
    _reached: int = 0

    def expect(self, stage: str, seconds: float) -> None:
        """Guess anew, when more is known."""
        self.guesses[stage] = seconds

    def begin(self, stage: str) -> None:
        """The stage starts now, and the one before it is over."""
        self._begun = time.perf_counter()
        self._took[stage] = 0.0

    def step(self, stage: str, done: float, many: float, message: str) -> None:
        """So much of the stage is done."""
        share = min(done / max(many, 1e-9), 1.0)
        spent = time.perf_counter() - self._begun
        self._took[stage] = spent
        rest = spent * (1 - share) / share if share > 0.02 else self.guesses[stage]
        ahead = self._ahead(stage)
        past = sum(self._took.values())
        left = rest + ahead
        self._tell(past / max(past + left, 1e-9), f"{message}{_in_words(left)}")

    def finished(self) -> None:
        """All of it is done."""
        self._tell(1.0, "done")

    def seconds(self) -> dict[str, float]:
        """How long each stage took."""
        return {stage: round(took, 3) for stage, took in self._took.items()}

    def end(self, stage: str) -> None:
        """The stage is over."""
        self._took[stage] = time.perf_counter() - self._begun

    def _ahead(self, stage: str) -> float:
        names = list(self.guesses)
        before, after = names[: names.index(stage)], names[names.index(stage) + 1 :]
        guessed = sum(self.guesses[name] for name in before)
        took = sum(self._took.get(name, 0.0) for name in before)
        # What was found done of an earlier run says nothing of what is to come.
        pace = min(max(took / guessed, 1.0), 4.0) if guessed else 1.0
        return pace * sum(self.guesses[name] for name in after)

    def _tell(self, share: float, message: str) -> None:
        self._reached = max(self._reached, min(int(share * _ALL), _ALL if share >= 1 else _ALL - 1))
        if self.on_progress:
            self.on_progress(self._reached, _ALL, message)


def _in_words(seconds: float) -> str:
    if seconds < 3:
        return ""
    return f", {seconds:.0f} s left" if seconds < 100 else f", {seconds / 60:.0f} min left"
