"""The LSTM of the first systems, as it is run: `flamingo compose --model lstm:RUN`.

It is a baseline, to be heard beside the composer that ships: three LSTM layers of 512 that hear the last 100 events
and choose the likeliest next one (argmax), or draw it. It is told nothing of persona, mood, or how long the piece
will be; the grammar of events, which both networks are held to, keeps what it writes playable and ends it
(flamingo/composing/generation.py). It reads the checkpoint that `flamingo train compose --model lstm` leaves, and
computes in plain numpy what torch computes in training (flamingo/train/composing/networks.py); a test holds the two
together.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flamingo import provenance
from flamingo.composing import performance, timing, writing
from flamingo.composing.events import BAR_LINE
from flamingo.composing.generation import Drawn, Event
from flamingo.composing.instruments import instruments_of, played_by
from flamingo.composing.model import NUMBERS_OF_A_NOTE, Composer, one_thread
from flamingo.composing.options import ComposeOptions, Progress, SamplingOptions, SoundOptions, flag_of
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.composing.pipeline import files_of_variations, make_folder
from flamingo.composing.plan import Plan
from flamingo.composing.prompts import metre_of
from flamingo.composing.result import ComposeResult
from flamingo.composing.sampling import choose, mask_of
from flamingo.composing.timing import FASTEST, SLOWEST
from flamingo.errors import BadRequest, FlamingoError, ModelCorrupt, ModelMissing, show
from flamingo.files import sha256

Array = NDArray[Any]
WINDOW = 100
"""Events that it hears at once, as in its training."""
CHECKPOINT = "checkpoint.safetensors"
_TEMPO = 108.0
_ORDER = NUMBERS_OF_A_NOTE[:4]
_ARGMAX = SamplingOptions(temperature=0.0, guidance=1.0)


class LSTM(Composer):
    """A trained baseline."""

    def _trunk(self, d: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for i in range(self.layers):
            shapes |= {f"lstm.weight_{kind}_l{i}": (4 * d, d) for kind in ("ih", "hh")}
            shapes |= {f"lstm.bias_{kind}_l{i}": (4 * d,) for kind in ("ih", "hh")}
        return shapes

    def heard(self, rows: Array) -> Array:
        """(n, 4) events to (n, d) states, from each of which the event after it is predicted."""
        x, t = self.embed(rows), self._t
        for i in range(self.layers):
            inner = t[f"lstm.weight_hh_l{i}"]
            projected = x @ t[f"lstm.weight_ih_l{i}"].T + t[f"lstm.bias_ih_l{i}"] + t[f"lstm.bias_hh_l{i}"]
            hidden, cell = np.zeros(self.width, np.float32), np.zeros(self.width, np.float32)
            outputs = np.empty_like(x)
            for step, row in enumerate(projected):
                into, forget, new, out = np.split(row + inner @ hidden, 4)
                cell = _sigmoid(forget) * cell + _sigmoid(into) * np.tanh(new)
                hidden = _sigmoid(out) * np.tanh(cell)
                outputs[step] = hidden
            x = outputs
        return self._norm(x, "norm.weight")

    def write(
        self,
        seconds: float,
        *,
        bpm: float | None = None,
        key: Key | None = None,
        metre: Metre | None = None,
        sampling: SamplingOptions = _ARGMAX,
        seed: Any = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Piece:
        """A piece of so many seconds, by default in C major, 4/4, and the likeliest notes. bpm: quarters a minute,
        kept exactly; without it 108, moved so that whole bars fill the time. on_progress: called as (bars done,
        bars)."""
        metre, key = metre or Metre(4, 4), key or Key(0)
        bars, tempo, last = timing.whole(seconds, bpm or _TEMPO, metre, bpm is not None)
        plan = Plan({}, key, metre, tempo, bars, seconds, None, None, last=last)
        piece = Drawn(plan, np.random.default_rng(seed))
        piece.take((BAR_LINE, -1, -1, -1, -1))
        with one_thread():
            while not piece.finished:
                bar = piece.bar
                piece.take(self._next(piece, sampling))
                if on_progress and piece.bar != bar:
                    on_progress(piece.bar, bars)
        return piece.piece()

    def _next(self, piece: Drawn, sampling: SamplingOptions) -> Event:
        state = self.heard(piece.events[-WINDOW:].astype(np.int64))[-1:]
        chosen = np.full(4, -1, np.int64)
        for column, name in enumerate(_ORDER):
            logits = self.logits(name, state)[0]
            chosen[column] = choose(logits, mask_of(piece, name, chosen), piece.random, sampling)
            if column == 0 and chosen[0] == BAR_LINE:
                break
            if column < 3:
                state = self.add(state, name, chosen[column : column + 1])
        where, pitch, duration, velocity = chosen.tolist()
        return where, pitch, duration, velocity, -1


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def read(run: Path) -> LSTM:
    """The LSTM of a run folder (or of its checkpoint): the weights that did best on the validation works, or the
    averaged ones. Raises ModelMissing, ModelCorrupt, or BadRequest for a run of another model."""
    from safetensors import SafetensorError, safe_open

    file = run / CHECKPOINT if run.is_dir() else run
    if not file.is_file():
        hint = "name the --out of `flamingo train compose --model lstm`"
        raise ModelMissing(show(run), "there is no checkpoint of a training", hint)
    try:
        with safe_open(file, framework="numpy") as opened:
            facts = json.loads((opened.metadata() or {})["facts"])
            names = list(opened.keys())
            part = "best." if any(name.startswith("best.") for name in names) else "ema."
            tensors = {n.removeprefix(part): opened.get_tensor(n) for n in names if n.startswith(part)}
        if facts.get("config", {}).get("trunk") != "lstm":
            hint = "name a run of `flamingo train compose --model lstm`; a composer is released, then it composes"
            raise BadRequest(f"--model lstm:{show(run)}", "that run trained no LSTM", hint)
        return LSTM(tensors, facts)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, FlamingoError):
            raise
        raise ModelCorrupt(show(file), f"not the checkpoint of an LSTM ({error})", "train it again") from error


def run_of(model: str) -> Path:
    """The run folder in `--model lstm:RUN`. Raises BadRequest."""
    kind, colon, run = model.partition(":")
    if kind != "lstm" or not colon or not run:
        raise BadRequest(
            f"--model {model}", "only a baseline is named so", "write --model lstm:RUN, with a run folder"
        )
    return Path(run)


_KEPT = frozenset({
    "seconds", "key", "tempo", "metre", "instrument", "variations", "temperature", "top_p", "min_p", "humanise",
    "speed", "pitch", "soundfont", "room", "width", "loudness", "view", "seed", "output", "overwrite",
})  # fmt: skip
"""Options of `compose` that the baseline has."""


def compose(run: Path, *, on_progress: Progress | None = None, **choices: Any) -> list[ComposeResult]:
    """Have the LSTM of a run folder write pieces: as `flamingo.compose`, with those of its options that an LSTM can
    follow. temperature is 0 unless it is given: the likeliest note, as the first systems chose. Raises BadRequest for
    an option that it does not have, a ModelError, and what `flamingo.compose` raises."""
    usual = {option.name: option.default for option in fields(ComposeOptions)}
    for name, value in choices.items():
        if name not in _KEPT and value != usual.get(name):
            raise BadRequest(flag_of(name), "the LSTM is not told that", "leave it out, or leave --model out")
    options = {name: choices.get(name, usual[name]) for name in _KEPT}
    model = read(run)
    seed, many, instrument = options["seed"], options["variations"], options["instrument"]
    key = Key.parse(options["key"]) if options["key"] is not None else None
    metre = metre_of(options["metre"]) if options["metre"] is not None else None
    if not (timing.SHORTEST <= options["seconds"] <= timing.LONGEST):
        raise BadRequest(
            f"seconds {options['seconds']:g}", f"it is not from {timing.SHORTEST:g} to {timing.LONGEST:g}"
        )
    if options["tempo"] is not None and not SLOWEST <= options["tempo"] <= FASTEST:
        raise BadRequest(f"tempo {options['tempo']:g}", f"it is not from {SLOWEST:g} to {FASTEST:g}")
    temperature = choices.get("temperature", 0.0)
    sampling = SamplingOptions(temperature=temperature, top_p=options["top_p"], min_p=options["min_p"], guidance=1.0)
    names = instruments_of(instrument)
    output = options["output"]
    outputs = tuple(map(Path, [output] if isinstance(output, str | Path) else output)) if output else ()
    if not outputs:
        outputs = (Path("composed") / f"lstm-{seed}.mp3",)
        make_folder(outputs[0].parent)
    groups = files_of_variations(outputs, many)
    sound = SoundOptions(**{option.name: options[option.name] for option in fields(SoundOptions)})
    how = {"sound": sound, "overwrite": options["overwrite"], "view": options["view"]}
    never = [file for file in (options["soundfont"],) if file is not None]
    for file in (variation_file for group in groups for variation_file in group):
        writing.check(file, never=never, credited=True, **how)
    provenance.ready()
    results = []
    for i, group in enumerate(groups):
        begun = time.perf_counter()

        def report_bar(bar: int, bars: int, i: int = i) -> None:
            if on_progress:
                on_progress(i * 100 + 90 * bar // bars, many * 100, f"bar {bar} of {bars}")

        piece = model.write(
            options["seconds"], bpm=options["tempo"], key=key, metre=metre, sampling=sampling, seed=(seed, i),
            on_progress=report_bar,
        )  # fmt: skip
        piece = replace(piece, title=f"Piece in {piece.key.in_words}", persona="LSTM baseline")
        piece = _performed(piece, names, options, np.random.default_rng((seed, i, 99)))
        recipe = {
            "model": "lstm", "run_sha256": sha256(run / CHECKPOINT if run.is_dir() else run), "window": WINDOW,
            "variation": i, **{k: options[k] for k in sorted(_KEPT - {"output", "overwrite", "view", "variations"})},
            "temperature": temperature, "soundfont": sha256(options["soundfont"]) if options["soundfont"] else None,
        }  # fmt: skip
        written, error = _written(piece, group, provenance.Origin("compose", recipe, ()), never, how)
        point = model.scale.of(piece)
        seconds = time.perf_counter() - begun
        results.append(ComposeResult(piece, written, None, point, error=error, seconds=seconds, recipe=recipe))
    if on_progress:
        on_progress(many * 100, many * 100, "done")
    return results


def _performed(piece: Piece, names: list[str], options: Mapping[str, Any], random: np.random.Generator) -> Piece:
    piece = performance.humanised(piece, options["humanise"], random)
    if options["pitch"]:
        piece = piece.transposed(options["pitch"])
    if names != ["piano"]:
        piece = played_by(piece, names)
    return piece.at_speed(options["speed"]) if options["speed"] != 1 else piece


def _written(
    piece: Piece, group: tuple[Path, ...], origin: provenance.Origin, never: list[Path], how: Mapping[str, Any]
) -> tuple[tuple[Path, ...], FlamingoError | None]:
    written: list[Path] = []
    error: FlamingoError | None = None
    for file in group:
        try:
            writing.write(piece, file, never=never, origin=origin, **how)
            written.append(file)
        except FlamingoError as failed:
            error = error or failed
    return tuple(written), error
