"""The state of an interrupted run in one safetensors file, written aside and renamed: the old or the new one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as saved

from flamingo.errors import BadRequest, ModelCorrupt
from flamingo.files import check_target, put
from flamingo.painting.methods.settings import Pixels, Settings, Style


@dataclass
class State:
    """Everything between two steps: which comes next, the tensors of picture, optimiser, mean and best, and facts."""

    tensors: dict[str, NDArray[Any]]
    facts: dict[str, Any]


def identity(photo: Pixels, styles: Sequence[Style], first: Pixels | None, settings: Settings, source: str) -> str:
    """What a run is known by: inputs and settings, except those that only watch it."""
    digest = hashlib.sha256()
    watched = {"log_every", "snapshots"}
    plain = {k: v for k, v in settings.as_dict().items() if k not in watched}
    digest.update(json.dumps([plain, source, [s.weight for s in styles]], sort_keys=True).encode())
    masks = [s.mask for s in styles]
    for array in (photo, first, *(s.painting for s in styles), *masks):
        digest.update(b"none" if array is None else repr(array.shape).encode() + array.astype("float32").tobytes())
    return digest.hexdigest()


def save(file: Path, state: State, run: str) -> None:
    """Write it in place of an older one. Raises an OutputError, after which the older one is whole."""
    check_target(file, overwrite=True)
    tensors = {name: np.asarray(value, order="C") for name, value in state.tensors.items()}
    put(saved(tensors, metadata={"facts": json.dumps(state.facts | {"run": run})}), file, overwrite=True)


def load(file: Path, run: str) -> State | None:
    """The state in the file, None if there is none. Raises ModelCorrupt if it is damaged, BadRequest if it is of
    another run."""
    if not file.exists():
        return None
    try:
        with safe_open(file, framework="np") as opened:
            facts = json.loads((opened.metadata() or {})["facts"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelCorrupt(str(file), f"not a checkpoint ({error})", "remove it and start anew") from error
    if facts.get("run") != run:
        raise BadRequest(
            str(file),
            "it is the state of another photo, painting or settings",
            "name another file, or remove this one",
        )
    if any(not np.isfinite(value).all() for value in tensors.values()):
        raise ModelCorrupt(str(file), "it holds NaN or infinity", "remove it and start anew")
    return State(tensors, {k: v for k, v in facts.items() if k != "run"})
