"""The page Compose, as a person meets it: a wish, the piece, and what can be done with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from flamingo.composing import reading
from flamingo.composing.piece import Piece
from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def piece(studio: Studio) -> str:
    """The id of a job that has composed eight seconds."""
    return str(studio.done("compose", persona="mozart", seconds=8, seed=3)["id"])


def kept(studio: Studio, job: str) -> Piece:
    """What the MIDI file of a job holds."""
    [midi] = [result for result in studio.get(f"/api/jobs/{job}")["results"] if result["name"].endswith(".mid")]
    return reading.from_bytes(studio.http.get(midi["url"]).content, midi["name"])


def test_a_wish_becomes_a_piece_that_lasts_as_long_as_was_asked(page: Page, studio: Studio, tmp_path: Path) -> None:
    page.goto(f"{studio.url}/compose")
    page.get_by_role("button", name="Mix personas").click()
    page.get_by_role("button", name="Chopin", exact=True).click()
    page.get_by_label("Chopin", exact=True).fill("0.5")
    expect(page.locator("#mix output")).to_have_text(["67 %", "33 %"])
    page.get_by_label("Length, in seconds", exact=True).fill("8")
    page.get_by_role("button", name="Flute and piano", exact=True).click()
    page.get_by_label("Key", exact=True).select_option("D minor")
    page.get_by_role("button", name="Compose").click()

    expect(page.locator("#piece-title")).to_have_text("Piece in D minor", timeout=at_ease(60))
    expect(page.locator("#piece-by")).to_contain_text("67 % Beethoven, 33 % Chopin")
    expect(page.locator("#originality")).to_contain_text("passage")
    expect(page.locator("#facts")).to_contain_text("8.0 s")
    expect(page.get_by_role("slider", name="Piano roll of Piece in D minor")).to_be_visible()
    expect(page.get_by_role("img", name="Score of Piece in D minor")).to_have_js_property("complete", True)
    job = studio.get(f"/api/jobs/{studio.job_of(page)}")
    assert job["parameters"]["instrument"] == "flute,piano"

    with page.expect_download() as caught:
        page.get_by_role("link", name="MIDI").click()
    caught.value.save_as(tmp_path / "piece.mid")
    kept = reading.read(tmp_path / "piece.mid")
    assert float(kept.seconds()) == pytest.approx(8, abs=0.1)
    assert str(kept.key) == "D minor"


def test_a_mood_is_a_place_that_the_keyboard_reaches(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/compose")
    across = page.get_by_role("slider", name="Unpleasant to pleasant")
    expect(across).to_have_attribute("aria-valuetext", "no mood asked for")
    across.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    expect(page.locator("#pad-word")).to_have_text("happy")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#pad-word")).to_contain_text("near happy (+0.75, +0.5)")
    page.get_by_role("button", name="No mood").click()
    expect(page.locator("#pad-word")).to_have_text("as the persona likes")


def test_a_word_on_the_plane_can_be_pressed(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/compose")
    page.locator(".plane-word", has_text="melancholy").click()
    expect(page.locator("#pad-word")).to_have_text("melancholy")


def test_a_reload_in_the_middle_loses_nothing_and_a_piece_can_be_cancelled(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/compose")
    page.get_by_role("button", name="Liszt").click()
    page.get_by_label("Length, in seconds", exact=True).fill("600")
    page.locator(".plane-word", has_text="dramatic").click()
    page.get_by_role("button", name="Compose").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=at_ease(20))
    page.reload()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=at_ease(20))
    expect(page.get_by_label("Length, in seconds", exact=True)).to_have_value("600")
    expect(page.locator("#pad-word")).to_have_text("dramatic")
    expect(page.get_by_role("button", name="Liszt")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job")).to_contain_text("Cancelled", timeout=at_ease(30))
    assert studio.get(f"/api/jobs/{studio.job_of(page)}")["state"] == "cancelled"


def test_the_roll_plays_along_and_goes_where_it_is_told(page: Page, studio: Studio, piece: str) -> None:
    page.goto(f"{studio.url}/compose?job={piece}")
    roll = page.get_by_role("slider", name=re.compile("Piano roll"))
    expect(roll).to_have_attribute("aria-valuemax", "8", timeout=at_ease(20))
    page.get_by_role("button", name=re.compile("^Play Piece")).click()
    expect(roll).to_have_attribute("aria-valuenow", re.compile("[1-8]"), timeout=at_ease(20))
    page.get_by_role("button", name=re.compile("^Pause Piece")).click()
    roll.focus()
    page.keyboard.press("Home")
    expect(roll).to_have_attribute("aria-valuetext", re.compile("^0:00, bar 1 of"))
    page.keyboard.press("PageDown")
    expect(roll).to_have_attribute("aria-valuetext", re.compile("bar 2 of"))
    page.keyboard.press("ArrowRight")
    expect(page.locator(".player-time")).not_to_have_text(re.compile("^0:00"))


def test_it_is_practised_with_slowly_in_a_loop_and_with_a_metronome(page: Page, studio: Studio, piece: str) -> None:
    page.goto(f"{studio.url}/compose?job={piece}")
    expect(page.get_by_role("slider", name="Piano roll")).to_be_visible(timeout=at_ease(20))
    audio = page.locator("#player audio")
    page.get_by_role("region", name="The piece").get_by_label("Speed").select_option("0.5")
    expect(audio).to_have_js_property("playbackRate", 0.5)
    expect(audio).to_have_js_property("preservesPitch", True)
    page.get_by_label("Volume").fill("0.3")
    expect(audio).to_have_js_property("volume", 0.3)
    page.get_by_role("button", name="Loop").click()
    expect(audio).to_have_js_property("loop", True)
    page.get_by_role("button", name="Metronome").click()
    page.get_by_role("region", name="The piece").get_by_label("Speed").select_option("1.5")
    page.get_by_label("From bar").fill("2")
    page.get_by_label("To bar").fill("2")
    expect(audio).to_have_js_property("loop", False)  # it goes round the bar, not the piece
    music = studio.get(f"/api/jobs/{piece}")
    [midi] = [result for result in music["results"] if result["name"].endswith(".mid")]
    notes = studio.get(f"/api/jobs/{piece}/results/{midi['index']}/notes")
    begin, end = notes["bars"][1:3]
    assert notes["beats"][0] == 0 and set(notes["bars"][:-1]) <= set(notes["beats"])
    page.get_by_role("button", name="Play").click()
    now = 0.0
    for _ in range(300):
        now = page.evaluate("document.querySelector('#player audio').currentTime")
        if now > (begin + end) / 2:
            break
        page.wait_for_timeout(50)
    assert now > (begin + end) / 2
    for _ in range(20):
        now = page.evaluate("document.querySelector('#player audio').currentTime")
        assert begin - 0.1 <= now <= end + 0.3
        page.wait_for_timeout(100)


def test_another_like_it_and_a_favourite(page: Page, studio: Studio, piece: str) -> None:
    page.goto(f"{studio.url}/compose?job={piece}")
    page.get_by_role("button", name="Favourite").click()
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    assert studio.get(f"/api/jobs/{piece}")["favourite"] is True
    page.get_by_role("button", name="Another like it").click()
    expect(page).not_to_have_url(re.compile(piece), timeout=at_ease(20))
    expect(page.locator("#piece")).to_be_visible(timeout=at_ease(60))
    other = studio.get(f"/api/jobs/{studio.job_of(page)}")
    assert other["parameters"]["seed"] != 3
    assert other["parameters"]["persona"] == "mozart"
    page.go_back()
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")


def test_a_photo_gives_the_mood(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/compose")
    page.get_by_role("radio", name="Photos").check()
    page.set_input_files("#photos-file", cat)
    expect(page.get_by_role("button", name=f"Leave out {cat.name}")).to_be_visible(timeout=at_ease(20))
    page.get_by_label("Length, in seconds", exact=True).fill("8")
    page.get_by_role("button", name="Compose").click()
    expect(page.locator("#remarks")).to_contain_text(f"{cat.name} feels", timeout=at_ease(60))


def test_bars_are_composed_anew_and_the_others_stay(page: Page, studio: Studio, piece: str) -> None:
    page.goto(f"{studio.url}/compose?job={piece}")
    roll = page.get_by_role("slider", name="Piano roll")
    expect(roll).to_be_visible(timeout=at_ease(20))
    box = roll.bounding_box()
    assert box
    page.keyboard.down("Shift")  # draw over the middle of the roll
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60)
    page.mouse.up()
    page.keyboard.up("Shift")
    first, last = (int(page.locator(f"#redo-{name}").input_value()) for name in ("first", "last"))
    assert 1 < first <= last
    page.get_by_label("Who", exact=True).select_option("The left hand")
    page.get_by_role("button", name="Compose anew").click()
    expect(page.locator("#remarks")).to_contain_text("composed anew", timeout=at_ease(60))
    expect(page.locator("#versions")).to_contain_text("Version 2")
    job = studio.get(f"/api/jobs/{studio.job_of(page)}")
    assert job["parameters"]["bars"] == f"{first}-{last}" and job["parameters"]["part"] == "left"

    before, after = (kept(studio, id) for id in (piece, job["id"]))
    begin, end = before.edges[first - 1], before.edges[last]
    stays = [(p.notes["start"] < begin) | (p.notes["start"] >= end) for p in (before, after)]
    assert before.notes[stays[0]].tolist() == after.notes[stays[1]].tolist()
    assert before.notes[~stays[0]].tolist() != after.notes[~stays[1]].tolist()

    page.keyboard.press("v")  # back and forth between the two
    expect(page.get_by_role("button", name="Version 1")).to_have_attribute(
        "aria-pressed", "true", timeout=at_ease(20)
    )
    page.keyboard.press("v")
    expect(page.get_by_role("button", name="Version 2")).to_have_attribute(
        "aria-pressed", "true", timeout=at_ease(20)
    )


def test_bars_that_are_not_there_are_refused_in_words(page: Page, studio: Studio, piece: str) -> None:
    page.goto(f"{studio.url}/compose?job={piece}")
    page.get_by_label("From bar").fill("90", timeout=at_ease(20))
    page.get_by_role("button", name="Compose anew").click()
    expect(page.get_by_text("Choose bars from 1 to")).to_be_visible()


def test_it_refuses_in_words(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/compose")
    page.get_by_label("Who plays").fill("kazoo")
    page.get_by_role("button", name="Compose").click()
    expect(page.locator("#job")).to_contain_text("kazoo", timeout=at_ease(20))


def test_no_fault_for_people_with_other_senses_nor_on_a_phone(phone: Page, studio: Studio, piece: str) -> None:
    page = phone
    page.goto(f"{studio.url}/compose?job={piece}")
    expect(page.get_by_role("slider", name=re.compile("Piano roll"))).to_be_visible(timeout=at_ease(20))
    page.get_by_text("More control").click()
    has_no_faults(page)


def pressed(page: Page) -> list[str]:
    return page.locator("#personas [aria-pressed=true]").all_text_contents()


@pytest.mark.parametrize("where", ["compose", "film"])
def test_a_composer_is_chosen_alone_and_mixing_is_a_second_step(where: str, page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/{where}")
    if where == "film":
        page.evaluate("document.getElementById('filmer').dataset.state = 'chosen'")
    chips = page.locator("#personas")
    chips.get_by_text("Schubert", exact=True).click()
    assert pressed(page) == ["Schubert"]
    chips.get_by_text("Mozart", exact=True).click()
    assert pressed(page) == ["Mozart"]
    page.get_by_role("button", name="Mix personas").click()
    chips.get_by_text("Schubert", exact=True).click()
    assert pressed(page) == ["Mozart", "Schubert"]
    expect(page.get_by_role("slider", name="Schubert")).to_be_visible()
    page.get_by_role("button", name="Mix personas").click()
    assert len(pressed(page)) == 1


def test_a_piece_without_a_photo_is_graded(page: Page, studio: Studio) -> None:
    job = studio.done("compose", persona="grieg", seconds=8, seed=5)
    page.goto(f"{studio.url}/compose?job={job['id']}")
    page.get_by_role("button", name="Good", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("The grade “good” is kept")
    expect(page.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    kinds = studio.get("/api/ratings/report?by=kind")["groups"]
    assert "music" in {group["name"] for group in kinds}
