"""Film files are opened here for reading: local ones of known kinds, and nothing that they point to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import av
import av.container
import av.error
import av.logging

from flamingo.errors import UnreadableVideo, show
from flamingo.images.formats import FILM_NOT_READ, FILM_SUFFIXES, FILMS_READ

__all__ = ["Broken", "opened"]

# What the libraries have to say of a file is said in one line here, and not on standard error.
av.logging.set_level(None)

Broken = (av.error.FFmpegError, ValueError, IndexError, EOFError)
"""What decoding a file that anyone may have made can raise."""

# Playlists (hls, concat, dash, ...) are not among them: those would open other files, or addresses.
_KINDS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,nut,mpegts,mpeg"


def opened(path: Path) -> av.container.InputContainer:
    """Open a film file.

    Args:
        path: the file.

    Raises:
        UnreadableVideo: it is missing, damaged or of a kind that is not read.
    """
    name = show(path)
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it cannot be opened"
        raise UnreadableVideo(name, why, "check the name") from None
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableVideo(name, "it is not a regular file", "save the clip to a file first")
    if not os.access(path, os.R_OK):
        raise UnreadableVideo(name, "it may not be read", "check its permissions")
    if (suffix := path.suffix.lower()) in FILM_SUFFIXES and suffix not in FILMS_READ:
        raise UnreadableVideo(name, *FILM_NOT_READ)
    if not state.st_size:
        raise UnreadableVideo(name, "the file is empty", "copy it again from its source")
    options = {"protocol_whitelist": "file", "format_whitelist": _KINDS}
    try:
        # With the protocol, a name such as `http:x.mp4` or `concat:a|b.mp4` is the name of a file.
        return av.open(f"file:{path.absolute()}", container_options=options, metadata_errors="replace")
    except Broken:
        raise UnreadableVideo(name, "it is damaged, or no film file", "export it again from its source") from None
