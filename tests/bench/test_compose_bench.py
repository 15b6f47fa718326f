"""The arithmetic of the composer's bench is right on data made up for it, and its figures can be told apart."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the bench's judges need scikit-learn (extra `dev`)")

from flamingo import weights
from flamingo.composing.piece import BAR, NOTE, Key, Piece

BENCH = Path(__file__).resolve().parents[2] / "bench"
Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def bench() -> Iterator[Load]:
    """Loads one of the bench's files, which are scripts and no package."""
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(BENCH))


def scale_in(key: Key, bars: int = 8) -> Piece:
    """Quarter notes up the scale of a key and down its triad, over its tonic and dominant."""
    third, sixth = (3, 8) if key.minor else (4, 9)
    rows = []
    for bar in range(bars):
        bass = 0 if bar % 2 == 0 else 7
        rows.append((96 * bar, 96, 36 + key.tonic + bass, 64, 0, 0.0))
        line = (0, 2, third, 7) if bar % 2 == 0 else (7, 5, sixth, 11)
        rows += [(96 * bar + 24 * k, 24, 60 + key.tonic + step, 64, 0, 0.0) for k, step in enumerate(line)]
    rows.append((96 * bars, 96, 36 + key.tonic, 64, 0, 0.0))
    rows += [(96 * bars, 96, 60 + key.tonic + step, 64, 0, 0.0) for step in (0, third, 7)]
    return Piece.build(np.array(rows, NOTE), np.array([(96 * b, 4, 4) for b in range(bars + 1)], BAR), key)


# ---------------------------------------------------------------------- one figure against another
def test_rank_correlation_is_that_of_scipy(bench: Load) -> None:
    from scipy.stats import spearmanr

    figures = bench("_compose_figures")
    random = np.random.default_rng(0)
    a = random.integers(0, 6, 40)
    b = a + random.integers(0, 6, 40)
    assert figures.spearman(a, b) == pytest.approx(float(spearmanr(a, b).statistic))
    assert figures.spearman([1, 2, 3], [10, 100, 1000]) == pytest.approx(1)
    assert figures.spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert figures.spearman([1, 2, 3], [5, 5, 5]) == 0
    assert figures.spearman([1], [2]) == 0


def test_the_interval_holds_the_figure_and_shrinks(bench: Load) -> None:
    figures = bench("_compose_figures")
    random = np.random.default_rng(1)
    x = random.normal(size=200)
    y = x + random.normal(size=200)
    low, high = figures.interval(x, y, rounds=200)
    assert low < figures.spearman(x, y) < high
    few_low, few_high = figures.interval(x[:20], y[:20], rounds=200)
    assert few_high - few_low > high - low


def test_never_falls(bench: Load) -> None:
    never_falls = bench("_compose_figures").never_falls
    assert never_falls([0.1, 0.1, 0.4])
    assert not never_falls([0.1, 0.4, 0.3])
    assert never_falls([0.1, 0.4, 0.3], slack=0.2)


def test_quintiles_are_in_order_of_what_was_asked(bench: Load) -> None:
    quintiles = bench("_compose_figures").quintiles
    asked = list(range(10))[::-1]
    rows = quintiles(asked, {"twice": [2 * a for a in asked]})
    assert [row["asked"] for row in rows] == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert [row["twice"] for row in rows] == [1, 5, 9, 13, 17]
    assert len(quintiles([1, 2], {})) == 2


# ---------------------------------------------------------------------- keys
def test_a_key_that_was_missed_is_told_apart(bench: Load) -> None:
    verdict = bench("_compose_figures").key_verdict
    c, a_minor, c_minor = Key(0), Key(9, True), Key(0, True)
    assert verdict(c, c) == "right"
    assert verdict(c, a_minor) == verdict(a_minor, c) == "relative"
    assert verdict(c, c_minor) == verdict(c_minor, c) == "parallel"
    assert verdict(c, Key(7)) == verdict(c, Key(5)) == "fifth"
    assert verdict(c, Key(2)) == verdict(c, Key(2, True)) == "wrong"


@pytest.mark.parametrize("key", [Key(0), Key(9, True), Key(6), Key(3, True)], ids=str)
def test_the_strict_key_finder_needs_no_ending(bench: Load, key: Key) -> None:
    piece = scale_in(key)
    assert bench("_compose_figures").strict_key(piece) == key
    assert bench("_compose_figures").strict_key(piece.excerpt(0, 4)) == key


def test_shares_sum_to_one(bench: Load) -> None:
    found = bench("_compose_figures").shares(["right", "right", "fifth", "wrong"])
    assert found["right"] == 0.5 and sum(found.values()) == 1
    assert sum(bench("_compose_figures").shares([]).values()) == 0


# ---------------------------------------------------------------------- beside people
def test_distance_grows_with_strangeness(bench: Load) -> None:
    figures = bench("_compose_figures")
    people = [scale_in(Key(t, minor), bars) for t in range(4) for minor in (False, True) for bars in (8, 9)]
    scale = figures.human_scale(people)
    usual = scale_in(Key(4), 8)
    strange = usual.at_speed(3.0)
    names = ("entropy", "notes_a_second", "pitch")
    assert figures.distance(usual, scale, names) < figures.distance(strange, scale, names)
    assert np.isfinite(figures.distance(strange, scale))


def test_anchors_are_named_as_measures_are(bench: Load) -> None:
    from flamingo.composing.key_estimation import Ending
    from flamingo.composing.measure import Measures

    figures = bench("_compose_figures")
    assert set(figures.ANCHORS) <= set(Measures.__dataclass_fields__)
    assert set(figures.ANCHOR_ENDINGS) <= set(Ending.__dataclass_fields__)


# ---------------------------------------------------------------------- the bench itself
def test_every_section_has_something_to_run(bench: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = bench("compose")
    ran = []
    monkeypatch.setattr(compose, "_run", lambda name, *more: ran.append(name))
    monkeypatch.setattr(compose.weights, "entry", lambda name: {"version": "made up"})
    monkeypatch.setattr(compose.Pool, "model", None)
    monkeypatch.setattr(compose.Pool, "pairs", [])
    assert compose.main(["--music", "nowhere", "--pieces", "2"]) == 0
    assert tuple(ran) == compose.SECTIONS
    ran.clear()
    assert compose.main(["--music", "nowhere", "--only", "mood", "--only", "length"]) == 0
    assert ran == ["length", "mood"]


def test_a_missing_package_leaves_one_section_out(
    bench: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compose = bench("compose")
    report = bench("_report").Report()

    def missing(*more: object) -> None:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(compose, "_run", missing)
    compose._section("likelihood", report, None, None)
    assert len(report.notes) == 1 and "torch" in report.notes[0]


@pytest.mark.skipif("composer" not in weights.models(), reason="no trained composer is in flamingo/weights")
def test_a_pool_is_the_same_every_time(bench: Load) -> None:
    pool_of = bench("_compose_pool").Pool
    first, again, other = (pool_of([], 1, seed)._plan(np.random.default_rng(seed), seconds=8.0) for seed in (0, 0, 1))
    assert first == again != other
    pool = pool_of([], 1, 0)
    (a,), (b,) = pool.compose("a", 1, [first]), pool.compose("b", 1, [first])
    assert np.array_equal(a.piece.notes, b.piece.notes)
    assert not bench("_compose_pool").written(a.drawn) or a.drawn.retries == 12


# ---------------------------------------------------------------------- bad requests
@pytest.mark.parametrize(
    ("status", "stderr", "seconds", "changed", "wrong"),
    [
        (2, "flamingo: --seconds: too short\n", 1.0, (), ""),
        (1, "flamingo: --seconds: too short\n", 1.0, (), ""),
        (0, "", 1.0, ("out.mid",), "succeeded"),
        (-11, "", 1.0, (), "exit status -11"),
        (1, "Traceback (most recent call last):\nValueError: seconds", 1.0, (), "a traceback"),
        (1, "seconds; this is a fault in Flamingo", 1.0, (), "an error that nobody thought of"),
        (2, "seconds\nseconds", 1.0, (), "2 lines"),
        (2, "", 1.0, (), "0 lines"),
        (2, "seconds", 99.0, (), "took more than 60 s"),
        (1, "seconds", 1.0, (".flamingo-1.tmp",), "left .flamingo-1.tmp"),
        (1, "no such thing", 1.0, (), "does not say 'seconds'"),
    ],
)
def test_an_answer_to_a_bad_request_is_judged(
    bench: Load, status: int, stderr: str, seconds: float, changed: tuple[str, ...], wrong: str
) -> None:
    bad = bench("compose_bad")
    case = bad.Case("one second", ("--seconds", "1"), "seconds")
    assert bad.judge(case, status, stderr, seconds, 60.0, changed) == wrong


def test_what_is_merely_odd_may_succeed(bench: Load) -> None:
    bad = bench("compose_bad")
    odd = bad.Case("fast", (), odd=True)
    assert bad.judge(odd, 0, "", 1.0, 60.0, ["out.mid"]) == ""
    assert bad.judge(odd, 0, "", 1.0, 60.0, ["out.mid", "core"]) == "left out.mid, core"


def test_the_good_file_is_good(bench: Load) -> None:
    pytest.importorskip("symusic", reason="MIDI files are read with symusic")
    from flamingo.composing.reading.midi import from_midi

    bad = bench("compose_bad")
    assert len(from_midi(bad.midi(bad.scale())).notes) == 32
    names = [case.name for case in bad.cases()]
    assert len(set(names)) == len(names)
