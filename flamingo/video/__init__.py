"""Clips in and out: frames upright and in order, their times, their sound, their colours.

    clip = probe(Path("holiday.mp4"))
    with Reader(clip) as frames, Writer(Path("out.nut"), clip.look) as writer:
        for frame in frames:
            writer.add(paint(frame.rgb), frame.pts)

Film files are read and written with PyAV (FFmpeg's libraries), animated GIF and WebP with Pillow and libvips. Only
local files of known kinds are opened, and nothing that they point to.
"""

from flamingo.video.animation import times_kept, write_animation
from flamingo.video.clip import ANIMATED, FILM_SUFFIXES, FILMS, Clip, Limits, Look, is_clip, probe, written
from flamingo.video.joining import check_sound, join
from flamingo.video.reading import Frame, Reader
from flamingo.video.writing import Writer, look_of

__all__ = [
    "ANIMATED",
    "FILMS",
    "FILM_SUFFIXES",
    "Clip",
    "Frame",
    "Limits",
    "Look",
    "Reader",
    "Writer",
    "check_sound",
    "is_clip",
    "join",
    "look_of",
    "probe",
    "times_kept",
    "write_animation",
    "written",
]
