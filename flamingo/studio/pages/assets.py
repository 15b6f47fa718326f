"""The files beside the pages: style sheets, modules, pictures, and the typefaces from their packages.

A page names each file with a hash of its content, so a browser may keep it for ever; what names it without one (a
module that another imports) is asked for again each time, and answered with 304 if nothing changed.
"""

from __future__ import annotations

import functools
import hashlib
import os
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from flamingo.studio.address import at

__all__ = ["STATIC", "Assets", "url"]

STATIC = Path(__file__).parent / "static"
_FONTS = {"SourceSansPro": "font_source_sans_pro", "SourceSerifPro": "font_source_serif_pro"}
_TYPES = {".js": "text/javascript", ".webp": "image/webp", ".svg": "image/svg+xml", ".ttf": "font/ttf"}


class Assets(StaticFiles):
    """Files under /static, and under /static/fonts those of the two typefaces, under /static/swagger those of the
    page of the API."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        folder, _, name = path.replace(os.sep, "/").partition("/")
        if folder == "fonts":
            file = _font(name)
            return (str(file), file.stat()) if file else ("", None)
        if folder == "swagger":
            file = _swagger(name)
            return (str(file), file.stat()) if file else ("", None)
        return super().lookup_path(path)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file with the type that its name says, whatever the machine's own list of types holds."""
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        if kind := _TYPES.get(Path(path).suffix):
            response.headers["Content-Type"] = kind
        return response


def url(path: str) -> str:
    """The address of a file in `static`, such as "css/base.css"."""
    file = STATIC / path
    address = at(f"/static/{path}")
    return f"{address}?v={_hash(path, file.stat().st_mtime_ns)}" if file.is_file() else address


@functools.lru_cache(maxsize=512)
def _hash(path: str, changed: int) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def _swagger(name: str) -> Path | None:
    """A part of Swagger UI, from the package that brings it, which is not imported."""
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None or name not in ("swagger-ui-bundle.js", "swagger-ui.css"):
        return None
    file = Path(package.origin).parent / "static" / name
    return file if file.is_file() else None


def _font(name: str) -> Path | None:
    if not name.endswith(".ttf") or "/" in name:
        return None
    package = _FONTS.get(name.partition("-")[0])
    file = Path(str(files(package) / "files" / name)) if package else None
    return file if file is not None and file.is_file() else None
