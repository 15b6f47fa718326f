"""Methods of painting beside each other, on photos and paintings that nothing was trained on.

    c, s1..s5, J   errors of VGG-19's activations and Gram matrices, as everywhere in these benches
    self           how far the photo's likenesses between places are kept: the mean difference of cosine distances at
                   relu3_1 and relu4_1 between 1,024 places, relative (Kolkin et al. 2019, STROTSS)
    CFSD           the same as a divergence of distributions of likeness, at relu3_1 (Chung et al. 2024, StyleID)
    SWD            x 100, sliced Wasserstein distance of 5 x 5 patches to the painting's, over 128 directions
    reach, cover   mean distance of the picture's patches to the nearest of the painting, and of the painting's to the
                   nearest of the picture: is it the painting's texture, and is all of it there
    CPU            seconds of the process, of both cores

What surrounds a painting on its scan, a plain border, is cut off before anybody sees it: it is none of the painting.
Content errors punish any painting: relu4_2 alone cannot tell a picture that is painted over from one that is lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _peers import ContestantError, paint_with_lite
from _pictures import Photo, Pixels, spread, to_bytes, to_floats
from _report import Report
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo.images.picture import resize
from flamingo.painting.borders import without_border
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

ONE_PASS, PATCHES = "one pass", "patches"
FINISHED_PASS, FINISHED_PATCHES = "one pass, finish 10", "patches, finish 10"


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


@dataclass(frozen=True)
class Contestant:
    """What paints a photo like a painting, both files, and on how many of the pairs it does; None for all."""

    paint: Method
    pairs: int | None = None

    def takes(self, pair: int, count: int) -> bool:
        """Whether this is one of its pairs, which are at even distances."""
        return self.pairs is None or pair in spread(range(count), self.pairs)


def contestants(
    folder: Path, lite: Path | None, play: Play, *, named: bool, finished: int, slow: int
) -> dict[str, Contestant]:
    """By name. named: the paintings are those of named styles, whose names their files have. finished: pairs for
    what is finished; slow: for what takes minutes."""

    def by(**how: Any) -> Method:
        def paint(photo: Path, painting: Path) -> Pixels:
            style: dict[str, Any] = {"style": painting.stem} if named else {"painting": painting}
            (result,) = flamingo.paint([photo], output=folder / "out.png", overwrite=True, **style, **how)
            if result.error is not None:
                raise result.error
            return read(folder / "out.png")

        return paint

    def pastiche(photo: Path, painting: Path) -> Pixels:
        result = folder / "pastiche.png"
        play({"who": "pastiche", "photo": str(photo), "painting": str(painting), "steps": 100, "result": str(result)})
        with Image.open(result) as opened:
            return to_floats(np.asarray(opened.convert("RGB").resize(Image.open(photo).size)))

    all_of_them = {"photo itself": Contestant(lambda photo, _painting: read(photo))}
    if lite is not None:
        all_of_them["lite"] = Contestant(lambda photo, painting: paint_with_lite(lite, read(photo), [painting])[0])
    return all_of_them | {
        ONE_PASS: Contestant(by(method="painter")),
        PATCHES: Contestant(by(method="patches")),
        FINISHED_PATCHES: Contestant(by(method="patches", finish=10), finished),
        FINISHED_PASS: Contestant(by(method="painter", finish=10), finished if named else slow),
        "optimise 50": Contestant(by(method="optimise", steps=50), slow),
        "optimise 100": Contestant(by(method="optimise", steps=100), slow),
        "pastiche 100": Contestant(pastiche, slow),
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
    named: bool, finished: int, slow: int, folder: Path, sheets: Path | None,
) -> None:  # fmt: skip
    """Every method on every pair; the slow ones on some, at even distances. sheets: a folder for the pictures. What
    the report's file has of an earlier run with the same pairs is not measured again."""
    network = VGG19.load()
    pairs = [(photo, paintings[i % len(paintings)]) for i, photo in enumerate(photos)]
    report.heading(f"Methods, longest side {size}")
    held_out = "named styles" if named else "paintings, all held out"
    report.say(f"{len(pairs)} pairs of {len(photos)} photos, held out, and {len(paintings)} {held_out}")
    report.say(f"VGG-19: {network.source}")
    names = [[photo.name, painting.name] for photo, painting in pairs]
    rows = _earlier(report, size, names)
    todo, warm = contestants(folder, lite, play, named=named, finished=finished, slow=slow), set[str]()
    with report.progress() as progress:
        task = progress.add_task("methods", total=len(pairs))
        for i, (photo, painting) in enumerate(pairs):
            progress.update(task, description=f"{photo.name} like {painting.name}")
            painting_file = folder / f"{Path(painting.name).stem}.png"
            files = save(photo.read(size), folder / "photo.png"), save(_cut(painting, size), painting_file)
            judge = Judge(network, read(files[0]), read(files[1]))
            pictures = [read(files[1])]
            for name, contestant in todo.items():
                done = rows.setdefault(name, {})
                if i in done or not contestant.takes(i, len(pairs)):
                    continue
                try:
                    if name not in warm and contestant.pairs is None:
                        contestant.paint(*files)  # so that nothing is compiled or loaded while it is timed
                    warm.add(name)
                    begun = _cpu()
                    picture = contestant.paint(*files)
                except ContestantError as error:
                    report.leave_out(f"{name}, from {photo.name} on: {error}")
                    todo = {other: way for other, way in todo.items() if other != name}
                    continue
                done[i] = judge.figures(picture, _cpu() - begun)
                pictures.append(picture)
            if sheets is not None and len(pictures) > 1:
                save(beside(pictures), sheets / f"{i:02d}-{Path(photo.name).stem}-{Path(painting.name).stem}.jpg")
            report.figures["methods"] = {
                "size": size,
                "pairs": names,
                "figures": {name: {n: vars(row) for n, row in done.items()} for name, done in rows.items()},
            }
            report.save()  # it takes an hour
            progress.advance(task)
    show(report, rows, named=named)


def _earlier(report: Report, size: int, names: list[list[str]]) -> dict[str, dict[int, Row]]:
    """What was measured before, by method and pair."""
    if report.file is None or not report.file.exists():
        return {}
    before = json.loads(report.file.read_text(encoding="utf-8")).get("methods", {})
    if before.get("size") != size or before.get("pairs") != names:
        return {}
    return {
        name: {int(i): Row(**{**row, "layers": tuple(row["layers"])}) for i, row in done.items()}
        for name, done in before["figures"].items()
    }


def _cut(painting: Photo, size: int) -> Pixels:
    """A painting without its scan's border, the longest side `size`."""
    whole = painting.read(size)
    inner = whole[without_border(whole)]
    if inner.shape == whole.shape:
        return whole
    scale = size / max(inner.shape[:2])
    height, width = (round(side * scale) for side in inner.shape[:2])
    return to_floats(to_bytes(resize(np.ascontiguousarray(inner), height, width)))


def save(picture: Pixels, file: Path) -> Path:
    Image.fromarray(to_bytes(picture)).save(file, quality=92)
    return file


def beside(pictures: Sequence[Pixels]) -> Pixels:
    """Pictures in a row, at full size."""
    high = max(len(p) for p in pictures)
    gap = 6
    rows = [np.pad(p, ((0, high - len(p)), (0, gap), (0, 0)), constant_values=1) for p in pictures]
    return np.concatenate(rows, axis=1)


def show(report: Report, rows: Mapping[str, Mapping[int, Row]], *, named: bool) -> None:
    """The means, how each method's patches are beside one pass's, and the goals."""
    keys = ("c", "self_similarity", "cfsd"), ("objective", "swd", "reach", "cover")
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
    for name, by_pair in rows.items():
        if done := list(by_pair.values()):
            first, last = ([float(np.mean([getattr(row, key) for row in done])) for key in part] for part in keys)
            layers = np.mean([row.layers for row in done], axis=0)
            figures = [f"{v:.2f}" for v in (*first, *layers, *last)]
            table.append((name, str(len(done)), *figures, f"{np.median([row.cpu for row in done]):.1f}"))
    report.table(head, table)
    ones = rows.get(ONE_PASS, {})
    for name, by_pair in rows.items():
        both = by_pair.keys() & ones.keys()
        if name in (ONE_PASS, "photo itself") or not both:
            continue
        ratio, wins = _beside(by_pair, ones)
        report.say(f"{name}: SWD {ratio:.2f} of one pass's, lower on {wins} of {len(both)} pairs")
        if name == FINISHED_PATCHES and not named:
            least = -(-len(both) * 5 // 6)
            report.goal("SWD of finished patches, of one pass's", "<= 0.70", f"{ratio:.2f}", ratio <= 0.7)
            report.goal("pairs where it is lower", f">= {least}", f"{wins} of {len(both)}", wins >= least)
    _goals(report, rows, named=named)


def _goals(report: Report, rows: Mapping[str, Mapping[int, Row]], *, named: bool) -> None:
    if patches := rows.get(PATCHES):
        cpu = float(np.median([row.cpu for row in patches.values()]))
        report.goal("patches, CPU seconds", "<= 4", f"{cpu:.1f}", cpu <= 4)
    finished = {name: rows[name] for name in (FINISHED_PASS, FINISHED_PATCHES) if rows.get(name)}
    most = 1.5 if named else 2.2
    for name, by_pair in finished.items():
        objective = float(np.mean([row.objective for row in by_pair.values()]))
        report.goal(f"{name}: J", f"<= {most}", f"{objective:.2f}", objective <= most)
        fifty = rows.get("optimise 50", {})
        if both := by_pair.keys() & fifty.keys():
            mine, theirs = (float(np.mean([some[i].objective for i in both])) for some in (by_pair, fifty))
            what = f"{name}: J beside 50 L-BFGS steps from the photo, {len(both)} pairs"
            report.goal(what, f"<= {theirs:.2f}", f"{mine:.2f}", mine <= theirs)


def _beside(mine: Mapping[int, Row], ones: Mapping[int, Row]) -> tuple[float, int]:
    """The ratio of mean sliced Wasserstein distances, and on how many pairs the first is lower."""
    pairs = [(mine[i].swd, ones[i].swd) for i in sorted(mine.keys() & ones.keys())]
    own, theirs = np.array(pairs).T
    return float(own.mean() / theirs.mean()), int((own < theirs).sum())
