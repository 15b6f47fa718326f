"""Makes the README's picture of the studio: a real browser, a real studio, a photo and its preview.

    python docs/studio_picture.py                       needs playwright (the extra `dev`) and chromium

CHROMIUM names the browser if it is not the one on the PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent
SEEN, SHOWN = (1280, 800), (1100, 688)
# The sandbox needs rights that a container has not; the rest keeps the browser from calling home.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> None:
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("chromium: it is not installed: install it, or name it in CHROMIUM")
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{asked.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "flamingo", "serve", "--port", url.rpartition(":")[2], "--data", folder]
        studio = subprocess.Popen([*command, "--no-curated"], stdout=subprocess.DEVNULL)
        try:
            _wait(url)
            _take(browser, url, Path(folder) / "page.png")
            target = DOCS / "pictures" / "studio-paint.jpg"
            page = Image.open(Path(folder) / "page.png").convert("RGB")
            page.resize(SHOWN, Image.Resampling.LANCZOS).save(target, quality=88, optimize=True)
        finally:
            studio.terminate()
            studio.wait()
    print(target)


def _wait(url: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{url}: the studio did not answer within a minute")


def _take(browser: str, url: str, to: Path) -> None:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        page = opened.new_page(viewport={"width": SEEN[0], "height": SEEN[1]})
        page.goto(f"{url}/paint")
        page.set_input_files("#photos-file", DOCS / "photos" / "chelsea.jpg")
        page.get_by_text("Preview", exact=True).wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(5000)  # the preview, on a busy machine
        page.screenshot(path=to)
        opened.close()


if __name__ == "__main__":
    main()
