"""A piece as sound: a sampled piano, other instruments from a SoundFont, in a room, at one loudness, in a sound file.

samples = render(piece)
data = encode(samples, 44100, "mp3", {"title": piece.title})
"""

from flamingo.composing.writing.sound.encoding import encode
from flamingo.composing.writing.sound.loudness import CEILING, LOUDNESS, describe_loudness, levelled
from flamingo.composing.writing.sound.rendering import render
from flamingo.composing.writing.sound.soundfonts import check_soundfont

__all__ = ["CEILING", "LOUDNESS", "check_soundfont", "describe_loudness", "encode", "levelled", "render"]
