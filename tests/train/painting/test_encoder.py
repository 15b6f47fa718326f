"""The style encoder: from a painting to a vector, learned together with the painter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flamingo.errors import BadRequest, MissingExtra, ModelMissing

pytest.importorskip("torch")

import torch

from flamingo.nn import vgg
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.efficientnet import weights_file
from flamingo.nn.painter import load_painter
from flamingo.nn.style_encoder import EncoderConfig, StyleEncoder, begin
from flamingo.train.painting.loop import CHECKPOINT, PainterRecipe, train


@pytest.fixture(scope="module", autouse=True)
def backbone() -> None:
    try:
        weights_file("lite0")
    except MissingExtra as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Twelve pictures (12, 3, 64, 64): four kinds of texture, each three times by chance."""
    random = np.random.default_rng(0)
    found = []
    for kind in range(4):
        for _ in range(3):
            grid = random.random((3, 2 ** (kind + 2), 64))
            found.append(np.repeat(grid, 64 // grid.shape[1], axis=1) * [[[0.3 + 0.2 * kind]]])
    return torch.from_numpy(np.stack(found).astype(np.float32))


@pytest.fixture(scope="module")
def encoder(pictures: torch.Tensor) -> StyleEncoder:
    torch.manual_seed(0)
    found = StyleEncoder(EncoderConfig(axes=4, hidden=16, layers=2), 8)
    vectors = torch.randn(4, 8).repeat_interleave(3, dim=0)
    left = begin(found, pictures, pictures, vectors, steps=300)
    assert left < 0.1  # it has learned what it was told of these
    return found


def test_a_vector_depends_on_the_texture_not_on_its_place(encoder: StyleEncoder, pictures: torch.Tensor) -> None:
    with torch.no_grad():
        vectors, rolled = encoder(pictures), encoder(torch.roll(pictures, (16, 32), (2, 3)))
    moved = (vectors - rolled).norm(dim=1).mean()
    between = (vectors[::3][:, None] - vectors[::3][None]).norm(dim=2).sum() / 12
    assert moved < 0.3 * between


def test_what_it_looks_with_stays_as_it_is(encoder: StyleEncoder, pictures: torch.Tensor) -> None:
    trained = {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert trained and not any(name.startswith(("stem.", "blocks.")) for name in trained)
    encoder.train()
    assert not encoder.blocks[0].training
    encoder.eval()
    assert torch.isfinite(encoder(pictures)).all()


def test_any_size_gives_a_vector(encoder: StyleEncoder) -> None:
    for size in ((32, 32), (64, 320), (256, 96)):
        assert encoder(torch.rand(1, 3, *size)).shape == (1, 8)


@pytest.fixture
def recipe(data: Path, tmp_path: Path) -> PainterRecipe:
    try:
        vgg.load()
    except ModelMissing as error:
        pytest.skip(str(error))
    return PainterRecipe(
        model="debug", photos=(str(data / "photos"),), styles=str(data / "styles"), out=str(tmp_path / "run"),
        paintings=(str(data / "styles"),), crop=64, window=64, begin=4, photos_per_batch=1, styles_per_photo=2,
        style_size=96, steps=2, budget=600, workers=0, cooldown=0, precision="f32",
    )  # fmt: skip


def test_a_resumed_training_is_the_uninterrupted_one(recipe: PainterRecipe, tmp_path: Path) -> None:
    train(replace(recipe, steps=4), quiet=True)
    halves = replace(recipe, out=str(tmp_path / "halves"))
    train(halves, quiet=True)
    train(replace(halves, resume=True), quiet=True)
    whole, parts = (Checkpoint.load(Path(r.out) / CHECKPOINT).part("model") for r in (recipe, halves))
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def test_a_painter_without_an_encoder_can_be_given_one(recipe: PainterRecipe, tmp_path: Path) -> None:
    plain = replace(recipe, paintings=(), out=str(tmp_path / "plain"))
    train(plain, quiet=True)
    assert load_painter(Path(plain.out) / CHECKPOINT).encoder is None
    started = replace(recipe, start=str(Path(plain.out) / CHECKPOINT))
    train(started, quiet=True)
    assert load_painter(Path(recipe.out) / CHECKPOINT).encoder is not None
    with pytest.raises(BadRequest, match="has learned from some"):
        train(replace(recipe, paintings=(), resume=True), quiet=True)


def test_more_paintings_a_photo_than_styles_are_refused(recipe: PainterRecipe) -> None:
    with pytest.raises(BadRequest, match="styles"):
        train(replace(recipe, paintings_per_photo=3), quiet=True)
