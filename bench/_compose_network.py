"""The sections of bench/compose.py that ask the network itself: how well it foresees music that people wrote, what
its critic is good for, and how fast it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _compose_figures import distance, human_scale
from _compose_pieces import beside
from _compose_pool import Pool, note
from _report import Report

from flamingo.composing import rerank
from flamingo.composing.form_measures import distance_from_people
from flamingo.composing.model import NUMBERS_OF_A_NOTE
from flamingo.composing.options import SamplingOptions
from flamingo.composing.plan import settle
from flamingo.composing.sampling import draw
from flamingo.composing.writing import sound
from flamingo.train.composing.windows import condition_vectors, excerpt
from flamingo.train.corpus.songs import Song, songs_of

FIELDS = (*NUMBERS_OF_A_NOTE, "all")


# ---------------------------------------------------------------------- likelihood
def likelihood(report: Report, pool: Pool, lstm: Path | None) -> None:
    """Nats a note of held-out works, for counts, the LSTM and the composer."""
    report.heading("Likelihood of held-out works, nats a note (lower is better)")
    model = pool.model
    tests = songs_of(pool.split("test", keyboard=False), model.personas, model.scale)
    if pool.pieces < 100:
        tests = tests[:: max(1, len(tests) // max(2, pool.pieces // 4))]
    count = sum(len(song.events) for song in tests)
    found = {"n-gram": _ngram(pool, tests)}
    if lstm is None:
        report.leave_out("the LSTM: name its training run with --lstm")
    else:
        found["LSTM, 3 x 512, window 100"] = _lstm(lstm, tests)
    note("likelihood: the composer")
    found["Flamingo"] = _ours(pool, tests)
    report.table(
        ["model", *FIELDS], [[name, *(f"{row.get(f, 0.0):.3f}" for f in FIELDS)] for name, row in found.items()]
    )
    report.say(f"{len(tests)} works of the test side, {count} events; velocities count where a player gave them")
    report.figures["likelihood"] = found
    ours = found["Flamingo"]["all"]
    for name, row in found.items():
        if name != "Flamingo":
            report.goal(f"nats a note below those of {name}", f"< {row['all']:.3f}", f"{ours:.3f}", ours < row["all"])


def _ngram(pool: Pool, tests: Sequence[Song]) -> dict[str, float]:
    from flamingo.train.composing import ngram

    note("likelihood: counting n-grams")
    counts = ngram.NGram()
    for song in songs_of(pool.split("train", keyboard=False), pool.model.personas, pool.model.scale):
        counts.learn(excerpt(song, 0, len(song.first) - 1, song.key)["events"])
    return ngram.nats_a_note(counts, list(tests))


def _lstm(run: Path, tests: Sequence[Song]) -> dict[str, float]:
    import _lstm
    import torch

    from flamingo.train.composing.loop import nats_a_note

    note("likelihood: LSTM")
    # It is told nothing, and may have been trained with other personas.
    return nats_a_note(
        _lstm.load(run), [replace(song, persona=-1) for song in tests], _lstm.WINDOW, torch.device("cpu")
    )


def _ours(pool: Pool, tests: Sequence[Song]) -> dict[str, float]:
    """With the network as it is run: numpy, 16-bit weights."""
    total, notes = np.zeros(len(NUMBERS_OF_A_NOTE)), 0
    for song in tests:
        rows = excerpt(song, 0, len(song.first) - 1, song.key)
        nats = pool.model.nats(rows["events"], condition_vectors(pool.model, rows, pool.model.personas))
        if not song.played:
            nats[:, 3] = 0
        total += nats.sum(0)
        notes += int((rows["events"][1:, 1] >= 0).sum())
    each = (total / max(notes, 1)).tolist()
    return dict(zip(FIELDS, [*each, sum(each)], strict=True))


# ---------------------------------------------------------------------- critic
def best_of(report: Report, pool: Pool, draws: int = 8) -> None:
    """Whether the best of eight, as the critic sees it, is nearer to what people write than any one of them."""
    count = max(2, pool.pieces // 10)
    report.heading(f"The critic: --best {draws} against --best 1, {count} pieces")
    groups = pool.several(count, draws)
    bars = int(np.median([m.plan.bars for g in groups for m in g]))
    people = beside(pool, bars)
    if len(people) < 2:
        report.leave_out("the critic, for there is too little held-out music to compare with")
        return
    scale = human_scale(people)
    far = np.array([[distance(m.piece, scale) for m in g] for g in groups])
    score = np.array([[rerank.score(m.drawn, pool.model) for m in g] for g in groups])
    form = np.array([[distance_from_people(m.piece) for m in g] for g in groups])
    original = np.array([[pool.index.report(m.piece).original for m in g] for g in groups])
    pick = score.argmax(1)
    rows = np.arange(len(groups))
    gain = far.mean(1) - far[rows, pick]
    error = float(gain.std(ddof=1) / np.sqrt(count))
    human = float(np.mean([distance(piece, scale) for piece in people]))
    within = float(np.mean([np.corrcoef(a, -b)[0, 1] for a, b in zip(score, far, strict=True)]))
    found = {
        "distance, one draw": float(far.mean()),
        f"distance, best of {draws}": float(far[rows, pick].mean()),
        f"distance, nearest of {draws} (no critic could do better)": float(far.min(1).mean()),
        "distance, people's excerpts": human,
        "distance in form, one draw": float(form.mean()),
        f"distance in form, best of {draws}": float(form[rows, pick].mean()),
        "distance in form, people's excerpts": float(np.mean([distance_from_people(piece) for piece in people])),
        "gain": float(gain.mean()),
        "standard error of the gain": error,
        "correlation of score and nearness": within,
        "original, one draw": float(original.mean()),
        f"original, best of {draws}": float(original[rows, pick].mean()),
    }
    report.table(["figure", "value"], [[name, f"{value:.3f}"] for name, value in found.items()])
    report.say("distance: how many human standard deviations off the human mean, averaged over 16 measures")
    report.figures["critic"] = {"pieces": count, "draws": draws, **found}
    report.goal(
        f"--best {draws} is nearer to people's music than --best 1",
        "gain > 2 standard errors",
        f"{gain.mean():+.3f} ± {error:.3f}",
        bool(gain.mean() > 2 * error),
    )


# ---------------------------------------------------------------------- speed
_FRESH = """
import json, sys, time
begun = time.perf_counter()
import flamingo
imported = time.perf_counter()
from flamingo.composing.model import Composer
model = Composer.load()
loaded = time.perf_counter()
import psutil
from pathlib import Path
def peak():
    # getrusage would begin with the peak of the process that this one was forked from.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
    except OSError:
        return psutil.Process().memory_info().rss / 1e6
before = peak()
flamingo.compose(seconds=30, output=Path(sys.argv[1]), overwrite=True)
print(json.dumps({"import, s": imported - begun, "load, s": loaded - imported, "memory, loaded, MB": before,
                  "30 s to mp3 thereafter, s": time.perf_counter() - loaded, "memory, peak, MB": peak()}))
"""


def speed(report: Report, pool: Pool, folder: Path, *, rounds: int = 3) -> None:
    """One thread: drawing one piece and eight together, rendering, loading."""
    report.heading("Speed, one thread")
    found: dict[str, Any] = {}
    rows = []
    for together in (1, 8):
        every = [_drawing(pool, together, seed) for seed in range(rounds)]
        best = max(every, key=lambda one: one["times real time"])
        found[f"{together} at once"] = {"best": best, "every": every}
        rows.append([f"{together} at once", *(f"{best[k]:.1f}" for k in best)])
    report.table(["drawn", *found["1 at once"]["best"]], rows)
    made = pool.plain[0].piece
    sound.encode(sound.render(made), 44100, "mp3")  # the first time is dearer: libraries are loaded
    begun = time.perf_counter()
    samples = sound.render(made)
    rendered = time.perf_counter()
    data = sound.encode(samples, 44100, "mp3")
    encoded = time.perf_counter()
    lasts = float(made.seconds())
    found["render"] = {
        "rendering, times real time": lasts / (rendered - begun),
        "rendering and mp3, times real time": lasts / (encoded - begun),
        "kB": len(data) / 1e3,
        "sound lasts longer than asked by, s": len(samples) / 44100 - pool.plain[0].plan.seconds,
    }
    found["fresh process"] = _fresh(folder / "speed.mp3")
    table = {**found["render"], **found["fresh process"]}
    report.table(["figure", "value"], [[name, f"{value:.2f}"] for name, value in table.items()])
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    report.say(f"load of the machine {load:.1f}; the best of {rounds} rounds")
    report.figures["speed"] = found
    one = found["1 at once"]["best"]["times real time"]
    report.goal("one piece faster than real time, one thread", "≥ 8 times", f"{one:.1f} times", one >= 8)


def _drawing(pool: Pool, together: int, seed: int) -> Mapping[str, float]:
    random = np.random.default_rng((pool.seed, 7, seed))
    plans = [settle(pool.model, random, personas={pool.favourites[0]: 1.0}, seconds=30.0) for _ in range(together)]
    begun = time.perf_counter()
    drawn = draw(pool.model, plans, list(range(together)), SamplingOptions())
    spent = time.perf_counter() - begun
    return {
        "events/s": sum(len(d.rows) for d in drawn) / spent,
        "times real time": sum(p.seconds for p in plans) / spent,
        "seconds": spent,
    }


def _fresh(output: Path) -> dict[str, float]:
    """What a new process needs."""
    done = subprocess.run(
        [sys.executable, "-c", _FRESH, str(output)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    if done.returncode:
        note(done.stderr)
        return {}
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer
