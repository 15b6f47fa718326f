"""Music out: a Piece becomes MIDI, sound, a score or a picture. `write` knows what by the suffix."""

from flamingo.composing.writing.files import KINDS, check, to_bytes, write

__all__ = ["KINDS", "check", "to_bytes", "write"]
