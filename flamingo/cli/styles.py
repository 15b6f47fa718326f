"""`flamingo styles`: the named styles, a contact sheet of them, and paintings kept as styles of one's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

import flamingo
from flamingo import provenance, weights
from flamingo.cli.base import out, plain, progress, remark, styled
from flamingo.errors import BadRequest, show
from flamingo.files import sha256
from flamingo.painting import user_styles
from flamingo.painting.methods.refining import ready
from flamingo.painting.options import Model

styles = App(name="styles")


@styles.default
def _styles(
    *,
    sheet: Annotated[
        Path | None, Parameter(help="Draw a contact sheet of --photo in every style to this file.")
    ] = None,
    photo: Annotated[Path | None, Parameter(help="The photo for the sheet.")] = None,
    strength: Annotated[float, Parameter(help="Strength for the sheet, 0 to 1.")] = 1.0,
    model: Annotated[Model, Parameter(help="Painter whose styles to list.")] = "fine",
    tile: Annotated[int, Parameter(help="Longest side of each picture on the sheet, in pixels.")] = 384,
    overwrite: Annotated[bool, Parameter(help="Replace the sheet if it is there.", negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", help="Print the list as JSON.", negative=())] = False,
) -> int:
    """List the named styles: title, artist, year, and why the painting may be used."""
    if sheet is None:
        shipped = flamingo.styles(model)
        mine = [user_styles.read(name) for name in user_styles.names()]
        if as_json:
            listed = [s.as_dict() for s in shipped] + [m.as_dict() for m in mine]
            print(json.dumps(listed, indent=1, ensure_ascii=False))
            return 0
        table = Table(box=None, pad_edge=False)
        for heading in ("style", "title", "artist", "year", "rights"):
            table.add_column(heading)
        for s in shipped:
            table.add_row(*map(plain, (s.name, s.title, s.artist, s.year, s.rights)))
        for m in mine:
            table.add_row(*map(plain, (m.name, show(m.source), "yours", "", "")))
        out.print(table)
        for sentence in weights.absences():
            remark(sentence)
        return 0
    if photo is None:
        raise BadRequest("--sheet", "a sheet shows one photo in every style", "name the photo with --photo FILE")
    picture = flamingo.images.read(photo)
    with progress("painting", silent=as_json) as tell:
        drawn = flamingo.sheet(picture, strength=strength, model=model, tile=tile, on_progress=tell)
    fingerprint = sha256(photo)
    recipe = {"photo_sha256": fingerprint, "strength": strength, "model": model, "tile": tile}
    origin = provenance.Origin("styles", recipe, (fingerprint,))
    flamingo.images.write(drawn, sheet, overwrite=overwrite, never=[photo], origin=origin)
    print(json.dumps({"file": str(sheet)}) if as_json else show(sheet))
    return 0


@styles.command(name="add")
def _add_style(
    name: Annotated[str, Parameter(help="What to call it: lower-case letters, digits and hyphens.")],
    file: Annotated[Path, Parameter(help="A picture of the painting.")],
    /,
    *,
    refine: Annotated[bool, Parameter(help="Improve it against VGG-19, showing the loss.", negative=())] = False,
    seconds: Annotated[float, Parameter(help="How long to refine for.")] = 30.0,
    photo: Annotated[
        list[Path] | None, Parameter(help="Photo of the kind you will paint, to refine it on (repeatable).")
    ] = None,
    overwrite: Annotated[bool, Parameter(help="Replace a style of yours of that name.", negative=())] = False,
) -> int:
    """Keep any painting as a style of your own, to be named like the others."""
    if refine and not 0 < seconds <= 86_400:
        raise BadRequest(f"--seconds {seconds:g}", "it is not between 0 and a day", "30 is a good one")
    if refine:
        ready()  # before anything is kept
        for shown in photo or ():
            flamingo.images.read(shown)
    style = user_styles.made(name, file, overwrite=overwrite)
    if refine:
        from flamingo.studio.pages.assets import STATIC

        style = _refined(style, seconds, photo or sorted((STATIC / "img" / "photos").glob("*.jpg")))
    user_styles.keep(style, overwrite=overwrite)
    out.print(styled("{}  [dim]paint with it: flamingo paint PHOTO --style {}[/]", name, name))
    return 0


def _refined(style: user_styles.OwnStyle, seconds: float, photos: Sequence[Path]) -> user_styles.OwnStyle:
    from flamingo.painting.methods.refining import refine

    shown = [flamingo.images.read(photo).resized(256).rgb for photo in photos]
    key = user_styles.key("fine")
    with progress("refining") as tell:

        def step(number: int, share: float, loss: float) -> None:
            tell(round(100 * share), 100, f"step {number}, J {loss:.3f}")

        refinement = refine(style.vectors[key], style.painting, shown, seconds=seconds, on_step=step)
    remark(f"J {refinement.before:.3f} before, {refinement.after:.3f} after {len(refinement.losses)} looks")
    vectors = {**style.vectors, key: refinement.vector}
    return replace(style, vectors=vectors, refined=tuple({*style.refined, key}))


@styles.command(name="remove")
def _remove_style(name: Annotated[str, Parameter(help="The style of yours to forget.")], /) -> int:
    """Forget a style of your own."""
    user_styles.remove(name)
    return 0
