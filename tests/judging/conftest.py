"""VGG-19, if it can be had, for the tests of the critic."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(scope="session")
def vgg_weights() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed (extra `torch`)")
    from flamingo.errors import ModelMissing
    from flamingo.train.painting import vgg

    try:
        vgg.load(download=False)
    except ModelMissing as error:
        pytest.skip(str(error))
