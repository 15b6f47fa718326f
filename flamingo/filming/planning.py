"""From an album, a score and what was asked for to a storyboard: which photo when, in which style, seen how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from flamingo import images
from flamingo.composing.timing import FASTEST, SHORTEST, SLOWEST
from flamingo.errors import BadRequest
from flamingo.filming import camera, cutting
from flamingo.filming.options import Captions, FilmOptions
from flamingo.filming.photos import Photo
from flamingo.filming.score import Score
from flamingo.filming.storyboard import LONGEST, FilmLook, Music, Shot, Storyboard, View
from flamingo.mood.model import MoodModel
from flamingo.options import several
from flamingo.painting import style_spec
from flamingo.painting.styles import styles as named_styles

__all__ = ["STYLE_MOODS", "off_beat", "planned", "quicker", "seconds_for", "styles_for", "weights"]

_USUAL = 4.0  # seconds a photo where nothing was asked
_STEADIER = 0.35  # how much shorter an exciting photo is shown than a calm one
_COMFORTABLE = (60.0, 140.0)  # quarters a minute, of which the one nearest to _WALKING is taken
_WALKING = 96.0
_BEATS, _SPARE = 1.1, 1.3  # beats a photo below which a piece is composed anew, and those that it then gets
_HURRIED = 180.0  # quarters a minute above which that is left alone: such short photos change between beats too

STYLE_MOODS: dict[str, tuple[float, float]] = {
    "starry-night": (0.1, 0.3),
    "great-wave": (-0.1, 0.8),
    "scream": (-0.8, 0.8),
    "night-cafe": (-0.5, 0.2),
    "water-lilies": (0.5, -0.7),
    "cherry-blossom": (0.7, -0.3),
    "birth-of-venus": (0.6, -0.1),
    "sunday": (0.4, -0.5),
    "the-kiss": (0.8, 0.1),
    "wanderer": (-0.1, -0.3),
    "shipwreck": (-0.7, 0.6),
    "collioure": (0.9, 0.6),
    "composition-vii": (0.3, 0.9),
    "contrast-of-forms": (0.1, 0.5),
    "delaunay-portrait": (0.3, 0.2),
    "edtaonisl": (0.4, 0.7),
    "olive-trees": (-0.3, 0.2),
    "pearl-earring": (0.1, -0.6),
    "udnie": (-0.2, 0.4),
    "wheat-field": (0.6, 0.3),
}
"""Where the named styles lie on the plane of moods, as (valence, arousal): what their paintings are usually taken
for. A choice of ours, no measurement."""


# -- time ----------------------------------------------------------------------------------------------------


def weights(photos: Sequence[Photo], options: FilmOptions) -> list[float]:
    """How long each photo is shown in relation to the others: calm ones longer, unless a pace was asked for."""
    if options.pace is not None:
        return [1.0] * len(photos)
    return [1 - _STEADIER * photo.mood[1] for photo in photos]


def seconds_for(many: int, options: FilmOptions) -> float:
    """How long a film of so many photos is to be. Raises BadRequest where length and pace contradict each other."""
    if options.pace is None:
        seconds = options.seconds if options.seconds is not None else min(max(_USUAL * many, 8.0), LONGEST)
        if seconds / many < cutting.SHORTEST:
            least = math.ceil(many * cutting.SHORTEST)
            why = f"a photo is shown for {cutting.SHORTEST:g} s at least"
            raise BadRequest(f"{many} photos in {seconds:g} s", why, f"ask for {least} seconds or more")
        return seconds
    lasts = options.pace * many
    if options.seconds is not None and not math.isclose(lasts, options.seconds, rel_tol=0.02):
        request = f"{many} photos at {options.pace:g} s each in {options.seconds:g} s"
        raise BadRequest(request, f"they take {lasts:g} s", "give --seconds or --pace, not both")
    if not SHORTEST <= lasts <= LONGEST:
        request = f"{many} photos at {options.pace:g} s each"
        raise BadRequest(request, f"a film lasts {SHORTEST:g} to {LONGEST:g} s", f"try --pace {_USUAL:g}")
    return lasts


def tempo_for(pace: float | None) -> float | None:
    """The tempo, in quarters a minute, at which a photo lasts a whole number of beats; None for any."""
    if pace is None:
        return None
    fits = [60 * beats / pace for beats in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 96)]
    fits = [t for t in fits if SLOWEST <= t <= FASTEST and _COMFORTABLE[0] <= t <= _COMFORTABLE[1]]
    return min(fits, key=lambda t: abs(math.log(t / _WALKING))) if fits else None


def quicker(score: Score, photos: int) -> float | None:
    """The tempo at which the piece has a beat for each of so many photos and some to spare; None where it has, or
    where nobody would want to hear that."""
    beats = int((score.beats <= score.last).sum())
    if beats >= _BEATS * photos or "tempo" not in score.facts:
        return None
    tempo = float(score.facts["tempo"]) * _SPARE * photos / max(beats, 1)
    return round(tempo, 1) if tempo <= _HURRIED else None


def off_beat(board: Storyboard, score: Score) -> int:
    """How many changes of photo lie more than a frame from every beat."""
    if not len(score.beats):
        return 0
    return sum(float(abs(score.beats - shot.start).min()) > 1 / board.fps + 1e-6 for shot in board.shots[1:])


# -- manner --------------------------------------------------------------------------------------------------


def styles_for(photos: Sequence[Photo], options: FilmOptions, feeler: MoodModel) -> list[tuple[str, ...]]:
    """The styles of each photo."""
    named = list(several(options.style))
    named += [path.name for path in map(Path, options.look.paintings) if not any(path.name in text for text in named)]
    if options.vary == "mood":
        names = named or [style.name for style in named_styles(options.look.model) if style.name in STYLE_MOODS]
        places = [_mood_of(name, options.look, feeler) for name in names]
        return [(names[_nearest(photo.mood, places)],) for photo in photos]
    named = named or [style_spec.DEFAULT]
    if options.vary == "photo":
        return [(named[i % len(named)],) for i in range(len(photos))]
    return [tuple(named)] * len(photos)


def _nearest(mood: tuple[float, float], places: Sequence[tuple[float, float]]) -> int:
    return min(range(len(places)), key=lambda i: math.dist(mood, places[i]))


def _mood_of(text: str, manner: FilmLook, feeler: MoodModel) -> tuple[float, float]:
    """Where a style lies: by our table, or as its painting feels; in the middle, if neither can be told."""
    name = text.rpartition("@")[0] or text
    name = name.rpartition("=")[0] or name
    if name in STYLE_MOODS:
        return STYLE_MOODS[name]
    files = [Path(path) for path in manner.paintings if Path(path).name == name] or [Path(name)]
    return feeler.feel(images.read(files[0])).mood if files[0].is_file() else (0.0, 0.0)


def _caption(photo: Photo, kind: Captions) -> str:
    if kind == "name":
        return Path(photo.name).stem.replace("_", " ").replace("-", " ").strip()
    if kind == "date":
        return photo.taken[:10].replace(":", "-")
    return photo.says if kind == "description" else ""


# -- all of it -----------------------------------------------------------------------------------------------


def planned(
    photos: Sequence[Photo], score: Score, music: Music, options: FilmOptions, styles: Sequence[tuple[str, ...]]
) -> Storyboard:
    """The storyboard of these photos, in this order, to this score. Raises BadRequest where they do not fit in."""
    if options.pace is not None:
        changes = cutting.even(score.beats, score.downbeats, score.seconds, len(photos))
    else:
        changes = cutting.changes(
            score.beats,
            score.downbeats,
            score.seconds,
            weights(photos, options),
            last=score.last,
            frame=1 / options.fps,
        )
    edges = [0.0, *(change.at for change in changes), score.seconds]
    frame = Storyboard((Shot("-", 0, 1), Shot("-", 1, 2)), options.aspect, options.resolution).size
    shots = []
    for i, ((start, end), photo) in enumerate(zip(pairwise(edges), photos, strict=True)):
        fade = changes[i - 1].fade if i else 0.0
        first, last, fills = _camera(photo, frame, end - start, options.motion, i)
        shots.append(
            Shot(
                photo.name, start, end, styles[i], (0.0 if options.grow else options.strength, options.strength),
                (first, last), "crop" if fills else "fill", options.wipe, _caption(photo, options.captions),
                "crossfade" if fade else "cut", fade,
            )
        )  # fmt: skip
    return Storyboard(
        tuple(shots), options.aspect, options.resolution, options.fps, options.title, music, options.look
    )


def _camera(
    photo: Photo, frame: tuple[int, int], seconds: float, motion: float, number: int
) -> tuple[View, View, bool]:
    size = photo.height, photo.width
    return camera.planned(size, photo.catches, frame, seconds, motion, number % 2 == 0)
