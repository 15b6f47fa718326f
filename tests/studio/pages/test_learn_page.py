"""The page Learn: each picture moves as its control says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import flamingo
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")
LEARN = Path(flamingo.__file__).parent / "studio" / "pages" / "static" / "img" / "learn"


@pytest.fixture
def learn(page: Page, studio: Studio) -> Page:
    page.goto(f"{studio.url}/learn")
    return page


def test_strength_goes_from_the_photo_to_the_painting(learn: Page) -> None:
    slider = learn.get_by_label("Strength", exact=True)
    for steps, percent in ((0, 0), (4, 100)):
        slider.fill(str(steps))
        expect(learn.get_by_role("img", name=f"The cat at strength {percent} %", exact=True)).to_be_visible()
        expect(learn.locator("#strength-said")).to_contain_text(f"{percent} %")
    assert all(learn.locator(".layers img").evaluate_all("all => all.map((i) => i.naturalWidth > 0)"))


def test_two_paintings_are_compared_by_their_numbers(learn: Page) -> None:
    learn.get_by_label("Another").select_option("The Scream")
    learn.get_by_label("On the way from one to the other").fill("0.25")
    expect(learn.locator("#vector-said")).to_contain_text("75 % The Great Wave off Kanagawa, 25 % The Scream")


def test_pictures_lie_where_they_were_felt(learn: Page) -> None:
    felt = json.loads((LEARN / "learn.json").read_text(encoding="utf-8"))["felt"]
    [cat] = [each for each in felt if (each["photo"], each["style"]) == ("chelsea", None)]
    learn.get_by_role("button", name="The cat, the photo").click()
    expect(learn.locator("#felt-said")).to_contain_text(f"feels {cat['word']}: valence {cat['valence']:.2f}")


def test_the_example_plays_and_ends_at_home(learn: Page) -> None:
    learn.get_by_role("button", name="Play the example").click()
    roll = learn.get_by_role("slider", name="Piano roll of the example")
    expect(roll).to_have_attribute("aria-valuenow", re.compile("[1-9]"), timeout=at_ease(20))


def test_the_numbers_stay_when_home_moves(learn: Page) -> None:
    names, numbers = (learn.locator(f"#note-{row} td") for row in ("names", "numbers"))
    before = names.all_inner_texts(), numbers.all_inner_texts()
    learn.get_by_role("slider", name="Home").fill("3")
    expect(learn.locator("#note-names th")).to_have_text("In E♭ major")
    assert numbers.all_inner_texts() == before[1]
    assert names.all_inner_texts() != before[0]


def test_the_seal_breaks_at_one_letter(learn: Page) -> None:
    expect(learn.locator("#seal")).to_have_text(re.compile("holds"))
    recipe = learn.get_by_label("A recipe")
    recipe.press("End")
    recipe.press("x")
    expect(learn.locator("#seal")).to_have_text(re.compile("broken"))
    recipe.press("Backspace")
    expect(learn.locator("#seal")).to_have_text(re.compile("holds"))


def test_how_painting_works_unfolds_with_its_pictures(learn: Page) -> None:
    """By keyboard: each part opens, and its pictures are there, with words for those who do not see them."""
    parts = learn.locator("#how details")
    pictures = learn.locator("#how img")
    assert parts.count() >= 6
    expect(pictures.first).to_be_visible()
    expect(pictures.last).to_be_hidden()
    for part in parts.all():
        if part.get_attribute("open") is None:
            part.locator("summary").press("Enter")
        expect(part.locator("p").first).to_be_visible()
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        picture.evaluate("(i) => i.decode()")
        assert len(picture.get_attribute("alt") or "") > 30


def test_each_picture_can_be_opened_by_itself(learn: Page, studio: Studio) -> None:
    addresses = learn.locator("#how .how-picture a").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    assert len(addresses) > 10
    for address in addresses:
        answer = studio.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"


def test_unfolded_it_has_no_fault_on_the_narrowest_phone(phone: Page, studio: Studio) -> None:
    phone.set_viewport_size({"width": 360, "height": 740})
    phone.goto(f"{studio.url}/learn")
    phone.evaluate("document.querySelectorAll('#how details').forEach((d) => (d.open = true))")
    has_no_faults(phone)
    phone.emulate_media(color_scheme="dark")
    has_no_faults(phone)


def test_no_fault_for_people_with_other_senses_nor_on_a_phone(phone: Page, studio: Studio) -> None:
    phone.goto(f"{studio.url}/learn")
    has_no_faults(phone)


def test_the_first_system_s_music_stands_beside_ours(learn: Page) -> None:
    learn.get_by_role("link", name="Before", exact=True).click()
    part = learn.locator("#before")
    expect(part.get_by_role("heading", name="How the first Flamingo composed")).to_be_in_viewport()
    for name in ("the LSTM", "the LSTM, drawn by chance", "our composer"):
        roll = part.get_by_role("img", name=f"Piano roll of the piece by {name}", exact=True)
        roll.scroll_into_view_if_needed()
        roll.evaluate("(image) => image.decode()")
        sound = part.get_by_label(f"The piece by {name}", exact=True)
        lasts = (
            "(audio) => new Promise((done, failed) => { audio.onloadedmetadata = () => done(audio.duration); "
            "audio.onerror = () => failed(audio.error.message); audio.preload = 'metadata'; audio.load(); })"
        )
        assert sound.evaluate(lasts) > 5
        assert roll.evaluate("(image) => image.getBoundingClientRect().right <= innerWidth")
