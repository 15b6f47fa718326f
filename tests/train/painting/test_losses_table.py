"""What is said of a painter's losses: the table by style, total variation, the graph, and older settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from flamingo.cli import run
from flamingo.errors import BadRequest
from flamingo.nn import losses, vgg
from flamingo.painting.methods import preset
from flamingo.train import session
from flamingo.train.painting import table
from flamingo.train.painting.loop import PainterRecipe, train
from tests.conftest import needs_models
from tests.train.conftest import GRAPH
from tests.train.painting.test_training import small

pytestmark = pytest.mark.usefixtures("vgg_weights")
STYLE = tuple(f"relu{i}_1" for i in range(1, 6))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("table") / "mine"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "graph", GRAPH)
        train(replace(small(data, out), steps=2), quiet=True)
    return out


def test_the_table_has_every_loss_of_every_style(
    trained: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "losses", str(trained), "--no-shipped", "--count", "2", "--size", "64"]
    assert run(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["style", "painter", "content", *STYLE, "style", "tv", "total"]
    assert [line.split()[:2] for line in lines[1:]] == [["styles0", "mine"], ["styles1", "mine"], ["mean", "mine"]]
    assert run([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    for row in rows:
        assert set(row["layers"]) == set(STYLE)
        assert row["style loss"] == pytest.approx(sum(row["layers"].values()) / 5, abs=1e-3)
        assert row["tv"] > 0 and row["total"] > row["tv"]


@needs_models
def test_runs_and_painters_that_ship_stand_beside_each_other(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flamingo import weights

    paintings = tmp_path / "paintings"
    paintings.mkdir()
    (paintings / "scream.png").write_bytes((data / "styles" / "styles0.png").read_bytes())
    file = weights.folder() / "painter-fast.safetensors"
    assert run(["train", "losses", str(file), "--styles", str(paintings), "--photos", str(data / "photos"),
                "--count", "1", "--size", "64"]) == 0  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    painters = [line.split("  ")[1].strip() for line in lines[1:4]]
    assert painters == ["painter-fast", "painter-fine (ships)", "painter-fast (ships)"]


def test_the_log_the_progress_and_tensorboard_have_the_total_variation_and_the_graph(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert all(row["tv"] > 0 for row in rows)
    assert {"tv", "graph"} <= tags(trained)


def tags(run_folder: Path) -> set[str]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(run_folder / "tensorboard"))
    board.Reload()
    found = board.Tags()
    return {*found["scalars"], *(["graph"] if found["graph"] else [])}


# -- older settings ----------------------------------------------------------------------------------------------


def test_the_preset_is_what_the_first_flamingo_documents(data: Path, tmp_path: Path) -> None:
    recipe = PainterRecipe(preset="flamingo-2021")
    optimise = preset("flamingo-2021")
    assert (recipe.content_layers, recipe.style_layers) == (("relu4_2",), STYLE)
    assert (recipe.content_weight, recipe.style_weight, recipe.tv_weight) == (6.0, 2e-3, 6e2)
    assert (recipe.optimiser, recipe.lr, recipe.photos_per_batch, recipe.epochs) == ("adam", 1e-3, 2, 2.0)
    assert recipe.styles_per_photo == 1 and recipe.budget > 1e6, "two epochs take as long as they take"
    assert tuple(optimise.content_layers) == recipe.content_layers
    assert tuple(optimise.style_layers) == recipe.style_layers
    assert (optimise.content_weight, optimise.style_weight, optimise.variation_weight, optimise.rate) == (
        6.0, 2e-3, 6e2, 1e-3,
    )  # fmt: skip


def test_what_is_given_beside_a_preset_counts() -> None:
    recipe = PainterRecipe(preset="flamingo-2021", style_weight=5.0, epochs=1, budget="10m", photos_per_batch=4)
    assert (recipe.style_weight, recipe.epochs, recipe.budget, recipe.photos_per_batch) == (5.0, 1.0, 600.0, 4)
    assert recipe.content_weight == 6.0


def test_layers_may_be_named_as_keras_does_and_listed_with_commas() -> None:
    recipe = PainterRecipe(content_layers="block4_conv2", style_layers=("block1_conv1,relu2_1", "relu3_1"))
    assert recipe.content_layers == ("relu4_2",) and recipe.style_layers == ("relu1_1", "relu2_1", "relu3_1")
    with pytest.raises(ValidationError, match="no layer of VGG-19"):
        PainterRecipe(content_layers=("relu6_1",))


def train_command(data: Path, out: Path, *more: str) -> list[str]:
    return [
        "train", "paint", "--model", "debug", "--photos", str(data / "photos"), "--out", str(out), "--crop", "64",
        "--style-size", "96", "--workers", "0", "--precision", "f32", *more,
    ]  # fmt: skip


def test_one_network_is_trained_for_one_painting_over_epochs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = str(data / "styles" / "styles1.png")
    assert run(train_command(data, tmp_path / "run", "--preset", "flamingo-2021", "--styles", one)) == 0
    # Twelve photos, of which one is held out; two passes over the others in batches of two.
    assert "11 steps, 22 pictures" in capsys.readouterr().out
    assert (
        run(train_command(data, tmp_path / "two", "--preset", "flamingo-2021", "--styles", str(data / "styles"))) == 2
    )
    assert "for one painting" in capsys.readouterr().err and not (tmp_path / "two").exists()


def test_weights_and_layers_are_options_of_the_training(data: Path, tmp_path: Path) -> None:
    assert run(train_command(
        data, tmp_path / "run", "--styles", str(data / "styles"), "--steps", "1", "--content-layers", "relu3_2",
        "--style-layers", "relu1_2", "--style-layers", "relu2_2", "--content-weight", "2", "--tv-weight", "3",
    )) == 0  # fmt: skip
    (row,) = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {k for k in row if k.startswith("s") and k[1:].isdigit()} <= {"s1", "s2"}


def test_raw_losses_are_mean_squared_differences_of_caffes_activations() -> None:
    network = vgg.load()
    one, other = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    perception = losses.Perception(("relu4_2",), ("relu1_1", "relu2_1"), raw=True)
    seen, kept = network(one, perception.layers), network(other, perception.layers)
    assert vgg.units_of_caffe(network, seen) == dict.fromkeys(seen, 1.0) or "Caffe" not in network.source
    expected = (seen["relu4_2"] - kept["relu4_2"]).square().mean()
    assert float(perception.content_errors(seen, kept)) == pytest.approx(float(expected), rel=1e-5)
    grams = perception.grams(kept)
    flat = seen["relu1_1"][0].flatten(1)
    mine = flat @ flat.T / flat.shape[1]
    assert float(perception.style_errors(seen, grams)[0, 0]) == pytest.approx(
        float((mine - grams["relu1_1"][0]).square().mean()), rel=1e-3
    )
    assert float(perception.variation(one)) == pytest.approx(255**2 * float(losses.squared_variation(one)), rel=1e-5)


def test_a_table_of_styles_that_no_painter_knows_is_refused(trained: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "other.png").write_bytes((data / "styles" / "styles0.png").read_bytes())
    with pytest.raises(BadRequest, match="none of the painters"):
        table.measured({"mine": table.weights_of(trained)}, tmp_path, [data / "photos"])
