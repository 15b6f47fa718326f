"""Makes the small pictures of the paintings behind the named styles that the package carries, from full ones.

    python docs/paintings.py FOLDER          # a folder of paintings called as the styles are: great-wave.jpg, ...

The slow methods (flamingo/painting/methods) and the critic look at the paintings, of which the painters keep only
vectors. 512 pixels are what the painters learned from.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from flamingo import paintings
from flamingo.painting import styles

LONGEST = 512


def main(folder: Path) -> None:
    for style in styles.styles("fine"):
        with Image.open(next(folder.glob(f"{style.name}.*"))) as opened:
            small = opened.convert("RGB")
        small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        small.save(paintings.file(style.name), quality=82, method=6)
        print(paintings.file(style.name), *small.size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
