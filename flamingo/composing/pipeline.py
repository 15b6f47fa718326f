"""From a request to pieces: plan, draw and choose, perform, write."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from flamingo import provenance
from flamingo.composing import performance, phrases, prompts, rerank, writing
from flamingo.composing.instruments import (
    PEDALLED,
    PIANO,
    Instrumentation,
    instrumentation_of,
    instruments_of,
    played_by,
    within,
)
from flamingo.composing.key_estimation import ending
from flamingo.composing.model import Composer
from flamingo.composing.options import ComposeOptions, SamplingOptions
from flamingo.composing.originality import Originality
from flamingo.composing.piece import Piece
from flamingo.composing.plan import Plan, settle
from flamingo.composing.request import ComposeRequest
from flamingo.composing.result import ComposeResult
from flamingo.composing.sampling import Drawn, draw
from flamingo.composing.variation import vary
from flamingo.errors import BadRequest, FlamingoError, OutputError, show
from flamingo.files import sha256
from flamingo.options import shared

__all__ = ["composed", "files_of_variations", "make_folder", "performed", "say", "written"]

_REDRAWS = 6


def composed(
    request: ComposeRequest, files: Sequence[Sequence[Path]], never: Sequence[Path], remarks: tuple[str, ...] = ()
) -> list[ComposeResult]:
    """Compose a piece for each group of files, and write it to them.

    Args:
        request: what is to be composed.
        files: the files of each variation.
        never: files that no result may replace.
        remarks: what must be told about every piece.

    Raises:
        BadRequest: if the music to go on from is longer than the piece is to be, before anything is composed.
    """
    options = request.options
    plans = [_plan(request, variation) for variation in range(options.variations)]
    results = []
    for variation, group in enumerate(files):
        begun = time.perf_counter()
        personas, model = request.cast.personas, request.cast.model
        mine, accompanied = _accompanied(request, variation)
        drawn, originality = _draw(request, plans[variation], variation, mine)
        piece, more = performed(model, drawn, personas, options, mine, variation)
        recipe = _recipe(request, variation)
        kept_from = (sha256(options.continue_from),) if options.continue_from else ()
        origin = provenance.Origin("compose", _without_words(recipe), kept_from)
        files_written, notes, error = written(options, piece, group, never, origin, variation)
        results.append(
            ComposeResult(
                piece, files_written, originality, model.scale.of(piece), drawn.plan.sections,
                tuple(excursion.transposed(options.pitch) for excursion in drawn.plan.away),
                tuple(section.transposed(options.pitch) for section in drawn.plan.form),
                error=error, notes=tuple(dict.fromkeys((*remarks, *accompanied, *more, *notes))),
                seconds=time.perf_counter() - begun, recipe=recipe,
            )
        )  # fmt: skip
    say(options, options.variations * 100, "done")
    return results


def _instrumentation(model: Composer, options: ComposeOptions) -> Instrumentation:
    """For whom a piece is composed: a piano, where it is handed over afterwards."""
    asked = instrumentation_of(instruments_of(options.instrument)) if model.parts else None
    return asked or PIANO


def say(options: ComposeOptions, done: int, message: str) -> None:
    """Tell progress, in hundredths of a piece."""
    if options.on_progress:
        options.on_progress(done, options.variations * 100, message)


def _plan(request: ComposeRequest, variation: int) -> Plan:
    options, mood, begun_with = request.options, request.mood, request.begun_with
    plan = settle(
        request.cast.model, np.random.default_rng((options.seed, variation, 77)), personas=request.cast.personas,
        seconds=options.seconds, valence=mood.valence, arousal=mood.arousal, path=mood.path, key=request.key,
        tempo=request.tempo, metre=request.metre, modulate=options.modulate, density=options.density,
        form=options.form, chords=request.chords, instrumentation=_instrumentation(request.cast.model, options),
    )  # fmt: skip
    if begun_with is None:
        return plan
    if plan.bars < len(begun_with.bars) + 2:
        least = (len(begun_with.bars) + 3) * plan.metre.units / 24 * 60 / plan.bpm
        raise BadRequest(
            f"{options.seconds:g} s",
            "the music to go on from lasts as long already",
            f"ask for {least:.0f} s or more",
        )
    # What was given is in its own key, and so is the bar that goes on from it.
    away = tuple(excursion for excursion in plan.away if excursion.first > len(begun_with.bars))
    plan = replace(plan, away=away)
    return (
        plan if plan.form else replace(plan, themes=_of_a_tune(plan, len(begun_with.bars), options.seed + variation))
    )


def _of_a_tune(plan: Plan, bars: int, seed: int) -> tuple[tuple[phrases.ThemeType, ...], ...]:
    """The themes of a piece that takes up a tune of so many bars: it comes back in the first theme, or in the second
    where it fills the first, and later strophes develop it."""
    drawn = phrases.themes(plan.sections[0].bars, np.random.default_rng((seed, 78)), sure=True)
    first: phrases.ThemeType = "rising" if bars < phrases.PHRASE else "period"
    return ((first, "repeat", *drawn[2:]), *plan.themes[1:])


def _accompanied(request: ComposeRequest, variation: int) -> tuple[Piece | None, tuple[str, ...]]:
    """The user's music with a left hand where it is bare, unless one voice plays it; and what must be told."""
    options, mine = request.options, request.begun_with
    if mine is None:
        return None, ()
    seed = (options.seed, variation, 55)
    sampling = shared(options, SamplingOptions)
    players = _instrumentation(request.cast.model, options)
    piece, bars = prompts.accompanied(request.cast.model, mine, players, request.cast.personas, seed, sampling)
    many = "a bar of it was one line and is" if bars == 1 else f"{bars} bars of it were one line and are"
    return piece, (f"{many} accompanied",) if bars else ()


def _draw(request: ComposeRequest, plan: Plan, variation: int, begun_with: Piece | None) -> tuple[Drawn, Originality]:
    """The best of the draws, drawn again while it must be original and is not."""
    options, cast = request.options, request.cast
    attempts = _REDRAWS if options.original else 1
    best: tuple[Drawn, Originality] | None = None
    for attempt in range(attempts):

        def step(done: int, bars: int, attempt: int = attempt) -> None:
            message = f"bar {done} of {bars}" + (f", attempt {attempt + 1}" if attempt else "")
            say(options, variation * 100 + int(90 * (attempt + done / max(bars, 1)) / attempts), message)

        # Key, metre and tempo are the same for all of them: the critic chooses between pieces, not between keys.
        seeds = [(options.seed, variation, attempt, b) for b in range(options.best)]
        prompt = None if begun_with is None else [prompts.prompt_of(begun_with, plan)] * options.best
        sampling = shared(options, SamplingOptions)
        drawn = draw(cast.model, [plan] * options.best, seeds, sampling, prompts=prompt, on_progress=step)
        chosen = max(drawn, key=lambda candidate: rerank.score(candidate, cast.model)) if drawn[1:] else drawn[0]
        vary(cast.model, chosen, (options.seed, variation, attempt, 31), sampling)
        report = cast.originality(chosen.piece())
        if best is None or (report.original, -report.longest.length) > (best[1].original, -best[1].longest.length):
            best = chosen, report
        if report.original:
            break
    assert best is not None
    return best


def performed(
    model: Composer,
    drawn: Drawn,
    personas: Mapping[str, float],
    options: ComposeOptions,
    begun_with: Piece | None,
    variation: int,
) -> tuple[Piece, tuple[str, ...]]:
    """From the score that was drawn to what is played; and what must be told about that."""
    random = np.random.default_rng((options.seed, variation, 99))
    instruments = instruments_of(options.instrument)
    remarks: tuple[str, ...] = ()
    piece = drawn.piece()
    if begun_with is not None:
        piece = prompts.with_melody(piece, begun_with)
    piece = performance.shaped(piece, drawn.plan, model.scale, begun_with.length if begun_with else 0)
    who = " and ".join(name.replace("-", " ").title() for name in personas)
    piece = replace(piece, persona=who, title=f"Piece in {piece.key.in_words}")
    piece = performance.humanised(piece, options.humanise, random)
    if options.pitch:
        piece = piece.transposed(options.pitch)
        piece = replace(piece, title=f"Piece in {piece.key.in_words}")
    before, players = len(piece.notes), drawn.plan.instrumentation
    if drawn.parts and players == instrumentation_of(instruments):
        piece = within(piece, players.ranges)
    elif instruments != ["piano"] or options.pitch:
        piece = played_by(piece, instruments)
    if (doubled := before - len(piece.notes)) > 0:
        remarks = (f"{doubled} notes doubled others on {', '.join(instruments)} and are left out",)
    if instruments[-1] in PEDALLED and options.humanise > 0:
        piece = performance.pedalled(piece)
    if options.speed != 1:
        piece = piece.at_speed(options.speed)
    if not ending(drawn.piece(), line=drawn.most == 1).cadence:
        remarks += ("its end is not a full cadence",)
    return piece, remarks


def written(
    options: ComposeOptions,
    piece: Piece,
    files: Sequence[Path],
    never: Sequence[Path],
    origin: provenance.Origin,
    variation: int,
) -> tuple[tuple[Path, ...], list[str], FlamingoError | None]:
    """The files that could be written, what must be told about them, and why the first that could not was not."""
    error: FlamingoError | None = None
    done: list[Path] = []
    notes: list[str] = []
    for file in files:
        say(options, variation * 100 + 90, f"writing {file.name}")
        try:
            notes += writing.write(
                piece, file, sound=options, overwrite=options.overwrite, never=never,
                view=options.view, origin=origin,
            )  # fmt: skip
            done.append(file)
        except FlamingoError as failed:
            error = error or failed
    return tuple(done), notes, error


_NOT_OF_THE_PIECE = (
    "mood",
    "photo",
    "words",
    "edit",
    "bars",
    "part",
    "variations",
    "view",
    "output",
    "overwrite",
    "on_progress",
)


def _recipe(request: ComposeRequest, variation: int) -> dict[str, Any]:
    """All that made a piece. The mood stands in it as it was understood, files by their fingerprints."""
    options = request.options
    recipe = {name: value for name, value in vars(options).items() if name not in _NOT_OF_THE_PIECE}
    return recipe | {
        "persona": dict(request.cast.personas),
        "valence": request.mood.valence,
        "arousal": request.mood.arousal,
        "path": [list(point) for point in request.mood.path] or None,
        "mood_from": request.mood.source,
        "tempo": request.tempo,
        "continue_from": sha256(options.continue_from) if options.continue_from else None,
        "soundfont": sha256(options.soundfont) if options.soundfont else None,
        "variation": variation,
        "model_version": request.cast.version,
    }


def _without_words(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe as it travels with the result: a sentence may be about a person, so only where it was placed."""
    source = recipe["mood_from"] or {}
    return {**recipe, "mood_from": {k: v for k, v in source.items() if k != "words"} or None}


def make_folder(folder: Path) -> None:
    """Make the folder that pieces are put into by themselves. Raises OutputError."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        why = (error.strerror or "it cannot be made").lower()
        raise OutputError(
            str(folder), f"the folder for pieces cannot be made ({why})", "name a file with -o"
        ) from None


def files_of_variations(outputs: Sequence[Path], many: int) -> list[tuple[Path, ...]]:
    """The files of each variation. Raises BadRequest if a file would be written twice."""
    if len(set(outputs)) < len(outputs):
        twice = next(file for file in outputs if outputs.count(file) > 1)
        raise BadRequest(show(twice), "it is named more than once", "name each file once")
    if many == 1:
        return [tuple(outputs)]
    return [tuple(f.with_name(f"{f.stem}-{i}{f.suffix}") for f in outputs) for i in range(1, many + 1)]
