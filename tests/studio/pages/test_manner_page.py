"""The page Paint with full control: mixes, brushed regions, masks, colours, strokes, paintings of one's own."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from flamingo import weights
from flamingo.painting import encoder
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")
needs_encoder = pytest.mark.skipif(
    "painter-fine" not in weights.models() or not encoder.known("fine"),
    reason="the fine painter in flamingo/weights reads no paintings yet",
)


def preview_is_there(page: Page) -> None:
    expect(page.locator("#sign")).to_have_text("Preview", timeout=at_ease(10))


def begun(page: Page, studio: Studio, photo: Path) -> Page:
    """The page with a photo on its easel, and the painter that is quick."""
    page.goto(f"{studio.url}/paint")
    page.get_by_role("radio", name="Fast").check()  # before the photo, or the first preview is by the other one
    page.set_input_files("#photos-file", photo)
    preview_is_there(page)
    return page


def chosen(page: Page, *names: str) -> None:
    page.get_by_role("button", name="Mix several").click()
    for name in names:
        page.get_by_role("checkbox", name=name).check()


def stroke(page: Page, *places: tuple[float, float], on: str = "#picture") -> None:
    """Over the photo, with the mouse; places from 0 to 1, across and down. on: the frame of another picture."""
    box = page.locator(f"{on} .mask-canvas").bounding_box()
    assert box is not None
    for i, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def share(page: Page) -> float:
    """How much of the photo is brushed."""
    return float(page.locator(".mask-canvas").get_attribute("data-share") or "nan")


def share_above(page: Page, least: float) -> float:
    """The same, once it is more than that: keys may be on their way still."""
    more = "least => Number(document.querySelector('.mask-canvas').dataset.share) > least"
    page.wait_for_function(more, arg=least, timeout=at_ease(5))
    return share(page)


def painted(page: Page, studio: Studio) -> dict[str, Any]:
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(30))
    job: dict[str, Any] = studio.get(f"/api/jobs/{studio.job_of(page)}")
    return job


def pixels(studio: Studio, address: str) -> NDArray[np.float64]:
    with Image.open(io.BytesIO(studio.http.get(address).content)) as opened:
        return np.asarray(opened.convert("RGB"), np.float64)


def test_two_styles_are_mixed_and_how_is_said(page: Page, studio: Studio, cat: Path) -> None:
    begun(page, studio, cat)
    chosen(page, "The Great Wave off Kanagawa", "The Starry Night")
    said = page.locator("#mix-said")
    expect(said).to_have_text("The Great Wave off Kanagawa 50 % and The Starry Night 50 %.")
    page.get_by_role("slider", name="How much of The Starry Night").fill("0.25")
    expect(said).to_have_text("The Great Wave off Kanagawa 67 % and The Starry Night 33 %.")
    page.get_by_role("slider", name="How much of The Great Wave off Kanagawa").press("ArrowRight")
    expect(page.get_by_role("slider", name="How much of The Great Wave off Kanagawa")).to_be_focused()
    preview_is_there(page)
    has_no_faults(page)

    page.reload()
    expect(page.get_by_role("checkbox", name="The Great Wave off Kanagawa")).to_be_checked()
    expect(said).to_have_text("The Great Wave off Kanagawa 69 % and The Starry Night 31 %.")
    job = painted(page, studio)
    assert job["parameters"]["style"] == ["great-wave=0.55", "starry-night=0.25"]

    page.goto(f"{studio.url}{job['page']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("The Great Wave off Kanagawa + The Starry Night")
    expect(page.locator("#facts")).to_contain_text("The Great Wave off Kanagawa 69 % and The Starry Night 31 %")
    page.get_by_role("link", name="Do it again with another photo").click()
    expect(said).to_have_text("The Great Wave off Kanagawa 69 % and The Starry Night 31 %.")
    # Who wants one style again has one.
    page.get_by_role("button", name="Mix several").click()
    expect(page.get_by_role("radio", name="The Great Wave off Kanagawa")).to_be_checked()
    expect(page.locator("#mix")).to_be_hidden()


def test_a_style_goes_where_it_is_brushed_and_nowhere_else(page: Page, studio: Studio, cat: Path) -> None:
    begun(page, studio, cat)
    page.get_by_role("radio", name="The Scream").check()
    page.get_by_role("button", name="Brush where", exact=True).click()
    expect(page.locator("#mix-said")).to_have_text("Everywhere, until you brush on the photo.")
    page.get_by_role("slider", name="Size").fill("30")
    stroke(page, (0.15, 0.2), (0.15, 0.8), (0.3, 0.5))
    expect(page.locator("#mix-said")).to_have_text(
        re.compile(r"The Scream where you brushed \(\d+ %\); the rest stays")
    )
    preview_is_there(page)
    has_no_faults(page)
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".mask-canvas")).to_be_hidden()

    job = painted(page, studio)
    (mask,), (result,) = job["inputs"]["mask"], job["results"]
    assert job["parameters"]["style"] == [f"scream@{mask['name']}"]
    photo = pixels(studio, job["inputs"]["photos"][0]["url"])
    change = np.abs(pixels(studio, result["url"]) - photo).mean(axis=2)
    assert change[120:180, 50:90].mean() > 10
    assert change[:, 300:].mean() < 4, "what writing a JPEG changes"
    page.goto(f"{studio.url}{job['page']}")
    expect(page.locator("#facts")).to_contain_text("The Scream on its mask; the rest stays as it was")
    expect(page.get_by_role("img", name=mask["name"])).to_be_visible()
    page.get_by_role("link", name="Paint this photo differently").click()
    expect(page.get_by_role("button", name="Brush where The Scream goes")).to_have_text(re.compile(r"\d+ %"))


def test_what_is_brushed_can_be_erased_undone_inverted_and_cleared(page: Page, studio: Studio, cat: Path) -> None:
    begun(page, studio, cat)
    page.get_by_role("button", name="Brush where", exact=True).click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    page.get_by_role("slider", name="Softness").fill("0")
    stroke(page, (0.2, 0.5), (0.8, 0.5))
    line = share(page)
    assert 0.08 < line < 0.25
    page.get_by_role("button", name="Eraser").click()
    stroke(page, (0.2, 0.5), (0.5, 0.5))
    assert line * 0.3 < share(page) < line * 0.7
    undo.click()
    assert share(page) == line
    page.get_by_role("button", name="Invert").click()
    assert share(page) == pytest.approx(1 - line, abs=0.002)
    page.get_by_role("button", name="Clear").click()
    assert share(page) == 0
    for _ in range(3):
        undo.click()
    assert share(page) == 0
    expect(undo).to_be_disabled()


def test_it_is_brushed_without_a_pointer_too(page: Page, studio: Studio, cat: Path, tmp_path: Path) -> None:
    begun(page, studio, cat)
    page.get_by_role("button", name="Brush where", exact=True).press("Enter")
    canvas = page.get_by_role("application", name=re.compile("Where The Starry Night goes"))
    canvas.focus()
    expect(canvas).to_be_focused()
    page.keyboard.press("Space")
    dot = share_above(page, 0)
    assert dot < 0.1
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    assert share(page) == dot
    for _ in range(6):
        page.keyboard.press("Shift+ArrowUp")
    share_above(page, 1.5 * dot)
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")
    expect(canvas).to_be_hidden()

    mask = np.zeros((40, 60), np.uint8)
    mask[:, :15] = 255
    Image.fromarray(mask).save(tmp_path / "a@left=.png")
    page.get_by_role("button", name="Brush where The Starry Night goes").click()
    page.set_input_files("#brush-file", tmp_path / "a@left=.png")
    expect(page.get_by_role("button", name="Brush where The Starry Night goes")).to_have_text("25 %")
    page.get_by_role("button", name="Done").click()
    job = painted(page, studio)
    # The file itself is what was sent, not what the browser made of it.
    assert job["inputs"]["mask"][0]["sha256"] == studio.sent(tmp_path / "a@left=.png")["sha256"]


def test_two_styles_on_two_regions_by_finger(phone: Page, studio: Studio, cat: Path) -> None:
    begun(phone, studio, cat)
    chosen(phone, "The Great Wave off Kanagawa")
    phone.get_by_role("button", name="Brush where", exact=True).click()
    expect(phone.locator(".mask-canvas")).to_be_in_viewport()
    expect(phone.get_by_role("slider", name="Size")).to_be_in_viewport()
    touch = """([x, y, more]) => {
        const canvas = document.querySelector(".mask-canvas"), box = canvas.getBoundingClientRect();
        canvas.setPointerCapture = () => {};
        const finger = {pointerId: 7, pointerType: "touch", isPrimary: true, button: 0, bubbles: true};
        for (const [kind, dx] of [["down", 0], ["move", more / 2], ["move", more], ["up", more]]) {
            const [clientX, clientY] = [box.left + (x + dx) * box.width, box.top + y * box.height];
            canvas.dispatchEvent(new PointerEvent(`pointer${kind}`, {...finger, clientX, clientY}));
        }
    }"""
    phone.evaluate(touch, [0.1, 0.3, 0.3])
    expect(phone.get_by_role("button", name="Brush where The Great Wave off Kanagawa goes")).to_have_text(
        re.compile(r"\d+ %")
    )
    has_no_faults(phone)
    phone.get_by_role("button", name="Brush where The Starry Night goes").click()
    phone.evaluate(touch, [0.6, 0.7, 0.3])
    expect(phone.locator("#mix-said")).to_have_text(
        re.compile(
            r"The Great Wave.* where you brushed \(\d+ %\); The Starry Night where you brushed \(\d+ %\); the rest"
        )
    )
    phone.get_by_role("button", name="Done").click()
    job = painted(phone, studio)
    assert len({file["sha256"] for file in job["inputs"]["mask"]}) == 2
    assert [each["style"] for each in job["results"][0]["recipe"]["styles"]] == ["great-wave", "starry-night"]


@pytest.fixture
def kitten(cat: Path, tmp_path: Path) -> Path:
    """The same photo so small that patches are previewed at once."""
    with Image.open(cat) as opened:
        opened.resize((120, 80)).save(tmp_path / "kitten.png")
    return tmp_path / "kitten.png"


def test_three_ways_to_paint_stand_for_methods(page: Page, studio: Studio, kitten: Path) -> None:
    """Whichever of the two is changed, the other follows."""
    begun(page, studio, kitten)
    effort = page.get_by_role("group", name="Effort")
    method = page.get_by_label("Method", exact=True)
    expect(effort.get_by_role("radio", name="Quick")).to_be_checked()
    expect(method).to_have_value("auto")
    effort.get_by_role("radio", name="True").check()
    expect(effort).to_contain_text("Pieces of the painting itself")
    expect(method).to_have_value("patches")
    page.get_by_label("Finish, in steps", exact=True).fill("10")
    expect(effort.get_by_role("radio", name="Finished")).to_be_checked()
    page.get_by_label("Finish, in steps", exact=True).fill("7")
    expect(effort).to_contain_text("A way of your own")
    assert effort.get_by_role("radio", checked=True).count() == 0
    method.select_option("auto")
    page.get_by_label("Finish, in steps", exact=True).fill("")
    expect(effort.get_by_role("radio", name="Quick")).to_be_checked()
    effort.get_by_role("radio", name="Quick").press("ArrowRight")
    expect(effort.get_by_role("radio", name="True")).to_be_checked()
    preview_is_there(page)
    has_no_faults(page)

    page.reload()
    expect(effort.get_by_role("radio", name="True")).to_be_checked()
    job = painted(page, studio)
    asked, recipe = job["parameters"], job["results"][0]["recipe"]
    assert (asked["effort"], asked["method"], asked["finish"]) == ("true", "auto", None)
    assert recipe["method"] == "patches" and "finish" not in recipe
    page.goto(f"{studio.url}/paint?recipe={job['id']}")
    expect(effort.get_by_role("radio", name="True")).to_be_checked()


def test_parts_of_the_photo_are_matched_with_parts_of_the_painting(page: Page, studio: Studio, kitten: Path) -> None:
    begun(page, studio, kitten)
    matching = page.get_by_role("button", name="Match parts")
    expect(matching).to_be_hidden()  # the painter has no pieces
    page.get_by_role("radio", name="True").check()
    matching.click()
    said = page.locator("#match-said")
    expect(said).to_have_text(re.compile("Brush on the photo, and on the painting"))
    stroke(page, (0.2, 0.2), (0.8, 0.2))
    expect(said).to_have_text("Now brush on the painting, too.")
    painting = page.get_by_role("application", name="The part of The Starry Night")
    painting.focus()
    page.keyboard.press("Space")
    expect(said).to_have_text(re.compile("Each part of the photo"))
    has_no_faults(page)
    pairs = page.get_by_role("list", name="Parts of the photo and of the painting").get_by_role("listitem")
    undo = page.get_by_role("button", name="Undo")
    undo.click()  # of the painting, which came last
    expect(said).to_have_text("Now brush on the painting, too.")
    undo.click()
    expect(undo).to_be_disabled()
    expect(pairs).to_have_text(re.compile(r"Photo 0\s%, painting 0\s%"))
    stroke(page, (0.2, 0.2), (0.8, 0.2))
    stroke(page, (0.1, 0.1), (0.9, 0.1), on="#match-frame")
    page.get_by_role("button", name="Another pair").click()
    stroke(page, (0.2, 0.9), (0.8, 0.9))
    stroke(page, (0.1, 0.9), (0.9, 0.9), on="#match-frame")
    after = page.locator("#picture [data-after]")
    before = after.get_attribute("src") or ""
    page.get_by_role("button", name="Done").click()
    expect(painting).to_be_hidden()
    expect(after).not_to_have_attribute("src", before, timeout=at_ease(20))
    preview_is_there(page)

    page.reload()
    expect(pairs).to_have_count(2)
    job = painted(page, studio)
    masks = [mask["name"] for mask in job["inputs"]["mask"]]
    assert job["parameters"]["match"] == [f"{masks[0]}:{masks[1]}", f"{masks[2]}:{masks[3]}"]
    assert job["parameters"]["style"] == ["starry-night"], "no mask of these is the style's"
    assert len(job["results"][0]["recipe"]["match"]) == 2
    page.goto(f"{studio.url}{job['page']}")
    expect(page.locator("#facts")).to_contain_text("2 parts of the painting")
    page.get_by_role("link", name="Paint this photo differently").click()
    expect(pairs).to_have_count(2)
    page.get_by_role("button", name="Remove pair 1").click()
    expect(pairs).to_have_count(1)
    chosen(page, "The Kiss")  # of two paintings it could not be told which is meant
    expect(matching).to_be_hidden()


def test_colours_and_strokes_are_seen_at_once_and_asked_for(page: Page, studio: Studio, cat: Path) -> None:
    begun(page, studio, cat)
    for name, value in (("Colours", "0.25"), ("Strokes", "2")):
        before = page.locator("#picture [data-after]").get_attribute("src")
        page.get_by_label(name, exact=True).fill(value)
        expect(page.locator("#picture [data-after]")).not_to_have_attribute("src", before or "", timeout=at_ease(10))
    preview_is_there(page)
    job = painted(page, studio)
    assert (job["parameters"]["colour"], job["parameters"]["stroke"]) == (0.25, 2)
    page.goto(f"{studio.url}{job['page']}")
    expect(page.locator("#facts")).to_contain_text("25 % the painting’s")
    expect(page.locator("#facts")).to_contain_text("2 times as large")


def test_an_earlier_wish_is_shown_again(page: Page, studio: Studio, cat: Path) -> None:
    begun(page, studio, cat)
    after = page.locator("#picture [data-after]")
    seen = [after.get_attribute("src") or ""]
    for name in ("The Scream", "Udnie", "The Scream"):
        page.get_by_role("radio", name=name).check()
        expect(after).not_to_have_attribute("src", seen[-1], timeout=at_ease(10))
        seen.append(after.get_attribute("src") or "")
    assert seen[1] == seen[3] != seen[2]
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_job_of_a_program_is_shown_as_the_page_has_it(page: Page, studio: Studio, cat: Path) -> None:
    """Whatever way it was asked: a single mask for all, colours by their word."""
    mask = io.BytesIO()
    Image.fromarray(np.tri(50, 75, 10, dtype=np.uint8) * 255).save(mask, "PNG")
    sent = studio.http.post("/api/files", files={"file": ("sky.png", mask.getvalue())}).json()
    job = studio.done(
        "paint",
        photos=[studio.sent(cat)],
        style="udnie",
        mask=[{"sha256": sent["sha256"], "name": "sky.png"}],
        colour="photo",
        model="fast",
        size=90,
    )
    page.goto(f"{studio.url}{job['page']}")
    expect(page.locator("#facts")).to_contain_text("Udnie on its mask; the rest stays as it was")
    expect(page.locator("#facts")).to_contain_text("the photo’s")
    page.goto(f"{studio.url}/paint?recipe={job['id']}")
    expect(page.get_by_label("Colours", exact=True)).to_have_value("0")
    expect(page.get_by_role("button", name="Brush where Udnie goes")).to_have_text(re.compile(r"\d+ %"))


def test_a_film_is_played_before_and_after(page: Page, studio: Studio, cat: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed")
    with Image.open(cat) as opened:
        still = np.asarray(opened.convert("RGB").resize((128, 96)))
    with av.open(str(tmp_path / "cat.webm"), "w") as container:  # of a kind that every Chromium plays
        stream = container.add_stream("libvpx-vp9", rate=12)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for i in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(still, 2 * i, 1), "rgb24")))
        container.mux(stream.encode())
    lasts = "(v) => v.duration || new Promise((r) => v.addEventListener('loadedmetadata', () => r(v.duration)))"
    page.goto(f"{studio.url}/paint")
    page.get_by_role("radio", name="Fast").check()
    page.set_input_files("#photos-file", tmp_path / "cat.webm")
    before = page.get_by_label("cat.webm, as it was")
    assert before.evaluate(lasts) == pytest.approx(0.5, abs=0.1)
    has_no_faults(page)
    job = painted(page, studio)
    assert page.get_by_label("cat.webm, painted").evaluate(lasts) == pytest.approx(0.5, abs=0.1)
    page.goto(f"{studio.url}{job['page']}")
    assert page.get_by_label("cat.webm, painted").evaluate(lasts) == pytest.approx(0.5, abs=0.1)
    has_no_faults(page)
    page.goto(f"{studio.url}/collection")
    expect(page.locator(f"[data-job='{job['id']}'] video")).to_have_attribute("controls", "")
    has_no_faults(page)


@needs_encoder
def test_ones_own_painting_hangs_beside_the_others(page: Page, studio: Studio, cat: Path, tmp_path: Path) -> None:
    begun(page, studio, cat)
    with Image.open(cat.with_name("coffee.jpg")) as opened:
        opened.rotate(90, expand=True).save(tmp_path / "aunt's=@jug.jpg")
    with page.expect_file_chooser() as choice:
        page.get_by_role("button", name="Your own painting").click()
    choice.value.set_files(tmp_path / "aunt's=@jug.jpg")
    mine = page.get_by_role("radio", name="Aunt's jug")
    expect(mine).to_be_checked()
    preview_is_there(page)
    has_no_faults(page)
    page.get_by_label("Longest side, in pixels").fill("120")

    page.get_by_role("button", name="Mix several").click()
    page.get_by_role("checkbox", name="The Kiss").check()
    page.reload()
    expect(page.locator("#mix-said")).to_have_text("Aunt's jug 50 % and The Kiss 50 %.")
    job = painted(page, studio)
    assert job["parameters"]["style"] == ["aunt's-jug.jpg=0.5", "the-kiss=0.5"]
    assert job["results"][0]["recipe"]["styles"][0]["painting_sha256"] == job["inputs"]["painting"][0]["sha256"]
    page.goto(f"{studio.url}{job['page']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Aunt's jug + The Kiss")
    page.get_by_role("link", name="Do it again with another photo").click()
    expect(page.get_by_role("checkbox", name="Aunt's jug")).to_be_checked()
    page.get_by_role("button", name="Take Aunt's jug off the wall").click()
    expect(page.get_by_role("checkbox", name="Aunt's jug")).to_have_count(0)


@needs_encoder
def test_a_painting_is_kept_under_a_name_and_forgotten(page: Page, studio: Studio, cat: Path, tmp_path: Path) -> None:
    begun(page, studio, cat)
    (tmp_path / "Évening Tea.jpg").write_bytes(cat.with_name("coffee.jpg").read_bytes())
    page.locator("#paintings-file").set_input_files(tmp_path / "Évening Tea.jpg")
    page.get_by_role("button", name="Keep Évening Tea under a name").click()
    name = page.get_by_label("Under which name?")
    expect(name).to_have_value("evening-tea")
    has_no_faults(page)
    name.fill("Tea Time")
    page.get_by_role("button", name="Keep it", exact=True).last.click()
    expect(name).to_be_visible()  # it is no name for a style, and the browser says so
    name.fill("tea-time")
    name.press("Enter")
    expect(page.get_by_role("radio", name="Tea time")).to_be_checked()
    has_no_faults(page)
    job = painted(page, studio)
    assert job["parameters"]["style"] == ["tea-time"]

    page.goto(f"{studio.url}/live")
    page.goto(f"{studio.url}/paint")
    forget = page.get_by_role("button", name="Forget Tea time")
    forget.click()
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(forget).to_be_visible()
    forget.click()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("radio", name="Tea time")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("radio", name="The Starry Night")).to_be_checked()


@needs_encoder
def test_a_painting_dropped_on_the_wall_is_no_photo(page: Page, studio: Studio, cat: Path) -> None:
    begun(page, studio, cat)
    drop = """([bytes]) => {
        const given = new DataTransfer();
        given.items.add(new File([new Uint8Array(bytes)], "drop.jpg", {type: "image/jpeg"}));
        document.querySelector("#styles").dispatchEvent(
            new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true}));
    }"""
    page.evaluate(drop, [list(cat.with_name("rocket.jpg").read_bytes())])
    expect(page.get_by_role("radio", name="Drop")).to_be_checked()
    expect(page.get_by_role("button", name=re.compile("photo . of"))).to_have_count(1)
