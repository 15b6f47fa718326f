"""A piece before its first note: key, metre, tempo, how many bars, and how it slows down into its end.

The length is asked in seconds and met exactly. Without a tempo, whole bars are counted at the persona's own tempo and
the tempo is then moved so that they fill the time. With a tempo, every bar before the last two is
played just so, and the last chord is held for what is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.model import Bar, Composer
from flamingo.composing.piece import TEMPO, UNITS, Key, Metre
from flamingo.errors import BadRequest

Array = NDArray[Any]

SHORTEST, LONGEST = 4.0, 3600.0
"""Seconds that a piece may last."""
SLOWEST, FASTEST = 30.0, 280.0
"""Quarter notes a minute that may be asked for."""
# Of the last two bars: how much longer than in tempo they last. Human endings slow down by about this much.
_BEFORE_LAST, _LAST = 1.12, 1.45
_LEAST_LAST, _MOST_LAST = 1.0, 2.2


@dataclass(frozen=True)
class Plan:
    """What is settled before the first note. bpm: quarters a minute before the ritardando."""

    personas: Mapping[str, float]
    key: Key
    metre: Metre
    bpm: float
    bars: int
    seconds: float
    valence: float | None
    arousal: float | None
    ensemble: int = 0
    last: float = _LAST

    def told(self, bar: int) -> Bar:
        """What the network is told of a bar."""
        return Bar(
            self.personas,
            self.valence,
            self.arousal,
            self.bars - bar,
            self.bpm,
            events.metre_index(self.metre),
            self.key.minor,
            self.ensemble,
            bar == 0,
        )

    @property
    def tempos(self) -> Array:
        """The tempo map, ritardando included: it falls beat by beat through the last two bars."""
        units = self.metre.units
        changes = [(0, self.bpm)]
        if self.bars >= 3:
            # Linear in slowness over the beats of the bar before the last, mean _BEFORE_LAST.
            begin = (self.bars - 2) * units
            beats = max(1, units // self.metre.beat)
            slow = np.linspace(1.0, 2 * _BEFORE_LAST - 1.0, beats + 2)[1:-1]
            slow *= _BEFORE_LAST / slow.mean()
            changes += [(begin + i * self.metre.beat, self.bpm / s) for i, s in enumerate(slow)]
        changes.append(((self.bars - 1) * units, self.bpm / self.last))
        return np.array(changes, TEMPO)


def settle(
    model: Composer,
    random: np.random.Generator,
    *,
    personas: Mapping[str, float],
    seconds: float,
    valence: float | None = None,
    arousal: float | None = None,
    key: Key | None = None,
    tempo: float | None = None,
    metre: Metre | None = None,
) -> Plan:
    """Fill in what was not asked for from the habits of the persona, as measured on its music, and solve the length.
    Raises BadRequest where no whole number of bars can fill the time."""
    habits = [(model.facts["habits"][name], weight) for name, weight in personas.items()]
    chosen = habits[int(random.choice(len(habits), p=[w for _, w in habits]))][0]
    if key is None:
        # Minor for what should sound unpleasant and major for pleasant: the one thing listeners agree on most.
        minor = bool(random.random() < chosen["minor"]) if valence is None else valence < -0.05
        tonics = chosen["tonics"]["minor" if minor else "major"]
        key = Key(int(random.choice(12, p=np.array(tonics) / sum(tonics))), minor)
    if metre is None:
        names = list(chosen["metres"])
        shares = np.array([chosen["metres"][n]["share"] for n in names])
        metre = Metre.parse(names[int(random.choice(len(names), p=shares / shares.sum()))])
    given = tempo is not None
    if tempo is None:
        # A quarter note is another thing in 3/8 than in 2/2, so each metre has a tempo of its own.
        usual = [h["metres"].get(str(metre), {"tempo": h["tempo"]})["tempo"] for h, _ in habits]
        middle = sum(w * t for t, (_, w) in zip(usual, habits, strict=True)) + random.normal(0, 0.12)
        if arousal is not None:
            middle += model.facts["tempo_slope"] * (arousal - sum(w * h["arousal"] for h, w in habits))
        tempo = float(np.clip(2.0**middle, SLOWEST + 6, FASTEST - 40))
    bars, bpm, last = _fill(seconds, tempo, metre, given)
    return Plan(dict(personas), key, metre, bpm, bars, seconds, valence, arousal, 0, last)


def _fill(seconds: float, tempo: float, metre: Metre, given: bool) -> tuple[int, float, float]:
    """Bars, tempo and stretch of the last bar that fill the time exactly."""
    bar = metre.units / UNITS * 60 / tempo

    def stretched(n: int, last: float) -> float:
        return n - 2 + (_BEFORE_LAST if n >= 3 else 1.0) + last

    if given:
        # The largest number of bars whose last one is still held at least as long as written.
        for n in range(max(2, int(seconds / bar) + 2), 1, -1):
            last = seconds / bar - stretched(n, 0.0)
            if last >= _LEAST_LAST:
                if last <= _MOST_LAST + 0.2:
                    return n, tempo, last
                break
        shortest = bar * stretched(2, _LEAST_LAST)
        raise BadRequest(
            f"{seconds:g} s at tempo {tempo:g} in {metre}",
            f"two bars alone take {shortest:.1f} s",
            f"ask for a tempo of {math.ceil(tempo * shortest / seconds)} or more, or for more seconds",
        )
    n = max(2, round(seconds / bar - (_BEFORE_LAST + _LAST - 2)))
    bpm = metre.units / UNITS * 60 * stretched(n, _LAST) / seconds
    return n, float(bpm), _LAST


def weights_of(text: str, known: Sequence[str]) -> dict[str, float]:
    """ "beethoven" or "beethoven=.7,schubert=.3" as weights that sum to 1. Raises BadRequest for an unknown persona,
    naming the nearest known one, and for weights that are none."""
    from difflib import get_close_matches

    found: dict[str, float] = {}
    for part in (p.strip() for p in text.split(",") if p.strip()):
        name, equals, number = part.partition("=")
        name = name.strip().lower()
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
            raise BadRequest(f"persona {name!r}", "is not known here", hint)
        try:
            weight = float(number) if equals else 1.0
        except ValueError:
            weight = -1.0
        if not 0 <= weight < float("inf"):
            raise BadRequest(f"persona {part!r}", "its weight is not a number from 0 up", f"try {name}=0.5")
        found[name] = found.get(name, 0.0) + weight
    total = sum(found.values())
    if not 0 < total < float("inf"):
        raise BadRequest(f"persona {text!r}", "no persona has any weight", f"try {known[0]}")
    return {name: weight / total for name, weight in found.items() if weight > 0}
