"""What is to be painted how, understood: the styles that the texts name, and all options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from flamingo.options import several
from flamingo.painting.options import PaintOptions
from flamingo.painting.style_spec import StyleTerm, label_of, parse_styles


@dataclass(frozen=True)
class PaintRequest:
    """A request to paint, apart from the photos.

    Attributes:
        styles: what `style`, `painting` and `mask` mean; none for a dream without a guide.
        options: all of them, as they were given.
    """

    styles: tuple[StyleTerm, ...]
    options: PaintOptions

    @classmethod
    def of(cls, options: PaintOptions) -> Self:
        """Understand a request.

        Raises:
            BadRequest: for styles that are not known, and for options that the method does not have.
        """
        texts, paintings, masks = several(options.style), several(options.painting), several(options.mask)
        dreams_freely = options.method == "dream" and not (texts or paintings)
        styles = () if dreams_freely else tuple(parse_styles(texts, paintings, masks, options.model))
        options.check_method()
        return cls(styles, options)

    @property
    def label(self) -> str:
        """In a few letters, for the name of a folder."""
        return label_of(self.styles) if self.styles else self.options.method
