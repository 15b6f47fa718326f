"""The verb `film`, whose options are those of `FilmOptions` (see flamingo.options)."""

from __future__ import annotations

import time

from flamingo.filming.options import KINDS, FilmOptions
from flamingo.filming.result import FilmResult
from flamingo.options import verb

__all__ = ["KINDS", "FilmOptions", "FilmResult", "film"]


@verb(FilmOptions)
def film(options: FilmOptions) -> list[FilmResult]:
    """Make a film of an album: its photos painted, on the beats of music that is composed for it.

    Beside the film NAME.mp4 are written its storyboard (NAME.storyboard.json), which can be
    edited and rendered again, a poster (NAME.poster.jpg) and a contact sheet (NAME.sheet.jpg). The film carries
    credentials that say what made it (see flamingo.provenance). Where output names JSON files alone, the film is only
    planned: the storyboard is written, and nothing is painted.

    Photos that cannot be read, are blurred or shown already are left out, with a note. A run that was stopped goes on
    where it was when the same is asked again.

    Args:
        photos: photos, folders or zip archives of them.
        on_progress: called as (done, all, what is being done) over all stages; an exception that it raises, such as
            KeyboardInterrupt, stops the work and loses nothing of what is done.
        **options: the other fields of `flamingo.filming.options.FilmOptions`, with their limits.

    Returns:
        One `FilmResult`.

    Raises:
        BadRequest, BadInput, OutputError: if the film as a whole cannot be made.
        ModelError: if a model cannot be used.
    """
    begun = time.perf_counter()
    options.check()
    from flamingo.filming.pipeline import (
        FilmPipeline,  # it needs FFmpeg's libraries and OpenCV, which take a while to load
    )

    pipeline = FilmPipeline(options)
    if options.storyboard is not None:
        outcome = pipeline.from_storyboard(options.storyboard, options.brought if options.brought.names else None)
    else:
        outcome = pipeline.from_photos()
    return [
        FilmResult(
            outcome.board, outcome.files, outcome.stages, outcome.beats, outcome.bars,
            error=outcome.error, notes=tuple(dict.fromkeys(outcome.notes)), seconds=time.perf_counter() - begun,
            recipe=outcome.recipe, beside=outcome.beside,
        )
    ]  # fmt: skip
