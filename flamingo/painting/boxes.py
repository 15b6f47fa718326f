"""Parts of a picture."""

from __future__ import annotations

from dataclasses import dataclass

from flamingo.painting.pyramid import Size

__all__ = ["Box"]


@dataclass(frozen=True)
class Box:
    """Rows from `top` to `bottom` and columns from `left` to `right` of a picture."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> Size:
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, other: Box) -> tuple[slice, slice]:
        """Where it is in another box."""
        return (
            slice(self.top - other.top, self.bottom - other.top),
            slice(self.left - other.left, self.right - other.left),
        )

    def with_(self, other: Box) -> Box:
        """The smallest that holds both."""
        return Box(
            min(self.top, other.top), max(self.bottom, other.bottom),
            min(self.left, other.left), max(self.right, other.right),
        )  # fmt: skip
