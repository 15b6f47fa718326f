"""What the tests of training share."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)

from flamingo.train import session

GRAPH = session.graph
"""Draws a network in TensorBoard, which takes longer than a small training: only what looks for it has it done."""


@pytest.fixture(scope="session", autouse=True)
def _without_graphs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "graph", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def few_works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of music: four short works of each of two composers."""
    from tests.composing import tiny

    return tiny.corpus(tmp_path_factory.mktemp("few") / "music", works=4, bars=16)


@pytest.fixture(scope="session")
def composer_run(few_works: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the run folder of a composer of two steps: composer_run(seed=1, model="debug")."""
    from flamingo.train.composing import samples
    from flamingo.train.composing.loop import train
    from flamingo.train.composing.recipe import ComposerRecipe

    def made(seed: int = 0, model: str = "debug") -> Path:
        out = tmp_path_factory.mktemp("run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(samples, "leave", lambda *_: None)  # they take longer than all the rest
            train(
                ComposerRecipe(
                    music=(str(few_works),), model=model, out=str(out), steps=2, length=64, batch=2,
                    device="cpu", precision="f32", seed=seed, lr=5e-3, cooldown=0.0,
                ),
                quiet=True,
            )  # fmt: skip
        return out

    return made
