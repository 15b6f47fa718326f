"""The trained composer as it is run: plain numpy on one thread, with a cache of keys and values.

A step of this network is a few small matrix products, so a deep-learning runtime would spend its time on copying the
cache in and out; numpy is as fast and needs nothing. Training and this file compute the same function
(flamingo/train/composing/networks.py explains it); a test holds them to each other.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import weights
from flamingo.composing import events, mood
from flamingo.composing.phrase_functions import FUNCTIONS, LONGEST
from flamingo.composing.texture import TEXTURES
from flamingo.errors import ModelCorrupt
from flamingo.weights.eight_bits import unpacked

Array = NDArray[Any]
_KNOTS = 9
# What is told weighs little in training, where the notes before say most of it already. So a composer leaves the mean
# of what could be told further than it learned to. By how much was measured: a judge that learned from people, and is
# right on 64 % of excerpts by people, is right on 35 % of ours with persona 2 and the mode at 1, on 71 % with these.
# With persona 4 and the mode at 1, one piece in eight lost its minor key; with these none of 90 did. With arousal 2.5
# excited pieces had 27 notes a second.
_ONCE = {"persona": 4.5, "minor": 2.5, "valence": 2.0, "arousal": 2.0}
# A composer that learned from more music listens better. With guidance (1.5) and 4.5 a third of its bars had no left
# hand; without it and with 3.5 a tenth, and the judge is right on 65 %.
EMPHASIS = {"persona": 3.5, "minor": 2.0, "valence": 1.5, "arousal": 1.5}
_EPS = 1e-6


@dataclass(frozen=True)
class Bar:
    """What the network is told of a bar; None: not told.

    Attributes:
        personas: weights by name, which sum to 1 (empty: not told).
        valence, arousal: -1 to 1.
        left: bars left, this one included.
        bpm: quarter notes a minute.
        metre: see `events.metre_index`.
        minor: the mode.
        ensemble: an index of `events.ENSEMBLES`.
        start: whether it is the first bar.
        function, texture: indices of `phrase_functions.FUNCTIONS` and `texture.TEXTURES`.
        phrase_left: bars to the end of the phrase, this one included.
        number: of the bar, from anywhere.
        role: an index of `events.ROLES`.
    """

    personas: Mapping[str, float]
    valence: float | None
    arousal: float | None
    left: int | None
    bpm: float | None
    metre: int
    minor: bool
    ensemble: int = 0
    start: bool = False
    function: int | None = None
    texture: int | None = None
    phrase_left: int | None = None
    number: int = 0
    role: int = 0


NUMBERS_OF_A_NOTE = ("where", "pitch", "duration", "velocity", "part")
"""The columns of events, of which a bar line has only the first."""


class Composer:
    """A loaded composer.

    Attributes:
        personas: the names it knows.
        facts: what its file says of its training.
        context: events that it sees at once, as in training; beyond them the oldest half is forgotten.
    """

    def __init__(self, tensors: Mapping[str, Array], facts: dict[str, Any]) -> None:
        self.facts = facts
        config = facts["config"]
        self.personas: tuple[str, ...] = tuple(config["personas"])
        self.layers, self.width, self.heads = config["layers"], config["width"], config["heads"]
        # Composers before 2026-12 tell fewer ensembles apart, no parts, and are not told of phrases.
        self.ensembles: int = config.get("ensembles", 3)
        self.parts: int = config.get("parts", 0)
        self.planned: bool = config.get("planned", False)
        self.context: int = facts.get("context", 512)
        self.emphasis = EMPHASIS if self.planned else _ONCE
        self.order = ("where", "part", "pitch", "duration", "velocity") if self.parts else NUMBERS_OF_A_NOTE[:4]
        self.scale = mood.Scale(**facts["scale"])
        self._check(tensors)
        self._t = {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}
        # Matrices are kept as (in, out), so that a row of activations multiplies them from the left.
        self._m = {n: np.ascontiguousarray(v.T) for n, v in self._t.items() if self._is_matrix(n)}
        rate = 10_000.0 ** (-np.arange(0, self.width // self.heads, 2, dtype=np.float64) / (self.width // self.heads))
        turn = np.arange(self.context)[:, None] * rate
        self._cos, self._sin = np.cos(turn).astype(np.float32), np.sin(turn).astype(np.float32)
        octaveless = self._t["octaveless.weight"][(np.arange(events.PITCHES) + events.LOWEST) % 12]
        self._pitch = self._t["pitch.weight"] + octaveless

    def _check(self, tensors: Mapping[str, Array]) -> None:
        """Raise ValueError if a tensor is missing or of another shape than the facts say."""
        d = self.width
        tables = {
            "where": events.WHERES, "pitch": events.PITCHES, "octaveless": 12, "duration": len(events.DURATIONS),
            "velocity": events.VELOCITIES, "persona": len(self.personas) + 1, "valence": _KNOTS + 1,
            "arousal": _KNOTS + 1, "left": events.LEFTS + 1, "tempo": events.TEMPOS + 1,
            "metre": len(events.METRES) + 1, "minor": 2, "ensemble": self.ensembles, "start": 2,
        }  # fmt: skip
        if self.parts:
            tables["part"] = self.parts
        if self.planned:
            tables |= {"function": len(FUNCTIONS) + 1, "texture": len(TEXTURES) + 1, "phrase_left": LONGEST + 1}
            tables |= {"number": events.NUMBERS, "role": len(events.ROLES)}
        shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": (rows, d) for name, rows in tables.items()}
        shapes |= self._trunk(d)
        shapes["norm.weight"] = (d,)
        for name in self.order:
            shapes |= {f"to_{name}.mix.weight": (d, d), f"to_{name}.mix.bias": (d,)}
            shapes |= {f"to_{name}.logits.weight": (tables[name], d), f"to_{name}.logits.bias": (tables[name],)}
        for name, expected in shapes.items():
            if name not in tensors or tensors[name].shape != expected:
                actual = tensors[name].shape if name in tensors else "missing"
                raise ValueError(f"{name} should be {expected} and is {actual}")

    def _trunk(self, d: int) -> dict[str, tuple[int, ...]]:
        """Shapes of what lies between the embeddings and the heads, by name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for i in range(self.layers):
            for name, shape in (("qkv", (3 * d, d)), ("out", (d, d)), ("up", (4 * d, d)), ("down", (d, 4 * d))):
                shapes[f"blocks.{i}.{name}.weight"] = shape
            shapes |= {f"blocks.{i}.norm1.weight": (d,), f"blocks.{i}.norm2.weight": (d,)}
        return shapes

    @staticmethod
    def _is_matrix(name: str) -> bool:
        return name.startswith(("blocks.", "to_")) and name.endswith(".weight") and "norm" not in name

    @classmethod
    def load(cls, name: str = "composer") -> Composer:
        """The composer that ships with the package, or lies in FLAMINGO_WEIGHTS. Raises a ModelError."""
        return _load(weights.path(name, "weights"))

    # ------------------------------------------------------------------ conditions
    def condition_vector(self, bar: Bar, *, plain: bool = False) -> Array:
        """The conditions of a bar as one vector.

        Args:
            bar: its persona, mood, metre and the rest.
            plain: as in training, without emphasis.

        Returns:
            (d,).
        """
        t = self._t
        if bar.personas:
            rows = t["persona.weight"]
            who = sum(weight * rows[self.personas.index(name)] for name, weight in bar.personas.items())
            total = self._emphasised("persona", np.asarray(who), rows[:-1], plain)
        else:
            total = t["persona.weight"][-1].copy()
        for name, value in (("valence", bar.valence), ("arousal", bar.arousal)):
            rows = t[f"{name}.weight"]
            there = self._between(rows, value)
            total += there if value is None else self._emphasised(name, there, rows[:-1], plain)
        total += self._emphasised("minor", t["minor.weight"][int(bar.minor)], t["minor.weight"], plain)
        total += t["left.weight"][-1 if bar.left is None else int(events.left_index(bar.left))]
        total += t["tempo.weight"][-1 if bar.bpm is None else int(events.tempo_index(bar.bpm))]
        total += t["metre.weight"][bar.metre]
        total += t["ensemble.weight"][min(bar.ensemble, self.ensembles - 1)]
        total += t["start.weight"][int(bar.start)]
        if self.planned:
            total += t["function.weight"][-1 if bar.function is None else bar.function]
            total += t["texture.weight"][-1 if bar.texture is None else bar.texture]
            total += t["phrase_left.weight"][-1 if bar.phrase_left is None else min(bar.phrase_left, LONGEST) - 1]
            total += t["number.weight"][bar.number % events.NUMBERS] + t["role.weight"][bar.role]
        return np.asarray(total)

    def _emphasised(self, name: str, row: Array, rows: Array, plain: bool) -> Array:
        mean = rows.mean(0)
        return np.asarray(mean + (1.0 if plain else self.emphasis[name]) * (row - mean), np.float32)

    @staticmethod
    def _between(table: Array, value: float | None) -> Array:
        if value is None:
            return np.asarray(table[_KNOTS])
        at = (min(max(value, -1.0), 1.0) + 1) / 2 * (_KNOTS - 1)
        low = min(int(at), _KNOTS - 2)
        return np.asarray((1 - (at - low)) * table[low] + (at - low) * table[low + 1], np.float32)

    # ------------------------------------------------------------------ the network
    def embed(self, rows: Array) -> Array:
        """(..., 5) events to (..., d); (..., 4) for a composer that tells no parts apart."""
        t = self._t
        safe = np.maximum(rows, 0)
        there = (rows[..., 1] >= 0)[..., None]
        note = self._pitch[safe[..., 1]] + t["duration.weight"][safe[..., 2]] + t["velocity.weight"][safe[..., 3]]
        if self.parts:
            note = note + t["part.weight"][np.minimum(safe[..., 4], self.parts - 1)]
        return np.asarray(t["where.weight"][safe[..., 0]] + note * there)

    def _norm(self, x: Array, name: str) -> Array:
        return np.asarray(x / np.sqrt(np.mean(x * x, -1, keepdims=True) + _EPS) * self._t[name])

    def forward(self, x: Array, cache: Cache) -> Array:
        """(b, t, d) inputs, appended to the cache, to (b, t, d) states."""
        b, t, d = x.shape
        h, size = self.heads, self.width // self.heads
        n = cache.length
        cos, sin = self._cos[n : n + t], self._sin[n : n + t]
        mask = None if t == 1 else np.triu(np.full((t, n + t), -np.inf, np.float32), n + 1)
        for i in range(self.layers):
            qkv = self._norm(x, f"blocks.{i}.norm1.weight").reshape(-1, d) @ self._m[f"blocks.{i}.qkv.weight"]
            q, k, v = qkv.reshape(b, t, 3, h, size).transpose(2, 0, 3, 1, 4)
            cache.keys[i, :, :, n : n + t] = _rotate(k, cos, sin)
            cache.values[i, :, :, n : n + t] = v
            keys, values = cache.keys[i, :, :, : n + t], cache.values[i, :, :, : n + t]
            scores = _rotate(q, cos, sin) @ keys.swapaxes(-1, -2) * np.float32(size**-0.5)
            if mask is not None:
                scores += mask
            y = _softmax(scores) @ values
            x = x + (y.transpose(0, 2, 1, 3).reshape(-1, d) @ self._m[f"blocks.{i}.out.weight"]).reshape(b, t, d)
            up = self._norm(x, f"blocks.{i}.norm2.weight").reshape(-1, d) @ self._m[f"blocks.{i}.up.weight"]
            x = x + (_gelu(up) @ self._m[f"blocks.{i}.down.weight"]).reshape(b, t, d)
        cache.length = n + t
        return self._norm(x, "norm.weight")

    def logits(self, name: str, state: Array) -> Array:
        """Logits of one of `order` from (b, d) states to which what is already chosen of the event has been added
        with `add`."""
        mixed = _gelu(state @ self._m[f"to_{name}.mix.weight"] + self._t[f"to_{name}.mix.bias"])
        return np.asarray(mixed @ self._m[f"to_{name}.logits.weight"] + self._t[f"to_{name}.logits.bias"])

    def add(self, state: Array, name: str, choice: Array) -> Array:
        """States with one more number of the event chosen: (b,) indices."""
        table = self._pitch if name == "pitch" else self._t[f"{name}.weight"]
        return np.asarray(state + table[choice])

    def nats(self, rows: Array, conditions: Array) -> Array:
        """(n, 5) nats of each number of the events after the first, which begins the context; windows as in training.

        Args:
            rows: (n + 1, 5) relative events; (n + 1, 4) for a composer that tells no parts apart.
            conditions: (n + 1, d), as `condition_vector` gives them.
        """
        nats_by_event = np.zeros((len(rows) - 1, len(NUMBERS_OF_A_NOTE)))
        half = self.context // 2
        for begin in range(0, max(1, len(rows) - 1 - half), half):
            part = rows[begin : begin + self.context + 1]
            cache = Cache(self, 1)
            x = self.embed(part[:-1]) + conditions[begin : begin + len(part) - 1]
            states = self.forward(x[None], cache)[0]
            target = part[1:]
            nats = np.zeros((len(target), len(NUMBERS_OF_A_NOTE)))
            for name in self.order:
                column = NUMBERS_OF_A_NOTE.index(name)
                there = target[:, column] >= 0
                logp = _log_softmax(self.logits(name, states))
                safe = np.maximum(target[:, column], 0)
                nats[:, column] = np.where(there, -logp[np.arange(len(target)), safe], 0)
                if name != "velocity":
                    states = np.where(there[:, None], self.add(states, name, safe), states)
            fresh = 0 if begin == 0 else half
            nats_by_event[begin + fresh : begin + len(target)] = nats[fresh:]
        return nats_by_event


class Cache:
    """Keys and values of what was heard: (layers, rows, heads, context, size)."""

    def __init__(self, model: Composer, rows: int) -> None:
        shape = (model.layers, rows, model.heads, model.context, model.width // model.heads)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.length = 0

    def put(self, rows: Sequence[int], other: Cache) -> None:
        """Replace what some of the rows have heard by the rows of another cache of the same length."""
        self.keys[:, rows], self.values[:, rows] = other.keys, other.values

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows only."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]


def one_thread() -> AbstractContextManager[Any]:
    """Small products are slower on several threads than on one, and others may want the cores."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


@functools.lru_cache(maxsize=4)
def _load(file: Path) -> Composer:
    return read(file)


def read(file: Path) -> Composer:
    """A composer from a safetensors file whose metadata holds its facts as JSON. Raises ModelCorrupt."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            facts = json.loads((opened.metadata() or {})["facts"])
            tensors = {name.removeprefix("ema."): opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        return Composer(unpacked(tensors), facts)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelCorrupt(str(file), f"not a composer ({error})", "install Flamingo again") from error


def _rotate(x: Array, cos: Array, sin: Array) -> Array:
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return np.concatenate((a * cos - b * sin, a * sin + b * cos), axis=-1)


def _softmax(x: Array) -> Array:
    y = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(y / y.sum(-1, keepdims=True))


def _log_softmax(x: Array) -> Array:
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(-1, keepdims=True)))


def _gelu(x: Array) -> Array:
    """The tanh form (Hendrycks and Gimpel 2016)."""
    return np.asarray(0.5 * x * (1 + np.tanh(np.float32(0.7978845608) * (x + np.float32(0.044715) * x * x * x))))
