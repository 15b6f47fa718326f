"""One plain line that says what made a file, for kinds that hold no signature: MIDI, Ogg and MusicXML.

The line is a mark and then JSON, in plain ASCII and without characters that XML or a MIDI editor would change, so
that it stands in every one of these files as it is and can be found without taking the file apart. Anyone can write
such a line: it informs, and proves nothing. The signed sidecar does that.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from flamingo.provenance.origin import Origin

__all__ = ["found", "into_midi", "into_musicxml", "line"]

_MARK = "Made by Flamingo: "
_LONGEST = 2**18


def line(origin: Origin) -> str:
    """The line. The same origin gives the same line: it holds no time."""
    text = json.dumps(origin.statement(), ensure_ascii=True)
    for char in "&<>":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return _MARK + text


def found(data: Any) -> dict[str, Any]:
    """What the first line of ours in the bytes of a file says.

    Args:
        data: anything with `find`, such as bytes or a mapped file.

    Returns:
        Plain values by name; empty if there is none.
    """
    start = data.find(_MARK.encode())
    if start < 0:
        return {}
    begin = start + len(_MARK)
    text = bytes(data[begin : begin + _LONGEST]).decode("ascii", "replace")
    try:
        statement, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return statement if isinstance(statement, dict) else {}


def into_midi(data: bytes, text: str) -> bytes:
    """A MIDI file with one more text event, at the beginning of its first track after the titles.

    Args:
        data: the whole file.
        text: what the event says.

    Returns:
        The whole file.
    """
    import mido

    file = mido.MidiFile(file=BytesIO(data), charset="utf-8")
    track = file.tracks[0]
    index = next((i for i, event in enumerate(track) if event.type not in ("track_name", "text")), len(track))
    track.insert(index, mido.MetaMessage("text", text=text, time=0))
    buffer = BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def into_musicxml(data: bytes, text: str) -> bytes:
    """A MusicXML score with a miscellaneous field.

    Args:
        data: the whole score.
        text: what the field says.

    Returns:
        The whole score; unchanged if it identifies nothing.
    """
    field = f'<miscellaneous><miscellaneous-field name="flamingo">{text}</miscellaneous-field></miscellaneous>'
    end = b"</identification>"
    return data.replace(end, field.encode() + end, 1)
