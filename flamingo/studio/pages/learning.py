"""What the pages Compose, Feel, Learn and About are told of the models: names, numbers and cards, from the models
themselves, from the files that `script/learn-pictures` makes, and from docs/how-it-works.md."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup
from PIL import Image

from flamingo import weights
from flamingo.composing.instruments import GROUPS, INSTRUMENTS
from flamingo.composing.piece import Key
from flamingo.painting import styles
from flamingo.studio.address import ROOT
from flamingo.studio.pages import assets
from flamingo.studio.pages.assets import STATIC

__all__ = ["Section", "context", "how_it_works"]

_TITLES = {
    "painter-fine": "The fine painter",
    "painter-fast": "The fast painter",
    "composer": "The composer",
    "feel": "The mood model",
    "words": "The sentence model",
    "vgg-19": "VGG-19, by which pictures are compared",
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
    return {"instruments": [*INSTRUMENTS, *GROUPS], "keys": keys}


def _feel() -> dict[str, Any]:
    """spread: standard deviations of a photo's place on the plane of moods."""
    return {"spread": weights.entry("feel")["judgement"]["spread"]}


@dataclass(frozen=True)
class Section:
    """A part of docs/how-it-works.md: its heading ("" before the first), and what stands under it as HTML."""

    title: str
    html: Markup


def _learn() -> dict[str, Any]:
    return _learn_under(ROOT.get())


@functools.lru_cache(maxsize=8)
def _learn_under(root: str) -> dict[str, Any]:
    """What the page Learn shows, for a studio that is reached under the path `root`, with which its addresses begin.

    made: what `script/learn-pictures` said; vectors: the style vectors of the fine painter, in hundredths; how:
    sections on how painting works; lstm: what is told of the baseline's piece, which `flamingo compose --model
    lstm:RUN` wrote and which is kept beside the pictures, or None."""
    examples = json.loads((STATIC / "img" / "learn" / "learn.json").read_text(encoding="utf-8"))
    named = styles.styles("fine")
    vectors = {style.name: [round(100 * float(x)) for x in styles.vector(style.name, 1.0, "fine")] for style in named}
    beside = STATIC / "img" / "learn" / "lstm.json"
    lstm = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else None
    how = how_it_works(_how_file().read_text(encoding="utf-8"))
    return {"made": examples, "vectors": vectors, "lstm": lstm, "how": how}


def _how_file() -> Path:
    """The text lies beside this file where the package was built, and in docs where it runs from a checkout."""
    built = Path(__file__).with_name("how-it-works.md")
    return built if built.is_file() else Path(__file__).parents[3] / "docs" / built.name


def how_it_works(text: str) -> list[Section]:
    """The parts of docs/how-it-works.md, a heading of the second level each, first what stands before them. Pictures
    are served from static/img/how, where the text points too; the title of the whole is left out."""
    parser = MarkdownIt("commonmark", {"html": False})
    parser.add_render_rule("image", _picture)
    tokens = parser.parse(text)
    for token in tokens:
        for part in token.children or []:
            if part.type == "link_open":
                part.attrSet("rel", "noreferrer")
    heads = [i for i, token in enumerate(tokens) if token.type == "heading_open"]
    sections = []
    for head, end in zip(heads, [*heads[1:], len(tokens)], strict=True):
        # Opening, words and closing of the heading come first.
        body = parser.renderer.render(tokens[head + 3 : end], parser.options, {})
        title = tokens[head + 1].content if tokens[head].tag == "h2" else ""
        sections.append(Section(title, Markup(body)))
    return sections


def _picture(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> Markup:
    """A picture that can be opened by itself, and pushed sideways where the window is narrow."""
    token = tokens[index]
    path = f"img/how/{Path(str(token.attrs['src'])).name}"
    with Image.open(STATIC / path) as opened:
        width, height = opened.size
    return Markup(
        '<span class="how-picture"><a href="{url}"><img src="{url}" alt="{alt}" width="{width}" height="{height}"'
        ' loading="lazy"></a></span>'
    ).format(
        url=assets.url(path),
        alt=renderer.renderInlineAsText(token.children or [], options, env),
        width=width,
        height=height,
    )


@functools.cache
def _about() -> dict[str, Any]:
    """models: each with its name, title, version, size in bytes, licence, data, and its card as HTML."""
    models = []
    for name, entry in weights.models().items():
        file = weights.folder() / "cards" / f"{name}.md"
        models.append({
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
    models.sort(key=lambda model: order.index(model["name"]) if model["name"] in order else len(order))
    return {"models": models}


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
