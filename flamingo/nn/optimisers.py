"""How weights move: what every training loop expects of an optimiser, and Muon for the layers within a network.

Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") turns the momentum of a layer's
weights, read as a matrix, into the nearest matrix whose directions all count alike, so that a step also goes where
gradients are small but steady. It suits the matrices between a network's first and last layer; everything else keeps
to Adam. Scaled as in Liu et al. 2025 ("Muon is Scalable for LLM Training"), it takes the learning rates of Adam.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class States(Protocol):
    """An optimiser's memory of each parameter."""

    def __getitem__(self, parameter: Tensor, /) -> dict[str, Any]: ...

    def __setitem__(self, parameter: Tensor, state: dict[str, Any], /) -> None: ...


class Optimiser(Protocol):
    """What a training loop and its checkpoint need; every optimiser of PyTorch is one."""

    param_groups: list[dict[str, Any]]

    @property
    def state(self) -> States: ...

    def zero_grad(self, set_to_none: bool = True) -> None: ...

    def step(self) -> Any: ...


_MOMENTUM = 0.95
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan et al. 2024
_ITERATIONS, _EPS = 5, 1e-7


class Muon(torch.optim.Optimizer):
    """Muon for matrices, as torch.optim.Muon does it, but in f32 on a processor.

    PyTorch's always computes in bf16, which processors without instructions for it take twenty times as long for; and
    it takes one matrix after the other, where those of one shape can be taken together.
    """

    def __init__(self, matrices: list[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape[matrix.shape].append((matrix, matrix.grad))
            for shape, matrices in by_shape.items():
                moved = []
                for matrix, gradient in matrices:
                    state = self.state[matrix]
                    if "momentum_buffer" not in state:
                        state["momentum_buffer"] = torch.zeros_like(gradient)
                    state["momentum_buffer"].lerp_(gradient, 1 - _MOMENTUM)
                    moved.append(gradient.lerp(state["momentum_buffer"], _MOMENTUM))
                rate = 0.2 * max(shape) ** 0.5 * group["lr"]  # Liu et al. 2025: the size of a step of Adam
                for (matrix, _), direction in zip(matrices, _orthogonal(torch.stack(moved)), strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(direction.to(matrix.dtype), alpha=-rate)


def _orthogonal(moves: Tensor) -> Tensor:
    """(n, rows, columns) matrices with all singular values near 1, by Newton and Schulz's iteration."""
    x = moves.bfloat16() if moves.is_cuda else moves.float()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_EPS)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class MuonWithAdam:
    """Muon for `inside`, convolutions or matrices with one row an output, and AdamW for `others`.

    others: parameters, or groups of them as PyTorch's optimisers take, of which each has its own weight_decay (0
    otherwise). weight_decay: of those inside; it is decoupled from the gradient in both (Loshchilov and Hutter 2019).
    The parameters must be where they will be trained, in their final layout: Muon moves views of them.
    """

    def __init__(
        self,
        inside: Iterable[nn.Parameter],
        others: list[nn.Parameter] | list[dict[str, Any]],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        self._matrices = {p: _as_matrix(p.detach(), p) for p in inside}
        self._muon = Muon(list(self._matrices.values()), lr=lr, weight_decay=weight_decay)
        self._adam = torch.optim.AdamW(others, lr=lr, betas=betas, weight_decay=0.0)
        self.param_groups = [*self._muon.param_groups, *self._adam.param_groups]

    @property
    def state(self) -> States:
        return _BothStates(self._matrices, self._muon, self._adam)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self._matrices:
            parameter.grad = None
        self._adam.zero_grad(set_to_none)

    def step(self) -> None:
        for parameter, matrix in self._matrices.items():
            matrix.grad = None if parameter.grad is None else _as_matrix(parameter.grad, parameter)
        self._muon.step()
        self._adam.step()


class _BothStates:
    """Each parameter's state, whichever of the two optimisers moves it."""

    def __init__(
        self, matrices: dict[nn.Parameter, Tensor], muon: torch.optim.Optimizer, adam: torch.optim.Optimizer
    ) -> None:
        self._matrices, self._muon, self._adam = matrices, muon, adam

    def __getitem__(self, parameter: Tensor, /) -> dict[str, Any]:
        matrix = self._matrices.get(parameter)  # type: ignore[call-overload]
        state: dict[str, Any] = self._adam.state[parameter] if matrix is None else self._muon.state[matrix]
        return state

    def __setitem__(self, parameter: Tensor, state: dict[str, Any], /) -> None:
        matrix = self._matrices.get(parameter)  # type: ignore[call-overload]
        if matrix is None:
            self._adam.state[parameter] = state
        else:
            self._muon.state[matrix] = state


def _as_matrix(tensor: Tensor, like: Tensor) -> Tensor:
    """(outputs, everything else), a view of `tensor` if it lies in memory as `like` does."""
    if like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)  # the order within a row is the same for all rows: Muon does not mind
    return tensor.reshape(len(tensor), -1)
