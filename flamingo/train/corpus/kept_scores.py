"""Scores that were read, kept as files: reading eight thousand takes an hour, and is done once."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from flamingo.composing.piece import BAR, NOTE, PEDAL, TEMPO, Key, Piece
from flamingo.composing.reading.scores import MARK, Score
from flamingo.errors import UnreadableMusic, show
from flamingo.files import put

VERSION = 1
"""Of what is kept: what an older Flamingo kept is read anew."""


def name_of(content: bytes) -> str:
    """The name under which the score in a file is kept: what is in the file decides, not where it lies."""
    return f"{hashlib.sha256(content).hexdigest()[:24]}-{VERSION}.npz"


def keep(score: Score, file: Path) -> None:
    """Write a score into `file`. Raises an OutputError."""
    piece = score.piece
    facts = {
        "key": asdict(piece.key),
        "programs": piece.programs,
        "title": piece.title,
        "expressive": piece.expressive,
        "texts": score.texts,
    }
    written = io.BytesIO()
    np.savez_compressed(
        written,
        notes=piece.notes,
        bars=piece.bars,
        tempos=piece.tempos,
        pedals=piece.pedals,
        marks=score.marks,
        facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
    )
    put(written.getvalue(), file, overwrite=True)


def kept(file: Path) -> Score:
    """The score in a file that `keep` wrote. Raises UnreadableMusic where it is none."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            piece = Piece(
                arrays["notes"].astype(NOTE),
                arrays["bars"].astype(BAR),
                Key(**facts["key"]),
                arrays["tempos"].astype(TEMPO),
                tuple(facts["programs"]),
                arrays["pedals"].astype(PEDAL),
                facts["title"],
                expressive=facts["expressive"],
            )
            return Score(piece, arrays["marks"].astype(MARK), tuple(facts["texts"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UnreadableMusic(show(file), f"it is no score that was kept ({error})", "delete it, and go on") from None
