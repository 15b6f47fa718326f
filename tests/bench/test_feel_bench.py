"""The benchmark of the mood model: its own arithmetic, on cases whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import feel


def test_the_interval_of_a_correlation_holds_it_and_narrows_with_more_photos() -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=2000)
    b = a + random.normal(size=2000)
    few, many = feel._interval(a[:50], b[:50]), feel._interval(a, b)
    assert many[0] < np.sqrt(0.5) < many[1]
    assert many[1] - many[0] < few[1] - few[0]


def test_calibration_error_is_zero_where_confidence_is_deserved_and_large_where_not() -> None:
    p = np.tile([0.75, 0.15, 0.10], (400, 1))
    deserved = np.arange(400) % 4 != 0
    assert feel._ece(p, deserved) == pytest.approx(0, abs=1e-9)
    assert feel._ece(p, np.zeros(400, bool)) == pytest.approx(0.75)


def test_a_section_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        feel.main(["--images", "nowhere", "--only", "taste"])
    assert ended.value.code == 2 and "taste" in capsys.readouterr().err
