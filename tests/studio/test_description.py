"""The API keeps to its own description, whatever it is sent: a few requests to each route, made by schemathesis.

`bench/fuzz_api.py` makes thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_api
import pytest

pytest.importorskip("schemathesis")


def test_every_answer_is_one_that_the_description_allows(own: Callable[..., Any], tmp_path: Path) -> None:
    with own() as served:  # where nobody carries out what chance asks for
        # A stream of events goes on until its job is over, which here is never.
        found = fuzz_api.fuzz(served.url, examples=3, seed=1, report=tmp_path, phases="fuzzing", without="/events$")
    assert found.status == 0, found.text
    assert found.cases >= 100
