"""The page Paint with the slow methods: losses and pictures while they run, and what the critic says."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.studio.pages.watching import Studio, at_ease, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet", "vgg_weights")


def test_an_optimisation_is_watched_while_it_runs_and_judged_afterwards(
    page: Page, studio: Studio, cat: Path
) -> None:
    page.goto(f"{studio.url}/paint")
    page.set_input_files("#photos-file", cat)
    expect(page.get_by_label("Steps", exact=True)).to_be_hidden()
    page.locator("#of-method summary").click()
    page.get_by_label("Method", exact=True).select_option("optimise")
    expect(page.get_by_text("This method has no preview")).to_be_visible(timeout=at_ease(10))
    expect(page.get_by_label("Octaves", exact=True)).to_be_hidden()
    page.get_by_label("Steps", exact=True).fill("14")
    page.get_by_label("Layer for the style").fill("relu2_1")
    page.get_by_label("A picture every so many steps", exact=True).fill("3")
    page.get_by_label("Longest side, in pixels").fill("96")
    has_no_faults(page)
    page.get_by_role("button", name="Paint", exact=True).click()

    curves = page.get_by_role("img", name="Losses by step")
    expect(curves).to_be_visible(timeout=at_ease(60))
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(120))
    job = studio.get(f"/api/jobs/{studio.job_of(page)}")
    assert job["parameters"]["method"] == "optimise" and job["parameters"]["snapshots"] == 3
    names = [result["name"] for result in job["results"]]
    stem = Path(job["inputs"]["photos"][0]["name"]).stem
    assert names[1:] == [f"{stem}.strip.jpg", f"{stem}.losses.jsonl"]
    told = studio.get(f"/api/jobs/{job['id']}/steps")
    assert [step["step"] for step in told["losses"]] == list(range(14)) and told["pictures"] == []
    expect(curves).to_be_visible()

    page.get_by_role("button", name="Ask the critic").click()
    expect(page.get_by_text("It compares variants of one photo")).to_be_visible(timeout=at_ease(90))
    expect(page.get_by_role("img", name="maps of where")).to_be_visible()
    has_no_faults(page)

    page.get_by_role("link", name="In your collection").click()
    expect(page.get_by_role("img", name=f"{stem}.strip.jpg")).to_be_visible(timeout=at_ease(10))


def test_a_dream_needs_no_painting(page: Page, studio: Studio, cat: Path) -> None:
    page.goto(f"{studio.url}/paint")
    page.set_input_files("#photos-file", cat)
    page.locator("#of-method summary").click()
    page.get_by_label("Method", exact=True).select_option("dream")
    expect(page.get_by_label("Optimiser", exact=True)).to_be_hidden()
    page.get_by_label("Octaves", exact=True).fill("1")
    page.get_by_label("Steps", exact=True).fill("2")
    page.get_by_label("Longest side, in pixels").fill("96")
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.get_by_role("heading", name="It is painted")).to_be_visible(timeout=at_ease(90))
    asked = studio.get(f"/api/jobs/{studio.job_of(page)}")["parameters"]
    assert asked["method"] == "dream" and asked["style"] is None and asked["octaves"] == 1
    expect(page.locator("#critic")).to_be_hidden()
