"""Methods of painting beside each other, on photos and paintings that nothing was trained on.

    c, s1..s5, J   errors of VGG-19's activations and Gram matrices, as everywhere in these benches
    self           how far the photo's likenesses between places are kept: the mean difference of cosine distances at
                   relu3_1 and relu4_1 between 1,024 places, relative (Kolkin et al. 2019, STROTSS)
    CFSD           the same as a divergence of distributions of likeness, at relu3_1 (Chung et al. 2024, StyleID)
    SWD            x 100, sliced Wasserstein distance of 5 x 5 patches to the painting's, over 128 directions
    reach, cover   mean distance of the picture's patches to the nearest of the painting, and of the painting's to the
                   nearest of the picture: is it the painting's texture, and is all of it there
    CPU            seconds of the process, of both cores

Content errors punish any painting: relu4_2 alone cannot tell a picture that is painted over from one that is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _peers import ContestantError, paint_with_lite
from _pictures import Photo, Pixels, to_bytes, to_floats
from _report import Report
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo.vgg.network import VGG19

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = "relu4_2"
WEIGHT = 20.0
_PLACES = 1024
_PATCH, _DIRECTIONS, _SAMPLES = 5, 128, 20_000
_NEAREST = 4_000

Features = Mapping[str, NDArray[np.float32]]
Method = Callable[[Path, Path], Pixels]
Play = Callable[[dict[str, Any]], dict[str, Any]]

ONE_PASS = "one pass"


@dataclass(frozen=True)
class Row:
    """The figures of one picture."""

    c: float
    layers: tuple[float, ...]
    self_similarity: float
    cfsd: float
    swd: float
    reach: float
    cover: float
    cpu: float

    @property
    def objective(self) -> float:
        return float(self.c**2 + WEIGHT * np.mean(np.square(self.layers)))


class Judge:
    """VGG-19 and patches, for one photo and one painting."""

    def __init__(self, network: VGG19, photo: Pixels, painting: Pixels) -> None:
        self._network = network
        self._photo, self._painting = self._seen(photo), painting
        self._grams = {name: _gram(value) for name, value in self._seen(painting).items() if name in STYLE}
        rng = np.random.default_rng(0)
        shape = self._photo["relu3_1"].shape[2:], self._photo["relu4_1"].shape[2:]
        self._places = [rng.permutation(h * w)[:_PLACES] for h, w in shape]
        directions = rng.normal(size=(3 * _PATCH**2, _DIRECTIONS))
        self._directions = directions / np.linalg.norm(directions, axis=0)
        self._patches = _patches(painting)

    def figures(self, picture: Pixels, cpu: float) -> Row:
        picture = to_floats(to_bytes(picture))
        seen = self._seen(picture)
        content = self._photo[CONTENT]
        c = float(np.linalg.norm(seen[CONTENT] - content) / np.linalg.norm(content))
        layers = tuple(
            float(np.linalg.norm(_gram(seen[name]) - gram) / np.linalg.norm(gram))
            for name, gram in self._grams.items()
        )
        likeness = [
            (_likeness(self._photo[name], where), _likeness(seen[name], where))
            for name, where in zip(("relu3_1", "relu4_1"), self._places, strict=True)
        ]
        own = float(np.mean([np.abs(a - b).mean() / (1 - a).mean() for a, b in likeness]))
        patches = _patches(picture)
        reach, cover = _nearest(patches, self._patches), _nearest(self._patches, patches)
        return Row(c, layers, own, _divergence(*likeness[0]), self._sliced(patches), reach, cover, cpu)

    def _seen(self, picture: Pixels) -> Features:
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
        return self._network.forward(planes, [*STYLE, CONTENT])

    def _sliced(self, patches: Pixels) -> float:
        quantiles = np.linspace(0, 1, 257)
        mine, theirs = (np.quantile(p @ self._directions, quantiles, axis=0) for p in (patches, self._patches))
        return 100 * float(np.abs(mine - theirs).mean())


def _gram(value: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = value[0].reshape(value.shape[1], -1)
    return np.asarray(flat @ flat.T / flat.shape[1], np.float32)


def _likeness(value: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Cosines between places, (n, n)."""
    flat = value[0].reshape(value.shape[1], -1)[:, places]
    flat = flat / np.maximum(np.linalg.norm(flat, axis=0), 1e-6)
    return np.asarray(flat.T @ flat, np.float32)


def _divergence(photo: NDArray[np.float32], picture: NDArray[np.float32]) -> float:
    """Mean Kullback-Leibler divergence of each place's likenesses to all others, as softmax."""
    a, b = (np.exp(v) / np.exp(v).sum(axis=1, keepdims=True) for v in (photo, picture))
    return float((a * np.log(a / b)).sum(axis=1).mean() * 100)


def _nearest(patches: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The mean distance of some patches to the nearest of the others."""
    some = patches[:_NEAREST]
    squares = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * some @ others.T
    return float(np.sqrt(np.maximum(squares.min(axis=1), 0)).mean())


def _patches(picture: Pixels) -> NDArray[np.float32]:
    """Up to 20,000 patches, (n, 75), in an order that says nothing."""
    view = np.lib.stride_tricks.sliding_window_view(picture, (_PATCH, _PATCH), axis=(0, 1))
    flat = view.reshape(-1, 3 * _PATCH**2)
    return np.asarray(flat[np.random.default_rng(1).permutation(len(flat))[:_SAMPLES]], np.float32)


def methods(folder: Path, lite: Path | None, play: Play) -> dict[str, tuple[Method, bool]]:
    """By name, what paints a photo like a painting, both files, and whether it is slow."""

    def by(**how: Any) -> Method:
        def paint(photo: Path, painting: Path) -> Pixels:
            (result,) = flamingo.paint([photo], painting=painting, output=folder / "out.png", overwrite=True, **how)
            if result.error is not None:
                raise result.error
            return read(folder / "out.png")

        return paint

    def pastiche(photo: Path, painting: Path) -> Pixels:
        result = folder / "pastiche.png"
        play({"who": "pastiche", "photo": str(photo), "painting": str(painting), "steps": 100, "result": str(result)})
        with Image.open(result) as opened:
            return to_floats(np.asarray(opened.convert("RGB").resize(Image.open(photo).size)))

    ways: dict[str, tuple[Method, bool]] = {"photo itself": (lambda photo, _painting: read(photo), False)}
    if lite is not None:
        ways["lite"] = (lambda photo, painting: paint_with_lite(lite, read(photo), [painting])[0], False)
    return ways | {
        ONE_PASS: (by(method="painter"), False),
        "patches": (by(method="patches"), False),
        "one pass, finish 10": (by(method="painter", finish=10), True),
        "patches, finish 10": (by(method="patches", finish=10), True),
        "optimise 100": (by(method="optimise", steps=100), True),
        "pastiche 100": (pastiche, True),
    }


def _cpu() -> float:
    """Seconds of this process and of those that it waited for."""
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system


def read(file: Path) -> Pixels:
    with Image.open(file) as opened:
        return to_floats(np.asarray(opened.convert("RGB")))


def compare(
    report: Report, photos: Sequence[Photo], paintings: Sequence[Photo], *, lite: Path | None, play: Play, size: int,
    slow: int, folder: Path, sheets: Path | None,
) -> None:  # fmt: skip
    """Every method on every pair; the slow ones on the first few. sheets: a folder for the pictures."""
    network = VGG19.load()
    pairs = [(photo, paintings[i % len(paintings)]) for i, photo in enumerate(photos)]
    report.heading(f"Methods, longest side {size}")
    report.say(f"{len(pairs)} pairs of {len(photos)} photos and {len(paintings)} paintings, all held out")
    report.say(f"VGG-19: {network.source}")
    rows: dict[str, list[Row]] = {}
    todo, warm = methods(folder, lite, play), set[str]()
    with report.progress() as progress:
        task = progress.add_task("methods", total=len(pairs))
        for i, (photo, painting) in enumerate(pairs):
            progress.update(task, description=f"{photo.name} like {painting.name}")
            files = save(photo.read(size), folder / "photo.png"), save(painting.read(size), folder / "painting.png")
            judge = Judge(network, read(files[0]), read(files[1]))
            pictures = [read(files[1])]
            for name, (paint, is_slow) in todo.items():
                if is_slow and i >= slow:
                    continue
                try:
                    if name not in warm and not is_slow:
                        paint(*files)  # so that nothing is compiled or loaded while it is timed
                    warm.add(name)
                    begun = _cpu()
                    picture = paint(*files)
                except ContestantError as error:
                    report.leave_out(f"{name}, from {photo.name} on: {error}")
                    todo = {other: way for other, way in todo.items() if other != name}
                    continue
                rows.setdefault(name, []).append(judge.figures(picture, _cpu() - begun))
                pictures.append(picture)
            if sheets is not None:
                save(beside(pictures), sheets / f"{i:02d}-{Path(photo.name).stem}-{Path(painting.name).stem}.jpg")
            report.figures["methods"] = {
                "size": size,
                "pairs": [[photo.name, painting.name] for photo, painting in pairs[: i + 1]],
                "figures": {name: [vars(row) for row in list_of] for name, list_of in rows.items()},
            }
            report.save()  # it takes an hour
            progress.advance(task)
    show(report, rows)


def save(picture: Pixels, file: Path) -> Path:
    Image.fromarray(to_bytes(picture)).save(file, quality=92)
    return file


def beside(pictures: Sequence[Pixels]) -> Pixels:
    """Pictures in a row, at full size."""
    high = max(len(p) for p in pictures)
    gap = 6
    rows = [np.pad(p, ((0, high - len(p)), (0, gap), (0, 0)), constant_values=1) for p in pictures]
    return np.concatenate(rows, axis=1)


def show(report: Report, rows: Mapping[str, Sequence[Row]]) -> None:
    """The means, and on how many pairs each method's patches are nearer to the painting's than one pass's."""
    head = (
        "method",
        "pairs",
        "c",
        "self",
        "CFSD",
        "s1",
        "s2",
        "s3",
        "s4",
        "s5",
        "J",
        "SWD",
        "reach",
        "cover",
        "CPU s",
    )
    table: list[tuple[str, ...]] = []
    for name, list_of in rows.items():
        mean = [float(np.mean([getattr(row, key) for row in list_of])) for key in ("c", "self_similarity", "cfsd")]
        layers = np.mean([row.layers for row in list_of], axis=0)
        rest = [
            float(np.mean([getattr(row, key) for row in list_of])) for key in ("objective", "swd", "reach", "cover")
        ]
        cpu = float(np.median([row.cpu for row in list_of]))
        table.append((name, str(len(list_of)), *(f"{v:.2f}" for v in (*mean, *layers, *rest)), f"{cpu:.1f}"))
    report.table(head, table)
    ones = rows.get(ONE_PASS, [])
    for name, list_of in rows.items():
        if name in (ONE_PASS, "photo itself") or not ones:
            continue
        pairs = list(zip(list_of, ones, strict=False))
        wins = sum(mine.swd < theirs.swd for mine, theirs in pairs)
        ratio = np.mean([mine.swd for mine, _ in pairs]) / np.mean([theirs.swd for _, theirs in pairs])
        report.say(f"{name}: SWD {ratio:.2f} of one pass's, lower on {wins} of {len(pairs)} pairs")
