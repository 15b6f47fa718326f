"""The music of a film: composed for it, or the user's own; as sound, with the beats on which pictures may change.

A score that we compose says itself where its beats are, so that nothing has to be heard out of it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import reading
from flamingo.composing.piece import Piece
from flamingo.composing.reading import KINDS
from flamingo.composing.sections import Point
from flamingo.composing.writing import sound
from flamingo.errors import show
from flamingo.files import sha256
from flamingo.filming.beats import RATE, heard, sound_of
from flamingo.filming.cache import Work
from flamingo.filming.storyboard import Music

__all__ = ["RATE", "Score", "along", "grid", "made"]

Array = NDArray[Any]
Say = Callable[[float, str], None]
"""Called as (share done, what is being done)."""

_FADE = 2.5  # seconds in which the user's music fades out where the film ends before it
_OUT = 0.6  # seconds in which what still rings of a composed piece dies away
_SECTION = 7.0  # seconds that a mood of the album gets in the music, at least


@dataclass(frozen=True, eq=False)
class Score:
    """samples: float32 (n, 2) at 48,000 Hz, as long as the film; seconds: how long that is; beats: (b,) seconds,
    downbeats: (b,) whether a bar begins there; last: when the last note is struck; facts: for the recipe."""

    samples: Array
    seconds: float
    beats: Array
    downbeats: Array
    last: float
    notes: tuple[str, ...]
    facts: dict[str, Any]


def made(music: Music, seconds: float | None, work: Work, say: Say, at_most: float) -> Score:
    """The score of these seconds; None: as long as the music is, `at_most` where it is longer. What an earlier run
    has composed is taken. Raises BadRequest for what cannot be composed, UnreadableMusic for a file."""
    if music.file is not None:
        return _of_file(Path(music.file), seconds, at_most)
    assert seconds is not None
    return _composed(music, seconds, work, say)


def grid(piece: Piece) -> tuple[Array, Array]:
    """The beats of a piece in seconds, (b,), and whether each begins a bar."""
    edges = piece.edges
    places, down = [], []
    for bar in range(len(piece.bars)):
        inside = np.arange(edges[bar], edges[bar + 1], piece.metre(bar).beat)
        places.append(inside)
        down.append(inside == edges[bar])
    return piece.seconds(np.concatenate(places)), np.concatenate(down)


def along(moods: Sequence[tuple[float, float]], weights: Sequence[float], seconds: float) -> list[tuple[Point, ...]]:
    """The path of moods of an album as points for the sections of a piece: as many as the time has room for, then
    fewer and fewer, since a slow metre may have room for less. Neighbours in the album share a section."""
    most = max(1, min(len(moods), int(seconds / _SECTION)))
    ways = []
    while True:
        ways.append(tuple(_points(moods, weights, most)))
        if most == 1:
            return ways
        most = max(1, most * 2 // 3)


def _points(moods: Sequence[tuple[float, float]], weights: Sequence[float], many: int) -> list[Point]:
    share = np.cumsum(weights) / sum(weights)
    which = np.minimum((share - 1e-9) * many, many - 1).astype(int)
    points = []
    for section in np.unique(which):
        mine = np.flatnonzero(which == section).tolist()
        total = float(sum(weights[i] for i in mine))
        valence, arousal = (sum(weights[i] * moods[i][axis] for i in mine) / total for axis in (0, 1))
        points.append(Point(round(valence, 4), round(arousal, 4), round(total, 4)))
    return points


# -- composed ------------------------------------------------------------------------------------------------


def _composed(music: Music, seconds: float, work: Work, say: Say) -> Score:
    from flamingo import weights

    version = weights.entry("composer")["version"]
    facts = [music.persona, music.seed, music.tempo, music.mood, [list(p) for p in music.path], seconds, version]
    cache_file = work.place("score", facts, ".npz")
    stored = _cached(cache_file)
    if stored is not None:
        return stored
    score = _compose(music, seconds, work.place("score", facts, ".mid"), say)
    buffer = io.BytesIO()
    plain = json.dumps([score.seconds, score.last, score.notes, score.facts])
    np.savez(buffer, samples=score.samples, beats=score.beats, downbeats=score.downbeats, plain=np.array(plain))
    work.put(buffer.getvalue(), cache_file)
    return score


def _cached(file: Path) -> Score | None:
    try:
        with np.load(file, allow_pickle=False) as opened:
            seconds, last, notes, facts = json.loads(str(opened["plain"]))
            arrays = opened["samples"], opened["beats"], opened["downbeats"]
            return Score(arrays[0], seconds, arrays[1], arrays[2], last, tuple(notes), facts)
    except (OSError, ValueError, KeyError, EOFError):
        return None


def _compose(music: Music, seconds: float, file: Path, say: Say) -> Score:
    from flamingo.composing.api import compose

    mood: dict[str, Any] = {"mood": music.mood} if music.mood else {"path": music.path} if music.path else {}
    [composed] = compose(
        persona=music.persona, seconds=seconds, tempo=music.tempo, seed=music.seed, output=file, overwrite=True,
        on_progress=lambda done, many, message: say(0.9 * done / many, f"composing, {message}"), **mood,
    )  # fmt: skip
    if composed.error is not None:
        raise composed.error
    say(0.9, "playing the score")
    piece = composed.piece
    lasts = float(piece.seconds())
    samples = _fitted(sound.render(piece, rate=RATE), lasts, _OUT)
    beats, down = grid(piece)
    facts = {
        "persona": composed.recipe["persona"], "seed": music.seed, "key": str(piece.key), "metre": str(piece.metre()),
        "tempo": round(piece.bpm, 2), "bars": len(piece.bars), "model_version": composed.recipe["model_version"],
        "sections": composed.timeline(),
    }  # fmt: skip
    shared = (composed.originality.sentence,) if composed.originality else ()
    return Score(samples, lasts, beats, down, float(piece.played[0].max()), (*shared, *composed.notes), facts)


# -- the user's own ------------------------------------------------------------------------------------------


def _of_file(file: Path, seconds: float | None, at_most: float) -> Score:
    wanted_seconds = at_most if seconds is None else seconds
    if KINDS.get(file.suffix.lower(), "sound") != "sound":  # MIDI or a score, which says itself where its beats are
        return _of_score(file, seconds, wanted_seconds)
    samples = sound_of(file, wanted_seconds + _FADE)
    lasts = len(samples) / RATE
    notes: list[str] = []
    if seconds is not None and lasts < seconds - 0.05:
        notes.append(f"the music lasts {lasts:.1f} s, and so does the film, not {seconds:g} s")
    beat_grid = heard(samples)
    notes.append(beat_grid.sentence)
    beats = beat_grid.times[beat_grid.times < min(lasts, wanted_seconds)]
    whole = lasts <= wanted_seconds + 1e-6
    end = lasts if whole else wanted_seconds
    if not whole and seconds is None and len(beats) > 1:
        end = float(beats[-1])
        beats = beats[:-1]
    down = (np.arange(len(beats)) - beat_grid.first) % 4 == 0
    samples = _fitted(samples, end, 0.05 if whole else min(_FADE, end / 3))
    facts = {"music_sha256": sha256(file), "beats": len(beats), "clear": round(beat_grid.clear, 2)}
    return Score(samples, end, beats, down, float(beats[-1]) if len(beats) else 0.0, tuple(notes), facts)


def _of_score(file: Path, seconds: float | None, wanted_seconds: float) -> Score:
    """MIDI or a score that the user brings, played by the synthesizer that plays what is composed here."""
    piece = reading.read(file)
    samples = sound.render(piece, rate=RATE)
    lasts = min(len(samples) / RATE, float(piece.seconds()) + _OUT)
    notes = [f"{show(file.name)} is played by Flamingo's own instruments"]
    if seconds is not None and lasts < seconds - 0.05:
        notes.append(f"the music lasts {lasts:.1f} s, and so does the film, not {seconds:g} s")
    beats, down = grid(piece)
    end = min(lasts, wanted_seconds)
    down, beats = down[beats < end], beats[beats < end]
    samples = _fitted(samples, end, _OUT if lasts <= wanted_seconds + 1e-6 else min(_FADE, end / 3))
    facts = {"music_sha256": sha256(file), "beats": len(beats), "key": str(piece.key), "tempo": round(piece.bpm, 2)}
    return Score(samples, end, beats, down, float(beats[-1]) if len(beats) else 0.0, tuple(notes), facts)


def _fitted(samples: Array, seconds: float, fade: float) -> Array:
    """Exactly these seconds of sound, faded at their end, at the loudness of all that Flamingo plays."""
    many = round(seconds * RATE)
    fitted = np.zeros((many, 2), np.float32)
    fitted[: min(many, len(samples))] = samples[:many]
    count = min(many, round(fade * RATE))
    if count:
        fitted[many - count :] *= (np.cos(np.linspace(0, np.pi / 2, count)) ** 2)[:, None].astype(np.float32)
    return sound.levelled(fitted, RATE)
