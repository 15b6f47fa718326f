"""Grades of any result: a film on its page, each picture of a job on the page of results, and the page Grades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.filming.albums import album
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


def votes(studio: Studio, by: str, name: str) -> dict[str, int]:
    """The counted grades of one row of the report."""
    groups: list[dict[str, Any]] = studio.get(f"/api/ratings/report?by={by}")["groups"]
    return next((dict(group["counts"]) for group in groups if group["name"] == name), {})


def test_a_film_is_graded_where_it_is_shown(page: Page, studio: Studio, tmp_path: Path) -> None:
    photos = [studio.sent(file) for file in sorted(album(tmp_path / "album").iterdir())]
    job = studio.done("film", photos=photos, model="fast", style="udnie", resolution=64, fps=8, seconds=4)
    page.goto(f"{studio.url}/film?job={job['id']}")
    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=at_ease(20))
    page.get_by_label("Your name").fill("Grace")
    page.get_by_role("button", name="Excellent", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("The grade “excellent” is kept", timeout=at_ease(20))
    assert votes(studio, "kind", "film")["excellent"] == 1
    assert votes(studio, "listener", "Grace")["excellent"] == 1
    page.reload()
    expect(page.get_by_role("button", name="Excellent", exact=True)).to_have_attribute("aria-pressed", "true")
    has_no_faults(page)
    # The page of the result shows the same grade, and another one by the same listener replaces it.
    page.goto(f"{studio.url}{job['page']}")
    expect(page.get_by_role("button", name="Excellent", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Fair", exact=True).click()
    fair = page.get_by_role("button", name="Fair", exact=True)
    expect(fair).to_have_attribute("aria-pressed", "true", timeout=at_ease(20))
    assert votes(studio, "listener", "Grace") == {"excellent": 0, "good": 0, "fair": 1, "poor": 0, "bad": 0}


def test_each_picture_of_a_result_has_its_row_and_its_grade(page: Page, studio: Studio, cat: Path) -> None:
    photos = [studio.sent(cat), studio.sent(cat.with_name("rocket.jpg"))]
    job = studio.done("paint", photos=photos, style=["scream=.5", "udnie=.5"], model="fast", size=128)
    page.goto(f"{studio.url}{job['page']}")
    row = page.locator("#picture-row img")
    expect(row).to_have_count(4)
    for name in ("chelsea.jpg", "rocket.jpg"):
        page.locator("#strip").get_by_role("button", name=name).click()
        alts = [f"{name}, the photo", "The Scream, the painting", "Udnie, the painting", f"{name}, the result"]
        assert row.evaluate_all("(all) => all.map((i) => i.alt)") == alts
        row.last.scroll_into_view_if_needed()
        loaded = "() => [...document.querySelectorAll('#picture-row img')].every((i) => i.naturalWidth > 0)"
        page.wait_for_function(loaded)
    pressed = page.locator("#rating [aria-pressed=true]")
    expect(pressed).to_have_count(0)
    page.get_by_label("Your name").fill("Lin")
    page.get_by_role("button", name="Poor", exact=True).click()
    expect(pressed).to_have_text("Poor", timeout=at_ease(20))
    page.locator("#strip").get_by_role("button", name="chelsea.jpg").click()
    expect(pressed).to_have_count(0)
    page.get_by_role("button", name="Good", exact=True).click()
    expect(pressed).to_have_text("Good", timeout=at_ease(20))
    page.locator("#strip").get_by_role("button", name="rocket.jpg").click()
    expect(pressed).to_have_text("Poor")
    assert votes(studio, "listener", "Lin") == {"excellent": 0, "good": 1, "fair": 0, "poor": 1, "bad": 0}
    has_no_faults(page)


def test_the_report_is_grouped_and_has_no_faults_on_a_phone(phone: Page, studio: Studio, cat: Path) -> None:
    job = studio.done("paint", photos=[studio.sent(cat)], style="udnie", model="fast", size=64)
    asked = {"grade": "good", "listener": "<b>Ünal</b>", "picture": {"job": job["id"], "result": 0}}
    assert studio.http.post("/api/ratings", json=asked).status_code == 201
    phone.goto(f"{studio.url}/grades")
    expect(phone.get_by_role("row", name="Pictures")).to_be_visible(timeout=at_ease(20))
    for by in ("Mood", "Composer", "Style", "Listener"):
        phone.get_by_role("radio", name=by).check()
        expect(phone.get_by_role("heading", name=f"Grades by {by.lower()}")).to_be_visible(timeout=at_ease(20))
        has_no_faults(phone)
    expect(phone.get_by_role("row", name="<b>Ünal</b>")).to_contain_text("100 % (1)")
