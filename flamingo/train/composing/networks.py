"""The networks that learn to compose: a decoder-only transformer over events, and the LSTM of the first systems.

Both read one event a step and predict the next one's four numbers (see flamingo.composing.events) one after the
other: where from the state, pitch from the state and where, duration from those and pitch, velocity from all. So the
probability of a note is exact, and a note costs one step of the trunk.

What is told of a bar (persona, valence, arousal, bars left, metre, mode, ensemble, tempo; of its phrase: what the bar
does in it, how it is accompanied, bars to its end) is a sum of embeddings that is added to every event of the bar.
Most have a place for "not told", which makes classifier-free guidance possible (Ho and Salimans 2022). A network that
tells parts apart predicts a note's part after its place and before its pitch; bars have numbers, and the roles that
make filling in possible (windows.py, `arranged`). Positions are rotary (Su et al. 2021), normalisation is RMSNorm
before each block.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flamingo.composing import events
from flamingo.composing.model import NUMBERS_OF_A_NOTE
from flamingo.composing.phrase_functions import FUNCTIONS, LONGEST
from flamingo.composing.texture import TEXTURES

KNOTS = 9
"""Points on [-1, 1] at which valence and arousal have embeddings; between them it is interpolated."""
CONDITIONS = ("persona", "valence", "arousal", "left", "tempo", "function", "texture", "phrase_left")
"""What may be left untold, in the order of the mask's columns; the last three only by a network that is planned."""


@dataclass(frozen=True)
class ComposerConfig:
    """Size of a composer.

    Attributes:
        personas: their names, in the order of the rows of the persona embedding.
        trunk: transformer or lstm.
        layers, width, heads: of the trunk.
        told: whether it is told anything.
        ensembles: how many of flamingo.composing.events.ENSEMBLES it tells apart.
        parts: how many parts it tells apart; 0 for none.
        planned: whether it is told of phrases, numbers and roles of bars.
    """

    personas: tuple[str, ...]
    trunk: str = "transformer"
    layers: int = 5
    width: int = 256
    heads: int = 4
    told: bool = True
    ensembles: int = 3
    parts: int = 0
    planned: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "personas": list(self.personas)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ComposerConfig:
        return cls(**{**values, "personas": tuple(values["personas"])})


_WHOLE = {"ensembles": len(events.ENSEMBLES), "parts": events.PARTS, "planned": True}
SIZES: dict[str, dict[str, Any]] = {
    "composer": {"layers": 8, "width": 256, "heads": 4, **_WHOLE},
    "lstm": {"trunk": "lstm", "layers": 3, "width": 512, "heads": 1, "told": False},
    "debug": {"layers": 1, "width": 32, "heads": 2, **_WHOLE},
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
        self.ensemble = nn.Embedding(config.ensembles, d)
        self.start = nn.Embedding(2, d)
        if config.planned:
            self.function = nn.Embedding(len(FUNCTIONS) + 1, d)
            self.texture = nn.Embedding(len(TEXTURES) + 1, d)
            self.phrase_left = nn.Embedding(LONGEST + 1, d)
            self.number = nn.Embedding(events.NUMBERS, d)
            self.role = nn.Embedding(len(events.ROLES), d)
        if config.parts:
            self.part = nn.Embedding(config.parts, d)
        if config.trunk == "lstm":
            self.lstm = nn.LSTM(d, d, config.layers, batch_first=True, dropout=dropout)
        else:
            self.blocks = nn.ModuleList(Block(d, config.heads, dropout) for _ in range(config.layers))
        self.norm = nn.RMSNorm(d, eps=1e-6)
        self.to_where = Head(d, events.WHERES)
        self.to_pitch = Head(d, events.PITCHES)
        self.to_duration = Head(d, len(events.DURATIONS))
        self.to_velocity = Head(d, events.VELOCITIES)
        if config.parts:
            self.to_part = Head(d, config.parts)
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
        heard = [self.where, self.pitch, self.octaveless, self.duration, self.velocity]
        for table in (*heard, self.part) if self.config.parts else heard:
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
        told = (
            *(self.persona, self.valence, self.arousal, self.left, self.tempo),
            *(self.metre, self.minor, self.ensemble, self.start),
        )
        if not self.config.planned:
            return told
        return (*told, self.function, self.texture, self.phrase_left, self.number, self.role)

    def inside(self) -> list[nn.Parameter]:
        """The matrices between the embeddings and the logits; of an LSTM those of the heads alone."""
        heads = [self.to_where, self.to_pitch, self.to_duration, self.to_velocity]
        parts: list[nn.Module] = [head.mix for head in ([*heads, self.to_part] if self.config.parts else heads)]
        if self.config.trunk == "transformer":
            parts.append(self.blocks)
        return [p for part in parts for p in part.parameters() if p.ndim == 2]

    def note(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embeddings of an event's numbers, each (..., d); zero where a bar line has none. The part's is in that of
        where."""
        there = (rows[..., 1] >= 0).unsqueeze(-1)
        safe = rows.clamp(min=0)
        where = self.where(safe[..., 0])
        if self.config.parts:
            where = where + self.part(safe[..., 4].clamp(max=self.config.parts - 1)) * there
        pitch = (self.pitch(safe[..., 1]) + self.octaveless((safe[..., 1] + events.LOWEST) % 12)) * there
        return where, pitch, self.duration(safe[..., 2]) * there, self.velocity(safe[..., 3]) * there

    def condition_vectors(self, c: dict[str, Tensor], hidden: Tensor | None = None) -> Tensor:
        """The conditions of each event as one vector. hidden: (..., 8) bool, where one of CONDITIONS is not told. A
        tempo or an arousal may be unknown besides (TEMPOS, NaN)."""
        if hidden is None:
            hidden = torch.zeros((*c["persona"].shape, len(CONDITIONS)), dtype=torch.bool, device=c["persona"].device)
        persona = torch.where(hidden[..., 0] | (c["persona"] < 0), len(self.config.personas), c["persona"])
        total = self.persona(persona)
        total = total + self._between(self.valence, c["valence"], hidden[..., 1])
        nobody_knows = c["arousal"].isnan()
        total = total + self._between(self.arousal, c["arousal"].nan_to_num(), hidden[..., 2] | nobody_knows)
        total = total + self.left(torch.where(hidden[..., 3], events.LEFTS, c["left"]))
        total = total + self.tempo(torch.where(hidden[..., 4], events.TEMPOS, c["tempo"]))
        ensemble = c["ensemble"].clamp(max=self.config.ensembles - 1)
        total = total + self.metre(c["metre"]) + self.minor(c["minor"]) + self.ensemble(ensemble)
        if self.config.planned:
            for column, (name, nothing) in enumerate(
                (("function", len(FUNCTIONS)), ("texture", len(TEXTURES)), ("phrase_left", LONGEST)), 5
            ):
                total = total + getattr(self, name)(torch.where(hidden[..., column], nothing, c[name]))
            total = total + self.number(c["number"]) + self.role(c["role"])
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

    def logits(self, states: Tensor, target: Tensor) -> tuple[Tensor, ...]:
        """Logits of where, pitch, duration, velocity and, if it tells them apart, part of `target`, each given what
        is chosen before it: where, part, pitch, duration, velocity."""
        safe = target.clamp(min=0)
        where, pitch, duration, _ = self.note(target)
        h1 = states + where
        h2 = h1 + pitch
        four = (self.to_where(states), self.to_pitch(h1), self.to_duration(h2), self.to_velocity(h2 + duration))
        if not self.config.parts:
            return four
        return (*four, self.to_part(states + self.where(safe[..., 0])))

    def losses(self, batch: dict[str, Tensor], hidden: Tensor | None = None) -> Tensor:
        """(b, t, 5) nats of each number of the events after the first, NUMBERS_OF_A_NOTE; zero where there is nothing
        to predict."""
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
        if not self.config.parts:
            nats.append(torch.zeros_like(nats[0]))
        return torch.stack(nats, dim=-1).view(*target.shape[:-1], len(NUMBERS_OF_A_NOTE))

    def nats_without_parts(self, batch: dict[str, Tensor], hidden: Tensor | None = None) -> Tensor:
        """(b, t) nats of where, pitch, duration and velocity together, whoever plays: the probabilities of a note in
        each of the parts are summed. What a network that tells parts apart is compared by with one that does not."""
        if not self.config.parts:
            return self.losses(batch, hidden).sum(-1)
        rows = batch["events"]
        conditions = self.condition_vectors({k: v[:, :-1] for k, v in batch.items() if k != "events"}, hidden)
        states, target = self.states(rows[:, :-1], conditions), rows[:, 1:]
        safe, there = target.clamp(min=0), target[..., 1] >= 0
        of_pitch, of_duration = self.note(target)[1:3]
        of_where = self.where(safe[..., 0])

        def logp(head: Head, x: Tensor, column: int) -> Tensor:
            return cast(Tensor, head(x)).float().log_softmax(-1).gather(-1, safe[..., column, None])[..., 0]

        of_part = self.to_part(states + of_where).float().log_softmax(-1)
        played = batch["played"][:, 1:]
        each = []
        for part in range(self.config.parts):
            h1 = states + of_where + self.part.weight[part]
            h2 = h1 + of_pitch
            note = logp(self.to_pitch, h1, 1) + logp(self.to_duration, h2, 2)
            each.append(of_part[..., part] + note + played * logp(self.to_velocity, h2 + of_duration, 3))
        together = torch.stack(each).logsumexp(0)
        return -logp(self.to_where, states, 0) - torch.where(there, together, torch.zeros_like(together))


def grown(tensors: dict[str, Tensor], before: ComposerConfig, net: ComposerNet) -> dict[str, Tensor]:
    """The weights of a smaller composer in a larger one, which computes the same at first: further layers add nothing
    yet, and what it was not told weighs nothing yet (as in Net2Net, Chen, Goodfellow and Shlens 2016, for depth).

    Args:
        tensors: the weights of the smaller.
        before: its configuration.
        net: the larger, as it was made; its width must be the same.

    Returns:
        The state of the larger.
    """
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for name, value in state.items():
        layer = name.split(".")[1] if name.startswith("blocks.") else ""
        if layer and int(layer) >= before.layers:
            if name.endswith(("out.weight", "down.weight")):
                value.zero_()
        elif name == "persona.weight":
            old = tensors[name].float()
            value.copy_(old[-1].expand_as(value))
            for row, persona in enumerate(net.config.personas):
                if persona in before.personas:
                    value[row] = old[before.personas.index(persona)]
        elif name == "ensemble.weight":
            old = tensors[name].float()
            value[: len(old)] = old
            value[len(old) :] = old[-1]
        elif name in tensors:
            value.copy_(tensors[name].float())
        elif name.removesuffix(".weight") in ("function", "texture", "phrase_left", "number", "role", "part"):
            value.zero_()
    return state
