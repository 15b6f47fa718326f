"""A picture in memory: pixels as the painter wants them, and what must survive the way to the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flamingo.errors import BadPixels, BadRequest
from flamingo.images import vips

__all__ = ["Picture", "resize"]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, upright, in sRGB.

    rgb: (H, W, 3) float32 in [0, 1], sRGB encoded (gamma), orientation already applied.
    alpha: (H, W) float32 in [0, 1], 1 opaque; or None.
    depth: bits per channel of the source, 8 or 16.
    grey: whether the source had one colour channel.
    icc: the source's RGB profile, to which the result is converted back; None means sRGB.
    exif: cleaned EXIF block, or None.
    format: jpeg, png, webp, tiff, gif or bmp.
    notes: plain sentences that the user must be told.

    Raises BadPixels for arrays of another shape or type. Values are checked when the picture is written.
    """

    rgb: NDArray[np.float32]
    alpha: NDArray[np.float32] | None = None
    depth: Literal[8, 16] = 8
    grey: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    format: str = "png"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_rgb(self.rgb)
        if self.alpha is not None and (self.alpha.dtype != np.float32 or self.alpha.shape != self.rgb.shape[:2]):
            raise BadPixels(
                "the transparency of a picture",
                f"must be float32 of {self.rgb.shape[:2]}, not {self.alpha.dtype} of {self.alpha.shape}",
            )

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.rgb.shape[1])

    def with_rgb(self, rgb: NDArray[np.float32]) -> Picture:
        """The same picture with other colours.

        Args:
            rgb: (H, W, 3) float32 in [0, 1]. Where its size differs (a painter may work at another one), the
            transparency
                is resized to it.

        Returns:
            A picture of that size; all else is as it was.

        Raises:
            BadPixels: the array has another shape or type.
        """
        check_rgb(rgb)
        alpha = self.alpha
        if alpha is not None and alpha.shape != rgb.shape[:2]:
            alpha = resize(alpha[..., None], rgb.shape[0], rgb.shape[1])[..., 0]
        return replace(self, rgb=rgb, alpha=alpha)

    def resized(self, longest: int) -> Picture:
        """Scaled, up or down: Lanczos over an area average, transparency included.

        Args:
            longest: pixels of the longer side; the shorter one has at least 1.

        Returns:
            A picture with a note that says what was done; the same picture if it has that size.

        Raises:
            BadRequest: `longest` is less than 1.

        Example:
            >>> import numpy as np
            >>> from flamingo import images
            >>> small = images.Picture(np.zeros((300, 400, 3), np.float32)).resized(100)
            >>> small.rgb.shape, small.notes
            ((75, 100, 3), ('resized from 400 x 300 to 100 x 75',))
        """
        if longest < 1:
            raise BadRequest(f"a size of {longest}", "a picture has at least 1 pixel", "ask for a larger size")
        scale = longest / max(self.height, self.width)
        height, width = (max(1, round(side * scale)) for side in (self.height, self.width))
        if (height, width) == (self.height, self.width):
            return self
        note = f"resized from {self.width} x {self.height} to {width} x {height}"
        if self.alpha is None:
            rgb = resize(self.rgb, height, width)
            return replace(self, rgb=rgb, notes=(*self.notes, note))
        # Premultiplied, so that the hidden colour of transparent pixels does not bleed into visible ones.
        weight = self.alpha[..., None]
        both = resize(np.concatenate([self.rgb * weight, weight], axis=2), height, width)
        rgb, alpha = both[..., :3], both[..., 3]
        # Where nothing is visible, the plain average keeps the hidden colour instead of 0 / 0.
        hidden = resize(self.rgb, height, width)
        rgb = np.where(alpha[..., None] > 1e-3, rgb / np.maximum(alpha[..., None], 1e-3), hidden)
        rgb = np.ascontiguousarray(np.clip(rgb, 0, 1))
        return replace(self, rgb=rgb, alpha=np.ascontiguousarray(alpha), notes=(*self.notes, note))


def check_rgb(rgb: Any) -> None:
    """Check that something is the colours of a picture.

    Args:
        rgb: what should be an array (H, W, 3) float32 with at least one pixel. Its values are not looked at.

    Raises:
        BadPixels: it is none.
    """
    if not isinstance(rgb, np.ndarray) or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        shape = getattr(rgb, "shape", type(rgb).__name__)
        raise BadPixels("a picture", f"must be an array of shape (height, width, 3), not {shape}", "")
    if rgb.dtype != np.float32:
        raise BadPixels("a picture", f"must hold float32 in [0, 1], not {rgb.dtype}", "")


def resize(array: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Samples at another size: Lanczos over an area average.

    Args:
        array: (h, w, C) float32 in [0, 1].
        height: rows of the result.
        width: columns of the result.

    Returns:
        (height, width, C) float32, cut to [0, 1], for Lanczos overshoots at edges.

    Example:
        >>> import numpy as np
        >>> resize(np.ones((10, 20, 1), np.float32), 5, 10).shape
        (5, 10, 1)
    """
    image = vips.from_array(array.astype(np.float32, copy=False), "multiband")
    image = image.resize(width / array.shape[1], vscale=height / array.shape[0], kernel="lanczos3")
    if (image.height, image.width) != (height, width):  # it rounds sizes in its own way
        image = image.embed(0, 0, width, height, extend="copy")
    result = vips.to_array(image)
    # Lanczos overshoots at edges.
    return np.asarray(np.clip(result, 0, 1), np.float32)
