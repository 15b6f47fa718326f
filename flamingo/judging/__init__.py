"""The critic: what a painted picture holds of its photo and of its painting, in figures, words and maps.

The verb is `flamingo.judging.verb.judge`; `Critic` is for those who have pixels; `best_of` chooses among variants.
"""

from __future__ import annotations

from flamingo.judging.critic import Critic, Critique, Figure, best_of

__all__ = ["Critic", "Critique", "Figure", "best_of"]
