"""Makes the pictures of docs/how-it-works.md, which the page Learn shows too, with our own code.

    python docs/how_it_works.py --styles DIR                     all of them: about twelve minutes of one core
    python docs/how_it_works.py --only layers --only dream       some; --styles where a painting is looked at
    python docs/how_it_works.py --styles DIR --debug --out x     everything tiny, to see that it works

DIR holds the paintings as starry-night.jpg and so on. The photos are ours (docs/photos/CREDITS.md).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from flamingo.errors import BadRequest, FlamingoError
from flamingo.images import read
from flamingo.images.picture import resize
from flamingo.lettering import font
from flamingo.painting.brush import brush
from flamingo.painting.colour import from_oklab, to_oklab
from flamingo.painting.methods import Settings, Step, Style, dream, optimise
from flamingo.painting.methods.dreaming import Dream
from flamingo.painting.methods.features import resized, to_pixels, to_planes
from flamingo.painting.options import PatchOptions, StyleOptions
from flamingo.painting.painter import Painter
from flamingo.painting.patches.brush import patch_brush
from flamingo.painting.patches.transport import colour_map, sample
from flamingo.painting.style_spec import painting_of, parse_styles
from flamingo.painting.styles import vector
from flamingo.quality.critic import Critic
from flamingo.vgg.layers import STYLE_LAYERS
from flamingo.vgg.network import VGG19

DOCS = Path(__file__).parent
OUT = DOCS.parent / "flamingo" / "studio" / "pages" / "static" / "img" / "how"

Pixels = NDArray[np.float32]
Tile = tuple[Pixels, str]
"""A picture (H, W, 3) in [0, 1] and what is written on it."""

LAYERS = STYLE_LAYERS
FIELDS = {"relu1_1": 3, "relu2_1": 10, "relu3_1": 24, "relu4_1": 68, "relu5_1": 156}
"""How many pixels, across, one place of a layer looks at: 3 x 3 convolutions and halvings, counted back."""
TEXTURES = {"starry-night": (0.42, 0.4), "the-kiss": (0.4, 0.42)}
"""Paintings, and the middle of the part that is looked at, as shares of width and height."""
PAIR, OTHER = "great-wave", "composition-vii"
"""The painting in whose manner the cat is painted, and one that it is mixed with."""
_GAP, _PAPER = 4, (250, 247, 243)


@dataclass(frozen=True)
class Effort:
    """pixels, steps: shares of the usual numbers of both, so that a test can make everything tiny."""

    pixels: float = 1.0
    steps: float = 1.0

    def size(self, pixels: int) -> int:
        return max(64, round(pixels * self.pixels / 16) * 16)

    def count(self, steps: int) -> int:
        return max(2, round(steps * self.steps))


@dataclass(frozen=True)
class Kit:
    """What every part is given: how much to do, where the paintings are, and where pictures go."""

    effort: Effort
    styles: Path | None
    out: Path

    def photo(self, name: str, side: int) -> Pixels:
        """The largest square in the middle of a demo photo, `side` pixels large."""
        return square(read(DOCS / "photos" / f"{name}.jpg").rgb, self.effort.size(side))

    def painting(self, name: str) -> Pixels:
        if self.styles is None:
            raise BadRequest("--styles", f"this part looks at {name}.jpg", "name the folder where the paintings are")
        return read(self.styles / f"{name}.jpg").rgb

    def save(self, name: str, rows: Sequence[Sequence[Tile]]) -> None:
        self.keep(name, sheet(rows))

    def keep(self, name: str, page: Image.Image) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        file = self.out / f"{name}.jpg"
        page.save(file, quality=82, optimize=True, progressive=True)
        print(f"  {file.name}: {page.width} x {page.height}, {file.stat().st_size / 1000:.0f} kB")


def square(rgb: Pixels, size: int, middle: tuple[float, float] = (0.5, 0.5), share: float = 1) -> Pixels:
    """A square of a picture, `share` of its shorter side large, around a place or as near as the borders allow, at
    another size."""
    height, width = rgb.shape[:2]
    side = round(min(height, width) * share)
    left = int(np.clip(middle[0] * width - side / 2, 0, width - side))
    top = int(np.clip(middle[1] * height - side / 2, 0, height - side))
    return resize(np.ascontiguousarray(rgb[top : top + side, left : left + side]), size, size)


def sheet(rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """Tiles of one size in rows, each with its words in a corner."""
    side, wide = rows[0][0][0].shape[:2]
    columns = max(map(len, rows))
    page = Image.new("RGB", (columns * (wide + _GAP) - _GAP, len(rows) * (side + _GAP) - _GAP), _PAPER)
    draw, face = ImageDraw.Draw(page, "RGBA"), ImageFont.truetype(font("Semibold"), 15)
    for i, row in enumerate(rows):
        for j, (rgb, words) in enumerate(row):
            left, top = j * (wide + _GAP), i * (side + _GAP)
            page.paste(Image.fromarray((rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8)), (left, top))
            if words:
                below = top + side - 6
                box = (left + 6, below - 21, left + 18 + draw.textlength(words, face), below)
                draw.rounded_rectangle(box, 6, (20, 16, 14, 190))
                draw.text((left + 12, below - 20), words, (255, 255, 255, 255), face)
    return page


def lit(rgb: Pixels, places: Pixels, most: float) -> Pixels:
    """A picture in grey, lit where `places` (h, w) is near `most`."""
    height, width = rgb.shape[:2]
    grown = resize(np.ascontiguousarray(np.clip(places / most, 0, 1)[..., None]), height, width)[..., 0]
    heat = cv2.applyColorMap((grown * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1] / np.float32(255)
    grey = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    return np.asarray(0.25 * grey + 0.75 * heat, np.float32)


# -- what the layers see ------------------------------------------------------------------------------------------


def layers(kit: Kit) -> None:
    """Three channels of each layer: the picture that excites each most, and where a photo does."""
    network = VGG19.load()
    cat = kit.photo("chelsea", 144)
    found = {name: seen[0] for name, seen in network.forward(to_planes(cat), LAYERS).items()}
    best: list[list[Tile]] = []
    where: list[list[Tile]] = []
    for layer in LAYERS:
        maps = found[layer]
        channels = _telling(maps)
        pictures = _favourites(network, layer, channels, kit.effort)
        side = kit.effort.size(144)
        words = [f"{layer}: sees {FIELDS[layer]} px", "", ""]
        enlarged = [cv2.resize(one, (side, side), interpolation=cv2.INTER_NEAREST) for one in pictures]
        best.append(list(zip(enlarged, words, strict=True)))
        spots = [lit(cat, maps[c], float(maps[c].max())) for c in channels]
        where.append(list(zip(spots, [layer, "", ""], strict=True)))
    kit.save("layers", [list(row) for row in zip(*best, strict=True)])
    kit.save("maps", [list(row) for row in zip(*where, strict=True)])


def _telling(maps: Pixels, count: int = 3) -> list[int]:
    """Channels of (C, h, w) that stand out somewhere, and not where the others do. Borders do not count: some
    channels respond to nothing but the black that convolutions add there."""
    margin = max(1, maps.shape[1] // 8)
    flat = maps[:, margin:-margin, margin:-margin].reshape(len(maps), -1)
    candidates = np.argsort(-flat.std(1))[:24]
    with np.errstate(invalid="ignore", divide="ignore"):  # channels that respond to nothing at all
        alike = np.nan_to_num(np.abs(np.corrcoef(flat[candidates])), nan=1.0)
    chosen = [0]
    while len(chosen) < count:
        chosen.append(int(alike[:, chosen].max(1).argmin()))
    return [int(candidates[i]) for i in chosen]


def _favourites(network: VGG19, layer: str, channels: list[int], effort: Effort) -> list[Pixels]:
    """Uphill from grey noise in the mean response of each channel (Mordvintsev et al. 2015), small and then larger,
    shifted before each step and with a smoothed gradient, so that no grid and no grain grows. A layer that looks at
    few pixels gets few, to be seen enlarged."""
    sizes = {"relu1_1": [32], "relu2_1": [40], "relu3_1": [80]}.get(layer, [80, 112, 144])
    # A little of what is below the ReLU, so that a channel that does not respond yet has a slope to follow.
    before = layer.replace("relu", "conv")
    random = np.random.default_rng(3)
    pictures = [one[None] for one in random.normal(0.5, 0.05, (len(channels), 3, 24, 24)).astype(np.float32)]
    for size in sizes:
        side = effort.size(size) if size > 40 else size
        pictures = [resized(picture, side, side) for picture in pictures]
        tape, blur = network.tape(side, side, [before]), 0.8 if size > 40 else 0.3
        for _ in range(effort.count(30 if size == sizes[0] else 8)):
            by = [int(v) for v in random.integers(-8, 9, 2)]
            for i, channel in enumerate(channels):
                moved = np.roll(pictures[i], by, (2, 3))
                response = tape.forward(moved)[before]
                rise = np.zeros_like(response)
                rise[0, channel] = np.where(response[0, channel] > 0, 1, 0.1) / response[0, channel].size
                slope = gaussian_filter(tape.gradient({before: rise}), (0, 0, blur, blur), mode="wrap")
                slope = slope / np.float32(max(float(slope.std()), 1e-12))
                picture = np.roll(moved + np.float32(0.03) * slope, [-v for v in by], (2, 3))
                # What adds nothing fades back to grey.
                pictures[i] = np.clip(0.5 + np.float32(0.97) * (picture - 0.5), 0, 1)
    return [to_pixels(picture) for picture in pictures]


# -- what style and content are -----------------------------------------------------------------------------------


def textures(kit: Kit) -> None:
    """Noise that is given the Gram matrices of a painting, of one layer and of all."""
    side = kit.effort.size(176)
    noise = np.random.default_rng(0).uniform(0, 1, (side, side, 3)).astype(np.float32)
    for name, middle in TEXTURES.items():
        part = square(kit.painting(name), side, middle, 0.5)
        tiles: list[Tile] = [(part, "the painting, a part"), (noise, "the start: noise")]
        for chosen in (*((layer,) for layer in LAYERS), LAYERS):
            settings = Settings(
                content_layers={},
                style_layers=dict.fromkeys(chosen, 1.0),
                variation_weight=0.05,
                init="noise",
                steps=kit.effort.count(60 if len(chosen) > 1 else 35),
                # Grain is found at once; begun at a small size it would stay as coarse as it was there.
                coarsest=None if chosen == LAYERS[:1] else 64,
            )
            done = optimise(noise, [Style(part)], settings)
            tiles.append((done.picture, f"{chosen[0]} alone" if len(chosen) == 1 else "all five"))
        kit.save(f"texture-{name}", [tiles[:4], tiles[4:]])


def content(kit: Kit) -> None:
    """Noise that is given the activations of a photo at one layer."""
    cat = kit.photo("chelsea", 192)
    tiles: list[Tile] = [(cat, "the photo")]
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_2", "relu5_1"):
        settings = Settings(
            content_layers={layer: 1.0},
            style_layers={},
            variation_weight=0.1,
            init="noise",
            steps=kit.effort.count(60),
            coarsest=64,
        )
        # The painting covers the photo, so that nothing but the layer says what it was; its style is not asked for.
        tiles.append((optimise(cat, [Style(cat)], settings).picture, layer))
    kit.save("content", [tiles[:3], tiles[3:]])


# -- how the losses pull ------------------------------------------------------------------------------------------


def descent(kit: Kit) -> None:
    """One photo in one manner, step by step, and both losses."""
    cat, style = kit.photo("chelsea", 160), Style(kit.painting(PAIR))
    shown = sorted({kit.effort.count(n) if n else 0 for n in (5, 20, 60, 150)} | {0})
    seen: list[Step] = []
    settings = Settings(coarsest=None, steps=shown[-1] + 1, snapshots=1, stroke=1.5, log_every=1)
    optimise(cat, [style], settings, on_step=seen.append)
    tiles = [(seen[n].picture, f"step {n}") for n in shown]
    kit.save("descent", [[(picture, words) for picture, words in tiles if picture is not None]])
    kit.keep("curves", curves(seen, shown))


def curves(steps: Sequence[Step], marks: Sequence[int]) -> Image.Image:
    """Content and style loss by step, the losses on a scale of powers of ten."""
    width, height, left, right, top, bottom = 816, 320, 52, 24, 18, 42
    page = Image.new("RGB", (width, height), _PAPER)
    draw, face = ImageDraw.Draw(page), ImageFont.truetype(font(), 17)
    faint, soft, orange, blue = (225, 217, 208), (106, 97, 90), (186, 80, 16), (43, 110, 180)
    least, most = 0.1, max(1.0, *(max(s.style, s.content) for s in steps))

    def place(step: int, value: float) -> tuple[float, float]:
        share = np.log(max(value, least) / least) / np.log(most / least)
        return left + (width - left - right) * step / (len(steps) - 1), top + (height - top - bottom) * (1 - share)

    for power in range(-1, int(np.log10(most)) + 1):
        y = place(0, 10.0**power)[1]
        draw.line((left, y, width - right, y), faint)
        draw.text((left - 10, y), f"{10.0**power:g}", soft, face, anchor="rm")
    for step in marks:
        x = place(step, 1)[0]
        draw.line((x, top, x, height - bottom), faint)
        draw.text((x, height - bottom + 8), str(step), soft, face, anchor="ma")
    draw.line([place(i, s.style) for i, s in enumerate(steps)], orange, 3, joint="curve")
    draw.line([place(i, s.content) for i, s in enumerate(steps)], blue, 3, joint="curve")
    near = min(len(steps) - 1, marks[-2] // 3)
    x, y = place(near, steps[near].style)
    draw.text((x + 8, y - 6), "style: what is still missing of the painting", orange, face, anchor="lb")
    x, y = place(near, steps[near].content)
    draw.text((x + 8, y + 14), "content: what is lost of the photo", blue, face, anchor="lt")
    return page


def ratios(kit: Kit) -> None:
    """The same pair with other weights, and with content looked at in other layers."""
    cat, style = kit.photo("chelsea", 144), Style(kit.painting(PAIR))
    rows: list[list[Tile]] = []
    for layer in ("relu2_1", "relu4_2", "relu5_1"):
        row: list[Tile] = []
        for weight in (1, 5, 20, 100):
            settings = Settings(
                content_layers={layer: 1.0},
                style_weight=weight,
                steps=kit.effort.count(26),
                coarsest=72,
                stroke=1.5,
            )
            row.append((optimise(cat, [style], settings).picture, f"{layer}, style {weight}"))
        rows.append(row)
    kit.save("ratios", rows)


# -- what the controls do, dreams, the critic ---------------------------------------------------------------------


def controls(kit: Kit) -> None:
    """A row of pictures for each control of `flamingo paint`, by the fast painter."""
    effort = kit.effort

    side = effort.size(192)

    def painted(photo: Pixels, *styles: str, strength: float = 1, colour: float = 1, stroke: float = 1) -> Pixels:
        made = brush(styles, strength=strength, colour=colour, stroke=stroke, model="fast")
        return resize(made.paint(photo), side, side)

    cat, cup, rocket = (kit.photo(name, 384) for name in ("chelsea", "coffee", "rocket"))
    # Strokes of one and a half are painted at a small size first, which must not be too small for the painter.
    large = kit.photo("chelsea", 640)
    mixes = {
        "1 : 0": [PAIR],
        "2 : 1": [f"{PAIR}=2", f"{OTHER}=1"],
        "1 : 2": [f"{PAIR}=1", f"{OTHER}=2"],
        "0 : 1": [OTHER],
    }
    rows: dict[str, list[Tile]] = {
        "strength": [(painted(cat, "olive-trees", strength=s), f"strength {s:g}") for s in (0, 0.35, 0.7, 1)],
        "colour": [(painted(cup, "starry-night", colour=c), f"colour {c:g}") for c in (1, 0.6, 0.3, 0)],
        "stroke": [
            (resize(large, side, side), "the photo"),
            *((painted(large, "starry-night", stroke=s), f"stroke {s:g}") for s in (0.5, 1, 1.5)),
        ],
        "mix": [(painted(cup, *styles), words) for words, styles in mixes.items()],
    }  # fmt: skip
    mask = _fading(*rocket.shape[:2])
    painter = Painter("fast")
    sky, ground = (vector(name, model="fast") for name in ("starry-night", "udnie"))
    one = painter.paint_map(rocket, sky[None], mask[None])
    both = painter.paint_map(rocket, np.stack([sky, ground]), np.stack([mask, 1 - mask]))
    rows["mask"] = [
        (resize(rocket, side, side), "the photo"),
        (resize(np.repeat(mask[..., None], 3, 2), side, side), "the mask"),
        (resize(one, side, side), "one style"),
        (resize(both, side, side), "another for the rest"),
    ]
    for name, row in rows.items():
        kit.save(f"control-{name}", [row])


def pieces(kit: Kit) -> None:
    """A photo rebuilt from pieces of paintings: what is looked for, and what comes of it."""
    cat, side = kit.photo("chelsea", 384), kit.effort.size(256)

    def rebuilt(name: str, fidelity: float) -> Pixels:
        styles = parse_styles([name], (), (), "fine")
        return patch_brush(styles, 1.0, StyleOptions(), PatchOptions(fidelity=fidelity)).paint(cat)

    painting = painting_of(parse_styles(["wheat-field"], (), (), "fine")[0]).pixels
    lab = to_oklab(cat)
    moved = from_oklab(colour_map(sample(lab), sample(to_oklab(painting)))(lab))
    tiles = [
        (square(painting, side), "the painting"), (cat, "the photo"), (moved, "in its colours"),
        *((rebuilt("wheat-field", f), f"fidelity {f:g}") for f in (0, 0.5, 1)),
    ]  # fmt: skip
    small = [(resize(picture, side, side), words) for picture, words in tiles]
    kit.save("pieces", [small[:3], small[3:]])
    names = ("starry-night", "great-wave", "contrast-of-forms")
    kit.save("pieces-of-others", [[(resize(rebuilt(name, 0.5), side, side), name) for name in names]])


def _fading(height: int, width: int) -> Pixels:
    """A mask that is white above and black below, with a soft border."""
    down = np.arange(height, dtype=np.float32)[:, None] / height
    return np.asarray(np.broadcast_to(1 / (1 + np.exp((down - 0.6) / 0.03)), (height, width)), np.float32)


def dreams(kit: Kit) -> None:
    """One photo, dreamt on by three layers."""
    coffee = kit.photo("coffee", 240)
    tiles: list[Tile] = [(coffee, "the photo")]
    for layer in ("relu2_2", "relu3_3", "relu4_4"):
        settings = Dream(layers=(layer,), octaves=4, steps=kit.effort.count(12), rate=2.5 / 255)
        tiles.append((dream(coffee, settings), layer))
    kit.save("dream", [tiles])


def critic(kit: Kit) -> None:
    """The fine painter's result under the critic's eyes."""
    cat, painting = kit.photo("chelsea", 384), kit.painting(PAIR)
    result = Painter("fine").paint(cat, PAIR)
    critique = Critic(cat, painting).judge(result)
    side = kit.effort.size(192)
    small = resize(result, side, side)
    assert critique.content_missing is not None and critique.style_missing is not None
    tiles: list[Tile] = [
        (resize(cat, side, side), "the photo"),
        (square(painting, side), "the painting, a part"),
        (small, f"the result: score {critique.score:.0f}"),
    ]
    for places, words in (
        (critique.content_missing, "the photo is missing"),
        (critique.style_missing, "the style is missing"),
    ):
        least = places.min()  # something is missing everywhere: what counts is where more is
        tiles.append((lit(small, places - least, float(places.max() - least)), words))
    kit.save("critic", [tiles])


PARTS: dict[str, Callable[[Kit], None]] = {
    "layers": layers,
    "textures": textures,
    "content": content,
    "descent": descent,
    "ratios": ratios,
    "controls": controls,
    "pieces": pieces,
    "dream": dreams,
    "critic": critic,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the pictures of docs/how-it-works.md.")
    parser.add_argument("--only", action="append", choices=PARTS, help="a part to make; all if none is named")
    parser.add_argument("--styles", type=Path, help="folder with the paintings, such as starry-night.jpg")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the pictures (default: the studio's)")
    parser.add_argument("--debug", action="store_true", help="tiny pictures and few steps")
    asked = parser.parse_args(arguments)
    kit = Kit(Effort(0.25, 0.03) if asked.debug else Effort(), asked.styles, asked.out)
    for name in asked.only or PARTS:
        start, worked = time.perf_counter(), time.process_time()
        print(name, flush=True)
        try:
            PARTS[name](kit)
        except FlamingoError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        print(
            f"  {time.perf_counter() - start:.0f} s, of the processor {time.process_time() - worked:.0f} s",
            flush=True,
        )
    print(f"all: of the processor {time.process_time():.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
