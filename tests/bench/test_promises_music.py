"""Each case of the music's and the films' promises comes out right."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
try:
    CASES = list(importlib.import_module("_promises_music").cases())
finally:
    sys.path.remove(str(BENCH))

Check = Callable[[Path], bool]


@pytest.mark.parametrize(("kind", "what", "check"), CASES, ids=[f"{kind}: {what}" for kind, what, _ in CASES])
def test_it_comes_out_right(kind: str, what: str, check: Check, tmp_path: Path) -> None:
    assert check(tmp_path)


def test_there_are_cases_of_every_kind_and_no_two_alike() -> None:
    kinds = Counter(kind for kind, _, _ in CASES)
    assert set(kinds) == {"scores", "films"}
    assert min(kinds.values()) >= 20
    assert len({(kind, what) for kind, what, _ in CASES}) == len(CASES)
