"""A training's memory: everything needed to go on exactly where it stopped, in one safetensors file.

One file, written aside and renamed, is either the old state or the new one, never half of each. The plain
facts (step, seconds, seed, recipe) travel in the file's own metadata as JSON, so there is no second file to
lose and nothing is ever unpickled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from flamingo.errors import ModelCorrupt, ModelMissing, show
from flamingo.files import output_error, put
from flamingo.nn.optimisers import Optimiser
from flamingo.weights.eight_bits import unpacked


@dataclass
class Checkpoint:
    """tensors: "model.*", "ema.*", "optimiser.*" and maybe "best.*"; facts: whatever JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any] = field(default_factory=dict)

    def save(self, file: Path) -> None:
        """Write it in place of an older one. Raises an OutputError, after which the older one is whole."""
        content = self.content()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(error, show(file.parent)) from error
        put(content, file, overwrite=True)

    def content(self) -> bytes:
        """What `save` writes."""
        tensors = {name: t.detach().cpu().contiguous() for name, t in self.tensors.items()}
        return save(tensors, metadata={"facts": json.dumps(self.facts)})

    @classmethod
    def load(cls, file: Path) -> Checkpoint:
        if not file.exists():
            raise ModelMissing(str(file), "there is no such checkpoint", "start the training without --resume")
        try:
            with safe_open(file, framework="pt") as opened:
                facts = json.loads((opened.metadata() or {})["facts"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, ValueError) as error:
            raise ModelCorrupt(str(file), f"not a checkpoint ({error})", "use an older one or start anew") from error
        if any(t.dtype == torch.int8 for t in tensors.values()):  # of a release
            whole = unpacked({name: t.numpy() for name, t in tensors.items()})
            tensors = {name: torch.from_numpy(value) for name, value in whole.items()}
        return cls(tensors, facts)

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors under "name.", without that prefix."""
        return {k.removeprefix(f"{name}."): t for k, t in self.tensors.items() if k.startswith(f"{name}.")}


def optimiser_tensors(optimiser: Optimiser, model: nn.Module) -> dict[str, Tensor]:
    """What it remembers, such as Adam's moments, by parameter name (its own state_dict goes by position and wants
    pickle)."""
    tensors = {}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state[parameter].items():
            tensors[f"{name}.{key}"] = torch.as_tensor(value)
    return tensors


def restore_optimiser(optimiser: Optimiser, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """The inverse of `optimiser_tensors`."""
    for name, parameter in model.named_parameters():
        state = {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.rpartition(".")[0] == name}
        if state:
            optimiser.state[parameter] = {
                k: t.clone() if t.ndim == 0 else t.to(parameter.device).clone(memory_format=torch.preserve_format)
                for k, t in state.items()
            }
