"""Music out: a piece as sound, MIDI, sheet music or picture, by the suffix of the name, whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Literal, cast

from flamingo import files, provenance
from flamingo.composing.options import SoundOptions
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest, show

__all__ = ["KINDS", "check", "to_bytes", "write"]

View = Literal["roll", "score"]

KINDS = (".mid", ".midi", ".wav", ".mp3", ".ogg", ".flac", ".musicxml", ".svg", ".pdf", ".png")
"""The suffixes that `write` takes."""

_SOUND = frozenset({".wav", ".mp3", ".ogg", ".flac"})
_RATE = 44100
_SOFT = 1.0  # LU below the loudness wanted from which on it is said


def write(
    piece: Piece,
    path: Path | str,
    *,
    sound: SoundOptions | None = None,
    overwrite: bool = False,
    never: Collection[Path] = (),
    view: View = "roll",
    origin: provenance.Origin | None = None,
) -> tuple[str, ...]:
    """Write a piece as the kind of file that the suffix says. Returns notes on what the person should know.

    .mid .midi          MIDI
    .wav .mp3 .ogg .flac  sound at 44,100 Hz in stereo, as `sound` says
    .musicxml           a score for notation programs
    .svg .pdf           the engraved score; SVG as one tall page
    .png                a picture: the piano roll, or with view="score" the first engraved page

    overwrite: whether a file that is there may be replaced; the old one stays until the new one is complete.
    never: files that must not be replaced even then, under whatever name (links included): the inputs.
    origin: what made the piece; the file then carries signed credentials that say so. MIDI, Ogg and MusicXML can hold
    no signature: they hold the words, and get a signed sidecar (piece.mid.json).

    Raises what `check` raises before any work is done; then what making the file can raise; then an OutputError.
    """
    path = Path(path)
    origin = provenance.wanted(origin)
    check(path, sound=sound, overwrite=overwrite, never=never, view=view, credited=origin is not None)
    data, notes = _rendered(piece, path.suffix.lower(), sound or SoundOptions(), view, origin)
    return notes + provenance.put(data, path, origin, overwrite=overwrite)


def to_bytes(piece: Piece, kind: str, *, sound: SoundOptions | None = None, view: View = "roll") -> bytes:
    """A piece as the bytes of a file of a kind: one of KINDS, with or without the dot. Raises as `write` does."""
    suffix = kind.lower() if kind.startswith(".") else f".{kind.lower()}"
    _check_kind(suffix, f"the kind '{kind}'", view)
    return _rendered(piece, suffix, sound or SoundOptions(), view)[0]


def check(
    path: Path | str,
    *,
    sound: SoundOptions | None = None,
    overwrite: bool = False,
    never: Collection[Path] = (),
    view: View = "roll",
    credited: bool = False,
) -> None:
    """Raise what writing to `path` would meet, as far as that can be told before there is a piece.

    credited: whether it will be written with its origin, so that some kinds get a sidecar.

    Raises BadRequest (suffix, view), an OutputError (WouldOverwrite, NoSuchFolder or plain), or, for a sound file,
    BadInput or MissingExtra about the SoundFont.
    """
    path = Path(path)
    _check_kind(path.suffix.lower(), show(path), view)
    files.check_target(path, overwrite=overwrite, never=never)
    if credited:
        provenance.check(path, overwrite=overwrite, never=never)
    if path.suffix.lower() in _SOUND and sound is not None and sound.soundfont is not None:
        from flamingo.composing.writing.sound import check_soundfont

        check_soundfont(sound.soundfont)


def _check_kind(suffix: str, name: str, view: str) -> None:
    if suffix not in KINDS:
        why = f"the suffix '{suffix}' is no kind of music file" if suffix else "it has no suffix to tell the kind"
        raise BadRequest(name, why, f"use one of {', '.join(KINDS)}")
    if view not in ("roll", "score"):
        raise BadRequest(f"the view '{view}'", "is not known", "use roll or score")


def _rendered(
    piece: Piece, suffix: str, how: SoundOptions, view: View, origin: provenance.Origin | None = None
) -> tuple[bytes, tuple[str, ...]]:
    if suffix in _SOUND:
        return _as_sound(piece, suffix, how, origin)
    notes = ("the SoundFont was not used: only sound files need one",) if how.soundfont is not None else ()
    data = _without_sound(piece, suffix, view)
    return data if origin is None else _inscribed(data, suffix, origin), notes


def _inscribed(data: bytes, suffix: str, origin: provenance.Origin) -> bytes:
    """With the words about its origin that this kind of file can hold beside, or instead of, a signature."""
    from flamingo.provenance import inscription, xmp

    if suffix in (".mid", ".midi"):
        return inscription.into_midi(data, inscription.line(origin))
    if suffix == ".musicxml":
        return inscription.into_musicxml(data, inscription.line(origin))
    return xmp.into_png(data, xmp.packet(origin)) if suffix == ".png" else data


def _without_sound(piece: Piece, suffix: str, view: View) -> bytes:
    if suffix in (".mid", ".midi"):
        from flamingo.composing.writing.midi import to_midi

        return to_midi(piece)
    if suffix == ".png" and view == "roll":
        from flamingo import images
        from flamingo.composing.writing import roll

        return images.to_bytes(roll.draw(piece), "png")[0]
    from flamingo.composing.writing import engraving

    if suffix == ".png":
        return engraving.to_png(piece)
    if suffix == ".pdf":
        return engraving.to_pdf(piece)
    if suffix == ".svg":
        return engraving.to_svg(piece).encode()
    return engraving.to_musicxml(piece)


def _as_sound(
    piece: Piece, suffix: str, how: SoundOptions, origin: provenance.Origin | None
) -> tuple[bytes, tuple[str, ...]]:
    from flamingo.composing.writing import sound
    from flamingo.provenance import inscription

    samples = sound.render(piece, how, rate=_RATE)
    tags = {"title": piece.title, "artist": f"Flamingo ({piece.persona})" if piece.persona else "Flamingo"}
    if origin is not None and suffix == ".ogg":
        tags["comment"] = inscription.line(origin)
    kind = cast(Literal["wav", "mp3", "ogg", "flac"], suffix.removeprefix("."))
    notes: list[str] = []
    lufs = sound.describe_loudness(samples, _RATE)["lufs"]
    if not math.isfinite(lufs):
        notes.append("there is nothing to hear in it")
    elif lufs < how.loudness - _SOFT:
        notes.append(f"softer than asked for: {lufs:.1f} LUFS, since more would have flattened its peaks")
    return sound.encode(samples, _RATE, kind, tags), tuple(notes)
