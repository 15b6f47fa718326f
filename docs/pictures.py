"""Makes the pictures of the README with the models as they are: run `script/pictures` after a model has changed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

import flamingo
from flamingo.images import Picture, read, write
from flamingo.painting.brush import brush
from flamingo.painting.options import PatchOptions, StyleOptions
from flamingo.painting.patches.brush import patch_brush
from flamingo.painting.style_spec import parse_styles
from flamingo.painting.styles import vector

DOCS = Path(__file__).parent


def side_by_side(pictures: list[np.ndarray], gap: int = 8) -> np.ndarray:
    """Pictures of one size, (H, W, 3), in a row with white between them."""
    white = np.ones((pictures[0].shape[0], gap, 3), dtype=np.float32)
    row = [part for picture in pictures for part in (picture, white)][:-1]
    return np.concatenate(row, axis=1)


def save(rgb: np.ndarray, name: str) -> None:
    picture = Picture(rgb=rgb, alpha=None, depth=8, grey=False, icc=None, exif=None, format="jpeg", notes=())
    write(picture, DOCS / "pictures" / name, overwrite=True, quality=88)
    print(DOCS / "pictures" / name)


def controls() -> np.ndarray:
    """One photo: a mix of two styles, two styles on two regions, the photo's colours, small and large strokes."""
    rocket = read(DOCS / "photos" / "rocket.jpg").resized(480).rgb
    height, width = rocket.shape[:2]
    below = 1 / (1 + np.exp(-(np.arange(height, dtype=np.float32) - 0.62 * height) / (0.03 * height)))
    ground = np.broadcast_to(below[:, None], (height, width))
    vectors = np.stack([vector("starry-night"), vector("scream")])
    regions = flamingo.Painter("fine").paint_map(rocket, vectors, np.stack([1 - ground, ground]).astype(np.float32))
    rows = [
        [rocket, brush(["great-wave=.5", "scream=.5"]).paint(rocket), regions],
        [
            brush(["scream"], colour="photo").paint(rocket),
            brush(["starry-night"], stroke=0.5).paint(rocket),
            brush(["starry-night"], stroke=2).paint(rocket),
        ],
    ]
    return np.concatenate([side_by_side(row) for row in rows], axis=0)


PIECES = ("starry-night", "great-wave", "scream", "water-lilies", "wheat-field", "contrast-of-forms")
"""The paintings that a photo is shown in pieces of."""


def pieces() -> np.ndarray:
    """One photo rebuilt from pieces of six paintings, which no painter has to have learned."""
    photo = read(DOCS / "photos" / "chelsea.jpg").resized(560).rgb
    made = [
        patch_brush(parse_styles([name], (), (), "fine"), 1.0, StyleOptions(), PatchOptions()).paint(photo)
        for name in PIECES
    ]
    rows = [side_by_side(made[:3]), side_by_side(made[3:])]
    gap = np.ones((8, rows[0].shape[1], 3), dtype=np.float32)
    return np.concatenate([rows[0], gap, rows[1]])


def fidelity() -> np.ndarray:
    """One photo and one painting at three fidelities, then in strokes half and twice as large."""
    photo = read(DOCS / "photos" / "astronaut.jpg").resized(420).rgb
    wave = patch_brush(parse_styles(["great-wave"], (), (), "fine"), 1.0, StyleOptions(), PatchOptions())
    ways = [
        (StyleOptions(), PatchOptions(fidelity=0.0)),
        (StyleOptions(), PatchOptions()),
        (StyleOptions(), PatchOptions(fidelity=1.0)),
        (StyleOptions(stroke=0.5), PatchOptions()),
        (StyleOptions(stroke=2.0), PatchOptions()),
    ]
    rows = [photo, *(wave.adjusted(1.0, *way).paint(photo) for way in ways)]
    gap = np.ones((8, 3 * photo.shape[1] + 16, 3), dtype=np.float32)
    return np.concatenate([side_by_side(rows[:3]), gap, side_by_side(rows[3:])])


def film() -> None:
    """The contact sheet of a film of our photos, each in a style of its own."""
    with tempfile.TemporaryDirectory() as folder:
        flamingo.film(
            [DOCS / "photos"], style=("great-wave", "starry-night", "composition-vii", "the-kiss"), vary="photo",
            persona="schubert", seconds=16, resolution=540, order="name", title="Four photos",
            output=Path(folder) / "four.mp4",
        )  # fmt: skip
        shutil.copy(Path(folder) / "four.sheet.jpg", DOCS / "pictures" / "film.jpg")


def main() -> None:
    (DOCS / "pictures").mkdir(exist_ok=True)
    painter = flamingo.Painter("fine")
    astronaut = read(DOCS / "photos" / "astronaut.jpg").rgb
    names = ["starry-night", "great-wave", "composition-vii", "the-kiss", "udnie"]
    both = [astronaut, *(painter.paint(astronaut, name) for name in names)]
    save(np.concatenate([side_by_side(both[:3]), side_by_side(both[3:])], axis=0), "astronaut.jpg")
    cat = read(DOCS / "photos" / "chelsea.jpg").resized(400).rgb
    save(side_by_side([painter.paint(cat, "olive-trees", s) for s in (0, 0.25, 0.5, 0.75, 1)]), "strength.jpg")
    write(
        flamingo.sheet(read(DOCS / "photos" / "coffee.jpg"), tile=320), DOCS / "pictures" / "sheet.jpg",
        overwrite=True, quality=86,
    )  # fmt: skip
    save(controls(), "controls.jpg")
    save(pieces(), "pieces.jpg")
    save(fidelity(), "fidelity.jpg")
    film()
    flamingo.feel([DOCS / "photos" / "chelsea.jpg"], explain=DOCS / "pictures" / "feel.jpg", overwrite=True)


if __name__ == "__main__":
    main()
