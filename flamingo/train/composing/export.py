"""From a training run to a shipped composer: weights, what was measured on its music, fingerprints, card, manifest.

Beside the averaged weights (matrices in 8 bits in one safetensors file, from which one can also train on) the file
says what the planner must know: the habits of each persona (keys, metres, tempos), how tempo goes with arousal, and
how surprising human music is to this network. All of it is measured on the training works; the figures on the test
works.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flamingo.composing import mood, originality
from flamingo.composing.model import read
from flamingo.composing.parts import ensemble_of
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest, ModelCorrupt, show
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.composing import card
from flamingo.train.composing.habits import habits
from flamingo.train.composing.loop import CHECKPOINT, load_composer, nats_a_note
from flamingo.train.composing.networks import ComposerConfig, ComposerNet
from flamingo.train.composing.windows import condition_vectors, excerpt
from flamingo.train.corpus import sources, store
from flamingo.train.corpus.songs import songs_of
from flamingo.train.manifest import files_of, release_of, version_of
from flamingo.weights.eight_bits import packed, unpacked

Array = NDArray[Any]

_ENOUGH = 15_000
"""Notes for a keyboard alone that a persona must have to be asked for."""
_MOST_LOST = 0.005
"""By how much, relatively, nats a note may grow through being stored in 8 bits."""


def release(
    run: Path, weights: Path, music: list[Path], *, name: str = "composer", note: str = "", data: str = ""
) -> dict[str, Any]:
    """Export the averaged composer of `run` into the folder `weights`, with its card, and return its manifest entry.
    music: the folders that it was trained on. Raises BadRequest for a baseline, which is not shipped, before anything
    is written."""
    net, facts = load_composer(run / CHECKPOINT)
    if net.config.trunk != "transformer":
        raise BadRequest(
            show(run),
            f"it is the baseline {facts['model']}, which is measured and not shipped",
            f"have it write a piece: flamingo compose --model {shlex.quote(str(run))}",
        )
    scale = mood.Scale(**facts["scale"])
    pairs = _pairs(music)
    facts = _for_a_keyboard(net, facts, pairs)
    train = [(s, p) for s, p in pairs if s.split == "train"]
    facts = {
        **facts,
        "sessions": [_short(s) for s in facts["sessions"]],
        "habits": habits(pairs, facts["config"]["personas"], scale),
        "tempo_slope": _tempo_slope(train, scale),
    }
    tests = songs_of([(s, p) for s, p in pairs if s.split == "test"], facts["config"]["personas"], scale)
    context = facts.get("context", 512)
    trained = nats_a_note(net, tests, context, torch.device("cpu"), whoever=False)["all"] if tests else 0.0
    stored = packed({f"ema.{k}": v.numpy() for k, v in net.state_dict().items()})
    net.load_state_dict({k.removeprefix("ema."): torch.from_numpy(v).float() for k, v in unpacked(stored).items()})
    held_out = nats_a_note(net, tests, context, torch.device("cpu"))
    facts["test"] = {k: round(v, 4) for k, v in held_out.items()}
    if held_out["all"] > (1 + _MOST_LOST) * trained and tests:
        raise ModelCorrupt(name, f"in 8 bits it loses {held_out['all'] / trained - 1:.1%}", "report this")
    tensors = {k: torch.from_numpy(v) for k, v in stored.items()}
    with release_of(name, weights) as release:
        file = release.folder / f"{name}.safetensors"
        Checkpoint(tensors, {**facts, "typical": {"mean": 0.0, "spread": 1.0}}).save(file)
        facts["typical"] = _typical(file, [(s, p) for s, p in pairs if s.split == "valid"], facts, scale)
        Checkpoint(tensors, facts).save(file)
        index = release.folder / f"{name}-fingerprints.safetensors"
        learned = originality.build((f"{s.composer.title()}: {s.title}", p) for s, p in train)
        learned.with_null((p, ()) for s, p in pairs if s.split != "train").save(index)
        described = files_of({"weights": file, "fingerprints": index})
        release.entry = {
            "version": version_of(described["weights"]),
            "files": described,
            "network": {**facts["config"], "parameters": sum(p.numel() for p in net.parameters())},
            "training": {
                "command": "flamingo train compose",
                "events": facts["events"],
                "steps": facts["step"],
                "seconds": round(facts["seconds"]),
                "seed": facts["seed"],
                "files": facts["files"],
                "notes": facts["notes"],
                "sessions": facts["sessions"],
                "last figures": {k: round(v, 4) for k, v in facts["figures"].items()},
            },
            "test nats a note": facts["test"],
            "test nats a note before storing": round(trained, 4),
            "licence": "CC BY-SA 4.0",
            "data": data,
            "note": note,
        }
        release.card(name, card.write(name, release.entry))
    return release.entry


def _pairs(music: list[Path]) -> list[tuple[sources.Source, Piece]]:
    """The pieces that a composer learned from, and those that it is tested on: of folders, or of one corpus."""
    if len(music) == 1 and store.is_library(music[0]):
        return list(store.Library.open(music[0]).pairs("train", "valid", "test"))
    return sources.read(sources.find(music))


def _for_a_keyboard(
    net: ComposerNet, facts: dict[str, Any], pairs: list[tuple[sources.Source, Piece]]
) -> dict[str, Any]:
    """The facts of a network whose personas are those that one can ask for: of whom there is music for a keyboard
    alone, enough of it to learn from or played by somebody. Others, who wrote songs, only taught it."""
    notes: dict[str, int] = defaultdict(int)
    played = set()
    for source, piece in pairs:
        if ensemble_of(piece) == 0:
            notes[source.composer] += len(piece.notes) if source.split == "train" else 0
            played |= {source.composer} if piece.expressive else set()
    personas = facts["config"]["personas"]
    kept = sorted(name for name in personas if name in played or notes[name] >= _ENOUGH) or sorted(personas)
    rows = [personas.index(name) for name in kept]
    old = net.persona.weight.detach()
    net.persona = torch.nn.Embedding(len(kept) + 1, net.config.width)
    net.persona.weight = torch.nn.Parameter(old[[*rows, len(personas)]].clone(), requires_grad=False)
    config = ComposerConfig.from_dict({**facts["config"], "personas": kept})
    net.config = config
    return {**facts, "config": config.as_dict()}


def _tempo_slope(pairs: list[tuple[sources.Source, Piece]], scale: mood.Scale) -> float:
    """By how much log2 of the tempo rises from arousal 0 to 1, over all bars that somebody played, or all."""
    x, y = [], []
    for _, piece in [pair for pair in pairs if pair[1].expressive] or pairs:
        features = mood.bar_features(piece)
        x.append(scale.points(features, piece.expressive)[1])
        y.append(features[:, 0])
    arousal, tempo = np.concatenate(x), np.concatenate(y)
    there = np.isfinite(arousal)
    return round(float(np.polyfit(arousal[there], tempo[there], 1)[0]), 4)


def _typical(
    file: Path, pairs: list[tuple[sources.Source, Piece]], facts: dict[str, Any], scale: mood.Scale
) -> dict[str, float]:
    """Mean and spread of nats a note over excerpts of 16 bars of works that were not trained on."""
    model = read(file)
    nats = []
    for song in songs_of(pairs, facts["config"]["personas"], scale)[:40]:
        for begin in range(0, len(song.first) - 17, 32):
            rows = excerpt(song, begin, begin + 16, song.key)
            notes = int((rows["events"][:, 1] >= 0).sum())
            if notes < 48 or not song.played or song.ensemble:
                continue
            conditions = condition_vectors(model, rows, facts["config"]["personas"])
            nats.append(model.nats(rows["events"], conditions).sum() / notes)
    if len(nats) < 3:  # too small a corpus to say: the critic then trusts no difference
        return {"mean": round(float(np.mean(nats)), 4) if nats else 4.0, "spread": 1.0}
    return {"mean": round(float(np.mean(nats)), 4), "spread": round(max(float(np.std(nats)), 0.1), 4)}


def _short(this: dict[str, Any]) -> dict[str, Any]:
    """What the manifest keeps of a session: the settings that matter, never a folder of somebody's machine."""
    if "recipe" not in this:  # of an earlier release, from which this training started
        return this
    setting_names = ("length", "batch", "lr", "optimiser", "weight_decay", "dropout", "forget", "cooldown", "ema")
    return {
        "seconds": round(this["seconds"]),
        "machine": this["machine"],
        "precision": this["precision"],
        "processes": this["processes"],
        "torch": this["torch"],
        **{k: this["recipe"][k] for k in setting_names if k in this["recipe"]},
    }
