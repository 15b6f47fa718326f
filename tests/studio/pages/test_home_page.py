"""The page that the studio opens with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.studio.pages.watching import Studio, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


def test_two_doors_lead_to_paint_and_compose(page: Page, studio: Studio) -> None:
    for door, address in (("Paint Your photos", "/paint"), ("Compose Music", "/compose")):
        page.goto(studio.url)
        page.get_by_role("link", name=re.compile(door)).click()
        expect(page).to_have_url(f"{studio.url}{address}")


def test_every_page_is_reached_from_home_and_is_there(page: Page, studio: Studio) -> None:
    page.goto(studio.url)
    links = page.locator("a[href^='/']").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    paths = {link for link in links if not link.startswith("/collection/")}
    wanted = {"/paint", "/compose", "/feel", "/live", "/collection", "/learn", "/about", "/verify"}
    assert wanted <= paths
    for path in paths:
        assert studio.http.get(path).status_code == 200, path


def test_recent_work_is_shown(page: Page, studio: Studio, cat: Path) -> None:
    job = studio.done("paint", photos=[studio.sent(cat)], style="sunday", model="fast", size=80)
    page.goto(studio.url)
    page.locator("#recent").get_by_role("link", name=re.compile("A Sunday on La Grande Jatte")).first.click()
    expect(page).to_have_url(f"{studio.url}/collection/{job['id']}")


def test_the_keyboard_skips_to_the_content(page: Page, studio: Studio) -> None:
    page.goto(studio.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_no_fault_for_people_with_other_senses(page: Page, phone: Page, studio: Studio) -> None:
    for window in (page, phone):
        window.goto(studio.url)
        window.wait_for_load_state("networkidle")
        has_no_faults(window)


def test_a_file_of_the_pages_is_kept_for_ever_under_the_hash_of_its_content(studio: Studio) -> None:
    style = re.search(r'href="(/static/css/base\.css\?v=[0-9a-f]{12})"', studio.http.get("/").text)
    assert style is not None
    assert "immutable" in studio.http.get(style[1]).headers["Cache-Control"]
    module = studio.http.get("/static/js/api.js")
    assert module.headers["Cache-Control"] == "no-cache"
    assert module.headers["Content-Type"].startswith("text/javascript")
    again = studio.http.get("/static/js/api.js", headers={"If-None-Match": module.headers["ETag"]})
    assert again.status_code == 304
    assert studio.http.get("/static/fonts/SourceSerifPro-Semibold.ttf").headers["Content-Type"] == "font/ttf"
    for path in ("fonts/../../routes.py", "fonts/LICENSE.txt", "../routes.py", "%2e%2e/routes.py", "js"):
        assert studio.http.get(f"/static/{path}").status_code == 404
