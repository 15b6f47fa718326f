"""The bridge from mood to music: what each musical cue does where a point on the plane of moods asks for it.

One small table, `CUES`. Each cue starts from what the persona is used to and moves in a straight line with valence
and arousal, and the cues add up: listeners to pieces whose cues were varied one against the other judged them so
(Eerola, Friberg and Bresin 2013, after Juslin and Lindström 2010). Which way a cue goes, and which one leads, is
taken from the studies that are named with it. **By how much is ours**: none of these studies speaks of nats or of
this composer. Tempo goes further than in the training music, whose slope was measured, and articulation as far as it
does, because 48 pieces were heard too alike: a judge that learned from listeners put them in the order that was asked
with .77, and so with .82.

Beside these, the network itself is told valence and arousal at every bar and has learned what goes with them.

Sources:
    Gabrielsson, Lindström: The role of structure in the perceived emotional expression of music (2010), a review
    Juslin, Laukka: Expression, perception, and induction of musical emotions (2004), a review
    Eerola, Friberg, Bresin: Emotional expression in music: contribution, linearity, and additivity of primary
        musical cues (2013), who found the mode to count most, then tempo, register, dynamics and articulation
    Livingstone et al.: Changing musical emotion, a computational rule system (2010), whose rules change mode, tempo,
        loudness, articulation and pitch height by the quadrant of the plane

Left out: that single keys have characters of their own (in equal temperament the key is heard as its height, and so
it stands in the table), and harmony, which is the network's business.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cue:
    """A line of the table. unit: what is moved, and in what; valence, arousal: by how much from the middle of the
    plane to its edge; most: how far from what is usual it ever goes; source: whence the direction."""

    name: str
    unit: str
    valence: float
    arousal: float
    most: float
    source: str

    def at(self, valence: float | None, arousal: float | None, usual: float = 0.0) -> float:
        """The cue at a point.

        Args:
            valence: from -1 to 1; None where nothing is asked of this axis.
            arousal: from -1 to 1; None where nothing is asked of this axis.
            usual: where the persona stands, in the cue's own unit.
        """
        moved = usual + self.valence * (valence or 0.0) + self.arousal * (arousal or 0.0)
        return min(max(moved, -self.most), self.most)


MODE = Cue(
    "mode", "above 0 major, below minor", 1.0, 0.0, 1.0,
    "major with happiness and tenderness, minor with sadness and fear, the strongest of all cues: Gabrielsson and "
    "Lindström 2010; Eerola et al. 2013",
)  # fmt: skip
TEMPO = Cue(
    "tempo", "slopes of the training music (0.5 to 1 octave of tempo)", 0.0, 1.5, 3.0,
    "fast with excitement, anger and joy, slow with sadness, calm and tenderness: Gabrielsson and Lindström 2010; "
    "Juslin and Laukka 2004",
)  # fmt: skip
REGISTER = Cue(
    "register", "nats for a pitch an octave above the middle, on every pitch that is drawn", 0.3, 0.0, 0.3,
    "high with happiness and serenity, low with sadness and menace: Gabrielsson and Lindström 2010; "
    "Eerola et al. 2013",
)  # fmt: skip
DENSITY = Cue(
    "density", "nats a quarter note, against going on to a later attack", 0.0, 0.4, 0.4,
    "many notes a second go with activity as tempo does, and rank music on our scale of arousal: "
    "flamingo/composing/mood.py; no listener's judgement is behind this line",
)  # fmt: skip
LOUDNESS = Cue(
    "loudness", "spreads of loudness in the training music, from its mean", 0.0, 0.8, 0.8,
    "loud with anger and excitement, soft with tenderness, sadness and calm: Juslin and Laukka 2004; "
    "Livingstone et al. 2010",
)  # fmt: skip
ARTICULATION = Cue(
    "articulation", "share by which notes are shortened; below 0, twice the share of gaps that is closed", 0.0, 0.45,
    0.45,
    "staccato with gaiety, energy and anger, legato with sadness and tenderness: Gabrielsson and Lindström 2010; "
    "Juslin and Laukka 2004",
)  # fmt: skip
KEY = Cue(
    "key", "nats a semitone, between the persona's own keys of the mode", 0.15, 0.0, 0.15,
    "as register: a key that lies higher lifts the whole piece",
)  # fmt: skip
COLOUR = Cue(
    "colour", "nats for one spread of what tells major from minor, on every pitch that is drawn", 0.25, 0.0, 0.25,
    "as mode, by degrees: a major piece may be plainly so, or borrow from minor",
)  # fmt: skip
CONSONANCE = Cue(
    "consonance", "nats against a second, tritone or seventh with a note struck at once", 0.5, 0.0, 0.5,
    "simple, consonant harmony with happiness and serenity, dissonance with tension, anger and fear: Gabrielsson and "
    "Lindström 2010; Livingstone et al. 2010",
)  # fmt: skip
CUES = (MODE, TEMPO, REGISTER, DENSITY, LOUDNESS, ARTICULATION, KEY, COLOUR, CONSONANCE)
"""The whole table."""

# A persona that is half in minor goes there below valence 0; one that never is, below -0.15.
_BY_HABIT = 0.3
FAR = 0.15
"""Inside a piece the mode changes only where the cue is so far from 0: near 0 it would be a toss."""


@dataclass(frozen=True)
class Habits:
    """What a persona is used to. minor: share of its pieces in minor; arousal: mean over its music; tempo_slope: by
    how much log2 of the tempo rises with arousal, over all training music."""

    minor: float = 0.5
    arousal: float = 0.0
    tempo_slope: float = 0.0


@dataclass(frozen=True)
class Choices:
    """What a point asks of the composer. mode: above 0 major, below minor, None where nothing was asked; tempo:
    octaves above (or below) the persona's usual one; register, density, key, colour, consonance: as in the table, 0
    is as drawn;
    loudness: spreads from the mean of the training music, None to leave it; articulation: as in the table."""

    mode: float | None = None
    tempo: float = 0.0
    register: float = 0.0
    density: float = 0.0
    loudness: float | None = None
    articulation: float = 0.0
    key: float = 0.0
    colour: float = 0.0
    consonance: float = 0.0


def choices(valence: float | None, arousal: float | None, habits: Habits) -> Choices:
    """What a point of the plane asks of a persona. With both numbers None nothing changes.

    Args:
        valence: from -1, unpleasant, to 1, pleasant; None where nothing is asked.
        arousal: from -1, calm, to 1, exciting; None where nothing is asked.
        habits: what the persona is used to.
    """
    of_persona = _BY_HABIT * (0.5 - habits.minor)
    usual = -TEMPO.arousal * habits.arousal
    return Choices(
        mode=None if valence is None else MODE.at(valence, arousal, of_persona),
        tempo=0.0 if arousal is None else habits.tempo_slope * TEMPO.at(valence, arousal, usual),
        register=REGISTER.at(valence, arousal),
        density=DENSITY.at(valence, arousal),
        loudness=None if arousal is None else LOUDNESS.at(valence, arousal),
        articulation=ARTICULATION.at(valence, arousal),
        key=KEY.at(valence, arousal),
        colour=COLOUR.at(valence, arousal),
        consonance=CONSONANCE.at(valence, arousal),
    )
