"""Makes the contact sheet of the painter's versions: the same photos and styles as each of them paints, side by side.

    git worktree add ../first 375a436 && git worktree add ../second 552c4b8
    python docs/versions.py ../first/flamingo/weights ../second/flamingo/weights flamingo/weights

A folder of weights is a version, oldest first; the manifest in it says which. The last row is a painting that is
none of the named styles, which versions without a style encoder leave empty: a part of a photo, for what it shows
is nobody's work.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from flamingo.lettering import font
from flamingo.train.quality.painter import Painted

DOCS = Path(__file__).parent
PAINTED, SIDE, MARGIN, LINE = 512, 288, 8, 30  # painted at so many pixels, shown at fewer
_PAPER, _INK = (250, 249, 246), (40, 38, 36)

Pixels = NDArray[np.float32]


def photos() -> dict[str, Image.Image]:
    """Squares of our photos and of a printed page, by name."""
    found = {f.stem: Image.open(f).convert("RGB") for f in sorted((DOCS / "photos").glob("*.jpg"))}
    found["page"] = Image.fromarray(data.page()).convert("RGB")
    return {name: _square(picture) for name, picture in found.items()}


def _square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 3
    return picture.crop((left, top, left + side, top + side)).resize((PAINTED, PAINTED), Image.Resampling.LANCZOS)


def tensor(picture: Image.Image) -> Pixels:
    """(1, 3, h, w) in [0, 1]."""
    return np.ascontiguousarray(np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / np.float32(255))


def image(painted: Pixels) -> Image.Image:
    return Image.fromarray((painted[0].transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))


ROWS = [
    ("astronaut", "starry-night"),
    ("astronaut", "pearl-earring"),
    ("chelsea", "composition-vii"),
    ("coffee", "great-wave"),
    ("rocket", "scream"),
    ("page", "udnie"),
]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("weights", type=Path, nargs="+", help="folders of weights, the oldest version first")
    asked.add_argument("--out", type=Path, default=DOCS / "pictures" / "versions.jpg")
    asked.add_argument("--any", type=Path, help="a painting for the last row, instead of a photo of gravel")
    wish = asked.parse_args()
    versions = [Painted(folder, "painter-fine") for folder in wish.weights]
    squares = photos()
    unknown = Image.open(wish.any).convert("RGB") if wish.any else Image.fromarray(data.gravel()).convert("RGB")
    rows: list[tuple[str, list[Image.Image | None]]] = []
    for name, style in ROWS:
        painted = [image(v.paint(tensor(squares[name]), v.vectors[style])) for v in versions]
        rows.append((style, [squares[name], *painted]))
    shown = tensor(unknown.resize((384, 384), Image.Resampling.LANCZOS))
    last = [image(v.paint(tensor(squares["coffee"]), v.encoded(shown))) if v.encoder else None for v in versions]
    rows.append((wish.any.stem if wish.any else "gravel, never seen", [squares["coffee"], *last]))

    step = SIDE + MARGIN
    sheet = Image.new("RGB", (MARGIN + step * (1 + len(versions)), LINE + (step + LINE) * len(rows)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(["photo", *(v.version for v in versions)]):
        draw.text((MARGIN + column * step, 7), title, font=ImageFont.truetype(font("Semibold"), 15), fill=_INK)
    for row, (name, pictures) in enumerate(rows):
        top = LINE + row * (step + LINE)
        for column, picture in enumerate(pictures):
            if picture is not None:
                small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
                sheet.paste(small, (MARGIN + column * step, top))
        draw.text((MARGIN + step, top + SIDE + 4), name, font=ImageFont.truetype(font(), 13), fill=_INK)
    sheet.save(wish.out, quality=80, optimize=True)
    print(wish.out)


if __name__ == "__main__":
    main()
