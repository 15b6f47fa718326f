"""What the pages Compose, Feel, Learn and About are told of the models: names, numbers and cards, from the models
themselves and from the files that `script/learn-pictures` makes."""

from __future__ import annotations

import functools
import json
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from flamingo import weights
from flamingo.composing.performance import INSTRUMENTS
from flamingo.composing.piece import Key
from flamingo.painting import styles
from flamingo.studio.pages.assets import STATIC

__all__ = ["context"]

_TITLES = {
    "painter-fine": "The fine painter",
    "painter-fast": "The fast painter",
    "composer": "The composer",
    "feel": "The mood model",
    "words": "The sentence model",
}


def context(page: str) -> dict[str, Any]:
    """What the template of a page needs beside what all have; nothing for most."""
    if page == "compose":
        return _compose()
    if page == "feel":
        return _feel()
    if page == "learn":
        return _learn()
    return _about() if page == "about" else {}


def _compose() -> dict[str, Any]:
    keys = [str(Key(tonic, minor)) for minor in (False, True) for tonic in range(12)]
    return {"instruments": list(INSTRUMENTS), "keys": keys}


def _feel() -> dict[str, Any]:
    """spread: standard deviations of a photo's place on the plane of moods."""
    return {"spread": weights.entry("feel")["judgement"]["spread"]}


@functools.cache
def _learn() -> dict[str, Any]:
    """made: what `script/learn-pictures` said; vectors: the style vectors of the fine painter, in hundredths."""
    made = json.loads((STATIC / "img" / "learn" / "learn.json").read_text(encoding="utf-8"))
    named = styles.styles("fine")
    vectors = {style.name: [round(100 * float(x)) for x in styles.vector(style.name, 1.0, "fine")] for style in named}
    return {"made": made, "vectors": vectors}


@functools.cache
def _about() -> dict[str, Any]:
    """models: each with its name, title, version, size in bytes, licence, data, and its card as HTML."""
    found = []
    for name, entry in weights.models().items():
        file = weights.folder() / "cards" / f"{name}.md"
        found.append({
            "name": name,
            "title": _TITLES.get(name, name),
            "version": entry["version"],
            "size": sum((weights.folder() / part["file"]).stat().st_size for part in entry["files"].values()),
            "licence": entry.get("licence", "Apache-2.0"),
            "data": entry.get("data", ""),
            "note": entry.get("note", ""),
            "card": _html(file.read_text(encoding="utf-8")) if file.is_file() else "",
        })  # fmt: skip
    order = list(_TITLES)
    found.sort(key=lambda model: order.index(model["name"]) if model["name"] in order else len(order))
    return {"models": found}


def _html(card: str) -> Markup:
    """A card, whose title stands on the page already, as HTML; its headings become the fourth level. Whatever HTML a
    card holds is shown as text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(card)
    if tokens and tokens[0].type == "heading_open":
        tokens = tokens[3:]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(parser.renderer.render(tokens, parser.options, {}))
