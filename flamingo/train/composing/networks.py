"""The networks that learn to compose: a decoder-only transformer over events, and the LSTM of the first systems.

Both read one event a step and predict the next one's four numbers (see flamingo.composing.events) one after the
other: where from the state, pitch from the state and where, duration from those and pitch, velocity from all. So the
probability of a note is exact, and a note costs one step of the trunk.

What is told of a bar (persona, valence, arousal, bars left, metre, mode, ensemble, tempo) is a sum of embeddings that
is added to every event of the bar. Each has a place for "not told", which makes classifier-free guidance possible
(Ho and Salimans 2022). Positions are rotary (Su et al. 2021), normalisation is RMSNorm before each block.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flamingo.composing import events

KNOTS = 9
"""Points on [-1, 1] at which valence and arousal have embeddings; between them it is interpolated."""
CONDITIONS = ("persona", "valence", "arousal", "left", "tempo")
"""What may be left untold, in the order of the mask's columns."""


@dataclass(frozen=True)
class ComposerConfig:
    """Size of a composer. personas: their names, in the order of the rows of the persona embedding."""

    personas: tuple[str, ...]
    trunk: str = "transformer"
    layers: int = 5
    width: int = 256
    heads: int = 4
    told: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "personas": list(self.personas)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ComposerConfig:
        return cls(**{**values, "personas": tuple(values["personas"])})


SIZES: dict[str, dict[str, Any]] = {
    "composer": {"layers": 5, "width": 256, "heads": 4},
    "lstm": {"trunk": "lstm", "layers": 3, "width": 512, "heads": 1, "told": False},
    "debug": {"layers": 1, "width": 32, "heads": 2},
}


class Block(nn.Module):
    """Pre-norm attention and a feed-forward layer four times as wide."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = self.out(y.transpose(1, 2).reshape(b, t, d))
        x = x + F.dropout(y, self.dropout, self.training)
        y = self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))
        return x + F.dropout(y, self.dropout, self.training)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding: halves of the last axis are the real and imaginary parts."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def angles(length: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rate = 10_000.0 ** (-torch.arange(0, size, 2, device=device, dtype=torch.float32) / size)
    turn = torch.arange(length, device=device, dtype=torch.float32)[:, None] * rate
    return turn.cos(), turn.sin()


class Head(nn.Module):
    """From the state and what is already chosen of the event to the logits of its next number."""

    def __init__(self, width: int, choices: int) -> None:
        super().__init__()
        self.mix = nn.Linear(width, width)
        self.logits = nn.Linear(width, choices)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.logits(F.gelu(self.mix(x), approximate="tanh")))


class ComposerNet(nn.Module):
    """Events and conditions in, logits of the next events out."""

    def __init__(self, config: ComposerConfig, dropout: float = 0.1) -> None:
        super().__init__()
        self.config, self.dropout = config, dropout
        d = config.width
        self.where = nn.Embedding(events.WHERES, d)
        self.pitch = nn.Embedding(events.PITCHES, d)
        self.octaveless = nn.Embedding(12, d)
        self.duration = nn.Embedding(len(events.DURATIONS), d)
        self.velocity = nn.Embedding(events.VELOCITIES, d)
        # The last row of each is "not told".
        self.persona = nn.Embedding(len(config.personas) + 1, d)
        self.valence = nn.Embedding(KNOTS + 1, d)
        self.arousal = nn.Embedding(KNOTS + 1, d)
        self.left = nn.Embedding(events.LEFTS + 1, d)
        self.tempo = nn.Embedding(events.TEMPOS + 1, d)
        self.metre = nn.Embedding(len(events.METRES) + 1, d)
        self.minor = nn.Embedding(2, d)
        self.ensemble = nn.Embedding(len(events.ENSEMBLES), d)
        self.start = nn.Embedding(2, d)
        if config.trunk == "lstm":
            self.lstm = nn.LSTM(d, d, config.layers, batch_first=True, dropout=dropout)
        else:
            self.blocks = nn.ModuleList(Block(d, config.heads, dropout) for _ in range(config.layers))
        self.norm = nn.RMSNorm(d, eps=1e-6)
        self.to_where = Head(d, events.WHERES)
        self.to_pitch = Head(d, events.PITCHES)
        self.to_duration = Head(d, len(events.DURATIONS))
        self.to_velocity = Head(d, events.VELOCITIES)
        self._begin()

    def _begin(self) -> None:
        """Initial weights. What is heard begins four times louder than each thing told: with both equal the network
        spends its first epochs on learning to tell the notes from the rest, and at 25 times it hardly ever listens
        to what it is told (measured in docs/TRAINING.md)."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                fan = module.in_features if isinstance(module, nn.Linear) else None
                nn.init.normal_(module.weight, std=fan**-0.5 if fan else 0.02)
                if isinstance(module, nn.Linear) and module.bias is not None:
                    nn.init.zeros_(module.bias)
        for table in (self.where, self.pitch, self.octaveless, self.duration, self.velocity):
            nn.init.normal_(table.weight, std=0.5)
        for table in self.conditions():
            nn.init.normal_(table.weight, std=0.12)
        for name, parameter in self.named_parameters():
            if name.endswith(("out.weight", "down.weight")):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * self.config.layers))
            elif name.endswith("logits.weight"):
                nn.init.normal_(parameter, std=0.02)

    def conditions(self) -> tuple[nn.Embedding, ...]:
        """The tables of what is told of a bar."""
        return (
            *(self.persona, self.valence, self.arousal, self.left, self.tempo),
            *(self.metre, self.minor, self.ensemble, self.start),
        )

    def inside(self) -> list[nn.Parameter]:
        """The matrices between the embeddings and the logits; of an LSTM those of the heads alone."""
        parts: list[nn.Module] = [
            head.mix for head in (self.to_where, self.to_pitch, self.to_duration, self.to_velocity)
        ]
        if self.config.trunk == "transformer":
            parts.append(self.blocks)
        return [p for part in parts for p in part.parameters() if p.ndim == 2]

    def note(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embeddings of an event's four numbers, each (..., d); zero where a bar line has none."""
        there = (rows[..., 1] >= 0).unsqueeze(-1)
        safe = rows.clamp(min=0)
        where = self.where(safe[..., 0])
        pitch = (self.pitch(safe[..., 1]) + self.octaveless((safe[..., 1] + events.LOWEST) % 12)) * there
        return where, pitch, self.duration(safe[..., 2]) * there, self.velocity(safe[..., 3]) * there

    def condition_vectors(self, c: dict[str, Tensor], hidden: Tensor | None = None) -> Tensor:
        """The conditions of each event as one vector. hidden: (..., 5) bool, where one of CONDITIONS is not told."""
        if hidden is None:
            hidden = torch.zeros((*c["persona"].shape, len(CONDITIONS)), dtype=torch.bool, device=c["persona"].device)
        persona = torch.where(hidden[..., 0] | (c["persona"] < 0), len(self.config.personas), c["persona"])
        total = self.persona(persona)
        total = total + self._between(self.valence, c["valence"], hidden[..., 1])
        total = total + self._between(self.arousal, c["arousal"], hidden[..., 2])
        total = total + self.left(torch.where(hidden[..., 3], events.LEFTS, c["left"]))
        total = total + self.tempo(torch.where(hidden[..., 4], events.TEMPOS, c["tempo"]))
        total = total + self.metre(c["metre"]) + self.minor(c["minor"]) + self.ensemble(c["ensemble"])
        return cast(Tensor, total + self.start(c["start"]))

    @staticmethod
    def _between(table: nn.Embedding, value: Tensor, hidden: Tensor) -> Tensor:
        at = (value.clamp(-1, 1) + 1) / 2 * (KNOTS - 1)
        low = at.floor().clamp(max=KNOTS - 2)
        part = (at - low).unsqueeze(-1).to(table.weight.dtype)
        low = low.long()
        there = (1 - part) * table(low) + part * table(low + 1)
        return torch.where(hidden.unsqueeze(-1), table.weight[KNOTS], there)

    def states(self, rows: Tensor, conditions: Tensor | None) -> Tensor:
        """(b, t, 4) events and (b, t, d) conditions to (b, t, d) states, from which the next event is predicted."""
        x = sum(self.note(rows), torch.zeros((), device=rows.device))
        if conditions is not None and self.config.told:
            x = x + conditions
        x = F.dropout(x, self.dropout, self.training)
        if self.config.trunk == "lstm":
            x = self.lstm(x)[0]
        else:
            cos, sin = angles(x.shape[1], self.config.width // self.config.heads, x.device)
            cos, sin = cos.to(x.dtype), sin.to(x.dtype)
            for block in self.blocks:
                x = block(x, cos, sin)
        return cast(Tensor, self.norm(x))

    def logits(self, states: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of where, pitch, duration and velocity of `target`, given its numbers before each."""
        where, pitch, duration, _ = self.note(target)
        h1 = states + where
        h2 = h1 + pitch
        return self.to_where(states), self.to_pitch(h1), self.to_duration(h2), self.to_velocity(h2 + duration)

    def losses(self, batch: dict[str, Tensor], hidden: Tensor | None = None) -> Tensor:
        """(b, t, 4) nats of each number of the events after the first; zero where there is nothing to predict."""
        rows = batch["events"]
        # An event is predicted under the conditions of the event before it, all that is known at that moment.
        conditions = self.condition_vectors({k: v[:, :-1] for k, v in batch.items() if k != "events"}, hidden)
        logits = self.logits(self.states(rows[:, :-1], conditions), rows[:, 1:])
        target = rows[:, 1:]
        nats = [
            F.cross_entropy(logit.float().flatten(0, 1), target[..., i].flatten(), ignore_index=-1, reduction="none")
            for i, logit in enumerate(logits)
        ]
        nats[3] = nats[3] * batch["played"][:, 1:].flatten()
        return torch.stack(nats, dim=-1).view(*target.shape)
