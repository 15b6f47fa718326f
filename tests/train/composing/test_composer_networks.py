"""The networks that learn to compose: causal, exact in what is told and what is not, and all of them learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from flamingo.composing import events
from flamingo.composing.phrase_functions import FUNCTIONS, LONGEST
from flamingo.composing.texture import TEXTURES
from flamingo.train.composing.networks import CONDITIONS, SIZES, ComposerConfig, ComposerNet, grown


def net(model: str = "debug", dropout: float = 0.0) -> ComposerNet:
    torch.manual_seed(0)
    size = {**SIZES[model], "width": 32, "layers": 1} if model == "lstm" else SIZES[model]
    return ComposerNet(ComposerConfig(("ada", "ben"), **size), dropout).eval()


def batch(rows: int = 2, length: int = 20, seed: int = 0) -> dict[str, torch.Tensor]:
    random = np.random.default_rng(seed)

    def numbers(below: int) -> Any:
        return torch.from_numpy(random.integers(0, below, (rows, length)))

    sizes = (144, events.PITCHES, len(events.DURATIONS), events.VELOCITIES, events.PARTS)
    found = torch.stack([numbers(n) for n in sizes], -1)
    found[:, ::5] = torch.tensor([events.BAR_LINE, -1, -1, -1, -1])
    return {
        "events": found,
        "persona": numbers(3) - 1,
        "left": numbers(events.LEFTS),
        "tempo": numbers(events.TEMPOS),
        "metre": numbers(len(events.METRES) + 1),
        "minor": numbers(2),
        "ensemble": numbers(len(events.ENSEMBLES)),
        "start": numbers(2),
        "function": numbers(len(FUNCTIONS)),
        "texture": numbers(len(TEXTURES)),
        "phrase_left": numbers(LONGEST),
        "number": numbers(events.NUMBERS),
        "role": numbers(len(events.ROLES)),
        "valence": torch.from_numpy(random.uniform(-1, 1, (rows, length)).astype(np.float32)),
        "arousal": torch.from_numpy(random.uniform(-1, 1, (rows, length)).astype(np.float32)),
        "played": torch.ones(rows, length),
    }


def test_a_configuration_survives_json() -> None:
    config = ComposerConfig(("ada", "ben"), **SIZES["composer"])
    assert ComposerConfig.from_dict(config.as_dict()) == config


@pytest.mark.parametrize("model", ["debug", "lstm"])
def test_nats_are_there_for_every_number_of_an_event_and_for_nothing_else(model: str) -> None:
    b = batch()
    nats = net(model).losses(b)
    assert nats.shape == (2, 19, 5)
    lines = b["events"][:, 1:, 1] < 0
    there = 5 if model == "debug" else 4  # the first systems tell no parts apart
    assert (nats[lines][:, 1:] == 0).all() and (nats[..., 0] > 0).all() and (nats[~lines][:, :there] > 0).all()
    assert (nats[..., there:] == 0).all()


@pytest.mark.parametrize("model", ["debug", "lstm"])
def test_untrained_it_knows_nothing(model: str) -> None:
    nats = net(model).losses(batch())
    parts = events.PARTS if model == "debug" else 1
    uniform = np.log([events.WHERES, events.PITCHES, len(events.DURATIONS), events.VELOCITIES, parts])
    note = nats[..., 1] > 0
    assert np.allclose(nats[note].mean(0).detach(), uniform, atol=0.3)


@pytest.mark.parametrize("model", ["debug", "lstm"])
def test_what_comes_later_changes_nothing_before(model: str) -> None:
    network, one, two = net(model), batch(), batch()
    for name, other in batch(seed=1).items():
        two[name] = torch.cat((two[name][:, :12], other[:, 12:]), 1)
    a, b = network.losses(one), network.losses(two)
    assert torch.allclose(a[:, :11], b[:, :11], atol=1e-5)
    assert not torch.allclose(a[:, 11:], b[:, 11:])


def test_velocities_that_nobody_played_cost_nothing() -> None:
    b = batch()
    b["played"] = torch.zeros(2, 20)
    nats = net().losses(b)
    assert (nats[..., 3] == 0).all() and (nats[..., 1] > 0).any()


@pytest.mark.parametrize("column", range(len(CONDITIONS)))
def test_what_is_hidden_makes_no_difference(column: int) -> None:
    network, one, two = net(), batch(), batch()
    two[CONDITIONS[column]] = batch(seed=1)[CONDITIONS[column]]
    hidden = torch.zeros(2, 20, len(CONDITIONS), dtype=torch.bool)
    assert not torch.allclose(network.condition_vectors(one, hidden), network.condition_vectors(two, hidden))
    hidden[..., column] = True
    assert torch.equal(network.condition_vectors(one, hidden), network.condition_vectors(two, hidden))


def test_an_unknown_persona_is_the_same_as_one_that_is_not_told() -> None:
    network, b = net(), batch()
    hidden = torch.zeros(2, 20, len(CONDITIONS), dtype=torch.bool)
    b["persona"][:] = -1
    untold = network.condition_vectors(b, hidden)
    b["persona"][:] = 1
    hidden[..., 0] = True
    assert torch.equal(network.condition_vectors(b, hidden), untold)


def test_the_first_systems_are_told_nothing() -> None:
    network, one, two = net("lstm"), batch(), batch()
    two["persona"] = batch(seed=1)["persona"]
    assert torch.equal(network.losses(one), network.losses(two))


@pytest.mark.parametrize("model", ["debug", "lstm"])
def test_every_parameter_learns(model: str) -> None:
    network = net(model)
    network.losses(batch(8, 200)).sum().backward()  # type: ignore[no-untyped-call]
    told = ("persona", "valence", "arousal", "left", "tempo", "metre", "minor", "ensemble", "start")
    for name, parameter in network.named_parameters():
        if model == "lstm" and name.startswith(told):
            continue
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_dropout_is_for_training_alone() -> None:
    network, b = net(dropout=0.5), batch()
    assert torch.equal(network.losses(b), network.losses(b))
    network.train()
    assert not torch.equal(network.losses(b), network.losses(b))


# -- growing -------------------------------------------------------------------------------------------------

SMALL = {"layers": 1, "width": 32, "heads": 2}
WHOLE = {"ensembles": len(events.ENSEMBLES), "parts": events.PARTS, "planned": True}


def learned(config: ComposerConfig, seed: int = 1) -> ComposerNet:
    """A network whose weights are no longer those it began with: every one of them counts."""
    torch.manual_seed(seed)
    network = ComposerNet(config, 0.0).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network


def larger(small: ComposerNet, config: ComposerConfig) -> ComposerNet:
    network = learned(config, seed=2)
    network.load_state_dict(grown(small.state_dict(), small.config, network))
    return network


def nats_of(network: ComposerNet, b: dict[str, torch.Tensor], hidden: torch.Tensor | None = None) -> torch.Tensor:
    """Of where, pitch, duration and velocity, which both know."""
    with torch.no_grad():
        return network.losses(b, hidden)[..., :4]


@pytest.mark.parametrize("layers", [1, 3])
def test_a_composer_that_has_grown_computes_the_same_at_first(layers: int) -> None:
    small = learned(ComposerConfig(("ada", "ben"), **SMALL))
    large = larger(small, ComposerConfig(("ada", "ben"), **{**SMALL, "layers": layers}, **WHOLE))
    b = batch()
    assert b["ensemble"].max() >= small.config.ensembles, "those that the smaller one did not tell apart too"
    assert torch.allclose(nats_of(small, b), nats_of(large, b), atol=1e-4)


def test_what_is_hidden_from_the_smaller_is_hidden_from_the_larger() -> None:
    small = learned(ComposerConfig(("ada", "ben"), **SMALL))
    large = larger(small, ComposerConfig(("ada", "ben"), **SMALL, **WHOLE))
    b, hidden = batch(), torch.rand(2, 19, len(CONDITIONS), generator=torch.Generator().manual_seed(0)) < 0.5
    assert torch.allclose(nats_of(small, b, hidden), nats_of(large, b, hidden), atol=1e-4)


def test_personas_keep_their_ways_in_another_order_and_new_ones_begin_as_nobody() -> None:
    small = learned(ComposerConfig(("ada", "ben"), **SMALL))
    large = larger(small, ComposerConfig(("ben", "cleo", "ada"), **{**SMALL, "layers": 2}, **WHOLE))
    before, after = batch(), batch()
    for old, new in ((0, 2), (1, 0), (-1, -1), (-1, 1)):
        before["persona"][:], after["persona"][:] = old, new
        assert torch.allclose(nats_of(small, before), nats_of(large, after), atol=1e-4), (old, new)
    before["persona"][:], after["persona"][:] = 0, 0
    assert not torch.allclose(nats_of(small, before), nats_of(large, after), atol=1e-2)


def test_a_whole_composer_grows_in_depth_with_all_that_it_knows() -> None:
    small = learned(ComposerConfig(("ada", "ben"), **SMALL, **WHOLE))
    large = larger(small, ComposerConfig(("ada", "ben"), **{**SMALL, "layers": 3}, **WHOLE))
    b = batch()
    with torch.no_grad():
        assert torch.allclose(small.losses(b), large.losses(b), atol=1e-4), "also of the parts"


def test_what_was_added_can_be_learned() -> None:
    small = learned(ComposerConfig(("ada", "ben"), **SMALL))
    large = larger(small, ComposerConfig(("ada", "ben"), **{**SMALL, "layers": 2}, **WHOLE))
    large.losses(batch(4, 60)).sum().backward()  # type: ignore[no-untyped-call]
    added = ("function", "texture", "phrase_left", "number", "role", "part", "blocks.1.out", "blocks.1.down")
    for name in added:
        gradient = large.get_parameter(f"{name}.weight").grad
        assert gradient is not None and gradient.abs().sum() > 0, name


def test_nats_without_parts_are_those_of_all_parts_together() -> None:
    """Fewer than with the part that it was, and the sum of the probabilities of all parts that it could be."""
    network, one = net(), batch()
    one["played"][1] = 0
    found = network.nats_without_parts(one)
    assert found.shape == (2, 19)
    known = network.losses(one)
    assert (found <= known.sum(-1) + 1e-5).all()
    lines = one["events"][:, 1:, 1] < 0
    assert torch.allclose(found[lines], known[..., 0][lines], atol=1e-5)
    # The last event is heard by nobody, so its part can be another.
    chances = torch.zeros(2)
    for part in range(events.PARTS):
        other = {name: value.clone() for name, value in one.items()}
        other["events"][:, -1, 4] = part
        chances += (-network.losses(other)[:, -1].sum(-1)).exp()
    assert (one["events"][:, -1, 1] >= 0).all()
    assert torch.allclose(-chances.log(), found[:, -1], atol=1e-4)


def test_a_network_without_parts_has_the_same_nats_either_way() -> None:
    network, one = net("lstm"), batch()
    assert torch.allclose(network.nats_without_parts(one), network.losses(one).sum(-1))
