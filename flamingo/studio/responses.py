"""Files out: under their names, with a type that a browser need not guess, and harmless where they are shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from flamingo.studio.filetypes import SHOWN
from flamingo.studio.problems import RangeBeyond, problem

__all__ = ["disposition", "send"]

_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src 'self'"
FOREVER = "private, max-age=31536000, immutable"


def send(
    request: Request,
    path: Path,
    etag: str,
    media_type: str,
    name: str,
    *,
    download: bool = False,
    forever: bool = False,
) -> Response:
    """A file, or 304 if the browser has it; parts of it (Range) for players.

    Args:
        request: what the browser has of it, and which part it asks for.
        path: where the file lies.
        etag: names the content.
        media_type: of the content.
        name: under which it is saved.
        download: whether it is to be saved rather than shown.
        forever: whether a browser may keep it without asking again.
    """
    inline = not download and media_type in SHOWN
    headers = {
        "ETag": f'"{etag}"',
        "Cache-Control": FOREVER if forever else "private, no-cache",
        "Content-Disposition": disposition(name, inline),
        "Content-Security-Policy": _SANDBOX if media_type != "application/pdf" else "default-src 'none'; sandbox",
    }
    etags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if headers["ETag"] in etags:
        return Response(None, 304, {key: headers[key] for key in ("ETag", "Cache-Control")})
    if (size := _beyond(request, path)) is not None:
        error = RangeBeyond("this part of the file", f"it has {size:,} bytes", "ask for a part that lies within")
        return problem(error, {"Content-Range": f"bytes */{size}"})
    return FileResponse(path, headers=headers, media_type=media_type)


def _beyond(request: Request, path: Path) -> int | None:
    """The size of the file, if no part that is asked for lies within it."""
    byte_ranges = request.headers.get("range")
    if byte_ranges is None or "if-range" in request.headers:
        return None
    size = path.stat().st_size
    for part in byte_ranges.partition("=")[2].split(","):
        first, _, last = part.strip().partition("-")
        if (first and int(first) < size) or (not first and last and int(last) > 0 and size > 0):
            return None
    return size


def disposition(name: str, inline: bool = False) -> str:
    """A Content-Disposition for any name (RFC 6266): plain letters for old programs, all of them for others."""
    kind = "inline" if inline else "attachment"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%/' else "_" for c in name) or "file"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
