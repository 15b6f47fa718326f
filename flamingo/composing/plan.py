"""A piece before its first note: key, metre, sections, tempo, how many bars, and how it slows down into its end.

What was not asked for comes from the habits of the persona and, where there is a mood, from the bridge
(flamingo/mood/cues.py). The length is asked in seconds and met exactly (timing.py).

A piece has one mood, or goes along a path of several: then each part of the path is a section of its own
(sections.py), of whole bars, in major or in the minor of the same tonic. In the middle a piece goes to other keys for
a while (excursions.py).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events, phrases, timing
from flamingo.composing.excursions import Excursion, excursions
from flamingo.composing.model import Bar, Composer
from flamingo.composing.phrase_functions import FUNCTIONS
from flamingo.composing.piece import TEMPO, Key, Metre
from flamingo.composing.sections import Point, Section, modes, shares
from flamingo.composing.timing import BEFORE_LAST, FASTEST, LAST, SLOWEST
from flamingo.errors import BadRequest
from flamingo.mood import cues

Array = NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """What is settled before the first note. key: that of the last section, with which the piece ends; bpm: quarters
    a minute at the beginning; valence, arousal: of the whole, the mean of its sections; sections: in order, without a
    gap (without any the whole piece is one); away: stretches of bars in other keys, each inside a section, in
    order; density: notes a second that were asked for, None where nothing was; themes: what each theme of each
    section is (without any all are free)."""

    personas: Mapping[str, float]
    key: Key
    metre: Metre
    bpm: float
    bars: int
    seconds: float
    valence: float | None
    arousal: float | None
    ensemble: int = 0
    last: float = LAST
    sections: tuple[Section, ...] = ()
    away: tuple[Excursion, ...] = ()
    density: float | None = None
    themes: tuple[tuple[phrases.ThemeType, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.sections:
            whole = Section(0, self.bars, self.bpm, self.key.minor, self.valence, self.arousal)
            object.__setattr__(self, "sections", (whole,))

    def section(self, bar: int) -> int:
        """Which section a bar belongs to."""
        return bisect(self.sections, bar, key=lambda s: s.first) - 1

    def turns(self, bar: int) -> Section | None:
        """The section to which a bar leads over: the next one, in the last bar of any but the last; else None."""
        after = self.section(bar) + 1
        return self.sections[after] if after < len(self.sections) and bar + 1 == self.sections[after].first else None

    def theme(self, bar: int) -> int | None:
        """The earlier bar that a bar repeats, or None (see phrases.py): in the key that it is then in, but not in
        another mode."""
        section = self.sections[self.section(bar)]
        kinds = self.themes[self.section(bar)] if self.themes else ()
        origin = phrases.returns(bar - section.first, section.bars, kinds)
        if origin is None:
            return None
        then = section.first + origin
        return then if self.key_at(then).minor == self.key_at(bar).minor else None

    def rest(self, bar: int) -> Literal["half", "authentic"] | None:
        """The cadence in which a phrase rests in a bar, if one does; not that of the piece's end."""
        section = self.sections[self.section(bar)]
        return phrases.rest(bar - section.first, section.bars)

    def home_at(self, bar: int) -> Key:
        """The key of the section that a bar belongs to."""
        return Key(self.key.tonic, self.sections[self.section(bar)].minor)

    def key_at(self, bar: int) -> Key:
        """The key that a bar is in."""
        return next((e.key for e in self.away if e.first <= bar < e.first + e.bars), self.home_at(bar))

    def conditions(self, bar: int, minor: bool | None = None) -> Bar:
        """The conditions under which a bar is drawn. A bar that leads over to the next section has a mood half way.

        Args:
            bar: its number, from 0.
            minor: the mode, in place of the bar's own.
        """
        here, after = self.sections[self.section(bar)], self.turns(bar)
        return Bar(
            self.personas,
            _between(here.valence, after.valence if after else here.valence),
            _between(here.arousal, after.arousal if after else here.arousal),
            self.bars - bar,
            here.bpm,
            events.metre_index(self.metre),
            self.key_at(bar).minor if minor is None else minor,
            self.ensemble,
            bar == 0,
            *self._phrase(bar),
            number=bar,
        )

    def _phrase(self, bar: int) -> tuple[int | None, int | None, int | None]:
        """What is told of a bar's phrase: its function, how it is accompanied, and bars to the end of the phrase."""
        section = self.sections[self.section(bar)]
        at = bar - section.first
        return FUNCTIONS.index(phrases.function(at, section.bars)), None, phrases.left(at, section.bars)

    @property
    def tempos(self) -> Array:
        """The tempo map. From one section to the next it moves beat by beat through the last bar of the first, and
        it falls beat by beat through the last two bars of the piece."""
        units, beat = self.metre.units, self.metre.beat
        beats = max(1, units // beat)
        changes = {0: self.bpm}
        for here, after in pairwise(self.sections):
            if here.bpm != after.bpm:
                # Linear in slowness, so that the bar lasts as long as the mean of one of each tempo.
                slow = np.linspace(1 / here.bpm, 1 / after.bpm, beats + 2)[1:-1]
                changes |= {(after.first - 1) * units + i * beat: 1 / s for i, s in enumerate(slow)}
                changes[after.first * units] = after.bpm
        bpm = self.sections[-1].bpm
        if self.bars >= 3:
            # Linear in slowness over the beats of the bar before the last, mean BEFORE_LAST.
            begin = (self.bars - 2) * units
            slow = np.linspace(1.0, 2 * BEFORE_LAST - 1.0, beats + 2)[1:-1]
            slow *= BEFORE_LAST / slow.mean()
            changes |= {begin + i * beat: bpm / s for i, s in enumerate(slow)}
        changes[(self.bars - 1) * units] = bpm / self.last
        return np.array(sorted(changes.items()), TEMPO)


def _between(here: float | None, after: float | None) -> float | None:
    return here if here is None or after is None else (here + after) / 2


def settle(
    model: Composer,
    random: np.random.Generator,
    *,
    personas: Mapping[str, float],
    seconds: float,
    valence: float | None = None,
    arousal: float | None = None,
    path: Sequence[Point] = (),
    key: Key | None = None,
    tempo: float | None = None,
    metre: Metre | None = None,
    modulate: bool = True,
    density: float | None = None,
) -> Plan:
    """Fill in what was not asked for from the habits of the persona, as measured on its music, and from the mood, and
    solve the length. path: moods to go through, one a section, in place of one valence and arousal; modulate: whether
    the middle goes to other keys; density: notes a second. Raises BadRequest where no whole number of bars can fill
    the time."""
    habits = [(model.facts["habits"][name], weight) for name, weight in personas.items()]
    chosen = habits[int(random.choice(len(habits), p=[w for _, w in habits]))][0]
    usual = cues.Habits(chosen["minor"], sum(w * h["arousal"] for h, w in habits), model.facts["tempo_slope"])
    parts = shares(path)
    if path:
        valence, arousal = (sum(s * p[i] for s, p in zip(parts, path, strict=True)) for i in (0, 1))
    points = [(p.valence, p.arousal) for p in path] if path else [(valence, arousal)]
    asks = [cues.choices(v, a, usual) for v, a in points]
    if key is None:
        minor = modes([ask.mode for ask in asks], lambda: bool(random.random() < chosen["minor"]))
        lift = sum(share * ask.key for share, ask in zip(parts, asks, strict=True))
        key = Key(_tonic(chosen["tonics"]["minor" if minor[-1] else "major"], lift, random), minor[-1])
    else:
        minor = [key.minor] * len(asks)
    if metre is None:
        names = list(chosen["metres"])
        often = np.array([chosen["metres"][n]["share"] for n in names])
        metre = Metre.parse(names[int(random.choice(len(names), p=often / often.sum()))])
    fixed_tempo = tempo is not None
    if tempo is None:
        # A quarter note is another thing in 3/8 than in 2/2, so each metre has a tempo of its own.
        own = [h["metres"].get(str(metre), {"tempo": h["tempo"]})["tempo"] for h, _ in habits]
        middle = sum(w * t for t, (_, w) in zip(own, habits, strict=True)) + random.normal(0, 0.12)
        tempos = [float(np.clip(2.0 ** (middle + ask.tempo), SLOWEST + 6, FASTEST - 40)) for ask in asks]
    else:
        tempos = [tempo] * len(asks)
    timed, last = _timed(seconds, tempos, parts, metre, fixed_tempo)
    first = np.cumsum([0, *(bars for bars, _ in timed)]).tolist()
    sections = tuple(
        Section(begin, bars, bpm, mode, v, a, ask)
        for begin, (bars, bpm), mode, (v, a), ask in zip(first, timed, minor, points, asks, strict=False)
    )
    bpm = sections[0].bpm
    away = excursions(sections, key.tonic, random) if modulate else ()
    themes = tuple(phrases.themes(section.bars, random) for section in sections)
    return Plan(
        dict(personas), key, metre, bpm, first[-1], seconds, valence, arousal, 0, last, sections, away, density,
        themes,
    )  # fmt: skip


def _timed(
    seconds: float, tempos: Sequence[float], parts: Sequence[float], metre: Metre, fixed_tempo: bool
) -> tuple[list[tuple[int, float]], float]:
    """Bars and tempo of each section, and the stretch of the last bar."""
    if len(tempos) == 1:
        bars, bpm, last = timing.whole(seconds, tempos[0], metre, fixed_tempo)
        return [(bars, bpm)], last
    if not fixed_tempo:
        return timing.along(seconds, tempos, parts, metre), LAST
    counts, last = timing.divided(seconds, tempos[0], parts, metre)
    return [(bars, tempos[0]) for bars in counts], last


def _tonic(often: Sequence[float], lift: float, random: np.random.Generator) -> int:
    """One of the persona's tonics, the higher ones likelier by `lift` nats a semitone."""
    weights = np.array(often)
    if lift:
        weights = weights * np.exp(lift * np.array([events.shift_of(tonic) for tonic in range(12)]))
    return int(random.choice(12, p=weights / sum(weights)))


def weights_of(text: str, names: Sequence[str]) -> dict[str, float]:
    """ "beethoven" or "beethoven=.7,schubert=.3" as weights that sum to 1. Raises BadRequest for an unknown persona,
    naming the nearest known one, and for weights that are none."""
    from difflib import get_close_matches

    weights: dict[str, float] = {}
    for part in (p.strip() for p in text.split(",") if p.strip()):
        name, equals, number = part.partition("=")
        name = name.strip().lower()
        if name not in names:
            near = get_close_matches(name, names, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(names)}"
            raise BadRequest(f"persona {name!r}", "is not known here", hint)
        try:
            weight = float(number) if equals else 1.0
        except ValueError:
            weight = -1.0
        if not 0 <= weight < float("inf"):
            raise BadRequest(f"persona {part!r}", "its weight is not a number from 0 up", f"try {name}=0.5")
        weights[name] = weights.get(name, 0.0) + weight
    total = sum(weights.values())
    if not 0 < total < float("inf"):
        raise BadRequest(f"persona {text!r}", "no persona has any weight", f"try {names[0]}")
    return {name: weight / total for name, weight in weights.items() if weight > 0}
