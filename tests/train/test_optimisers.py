"""Muon for a network's inside and Adam for the rest: that both do as they say, and that both remember."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from torch import nn  # noqa: E402

from flamingo.nn.checkpoint import optimiser_tensors, restore_optimiser  # noqa: E402
from flamingo.nn.optimisers import Muon, MuonWithAdam  # noqa: E402


def _network(layout: Any) -> nn.Sequential:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.Flatten(), nn.Linear(6 * 16, 4))
    return net.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def _optimiser(net: nn.Sequential, lr: float = 0.01) -> MuonWithAdam:
    return MuonWithAdam([_weight(net, 0), _weight(net, 2)], [*_biases(net), _weight(net, 4)], lr)


def _weight(net: nn.Sequential, layer: int) -> nn.Parameter:
    return net.get_parameter(f"{layer}.weight")


def _biases(net: nn.Sequential) -> list[nn.Parameter]:
    return [p for name, p in net.named_parameters() if name.endswith("bias")]


def _step(net: nn.Sequential, optimiser: MuonWithAdam, number: int) -> None:
    generator = torch.Generator().manual_seed(number)
    x = torch.rand(5, 3, 8, 8, generator=generator)
    optimiser.zero_grad()
    net(x).square().sum().backward()
    optimiser.step()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["rows", "channels last"])
def test_a_step_of_muon_goes_equally_far_in_every_direction(layout: Any) -> None:
    net = _network(layout)
    before = _weight(net, 2).detach().clone()
    _step(net, _optimiser(net, lr=0.01), 0)
    moved = (_weight(net, 2).detach() - before).flatten(1)  # (6, 72)
    directions = torch.linalg.svdvals(moved) / (0.01 * 0.2 * 72**0.5)
    assert directions.min() > 0.5 and directions.max() < 1.5  # five Newton-Schulz steps come so near to 1


def test_the_layout_in_memory_does_not_matter() -> None:
    weights = []
    for layout in (torch.contiguous_format, torch.channels_last):
        net = _network(layout)
        optimiser = _optimiser(net)
        for number in range(3):
            _step(net, optimiser, number)
        weights.append(_weight(net, 2).detach())
    assert torch.allclose(weights[0], weights[1], atol=2e-3)  # it multiplies in bf16


def test_what_is_not_inside_moves_as_by_adam() -> None:
    net, other = _network(torch.contiguous_format), _network(torch.contiguous_format)
    optimiser = _optimiser(net)
    adam = torch.optim.Adam(other[4].parameters(), lr=0.01, betas=(0.9, 0.99))
    _step(net, optimiser, 0)
    other(torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    adam.step()
    assert torch.equal(_weight(net, 4), _weight(other, 4))


def test_the_rate_is_set_for_both() -> None:
    net = _network(torch.channels_last)
    optimiser = _optimiser(net)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    _step(net, optimiser, 0)
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())


def test_a_frozen_layer_stays() -> None:
    net = _network(torch.channels_last)
    optimiser = _optimiser(net)
    _weight(net, 2).requires_grad_(False)
    before = _weight(net, 2).detach().clone()
    _step(net, optimiser, 0)
    assert torch.equal(_weight(net, 2), before)


def test_what_it_remembers_goes_into_a_checkpoint_and_back() -> None:
    unbroken = _network(torch.channels_last)
    optimiser = _optimiser(unbroken)
    for number in range(2):
        _step(unbroken, optimiser, number)
    broken = _network(torch.channels_last)
    broken.load_state_dict(unbroken.state_dict())
    again = _optimiser(broken)
    restore_optimiser(again, broken, optimiser_tensors(optimiser, unbroken))
    for number in range(2, 4):
        _step(unbroken, optimiser, number)
        _step(broken, again, number)
    for name, parameter in unbroken.named_parameters():
        assert torch.equal(parameter, dict(broken.named_parameters())[name]), name


@pytest.mark.parametrize("shape", [(96, 24), (24, 96), (48, 48), (40, 1)], ids=["tall", "wide", "square", "a column"])
def test_muon_steps_as_that_of_pytorch_within_the_precision_of_bf16(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(5)
    begin = torch.randn(shape, generator=generator)
    ours, theirs = nn.Parameter(begin.clone()), nn.Parameter(begin.clone())
    muon = Muon([ours], lr=0.02, weight_decay=0.1)
    reference = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(6):
        before = ours.detach().clone(), theirs.detach().clone()
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        muon.step()
        reference.step()
        step, wanted = ours.detach() - before[0], theirs.detach() - before[1]
        assert (step - wanted).norm() < 0.03 * wanted.norm()
    assert (ours - theirs).norm() < 0.03 * (ours - begin).norm()


def test_matrices_of_one_shape_are_each_moved_as_if_alone() -> None:
    generator = torch.Generator().manual_seed(6)
    begins = [torch.randn(12, 8, generator=generator) for _ in range(3)]
    gradients = [torch.randn(12, 8, generator=generator) for _ in range(3)]
    together = [nn.Parameter(begin.clone()) for begin in begins]
    for parameter, gradient in zip(together, gradients, strict=True):
        parameter.grad = gradient.clone()
    Muon(list(together), lr=0.02, weight_decay=0.1).step()
    for begin, gradient, moved in zip(begins, gradients, together, strict=True):
        alone = nn.Parameter(begin.clone())
        alone.grad = gradient.clone()
        Muon([alone], lr=0.02, weight_decay=0.1).step()
        assert torch.allclose(alone, moved, atol=1e-5)
