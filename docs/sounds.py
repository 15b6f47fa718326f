"""Makes docs/sounds: thirty seconds of every persona, each with its piano roll, three longer pieces in a form that
was asked for, and three for others than a piano, with the first pages of their scores. Run `script/sounds` after the
composer has changed."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import soundfile

import flamingo
from flamingo.composing import writing

FOLDER = Path(__file__).parent / "sounds"
SECONDS, SEED = 30, 1
FORMS = (("mozart", "rondo", "G major"), ("schubert", "variations", "A major"), ("beethoven", "sonatina", "C minor"))
LONGER = 90  # seconds
BANDS = (
    ("haydn", "string-quartet", "D major"),
    ("schubert", "flute,piano", "A minor"),
    ("brahms", "violin", "E minor"),
)
BANDS_LAST = 40  # seconds


def small_mp3(wav: Path) -> bytes:
    """About 70 kbit/s: enough for one piano, small enough for a repository."""
    samples, rate = soundfile.read(wav, dtype="float32")
    file = io.BytesIO()
    soundfile.write(file, samples.mean(1), rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.75)
    return file.getvalue()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    lines = [
        "# Thirty seconds of every persona",
        "",
        f"`flamingo compose --persona NAME --seconds {SECONDS} --seed {SEED}`, by `script/sounds`.",
        "[LEADERBOARD.md](LEADERBOARD.md) says what they are worth. Licence: CC BY-SA 4.0, for the composer learned",
        "from performances by Bernd Krueger (piano-midi.de), CC BY-SA 3.0 DE, OpenScore (CC0) and music with",
        "piano of polishscores.org (The Fryderyk Chopin Institute), CC BY 4.0. The piano: Salamander Grand Piano V3",
        "by Alexander Holm, CC BY 3.0.",
        "",
    ]
    for persona in (p["name"] for p in flamingo.personas() if not p["own"]):
        with tempfile.TemporaryDirectory() as folder:
            (made,) = flamingo.compose(persona=persona, seconds=SECONDS, seed=SEED, output=Path(folder) / "x.wav")
            (FOLDER / f"{persona}.mp3").write_bytes(small_mp3(Path(folder) / "x.wav"))
        writing.write(made.piece, FOLDER / f"{persona}.png", overwrite=True)
        told = made.as_dict()
        lines += [
            f"## {persona.title()}",
            f"[{persona}.mp3](sounds/{persona}.mp3): {told['key']}, {told['metre']}, tempo {told['tempo']:.0f}, "
            f"{told['bars']} bars. {told['originality']}",
            "",
            f"![Piano roll](sounds/{persona}.png)",
            "",
        ]
        print(persona, told["key"], told["metre"], told["notes"])
        if persona == "mozart":
            writing.write(made.piece, FOLDER.parent / "pictures" / "score.png", overwrite=True, view="score")
            writing.write(made.piece, FOLDER.parent / "pictures" / "roll.png", overwrite=True)
    lines += [f"# {LONGER} seconds in a form", ""]
    for persona, form, key in FORMS:
        name = f"{form}-{persona}"
        with tempfile.TemporaryDirectory() as folder:
            (made,) = flamingo.compose(
                persona=persona, seconds=LONGER, seed=SEED, form=form, key=key, output=Path(folder) / "x.wav"
            )
            (FOLDER / f"{name}.mp3").write_bytes(small_mp3(Path(folder) / "x.wav"))
        writing.write(made.piece, FOLDER / f"{name}.png", overwrite=True)
        writing.write(made.piece, FOLDER / f"{name}-score.png", overwrite=True, view="score")
        told = made.as_dict()
        sections = ", ".join(f"{part['name']} (bar {part['bar']}, {part['key']})" for part in told["form"])
        lines += [
            f"## {form.title()}, {persona.title()}",
            f"[{name}.mp3](sounds/{name}.mp3), `--seconds {LONGER} --form {form} --key '{key}' --seed {SEED}`: "
            f"{sections}.",
            "",
            f"![Piano roll](sounds/{name}.png)",
            "",
            f"![The first page of its score](sounds/{name}-score.png)",
            "",
        ]
        print(name, sections)
    lines += ["# For others than a piano", ""]
    for persona, band, key in BANDS:
        name = f"{band.replace(',', '-')}-{persona}"
        asked = {"persona": persona, "seconds": BANDS_LAST, "seed": SEED, "instrument": band, "key": key}
        with tempfile.TemporaryDirectory() as folder:
            (made,) = flamingo.compose(**asked, output=Path(folder) / "x.wav")
            (FOLDER / f"{name}.mp3").write_bytes(small_mp3(Path(folder) / "x.wav"))
        writing.write(made.piece, FOLDER / f"{name}-score.png", overwrite=True, view="score")
        lines += [
            f"## {band.replace('-', ' ').replace(',', ' and ').capitalize()}, {persona.title()}",
            f"[{name}.mp3](sounds/{name}.mp3), `--seconds {BANDS_LAST} --instrument {band} --key '{key}' --seed "
            f"{SEED}`.",
            "",
            f"![The first page of its score](sounds/{name}-score.png)",
            "",
        ]
        print(name)
    (FOLDER.parent / "sounds.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
