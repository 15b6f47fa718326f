"""The helper process that decodes files nobody has vouched for. Started by `guard`.

A codec that crashes, hangs or eats memory takes this process with it and nothing else. A request (see
`flamingo.processes`) has name, path or the bytes of the file, its size, limits and keep_gps; the response shape,
itemsize, depth, grey, format and notes, and in its payload as many bytes of profile ("icc") and EXIF ("exif") as it
says, and the samples. Its progress is the number of pixels, once the header is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

from flamingo import errors
from flamingo.images.decode import decode
from flamingo.images.limits import Limits
from flamingo.processes import error_message
from flamingo.processes.child import Call, Response, limit, serve


def _decode(call: Call) -> Response:
    request = call.header
    limits = Limits(**request["limits"])
    name, path, size = request["name"], request["path"], request["size"]
    limit(2 * size, limits.seconds + size / 50e6)
    announced = False

    def announce(pixels: int, memory: int) -> None:
        nonlocal announced
        limit(memory, limits.seconds_for(pixels))
        # A damaged file is decoded twice, with one deadline for both.
        if not announced:
            call.send({"progress": pixels})
            announced = True

    try:
        data = call.payload() if path is None else Path(path).read_bytes()
        result = decode(data, name, limits, keep_gps=request["keep_gps"], announce=announce)
    except errors.FlamingoError as error:
        return error_message(error), ()
    except OSError as error:
        hint = "check the name and its permissions"
        return error_message(errors.UnreadableImage(name, error.strerror or "cannot be opened", hint)), ()
    except Exception:
        # Not foreseen, and still no reason to stop: one file cannot be read.
        hint = "export it again from its source"
        return error_message(errors.UnreadableImage(name, "the file is damaged", hint)), ()
    icc, exif = result.icc or b"", result.exif or b""

    def parts() -> Iterator[bytes | memoryview]:
        yield from (icc, exif)
        for strip in result.strips():
            yield strip.data.cast("B")

    return {
        "bytes": len(icc) + len(exif) + prod(result.shape) * result.dtype.itemsize,
        "shape": result.shape,
        "itemsize": result.dtype.itemsize,
        "depth": result.depth,
        "grey": result.grey,
        "icc": len(icc),
        "exif": len(exif),
        "format": result.format,
        "notes": result.notes,
    }, parts()


if __name__ == "__main__":
    serve(_decode)
