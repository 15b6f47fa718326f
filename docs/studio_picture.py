"""Makes the README's picture of the studio: a real browser, a real studio, a photo and its preview.

    python docs/studio_picture.py                       needs playwright (the extra `dev`) and chromium

CHROMIUM names the browser if it is not the one on the PATH.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests" / "studio" / "pages"))

from opening import CHROMIUM, FLAGS, opened  # noqa: E402

SEEN, SHOWN = (1280, 800), (1100, 688)


def main() -> None:
    if CHROMIUM is None:
        sys.exit("chromium: it is not installed: install it, or name it in CHROMIUM")
    target = DOCS / "pictures" / "studio-paint.jpg"
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as url:
        _take(url, Path(folder) / "page.png")
        page = Image.open(Path(folder) / "page.png").convert("RGB")
        page.resize(SHOWN, Image.Resampling.LANCZOS).save(target, quality=88, optimize=True)
    print(target)


def _take(url: str, to: Path) -> None:
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser:
        page = browser.new_page(viewport={"width": SEEN[0], "height": SEEN[1]})
        page.goto(f"{url}/paint")
        page.set_input_files("#photos-file", DOCS / "photos" / "chelsea.jpg")
        page.get_by_text("Preview", exact=True).wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(5000)  # the preview, on a busy machine
        page.screenshot(path=to)


if __name__ == "__main__":
    main()
