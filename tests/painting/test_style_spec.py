"""What --style, --painting and --mask mean, by the cases that the pages are held to as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flamingo.errors import BadRequest
from flamingo.painting import style_spec
from tests.conftest import needs_models

pytestmark = needs_models
CASES = json.loads((Path(__file__).parent / "style_spec_cases.json").read_text(encoding="utf-8"))


def test_the_names_of_the_cases_are_those_of_the_painter() -> None:
    assert set(CASES["names"]) <= set(style_spec.known_names("fine"))
    assert CASES["usual"] == style_spec.DEFAULT


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: " ".join(case["texts"]) or "nothing")
def test_texts_mean_what_the_cases_say(case: dict[str, Any]) -> None:
    paintings, masks = ({name: Path(role, name) for name in case.get(role, [])} for role in ("paintings", "masks"))
    if "refused" in case:
        with pytest.raises(BadRequest, match=case["refused"]):
            style_spec.parse_styles(case["texts"], paintings, masks, "fine", anywhere=False)
        return
    terms = style_spec.parse_styles(case["texts"], paintings, masks, "fine", anywhere=False)
    shown = [[t.name, t.weight, t.painting and t.painting.name, t.mask and t.mask.name] for t in terms]
    assert shown == case["terms"]
