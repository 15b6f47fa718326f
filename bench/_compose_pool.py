"""The music that bench/compose.py measures: what people wrote, and pieces composed for it, each made only once.

Pieces are drawn straight from plans, sixteen together, as the verb `compose` draws them, with its usual dice. They
are measured as scores, before a player's freedom is added; only loudness is brought to the mood as the verb does it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from flamingo import weights
from flamingo.composing import originality, pipeline
from flamingo.composing.model import Composer
from flamingo.composing.options import ComposeOptions, SamplingOptions
from flamingo.composing.parts import ensemble_of
from flamingo.composing.piece import Key, Piece
from flamingo.composing.plan import Plan, settle
from flamingo.composing.sampling import _TRIES, Drawn, draw
from flamingo.errors import BadRequest
from flamingo.train.corpus import sources

FAVOURITES = ("beethoven", "mozart", "schubert", "chopin")
TOGETHER = 16
LASTS = 30.0
FORMAL, FORMAL_LASTS = 60, 90.0
SHORT, LONG = 8.0, 120.0
SLOW, FAST = 50.0, 180.0


@dataclass(frozen=True)
class Made:
    """A composed piece with the plan that was asked for."""

    drawn: Drawn
    piece: Piece
    tempo_given: bool = False

    @property
    def plan(self) -> Plan:
        return self.drawn.plan


def written(drawn: Drawn) -> bool:
    """Whether the end is the plain one that is written where none was found in twelve draws."""
    if drawn.retries < _TRIES:
        return False
    third = 3 if drawn.plan.key.minor else 4
    last = drawn.events[drawn.lines[-1] + 1 :]
    return sorted(last[:, 1].tolist()) == [24, 36, 48 + third, 55] and len(set(last[:, 3].tolist())) == 1


@dataclass
class Pool:
    """Everything that several sections share, made when first asked for. seconds: what the drawing of each took."""

    music: Sequence[Path]
    pieces: int = 200
    seed: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    # ------------------------------------------------------------------ by people
    @cached_property
    def model(self) -> Composer:
        return Composer.load()

    @cached_property
    def index(self) -> originality.Index:
        return originality.Index.load(weights.path("composer", "fingerprints"))

    @cached_property
    def pairs(self) -> list[tuple[sources.Source, Piece]]:
        note("reading the music of people")
        return sources.read(sources.find(list(self.music)))

    def split(self, *names: str, keyboard: bool = True) -> list[tuple[sources.Source, Piece]]:
        """Works of some sides of the split; `keyboard`: those for keyboard alone."""
        found = [(s, p) for s, p in self.pairs if s.split in names]
        return [(s, p) for s, p in found if ensemble_of(p) == 0] if keyboard else found

    @property
    def favourites(self) -> tuple[str, ...]:
        """The four personas of whom most is measured, or the first four where the model knows others."""
        known = tuple(name for name in FAVOURITES if name in self.model.personas)
        return known if len(known) >= 2 else self.model.personas[:4]

    # ------------------------------------------------------------------ composed
    @cached_property
    def plain(self) -> list[Made]:
        """30 s, one of the four personas, any of 24 keys, no mood."""
        random = np.random.default_rng((self.seed, 1))
        plans = [self._plan(random, key=_any_key(random)) for _ in range(self.pieces)]
        return self.compose("plain", 1, plans)

    @cached_property
    def lengths(self) -> list[Made]:
        """Half as many, of 8 to 120 s, any key; every second one at a tempo that was asked for."""
        random = np.random.default_rng((self.seed, 2))
        plans, given = [], []
        while len(plans) < max(2, self.pieces // 2):
            with_tempo = len(plans) % 2 == 1
            tempo = float(np.exp(random.uniform(np.log(SLOW), np.log(FAST)))) if with_tempo else None
            seconds = float(np.exp(random.uniform(np.log(SHORT), np.log(LONG))))
            try:
                plans.append(self._plan(random, seconds=seconds, key=_any_key(random), tempo=tempo))
            except BadRequest:  # two slow bars do not go into eight seconds, and it says so
                continue
            given.append(with_tempo)
        made = self.compose("lengths", 2, plans)
        return [Made(m.drawn, m.piece, g) for m, g in zip(made, given, strict=True)]

    @cached_property
    def formal(self) -> list[Made]:
        """As `plain`, but of 90 s, so that nearly all have 32 bars; as many, up to 60."""
        random = np.random.default_rng((self.seed, 7))
        count = min(self.pieces, FORMAL)
        plans = [self._plan(random, seconds=FORMAL_LASTS, key=_any_key(random)) for _ in range(count)]
        return self.compose("formal", 7, plans)

    @cached_property
    def moods(self) -> list[Made]:
        """30 s, one of the four personas, any valence and arousal and nothing else."""
        random = np.random.default_rng((self.seed, 3))
        plans = []
        for _ in range(self.pieces):
            valence, arousal = random.uniform(-1, 1, 2).tolist()
            plans.append(self._plan(random, valence=valence, arousal=arousal))
        return self.compose("moods", 3, plans)

    @cached_property
    def everyone(self) -> list[Made]:
        """30 s in the persona of each one that the model knows, by turns."""
        random = np.random.default_rng((self.seed, 4))
        names = self.model.personas
        each = max(2, self.pieces // 2 // len(names))
        plans = [self._plan(random, personas={name: 1.0}) for name in names for _ in range(each)]
        return self.compose("everyone", 4, plans)

    def mixes(self, first: str, second: str, parts: Sequence[float], each: int) -> list[list[Made]]:
        """`each` pieces for every part of the first persona in a mix of two; plans come from the same dice for every
        part."""
        plans = []
        for part in parts:
            random = np.random.default_rng((self.seed, 5))
            told = {name: w for name, w in ((first, part), (second, 1 - part)) if w > 0}
            plans += [self._plan(random, personas=told) for _ in range(each)]
        made = self.compose(f"{first} and {second}", 5, plans)
        return [made[i : i + each] for i in range(0, len(made), each)]

    def several(self, count: int, draws: int) -> list[list[Made]]:
        """`draws` pieces from each of `count` plans: among them the critic chooses."""
        random = np.random.default_rng((self.seed, 6))
        plans = [self._plan(random) for _ in range(count)]
        made = self.compose("several of each", 6, [plan for plan in plans for _ in range(draws)])
        return [made[i : i + draws] for i in range(0, len(made), draws)]

    def _plan(self, random: np.random.Generator, *, personas: Mapping[str, float] | None = None, **more: Any) -> Plan:
        who = personas or {self.favourites[int(random.integers(len(self.favourites)))]: 1.0}
        return settle(self.model, random, personas=who, seconds=more.pop("seconds", LASTS), **more)

    def compose(self, name: str, stream: int, plans: Sequence[Plan]) -> list[Made]:
        """A piece for every plan; `stream` tells these seeds from those of other pools."""
        begun = time.perf_counter()
        made: list[Made | None] = [None] * len(plans)
        # Pieces that are drawn together should end together: the last ones are drawn in small company, which is dear.
        order = sorted(range(len(plans)), key=lambda i: plans[i].seconds)
        for first in range(0, len(plans), TOGETHER):
            part = order[first : first + TOGETHER]
            drawn = draw(
                self.model, [plans[i] for i in part], [(self.seed, stream, i) for i in part], SamplingOptions()
            )
            for i, one in zip(part, drawn, strict=True):
                made[i] = Made(one, self._heard(one))
            note(f"{name}: {first + len(part)} of {len(plans)} composed, {time.perf_counter() - begun:.0f} s")
        self.seconds[name] = time.perf_counter() - begun
        return [m for m in made if m is not None]

    def _heard(self, drawn: Drawn) -> Piece:
        """The piece as the verb would play it, with no freedom of a player."""
        return pipeline.performed(self.model, drawn, drawn.plan.personas, ComposeOptions(humanise=0.0), None, 0)[0]


def _any_key(random: np.random.Generator) -> Key:
    which = int(random.integers(24))
    return Key(which % 12, which >= 12)


def note(text: str) -> None:
    """A line of progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def asked(made: Sequence[Made]) -> list[str]:
    """The persona of each; of a mix the heaviest."""
    return [max(m.plan.personas, key=lambda name: m.plan.personas[name]) for m in made]


def scores(made: Sequence[Made]) -> list[Piece]:
    return [m.piece for m in made]
