"""The IPTC digital source type in XMP, which picture libraries and search engines read without knowing C2PA.

IPTC Photo Metadata Standard, property Iptc4xmpExt:DigitalSourceType. It is a plain word and proves nothing.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any

from flamingo.provenance.origin import SOFTWARE, VOCABULARY, Origin, version

__all__ = ["found", "into_png", "packet"]

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="{tool}"
    Iptc4xmpExt:DigitalSourceType="{source}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_BEGIN, _END = b"<x:xmpmeta", b"</x:xmpmeta>"
_LONGEST = 2**20
_MOST = 16  # packets looked at: a file may hold some of its parts' too
_TERM = re.compile(re.escape(VOCABULARY.encode()) + rb"(\w{1,80})")
_PNG_HEAD = 33  # bytes of a PNG file up to the end of its first chunk, which must stay the first


def packet(origin: Origin) -> bytes:
    """The XMP packet for a result."""
    return _PACKET.format(tool=f"{SOFTWARE} {version()}", source=origin.source_type).encode()


def found(data: Any) -> str:
    """The digital source type in the first XMP packet of a file that has one.

    Packets are found by their marks, as XMP part 1 means them to be, whatever the format.

    Args:
        data: anything with `find`, such as bytes or a mapped file.

    Returns:
        The address of the IPTC term, or "".
    """
    start = 0
    for _ in range(_MOST):
        start = data.find(_BEGIN, start)
        end = data.find(_END, start, start + _LONGEST) if start >= 0 else -1
        if end < 0:
            return ""
        text = bytes(data[start:end])
        if b"DigitalSourceType" in text and (term := _TERM.search(text)):
            return VOCABULARY + term[1].decode()
        start = end
    return ""


def into_png(data: bytes, content: bytes) -> bytes:
    """A PNG file with an XMP packet, in an iTXt chunk as XMP part 3 has it; the pixels stay as they are stored.

    Args:
        data: the whole file.
        content: the packet.

    Returns:
        The whole file.
    """
    body = b"iTXt" + b"XML:com.adobe.xmp\0" + b"\0\0\0\0" + content
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]
