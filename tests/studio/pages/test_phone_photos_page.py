"""Photos as a phone writes them, brought to the page Paint and painted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pillow_heif = pytest.importorskip("pillow_heif", reason="its encoder makes the HEIC files (extra `dev`)")
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_it_is_shown_and_painted_upright(page: Page, studio: Studio, cat: Path, tmp_path: Path, kind: str) -> None:
    block = Image.Exif()
    block[0x0112] = 6
    file = tmp_path / f"IMG_1.{kind}"
    with Image.open(cat) as opened:
        photo = opened.convert("RGB").resize((300, 200)).transpose(Image.Transpose.ROTATE_90)  # as held on its side
    if kind == "HEIC":
        pillow_heif.from_pillow(photo).save(file, format="HEIF", exif=block.tobytes(), quality=90)
    else:
        photo.save(file, "AVIF", exif=block.tobytes())
    page.goto(f"{studio.url}/paint")
    assert ".heic" in (page.locator("#photos-file").get_attribute("accept") or "")
    page.set_input_files("#photos-file", file)
    expect(page.locator("#sign")).to_have_text("Preview", timeout=at_ease(10))
    before = page.locator("#picture [data-before]")
    expect(before).to_have_attribute("src", re.compile("/thumbnail"))
    assert before.evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [300, 200]
    page.get_by_role("radio", name="Fast").check()
    page.get_by_label("Longest side, in pixels").fill("120")
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download").click()
    saved = tmp_path / caught.value.suggested_filename
    caught.value.save_as(saved)
    with Image.open(saved) as painted:
        assert (painted.size, painted.format) == ((120, 80), "JPEG")
    has_no_faults(page)
