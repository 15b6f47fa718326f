"""A piece before its first note: key, metre, sections, tempo, how many bars, and how it slows down into its end.

What was not asked for comes from the habits of the persona and, where there is a mood, from the bridge
(flamingo/mood/cues.py). The length is asked in seconds and met exactly (timing.py).

A piece has one mood, or goes along a path of several: then each part of the path is a section of its own
(sections.py), of whole bars, in major or in the minor of the same tonic. In the middle a piece goes to other keys for
a while (excursions.py).
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events, phrases, timing
from flamingo.composing.chords import Chord, Progression, chord_at
from flamingo.composing.excursions import Excursion, excursions
from flamingo.composing.forms import Form, FormSection, keys_of, planned, shortest, unfit
from flamingo.composing.instruments import PIANO, Instrumentation
from flamingo.composing.model import Bar, Composer
from flamingo.composing.phrase_functions import FUNCTIONS
from flamingo.composing.piece import TEMPO, Key, Metre
from flamingo.composing.sections import Point, Section, modes, shares
from flamingo.composing.texture import TEXTURES
from flamingo.composing.timing import BEFORE_LAST, FASTEST, LAST, SLOWEST
from flamingo.errors import BadRequest
from flamingo.mood import cues

Array = NDArray[Any]


_STROPHIC = 24  # bars of a section of a form from which on it comes back to its own beginning
_LIVELIER = ("broken chords", "repeated chords", "line", "octaves")  # than the one before, in variations


@dataclass(frozen=True)
class Plan:
    """What is settled before the first note.

    Attributes:
        personas: weights by name, which sum to 1.
        key: that of the last section, with which the piece ends.
        metre: of all bars.
        bpm: quarters a minute at the beginning.
        bars, seconds: how many, and how long they last.
        valence, arousal: of the whole, the mean of its sections; None where nothing was asked.
        instrumentation: who plays.
        last: how much longer than in tempo the last bar lasts.
        sections: its moods, in order and without a gap; without any the whole piece is one.
        away: stretches of bars in other keys, each inside a section, in order.
        density: notes a second that were asked for; None where nothing was.
        themes: what each theme of each section is; without any all are free.
        textures: how bars are accompanied, indices of texture.TEXTURES, where that is settled.
        form: its sections, where a form was asked for.
        chords: of each bar, where they were given; from the beginning again where they end.
    """

    personas: Mapping[str, float]
    key: Key
    metre: Metre
    bpm: float
    bars: int
    seconds: float
    valence: float | None
    arousal: float | None
    instrumentation: Instrumentation = PIANO
    last: float = LAST
    sections: tuple[Section, ...] = ()
    away: tuple[Excursion, ...] = ()
    density: float | None = None
    themes: tuple[tuple[phrases.ThemeType, ...], ...] = ()
    textures: Mapping[int, int] = field(default_factory=dict)
    form: tuple[FormSection, ...] = ()
    chords: Progression = ()

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
        """The earlier bar that a bar repeats, or None."""
        origin = self.returning(bar)
        return None if origin is None else origin.bar

    def returning(self, bar: int) -> phrases.Return | None:
        """What a bar repeats (see phrases.py and forms.py): in the key and mode that it is then in, and over the same
        chords where these were given. None where it is new."""
        origin = self._of_form(bar) if self.form else self._of_strophe(bar)
        if origin is None or not self.chords:
            return origin
        # Chords that were given stay, so what comes back comes as it was.
        return origin._replace(steps=0) if self._chords(origin.bar) == self._chords(bar) else None

    def _of_strophe(self, bar: int) -> phrases.Return | None:
        number = self.section(bar)
        section = self.sections[number]
        origin = phrases.returns(bar - section.first, section.bars, self._kinds(number))
        return None if origin is None else origin._replace(bar=section.first + origin.bar)

    def _of_form(self, bar: int) -> phrases.Return | None:
        number = self._form_section(bar)
        section = self.form[number]
        at = bar - section.first
        if section.like is not None and at < section.back:
            return phrases.Return(section.like + at)
        bars = section.bars if section.end == self.bars else section.bars + phrases.END
        strophic = section.bars >= _STROPHIC
        origin = phrases.returns(at, bars, self._kinds(number), strophic=strophic)
        return None if origin is None else origin._replace(bar=section.first + origin.bar)

    def _chords(self, bar: int) -> tuple[Chord, ...]:
        return self.chords[bar % len(self.chords)] if self.chords else ()

    def chord_at(self, bar: int, where: int) -> Chord | None:
        """The chord that was given for a place, in units of its bar; None where none was."""
        return chord_at(self.chords, bar, where / self.metre.units) if self.chords else None

    def _kinds(self, number: int) -> tuple[phrases.ThemeType, ...]:
        return self.themes[number] if number < len(self.themes) else ()

    def _form_section(self, bar: int) -> int:
        return bisect(self.form, bar, key=lambda s: s.first) - 1

    def _within(self, bar: int) -> tuple[int, int]:
        """How far a bar is from the beginning of its section, and how many bars that has."""
        section = self.form[self._form_section(bar)] if self.form else self.sections[self.section(bar)]
        return bar - section.first, section.bars

    def rest(self, bar: int) -> Literal["half", "authentic"] | None:
        """The cadence in which a phrase rests in a bar, if one does; not that of the piece's end. What comes back
        rests where it did the first time; a sequence, a sentence that says its idea again, and a free theme go on."""
        at, bars = self._within(bar)
        goes_on = self.form and bar - at + bars < self.bars  # another section follows, and this one rests at its end
        kind = phrases.rest(at, bars + phrases.END if goes_on else bars)
        origin = self.returning(bar) if kind == "half" else None
        if origin is None:
            return None if kind == "half" and self._free(bar) else kind
        return None if origin.steps else self.rest(origin.bar)

    def _free(self, bar: int) -> bool:
        """Whether nothing comes back in the theme that a bar belongs to: it is one phrase of eight bars."""
        at, _ = self._within(bar)
        number = self._form_section(bar) if self.form else self.section(bar)
        kinds, theme = self._kinds(number), at // phrases.THEME
        return theme < len(kinds) and kinds[theme] == "free"

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
            self.instrumentation.ensemble,
            bar == 0,
            *self._phrase(bar),
            number=bar,
        )

    def _phrase(self, bar: int) -> tuple[int | None, int | None, int | None]:
        """What is told of a bar's phrase: its function, how it is accompanied, and bars to the end of the phrase."""
        at, bars = self._within(bar)
        function, left = phrases.function(at, bars), phrases.left(at, bars)
        middle = bar - at % phrases.THEME + phrases.PHRASE - 1
        if bar <= middle < bar - at + bars - phrases.END and self.rest(middle) is None:
            # A theme that does not rest in its middle is one phrase of eight bars.
            function = "continuation" if bar == middle else function
            left = min(left + phrases.PHRASE, bars - at)
        return FUNCTIONS.index(function), None, left

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
    form: Form | None = None,
    chords: Progression = (),
    instrumentation: Instrumentation = PIANO,
) -> Plan:
    """Fill in what was not asked for from the habits of the persona, as measured on its music, and from the mood, and
    solve the length.

    Args:
        model: whose personas they are.
        random: the dice.
        personas: weights by name, which sum to 1.
        seconds: how long the piece lasts.
        valence, arousal: its mood, -1 to 1.
        path: moods to go through, one a section, in place of one valence and arousal.
        key, tempo, metre: those that were asked for; tempo in quarters a minute.
        modulate: whether the middle goes to other keys.
        density: notes a second.
        form: which sections it has; None for strophes.
        chords: those that it is composed over; it then never leaves its key.
        instrumentation: who plays.

    Raises:
        BadRequest: where no whole number of bars can fill the time, or too few bars for the form do.
    """
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
    timed, last = _timed(seconds, tempos, parts, metre, fixed_tempo, form)
    first = np.cumsum([0, *(bars for bars, _ in timed)]).tolist()
    sections = tuple(
        Section(begin, bars, bpm, mode, v, a, ask)
        for begin, (bars, bpm), mode, (v, a), ask in zip(first, timed, minor, points, asks, strict=False)
    )
    bpm = sections[0].bpm
    if form is not None and len(sections) > 1:
        raise BadRequest(f"form {form}", "a path of moods has sections of its own", "leave one of them out")
    leaves = modulate and not chords
    formal = _formal(form, first[-1], key, seconds, leaves=leaves) if form else ()
    away = excursions(sections, key.tonic, random) if not form else keys_of(formal, key)
    themes = tuple(phrases.themes(section.bars, random) for section in formal or sections)
    plan = Plan(
        dict(personas), key, metre, bpm, first[-1], seconds, valence, arousal, instrumentation, last, sections,
        away if leaves else (), density, themes, {}, formal, chords,
    )  # fmt: skip
    return replace(plan, textures=_textures(plan))


def _formal(form: Form, bars: int, key: Key, seconds: float, *, leaves: bool) -> tuple[FormSection, ...]:
    """The sections of a form. leaves: whether it may go to other keys."""
    if bars < shortest(form):
        enough = math.ceil(seconds * (shortest(form) + 1) / bars)
        raise BadRequest(
            f"form {form} in {seconds:g} s",
            f"{bars} bars are too few for it, which takes {shortest(form)}",
            f"ask for {enough} s or more, or for a faster tempo",
        )
    sections = planned(form, bars, key)
    return sections if leaves else tuple(replace(section, key=key) for section in sections)


def _textures(plan: Plan) -> dict[int, int]:
    """How the bars are accompanied in which a melody returns with another accompaniment."""
    textures: dict[int, int] = {}
    varied = [section for section in plan.form if section.keeps == "melody"]
    for number, section in enumerate(varied):
        texture = TEXTURES.index(_LIVELIER[number % len(_LIVELIER)])
        textures |= dict.fromkeys(range(section.first, section.first + section.back), texture)
    return textures


def _timed(
    seconds: float,
    tempos: Sequence[float],
    parts: Sequence[float],
    metre: Metre,
    fixed_tempo: bool,
    form: Form | None,
) -> tuple[list[tuple[int, float]], float]:
    """Bars and tempo of each section, and the stretch of the last bar."""
    if len(tempos) == 1:
        better = (lambda bars: unfit(form, bars)) if form else (lambda bars: 0.0)
        bars, bpm, last = timing.whole(seconds, tempos[0], metre, fixed_tempo, better)
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
