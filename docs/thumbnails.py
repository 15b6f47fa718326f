"""Makes the small pictures that the studio's pages show before anything was uploaded: one of our photos in each
style, and our photos themselves. Run `script/thumbnails` after a painter has changed.

Photos come from docs/photos (see CREDITS.md there) and are kept inside the package, since the first collection is
made from them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image, ImageOps

import flamingo
from flamingo.images import Picture, read

DOCS = Path(__file__).parent
IMG = DOCS.parent / "flamingo" / "studio" / "pages" / "static" / "img"
PHOTO = "chelsea"
DOOR = ["olive-trees", None, "composition-vii", "great-wave"]


def picture(rgb: Picture) -> Image.Image:
    return Image.fromarray((rgb.rgb.clip(0, 1) * 255 + 0.5).astype("uint8"))


def main() -> None:
    for folder in ("styles", "photos"):
        (IMG / folder).mkdir(parents=True, exist_ok=True)
    painter = flamingo.Painter("fine")
    for file in sorted((DOCS / "photos").iterdir()):
        if file.suffix != ".jpg":
            shutil.copy(file, IMG / "photos")
            continue
        with Image.open(file) as opened:
            photo = opened.convert("RGB")
        shutil.copy(file, IMG / "photos")
        ImageOps.fit(photo, (144, 144)).save(IMG / "photos" / f"{file.stem}-small.webp", quality=78, method=6)
    photo = read(DOCS / "photos" / f"{PHOTO}.jpg")
    for style in painter.styles:
        painted = picture(photo.with_rgb(painter.paint(photo.rgb, style.name)))
        ImageOps.fit(painted, (240, 180)).save(IMG / "styles" / f"{style.name}.webp", quality=72, method=6)
        print(IMG / "styles" / f"{style.name}.webp")
    door(painter, photo).save(IMG / "door-paint.webp", quality=74, method=6)


def door(painter: flamingo.Painter, photo: Picture) -> Image.Image:
    """The photo in bands, each painted in another style, the first one left as it is."""
    large = photo.resized(960)
    page = Image.new("RGB", (800, 500))
    width = 800 // len(DOOR)
    for i, style in enumerate(DOOR):
        band = large if style is None else large.with_rgb(painter.paint(large.rgb, style, 0.9))
        whole = ImageOps.fit(picture(band), page.size, centering=(0.5, 0.3))
        page.paste(whole.crop((i * width, 0, (i + 1) * width, 500)), (i * width, 0))
    return page


if __name__ == "__main__":
    main()
