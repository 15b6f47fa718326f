"""Feed odd, damaged and hostile picture files to the reader and writer, and count what comes of each.

    python bench/bad_images.py                      a set of odd files made on the spot
    python bench/bad_images.py DIR                  every file below DIR
    python bench/bad_images.py DIR --mutate 5       and five damaged copies of each
    python bench/bad_images.py DIR --paint          through the whole command line instead (slow)

Each file must give a picture or a one-line error, within 5 seconds and 2 GB. Anything else (a traceback, a
crash) makes the exit status 1. Memory is the peak of the process that does the work and of its decoding
helper together.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

SECONDS, MEGABYTES = 5.0, 2000.0
ROOT = Path(__file__).resolve().parents[1]


# One file, in a process of its own kind ---------------------------------------------------------------------


def run_here() -> None:
    """The runner: paths on stdin, one line of JSON each on stdout."""
    sys.path.insert(0, str(ROOT))
    from flamingo.errors import FlamingoError
    from flamingo.images import read, write

    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            path = Path(json.loads(line))
            answer: dict[str, Any] = {"path": str(path)}
            reset_peaks()
            before = processor_time()
            start = time.perf_counter()
            try:
                picture = read(path)
                write(picture.with_rgb(picture.rgb), Path(folder) / "out.png", overwrite=True)
                answer |= {"outcome": "picture", "notes": picture.notes}
            except FlamingoError as error:
                text = str(error)
                answer |= {"outcome": "error", "kind": type(error).__name__, "text": text}
                if "\n" in text or not text.isprintable():
                    answer["outcome"] = "traceback"
            except BaseException as error:
                answer |= {"outcome": "traceback", "kind": type(error).__name__, "text": str(error)}
            answer["seconds"] = time.perf_counter() - start
            answer["processor"] = max(0.0, processor_time() - before)
            answer["megabytes"] = peak()
            print(json.dumps(answer), flush=True)


def processes() -> list[int]:
    """This process and its children (Linux; elsewhere none, and memory is not measured)."""
    found = [os.getpid()]
    for children in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            found += [int(pid) for pid in children.read_text().split()]
    return found


def processor_time() -> float:
    """Seconds of processor time of this process and its children so far."""
    total = 0.0
    for pid in processes():
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def reset_peaks() -> None:
    for pid in processes():
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak() -> float:
    total = 0
    for pid in processes():
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += int(line.split()[1])
    return total / 1e3


def through_reader(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """Feed the runner; when it dies, say so and start another."""
    with tempfile.TemporaryFile("w+") as stderr:
        waiting = list(reversed(paths))
        while waiting:
            yield from fed(waiting, stderr)


def fed(waiting: list[Path], stderr: IO[str]) -> Iterator[dict[str, Any]]:
    """Answers of one runner, until it dies or nothing is left in `waiting`."""
    runner = subprocess.Popen(
        [sys.executable, __file__, "--runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    assert runner.stdin is not None and runner.stdout is not None
    while waiting:
        path = waiting.pop()
        start = time.perf_counter()
        try:
            runner.stdin.write(json.dumps(str(path)) + "\n")
            runner.stdin.flush()
            line = runner.stdout.readline()
        except OSError:
            line = ""
        if not line:
            spent = time.perf_counter() - start
            text = f"exit status {runner.wait()}"
            yield {
                "path": str(path),
                "outcome": "crash",
                "kind": text,
                "seconds": spent,
                "processor": spent,
                "megabytes": 0.0,
            }
            break
        answer = json.loads(line)
        chatter = stderr.read()
        if chatter:  # a library that talks past us
            answer |= {"outcome": "traceback", "kind": "chatter on stderr", "text": chatter}
        yield answer
    runner.stdin.close()
    runner.wait()
    runner.stdout.close()


def through_command_line(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """`python -m flamingo paint FILE -o OUT` for each."""
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            out = Path(folder) / "out.png"
            out.unlink(missing_ok=True)
            log = Path(folder) / "stderr"
            start = time.perf_counter()
            with log.open("wb") as sink:
                command = [sys.executable, "-m", "flamingo", "paint", str(path), "-o", str(out)]
                child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sink, cwd=ROOT)
                megabytes, processor, status = wait(child, 10 * SECONDS)
            seconds = time.perf_counter() - start
            text = log.read_text(errors="replace").strip()
            if status < 0 or status > 2:
                outcome, kind = "crash", f"exit status {status}"
            elif "Traceback" in text or (status and len(text.splitlines()) > 1):
                outcome, kind = "traceback", text.splitlines()[-1][:80]
            elif status or not out.exists():
                outcome, kind = "error" if text else "traceback", text.rsplit(":", 1)[-1][:60] or "silent"
            else:
                outcome, kind = "picture", ""
            yield {
                "path": str(path),
                "outcome": outcome,
                "kind": kind,
                "text": text,
                "seconds": seconds,
                "processor": processor,
                "megabytes": megabytes,
            }


def wait(child: subprocess.Popen[bytes], limit: float) -> tuple[float, float, int]:
    """Peak memory of a child in megabytes, its processor time, and how it ended; killed at the limit."""
    if not hasattr(os, "wait4"):
        return 0.0, 0.0, child.wait(limit)
    until = time.monotonic() + limit
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            unit = 1e6 if sys.platform == "darwin" else 1e3
            return usage.ru_maxrss / unit, usage.ru_utime + usage.ru_stime, child.returncode
        if time.monotonic() > until:
            child.kill()
            until = float("inf")
        time.sleep(0.01)


# Files ------------------------------------------------------------------------------------------------------


def mutated(data: bytes, dice: random.Random) -> bytes:
    """A damaged copy: flipped bits, cut short, header edited, a piece doubled, zeroed or moved."""
    damaged = bytearray(data)
    if not damaged:
        return b"\xff"
    for _ in range(dice.choice((1, 1, 2, 4))):
        way = dice.randrange(6)
        start = dice.randrange(len(damaged))
        if way == 0:
            for _ in range(dice.choice((1, 3, 10, 40))):
                damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        elif way == 1:
            del damaged[max(1, start) :]
        elif way == 2:
            for _ in range(dice.choice((1, 2, 5))):
                damaged[dice.randrange(min(len(damaged), 160))] = dice.choice((0, 1, 2, 127, 128, 254, 255))
        elif way == 3:
            piece = damaged[start : start + dice.randrange(1, 400)]
            damaged[start:start] = piece * dice.choice((1, 5))
        elif way == 4:
            piece = damaged[start : start + dice.randrange(1, 200)]
            damaged[start : start + len(piece)] = bytes(len(piece))
        else:
            value = dice.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
            layout = dice.choice(("<I", ">I"))
            place = dice.randrange(min(len(damaged), 400))
            damaged[place : place + 4] = struct.pack(layout, value)
    return bytes(damaged)


def png(width: int, height: int, depth: int, kind: int, raw: bytes, extra: bytes = b"") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", raw) + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def slow_jpeg() -> bytes:
    """A small file that asks for hundreds of passes over 64 megapixels: its last scan, again and again."""
    data = saved(Image.new("L", (8000, 8000), 128), "JPEG", progressive=True, quality=30)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 300 + data[-2:]


def own_set(folder: Path) -> None:
    """One file for everything the reader claims to handle, and some for what it must survive."""
    dice = np.random.default_rng(1)
    noise = dice.integers(0, 256, (48, 64, 4), dtype=np.uint8)
    rgb = Image.fromarray(noise[..., :3])
    rgba = Image.fromarray(noise)
    grey = rgb.convert("L")
    deep = Image.fromarray(dice.integers(0, 65536, (48, 64), dtype=np.uint16))
    frames = [Image.fromarray(dice.integers(0, 256, (48, 64, 3), dtype=np.uint8)) for _ in range(3)]
    many: dict[str, Any] = {"save_all": True, "append_images": frames[1:]}
    files: dict[str, bytes] = {
        "empty.jpg": b"",
        "text.png": b"this is no picture",
        "one-pixel.png": saved(Image.new("RGB", (1, 1)), "PNG"),
        "panorama.png": saved(Image.new("RGB", (4000, 40), "red"), "PNG"),
        "one-bit.png": saved(rgb.convert("1"), "PNG"),
        "palette.png": saved(rgb.quantize(16), "PNG", transparency=3),
        "grey-alpha.png": saved(rgba.convert("LA"), "PNG"),
        "grey-16.png": saved(deep, "PNG"),
        "rgba.png": saved(rgba, "PNG"),
        "animated.png": saved(frames[0], "PNG", **many),
        "animated.gif": saved(frames[0], "GIF", **many),
        "animated.webp": saved(frames[0], "WEBP", **many),
        "pages.tif": saved(frames[0], "TIFF", **many),
        "two.mpo": saved(frames[0], "MPO", **many),
        "cmyk.jpg": saved(rgb.convert("CMYK"), "JPEG"),
        "cmyk.tif": saved(rgb.convert("CMYK"), "TIFF"),
        "float.tif": saved(Image.fromarray(dice.random((48, 64), dtype=np.float32)), "TIFF"),
        "nan.tif": saved(Image.fromarray(np.full((48, 64), np.nan, np.float32)), "TIFF"),
        "int32.tif": saved(Image.fromarray(dice.integers(0, 99, (48, 64), dtype=np.int32)), "TIFF"),
        "grey.tif": saved(grey, "TIFF"),
        "one-bit.bmp": saved(rgb.convert("1"), "BMP"),
        "palette.bmp": saved(rgb.quantize(16), "BMP"),
        "rgb.bmp": saved(rgb, "BMP"),
        "rgba.webp": saved(rgba, "WEBP"),
        "broken-profile.jpg": saved(rgb, "JPEG", icc_profile=b"x" * 400),
        "cut-short.jpg": saved(rgb, "JPEG")[:900],
        "cut-short.png": saved(rgb, "PNG")[:900],
        "cut-short.gif": saved(rgb, "GIF")[:900],
        "cut-short.webp": saved(rgb, "WEBP")[:400],
        "cut-short.tif": saved(rgb, "TIFF")[:5000],
        "cut-short.bmp": saved(rgb, "BMP")[:5000],
        "196-megapixels.png": png(14000, 14000, 8, 0, zlib.compress(bytes(100))),
        "48-megapixels.png": png(8000, 6000, 1, 0, zlib.compress(bytes(1001 * 6000))),
        "huge-text.png": png(
            1, 1, 8, 0, zlib.compress(bytes(2)), struct.pack(">I", 0x7FFFFFFF) + b"zTXt" + bytes(50)
        ),
        "huge.gif": b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\2\1\0\0;",
        "slow.jpg": slow_jpeg(),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        files[f"orientation-{orientation}.jpg"] = saved(rgb, "JPEG", exif=exif)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description="Count what odd and damaged pictures come to.")
    parser.add_argument("folder", metavar="DIR", type=Path, nargs="?", help="default: a set made on the spot")
    parser.add_argument("--mutate", metavar="N", type=int, default=0, help="damaged copies of each file")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the damage (default 0)")
    parser.add_argument("--paint", action="store_true", help="run the command line instead of the reader")
    parser.add_argument(
        "--processor-time", action="store_true", help="judge by processor time, for a machine that is busy"
    )
    parser.add_argument("--list", action="store_true", help="also print every file and what it came to")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep files that failed here")
    parser.add_argument("--runner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.runner:
        run_here()
        return 0
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder
        if folder is None:
            folder = Path(made) / "own"
            folder.mkdir()
            own_set(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        dice = random.Random(options.seed)
        for index, path in enumerate(list(paths)):
            for copy in range(options.mutate):
                target = Path(made) / f"{index}-{copy}{path.suffix}"
                target.write_bytes(mutated(path.read_bytes(), dice))
                paths.append(target)
        return report(paths, options)


def report(paths: list[Path], options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    slowest = busiest = largest = ("", 0.0)
    total = 0.0
    runs = through_command_line(paths) if options.paint else through_reader(paths)
    for answer in runs:
        outcome, seconds, megabytes = answer["outcome"], answer["seconds"], answer["megabytes"]
        total += seconds
        counted = answer["processor"] if options.processor_time else seconds
        failed = outcome in ("traceback", "crash") or counted > SECONDS or megabytes > MEGABYTES
        counts[outcome] += 1
        counts["slow"] += counted > SECONDS
        counts["large"] += megabytes > MEGABYTES
        if outcome != "picture":
            kinds[f"{outcome}: {answer['kind']}"] += 1
        name = Path(answer["path"]).name
        slowest = max(slowest, (name, seconds), key=lambda pair: pair[1])
        busiest = max(busiest, (name, answer["processor"]), key=lambda pair: pair[1])
        largest = max(largest, (name, megabytes), key=lambda pair: pair[1])
        if failed or options.list:
            print(f"{name}: {outcome} {seconds:.2f} s {megabytes:.0f} MB {answer.get('text', '')}")
        if failed and options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / name).write_bytes(Path(answer["path"]).read_bytes())
    print(f"\n| {len(paths)} files, {total:.0f} s | count |\n|---|---|")
    print(f"| gave a picture | {counts['picture']} |")
    print(f"| gave a one-line error | {counts['error']} |")
    for kind, count in kinds.most_common():
        print(f"| - {kind} | {count} |")
    print(f"| traceback | {counts['traceback']} |")
    print(f"| crash | {counts['crash']} |")
    what = "of processor time " if options.processor_time else ""
    print(f"| over {SECONDS:g} s {what}| {counts['slow']} |")
    print(f"| over {MEGABYTES / 1000:g} GB | {counts['large']} |")
    print(f"| slowest | {slowest[1]:.2f} s ({slowest[0]}) |")
    print(f"| most processor time | {busiest[1]:.2f} s ({busiest[0]}) |")
    print(f"| largest | {largest[1]:.0f} MB ({largest[0]}) |")
    return 1 if any(counts[bad] for bad in ("traceback", "crash", "slow", "large")) else 0


if __name__ == "__main__":
    sys.exit(main())
