"""The API keeps to its own description, whatever it is sent: a few requests to each route, made by schemathesis.

`bench/fuzz_api.py` makes thousands.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fuzz_api
import pytest

from tests.studio.serving import serving, settings_in

pytest.importorskip("schemathesis")


def test_every_answer_is_one_that_the_description_allows(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "studio")
    # Flamingo's own verbs alone: the tricks of other tests write wherever they are told to.
    settings = replace(settings, jobs=replace(settings.jobs, verbs={}))
    with serving(settings) as served:
        found = fuzz_api.fuzz(served.url, examples=2, seed=1, report=tmp_path, phases="fuzzing")
    assert found.status == 0, found.text
    assert found.cases >= 60
