"""The collection: what was made is found again, marked, looked into, deleted, and brought back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flamingo.jobs import Jobs, Settings
from flamingo.studio.pages import curated
from flamingo.studio.pages.assets import STATIC
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def works(studio: Studio) -> dict[str, dict[str, Any]]:
    """Two pictures and a piece."""
    photo = studio.sent(STATIC / "img" / "photos" / "coffee.jpg")
    made = {
        "scream": studio.done("paint", photos=[photo], style="scream", model="fast", size=90),
        "collioure": studio.done("paint", photos=[photo], style="collioure", model="fast", size=90, strength=0.6),
        "piece": studio.done("compose", persona="haydn", seconds=8, seed=12),
    }
    studio.http.patch(made["scream"]["url"], json={"title": "Loud coffee"})
    return made


@pytest.fixture
def collection(page: Page, studio: Studio, works: dict[str, Any]) -> Iterator[Page]:
    page.goto(f"{studio.url}/collection")
    expect(page.locator("#list")).to_have_attribute("aria-busy", "false")
    yield page


def card(page: Page, job: dict[str, Any]) -> Any:
    return page.locator(f"[data-job='{job['id']}']")


def test_it_is_searched_by_words_and_the_search_outlives_a_reload(collection: Page, works: dict[str, Any]) -> None:
    collection.get_by_role("searchbox", name="Search").fill("loud")
    expect(card(collection, works["collioure"])).to_have_count(0)
    expect(card(collection, works["scream"])).to_be_visible()
    collection.reload()
    expect(collection.get_by_role("searchbox", name="Search")).to_have_value("loud")
    expect(collection.locator("#list > li")).to_have_count(1)
    collection.get_by_role("searchbox", name="Search").fill("no such thing")
    expect(collection.get_by_role("heading", name="Nothing fits")).to_be_visible()


def test_music_and_pictures_are_told_apart(collection: Page, works: dict[str, Any]) -> None:
    collection.get_by_role("radio", name="Music").check()
    expect(card(collection, works["scream"])).to_have_count(0)
    expect(card(collection, works["piece"])).to_be_visible()


def test_a_favourite_stays_one(collection: Page, studio: Studio, works: dict[str, Any]) -> None:
    card(collection, works["collioure"]).get_by_role("button", name=re.compile("Favourite")).click()
    expect(collection.locator("#live-region")).to_contain_text("is a favourite")
    assert studio.get(works["collioure"]["url"])["favourite"]
    collection.get_by_role("radio", name="Favourites").check()
    expect(card(collection, works["scream"])).to_have_count(0)
    expect(
        card(collection, works["collioure"]).get_by_role("button", name=re.compile("Favourite"))
    ).to_have_attribute("aria-pressed", "true")


def test_what_is_deleted_comes_back_by_undo_or_from_the_bin(collection: Page, works: dict[str, Any]) -> None:
    card(collection, works["scream"]).get_by_role("button", name="Delete Loud coffee").click()
    expect(card(collection, works["scream"])).to_have_count(0)
    collection.get_by_role("button", name="Undo").click()
    expect(card(collection, works["scream"])).to_be_visible()

    card(collection, works["scream"]).get_by_role("button", name="Delete Loud coffee").click()
    expect(card(collection, works["scream"])).to_have_count(0)
    collection.get_by_role("radio", name="Bin").check()
    has_no_faults(collection)
    card(collection, works["scream"]).get_by_role("button", name="Restore Loud coffee").click()
    expect(collection.get_by_role("heading", name="The bin is empty")).to_be_visible()


def test_the_bin_is_emptied_only_after_asking(collection: Page, studio: Studio) -> None:
    photo = studio.sent(STATIC / "img" / "photos" / "rocket.jpg")
    gone = studio.done("paint", photos=[photo], style="the-kiss", model="fast", size=64)
    studio.http.delete(gone["url"])
    collection.get_by_role("radio", name="Bin").check()
    collection.get_by_role("button", name="Empty the bin").click()
    collection.get_by_role("button", name="Keep").click()
    assert studio.http.get(gone["url"]).status_code == 200
    collection.get_by_role("button", name="Empty the bin").click()
    collection.get_by_role("dialog").get_by_role("button", name="Empty the bin").click()
    expect(collection.get_by_role("heading", name="The bin is empty")).to_be_visible()
    assert studio.http.get(gone["url"]).status_code == 404


def test_a_picture_tells_its_recipe_and_is_done_again_with_another_photo(
    collection: Page, studio: Studio, works: dict[str, Any], cat: Path
) -> None:
    page = collection
    card(page, works["collioure"]).get_by_role("link").first.click()
    expect(page.locator("#facts")).to_contain_text("60 %")
    expect(page.get_by_role("slider", name="Compare before and after")).to_be_enabled()
    page.get_by_text("The whole recipe").click()
    expect(page.locator("#recipe")).to_contain_text(works["collioure"]["results"][0]["recipe"]["photo_sha256"])
    has_no_faults(page)

    page.get_by_role("link", name="Do it again with another photo").click()
    expect(page.get_by_role("radio", name="Mountains at Collioure")).to_be_checked()
    page.set_input_files("#photos-file", cat)
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
    again = studio.get(f"/api/jobs/{studio.job_of(page)}")
    assert again["parameters"] == works["collioure"]["parameters"]
    assert again["inputs"]["photos"][0]["name"] == "chelsea.jpg"


def test_a_title_is_given_by_keyboard(page: Page, studio: Studio, works: dict[str, Any]) -> None:
    page.goto(f"{studio.url}{works['collioure']['page']}")
    page.get_by_role("button", name="Change the title").press("Enter")
    page.get_by_role("textbox", name="Title").fill("Coffee in the south")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Coffee in the south")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Coffee in the south")).to_be_visible()
    expect(page).to_have_title("Coffee in the south · Flamingo")


def test_a_piece_is_heard_and_kept(phone: Page, studio: Studio, works: dict[str, Any]) -> None:
    phone.goto(f"{studio.url}{works['piece']['page']}")
    lasts = phone.locator("audio").evaluate(
        "(a) => a.duration || new Promise((r) => a.addEventListener('loadedmetadata', () => r(a.duration)))"
    )
    assert 8 <= lasts < 10, "eight seconds, and what rings on"
    expect(phone.locator("#facts")).to_contain_text("Haydn")
    has_no_faults(phone)
    with phone.expect_download() as caught:
        phone.get_by_role("link", name=re.compile(r"^Download .*\.mp3$")).click()
    assert caught.value.path().stat().st_size > 10_000


def test_nothing_hangs_at_the_address_of_no_job(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/collection/{'0' * 32}")
    expect(page.get_by_role("heading", name="Nothing hangs here")).to_be_visible()
    has_no_faults(page)


def test_it_has_no_faults_on_a_phone(phone: Page, studio: Studio, works: dict[str, Any]) -> None:
    phone.goto(f"{studio.url}/collection")
    expect(card(phone, works["piece"])).to_be_visible()
    has_no_faults(phone)


def test_a_new_collection_is_hung_once_one_after_another(tmp_path: Path) -> None:
    with Jobs(Settings.of(tmp_path)) as jobs:
        asked = [job for _ in curated.recipes() if (job := curated.hang_next(jobs, tmp_path))]
        shown = jobs.list()
        assert [job.title for job in shown] == [f"Curated: {recipe['title']}" for recipe in curated.recipes()]
        assert {job.verb for job in asked} == {"paint", "compose"}
        for job in shown:
            jobs.delete(job.id)
            jobs.purge(job.id)
        assert curated.hang_next(jobs, tmp_path) is None, "what was deleted must not come back"


def test_who_has_works_already_gets_none_of_ours(tmp_path: Path) -> None:
    with Jobs(Settings.of(tmp_path)) as jobs:
        jobs.submit("compose", {"seconds": 5})
        assert curated.hang_next(jobs, tmp_path) is None
        assert len(jobs.list()) == 1


def test_the_photos_that_are_shipped_are_small_and_their_rights_are_with_them() -> None:
    photos = STATIC / "img" / "photos"
    files = [file for file in photos.iterdir() if file.suffix in (".jpg", ".webp")]
    assert sum(file.stat().st_size for file in files) <= 400_000
    rights = (photos / "CREDITS.md").read_text()
    assert all(file.name in rights for file in files if file.suffix == ".jpg")
