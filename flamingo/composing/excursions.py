"""Where a piece leaves its key for a while, and where to: the dominant, the relative, ...

People's music seldom stays at home: of four-bar windows of the training works, four in ten are in the key of their
piece. So a section of twelve bars or more goes away once, and a longer one again and again; it comes back in time to
be heard at home before it ends. What began away and returns at home (Plan.theme) returns transposed, as the second
subject of a sonata does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from flamingo.composing import phrases
from flamingo.composing.piece import Key
from flamingo.composing.sections import Section

# Semitones above the tonic and whether in minor, with how often eight-bar windows of the training works are there
# (by Krumhansl's profiles; the keys that a listener finds near): dominant, parallel, mediant, submediant, subdominant
# of a major piece; relative, dominant, subdominant and parallel of a minor one, whose submediant (.054) is left out:
# it has tonic and mediant in common, and of minor pieces that went there one in ten was then heard in it altogether.
_FROM_MAJOR = {(7, False): 0.227, (0, True): 0.060, (4, True): 0.046, (9, True): 0.039, (5, False): 0.039}
_FROM_MINOR = {(3, False): 0.103, (7, True): 0.070, (5, True): 0.047, (0, False): 0.102}
_SHORT, _MIDDLE = 12, 16  # bars of a section from which on it goes away in its second phrase, or in its third
_ONCE, _FIRST = 4, 6  # bars away of a section in which the theme does not come back whole, or comes back soon
_AWAY = 8  # bars away of every strophe between the first and that in which the theme comes back


@dataclass(frozen=True)
class Excursion:
    """A stretch of bars in another key. first: its first bar, counted from 0; bars: how many."""

    first: int
    bars: int
    key: Key

    def transposed(self, semitones: int) -> Excursion:
        """The same bars of a piece that is played higher or lower."""
        return replace(self, key=self.key.transposed(semitones))


def excursions(sections: Sequence[Section], tonic: int, random: np.random.Generator) -> tuple[Excursion, ...]:
    """The excursions of a piece on a tonic. Where a mood was asked the mode stays, for it says more of the mood than
    anything else does."""
    chosen = []
    for section in sections:
        near = _FROM_MINOR if section.minor else _FROM_MAJOR
        if section.valence is not None:
            near = {to: often for to, often in near.items() if to[1] == section.minor}
        often = np.array(list(near.values()))
        for first, bars in _stretches(section.bars):
            above, minor = list(near)[int(random.choice(len(near), p=often / often.sum()))]
            chosen.append(Excursion(section.first + first, bars, Key((tonic + above) % 12, minor)))
    return tuple(chosen)


def _stretches(bars: int) -> list[tuple[int, int]]:
    """(first bar, bars) of the excursions of a section of so many bars: where no theme of home comes back."""
    again = phrases.recapitulation(bars)
    if bars < _SHORT:
        return []
    if again is None:
        return [(phrases.PHRASE if bars < _MIDDLE else 2 * phrases.PHRASE, _ONCE)]
    if again == phrases.STROPHE:
        return [(2 * phrases.PHRASE, _FIRST)]
    return [(first, _AWAY) for first in range(phrases.STROPHE, again, phrases.STROPHE)]
