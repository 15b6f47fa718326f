"""The page Paint, as a person meets it: photos, styles tried at once, the whole picture, and nothing lost."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

import flamingo
from flamingo.painting import styles
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


def preview_is_there(page: Page) -> None:
    expect(page.locator("#sign")).to_have_text("Preview", timeout=at_ease(10))


def bring(page: Page, *photos: Path) -> None:
    page.set_input_files("#photos-file", photos)
    preview_is_there(page)


def test_a_photo_becomes_a_painting_that_says_where_it_comes_from(
    page: Page, studio: Studio, cat: Path, tmp_path: Path
) -> None:
    page.goto(f"{studio.url}/paint")
    bring(page, cat)
    first = page.locator("#picture [data-after]").get_attribute("src")
    page.get_by_role("radio", name="The Great Wave off Kanagawa").check()
    expect(page.locator("#picture [data-after]")).not_to_have_attribute("src", first or "")
    page.get_by_role("radio", name="Fast").check()
    page.get_by_label("Strength", exact=True).fill("0.8")
    page.get_by_label("Longest side, in pixels").fill("200")
    preview_is_there(page)
    page.get_by_role("button", name="Paint", exact=True).click()

    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
    job = studio.get(f"/api/jobs/{studio.job_of(page)}")
    asked = {name: job["parameters"][name] for name in ("style", "strength", "model", "size")}
    assert asked == {"style": ["great-wave"], "strength": 0.8, "model": "fast", "size": 200}
    has_no_faults(page)

    with page.expect_download() as caught:
        page.get_by_role("link", name="Download").click()
    saved = tmp_path / caught.value.suggested_filename
    caught.value.save_as(saved)
    with Image.open(saved) as painted:
        assert (painted.size, painted.format) == ((200, 133), "JPEG")
    known = flamingo.verify(saved)
    assert (known.state, known.verb) == ("whole", "paint"), known.faults
    assert known.recipe["style"] == "great-wave"


def test_the_line_between_photo_and_painting_moves_by_keyboard(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    bring(page, cat)
    line = page.get_by_role("slider", name="Compare the photo and the painting")
    line.focus()
    for key, share in (("Home", "0"), ("ArrowRight", "1"), ("End", "100")):
        page.keyboard.press(key)
        expect(line).to_have_value(share)
    expect(line).to_have_attribute("aria-valuetext", "100 % of the photo, 0 % of the painting")
    assert page.locator("#picture").evaluate("(e) => e.style.getPropertyValue('--split')") == "100%"


def test_a_reload_loses_neither_photos_nor_wishes(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    bring(page, cat, cat.with_name("coffee.jpg"))
    page.get_by_role("radio", name="The Kiss").check()
    page.get_by_label("Strength", exact=True).fill("0.4")
    expect(page.get_by_role("button", name="Paint 2 photos")).to_be_enabled()
    page.reload()
    expect(page.get_by_role("radio", name="The Kiss")).to_be_checked()
    expect(page.get_by_label("Strength", exact=True)).to_have_value("0.4")
    expect(page.get_by_role("button", name="Paint 2 photos")).to_be_enabled()
    preview_is_there(page)

    page.get_by_role("button", name="Take coffee.jpg away").click()
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_enabled()


def test_a_reload_in_the_middle_finds_the_job_again_and_it_can_be_cancelled(
    page: Page, studio: Studio, cat: Path
) -> None:
    page.goto(f"{studio.url}/paint")
    bring(page, cat)
    page.get_by_label("Longest side, in pixels").fill("2600")
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    job = studio.job_of(page)
    page.reload()
    assert studio.job_of(page) == job
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job")).to_contain_text("Cancelled")
    assert studio.get(f"/api/jobs/{job}")["state"] == "cancelled"
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    # A change begins something new.
    page.get_by_label("Longest side, in pixels").fill("100")
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_enabled()
    expect(page).to_have_url(f"{studio.url}/paint")


def test_several_photos_come_as_one_zip(page: Page, studio: Studio, cat: Path, tmp_path: Path) -> None:
    sent = [studio.sent(cat), studio.sent(cat.with_name("rocket.jpg"))]
    job = studio.done("paint", photos=sent, style="udnie", model="fast", size=96)
    page.goto(f"{studio.url}/paint?job={job['id']}")
    expect(page.get_by_role("heading", name="2 are painted")).to_be_visible()
    page.get_by_role("button", name="rocket.jpg, photo 2 of 2").click()
    expect(page.locator("#picture [data-after]")).to_have_attribute("alt", "rocket.jpg, painted")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download all").click()
    with zipfile.ZipFile(caught.value.path()) as packed:
        assert {"chelsea.jpg", "rocket.jpg"} <= set(packed.namelist())


def test_photos_are_dropped_and_pasted_and_refused_in_words(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    bring_by = """([kind, name, type, bytes]) => {
        const given = new DataTransfer();
        given.items.add(new File([new Uint8Array(bytes)], name, {type}));
        document.body.dispatchEvent(kind === 'drop'
            ? new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true})
            : new ClipboardEvent('paste', {clipboardData: given, bubbles: true, cancelable: true}));
    }"""
    photo = list(cat.read_bytes())
    page.evaluate(bring_by, ["drop", "dropped.jpg", "image/jpeg", photo])
    expect(page.get_by_role("button", name="dropped.jpg, photo 1 of 1")).to_be_visible()
    page.evaluate(bring_by, ["paste", "pasted.jpg", "image/jpeg", photo])
    expect(page.get_by_role("button", name="pasted.jpg, photo 2 of 2")).to_be_visible()
    page.evaluate(bring_by, ["drop", "letter.txt", "text/plain", [72, 105]])
    expect(page.get_by_role("alert")).to_contain_text("letter.txt is not a file for this page")
    page.evaluate(bring_by, ["drop", "broken.jpg", "image/jpeg", photo[:400]])
    expect(page.get_by_role("alert").filter(has_text="broken.jpg")).to_be_visible()


def test_a_photo_is_taken_with_the_camera(camera_page: Page, studio: Studio) -> None:
    page = camera_page
    page.goto(f"{studio.url}/paint")
    page.get_by_role("button", name="Camera").click()
    page.get_by_label("What the camera sees").evaluate(
        "(v) => v.videoWidth || new Promise((seen) => v.addEventListener('loadeddata', seen, {once: true}))"
    )
    has_no_faults(page)
    page.get_by_role("button", name="Take the photo").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    preview_is_there(page)


def test_one_of_our_photos_will_do_on_a_phone_too(phone: Page, studio: Studio) -> None:
    phone.goto(f"{studio.url}/paint")
    has_no_faults(phone)
    phone.get_by_role("button", name="Use the photo of a cat").click()
    preview_is_there(phone)
    has_no_faults(phone)
    phone.get_by_label("Strength", exact=True).scroll_into_view_if_needed()
    expect(phone.locator("#picture")).to_be_in_viewport()


WIDTHS = """(all) => Promise.all(all.map((image) => {
    image.loading = "eager";
    return image.decode().then(() => image.naturalWidth);
}))"""


def test_every_style_has_a_picture_of_itself(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/paint")
    known = {style.title for style in styles.styles("fine")}
    assert set(page.locator("label.style .style-name").all_text_contents()) == known
    assert page.locator("label.style img:not(.style-painting)").evaluate_all(WIDTHS) == [240] * len(known)
    paintings = page.locator("label.style img.style-painting").evaluate_all(WIDTHS)
    assert len(paintings) == len(known), "each shows the painting itself too"
    assert all(0 < width <= 160 for width in paintings)


def test_what_is_shown_is_what_the_verb_takes(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/paint")
    verbs = {verb["name"]: verb for verb in studio.get("/api/verbs")}
    shown = page.locator("[data-control]").evaluate_all("(all) => all.map((e) => e.dataset.control)")
    names = {control["name"] for control in verbs["paint"]["controls"]}
    assert sorted(shown) == sorted(names), json.dumps(shown)


SHOWN = """(element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.top >= 0 && box.bottom <= innerHeight;
}"""


@pytest.mark.parametrize(("size", "longest"), [((1440, 900), 1600), ((390, 844), 1620)], ids=["desk", "phone"])
def test_work_says_how_far_it_is_and_the_result_is_in_sight(
    size: tuple[int, int], longest: int, page: Page, studio: Studio, cat: Path, tmp_path: Path
) -> None:
    """With a photo on its side, whose picture fills the whole height of the window."""
    portrait = tmp_path / "portrait.jpg"
    with Image.open(cat) as opened:
        opened.transpose(Image.Transpose.ROTATE_90).resize((600, 900)).save(portrait)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{studio.url}/paint")
    said = page.evaluate_handle("""() => {
        const all = [], signs = [], titles = [];
        const region = document.getElementById("live-region"), sign = document.getElementById("sign");
        const watch = (element, note) => new MutationObserver(note).observe(element, {childList: true});
        watch(region, () => region.textContent && all.push(region.textContent));
        watch(sign, () => signs.push(sign.hidden ? "" : sign.textContent));
        watch(document.querySelector("title"), () => titles.push(document.title));
        return {all, signs, titles};
    }""")
    bring(page, portrait)
    page.get_by_label("Longest side, in pixels").fill(str(longest))
    page.get_by_role("radio", name="Fast").check()
    preview_is_there(page)
    page.wait_for_function("(said) => said.all.some((text) => text.startsWith('The preview is there'))", arg=said)
    page.evaluate("(said) => { said.signs.length = 0; }", said)
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(60))
    told = page.evaluate("(said) => said", said)
    signs = [sign for sign in told["signs"] if sign]
    at_work = ("Waiting for its turn", "Painting the whole picture")  # a worker that is free begins at once
    pressed = next(i for i, sign in enumerate(signs) if sign.startswith(at_work))
    assert all(sign.startswith(at_work) for sign in signs[pressed:]), "never Preview from the press to the end"
    assert any(sign.endswith(" %") or " left" in sign for sign in signs[pressed:]), "it says how far it is"
    assert any(" %" in title for title in told["titles"]), "the tab's title counts"
    assert page.title() == "Paint · Flamingo"
    assert any(text.endswith("is uploaded") for text in told["all"])
    assert any(text.startswith("The preview is there: The Starry Night") for text in told["all"])
    assert any(text.startswith("Done, it took") for text in told["all"])
    for part in (page.get_by_role("heading", name="It is painted"), page.get_by_role("link", name="Download")):
        assert part.evaluate(SHOWN), "result and buttons are in sight without scrolling"
    assert page.locator("#picture").evaluate("(e) => e.getBoundingClientRect().top < innerHeight / 2")
    has_no_faults(page)


def test_photo_painting_and_result_stand_in_a_row_and_are_graded(page: Page, studio: Studio, cat: Path) -> None:
    job = studio.done("paint", photos=[studio.sent(cat)], style="scream", model="fast", size=128)
    page.goto(f"{studio.url}/paint?job={job['id']}")
    row = page.locator("#picture-row img")
    expect(row).to_have_count(3)
    alts = ["chelsea.jpg, the photo", "The Scream, the painting", "chelsea.jpg, the result"]
    assert row.evaluate_all("(all) => all.map((i) => i.alt)") == alts
    assert all(width > 0 for width in row.evaluate_all(WIDTHS))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Excellent").click()
    expect(page.locator(".toast")).to_contain_text("The grade “excellent” is kept")
    page.get_by_role("button", name="All grades").click()
    expect(page.get_by_role("heading", name="Grades by kind")).to_be_visible(timeout=at_ease(10))
    page.get_by_role("radio", name="Listener").check()
    expect(page.get_by_role("row", name="Ada")).to_contain_text("100 % (1)")
    has_no_faults(page)


def test_a_photo_that_cannot_be_sent_stays_and_is_sent_when_the_network_is_back(
    page: Page, studio: Studio, cat: Path
) -> None:
    page.goto(f"{studio.url}/paint")
    page.route("**/api/files", lambda route: route.abort("internetdisconnected"))
    page.set_input_files("#photos-file", cat)
    again = page.get_by_role("button", name="Send chelsea.jpg again")
    expect(again).to_be_visible(timeout=at_ease(10))
    expect(page.get_by_role("button", name="chelsea.jpg, photo 1 of 1")).to_be_visible()
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_disabled()
    page.unroute("**/api/files")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    preview_is_there(page)
    expect(again).to_be_hidden()
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_enabled()


def test_a_photo_that_the_server_has_no_more_is_sent_again(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    bring(page, cat)
    page.get_by_label("Longest side, in pixels").fill("64")
    preview_is_there(page)
    gone = {"type": "urn:flamingo:no-such-file", "title": "Not Found", "status": 404, "what": "a file", "why": "gone"}
    asked: list[str] = []
    sha256 = page.evaluate("JSON.parse(sessionStorage.getItem('flamingo.paint')).photos[0].sha256")

    def swept(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=404, content_type="application/problem+json", body=json.dumps(gone))
        else:
            route.continue_()

    page.route("**/api/paint", swept)
    page.route("**/api/files/keep", lambda route: route.fulfill(json={"kept": [], "missing": [sha256], "seconds": 1}))
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
    assert len(asked) == 2


def test_a_draft_belongs_to_its_tab(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    bring(page, cat)
    other = page.context.new_page()
    other.set_default_timeout(at_ease(10))
    other.goto(f"{studio.url}/paint")
    expect(other.get_by_role("button", name="chelsea.jpg, photo 1 of 1")).to_be_visible(timeout=at_ease(10))
    other.get_by_role("button", name="Take chelsea.jpg away").click()
    other.set_input_files("#photos-file", cat.with_name("rocket.jpg"))
    preview_is_there(other)
    page.reload()
    expect(page.get_by_role("button", name="chelsea.jpg, photo 1 of 1")).to_be_visible()
    other.reload()
    expect(other.get_by_role("button", name="rocket.jpg, photo 1 of 1")).to_be_visible()
