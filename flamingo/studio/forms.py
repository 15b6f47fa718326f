"""Forms with files (multipart/form-data, RFC 7578), written to disk while they come, within limits.

What a client says of the length is not believed: bytes are counted. Names of files are never names here.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from flamingo.errors import BadRequest, DiskFull
from flamingo.studio.problems import TooLarge, Unsupported
from flamingo.studio.state import Studio

__all__ = ["Part", "received"]

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it would print a line for every broken form

_PIECE = 1 << 20
_LOOK_EVERY = 16 << 20
_AROUND = 1 << 16  # bytes of a form that are not the files
_SLOWEST = 50_000  # bytes a second, after the first patience
_DRAINED, _DRAINED_FOR = 200_000_000, 10.0


@dataclass
class Part:
    """A file of a form: what the client calls it, and where it lies."""

    name: str
    path: Path
    size: int = 0


@asynccontextmanager
async def received(request: Request, studio: Studio, limits: Mapping[str, int]) -> AsyncIterator[dict[str, Part]]:
    """The files of a form by their fields, in a folder of their own that is gone afterwards.

    Args:
        request: with the form as its body.
        studio: in whose folder they are written.
        limits: how many bytes each field may have.

    Raises:
        Unsupported: for another kind of body.
        BadRequest: for a broken form.
        TooLarge: for a field with more bytes than it may have.
        DiskFull: if there is no room for them.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Unsupported("the request", "it is no form with files", "send multipart/form-data with the field 'file'")
    async with studio.receiving:
        folder = Path(await run_in_threadpool(tempfile.mkdtemp, dir=studio.incoming))
        try:
            form = _Form(folder, limits, studio, options[b"boundary"])
            try:
                _check_length(request, limits)
                await _read(request, form, studio.settings.limits.patience)
            except TooLarge:
                if not form.all_came:  # a browser that is still sending would not see the answer
                    await _drain(request)
                raise
            finally:
                await run_in_threadpool(form.close)
            yield form.parts
        finally:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


def _check_length(request: Request, limits: Mapping[str, int]) -> None:
    content_length = request.headers.get("content-length", "")
    if content_length.isdecimal() and int(content_length) > sum(limits.values()) + _AROUND:
        raise _too_large("the file", max(limits.values()))


async def _read(request: Request, form: _Form, patience: float) -> None:
    pieces, size, total, begun = [], 0, 0, time.monotonic()
    stream = aiter(request.stream())
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), patience)
        except StopAsyncIteration:
            form.all_came = True
            break
        except TimeoutError:
            raise BadRequest("the upload", "it stopped half-way", "send it again") from None
        pieces.append(piece)
        size, total = size + len(piece), total + len(piece)
        if size >= _PIECE:
            await run_in_threadpool(form.feed, b"".join(pieces))
            pieces, size = [], 0
        if time.monotonic() - begun > 2 * patience + total / _SLOWEST:
            raise BadRequest("the upload", "it comes too slowly", "send it again")
    await run_in_threadpool(form.feed, b"".join(pieces))
    form.finish()


async def _drain(request: Request) -> None:
    left, until = _DRAINED, time.monotonic() + _DRAINED_FOR
    try:
        async with asyncio.timeout(_DRAINED_FOR):
            while left > 0 and time.monotonic() < until:
                message = await request.receive()
                left -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


@dataclass
class _Heading:
    """The header of a part on its way."""

    name: bytes = b""
    value: bytes = b""
    disposition: bytes = b""
    size: int = field(default=0)


class _Form:
    """The parser, and the files that it writes."""

    def __init__(self, folder: Path, limits: Mapping[str, int], studio: Studio, boundary: bytes) -> None:
        self.parts: dict[str, Part] = {}
        self.all_came = False
        self._folder, self._limits = folder, limits
        self._reserve = studio.settings.jobs.reserve
        self._heading = _Heading()
        self._part: Part | None = None
        self._most = 0
        self._file: IO[bytes] | None = None
        self._looked = self._written = 0
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_name,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._write,
                    "on_part_end": self.close,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _broken() from None

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError:
            raise _broken() from None

    def finish(self) -> None:
        """Raise BadRequest if the form has no end."""
        if not self._ended:
            raise BadRequest("the form", "it is cut short", "send it again")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._part = None

    def _begin(self) -> None:
        self._heading = _Heading()

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._heading.name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._heading.value += data[start:end]

    def _end_header(self) -> None:
        if self._heading.name.lower() == b"content-disposition":
            self._heading.disposition = self._heading.value
        self._heading.name = self._heading.value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._heading.disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field not in self._limits:
            field_names = ", ".join(self._limits)
            raise BadRequest(f"field {field[:80]!r}", "the form has no such field", f"it has: {field_names}")
        if field in self.parts:
            raise BadRequest(f"field {field}", "it is there more than once", "send one file a request")
        called = options.get(b"filename", b"").decode("utf-8", "replace")[-1000:]
        self._part = Part(called, self._folder / str(len(self.parts)))
        self.parts[field] = self._part
        self._most = self._limits[field]
        self._file = self._part.path.open("xb")

    def _write(self, data: bytes, start: int, end: int) -> None:
        size = end - start
        assert self._part is not None and self._file is not None
        self._part.size += size
        if self._part.size > self._most:
            raise _too_large(self._part.name or "the file", self._most)
        self._written += size
        if self._written - self._looked > _LOOK_EVERY or self._looked == 0:
            self._looked = self._written
            if shutil.disk_usage(self._folder).free < self._reserve + self._written:
                raise DiskFull("the studio", "the disk is full", "free some space, or empty the bin")
        self._file.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self._ended = True


def _broken() -> BadRequest:
    return BadRequest("the form", "it is no multipart/form-data", "send the file in the field 'file'")


def _too_large(what: str, most: int) -> TooLarge:
    return TooLarge(what, f"it has more than {most / 1e6:g} MB", "use a smaller file", most)
