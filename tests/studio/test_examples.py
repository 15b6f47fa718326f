"""The examples in the documentation of functions do what they show."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs_models
from tests.studio.serving import Served

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
PLACES = {
    "flamingo.images.folders": 2,
    "flamingo.images.formats": 2,
    "flamingo.images.naming": 1,
    "flamingo.images.picture": 2,
    "flamingo.images.reading": 2,
    "flamingo.images.resample": 1,
    "flamingo.images.writing": 2,
    "flamingo.mood.valence_arousal": 2,
    "flamingo.provenance.origin": 1,
    "flamingo.provenance.verdict": 1,
    "flamingo.quality.measures": 1,
    "flamingo.ratings.report": 1,
    "flamingo.ratings.store": 1,
    "flamingo.video.animation": 1,
}
"""Modules and how many of their functions have an example."""


def _carried_out(module: str, **names: object) -> int:
    """Run the examples of a module, in which these names are known: how many functions have some."""
    found = importlib.import_module(module)
    tests = [each for each in doctest.DocTestFinder(exclude_empty=True).find(found, module) if each.examples]
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=_FLAGS)
    for test in tests:
        test.globs.update(names)
        runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
    return len(tests)


@pytest.mark.parametrize("module", PLACES)
def test_the_examples_of_a_module_hold(module: str, tmp_path: Path) -> None:
    assert _carried_out(module, folder=tmp_path) == PLACES[module]


@needs_models
@pytest.mark.parametrize(
    "module",
    [
        "flamingo.composing.api",
        "flamingo.mood.api",
        "flamingo.mood.model",
        "flamingo.painting.api",
        "flamingo.painting.brush",
        "flamingo.painting.painter",
        "flamingo.quality.api",
    ],
)
def test_the_example_of_a_verb_or_model_holds(module: str, tmp_path: Path) -> None:
    assert _carried_out(module, photo=ROOT / "docs" / "photos" / "chelsea.jpg", folder=tmp_path) == 1


def test_the_example_of_the_client_holds(served: Served) -> None:
    assert _carried_out("flamingo.client", url=served.url, photo=ROOT / "docs" / "photos" / "chelsea.jpg") == 1
