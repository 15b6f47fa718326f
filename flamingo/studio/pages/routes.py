"""The pages' routes: each renders its template; what moves on a page is done by its module (static/js).

The server includes `router`. Nothing here knows of jobs or files: the modules ask the API for them, so a page is the
same for everybody and may be shown while the database is away.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates
from markupsafe import Markup

import flamingo
from flamingo import extras
from flamingo.composing.reading import KINDS as MUSIC
from flamingo.images.formats import FORMATS
from flamingo.mood import valence_arousal
from flamingo.painting import style_spec, styles
from flamingo.painting.options import EFFORTS
from flamingo.studio import address, catalogue
from flamingo.studio.address import at
from flamingo.studio.filetypes import TAKES_FILMS
from flamingo.studio.pages import assets, learning
from flamingo.studio.pages.controls import controls_of
from flamingo.studio.settings import StudioSettings, is_loopback, plain_host

__all__ = ["entrance", "missing", "router"]

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
_assets = assets.Assets()


@dataclass(frozen=True)
class Page:
    """A page that can be gone to. navigation: whether it is named at the top; all are named at the foot."""

    path: str
    name: str
    about: str
    navigation: bool = True


PAGES = {
    "paint": Page("/paint", "Paint", "Your photos in the manner of famous paintings"),
    "compose": Page("/compose", "Compose", "Music in the persona of great composers"),
    "film": Page("/film", "Film", "An album becomes a painted film with its own music"),
    "feel": Page("/feel", "Feel", "What a photo is like, and why"),
    "live": Page("/live", "Live", "Your camera, painted while you move"),
    "collection": Page("/collection", "Collection", "All that you have made"),
    "learn": Page("/learn", "Learn", "How it works, to play with"),
    "verify": Page("/verify", "Verify", "Where a picture or a piece comes from", navigation=False),
    "grades": Page("/grades", "Grades", "What listeners said, counted", navigation=False),
    "about": Page("/about", "About", "The models, their data and their rights"),
    "devices": Page("/devices", "On your phone", "How other devices open this studio", navigation=False),
    "docs": Page("/docs", "API", "What programs can ask of the studio", navigation=False),
}

_templates.env.globals.update(at=at, static=assets.url, pages=PAGES, version=flamingo.__version__)
# Browsers do not count these among image/*, or not on every system.
_templates.env.globals["more_pictures"] = ",".join((*FORMATS["heic"], *FORMATS["avif"]))
_templates.env.globals["style_titles"] = lambda: {style.name: style.title for style in styles.styles("fine")}
_templates.env.globals["missing_extra"] = lambda name: None if extras.installed(name) else extras.line(name)
_templates.env.globals["music_suffixes"] = lambda recordings=True: ",".join(
    suffix for suffix, kind in MUSIC.items() if recordings or kind != "sound"
)
_templates.env.trim_blocks = _templates.env.lstrip_blocks = True


@router.get("/")
def home(request: Request) -> HTMLResponse:
    """The two doors, the other pages beside them, and recent work."""
    return _page(request, "home")


@router.get("/paint")
def paint(request: Request) -> HTMLResponse:
    """Photos in, paintings out."""
    return _page(
        request,
        "paint",
        controls=_controls("paint"),
        efforts=EFFORTS,
        places=True,
        films=TAKES_FILMS,
        **_gallery(),
    )


@router.get("/compose")
def compose(request: Request) -> HTMLResponse:
    """Music by persona and mood."""
    return _page(request, "compose", controls=_controls("compose"), moods=valence_arousal.WORDS)


@router.get("/film")
def film(request: Request) -> HTMLResponse:
    """Albums in, films out."""
    return _page(request, "film", controls=_controls("film"), **_gallery())


@router.get("/feel")
def feel(request: Request) -> HTMLResponse:
    """What photos and sentences are like."""
    return _page(request, "feel", controls=_controls("feel"), moods=valence_arousal.WORDS)


@router.get("/live")
def live(request: Request) -> HTMLResponse:
    """The camera, painted."""
    return _page(request, "live", controls=_controls("paint"), model=catalogue.LIVE, **_gallery(catalogue.LIVE))


@router.get("/collection")
def collection(request: Request) -> HTMLResponse:
    """All results, and the bin."""
    return _page(request, "collection")


@router.get("/collection/{job}")
def result(request: Request, job: str) -> HTMLResponse:
    """One job with its results."""
    return _page(request, "result", here="collection", job=job, styles=_styles())


@router.get("/verify")
def verify(request: Request) -> HTMLResponse:
    """What a file says of where it comes from."""
    return _page(request, "verify")


@router.get("/learn")
def learn(request: Request) -> HTMLResponse:
    """How it works."""
    return _page(request, "learn", styles=_styles(), moods=valence_arousal.WORDS)


@router.get("/grades")
def grades(request: Request) -> HTMLResponse:
    """What listeners said."""
    return _page(request, "grades")


@router.get("/about")
def about(request: Request) -> HTMLResponse:
    """Models, data, rights."""
    return _page(request, "about", styles=_styles())


@router.get("/devices")
def devices(request: Request) -> HTMLResponse:
    """How a phone opens this studio: a code to scan, the addresses, the token."""
    settings: StudioSettings = request.app.state.studio.settings
    addresses = [settings.url(name) for name in address.others(settings.host)] if settings.others else []
    host = request.headers.get("host", "")
    token = f"?token={settings.token}" if settings.token else ""
    here = f"{request.scope['scheme']}://{host}{at('/')}{token}"
    if not is_loopback(plain_host(host)) and here not in addresses:
        addresses.insert(0, here)  # behind a proxy only the browser's own address is known to work
    certificate = settings.certificate
    return _page(
        request,
        "devices",
        addresses=addresses,
        code=_code(addresses[0]) if addresses else "",
        token=settings.token,
        port=settings.port,
        secure=request.scope["scheme"] == "https",
        fingerprint=certificate.fingerprint if certificate is not None and certificate.own else "",
    )


def _code(text: str) -> Markup:
    """A QR code as an element of a page."""
    import segno

    drawn = io.BytesIO()
    qr_code = segno.make(text, error="m", micro=False)
    qr_code.save(
        drawn, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2, title="Code to scan", nl=False
    )
    return Markup(drawn.getvalue().decode())


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The description of the API, to read and to try."""
    return _page(request, "docs")


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """The flamingo on a tab."""
    return await _assets.get_response("img/flamingo.svg", request.scope)


@router.get("/static/{path:path}")
async def static(request: Request, path: str) -> Response:
    """A style sheet, module, picture or typeface."""
    return await _assets.get_response(path, request.scope)


def missing(request: Request, message: str = "") -> HTMLResponse:
    """The page for an address that there is none of: status 404."""
    return _page(request, "missing", status=404, message=message)


def entrance(
    request: Request, status: int, to: str, message: str = "", headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """The page that asks for the token: it works without scripts. to: the page that was asked for; message: what was
    wrong with the token that was given."""
    more = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", **(headers or {})}
    context = {"to": to, "message": message}
    return _templates.TemplateResponse(request, "enter.html", context, status_code=status, headers=more)


def _page(request: Request, name: str, status: int = 200, here: str = "", **more: Any) -> HTMLResponse:
    context = {"here": here or name, **learning.context(name), **more}
    return _templates.TemplateResponse(request, f"{name}.html", context, status_code=status)


@functools.cache
def _controls(verb: str) -> Any:
    return controls_of(verb)


def _gallery(model: str | None = None) -> dict[str, Any]:
    """What the wall of styles (styles.html) shows; of one painter alone, if it is named."""
    gallery_styles, able = catalogue.styles(), catalogue.any_painting()
    if model is not None:
        gallery_styles = [style for style in gallery_styles if model in style.models]
        able = tuple(name for name in able if name == model)
    return {"styles": gallery_styles, "usual": style_spec.DEFAULT, "any_models": able}


def _styles() -> list[dict[str, str]]:
    return [style.as_dict() for style in styles.styles("fine")]
