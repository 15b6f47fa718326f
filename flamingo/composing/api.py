"""The verb `compose`, defined once: its arguments, their meaning and limits, and what comes back.

As for `paint`, the signature of `compose` is the definition: the command line, the HTTP API and the page are made
from it.
"""

from __future__ import annotations

import time
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from flamingo import provenance
from flamingo.composing import events, originality, performance, reading, rerank, writing
from flamingo.composing.excursions import Excursion
from flamingo.composing.key_estimation import ending
from flamingo.composing.model import Composer
from flamingo.composing.personas import Cast, cast
from flamingo.composing.piece import BAR, Key, Metre, Piece
from flamingo.composing.plan import Plan, settle
from flamingo.composing.request import MoodRequest
from flamingo.composing.sampling import Dice, Drawn, draw
from flamingo.composing.sections import Point, Section
from flamingo.composing.timing import FASTEST, LONGEST, SHORTEST, SLOWEST
from flamingo.errors import BadRequest, FlamingoError, OutputError, show
from flamingo.files import sha256
from flamingo.options import ONE_OR_MANY, checked

Array = NDArray[Any]
Progress = Callable[[int, int, str], None]
"""Called as (done, all, what is being done)."""

Paths = tuple[Path, ...] | None
_REDRAWS = 6


@dataclass(frozen=True)
class ComposeResult:
    """One piece: itself, the files that it was written to, what must be told about it, how original it is, and
    everything that made it, enough to make the same piece again; sections: its moods; away: where it goes to other
    keys. error: why it was not written, or not to all of
    its files, or None."""

    piece: Piece
    files: tuple[Path, ...] = ()
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    originality: originality.Originality | None = None
    mood: tuple[float, float] = (0.0, 0.0)
    seconds: float = 0.0
    recipe: dict[str, Any] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    away: tuple[Excursion, ...] = ()

    @property
    def file(self) -> Path | None:
        """The first of its files, or None if there is none."""
        return self.files[0] if self.files else None

    def timeline(self) -> list[dict[str, Any]]:
        """Each section as it is played: when it begins in seconds, its key, its tempo in quarters a minute, and the
        valence and arousal that were asked of it (None where nothing was)."""
        found = []
        for section in self.sections:
            start = self.piece.edges[section.first]
            at = np.searchsorted(self.piece.tempos["start"], start, side="right") - 1
            found.append({
                "begins": round(float(self.piece.seconds(start)), 3),
                "key": str(Key(self.piece.key.tonic, section.minor)),
                "tempo": round(float(self.piece.tempos["bpm"][at]), 2),
                "valence": section.valence,
                "arousal": section.arousal,
            })  # fmt: skip
        return found

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        piece, shared = self.piece, self.originality
        return {
            "file": str(self.file) if self.file else None,
            "files": [str(file) for file in self.files],
            "error": str(self.error) if self.error else None,
            "title": piece.title,
            "key": str(piece.key),
            "metre": str(piece.metre()),
            "tempo": round(float(piece.tempos["bpm"][0]), 2),
            "bars": len(piece.bars),
            "notes": len(piece.notes),
            "lasts": round(float(piece.seconds()), 3),
            "valence": round(self.mood[0], 3),
            "arousal": round(self.mood[1], 3),
            "sections": self.timeline(),
            "excursions": [{"bar": e.first + 1, "bars": e.bars, "key": str(e.key)} for e in self.away],
            "originality": shared.sentence if shared else None,
            "original": shared.original if shared else None,
            "remarks": list(self.notes),
            "seconds": round(self.seconds, 3),
            "recipe": self.recipe,
        }


@checked
def compose(
    *,
    persona: Annotated[
        str,
        Field(description="Whose manner: one of `flamingo personas`, or a mix such as beethoven=.7,schubert=.3."),
    ] = "beethoven",
    seconds: Annotated[
        float, Field(ge=SHORTEST, le=LONGEST, allow_inf_nan=False, description="How long the piece lasts.")
    ] = 30.0,
    mood: Annotated[
        str | None, Field(description="A word for the mood: happy, sad, angry, calm, tender, dramatic, ...")
    ] = None,
    valence: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="From -1, unpleasant, to 1, pleasant."),
    ] = None,
    arousal: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="From -1, calm, to 1, excited."),
    ] = None,
    photo: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            min_length=1,
            description="Photo whose mood the music takes; of several (or a folder) each gets a section.",
        ),
    ] = None,
    words: Annotated[str | None, Field(description="A sentence whose mood the music takes.")] = None,
    key: Annotated[str | None, Field(description="Key, such as 'C minor' or Eb; without it the persona's.")] = None,
    tempo: Annotated[
        float | None,
        Field(ge=SLOWEST, le=FASTEST, allow_inf_nan=False, description="Quarter notes a minute, kept exactly."),
    ] = None,
    metre: Annotated[str | None, Field(description="Time signature: 4/4, 3/4, 2/4, 6/8, ...")] = None,
    density: Annotated[
        float | None,
        Field(
            ge=0.5,
            le=30,
            allow_inf_nan=False,
            description="Notes a second, about; without it as persona and mood have it. --speed multiplies it.",
        ),
    ] = None,
    modulate: Annotated[bool, Field(description="Go to other keys on the way, as people's music does.")] = True,
    instrument: Annotated[
        str, Field(description="Who plays: piano, harpsichord, strings, ...; or melody first: flute,piano,cello.")
    ] = "piano",
    continue_from: Annotated[
        Path | None, Field(description="Music that the piece begins with and goes on from: MIDI, MusicXML, sound.")
    ] = None,
    variations: Annotated[int, Field(ge=1, le=100, description="How many different pieces to write.")] = 1,
    best: Annotated[int, Field(ge=1, le=32, description="Draw so many for each piece and keep the best.")] = 1,
    original: Annotated[
        bool, Field(description="Draw again while a piece shares more with the training music than people's do.")
    ] = False,
    temperature: Annotated[
        float, Field(ge=0, le=3, allow_inf_nan=False, description="Daring: 0 takes the likeliest note, 1 is natural.")
    ] = 1.0,
    top_p: Annotated[
        float,
        Field(gt=0, le=1, allow_inf_nan=False, description="Choose among the likeliest of this share."),
    ] = 0.99,
    min_p: Annotated[
        float, Field(ge=0, lt=1, allow_inf_nan=False, description="Leave out what is less likely, by this factor.")
    ] = 0.005,
    guidance: Annotated[
        float, Field(ge=0, le=5, allow_inf_nan=False, description="How strongly persona and mood are insisted on.")
    ] = 1.5,
    humanise: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="A player's freedom in timing and loudness.")
    ] = 0.5,
    speed: Annotated[
        float,
        Field(ge=0.25, le=4, allow_inf_nan=False, description="Play it so many times as fast; its length changes."),
    ] = 1.0,
    pitch: Annotated[int, Field(ge=-24, le=24, description="Play it so many semitones higher or lower.")] = 0,
    soundfont: Annotated[
        Path | None, Field(description="SoundFont (.sf2) to play it with, instead of the small one installed.")
    ] = None,
    view: Annotated[
        Literal["roll", "score"],
        Field(description="What a .png shows: piano roll, or the score's first page."),
    ] = "roll",
    seed: Annotated[int, Field(ge=0, lt=2**32, description="The same seed gives the same piece.")] = 0,
    output: Annotated[
        Path | tuple[Path, ...] | None,
        ONE_OR_MANY,
        Field(
            min_length=1,
            description="File to write, by its suffix: .mid .wav .mp3 .ogg .flac .musicxml .svg .pdf .png; "
            "several give the same piece as several kinds; without it composed/PERSONA-SEED.mp3.",
        ),
    ] = None,
    overwrite: Annotated[bool, Field(description="Replace a result that is already there.")] = False,
    path: tuple[Point, ...] | None = None,
    on_progress: Progress | None = None,
) -> list[ComposeResult]:
    """Compose music in the persona of a composer, of the asked length, that ends as a piece should.

    Returns one `ComposeResult` a variation, each written to its files (`output`, or numbered from 1 if there are
    several variations), with credentials that say what made it (see flamingo.provenance). What each shares with
    the music that was learned from is in `originality`. path: for Python alone, what several photos give:
    (valence, arousal, weight) of each section, which gets its share of the time by weight.

    Raises BadRequest for what cannot be asked, an OutputError if the result cannot be put there, a BadInput for a
    file that cannot be read, and a ModelError if the composer cannot be used. An exception that on_progress raises,
    such as KeyboardInterrupt, cancels what is left; files are written whole or not at all.
    """
    who = cast(persona)
    model, personas = who.model, who.personas
    photos, outputs = typing.cast(Paths, photo), typing.cast(Paths, output)  # see ONE_OR_MANY
    asked = MoodRequest(mood, valence, arousal, photos, words, path)
    names = performance.instruments_of(instrument)
    wished_key = Key.parse(key) if key is not None else None
    wished_metre = metre_of(metre) if metre is not None else None
    wanted = outputs or (Path("composed") / f"{'-'.join(personas)}-{seed}.mp3",)
    if output is None:
        make_folder(wanted[0].parent)
    files = files_of_variations(wanted, variations)
    never = [p for p in (continue_from, soundfont, *asked.files) if p is not None]
    for file in (each for group in files for each in group):
        writing.check(file, soundfont=soundfont, overwrite=overwrite, never=never, view=view, credited=True)
    provenance.ready()
    begun_with, left_out = _melody(continue_from, wished_metre) if continue_from is not None else (None, ())
    if begun_with is not None:
        wished_key, wished_metre = wished_key or begun_with.key, begun_with.metre()
        tempo = tempo or float(np.clip(begun_with.bpm, SLOWEST, FASTEST))
    felt = asked.understood(lambda photo: _say(on_progress, 0, variations, f"looking at {photo.name}"))
    wish = _ComposeRequest(
        personas, seconds, felt.valence, felt.arousal, wished_key, tempo, wished_metre, begun_with,
        Dice(temperature, top_p, min_p, guidance), best, original, seed, felt.path, modulate,
        density,
    )  # fmt: skip
    # All of them, so that what cannot be is found out before anything is composed.
    plans = [_plan(model, wish, i) for i in range(variations)]
    done = []
    for i, group in enumerate(files):
        started = time.perf_counter()
        drawn, shared = _draw(who, wish, plans[i], i, variations, on_progress)
        piece, remarks = _perform(model, drawn, wish, names, humanise, speed, pitch, i)
        remarks = felt.remarks + left_out + remarks
        recipe = {
            "persona": dict(personas),
            "seconds": seconds,
            "valence": felt.valence,
            "arousal": felt.arousal,
            "path": [list(point) for point in felt.path] or None,
            "mood_from": felt.source,
            "key": key,
            "tempo": tempo,
            "metre": metre,
            "density": density,
            "modulate": modulate,
            "instrument": instrument,
            "continue_from": sha256(continue_from) if continue_from else None,
            "variation": i,
            "best": best,
            "original": original,
            "temperature": temperature,
            "top_p": top_p,
            "min_p": min_p,
            "guidance": guidance,
            "humanise": humanise,
            "speed": speed,
            "pitch": pitch,
            "soundfont": sha256(soundfont) if soundfont else None,
            "seed": seed,
            "model_version": who.version,
        }
        lives_on = (sha256(continue_from),) if continue_from else ()
        origin = provenance.Origin("compose", _without_words(recipe), lives_on)
        error: FlamingoError | None = None
        written = []
        for file in group:
            _say(on_progress, i * 100 + 90, variations, f"writing {file.name}")
            try:
                remarks += writing.write(
                    piece, file, soundfont=soundfont, overwrite=overwrite, never=never, view=view, origin=origin
                )
                written.append(file)
            except FlamingoError as failed:
                error = error or failed
        done.append(
            ComposeResult(
                piece,
                tuple(written),
                error,
                tuple(dict.fromkeys(remarks)),
                shared,
                model.scale.of(piece),
                time.perf_counter() - started,
                recipe,
                drawn.plan.sections,
                tuple(excursion.transposed(pitch) for excursion in drawn.plan.away),
            )
        )
    _say(on_progress, variations * 100, variations, "done")
    return done


@dataclass(frozen=True)
class _ComposeRequest:
    """What was asked for, understood."""

    personas: Mapping[str, float]
    seconds: float
    valence: float | None
    arousal: float | None
    key: Key | None
    tempo: float | None
    metre: Metre | None
    begun_with: Piece | None
    dice: Dice
    best: int
    original: bool
    seed: int
    path: tuple[Point, ...] = ()
    modulate: bool = True
    density: float | None = None


def _draw(
    who: Cast, wish: _ComposeRequest, plan: Plan, variation: int, many: int, on_progress: Progress | None
) -> tuple[Drawn, originality.Originality]:
    """The best of the draws, drawn again while it must be original and is not."""
    kept: tuple[Drawn, originality.Originality] | None = None
    for attempt in range(_REDRAWS if wish.original else 1):

        def step(done: int, bars: int, attempt: int = attempt) -> None:
            what = f"bar {done} of {bars}" + (f", attempt {attempt + 1}" if attempt else "")
            share = (attempt + done / max(bars, 1)) / (_REDRAWS if wish.original else 1)
            _say(on_progress, variation * 100 + int(90 * share), many, what)

        # Key, metre and tempo are the same for all of them: the critic chooses between pieces, not between keys.
        seeds = [(wish.seed, variation, attempt, b) for b in range(wish.best)]
        prompt = None if wish.begun_with is None else [_prompt(wish.begun_with, plan)] * wish.best
        drawn = draw(who.model, [plan] * wish.best, seeds, wish.dice, prompts=prompt, on_progress=step)
        chosen = max(drawn, key=lambda d: rerank.score(d, who.model.facts))
        report = who.originality(chosen.piece())
        if kept is None or (report.original, -report.longest.length) > (kept[1].original, -kept[1].longest.length):
            kept = chosen, report
        if report.original:
            break
    assert kept is not None
    return kept


def _plan(model: Composer, wish: _ComposeRequest, variation: int) -> Plan:
    plan = settle(
        model, np.random.default_rng((wish.seed, variation, 77)), personas=wish.personas, seconds=wish.seconds,
        valence=wish.valence, arousal=wish.arousal, path=wish.path, key=wish.key, tempo=wish.tempo, metre=wish.metre,
        modulate=wish.modulate, density=wish.density,
    )  # fmt: skip
    if wish.begun_with is None:
        return plan
    if plan.bars < len(wish.begun_with.bars) + 2:
        least = (len(wish.begun_with.bars) + 3) * plan.metre.units / 24 * 60 / plan.bpm
        raise BadRequest(
            f"{wish.seconds:g} s", "the music to go on from lasts as long already", f"ask for {least:.0f} s or more"
        )
    # What was given is in its own key, and so is the bar that goes on from it.
    away = tuple(excursion for excursion in plan.away if excursion.first > len(wish.begun_with.bars))
    return replace(plan, away=away)


def _perform(
    model: Composer,
    drawn: Drawn,
    wish: _ComposeRequest,
    names: list[str],
    humanise: float,
    speed: float,
    pitch: int,
    i: int,
) -> tuple[Piece, tuple[str, ...]]:
    """From the score that was drawn to what is played."""
    random = np.random.default_rng((wish.seed, i, 99))
    remarks: tuple[str, ...] = ()
    piece = drawn.piece()
    if wish.begun_with is not None:
        piece = _with_melody(piece, wish.begun_with)
    piece = performance.shaped(piece, drawn.plan, model.scale, wish.begun_with.length if wish.begun_with else 0)
    names_of = " and ".join(name.replace("-", " ").title() for name in wish.personas)
    piece = replace(piece, persona=names_of, title=f"Piece in {piece.key.in_words}")
    piece = performance.humanised(piece, humanise, random)
    if pitch:
        piece = piece.transposed(pitch)
        piece = replace(piece, title=f"Piece in {piece.key.in_words}")
    if names != ["piano"] or pitch:
        before = len(piece.notes)
        piece = performance.played_by(piece, names)
        if len(piece.notes) < before:
            remarks = (f"{before - len(piece.notes)} notes doubled others on {', '.join(names)} and are left out",)
    if names[-1] in performance.KEYBOARDS and humanise > 0 and len(names) == 1:
        piece = performance.pedalled(piece)
    if speed != 1:
        piece = piece.at_speed(speed)
    if not ending(drawn.piece()).cadence:
        remarks += ("its end is not a full cadence",)
    return piece, remarks


# -- going on from a user's own music -----------------------------------------------------------------------


def _melody(file: Path, metre: Metre | None) -> tuple[Piece, tuple[str, ...]]:
    """The user's music on even bars, of `metre` or of the metre that most of its bars have, and what was left out."""
    piece, remarks = _without_silence(reading.read(file))
    metres = [str(piece.metre(b)) for b in range(len(piece.bars))]
    chosen = metre or Metre.parse(max(sorted(set(metres)), key=metres.count))
    if chosen.units > events.PLACES:
        raise BadRequest(f"metre {chosen}", "such long bars cannot be composed", "give --metre with shorter ones")
    # A first bar that is shorter than the rest is a pickup: it comes at the end of a whole bar.
    lead = (chosen.units - piece.metre(0).units) % chosen.units if len(piece.bars) > 1 else 0
    notes = piece.notes.copy()
    notes["start"] += lead
    tempos = piece.tempos.copy()
    tempos["start"][1:] += lead
    count = int(notes["start"].max()) // chosen.units + 1
    bars = np.array([(i * chosen.units, chosen.numerator, chosen.denominator) for i in range(count)], BAR)
    return replace(piece, notes=notes, bars=bars, tempos=tempos), remarks


def _without_silence(piece: Piece) -> tuple[Piece, tuple[str, ...]]:
    """The piece from the bar of its first note on: what is gone on from does not begin with empty bars."""
    starts = piece.bars["start"]
    empty = int(np.searchsorted(starts, int(piece.notes["start"].min()), side="right")) - 1
    if empty < 1:
        return piece, ()
    first = int(starts[empty])
    notes, bars, pedals = piece.notes.copy(), piece.bars[empty:].copy(), piece.pedals[piece.pedals["start"] >= first]
    tempos = piece.tempos[max(0, int(np.searchsorted(piece.tempos["start"], first, side="right")) - 1) :].copy()
    pedals = pedals.copy()
    for moved, fields in ((notes, ("start",)), (bars, ("start",)), (pedals, ("start", "end")), (tempos, ("start",))):
        for name in fields:
            moved[name] = np.maximum(moved[name].astype(np.int64) - first, 0)
    many = "an empty bar before its first note is" if empty == 1 else f"{empty} empty bars before its first note are"
    return replace(piece, notes=notes, bars=bars, pedals=pedals, tempos=tempos), (f"{many} left out",)


def _prompt(melody: Piece, plan: Plan) -> Array:
    """The user's music as the events that the new piece begins with."""
    return events.relative(events.spell(melody).events, plan.key.tonic)


def _with_melody(piece: Piece, melody: Piece) -> Piece:
    """The user's own notes in place of their spelling, which rounds durations and loudness."""
    begin = int(melody.length)
    mine = melody.notes.copy()
    mine["part"] = 0
    mine["shift"] = 0
    kept = piece.notes[piece.notes["start"] >= begin]
    return Piece.build(
        events.release_before_repeat(np.concatenate((mine, kept))), piece.bars, piece.key, tempos=piece.tempos
    )


# -- small things -------------------------------------------------------------------------------------------


def metre_of(text: str) -> Metre:
    metre = Metre.parse(text)
    if not 24 <= metre.units <= events.PLACES:
        raise BadRequest(f"metre {text!r}", "a bar lasts from one to six quarter notes", "try 4/4, 3/4, 2/4 or 6/8")
    return metre


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        why = (error.strerror or "it cannot be made").lower()
        raise OutputError(
            str(folder), f"the folder for pieces cannot be made ({why})", "name a file with -o"
        ) from None


def files_of_variations(wanted: Sequence[Path], many: int) -> list[tuple[Path, ...]]:
    """The files of each variation. Raises BadRequest if a file would be written twice."""
    if len(set(wanted)) < len(wanted):
        twice = next(file for file in wanted if wanted.count(file) > 1)
        raise BadRequest(show(twice), "it is named more than once", "name each file once")
    if many == 1:
        return [tuple(wanted)]
    return [tuple(f.with_name(f"{f.stem}-{i}{f.suffix}") for f in wanted) for i in range(1, many + 1)]


def _without_words(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe as it travels with the result: a sentence may be about a person, so only where it was placed."""
    source = recipe["mood_from"] or {}
    return {**recipe, "mood_from": {k: v for k, v in source.items() if k != "words"} or None}


def _say(on_progress: Progress | None, done: int, many: int, what: str) -> None:
    """Progress in hundredths of a piece, of so many pieces."""
    if on_progress:
        on_progress(done, many * 100, what)
