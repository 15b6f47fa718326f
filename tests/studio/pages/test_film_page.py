"""The page Film, as a person meets it: an album, its storyboard, the film, and nothing lost."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.filming.albums import album, clicks
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")

SMALL: dict[str, Any] = {"model": "fast", "style": "udnie", "resolution": 64, "fps": 8, "seconds": 6}


@pytest.fixture(scope="module")
def holidays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small photos in a folder, and music of clicks at 120 a minute beside it."""
    folder = tmp_path_factory.mktemp("holidays")
    clicks(folder / "clicks.wav", 8)
    return album(folder / "album")


@pytest.fixture(scope="module")
def plan(studio: Studio, holidays: Path) -> dict[str, Any]:
    """A job that has planned a film of them."""
    photos = [studio.sent(file) for file in sorted(holidays.iterdir())]
    music = [studio.sent(holidays.parent / "clicks.wav")]
    return studio.done("film", photos=photos, music=music, format=["json"], **SMALL)


def board_of(studio: Studio, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = studio.get(next(r["url"] for r in job["results"] if r["name"].endswith(".json")))
    return found


def planned(page: Page, studio: Studio, plan: dict[str, Any]) -> None:
    page.goto(f"{studio.url}/film?job={plan['id']}")
    expect(page.locator("#shots > li")).to_have_count(3)


def kept(page: Page) -> list[dict[str, Any]]:
    """The shots as the page has them now."""
    shots: list[dict[str, Any]] = page.evaluate("JSON.parse(localStorage.getItem('flamingo.film')).board.shots")
    return shots


def test_an_album_becomes_a_storyboard_and_the_storyboard_a_film(page: Page, studio: Studio, holidays: Path) -> None:
    page.goto(f"{studio.url}/film")
    expect(page.get_by_role("button", name="Plan the film")).to_be_disabled()
    page.set_input_files("#photos-file", sorted(holidays.iterdir()))
    page.set_input_files("#music-file", holidays.parent / "clicks.wav")
    expect(page.locator("#music-name")).to_have_text("clicks.wav")
    page.get_by_role("radio", name="Udnie").check()
    page.get_by_role("radio", name="Fast").check()
    page.get_by_label("Length, in seconds", exact=True).fill("6")
    page.get_by_label("Shorter side, in pixels", exact=True).fill("128")
    page.get_by_label("Title", exact=True).fill("Summer")
    page.get_by_role("button", name="Plan the film").click()

    expect(page.locator("#shots > li")).to_have_count(3, timeout=at_ease(30))
    expect(page.locator("#board-title")).to_be_focused()
    page.get_by_label("Caption", exact=True).fill("The first morning")
    page.get_by_role("button", name="Make the film").click()
    expect(page.get_by_role("heading", name="Your film")).to_be_visible(timeout=at_ease(60))

    job = studio.get(f"/api/jobs/{studio.job_of(page)}")
    assert job["results"][0]["about"]["shots"][0]["caption"] == "The first morning"
    assert (job["results"][0]["about"]["title"], job["results"][0]["about"]["height"]) == ("Summer", 128)
    expect(page.locator("#film")).to_have_attribute("poster", f"{job['results'][1]['thumbnail']}?size=1280")
    page.wait_for_function("document.getElementById('film').readyState >= 1")
    sought = (
        "(film) => new Promise((done) => { film.onseeked = () => done(film.currentTime); film.currentTime = 4; })"
    )
    assert page.locator("#film").evaluate(sought) == pytest.approx(4)
    page.get_by_text("Contact sheet").last.click()
    expect(page.get_by_role("img", name="A frame of each of 3 shots")).to_have_js_property("complete", True)
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download,").click()
    assert caught.value.suggested_filename == "film.mp4"
    has_no_faults(page)
    page.reload()
    expect(page.get_by_role("heading", name="Your film")).to_be_visible()


def test_everything_is_edited_by_keyboard_and_nothing_is_lost(
    page: Page, studio: Studio, plan: dict[str, Any]
) -> None:
    planned(page, studio, plan)
    first = [shot["photo"] for shot in board_of(studio, plan)["shots"]]
    page.get_by_role("button", name="Later").press("Enter")
    assert [shot["photo"] for shot in kept(page)] == [first[1], first[0], first[2]]
    assert [shot["start"] for shot in kept(page)] == [shot["start"] for shot in board_of(studio, plan)["shots"]]

    page.get_by_label("Seconds", exact=True).fill("1.5")
    page.keyboard.press("Tab")
    shots = kept(page)
    assert shots[1]["end"] - shots[1]["start"] == pytest.approx(1.5)
    assert (shots[2]["start"], shots[2]["end"]) == (shots[1]["end"], 6)
    border = page.get_by_role("slider", name="End of shot 2")
    border.press("ArrowRight")
    assert kept(page)[1]["end"] == pytest.approx(shots[1]["end"] + 0.1)
    border.press("Shift+ArrowRight")
    assert kept(page)[1]["end"] in plan["results"][0]["about"]["beats"]
    expect(border).to_have_attribute("aria-valuetext", re.compile(", on a beat$"))

    page.get_by_label("Begins with").select_option("a crossfade")
    assert (kept(page)[1]["transition"], kept(page)[1]["fade"] > 0) == ("crossfade", True)
    page.locator("#shot-style").select_option("The Scream")
    page.get_by_role("button", name="For all").press("Enter")
    assert [shot["style"] for shot in kept(page)] == [["scream"]] * 3
    page.get_by_label("How strongly").fill("0.6")
    page.keyboard.press("Tab")
    page.get_by_label("The painting", exact=True).select_option("grows out of the photo")
    assert (kept(page)[1]["strength"], kept(page)[1]["wipe"]) == ([0, 0.6], False)
    page.get_by_label("The painting", exact=True).select_option("is drawn by a line")
    assert (kept(page)[1]["strength"], kept(page)[1]["wipe"]) == ([0.6, 0.6], True)
    camera = kept(page)[1]["camera"]
    page.get_by_role("button", name="Goes the other way").press("Enter")
    assert kept(page)[1]["camera"] == camera[::-1] != camera
    page.get_by_role("button", name="Stands still").press("Enter")
    assert kept(page)[1]["camera"][0] == kept(page)[1]["camera"][1]
    expect(page.get_by_role("button", name="Stands still")).to_be_disabled()
    page.reload()
    expect(page.locator("#shots > li")).to_have_count(3)
    assert [shot["style"] for shot in kept(page)] == [["scream"]] * 3
    assert kept(page)[1]["wipe"]

    page.get_by_role("button", name="Leave this photo out").press("Enter")
    expect(page.locator("#shots > li")).to_have_count(2)
    assert (kept(page)[0]["start"], kept(page)[1]["end"]) == (0, 6)
    expect(page.get_by_role("button", name="Leave this photo out")).to_be_disabled()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("#shots > li")).to_have_count(3)


def test_cards_and_borders_are_dragged(page: Page, studio: Studio, plan: dict[str, Any]) -> None:
    planned(page, studio, plan)
    first = [shot["photo"] for shot in board_of(studio, plan)["shots"]]
    page.locator("#shots > li").nth(2).drag_to(page.locator("#shots > li").nth(0))
    assert [shot["photo"] for shot in kept(page)] == [first[2], first[0], first[1]]

    page.locator("#line").scroll_into_view_if_needed()
    box = page.locator('[data-border="0"]').bounding_box()
    line = page.locator("#line").bounding_box()
    assert box and line
    beats = plan["results"][0]["about"]["beats"]
    beat = next(beat for beat in beats if beat > kept(page)[0]["end"] + 0.2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(line["x"] + line["width"] * beat / 6 + 4, box["y"] + 20, steps=4)
    page.mouse.up()
    assert kept(page)[0]["end"] == kept(page)[1]["start"] == pytest.approx(beat)


def test_a_wish_after_the_plan_asks_for_another_plan(page: Page, studio: Studio, plan: dict[str, Any]) -> None:
    planned(page, studio, plan)
    expect(page.get_by_role("button", name="Plan again")).to_be_hidden()
    page.get_by_label("Title", exact=True).fill("A title needs none")
    expect(page.get_by_role("button", name="Plan again")).to_be_hidden()
    page.get_by_label("Shape").select_option("1:1")
    expect(page.get_by_role("button", name="Plan again")).to_be_enabled()
    page.get_by_role("radio", name="In turn").check()
    expect(page.get_by_role("button", name="Choose several")).to_have_attribute("aria-pressed", "true")


def test_albums_come_as_folders_and_zips_and_what_is_no_photo_is_named(
    page: Page, studio: Studio, holidays: Path, tmp_path: Path
) -> None:
    page.goto(f"{studio.url}/film")
    page.set_input_files("#photos-folder", holidays)
    expect(page.locator("#album-said")).to_have_text("3 photos")
    packed = tmp_path / "packed"
    shutil.copytree(holidays, packed)
    (packed / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    page.set_input_files("#photos-file", shutil.make_archive(str(tmp_path / "album"), "zip", packed))
    expect(page.locator("#album-said")).to_have_text("6 photos")
    expect(page.get_by_role("alert")).to_contain_text("broken.jpg")
    names = page.locator("#album-list li").evaluate_all("all => all.map((each) => each.dataset.name)")
    assert len(set(names)) == 6, "a storyboard can tell them apart"
    page.get_by_role("button", name=f"Take {names[0]} away").click()
    expect(page.locator("#album-said")).to_have_text("5 photos")
    page.get_by_role("button", name="Begin anew").click()
    expect(page.get_by_role("heading", name="Drop photos")).to_be_visible()


def test_a_storyboard_that_was_saved_is_opened_with_its_photos(
    page: Page, studio: Studio, plan: dict[str, Any], holidays: Path, tmp_path: Path
) -> None:
    board = board_of(studio, plan)
    board["shots"][1]["caption"] = "By hand"
    file = tmp_path / "mine.storyboard.json"
    file.write_text(json.dumps(board))
    page.goto(f"{studio.url}/film")
    page.set_input_files("#photos-file", [*sorted(holidays.iterdir()), file])
    expect(page.locator("#shots > li")).to_have_count(3)
    expect(page.locator("#shots > li").nth(1)).to_contain_text("By hand")
    expect(page.get_by_role("radio", name="Fast")).to_be_checked()
    expect(page.get_by_role("button", name="Make the film")).to_be_enabled()


def test_our_own_photos_are_an_album(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/film")
    page.get_by_role("button", name="Use our 4 photos").click()
    expect(page.locator("#album-said")).to_have_text("4 photos")
    expect(page.get_by_role("button", name="Plan the film")).to_be_enabled()


def test_styles_that_take_turns_are_not_mixed_and_a_plan_is_cancelled(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/film")
    page.get_by_role("button", name="Use our 4 photos").click()
    page.get_by_role("radio", name="In turn").check()
    page.get_by_role("checkbox", name="The Kiss").check()
    with page.expect_request("**/api/film") as caught:
        page.get_by_role("button", name="Plan the film").click()
    asked: Any = caught.value.post_data_json
    assert (asked["vary"], set(asked["style"])) == ("photo", {"starry-night", "the-kiss"})
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Plan the film")).to_be_enabled()


def test_a_painted_photo_is_sent_to_the_film(page: Page, studio: Studio, cat: Path) -> None:
    job = studio.done("paint", photos=[studio.sent(cat)], style="scream", model="fast", size=64)
    page.goto(f"{studio.url}/film?job={job['id']}")
    expect(page.locator("#album-said")).to_have_text("One photo; a film needs two")
    expect(page.get_by_role("radio", name="The Scream")).to_be_checked()


def test_every_parameter_of_the_verb_is_there(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/film")
    verb = next(verb for verb in studio.get("/api/verbs") if verb["name"] == "film")
    shown = page.locator("[data-control]").evaluate_all("all => all.map((e) => e.dataset.control)")
    assert sorted(shown) == sorted(control["name"] for control in verb["controls"])


@pytest.mark.parametrize(
    "size", [{"width": 360, "height": 740}, {"width": 1280, "height": 800}], ids=["phone", "desk"]
)
def test_no_fault_for_people_with_other_senses_nor_on_a_phone(
    phone: Page, studio: Studio, plan: dict[str, Any], size: ViewportSize
) -> None:
    phone.set_viewport_size(size)
    planned(phone, studio, plan)
    phone.get_by_text("More control").click()
    has_no_faults(phone)
