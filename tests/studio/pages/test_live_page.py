"""The page Live: the camera as a painting that moves, and what is taken from it."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")
_SOME = re.compile(r"^([5-9]|\d\d+)$")


def test_the_camera_is_painted_and_a_clip_and_a_still_are_taken(camera_page: Page, studio: Studio) -> None:
    page = camera_page
    page.goto(f"{studio.url}/live")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#painting")).to_have_attribute("data-frames", _SOME, timeout=at_ease(60))
    expect(page.locator("#pace")).to_contain_text("frames a second")
    page.get_by_role("radio", name="The Scream").check()
    page.get_by_role("button", name="Record a clip").click()
    expect(page.locator("#recorded")).to_have_text("0:01", timeout=at_ease(20))
    has_no_faults(page)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_label("A clip in the manner of The Scream", exact=True)).to_be_visible(timeout=at_ease(20))

    page.get_by_role("button", name="Take a still").click()
    still = page.locator(".take", has=page.get_by_role("img", name="A still in the manner of The Scream"))
    with page.expect_download() as caught:
        still.get_by_role("link", name="Save").click()
    with Image.open(io.BytesIO(caught.value.path().read_bytes())) as picture:
        assert max(picture.size) == 960
        assert np.asarray(picture.convert("L")).std() > 5, "it is one colour"
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()
    page.reload()
    expect(page.locator(".take")).to_have_count(2)
    page.get_by_role("button", name="Delete: A still in the manner of The Scream").click()
    expect(page.locator(".take")).to_have_count(1)


def test_styles_are_mixed_while_it_moves(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/live")
    page.get_by_role("button", name="A moving picture instead").click()
    page.get_by_role("button", name="Mix several").click()
    page.get_by_role("checkbox", name="The Scream").check()
    expect(page.locator("#mix-said")).to_contain_text("50 %")
    page.get_by_label("How much of The Scream").fill("0.2")
    expect(page.locator("#painting")).to_have_attribute("data-frames", _SOME, timeout=at_ease(60))
    has_no_faults(page)
    page.get_by_role("button", name="Take a still").click()
    expect(page.get_by_role("img", name="A still in the manner of The Starry Night + The Scream")).to_be_visible()
    page.reload()
    expect(page.get_by_role("checkbox", name="The Scream")).to_be_checked()


def test_without_a_camera_it_says_so_and_a_picture_moves_instead(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/live")
    has_no_faults(page)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("camera")
    expect(page.locator("#painting")).to_have_attribute("data-frames", _SOME, timeout=at_ease(60))


def test_the_choice_outlives_a_reload_on_a_phone_too(phone: Page, studio: Studio) -> None:
    page = phone
    page.goto(f"{studio.url}/live")
    page.get_by_role("radio", name="Water Lilies").check()
    page.get_by_label("Strength").fill("0.4")
    page.reload()
    expect(page.get_by_role("radio", name="Water Lilies")).to_be_checked()
    expect(page.locator("#strength-said")).to_have_text("40 %")
    has_no_faults(page)
