"""The painter: one convolutional network that paints a photo in the manner that a style vector describes.

The style vector changes nothing but the scale and shift of the instance normalisations (Dumoulin et al. 2017,
"A Learned Representation for Artistic Style"; predicted from a vector as in Ghiasi et al. 2017). So a named
style, a mix of styles and a strength are all vectors, and one network serves them all.

Two things are ours. *The zero vector is the plain photo*: strength is the length of the vector. And the network
holds a gate, computed from the vector, between the photo itself and what it paints, without which instance
normalisation (which throws the contrast of the photo away) could not give the photo back.

Upsampling is nearest neighbour followed by a convolution and every convolution pads by reflection (Odena et
al. 2016, "Deconvolution and Checkerboard Artifacts"), so there is neither a checkerboard nor a dark frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.style_encoder import EncoderConfig, StyleEncoder, with_eye

# Dilation of the first convolution of each residual block. Strokes and swirls of a painting at 512 px span a
# hundred pixels; this widens the field of view from about 110 to 150 px at no cost. The second convolution of a
# block is plain, which smooths the grid that dilation alone would leave.
_DILATIONS = (1, 2, 4, 2, 1)

_COMMON = 4.0  # First coordinate of every style vector at the start: "this is a painting".

EPS = 1e-5  # of the instance normalisations

STRIDE = 4  # Photo sides given to the network are multiples of this (the runtime pads and crops).


@dataclass(frozen=True)
class PainterConfig:
    """The one definition of which `fast`, `fine` and the tests' `debug` are sizes.

    full, half, quarter: channels at full, 1/2 and 1/4 of the photo's resolution. `full = 0` leaves the
    full-resolution stage out: the first convolution strides, the last one follows an upsampling.
    blocks: residual blocks at quarter resolution. vector: length of the style vector.
    """

    full: int
    half: int
    quarter: int
    blocks: int
    vector: int = 128

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


SIZES = {
    "fine": PainterConfig(full=16, half=48, quarter=96, blocks=5),
    "fast": PainterConfig(full=0, half=32, quarter=64, blocks=4),
    "debug": PainterConfig(full=0, half=4, quarter=8, blocks=1, vector=8),
}
ENCODERS = {"fine": EncoderConfig(), "fast": EncoderConfig(), "debug": EncoderConfig(axes=4, hidden=16, layers=2)}


class _Conv(nn.Module):
    """Convolution that pads by reflection, after an optional nearest-neighbour upsampling by two."""

    def __init__(
        self, cin: int, cout: int, kernel: int, stride: int = 1, up: bool = False, dilation: int = 1
    ) -> None:
        super().__init__()
        self.up = up
        self.pad = dilation * (kernel // 2)
        self.conv = nn.Conv2d(cin, cout, kernel, stride, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        if self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        p = self.pad
        out: Tensor = self.conv(F.pad(x, (p, p, p, p), mode="reflect"))
        return out


class _UpTail(nn.Module):
    """Nearest-neighbour upsampling by two, then a 5 x 5 convolution to RGB: computed at the low resolution.

    On an upsampled picture two neighbouring taps of the kernel often fall on the same low-resolution pixel. Their
    sum leaves a 3 x 3 kernel for each of the four positions within a pixel: the same result (padded before the
    upsampling) for a tenth of the work, since 12 channels fill a processor's registers and 3 do not.
    """

    fold: Tensor

    def __init__(self, cin: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, 3, 5)
        # fold[position, low-resolution tap, tap]: which of the five taps fall on which of the three pixels.
        fold = torch.zeros(2, 3, 5)
        for position in range(2):
            for tap in range(-2, 3):
                fold[position, (position + tap) // 2 + 1, tap + 2] = 1
        self.register_buffer("fold", fold, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # (3, C, 5, 5) -> (3, row position, column position, C, 3, 3): pixel_shuffle's order of channels.
        kernel = torch.einsum("ocij,pai,qbj->opqcab", self.conv.weight, self.fold, self.fold)
        assert self.conv.bias is not None
        bias = self.conv.bias.repeat_interleave(4)
        four = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel.reshape(12, -1, 3, 3), bias)
        return F.pixel_shuffle(four, 2)


class Painter(nn.Module):
    """photo (N, 3, H, W) float RGB in [0, 1], H and W multiples of 4 and at least 16; vector (N, S) float; grain, if
    there is any, the size of the photo: noise of mean 0 (see flamingo.painting.grain)
    -> picture (N, 3, H, W) in [0, 1]."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__()
        self.config = c = config
        first = c.full or 3
        self.head = nn.ModuleList([_Conv(3, c.full, 5)] if c.full else [])
        self.down = nn.ModuleList(
            [_Conv(first, c.half, 5 if not c.full else 3, stride=2), _Conv(c.half, c.quarter, 3, stride=2)]
        )
        self.body = nn.ModuleList()
        for block in range(c.blocks):
            dilation = _DILATIONS[block % len(_DILATIONS)] if c.blocks > 1 else 1
            self.body.append(_Conv(c.quarter, c.quarter, 3, dilation=dilation))
            self.body.append(_Conv(c.quarter, c.quarter, 3))
        self.up = nn.ModuleList([_Conv(c.quarter, c.half, 3, up=True)])
        if c.full:
            self.up.append(_Conv(c.half, c.full, 3, up=True))
        self.tail = _Conv(c.full, 3, 5) if c.full else _UpTail(c.half)
        self.widths = (
            ([c.full] if c.full else [])
            + [c.half, c.quarter]
            + [c.quarter] * (2 * c.blocks)
            + [c.half]
            + ([c.full] if c.full else [])
        )
        # One linear map gives every scale and shift, and the gate.
        self.affine = nn.Linear(c.vector, 2 * sum(self.widths) + 1)
        self._initialise()

    def _initialise(self) -> None:
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                    nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            self.tail.conv.weight.mul_(0.3)
            nn.init.normal_(self.affine.weight, std=0.3)
            scales, shifts = self.affine.bias[:-1].chunk(2)
            scales.fill_(1.0)
            shifts.zero_()
            # The gate opens on the photo at the zero vector (sigmoid(4) = .982) and closes on it at the length
            # of a style (sigmoid(-4) = .018), by the first coordinate, which all styles start with in common.
            # Started open for styles, it would take a thousand steps to close.
            self.affine.bias[-1] = 4.0
            self.affine.weight[-1].zero_()
            self.affine.weight[-1, 0] = -8.0 * self.config.vector**0.5 / _COMMON

    def forward(self, photo: Tensor, vector: Tensor, grain: Tensor | None = None) -> Tensor:
        scales, shifts, gate = self.controls(vector)
        scale = iter(torch.split(scales, self.widths, dim=1))
        shift = iter(torch.split(shifts, self.widths, dim=1))

        def norm(x: Tensor) -> Tensor:
            normal: Tensor = F.instance_norm(x, eps=EPS)
            return normal * next(scale)[:, :, None, None] + next(shift)[:, :, None, None]

        return self.painted(photo, norm, torch.sigmoid(gate).reshape(-1, 1, 1, 1), grain)

    def controls(self, vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All that style vectors (N, S) say: scales and shifts (N, sum of widths) of the normalisations in the order
        of the layers, and the gate (N,), before its sigmoid."""
        # Divided by sqrt(S), so that one optimiser step moves the scales equally whatever S is.
        affine = F.linear(vector / self.config.vector**0.5, self.affine.weight, self.affine.bias)
        scales, shifts = affine[:, :-1].chunk(2, dim=1)
        return scales, shifts, affine[:, -1]

    def painted(
        self, photo: Tensor, norm: Callable[[Tensor], Tensor], gate: Tensor, grain: Tensor | None = None
    ) -> Tensor:
        """The layers, between which `norm` normalises, scales and shifts; gate: how much of the photo is kept, and
        of the grain left out."""
        x = photo - 0.5 if grain is None else photo - 0.5 + (1 - gate) * grain
        for conv in [*self.head, *self.down]:
            x = torch.relu(norm(conv(x)))
        for first, second in zip(self.body[::2], self.body[1::2], strict=True):
            x = x + norm(second(torch.relu(norm(first(x)))))
        for conv in self.up:
            x = torch.relu(norm(conv(x)))
        painted = torch.sigmoid(self.tail(x))
        return gate * photo + (1 - gate) * painted


def grown(tensors: Mapping[str, Tensor], old: PainterConfig, new: PainterConfig) -> dict[str, Tensor]:
    """The tensors of a painter of size `old`, keyed as in `Painter.state_dict`, for one of size `new` that has more
    residual blocks and is otherwise the same. It paints the same pictures: what the new blocks add is scaled by zero
    until training finds a use for it (Chen et al. 2016, "Net2Net"; zero scales as in Goyal et al. 2017).

    Raises ValueError if the sizes differ in anything else, or if `new` has fewer blocks.
    """
    if replace(old, blocks=new.blocks) != new or new.blocks < old.blocks:
        raise ValueError(f"{new} is not {old} with more blocks")
    fresh = Painter(new)
    grown_tensors = fresh.state_dict()
    total, added = sum(fresh.widths), _layers_of_blocks(fresh, old.blocks)
    rows = torch.split(torch.arange(total), fresh.widths)  # of the affine map: scales, and `total` later shifts
    before = torch.cat([own for layer, own in enumerate(rows) if layer not in added])
    kept_columns = torch.cat([before, before + total, torch.tensor([2 * total])])
    for second in added[1::2]:
        for own in (rows[second], rows[second] + total):
            grown_tensors["affine.weight"][own] = 0
            grown_tensors["affine.bias"][own] = 0
    for name, tensor in tensors.items():
        if name.startswith("affine."):
            grown_tensors[name][kept_columns] = tensor.to(grown_tensors[name])
        else:
            grown_tensors[name] = tensor
    return grown_tensors


def _layers_of_blocks(painter: Painter, after: int) -> range:
    """Which entries of `widths` belong to the residual blocks from number `after` on."""
    before = len(painter.head) + len(painter.down)
    return range(before + 2 * after, before + len(painter.body))


class StyledPainter(nn.Module):
    """A painter together with the vectors of its named styles, as they are trained, and with a style encoder if it
    learns to paint in the manner of any painting.

    `vectors` is (styles, S); row i is the style called `names[i]`.
    """

    def __init__(self, config: PainterConfig, names: list[str], encoder: EncoderConfig | None = None) -> None:
        super().__init__()
        self.names = names
        self.painter = Painter(config)
        start = torch.randn(len(names), config.vector)
        start[:, 0] = _COMMON
        self.vectors = nn.Parameter(start)
        self.encoder = StyleEncoder(encoder, config.vector) if encoder else None

    @torch.no_grad()
    def take_over_vectors(self, teacher: StyledPainter) -> None:
        """Understand the vectors of another painter of the same styles, and its encoder.

        The painter goes on painting each named style as it did: its map from vectors to scales and shifts is the
        smallest that says of the teacher's vectors what it said of its own. What it makes of other vectors is for
        training to find out; it begins with what they have in common with the named ones.
        """
        affine = self.painter.affine
        affine_outputs = self.vectors @ affine.weight.T
        affine.weight.copy_((torch.linalg.pinv(teacher.vectors) @ affine_outputs).T)
        self.vectors.copy_(teacher.vectors)
        if self.encoder is not None:
            if teacher.encoder is None:
                raise ValueError("the teacher has no style encoder")
            self.encoder.load_state_dict(teacher.encoder.state_dict())

    def freeze_vectors(self) -> None:
        """From now on the painter alone learns, and not what is told to it."""
        self.vectors.requires_grad_(False)
        if self.encoder is not None:
            self.encoder.requires_grad_(False)

    def forward(
        self,
        photo: Tensor,
        style: Tensor,
        strength: Tensor,
        paintings: Tensor | None = None,
        grain: Tensor | None = None,
    ) -> Tensor:
        """style: (N,) long, indices into `names`, after whose end they count `paintings`, (P, 3, h, w) in [0, 1];
        strength: (N,) float in [0, 1]; photo and grain as for a `Painter`."""
        vectors: Tensor = self.vectors
        if paintings is not None:
            assert self.encoder is not None
            vectors = torch.cat([vectors, self.encoder(paintings)])
        out: Tensor = self.painter(photo, vectors[style] * strength[:, None], grain)
        return out


def knows_paintings(saved: Checkpoint) -> bool:
    """Whether there is a style encoder in a checkpoint."""
    return bool(saved.facts.get("encoder config"))


def load_painter(file: Path) -> StyledPainter:
    """The averaged painter of a checkpoint, frozen, on the CPU. Raises ModelMissing or ModelCorrupt."""
    saved = Checkpoint.load(file)
    encoder = EncoderConfig(**saved.facts["encoder config"]) if knows_paintings(saved) else None
    painter = StyledPainter(PainterConfig(**saved.facts["config"]), saved.facts["names"], encoder)
    painter.load_state_dict(with_eye(saved.part("ema")))
    painter.requires_grad_(False)
    return painter.eval()
