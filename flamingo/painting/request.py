"""What is to be painted how, understood: the method, the styles that the texts name, and all options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from flamingo.errors import BadRequest
from flamingo.options import several
from flamingo.painting.options import Method, PaintOptions, with_effort
from flamingo.painting.patches.correspondence import Correspondence, parse_matches
from flamingo.painting.style_spec import Files, StyleTerm, files_by_name, is_learned, label_of, parse_styles

__all__ = ["PaintRequest", "Terms", "method_of", "parse_terms"]


@dataclass(frozen=True)
class Terms:
    """What the texts after --style and --match mean, with the files that they name."""

    styles: tuple[StyleTerm, ...]
    matches: tuple[Correspondence, ...] = ()


def parse_terms(
    style: Sequence[str], painting: Files, mask: Files, match: Sequence[str], model: str, *, anywhere: bool = True
) -> Terms:
    """Understand the texts (see `flamingo.painting.style_spec.parse_styles`). A mask that a match names is not one of
    a style, unless a style names it too.

    Raises:
        BadRequest: for what is not known or not there, and for a match where there is not one painting.
    """
    masks = files_by_name(mask)
    matches = parse_matches(match, masks, anywhere=anywhere)
    matched = {file for pair in matches for file in (pair.photo, pair.painting)}
    named = {text.rpartition("@")[2] for text in style}
    free = {name: file for name, file in masks.items() if file not in matched or name in named}
    styles = parse_styles(style, painting, free, model, anywhere=anywhere)
    if matches and len(styles) != 1:
        raise BadRequest("--match", f"it cannot be told which of {len(styles)} paintings is meant", "name one style")
    return Terms(tuple(styles), tuple(matches))


def method_of(method: Method, styles: Sequence[StyleTerm], model: str, *, one_painter: bool = False) -> Method:
    """By which method a request is carried out that leaves the choice to Flamingo: patches for paintings that no
    painter has learned, which the network paints all in one texture; otherwise the painter.

    Args:
        method: the one that was asked for.
        styles: the request's.
        model: the painter that was asked for; whoever asks for the fast one wants a painter.
        one_painter: whether nothing but the painter can do it.
    """
    if method != "auto":
        return method
    brought = bool(styles) and not any(is_learned(term, model) for term in styles)
    return "patches" if brought and model == "fine" and not one_painter else "painter"


@dataclass(frozen=True)
class PaintRequest:
    """A request to paint, apart from the photos.

    Attributes:
        styles: what `style`, `painting` and `mask` mean; none for a dream without a guide.
        options: all of them, as they were given; of an effort, with the method and the finish that it stands for.
        method: by which photos are painted.
        matches: what `match` means.
    """

    styles: tuple[StyleTerm, ...]
    options: PaintOptions
    method: Method = "painter"
    matches: tuple[Correspondence, ...] = ()

    @classmethod
    def of(cls, options: PaintOptions) -> Self:
        """Understand a request.

        Raises:
            BadRequest: for styles that are not known, for options that the method does not have, and for an effort
                that they contradict.
        """
        wanted_method, finish = with_effort(options.effort, options.method, options.finish)
        options = replace(options, method=wanted_method, finish=finish)
        texts, paintings, masks = several(options.style), several(options.painting), several(options.mask)
        dreams_freely = options.method == "dream" and not (texts or paintings)
        matches = several(options.match)
        terms = Terms(()) if dreams_freely else parse_terms(texts, paintings, masks, matches, options.model)
        method = method_of(options.method, terms.styles, options.model, one_painter=options.on != "local")
        options.check_method(method)
        if options.finish and (options.best > 1 or options.on != "local"):
            other = "--best" if options.best > 1 else "--on"
            asked = "--finish" if options.effort is None else f"--effort {options.effort}"
            raise BadRequest(asked, f"it does not go with {other}", f"leave {other} out")
        return cls(terms.styles, options, method, terms.matches)

    @property
    def label(self) -> str:
        """In a few letters, for the name of a folder."""
        return label_of(self.styles) if self.styles else self.method
