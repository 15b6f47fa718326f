"""What the tests of composing share: the folder they import helpers from, and a piece that is rendered once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def rendered() -> NDArray[np.float32]:
    """The sound of `pieces.scale()` at 44,100 samples a second."""
    from flamingo.composing.writing import sound
    from tests.composing import pieces

    return sound.render(pieces.scale())


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of made-up music: see `tiny.corpus`."""
    from tests.composing import tiny

    return tiny.corpus(tmp_path_factory.mktemp("corpus") / "music")


@pytest.fixture(scope="session")
def tiny_weights(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a composer that was trained for three steps on `tiny_corpus`, and released."""
    pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    from flamingo.train.composing import export, loop, samples
    from flamingo.train.composing.recipe import ComposerRecipe

    folder = tmp_path_factory.mktemp("tiny")
    recipe = ComposerRecipe(
        music=(str(tiny_corpus),), model="debug", steps=3, length=64, batch=2, out=str(folder / "run"),
        device="cpu", precision="f32",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "leave", lambda *_: None)  # sound takes longer than all the rest
        loop.train(recipe, quiet=True)
    export.release(folder / "run", folder / "weights", [tiny_corpus], data="made up", note="Knows nothing.")
    return folder / "weights"
