"""The page About: every model with its card, and every painting with its rights."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from flamingo import weights
from flamingo.painting import styles
from tests.studio.pages.watching import Studio, has_no_faults

pytestmark = pytest.mark.usefixtures("quiet")


def test_every_model_shows_its_version_its_licence_and_its_card(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/about")
    models = page.locator(".model")
    expect(models).to_have_count(len(weights.models()))
    for entry in weights.models().values():
        model = models.filter(has_text=entry["version"]).first
        expect(model).to_contain_text(entry.get("licence", "Apache-2.0"))
        model.locator("summary").click()
        expect(model.get_by_role("heading", name="What it is for, and what it is not")).to_be_visible()
        expect(model.get_by_role("table").first).to_be_visible()
    has_no_faults(page)


def test_every_painting_shows_why_it_may_be_used(phone: Page, studio: Studio) -> None:
    phone.goto(f"{studio.url}/about")
    for style in styles.styles():
        expect(phone.locator(".paintings li", has_text=style.title)).to_contain_text(style.rights)
    has_no_faults(phone)
