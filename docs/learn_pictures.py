"""Makes what the page Learn shows, with the models as they are: run `script/learn-pictures` after one has changed.

One photo at five strengths, photos and paintings of them where the mood model sees them, and a short piece with its
notes and its sound. All pictures are from the demo photos, whose rights are in docs/photos/CREDITS.md.
"""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

import flamingo
from flamingo.images import Picture, read
from flamingo.mood.model import MoodModel

PHOTOS = Path(__file__).parent / "photos"
FOLDER = Path(__file__).parents[1] / "flamingo" / "studio" / "pages" / "static" / "img" / "learn"

STYLE, STRENGTHS = "olive-trees", (0.0, 0.25, 0.5, 0.75, 1.0)
FELT = {
    "astronaut": ("great-wave", "scream"),
    "chelsea": ("olive-trees", "wanderer"),
    "coffee": ("starry-night", "night-cafe"),
    "rocket": ("composition-vii", "water-lilies"),
}
"""Demo photos, and the styles in which each is painted for the plane."""
PIECE = {"persona": "mozart", "seconds": 12, "seed": 5, "best": 8, "key": "C major", "metre": "4/4"}


def save(rgb: np.ndarray, name: str, quality: int) -> str:
    image = Image.fromarray((rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8))
    image.save(FOLDER / f"{name}.webp", quality=quality, method=6)
    return f"{name}.webp"


def strengths(painter: flamingo.Painter) -> None:
    cat = read(PHOTOS / "chelsea.jpg").resized(560).rgb
    for strength in STRENGTHS:
        save(painter.paint(cat, STYLE, strength), f"strength-{round(100 * strength)}", quality=62)


def felt(painter: flamingo.Painter) -> list[dict[str, Any]]:
    """Each photo, and each painting of it, with its place on the plane."""
    feeler = MoodModel()
    found = []
    for photo, styles in FELT.items():
        rgb = read(PHOTOS / f"{photo}.jpg").resized(640).rgb
        for style in (None, *styles):
            painted = rgb if style is None else painter.paint(rgb, style)
            judged = feeler.feel(Picture(rgb=painted))
            height, width = painted.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            square = Picture(rgb=painted[top : top + side, left : left + side]).resized(144).rgb
            name = save(square, f"felt-{photo}-{style or 'photo'}", quality=66)
            found.append({
                "picture": name,
                "photo": photo,
                "style": style,
                "valence": round(judged.mood[0], 3),
                "arousal": round(judged.mood[1], 3),
                "word": judged.word,
            })  # fmt: skip
            print(found[-1])
    return found


def piece() -> dict[str, Any]:
    """A short piece: its notes as a roll shows them, and its sound at about 60 kbit/s."""
    with tempfile.TemporaryDirectory() as folder:
        (made,) = flamingo.compose(**PIECE, output=Path(folder) / "x.wav")
        samples, rate = soundfile.read(Path(folder) / "x.wav", dtype="float32")
        file = io.BytesIO()
        soundfile.write(file, samples.mean(1), rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.8)
        (FOLDER / "piece.mp3").write_bytes(file.getvalue())
    written = made.piece
    begins, ends = written.played
    notes = [
        [round(float(b), 3), round(float(e - b), 3), int(n["pitch"]), int(n["velocity"]), int(n["part"])]
        for b, e, n in zip(begins, ends, written.notes, strict=True)
    ]
    told = made.as_dict()
    print(told["key"], told["metre"], told["bars"], "bars;", *told["remarks"])
    return {
        "seconds": round(len(samples) / rate, 3),
        "lasts": told["lasts"],
        "bars": [round(float(s), 3) for s in written.seconds(written.edges)],
        "notes": notes,
        "key": told["key"],
        "tonic": written.key.tonic,
        "tempo": told["tempo"],
        "persona": PIECE["persona"],
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    painter = flamingo.Painter("fine")
    strengths(painter)
    said = {"strengths": {"style": STYLE, "photo": "chelsea"}, "felt": felt(painter), "piece": piece()}
    (FOLDER / "learn.json").write_text(json.dumps(said, separators=(",", ":")), encoding="utf-8")
    files = sorted(FOLDER.iterdir())
    print(f"{sum(f.stat().st_size for f in files) / 1000:.0f} kB in {len(files)} files")


if __name__ == "__main__":
    main()
