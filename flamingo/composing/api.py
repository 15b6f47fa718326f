"""The verb `compose`, whose options are those of `ComposeOptions` (see flamingo.options)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flamingo import provenance
from flamingo.composing import editing, pipeline, prompts, reading, writing
from flamingo.composing.chords import key_of, progression
from flamingo.composing.instruments import instruments_of
from flamingo.composing.options import ComposeOptions
from flamingo.composing.personas import cast
from flamingo.composing.piece import Key
from flamingo.composing.request import ComposeRequest, MoodRequest
from flamingo.composing.result import ComposeResult
from flamingo.composing.timing import FASTEST, SLOWEST
from flamingo.errors import BadRequest
from flamingo.options import several, verb

__all__ = ["ComposeOptions", "ComposeResult", "compose"]


@verb(ComposeOptions)
def compose(options: ComposeOptions) -> list[ComposeResult]:
    """Compose music in the persona of a composer, of the asked length, that ends as a piece should.

    Each piece is written to its files (`output`, or numbered from 1 if there are several variations), whole or not at
    all, with credentials that say what made it (see flamingo.provenance).

    Args:
        path: for Python alone, what several photos give: (valence, arousal, weight) of each section, which gets its
            share of the time by weight.
        on_progress: called as (done, all, what is being done); an exception that it raises, such as
            KeyboardInterrupt, cancels what is left.
        **options: the other fields of `flamingo.composing.options.ComposeOptions`, with their limits.

    Returns:
        One `ComposeResult` a variation; its `originality` is what it shares with the music that was learned from.

    Raises:
        BadRequest: for what cannot be asked.
        OutputError: if a result cannot be put there.
        BadInput: for a file that cannot be read.
        ModelError: if the composer cannot be used.

    Example:
        >>> import flamingo
        >>> [piece] = flamingo.compose(persona="mozart", seconds=8, key="C major", output=folder / "piece.mid")
        >>> piece.error, str(piece.piece.key), round(float(piece.piece.seconds()))
        (None, 'C major', 8)
    """
    editing.check(options)
    who = cast(options.persona)
    mood = MoodRequest(
        options.mood, options.valence, options.arousal, several(options.photo) or None, options.words, options.path
    )
    instruments_of(options.instrument)
    if options.hum and (
        options.continue_from is None or reading.KINDS.get(options.continue_from.suffix.lower()) != "sound"
    ):
        raise BadRequest("--hum", "there is no recording that is hummed", "add --continue FILE with a recording")
    key = Key.parse(options.key) if options.key is not None else None
    metre = prompts.metre_of(options.metre) if options.metre is not None else None
    chords = progression(options.chords) if options.chords is not None else ()
    key = key or (key_of(chords) if chords else None)
    targets = several(options.output)
    if not targets:
        name = f"{options.edit.stem}-edited" if options.edit else f"{'-'.join(who.personas)}-{options.seed}"
        targets = (Path("composed") / f"{name}.mp3",)
        pipeline.make_folder(targets[0].parent)
    files = pipeline.files_of_variations(targets, options.variations)
    never = [
        file for file in (options.continue_from, options.edit, options.soundfont, *mood.files) if file is not None
    ]
    for file in (file for group in files for file in group):
        writing.check(
            file, sound=options, overwrite=options.overwrite, never=never, view=options.view,
            credited=True,
        )  # fmt: skip
    provenance.ready()
    if options.edit is not None:
        return editing.edited(options, who, files, never)
    begun_with, tempo = None, options.tempo
    left_out: tuple[str, ...] = ()
    if options.continue_from is not None:
        begun_with, left_out = prompts.melody_of(options.continue_from, metre, hum=options.hum)
        key, metre = key or begun_with.key, begun_with.metre()
        tempo = tempo or float(np.clip(begun_with.bpm, SLOWEST, FASTEST))
    felt = mood.understood(lambda photo: pipeline.say(options, 0, f"looking at {photo.name}"))
    request = ComposeRequest(options, who, felt, begun_with, key, metre, tempo, chords)
    return pipeline.composed(request, files, never, (*felt.remarks, *left_out))
