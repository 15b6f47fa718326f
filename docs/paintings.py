"""Makes the pictures of the paintings behind the named styles that the package carries, from full ones.

    python docs/paintings.py FOLDER          # a folder of paintings called as the styles are: great-wave.jpg, ...

The method `patches` takes pieces of them, the slow methods and the critic look at them; the painters, which learned
from them at 512 pixels, keep only vectors.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from flamingo import paintings
from flamingo.painting import styles

LONGEST, QUALITY = 1280, 74


def main(folder: Path) -> None:
    for style in styles.styles("fine"):
        with Image.open(next(folder.glob(f"{style.name}.*"))) as opened:
            small = opened.convert("RGB")
        small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        small.save(paintings.file(style.name), quality=QUALITY, method=6)
        print(paintings.file(style.name), *small.size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
