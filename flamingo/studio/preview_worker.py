"""The process that paints sketches: small pictures at once, for previews and for the camera. Started by
`preview_client`.

It keeps its painters, the last photos that it looked at, and what it found out of the last paintings and masks, so
that a change of a slider costs one pass of the network and nothing else. Requests (see `flamingo.processes`) are

    {"paint": {method, style, strength, painting, mask, fields of StyleOptions and PatchOptions}, "longest": 384,
     "photo": "/path", "quality": 85}, where all but style and model may be missing, and painting and mask are paths
     by name; without a method it is the painter, which is quick
    {"paint": {...}, "longest": 320, "quality": 80} with a JPEG as payload: a camera's frame
    {"load": "fast"}, for a painter that will be wanted soon
    {"keep": "my-garden", "painting": "/path", "source": "garden.jpg", "overwrite": false}: to be kept

and a response is {"width": 384, "height": 256, "ms": 140.2} with a JPEG.
"""

from __future__ import annotations

import io
import json
import time
from collections import OrderedDict
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flamingo import images
from flamingo.errors import BadInput, FlamingoError
from flamingo.painting import user_styles
from flamingo.painting.brush import Brush, brush_of
from flamingo.painting.options import PatchOptions, StyleOptions
from flamingo.painting.painter import Painter
from flamingo.painting.request import method_of, parse_terms
from flamingo.processes import error_message
from flamingo.processes.child import Call, Response, serve

if TYPE_CHECKING:
    from flamingo.painting.patches.brush import PatchBrush

_KEPT = 12  # photos, each no larger than a preview, and brushes
_FRAME_PIXELS = 1_500_000
_NOTHING = {"width": 0, "height": 0, "ms": 0.0}  # where no picture was asked for


class _Previews:
    def __init__(self) -> None:
        self._brushes: OrderedDict[str, Brush | PatchBrush] = OrderedDict()
        self._photos: OrderedDict[tuple[str, int], NDArray[np.float32]] = OrderedDict()

    def answer(self, call: Call) -> Response:
        begun, request, frame = time.perf_counter(), call.header, call.payload()
        try:
            if "load" in request:
                Painter(request["load"])
                images.warm_up()
                return _NOTHING, ()
            if "keep" in request:
                how = {"overwrite": request["overwrite"], "source": request["source"]}
                user_styles.add(request["keep"], Path(request["painting"]), **how)
                return _NOTHING, ()
            rgb = self._frame(frame, request["longest"]) if frame else self._photo(request)
            painted = self._brush(request["paint"]).paint(rgb)
        except FlamingoError as error:
            return error_message(BadInput(*(_named(part, request) for part in error.args))), ()
        pixels = np.rint(np.clip(painted, 0, 1) * 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=request["quality"])
        jpeg = out.getvalue()
        size = {"width": pixels.shape[1], "height": pixels.shape[0], "bytes": len(jpeg)}
        return {**size, "ms": round((time.perf_counter() - begun) * 1000, 1)}, (jpeg,)

    def _brush(self, request: dict[str, Any]) -> Brush | PatchBrush:
        """What was asked for. Strength and options of style are set on a brush that is kept without them."""
        style, match = _texts(request["style"]), _texts(request.get("match"))
        files = [
            {name: Path(path) for name, path in request.get(option, {}).items()} for option in ("painting", "mask")
        ]
        model, wanted_method = request["model"], request.get("method", "painter")
        key = json.dumps(
            [wanted_method, style, request.get("painting"), request.get("mask"), match, model, _changed()]
        )
        if key not in self._brushes:
            terms = parse_terms(style, files[0], files[1], match, model, anywhere=False)
            plain = StyleOptions(model=model)
            if method_of(wanted_method, terms.styles, model) == "patches":
                from flamingo.painting.patches.brush import patch_brush

                self._brushes[key] = patch_brush(terms.styles, 1.0, plain, PatchOptions(), terms.matches)
            else:
                self._brushes[key] = brush_of(terms.styles, 1.0, plain)
            while len(self._brushes) > _KEPT:
                self._brushes.popitem(last=False)
        self._brushes.move_to_end(key)
        stored_brush = self._brushes[key]
        options = StyleOptions(**_those_of(StyleOptions, request))
        if isinstance(stored_brush, Brush):
            return stored_brush.adjusted(request["strength"], options)
        return stored_brush.adjusted(request["strength"], options, PatchOptions(**_those_of(PatchOptions, request)))

    def _photo(self, request: dict[str, Any]) -> NDArray[np.float32]:
        key = (request["photo"], request["longest"])
        if key not in self._photos:
            picture = images.read(Path(request["photo"]))
            rgb = picture.rgb if max(picture.height, picture.width) <= key[1] else picture.resized(key[1]).rgb
            self._photos[key] = rgb
            while len(self._photos) > _KEPT:
                self._photos.popitem(last=False)
        self._photos.move_to_end(key)
        return self._photos[key]

    @staticmethod
    def _frame(data: bytes, longest: int) -> NDArray[np.float32]:
        """A camera's frame comes as JPEG from a canvas: upright, in sRGB, and small."""
        try:
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
                if opened.width * opened.height > _FRAME_PIXELS:
                    raise BadInput(
                        "the frame", f"it has {opened.width} x {opened.height} pixels", "send smaller ones"
                    )
                opened.draft("RGB", (longest, longest))
                frame = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError):
            raise BadInput("the frame", "it is no JPEG that can be read", "send whole JPEG pictures") from None
        if max(frame.size) > longest:
            frame.thumbnail((longest, longest), Image.Resampling.BILINEAR)
        return np.asarray(frame, dtype=np.float32) / np.float32(255)


def _those_of(kind: type[Any], request: dict[str, Any]) -> dict[str, Any]:
    return {field.name: request[field.name] for field in fields(kind) if field.name in request}


def _texts(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _changed() -> int:
    """When one's own styles last changed."""
    try:
        return user_styles.folder().stat().st_mtime_ns
    except OSError:
        return 0


def _named(text: str, request: dict[str, Any]) -> str:
    """A message that calls files as whoever asked does."""
    files = [item for option in ("painting", "mask") for item in request.get("paint", {}).get(option, {}).items()]
    if "keep" in request:
        files.append((request["source"], request["painting"]))
    for name, path in files:
        text = text.replace(path, name).replace(Path(path).name, name)
    return text


if __name__ == "__main__":
    serve(_Previews().answer)
