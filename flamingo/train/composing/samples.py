"""What a training leaves to listen to and look at as it runs: one short piece, as MIDI, sound and piano roll."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from flamingo.composing import baseline
from flamingo.composing.model import Composer
from flamingo.composing.options import SamplingOptions
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.composing.plan import Plan
from flamingo.composing.sampling import draw
from flamingo.composing.writing import roll
from flamingo.composing.writing.midi import to_midi
from flamingo.files import put
from flamingo.images import to_bytes
from flamingo.train.composing.networks import ComposerNet

_BARS, _BPM = 12, 108.0
RATE = 44_100


def leave(net: ComposerNet, facts: dict[str, Any], out: Path, step: int, writer: Any) -> None:
    """Draw twelve bars, always with the same seed, so that samples of different steps can be compared: of a composer
    in C major in the first persona's manner, of the LSTM as it likes. Writes sample-STEP.mid, .png and .mp3, and
    events for TensorBoard."""
    from flamingo.composing.writing.sound import encode, render

    piece = replace(_drawn(net, facts), title=f"Step {step}")
    put(to_midi(piece), out / f"sample-{step:07d}.mid", overwrite=True)
    picture = roll.draw(piece)
    put(to_bytes(picture, "png")[0], out / f"sample-{step:07d}.png", overwrite=True)
    heard = render(piece, rate=RATE)
    put(encode(heard, RATE, "mp3"), out / f"sample-{step:07d}.mp3", overwrite=True)
    if writer is None:
        return
    writer.add_image("piano roll", np.round(picture.rgb * 255).astype(np.uint8), step, dataformats="HWC")
    writer.add_audio("sample", heard.mean(1)[None], step, sample_rate=RATE)


def _drawn(net: ComposerNet, facts: dict[str, Any]) -> Piece:
    tensors = {k: v.detach().cpu().float().numpy() for k, v in net.state_dict().items()}
    seconds = _BARS * 4 * 60 / _BPM
    if net.config.trunk == "lstm":
        return baseline.LSTM(tensors, facts).write(seconds, bpm=_BPM)
    model = Composer(tensors, facts)
    who = {model.personas[0]: 1.0} if model.personas else {}
    plan = Plan(who, Key(0), Metre(4, 4), _BPM, _BARS, seconds, None, None)
    return replace(draw(model, [plan], [0], SamplingOptions())[0].piece(), persona=", ".join(who))
