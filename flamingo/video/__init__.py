"""Clips in and out: frames upright and in order, their times, their sound, their colours.

    clip = probe(Path("holiday.mp4"))
    with Reader(clip) as frames, Writer(Path("out.nut"), clip.look) as writer:
        for frame in frames:
            writer.add(paint(frame.rgb), frame.pts)

Film files are read and written with PyAV (FFmpeg's libraries), animated GIF and WebP with Pillow and libvips. Only
local files of known kinds are opened, and nothing that they point to.
"""

from typing import TYPE_CHECKING

from flamingo.lazy import on_demand

if TYPE_CHECKING:
    from flamingo.video.animation import times_kept, write_animation
    from flamingo.video.clip import probe
    from flamingo.video.joining import check_sound, join
    from flamingo.video.kinds import ANIMATED, FILM_SUFFIXES, FILMS, Clip, Limits, Look, is_clip, written
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

# Imported when it is first asked for: whether a file is a clip is asked of every photo, and FFmpeg's libraries and
# OpenCV take a while to load.
_HOMES = {
    "ANIMATED": "flamingo.video.kinds",
    "Clip": "flamingo.video.kinds",
    "FILMS": "flamingo.video.kinds",
    "FILM_SUFFIXES": "flamingo.video.kinds",
    "Frame": "flamingo.video.reading",
    "Limits": "flamingo.video.kinds",
    "Look": "flamingo.video.kinds",
    "Reader": "flamingo.video.reading",
    "Writer": "flamingo.video.writing",
    "check_sound": "flamingo.video.joining",
    "is_clip": "flamingo.video.kinds",
    "join": "flamingo.video.joining",
    "look_of": "flamingo.video.writing",
    "probe": "flamingo.video.clip",
    "times_kept": "flamingo.video.animation",
    "write_animation": "flamingo.video.animation",
    "written": "flamingo.video.kinds",
}

__getattr__ = on_demand(__name__, _HOMES)
