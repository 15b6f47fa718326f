"""The page Feel: a photo or a sentence, its place, why, its music, and a grade for the two."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")
WIDTHS = "all => all.map((fill) => fill.getBoundingClientRect().width / fill.parentElement.clientWidth)"


def test_a_photo_has_a_place_reasons_and_music_that_can_be_graded(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/feel")
    page.set_input_files("#photo-file", cat)
    expect(page.locator("#word")).not_to_be_empty(timeout=at_ease(60))
    told = studio.get(f"/api/jobs/{studio.job_of(page)}")["results"][0]["about"]
    expect(page.locator("#word")).to_have_text(told["word"])
    expect(page.get_by_role("img", name="Its place on the plane of moods")).to_be_visible()
    expect(page.locator("#because li")).to_have_text(told["because"])
    expect(page.get_by_role("img", name=re.compile("^Heat maps"))).to_have_js_property("complete", True)
    expect(page.locator("#fits li")).to_have_count(5)
    expect(page.get_by_role("heading", name="Happy, angry or sad")).to_be_visible()
    shares = told["classes"]
    assert (list(shares), sum(shares.values())) == (["happy", "angry", "sad"], pytest.approx(1, abs=0.01))
    expect(page.locator("#classes li")).to_have_text([f"{name}{100 * part:.0f} %" for name, part in shares.items()])
    assert page.locator("#classes .bar-fill").evaluate_all(WIDTHS) == pytest.approx(list(shares.values()), abs=0.02)

    page.get_by_label("Length").select_option("12 s")
    page.get_by_role("button", name="Play its music").click()
    expect(page.get_by_role("slider", name=re.compile("Piano roll"))).to_be_visible(timeout=at_ease(60))
    music = studio.get(f"/api/jobs/{studio.job_of(page, 'music')}")
    asked = music["results"][0]["recipe"]
    assert [asked["valence"], asked["arousal"]] == pytest.approx(told["mood"], abs=0.01)
    page.get_by_role("button", name="Good", exact=True).click()
    expect(page.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    has_no_faults(page)

    page.reload()
    expect(page.locator("#word")).to_have_text(told["word"])
    expect(page.get_by_role("slider", name=re.compile("Piano roll"))).to_be_visible(timeout=at_ease(20))


def test_a_sentence_has_a_place_too(phone: Page, studio: Studio) -> None:
    page = phone
    pytest.importorskip("tokenizers", reason="the extra `words` is not installed")
    page.goto(f"{studio.url}/feel")
    page.get_by_label("Or a sentence").fill("a calm, peaceful evening by the lake")
    page.get_by_role("button", name="Feel it").click()
    expect(page.locator("#felt-words")).to_have_text("a calm, peaceful evening by the lake", timeout=at_ease(60))
    told = studio.get(f"/api/jobs/{studio.job_of(page)}")["results"][0]["about"]
    assert told["arousal"] < 0 < told["valence"]
    expect(page.locator("#word")).to_have_text(told["word"])
    expect(page.locator("#because")).to_contain_text("Paintings that suit it")
    has_no_faults(page)


def test_a_file_that_is_no_photo_is_refused_in_words(page: Page, studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    page.goto(f"{studio.url}/feel")
    page.set_input_files("#photo-file", broken)
    expect(page.get_by_role("alert")).to_contain_text("broken.jpg", timeout=at_ease(20))


def test_the_empty_page_has_no_fault(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/feel")
    has_no_faults(page)
