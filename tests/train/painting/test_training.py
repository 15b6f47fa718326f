"""`flamingo train paint`: learns, resumes exactly, runs on several processes, and ships what it learned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from flamingo.errors import BadRequest, ModelCorrupt, ModelMissing
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.painter import load_painter
from flamingo.train.painting.loop import CHECKPOINT, PainterRecipe, train

pytestmark = pytest.mark.usefixtures("vgg_weights")


@pytest.fixture
def recipe(data: Path, tmp_path: Path) -> PainterRecipe:
    return small(data, tmp_path / "run")


def small(data: Path, out: Path) -> PainterRecipe:
    return PainterRecipe(
        model="debug",
        photos=(str(data / "photos"),),
        styles=str(data / "styles"),
        out=str(out),
        crop=64,
        photos_per_batch=1,
        styles_per_photo=2,
        style_size=96,
        steps=4,
        budget=600,
        workers=0,
        cooldown=0,
        precision="f32",
    )


def weights_of(recipe: PainterRecipe, part: str) -> dict[str, torch.Tensor]:
    return Checkpoint.load(Path(recipe.out) / CHECKPOINT).part(part)


def test_training_lowers_the_loss_it_is_given(recipe: PainterRecipe) -> None:
    recipe = replace(recipe, steps=25, lr=5e-3, styles_per_photo=1)
    train(recipe, quiet=True)
    first = Checkpoint.load(Path(recipe.out) / CHECKPOINT).facts["figures"]["J"]
    after = train(replace(recipe, resume=True), quiet=True)
    assert after.steps == 50
    assert after.figures["J"] < first


def test_a_resumed_training_is_the_uninterrupted_one(recipe: PainterRecipe, tmp_path: Path) -> None:
    train(recipe, quiet=True)
    halves = replace(recipe, out=str(tmp_path / "halves"), steps=2)
    train(halves, quiet=True)
    train(replace(halves, resume=True), quiet=True)
    for part in ("model", "ema", "optimiser"):
        whole, resumed = weights_of(recipe, part), weights_of(halves, part)
        assert whole.keys() == resumed.keys()
        for name in whole:
            assert torch.allclose(whole[name], resumed[name], atol=1e-6), f"{part} {name}"


def test_a_run_by_adam_goes_on_by_muon(recipe: PainterRecipe) -> None:
    train(replace(recipe, optimiser="adam", steps=2), quiet=True)
    before = weights_of(recipe, "optimiser")
    assert train(replace(recipe, resume=True, steps=2), quiet=True).steps == 4
    after = weights_of(recipe, "optimiser")
    inside = "painter.body.0.conv.weight"
    assert f"{inside}.exp_avg" in before and f"{inside}.momentum_buffer" not in before
    assert f"{inside}.momentum_buffer" in after and f"{inside}.exp_avg" not in after
    assert float(after["painter.affine.weight.step"]) == 2, "Adam's memory of the rest begins afresh too"


def test_another_seed_is_another_training(recipe: PainterRecipe, tmp_path: Path) -> None:
    train(recipe, quiet=True)
    other = replace(recipe, seed=1, out=str(tmp_path / "other"))
    train(other, quiet=True)
    assert not torch.equal(weights_of(recipe, "model")["vectors"], weights_of(other, "model")["vectors"])


def test_a_time_budget_ends_the_training(recipe: PainterRecipe) -> None:
    outcome = train(replace(recipe, steps=None, budget=1.5), quiet=True)
    assert outcome.steps > 0
    assert outcome.checkpoint.exists()


def test_it_leaves_a_log_samples_and_tensorboard_scalars(recipe: PainterRecipe) -> None:
    train(recipe, quiet=True)
    out = Path(recipe.out)
    last = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    assert {"step", "J", "c", "s", "s1", "s5", "lr"} <= last.keys()
    with Image.open(next(out.glob("sample-*.jpg"))) as sheet:
        assert sheet.size == (3 * 256, 3 * 256)
    assert list((out / "tensorboard").glob("events*"))


def test_a_pupil_learns_from_a_teacher_alone(recipe: PainterRecipe, tmp_path: Path) -> None:
    train(recipe, quiet=True)
    pupil = replace(recipe, out=str(tmp_path / "pupil"), teacher=recipe.out, perceptual=False, seed=5, lr=5e-3)
    first = train(replace(pupil, steps=2), quiet=True).figures["teacher"]
    last = train(replace(pupil, steps=60, resume=True), quiet=True).figures["teacher"]
    assert last < first


def test_a_painter_grows_and_goes_on_from_where_it_was(recipe: PainterRecipe, tmp_path: Path) -> None:
    train(recipe, quiet=True)
    grown = replace(recipe, out=str(tmp_path / "grown"), start=str(Path(recipe.out) / CHECKPOINT), blocks=3, steps=1)
    outcome = train(replace(grown, lr=1e-9), quiet=True)
    before, after = (load_painter(Path(out) / CHECKPOINT) for out in (recipe.out, grown.out))
    assert (len(before.painter.body), len(after.painter.body)) == (2, 6)
    photo = torch.rand(1, 3, 32, 32)
    painted = [each.painter(photo, each.vectors[:1]) for each in (before, after)]
    assert torch.allclose(painted[0], painted[1], atol=1e-3)
    assert outcome.steps == Checkpoint.load(Path(recipe.out) / CHECKPOINT).facts["step"] + 1
    with pytest.raises(ModelCorrupt, match="more blocks"):
        train(replace(recipe, out=str(tmp_path / "x"), start=str(outcome.checkpoint)), quiet=True)
    with pytest.raises(ModelCorrupt, match="another size"):
        train(replace(recipe, out=grown.out, resume=True), quiet=True)


def test_a_pupil_may_understand_its_teachers_vectors(recipe: PainterRecipe, tmp_path: Path) -> None:
    teacher, own = replace(recipe, seed=5), replace(recipe, out=str(tmp_path / "own"))
    train(teacher, quiet=True)
    train(own, quiet=True)
    before = weights_of(own, "ema")
    pupil = replace(own, out=str(tmp_path / "pupil"), start=str(Path(own.out) / CHECKPOINT), lr=1e-9)
    pupil = replace(pupil, teacher=teacher.out, teacher_vectors=True, steps=1)
    train(pupil, quiet=True)
    after, shown = weights_of(pupil, "ema"), weights_of(teacher, "ema")
    assert torch.equal(after["vectors"], shown["vectors"])
    said = [w["vectors"] @ w["painter.affine.weight"].T for w in (before, after)]
    assert torch.allclose(said[0], said[1], atol=1e-3), "what is said of the named styles is said of the new vectors"

    train(replace(pupil, resume=True, start="", steps=2, lr=1e-2), quiet=True)
    later = weights_of(pupil, "model")
    assert torch.equal(later["vectors"], shown["vectors"]), "they are kept"
    assert not torch.equal(later["painter.tail.conv.weight"], before["painter.tail.conv.weight"])


def test_a_teachers_vectors_want_a_teacher(recipe: PainterRecipe, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no teacher"):
        train(replace(recipe, teacher_vectors=True), quiet=True)
    train(recipe, quiet=True)
    pupil = replace(recipe, out=str(tmp_path / "pupil"), teacher=recipe.out, teacher_vectors=True)
    with pytest.raises(BadRequest, match="no style encoder"):
        train(replace(pupil, paintings=(recipe.photos[0],)), quiet=True)


def test_two_processes_share_one_training(data: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "flamingo",
        "train",
        "paint",
        "--model",
        "debug",
        "--photos",
        str(data / "photos"),
        "--styles",
        str(data / "styles"),
        "--out",
        str(tmp_path / "run"),
        "--crop",
        "64",
        "--photos-per-batch",
        "1",
        "--style-size",
        "96",
        "--steps",
        "2",
        "--workers",
        "0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    facts = Checkpoint.load(tmp_path / "run" / CHECKPOINT).facts
    assert facts["samples"] == 2 * 2 * 2, "steps x processes x pictures"
    assert facts["sessions"][0]["processes"] == 2


def test_unreadable_photos_are_counted_not_fatal(recipe: PainterRecipe) -> None:
    assert train(replace(recipe, steps=30, styles_per_photo=1), quiet=True).unreadable > 0


@pytest.mark.parametrize("wrong", [{"perceptual": False}, {"photos": ("nowhere",)}, {"styles": "nowhere"}])
def test_a_recipe_that_cannot_work_is_refused_in_one_line(recipe: PainterRecipe, wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as caught:
        train(replace(recipe, **wrong), quiet=True)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_resuming_nothing_or_something_else_is_refused(recipe: PainterRecipe) -> None:
    with pytest.raises(ModelMissing):
        train(replace(recipe, resume=True), quiet=True)
    train(replace(recipe, steps=1), quiet=True)
    with pytest.raises(ModelCorrupt, match="another size"):
        train(replace(recipe, resume=True, model="fast"), quiet=True)
