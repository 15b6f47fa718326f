"""Uploads that fail for a while, and drafts, on other pages than Paint: the album of a film, the photo of a piece, a
painting on the wall."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.studio.pages.watching import Studio, at_ease

pytestmark = pytest.mark.usefixtures("quiet")


def cut(page: Page) -> None:
    page.route("**/api/files", lambda route: route.abort("internetdisconnected"))


def mended(page: Page) -> None:
    page.unroute("**/api/files")
    page.evaluate("window.dispatchEvent(new Event('online'))")


def test_an_album_is_sent_when_the_network_is_back(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/film")
    cut(page)
    page.set_input_files("#photos-file", [cat, cat.with_name("rocket.jpg")])
    expect(page.locator(".toast", has_text="chelsea.jpg is not sent yet")).to_be_visible(timeout=at_ease(10))
    expect(page.locator("#album-said")).to_contain_text("Sending")
    expect(page.get_by_role("button", name="Plan the film")).to_be_disabled()
    mended(page)
    expect(page.locator("#album-said")).to_have_text("2 photos", timeout=at_ease(10))
    expect(page.get_by_role("button", name="Plan the film")).to_be_enabled()


def test_the_photo_of_a_piece_is_sent_when_the_studio_is_less_busy(page: Page, studio: Studio, cat: Path) -> None:
    tries: list[str] = []

    def busy(route: Route) -> None:
        tries.append(route.request.url)
        if len(tries) == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"}, json={"title": "busy", "status": 503})
        else:
            route.continue_()

    page.route("**/api/files", busy)
    page.goto(f"{studio.url}/compose")
    page.get_by_role("radio", name="Photos").check()
    page.set_input_files("#photos-file", cat)
    page.get_by_role("button", name="Leave out chelsea.jpg").wait_for(timeout=at_ease(10))
    assert len(tries) == 2


def test_a_piece_is_not_composed_without_the_photo_that_is_on_its_way(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/compose")
    page.get_by_role("radio", name="Photos").check()
    cut(page)
    page.set_input_files("#photos-file", cat)
    expect(page.locator(".toast", has_text="not sent yet")).to_be_visible(timeout=at_ease(10))
    page.locator("#go").click()
    expect(page.locator(".toast", has_text="still on its way")).to_be_visible()
    assert "job=" not in page.url


def test_a_painting_of_ones_own_is_hung_when_the_network_is_back(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    cut(page)
    page.set_input_files("#paintings-file", cat)
    tile = page.locator(".style-own")
    expect(tile).to_have_attribute("aria-busy", "true")
    expect(page.locator(".toast", has_text="chelsea.jpg is not sent yet")).to_be_visible(timeout=at_ease(10))
    mended(page)
    expect(tile).not_to_have_attribute("aria-busy", "true", timeout=at_ease(10))
    expect(tile.get_by_role("radio")).to_be_checked()


def test_an_album_belongs_to_its_tab(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/film")
    page.set_input_files("#photos-file", [cat, cat.with_name("rocket.jpg")])
    expect(page.locator("#album-said")).to_have_text("2 photos", timeout=at_ease(10))
    other = page.context.new_page()
    other.set_default_timeout(at_ease(10))
    other.goto(f"{studio.url}/film")
    expect(other.locator("#album-said")).to_have_text("2 photos")
    other.get_by_role("button", name="Take rocket.jpg away").click()
    expect(other.locator("#album-list li")).to_have_count(1)
    page.reload()
    expect(page.locator("#album-list li")).to_have_count(2)
    other.reload()
    expect(other.locator("#album-list li")).to_have_count(1)


def test_a_wish_for_music_belongs_to_its_tab(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/compose")
    seconds = "#wish [name=seconds]"
    page.locator(seconds).fill("41")
    other = page.context.new_page()
    other.set_default_timeout(at_ease(10))
    other.goto(f"{studio.url}/compose")
    other.locator(seconds).fill("17")
    page.reload()
    expect(page.locator(seconds)).to_have_value("41")
    other.reload()
    expect(other.locator(seconds)).to_have_value("17")


def test_a_photo_of_a_draft_that_is_gone_is_named(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/film")
    page.set_input_files("#photos-file", [cat, cat.with_name("rocket.jpg")])
    expect(page.locator("#album-said")).to_have_text("2 photos", timeout=at_ease(10))
    # The two are sent at once, so either may be the second.
    gone, name = page.evaluate(
        "(({sha256, name}) => [sha256, name])(JSON.parse(sessionStorage.getItem('flamingo.film')).photos[1])"
    )
    page.route("**/api/files/keep", lambda route: route.fulfill(json={"kept": [], "missing": [gone], "seconds": 1}))
    page.reload()
    expect(page.locator(".toast", has_text=f"no longer keeps {name}")).to_be_visible(timeout=at_ease(10))
    expect(page.locator("#album-list li")).to_have_count(1)
