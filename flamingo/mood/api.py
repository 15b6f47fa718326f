"""The verb `feel`, defined once: its arguments, their meaning and limits, and what comes back.

As for `paint`, the signature of `feel` is the definition: the command line, the HTTP API and the page are made
from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from flamingo import images, provenance
from flamingo.errors import BadRequest, FlamingoError
from flamingo.files import sha256
from flamingo.images.folders import noted
from flamingo.mood import explain as explaining
from flamingo.mood.model import MoodEstimate, MoodModel
from flamingo.mood.words import Reading
from flamingo.mood.words import read as read_words
from flamingo.options import checked

Progress = Callable[[int, int, Path], None]
"""Called as (done, all, photo)."""


@dataclass(frozen=True)
class FeelResult:
    """One photo: what it feels like and why, in sentences, or the error that says why it could not be judged; and the
    picture that explains it, if one was asked for. For a sentence instead of a photo, `reading`."""

    photo: Path | None = None
    felt: MoodEstimate | None = None
    because: tuple[str, ...] = ()
    explanation: Path | None = None
    reading: Reading | None = None
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    model_version: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        return {
            "photo": str(self.photo) if self.photo else None,
            "error": str(self.error) if self.error else None,
            **(self.felt.as_dict() if self.felt else {}),
            **(self.reading.as_dict() if self.reading else {}),
            "because": list(self.because),
            "explanation": str(self.explanation) if self.explanation else None,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "model_version": self.model_version,
        }


@checked
def feel(
    photos: Annotated[Sequence[Path], Field(description="Photos, or folders of photos.")] = (),
    *,
    words: Annotated[
        str | None, Field(description="A sentence to place on the same plane: 'a stormy, lonely sea'.")
    ] = None,
    explain: Annotated[
        Path | None,
        Field(description="Picture to write that shows what carried the judgement, or a folder for several photos."),
    ] = None,
    overwrite: Annotated[bool, Field(description="Replace explanations that are already there.")] = False,
    on_progress: Progress | None = None,
) -> list[FeelResult]:
    """Say what photos (or a sentence) feel like: valence, arousal, and the moods that fit.

    Returns one `FeelResult` a photo, in order, and one for the sentence. A photo that cannot be read does not
    stop the others: its `error` says why. Raises BadRequest or OutputError if the request as a whole cannot be
    carried out, a ModelError if the mood model cannot be used, and MissingExtra for a sentence without the extra
    `words`.

    on_progress is called as (done, all, photo) before each photo and once at the end; what it raises
    cancels the rest.
    """
    if not photos and words is None:
        raise BadRequest("feel", "neither a photo nor a sentence was given", "name photos, or use --words")
    if explain is not None and not photos:
        raise BadRequest("--explain", "it shows the places of a photo", "name a photo")
    done = [_read(words)] if words is not None else []
    if not photos:
        return done
    plan: list[tuple[Path, Path | None]]
    if explain is not None:
        plan = list(images.plan_outputs(photos, explain, overwrite=overwrite))
        provenance.ready()
    else:
        plan = [(photo, None) for photo in images.pictures_in(photos)]
    unread = images.left_out(photos, explain)
    images.warm_up()
    feeler = MoodModel()
    inputs = [photo for photo, _ in plan]
    for i, (photo, target) in enumerate(plan):
        if on_progress:
            on_progress(i, len(plan), photo)
        begun = time.perf_counter()
        try:
            picture = images.read(photo)
            felt = feeler.feel(picture)
            because = explaining.because(felt, feeler.facts["features"])
            notes: tuple[str, ...] = ()
            if target is not None:
                drawn = explaining.drawn(picture, felt, because, feeler.centre)
                target.parent.mkdir(parents=True, exist_ok=True)
                recipe = {"photo_sha256": sha256(photo), "model_version": feeler.version}
                origin = provenance.Origin("feel", recipe, (recipe["photo_sha256"],))
                notes = tuple(images.write(drawn, target, overwrite=overwrite, never=inputs, origin=origin))
        except FlamingoError as error:
            done.append(FeelResult(photo, error=error, seconds=time.perf_counter() - begun))
            continue
        seconds = time.perf_counter() - begun
        done.append(FeelResult(photo, felt, because, target, None, None, notes, seconds, feeler.version))
    if on_progress:
        on_progress(len(plan), len(plan), plan[-1][0])
    return noted(done, unread)


def _read(sentence: str) -> FeelResult:
    begun = time.perf_counter()
    reading = read_words(sentence)
    return FeelResult(reading=reading, seconds=time.perf_counter() - begun)
