"""Music in: MIDI files, scores and recordings become a Piece. `read` knows a file by its suffix."""

from flamingo.composing.reading.files import KINDS, MAX_SCORE_BYTES, folder, from_bytes, read

__all__ = ["KINDS", "MAX_SCORE_BYTES", "folder", "from_bytes", "read"]
