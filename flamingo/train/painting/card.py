"""Model cards: what a shipped model is, learned from and is worth, in plain words, made from its manifest entry.

A card is written by the release, never by hand, so it cannot say something else than the manifest. What only a
person can say (what it is weak at, what the eye saw) comes in as the note.
"""

from __future__ import annotations

from typing import Any


def write(model: str, entry: dict[str, Any]) -> str:
    """The card of a painter as Markdown."""
    training, network = entry["training"], entry["network"]
    sessions = "\n".join(_session(i, s) for i, s in enumerate(training["sessions"], 1))
    files = "\n".join(
        f"| `{f['file']}` | {f['bytes'] / 2**20:.2f} MiB | `{f['sha256']}` |" for f in entry["files"].values()
    )
    figures = ", ".join(f"{k} {v}" for k, v in training["last figures"].items())
    return f"""# {model}

Version {entry["version"]}. A convolutional network that paints a photo in the manner of one of
{len(entry["styles"])} paintings{_any(entry)}, conditioned on a style vector through its instance normalisations.

{entry["note"] or "No remarks."}

## What it is
{network["parameters"]:,} parameters. Channels at full, half and quarter resolution: {network["full"]},
{network["half"]}, {network["quarter"]}; {network["blocks"]} residual blocks; style vectors of {network["vector"]}
numbers. Input: RGB in [0, 1], sides multiples of 4, and noise for it to make strokes of. Output: RGB. Stored in 16
bits, computed in 32 (export and training agree to {entry["export_psnr"]} dB).

| file | size | sha256 |
|---|---|---|
{files}

## What it learned from
{entry["data"] or "Not stated."}

{training["photos"]:,} photos after one in fifty was held out for testing, and the {len(entry["styles"])} paintings
that `flamingo styles` lists with their rights{_unnamed(training)}. Losses from VGG-19: {training["vgg"]}.

## How it was trained
`{training["command"]}`, seed {training["seed"]}: {training["samples"]:,} painted pictures in {training["steps"]:,}
steps, {training["seconds"] / 60:.0f} minutes in all. At the end, on training crops: {figures}.

| | minutes | machine | precision | crop | batch | style weight | rate | by | cooled | taught |
|---|---|---|---|---|---|---|---|---|---|---|
{sessions}

## What it is for, and what it is not
Art from one's own photos. {_limits(entry)} It does not know what a
picture shows: faces and writing are strokes to it like everything else. It was trained on photos from public
research collections, which show some parts of the world far more often than others. Measured figures, good and bad,
stand in `docs/LEADERBOARD.md`.
"""


def _any(entry: dict[str, Any]) -> str:
    return ", or of any painting through its style encoder" if "encoder" in entry["files"] else ""


def _unnamed(training: dict[str, Any]) -> str:
    count = training.get("paintings", 0)
    return f"; for the style encoder {count:,} paintings more, of which one in fifty was held out" if count else ""


def _limits(entry: dict[str, Any]) -> str:
    if "encoder" not in entry["files"]:
        return "It knows the listed paintings and mixtures of them, no others."
    return (
        "It knows the listed paintings best. Of a painting that it has never seen it takes colours, contrast and the "
        "kind of texture, not motifs."
    )


def _session(i: int, s: dict[str, Any]) -> str:
    batch = f"{s['photos_per_batch']} x {s['styles_per_photo']}"
    taught = "by a painter" + (" and VGG-19" if s["perceptual"] else " alone") if s["taught"] else "by VGG-19"
    by = s.get("optimiser", "adam").capitalize()
    return (
        f"| {i} | {s['seconds'] / 60:.0f} | {s['machine']} | {s['precision']} | {s['crop']} | {batch} "
        f"| {s['style_weight']:g} | {s['lr']:g} | {by} | {s['cooldown']:.0%} | {taught} |"
    )
