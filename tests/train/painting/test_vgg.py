"""Where VGG-19 comes from, and that it is VGG-19."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from flamingo.errors import ModelCorrupt, ModelMissing
from flamingo.nn import vgg


def test_it_has_the_convolutions_of_the_paper(vgg_weights: None) -> None:
    network = vgg.load()
    assert sum(p.numel() for p in network.parameters()) == 20_024_384
    assert len(vgg.layer_names()) == 16
    assert not any(p.requires_grad for p in network.parameters())


def test_layers_have_their_sizes(vgg_weights: None) -> None:
    found = vgg.load()(torch.rand(1, 3, 64, 48))
    assert found["relu1_1"].shape == (1, 64, 64, 48)
    assert found["relu4_2"].shape == (1, 512, 8, 6)
    assert found["relu5_1"].shape == (1, 512, 4, 3)
    assert all((f >= 0).all() for f in found.values())


def test_it_sees_a_photo_as_the_caffe_network_did(vgg_weights: None) -> None:
    """The first convolution has a strong response to a plain picture in exactly the published convention: a
    mean-coloured picture is zero, so only the biases remain."""
    network = vgg.load()
    mean = network.mean.expand(1, 3, 16, 16)
    expected = torch.relu(network.convs["conv1_1"].bias)  # type: ignore[arg-type]
    assert torch.allclose(network(mean, ["relu1_1"])["relu1_1"][0, :, 8, 8], expected, atol=1e-4)


def test_ones_own_weights_are_read_and_keep_their_name(vgg_weights: None, tmp_path: Path) -> None:
    first = vgg.load()
    tensors = {f"{n}.{k}": getattr(first.convs[n], k) for n in vgg.layer_names() for k in ("weight", "bias")}
    tensors |= {"mean": first.mean.flatten(), "scale": first.scale.flatten()}
    save_file(
        {k: v.detach().contiguous() for k, v in tensors.items()},
        tmp_path / "mine.safetensors",
        {"source": "mine"},
    )
    assert vgg.load(tmp_path / "mine.safetensors").source == "mine"


def test_a_file_that_is_not_vgg_is_refused_in_one_line(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    for file in (tmp_path / "x.safetensors", tmp_path / "y.safetensors"):
        with pytest.raises((ModelCorrupt, ModelMissing)) as caught:
            vgg.load(file)
        assert "\n" not in str(caught.value)
