"""`compose --edit`: bars of somebody's music, or parts of them, composed anew; all else stays as it is.

--edit waltz.mid --bars 9-12                     these bars
--edit waltz.mid --bars 9-12 --part left         the left hand of them
--edit tune.mid --part accompaniment             a left hand for a tune
--edit chords.mid --part melody                  a melody over an accompaniment
--edit tune.mid --part accompaniment --chords "C Am F G"
                                                 a tune harmonised with these chords, a bar each
--edit tune.mid --part accompaniment --instrument string-quartet
                                                 a tune for the first violin, and three parts to it
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from flamingo import provenance
from flamingo.composing import pipeline, prompts, reading
from flamingo.composing.chords import Progression, progression
from flamingo.composing.filling import fill
from flamingo.composing.instruments import instrumentation_of, instruments_of
from flamingo.composing.options import ComposeOptions, SamplingOptions, flag_of
from flamingo.composing.parts import ensemble_of, parts_of
from flamingo.composing.personas import Cast
from flamingo.composing.piece import Piece
from flamingo.composing.reading.midi import has_drums
from flamingo.composing.result import ComposeResult
from flamingo.errors import BadRequest
from flamingo.files import sha256
from flamingo.options import shared

__all__ = ["edited", "parts_named", "spans"]

_FOLLOWED = frozenset({
    "persona", "edit", "bars", "part", "chords", "instrument", "variations", "temperature", "top_p", "min_p", "speed",
    "pitch", "soundfont", "room", "width", "loudness", "view", "seed", "output", "overwrite", "on_progress",
})  # fmt: skip
"""Options of `compose` that mean something for music that is there already."""
_NAMES = ("melody", "accompaniment", "right", "left")


def check(options: ComposeOptions) -> None:
    """Raise BadRequest for options that go with `edit` alone and come without it, or that do not go with it."""
    if options.edit is None:
        for name in ("bars", "part"):
            if getattr(options, name) is not None:
                raise BadRequest(f"--{name}", "it says what is edited, and nothing is", "add --edit FILE")
        return
    for option in fields(options):
        if option.name not in _FOLLOWED and getattr(options, option.name) != option.default:
            raise BadRequest(
                flag_of(option.name), "it does not go with --edit, whose music has its own", "leave it out"
            )


def spans(text: str | None, bars: int) -> list[tuple[int, int]]:
    """ "9-12, 20" as stretches of bars counted from 0, the last not included; all bars for None.

    Raises BadRequest for what names no bars, or bars that are not there."""
    if text is None:
        return [(0, bars)]
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 1 <= first <= last:
            raise BadRequest(f"bars {text!r}", "they name no bars", "write 9-12, or 1-4,9")
        if last > bars:
            raise BadRequest(f"bars {text!r}", f"the music has {bars} bars", "choose among them")
        found.append((first - 1, last))
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def parts_named(text: str | None, piece: Piece) -> tuple[int, ...] | None:
    """The parts that a text names, as `fill` numbers them; None for all.

    "melody" is the part on top, "accompaniment" all others, "right" and "left" are a pianist's hands, and "2,3" are
    numbers of parts from the top, from 1. Raises BadRequest."""
    if text is None:
        return None
    there = parts_of(piece)
    name = text.strip().lower()
    if name in ("right", "left"):
        if ensemble_of(piece) != 0:
            raise BadRequest(
                f"part {text!r}", "only a piano has hands", "say melody, accompaniment or numbers of parts"
            )
        return (0 if name == "right" else 1,)
    if name == "melody":
        return (there[0],)
    if name == "accompaniment":
        if len(there) < 2:
            raise BadRequest(
                f"part {text!r}", "the music has one part", "give it a second staff, or leave --part out"
            )
        return tuple(there[1:])
    numbers = [part.strip() for part in name.split(",")]
    if not all(re.fullmatch(r"\d{1,3}", number) for number in numbers):
        raise BadRequest(f"part {text!r}", "is no part", f"use {', '.join(_NAMES)}, or numbers such as 2,3")
    chosen = tuple(sorted({int(number) - 1 for number in numbers}))
    if missing := [part + 1 for part in chosen if part not in there]:
        names = ", ".join(str(part + 1) for part in there)
        raise BadRequest(f"part {missing[0]}", f"the music has parts {names}", "choose among these")
    return chosen


def edited(
    options: ComposeOptions, cast: Cast, files: Sequence[Sequence[Path]], never: Sequence[Path]
) -> list[ComposeResult]:
    """Compose what is asked for anew, once for each group of files, and write the piece to them.

    Raises:
        BadInput: for music that cannot be read.
        BadRequest: for bars or parts that are not there, or too long ones.
    """
    assert options.edit is not None
    pipeline.say(options, 0, f"reading {options.edit.name}")
    before = reading.read(options.edit, by_track=True)
    instruments = instruments_of(options.instrument)
    if instruments != ["piano"]:
        players = instrumentation_of(instruments)
        if players is None:
            raise BadRequest(
                f"--instrument {options.instrument}", "with --edit it names lines, or lines and a keyboard or harp",
                "try flute,piano or string-quartet",
            )  # fmt: skip
        before = prompts.arranged(before, players)
    remarks: tuple[str, ...] = ()
    if reading.KINDS.get(options.edit.suffix.lower()) == "midi" and has_drums(options.edit.read_bytes()):
        remarks = ("its drums are left out",)
    stretches, anew = spans(options.bars, len(before.bars)), parts_named(options.part, before)
    sampling = shared(options, SamplingOptions)
    chords = progression(options.chords) if options.chords is not None else ()
    results = []
    for variation, group in enumerate(files):
        begun = time.perf_counter()
        piece = before
        for number, (first, last) in enumerate(stretches):
            done = variation * 100 + 90 * number // len(stretches)
            pipeline.say(options, done, f"composing {_bars(first, last)}")
            piece = fill(
                cast.model, piece, first, last, redo=anew, personas=cast.personas,
                seed=(options.seed, variation, number), sampling=sampling,
                chords=_from(chords, first - stretches[0][0]),
            )  # fmt: skip
        fresh = _fresh(before, piece)
        if options.pitch:
            piece = piece.transposed(options.pitch)
        if options.speed != 1:
            piece = piece.at_speed(options.speed)
        recipe = _recipe(options, cast, variation)
        origin = provenance.Origin("compose", recipe, (sha256(options.edit),))
        written, notes, error = pipeline.written(options, piece, group, never, origin, variation)
        where = " and ".join(_bars(*stretch) for stretch in stretches)
        said = f"{where} composed anew{f', {options.part}' if options.part else ''}: {fresh:,} notes"
        results.append(
            ComposeResult(
                piece, written, None, cast.model.scale.of(piece), error=error,
                notes=(said, *remarks, *dict.fromkeys(notes)),
                seconds=time.perf_counter() - begun, recipe=recipe,
            )
        )  # fmt: skip
    pipeline.say(options, options.variations * 100, "done")
    return results


def _from(chords: Progression, bar: int) -> Progression:
    """The chords from a bar on, counted from 0."""
    return tuple(chords[(bar + at) % len(chords)] for at in range(len(chords)))


def _bars(first: int, last: int) -> str:
    return f"bar {last}" if last == first + 1 else f"bars {first + 1} to {last}"


def _fresh(before: Piece, after: Piece) -> int:
    """How many notes are new."""
    names = ["start", "duration", "pitch", "part"]
    return len(after.notes) - len(np.intersect1d(before.notes[names], after.notes[names]))


def _recipe(options: ComposeOptions, cast: Cast, variation: int) -> dict[str, Any]:
    """All that made a piece; files by their fingerprints."""
    assert options.edit is not None
    unsaid = {"view", "output", "overwrite", "on_progress", "variations"}
    recipe = {name: getattr(options, name) for name in sorted(_FOLLOWED - unsaid)}
    return recipe | {
        "persona": dict(cast.personas),
        "edit": sha256(options.edit),
        "soundfont": sha256(options.soundfont) if options.soundfont else None,
        "variation": variation,
        "model_version": cast.version,
    }
