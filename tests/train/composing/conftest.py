"""A corpus made up on the spot, for the tests of training."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two composers with twelve works each, and a third with two: see `tiny.corpus`."""
    from tests.composing import tiny

    return tiny.corpus(tmp_path_factory.mktemp("corpus") / "music")
