"""The verb `feel`, whose options are those of `FeelOptions` (see flamingo.options), and its result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo import images, provenance
from flamingo.errors import BadRequest, FlamingoError
from flamingo.files import sha256
from flamingo.images.folders import noted
from flamingo.mood import explain as explaining
from flamingo.mood.model import MoodEstimate, MoodModel
from flamingo.mood.options import FeelOptions
from flamingo.mood.words import Reading
from flamingo.mood.words import read as read_words
from flamingo.options import verb
from flamingo.results import VerbResult


@dataclass(frozen=True)
class FeelResult(VerbResult):
    """One photo: what it feels like and why, in sentences, or the error that says why it could not be judged; and the
    picture that explains it, if one was asked for. For a sentence instead of a photo, `reading`."""

    photo: Path | None = None
    felt: MoodEstimate | None = None
    because: tuple[str, ...] = ()
    explanation: Path | None = None
    reading: Reading | None = None
    model_version: str | None = None

    @property
    def source(self) -> Path | None:
        """The photo."""
        return self.photo

    @property
    def written(self) -> tuple[Path, ...]:
        """The picture that explains."""
        return () if self.explanation is None else (self.explanation,)

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


@verb(FeelOptions)
def feel(options: FeelOptions) -> list[FeelResult]:
    """Say what photos (or a sentence) feel like: valence, arousal, and the moods that fit.

    Args:
        photos: photos, or folders of photos.
        words: a sentence, placed on the same plane.
        explain: a picture to write that shows what carried the judgement, or a folder for several photos.
        overwrite: whether an explanation that is there already may be replaced.
        on_progress: called as (done, all, photo) before each photo and once at the end; what it raises cancels the
            rest.

    Returns:
        One `FeelResult` a photo, in order, after one for the sentence. A photo that cannot be read does not stop the
        others: its `error` says why.

    Raises:
        BadRequest, OutputError: if the request as a whole cannot be carried out.
        ModelError: if the mood model cannot be used.
        MissingExtra: for a sentence without the extra `words`.

    Example:
        >>> import flamingo
        >>> [result] = flamingo.feel([photo])
        >>> -1 <= result.felt.valence <= 1, sorted(result.felt.classes)
        (True, ['angry', 'happy', 'sad'])
    """
    if not options.photos and options.words is None:
        raise BadRequest("feel", "neither a photo nor a sentence was given", "name photos, or use --words")
    if options.explain is not None and not options.photos:
        raise BadRequest("--explain", "it shows the places of a photo", "name a photo")
    results = [_read(options.words)] if options.words is not None else []
    if not options.photos:
        return results
    plan: list[tuple[Path, Path | None]]
    if options.explain is not None:
        plan = list(images.plan_outputs(options.photos, options.explain, overwrite=options.overwrite))
        provenance.ready()
    else:
        plan = [(photo, None) for photo in images.pictures_in(options.photos)]
    unread = images.left_out(options.photos, options.explain)
    images.warm_up()
    feeler = MoodModel()
    inputs = [photo for photo, _ in plan]
    for i, (photo, target) in enumerate(plan):
        if options.on_progress:
            options.on_progress(i, len(plan), photo)
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
                notes = tuple(images.write(drawn, target, overwrite=options.overwrite, never=inputs, origin=origin))
        except FlamingoError as error:
            results.append(FeelResult(photo, error=error, seconds=time.perf_counter() - begun))
            continue
        seconds = time.perf_counter() - begun
        results.append(FeelResult(photo, felt, because, target, None, feeler.version, notes=notes, seconds=seconds))
    if options.on_progress:
        options.on_progress(len(plan), len(plan), plan[-1][0])
    return noted(results, unread)


def _read(sentence: str) -> FeelResult:
    begun = time.perf_counter()
    reading = read_words(sentence)
    return FeelResult(reading=reading, seconds=time.perf_counter() - begun)
