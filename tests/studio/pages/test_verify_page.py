"""The page Verify: what is known of a file, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def piece(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a piece as MP3, as MIDI, and the sidecar of the latter."""
    job = studio.done("compose", persona="haydn", seconds=8, format=["mp3", "mid"])
    folder = tmp_path_factory.mktemp("piece")
    for result in job["results"]:
        (folder / result["name"]).write_bytes(studio.http.get(result["url"]).content)
        if result["sidecar_url"]:
            (folder / f"{result['name']}.json").write_bytes(studio.http.get(result["sidecar_url"]).content)
    return folder


def test_what_was_made_here_is_whole(page: Page, studio: Studio, piece: Path) -> None:
    page.goto(f"{studio.url}/verify")
    page.set_input_files("#file-file", next(piece.glob("*.mp3")))
    expect(page.get_by_role("heading", name="Signed, and not changed since")).to_be_visible(timeout=at_ease(20))
    expect(page.locator("#sentences")).to_contain_text("has not changed since it was signed")
    page.get_by_text("The recipe it carries").click()
    expect(page.locator("#recipe")).to_contain_text("haydn")
    has_no_faults(page)


def test_a_sidecar_is_found_among_the_files(page: Page, studio: Studio, piece: Path) -> None:
    midi = next(piece.glob("*.mid"))
    page.goto(f"{studio.url}/verify")
    page.set_input_files("#file-file", [midi.with_name(f"{midi.name}.json"), midi])
    expect(page.get_by_role("heading", name="Signed, and not changed since")).to_be_visible(timeout=at_ease(20))
    expect(page.locator("#sentences")).to_contain_text("signed sidecar")


def test_a_changed_file_is_found_out(page: Page, studio: Studio, piece: Path, tmp_path: Path) -> None:
    data = bytearray(next(piece.glob("*.mp3")).read_bytes())
    data[-200] ^= 0xFF
    changed = tmp_path / "changed.mp3"
    changed.write_bytes(data)
    page.goto(f"{studio.url}/verify")
    page.set_input_files("#file-file", changed)
    expect(page.get_by_role("heading", name="Changed since it was signed")).to_be_visible(timeout=at_ease(20))


def test_of_a_plain_photo_nothing_is_known(phone: Page, studio: Studio, cat: Path) -> None:
    page = phone
    page.goto(f"{studio.url}/verify")
    has_no_faults(page)
    page.set_input_files("#file-file", cat)
    expect(page.get_by_role("heading", name="Nothing is known of it")).to_be_visible(timeout=at_ease(20))
    expect(page.locator("#verdict")).to_be_focused()
