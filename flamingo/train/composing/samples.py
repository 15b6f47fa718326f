"""What a training leaves to listen to and look at as it runs: one short piece, as MIDI, sound and piano roll."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from flamingo.composing.model import Composer
from flamingo.composing.piece import Key, Metre
from flamingo.composing.plan import Plan
from flamingo.composing.sampling import Dice, draw
from flamingo.composing.writing import roll
from flamingo.composing.writing.midi import to_midi
from flamingo.images import to_bytes
from flamingo.train.composing.networks import ComposerNet

_BARS, _BPM = 12, 108.0


def leave(net: ComposerNet, facts: dict[str, Any], out: Path, step: int, writer: Any) -> None:
    """Draw twelve bars in C major in the first persona's manner, always with the same seed, so that samples of
    different steps can be compared. Writes sample-STEP.mid and .png, and events for TensorBoard."""
    model = Composer({k: v.detach().cpu().float().numpy() for k, v in net.state_dict().items()}, facts)
    seconds = _BARS * 4 * 60 / _BPM
    who = {model.personas[0]: 1.0} if model.personas else {}
    plan = Plan(who, Key(0), Metre(4, 4), _BPM, _BARS, seconds, None, None)
    piece = replace(draw(model, [plan], [0], Dice())[0].piece(), title=f"Step {step}", persona=", ".join(who))
    (out / f"sample-{step:07d}.mid").write_bytes(to_midi(piece))
    picture = roll.draw(piece)
    (out / f"sample-{step:07d}.png").write_bytes(to_bytes(picture, "png")[0])
    if writer is None:
        return
    from flamingo.composing.writing.sound import render

    writer.add_image("piano roll", np.round(picture.rgb * 255).astype(np.uint8), step, dataformats="HWC")
    writer.add_audio("sample", render(piece).mean(1)[None], step, sample_rate=44_100)
