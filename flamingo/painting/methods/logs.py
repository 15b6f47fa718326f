"""Where the losses of a run go: JSON lines, TensorBoard, a table for a terminal, a strip of snapshots.

Each writer is an `on_step` callback for `optimise`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from flamingo.errors import MissingExtra
from flamingo.files import check_target
from flamingo.images import Picture
from flamingo.images.picture import resize
from flamingo.lettering import fitted, font
from flamingo.painting.methods.settings import Step

_PAPER, _INK = (250, 249, 246), (40, 38, 36)


class JsonLines:
    """One JSON object a logged step, appended as it happens, so that an interrupted run keeps its losses.

    Raises an OutputError where the file may not be written; a file that is there is gone on with if `append`.
    """

    def __init__(self, file: Path, *, every: int = 1, append: bool = False) -> None:
        check_target(file, overwrite=append)
        self._file, self._every = file, every

    def __call__(self, step: Step) -> None:
        if step.step % self._every == 0 or step.step == step.steps - 1:
            with self._file.open("a", encoding="utf-8") as opened:
                opened.write(json.dumps(step.as_dict()) + "\n")


class TensorBoard:
    """Losses and snapshots as TensorBoard shows them, in a folder. Raises MissingExtra if it is not installed."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtra.of("losses for TensorBoard", "tensorboard", "train") from None
        self._writer: Any = SummaryWriter(str(folder))

    def __call__(self, step: Step) -> None:
        scalars = {"objective": step.objective, "content": step.content, "style": step.style, "tv": step.tv}
        scalars |= {f"style/{name}": value for name, value in step.layers.items()}
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step.step)
        if step.picture is not None:
            self._writer.add_image("picture", step.picture, step.step, dataformats="HWC")

    def close(self) -> None:
        """Write out what is waiting."""
        self._writer.close()


def all_of(*callbacks: Callable[[Step], None] | None) -> Callable[[Step], None]:
    """One callback of several; None is left out."""

    def call(step: Step) -> None:
        for callback in callbacks:
            if callback is not None:
                callback(step)

    return call


def lines(table: Iterable[Step]) -> list[str]:
    """The losses as the old systems printed them: a line a logged step."""
    return [
        f"step {s.step:5d}  {s.width}x{s.height}"
        f"  style {s.style:.6g}  content {s.content:.6g}  tv {s.tv:.6g}  total {s.objective:.6g}"
        for s in table
    ]


def strip(snapshots: Sequence[Step], tile: int = 256) -> Picture:
    """The snapshots side by side, each `tile` pixels wide, with step and objective beneath. Needs at least one."""
    shown = [s for s in snapshots if s.picture is not None]
    height = max(round(tile * s.height / s.width) for s in shown)
    face, gap = ImageFont.truetype(font(), 15), 8
    page = Image.new("RGB", (len(shown) * (tile + gap) + gap, height + 2 * gap + 24), _PAPER)
    draw = ImageDraw.Draw(page)
    for i, step in enumerate(shown):
        assert step.picture is not None
        small = resize(step.picture, round(tile * step.height / step.width), tile)
        left = gap + i * (tile + gap)
        page.paste(Image.fromarray((small * 255 + 0.5).astype(np.uint8)), (left, gap))
        text = fitted(draw, f"step {step.step}, {step.width} px: {step.objective:.4g}", face, tile)
        draw.text((left, gap + height + 4), text, _INK, face)
    return Picture(rgb=np.asarray(page, np.float32) / np.float32(255))
