"""A composer of chance and a corpus made up on the spot: small enough for tests, whole enough for every path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo.composing import events
from flamingo.composing.model import NUMBERS_OF_A_NOTE, Composer
from flamingo.composing.mood import FEATURES
from flamingo.composing.phrase_functions import FUNCTIONS, LONGEST
from flamingo.composing.piece import BAR, NOTE, TEMPO, Key, Metre, Piece
from flamingo.composing.texture import TEXTURES
from flamingo.composing.writing.midi import to_midi

SCALE = {
    "mean": [6.9, 2.2, 70.0, 0.2, 0.1, -0.2, 62.0],
    "spread": [0.5, 0.8, 12.0, 0.2, 0.2, 0.15, 6.0],
    "valence": np.linspace(-2, 2, 41).tolist(),
    "arousal": np.linspace(-2, 2, 41).tolist(),
}
"""A mood scale such as a corpus of piano music has."""
assert len(SCALE["mean"]) == len(FEATURES)


def habit(minor: float, metres: dict[str, float], tempo: float = 6.9) -> dict[str, Any]:
    """What a release says of a persona. metres: with their shares; tempo: log2 of quarters a minute."""
    return {
        "minor": minor,
        "tonics": {"major": [1.0] * 12, "minor": [1.0] * 12},
        "metres": {name: {"share": share, "tempo": tempo} for name, share in metres.items()},
        "tempo": tempo,
        "arousal": 0.0,
    }


def facts(
    personas: Sequence[str] = ("ada", "ben"), layers: int = 1, width: int = 16, heads: int = 2, whole: bool = False
) -> dict[str, Any]:
    """What stands in the file of a composer. whole: one that tells parts apart and is told of phrases."""
    more = {"ensembles": len(events.ENSEMBLES), "parts": events.PARTS, "planned": True} if whole else {}
    return {
        "config": {"personas": list(personas), "layers": layers, "width": width, "heads": heads, **more},
        "scale": SCALE,
        "habits": {name: habit(0.5, {"4/4": 0.5, "3/4": 0.5}) for name in personas},
        "tempo_slope": 0.4,
        "typical": {"mean": 6.0, "spread": 1.0},
    }


def tensors(of: dict[str, Any], seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Weights drawn at random, of the shapes that the facts ask for."""
    config, random = of["config"], np.random.default_rng(seed)
    d = config["width"]
    rows = {
        "where": events.WHERES,
        "pitch": events.PITCHES,
        "octaveless": 12,
        "duration": len(events.DURATIONS),
        "velocity": events.VELOCITIES,
        "persona": len(config["personas"]) + 1,
        "valence": 10,
        "arousal": 10,
        "left": events.LEFTS + 1,
        "tempo": events.TEMPOS + 1,
        "metre": len(events.METRES) + 1,
        "minor": 2,
        "ensemble": config.get("ensembles", 3),
        "start": 2,
    }
    if config.get("planned"):
        rows |= {"function": len(FUNCTIONS) + 1, "texture": len(TEXTURES) + 1, "phrase_left": LONGEST + 1}
        rows |= {"number": events.NUMBERS, "role": len(events.ROLES), "part": config["parts"]}
    found = {f"{name}.weight": random.normal(0, 0.5, (n, d)) for name, n in rows.items()}
    for i in range(config["layers"]):
        for name, (a, b) in {"qkv": (3, 1), "out": (1, 1), "up": (4, 1), "down": (1, 4)}.items():
            found[f"blocks.{i}.{name}.weight"] = random.normal(0, d**-0.5, (a * d, b * d))
        found |= {f"blocks.{i}.norm{k}.weight": random.uniform(0.8, 1.2, d) for k in (1, 2)}
    found["norm.weight"] = random.uniform(0.8, 1.2, d)
    for name in NUMBERS_OF_A_NOTE if config.get("parts") else NUMBERS_OF_A_NOTE[:4]:
        found[f"to_{name}.mix.weight"] = random.normal(0, d**-0.5, (d, d))
        found[f"to_{name}.mix.bias"] = random.normal(0, 0.1, d)
        found[f"to_{name}.logits.weight"] = random.normal(0, d**-0.5, (rows[name], d))
        found[f"to_{name}.logits.bias"] = random.normal(0, 0.1, rows[name])
    return {name: value.astype(np.float32) for name, value in found.items()}


def composer(seed: int = 0, **more: Any) -> Composer:
    """A composer that has learned nothing."""
    of = facts(**more)
    return Composer(tensors(of, seed), of)


def study(key: str, bars: int = 32, seed: int = 0, metre: str = "4/4") -> Piece:
    """Twenty-four notes a bar over tonic, subdominant and dominant, with a cadence at the end of every fourth bar,
    played by somebody: louder and softer, faster and slower."""
    random, tonic, time = np.random.default_rng(seed), Key.parse(key), Metre.parse(metre)
    third = 3 if tonic.minor else 4
    chords = {0: (0, third, 7), 1: (5, 5 + third, 12), 2: (7, 11, 14)}
    scale = (0, 2, 3, 5, 7, 8, 11) if tonic.minor else (0, 2, 4, 5, 7, 9, 11)
    low = 40 + (tonic.tonic + 8) % 12
    rows: list[tuple[int, int, int, int, int, float]] = []
    degree, beats = 7, time.units // 24
    for bar in range(bars):
        begin, chord = bar * time.units, chords[(0, 1, 2, 0)[bar % 4]]
        loud = 60 + 12 * ((bar // 4) % 4) + int(random.integers(0, 5))
        if bar % 4 == 3:
            pitches = (low, low + 7, low + 12 + third, low + 24)
            rows += [(begin, time.units, pitch, loud + i, 0, 0.0) for i, pitch in enumerate(pitches)]
            continue
        for eighth in range(2 * beats):
            degree = int(np.clip(degree + random.integers(-2, 3), 2, 14))
            pitch = low + 12 + 12 * (degree // 7) + scale[degree % 7]
            held = 12 if bar % 3 else 7
            rows.append((begin + 12 * eighth, held, pitch + 7, loud + int(random.integers(0, 9)), 0, 0.0))
            rows.append((begin + 12 * eighth, held, low + chord[(0, 1, 2, 1)[eighth % 4]], loud - 8, 0, 0.0))
        rows += [(begin + 24 * b, held, low + 12 + chord[k], loud - 12, 0, 0.0) for b in range(beats) for k in (0, 1)]
    # One key is struck once at a time.
    once = {(row[0], row[2]): row for row in rows}
    tempos = [(b * time.units, 96 + 2 * seed + float(random.normal(0, 6))) for b in range(bars)]
    lines = [(b * time.units, time.numerator, time.denominator) for b in range(bars)]
    return Piece.build(
        np.array(list(once.values()), NOTE), np.array(lines, BAR), tonic, tempos=np.array(tempos, TEMPO)
    )


def corpus(folder: Path, works: int = 12, bars: int = 44) -> Path:
    """Two composers with twelve works each, one of them named by folder and one by file, and one with two pieces."""
    keys = ("C major", "A minor", "F major", "D minor", "G major", "E minor", "Bb major", "C minor")
    (folder / "Ada").mkdir(parents=True)
    for i in range(works):
        metre = "3/4" if i % 4 == 1 else "4/4"
        for name, seed in ((f"Ada/Sonata Op. {i + 1}.mid", i), (f"Ben_Born__Study_Op_{i + 1}.mid", 100 - i)):
            data = to_midi(study(keys[i % 8], bars, seed, metre))
            (folder / name).write_bytes(data)
    for i in range(2):
        (folder / f"Cleo__Leaf_Op_{i}.mid").write_bytes(to_midi(study("D major", 8, 50 + i)))
    return folder
