"""The model card of the mood model, made from its manifest entry by the release, never by hand."""

from __future__ import annotations

from typing import Any


def write(model: str, entry: dict[str, Any]) -> str:
    """The card as Markdown."""
    training, networks, judgement = entry["training"], entry["networks"], entry["judgement"]
    file = entry["files"]["onnx"]
    figures = training["figures"]
    sessions = "\n".join(
        f"| {i} | {s['seconds'] / 60:.0f} | {s['machine']} | {s['backbone']} | {s['views']} | {s['epochs']} "
        f"| {s['lr']:g} | {s['dropout']:g} | {s['mixup']:g} |"
        for i, s in enumerate(training["sessions"], 1)
    )
    (v_sd, v_slope), (a_sd, a_slope) = judgement["sd"]
    made_of = " and ".join(
        f"EfficientNet-{n['backbone'].capitalize()} ({n['parameters']:,} parameters, its first {n['frozen']} blocks "
        "as they were)"
        for n in networks
    )
    mean = "\nThe model is the mean of these." if len(networks) > 1 else ""
    photo = f"valence {figures['photo valence']:.3f}, arousal {figures['photo arousal']:.3f}"
    theme = f"valence {figures['theme valence']:.3f}, arousal {figures['theme arousal']:.3f}"
    return f"""# {model}

Version {entry["version"]}. Says where a photo lies on the plane of valence (unpleasant to pleasant) and arousal
(calm to excited), as people would rate it.

{entry["note"] or "No remarks."}

## What it is
{made_of} (Tan and Le 2019; Google, Apache-2.0,
learned on ImageNet), the later blocks fine-tuned, and a linear last layer.{mean}

Input: RGB in [0, 1], longer side about {judgement["size"]} pixels, sides multiples of 32. Output: valence and arousal
in [-1, 1], a map of each, and how unlike the training photos the photo is. Stored in 8 bits, computed in 32: that
costs a root mean square of {entry["export_difference"]:.3f} of the spread of judgements.

| file | size | sha256 |
|---|---|---|
| `{file["file"]}` | {file["bytes"] / 2**20:.2f} MiB | `{file["sha256"]}` |

## What it learned from
{entry["data"] or "Not stated."}

{training["photos"]} photos.

## How it was trained
`{training["command"]}`, seed {training["seed"]}, {training["seconds"] / 60:.0f} minutes, cross-validation included.

| | minutes | machine | network | crops a photo | rounds | rate | dropout | mixup |
|---|---|---|---|---|---|---|---|---|
{sessions}

## What it is worth
Pearson's r on photos that it had not seen: {photo} (folds of photos); {theme} (folds of themes: nothing of that kind
was seen at all). Standard deviation of its error: valence {v_sd:.2f}, arousal {a_sd:.2f} for a usual photo; the
variance grows by {v_slope:.3f} and {a_slope:.3f} for every step away from the usual.

## What it is for, and what it is not
For choosing music and a style that fit a photo. It was taught by the mean ratings of some hundreds of people, most of
them in the United States; what a photo means to the person who took it, it cannot know. It tells anger from sadness
by how exciting a photo is, and anger from fear not at all. It must not be used to judge people.
Measured figures, good and bad, stand in `docs/LEADERBOARD.md`.
"""
