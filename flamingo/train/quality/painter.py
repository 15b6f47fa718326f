"""Which of two painters is better: by J, what they are trained on, over photos that no training has seen.

    c    content error at relu4_2 of VGG-19              s    mean of the style errors of the five layers
    J    c^2 + 20 * mean over the layers of s_l^2        mean over the pairs; "J any": for paintings never seen

The pairs are the same for both and on every machine: photos spread over the held-out ones, the styles in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file
from torch import Tensor

from flamingo import runtime
from flamingo.errors import BadInput, BadRequest
from flamingo.nn import losses, vgg
from flamingo.nn.style_encoder import STRIDE
from flamingo.painting.grain import grain
from flamingo.train import session
from flamingo.train.manifest import entry_of
from flamingo.train.painting.data import SUFFIXES, find_styles, load_painting
from flamingo.train.painting.holdout import for_testing
from flamingo.train.quality import Verdict, first, incomparable

Pixels = NDArray[np.float32]
_T = TypeVar("_T")

PAIRS = 24
SIZE = 256
_WEIGHT = 20.0
_SLACK = 1.02  # by so much J of any painting may be worse
_SIDE = 400  # of the paintings that the encoder is shown: the geometric mean of their sides


@dataclass(frozen=True)
class Ground:
    """What painters are judged by: folders of photos and of any paintings, of which the held-out ones are taken, and
    the folder of the named styles. pairs: photos with a style, and as many with any painting."""

    photos: Sequence[Path]
    styles: Path
    paintings: Sequence[Path] = ()
    pairs: int = PAIRS
    vgg: Path | None = None


class Painted:
    """A released painter in its folder, as its files are, whatever ships with this installation."""

    def __init__(self, weights: Path, model: str) -> None:
        entry = entry_of(weights, model)
        assert entry is not None
        self.version: str = entry["version"]
        files = {kind: weights / described["file"] for kind, described in entry["files"].items()}
        self.vectors = {k: v.astype(np.float32) for k, v in load_file(files["styles"]).items()}
        self._network = _network(files["onnx"])
        self.encoder = _network(files["encoder"]) if "encoder" in files else None

    def paint(self, photo: Pixels, vector: Pixels) -> Pixels:
        """photo (1, 3, h, w) in a style (S,), h and w multiples of 4: the 8-bit picture that would be saved."""
        noise = grain(0, 0, *photo.shape[2:])[None]
        painted = np.clip(self._network(photo=photo, vector=vector[None], grain=noise), 0, 1)
        return np.asarray(np.rint(painted * 255) / 255, np.float32)

    def encoded(self, painting: Pixels) -> Pixels:
        """The style vector (S,) of a painting (1, 3, h, w), h and w multiples of 32."""
        assert self.encoder is not None
        return np.asarray(self.encoder(painting=painting)[0])


def judge(staged: Path, weights: Path, model: str, ground: Ground) -> Verdict:
    """Compare the candidate in `staged` with what ships in `weights`. Raises BadRequest where there is no held-out
    photo to judge by, ModelMissing without VGG-19."""
    new = Painted(staged, model)
    shipped = Painted(weights, model) if entry_of(weights, model) else None
    eye = _Eye(ground)
    names = [s for s in eye.styles if s in new.vectors and (shipped is None or s in shipped.vectors)]
    figures = eye.figures(new, names)
    if shipped is None:
        return first(figures, model)
    if not names:
        return incomparable("they know no style in common", figures, {}, shipped.version)
    old = eye.figures(shipped, names)

    def verdict(better: bool, why: str) -> Verdict:
        return Verdict(better, why, figures, old, shipped.version)

    lost = [name for name in shipped.vectors if name not in new.vectors]
    if lost:
        return verdict(False, f"it does not know {', '.join(lost)}, which the shipped one does")
    if shipped.encoder is not None and new.encoder is None:
        return verdict(False, "it cannot paint like any painting, which the shipped one can")
    why = f"J {figures['J']:.3f} for {old['J']:.3f}"
    if "J any" in figures and "J any" in old:
        why += f", J any {figures['J any']:.3f} for {old['J any']:.3f}"
        if figures["J any"] > _SLACK * old["J any"]:
            return verdict(False, why)
    return verdict(figures["J"] < old["J"], why)


class _Eye:
    """VGG-19, the photos and the styles."""

    def __init__(self, ground: Ground) -> None:
        self.device = session.device("auto")
        self.vgg = vgg.load(ground.vgg).to(self.device)
        self.styles = {s.name: s.file for s in find_styles(ground.styles)}
        self.photos = _held_out(ground.photos, ground.pairs)
        if not self.photos:
            raise BadRequest(
                ", ".join(f.name for f in ground.photos), "no photo in it is held out to judge by", "add more photos"
            )
        self.paintings = _held_out(ground.paintings, ground.pairs)
        self.pairs = ground.pairs
        self._contents: dict[Path, Tensor] = {}
        self._grams: dict[Path, dict[str, Tensor]] = {}

    def figures(self, painter: Painted, names: Sequence[str]) -> dict[str, float]:
        """Means over the pairs; nothing of the named styles if there are none."""
        figures = self._mean(painter.paint, ((self.styles[n], painter.vectors[n]) for n in self._in_turn(names)))
        if painter.encoder is not None and self.paintings:
            files = self._in_turn(self.paintings)
            shown = ((file, painter.encoded(_read(file, STRIDE, _SIDE))) for file in files)
            figures |= {f"{k} any": v for k, v in self._mean(painter.paint, shown).items()}
        return figures

    def _in_turn(self, things: Sequence[_T]) -> list[_T]:
        return [things[i % len(things)] for i in range(self.pairs)] if things else []

    @torch.no_grad()
    def _mean(
        self, paint: Callable[[Pixels, Pixels], Pixels], styles: Iterator[tuple[Path, Pixels]]
    ) -> dict[str, float]:
        rows = []
        for i, (file, vector) in enumerate(styles):
            photo = self.photos[i % len(self.photos)]
            features = self.vgg(self._tensor(paint(_read(photo, 4), vector)))
            c2 = losses.content_error_squared(features, self._content(photo))
            s2 = losses.style_errors_squared(features, self._style(file))
            rows.append([float(c2 + _WEIGHT * s2.mean()), float(c2.sqrt()), float(s2.sqrt().mean())])
        return dict(zip(("J", "c", "s"), np.mean(rows, axis=0).tolist(), strict=True)) if rows else {}

    def _content(self, photo: Path) -> Tensor:
        """What VGG-19 sees in a photo; both painters need it."""
        if photo not in self._contents:
            layer = vgg.CONTENT_LAYER
            self._contents[photo] = self.vgg(self._tensor(_read(photo, 4)), [layer])[layer]
        return self._contents[photo]

    def _style(self, file: Path) -> dict[str, Tensor]:
        """The Gram matrices of a painting."""
        if file not in self._grams:
            painting = load_painting(file, SIZE).to(self.device)
            self._grams[file] = losses.grams(self.vgg(painting, vgg.STYLE_LAYERS))
        return self._grams[file]

    def _tensor(self, pixels: Pixels) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device)


def _held_out(folders: Sequence[Path], count: int) -> list[Path]:
    """Up to `count` readable held-out pictures, spread over their names."""
    files = {f.stem: f for folder in folders for f in sorted(folder.rglob("*")) if f.suffix.lower() in SUFFIXES}
    readable = []
    for file in sorted(for_testing(files.values()), key=lambda f: f.name):
        try:
            with Image.open(file) as opened:
                opened.load()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        readable.append(file)
    return [readable[int(i)] for i in np.linspace(0, len(readable) - 1, min(count, len(readable))).round()]


def _read(file: Path, stride: int, side: int = 0) -> Pixels:
    """(1, 3, h, w) in [0, 1] with sides that are multiples of `stride`: the longest `SIZE`, or their geometric mean
    about `side`. Raises BadInput."""
    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput(str(file), f"it cannot be read ({error})", "take it out of the folder") from error
    scale = side / (picture.width * picture.height) ** 0.5 if side else SIZE / max(picture.size)
    width, height = (max(2, round(v * scale / stride)) * stride for v in picture.size)
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS), np.float32) / np.float32(255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def _network(file: Path) -> Callable[..., Pixels]:
    """The first output of an ONNX file. Not flamingo.runtime's, which keeps what a file held when it was first read:
    here the files of a name change."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = runtime.threads() or 0
    ran = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    input_names = {tensor.name for tensor in ran.get_inputs()}  # painters of the first versions were given no grain
    return lambda **inputs: np.asarray(
        ran.run(None, {k: v for k, v in inputs.items() if k in input_names})[0], np.float32
    )
