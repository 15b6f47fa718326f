"""The model card of a composer, made from its manifest entry by the release, never by hand."""

from __future__ import annotations

from typing import Any


def write(model: str, entry: dict[str, Any]) -> str:
    """The card as Markdown."""
    training, network, test = entry["training"], entry["network"], entry["test nats a note"]
    sessions = "\n".join(
        f"| {i} | {s['seconds'] / 60:.0f} | {s['machine']} | {s['precision']} | {s['batch']} x {s['length']} "
        f"| {s['lr']:g} | {s['cooldown']:.0%} | {s['dropout']:g} | {s['forget']:g} |"
        for i, s in enumerate(training["sessions"], 1)
    )
    files = "\n".join(
        f"| `{f['file']}` | {f['bytes'] / 2**20:.2f} MiB | `{f['sha256']}` |" for f in entry["files"].values()
    )
    figures = ", ".join(f"{k} {v}" for k, v in training["last figures"].items())
    split = ", ".join(
        f"{name} {training['files'][name]} files with {training['notes'][name]:,} notes" for name in training["files"]
    )
    known = "without parts" in test
    tells = ", whose hand or part it is" if network.get("parts") else ""
    phrases = ", the function of the bar in its phrase, its accompaniment and bars to the phrase's end"
    more = phrases if network.get("planned") else ""
    parts = f", part {test['part']}; whoever plays, {test['without parts']}" if known else ""
    return f"""# {model}

Version {entry["version"]}. A decoder-only transformer that writes music in the persona of a composer, bar by bar, in
pitches relative to a key. Licence of these weights: {entry["licence"]}.

{entry["note"] or "No remarks."}

## What it is
{network["parameters"]:,} parameters: {network["layers"]} layers of width {network["width"]} and {network["heads"]}
heads. One step a note; its place in the bar{tells}, pitch, duration and velocity are predicted one after the other.
Told at every bar: persona, valence, arousal, bars left, tempo, metre, mode, who plays{more}.
Personas: {", ".join(network["personas"])}.

| file | size | sha256 |
|---|---|---|
{files}

## What it learned from
{entry["data"] or "Not stated."}

Split by work: {split}. The fingerprints beside the weights are the melodies of the training works as steps, against
which `flamingo compose` compares what it wrote.

## How it was trained
`{training["command"]}`, seed {training["seed"]}: {training["events"]:,} events in {training["steps"]:,} steps,
{training["seconds"] / 60:.0f} minutes in all. At the end: {figures}. On the test works: {test["all"]} nats a note
(where {test["where"]}, pitch {test["pitch"]}, duration {test["duration"]}, velocity {test["velocity"]}{parts}).

| | minutes | machine | precision | batch | rate | cooled | dropout | not told |
|---|---|---|---|---|---|---|---|---|
{sessions}

## What it is for, and what it is not
New music for one's own pictures and films, and a start for one's own pieces. A persona is a leaning learned from a
few hours of a composer's piano music, not the composer; do not pass a piece off as a work of theirs. It knows
European keyboard music of about 1750 to 1920 and nothing else. What valence and arousal mean to it was measured
on that same music by plain features, not asked of listeners. Measured figures, good and bad, stand in
`docs/LEADERBOARD.md`.
"""
