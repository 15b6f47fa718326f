"""How a composer is trained: the recipe, defined once for Python and for `flamingo train compose`.

It stands apart from the loop so that the command line can show its options without importing torch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from flamingo.train.budget import seconds

RATE = 1.5e-3
"""The learning rate where a recipe says nothing."""


@dataclass(frozen=True)
class ComposerRecipe:
    """How a composer is trained. Times in seconds (or "25m", "3h"), lengths in events, paths as text."""

    music: Annotated[tuple[str, ...], Field(description="Folders of MIDI files, or a corpus, to learn from.")] = ()
    out: Annotated[str, Field(description="Folder for checkpoint, log and samples.")] = "runs/compose"
    model: Annotated[
        Literal["composer", "lstm", "ngram", "debug"],
        Field(description="What to train: the transformer, or one of the two baselines."),
    ] = "composer"
    budget: Annotated[float, BeforeValidator(seconds), Field(description="Time to train for: 25m, 90s, 3h.")] = 1500.0
    steps: Annotated[int | None, Field(ge=1, description="Stop after so many more steps, if that comes first.")] = (
        None
    )
    resume: Annotated[bool, Field(description="Go on from the checkpoint in --out.")] = False
    overwrite: Annotated[
        bool, Field(description="Clear a run that --out holds, and begin anew; replace a persona of that name.")
    ] = False
    start: Annotated[str, Field(description="Weights of a release to start from, instead of chance.")] = ""
    persona: Annotated[
        str,
        Field(description="Teach the composer that ships (or --start) one new persona, from MIDI, scores or sound."),
    ] = ""
    moods: Annotated[
        str,
        Field(
            description="Folder of music (MIDI, scores or sound) in folders named by moods (angry, calm, ...): it "
            "teaches what is called so, in place of what is measured."
        ),
    ] = ""
    length: Annotated[int, Field(ge=32, le=4096, description="Events in a training sequence.")] = 512
    batch: Annotated[int, Field(ge=1, description="Sequences in a batch.")] = 4
    optimiser: Annotated[
        Literal["muon", "adam"] | None,
        Field(
            description="Muon moves the matrices inside and AdamW the others, or AdamW moves all of them; without it "
            "Muon, but AdamW for a new persona and the baselines."
        ),
    ] = None
    lr: Annotated[
        float | None, Field(gt=0, description="Learning rate; without it 1.5e-3, or 3e-4 for a new persona.")
    ] = None
    weight_decay: Annotated[float, Field(ge=0, description="Weight decay of the matrices.")] = 0.1
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout inside the network.")] = 0.1
    forget: Annotated[
        float, Field(ge=0, lt=1, description="How often each of persona, mood, bars left and tempo is not told.")
    ] = 0.15
    cooldown: Annotated[
        float, Field(ge=0, le=1, description="Last part of the budget, over which the rate falls to a hundredth.")
    ] = 0.4
    ema: Annotated[float, Field(ge=0, lt=1, description="Decay of the averaged weights.")] = 0.998
    filling: Annotated[
        float,
        Field(ge=0, le=1, description="Share of the examples in which bars are filled in between others."),
    ] = 0.3
    accompanying: Annotated[
        float,
        Field(ge=0, le=1, description="Share of the examples in which one part is given, and the others follow."),
    ] = 0.2
    clip: Annotated[float, Field(gt=0, description="Largest norm of a gradient.")] = 1.0
    seed: Annotated[int, Field(ge=0, description="Seed of everything that is drawn.")] = 0
    device: Annotated[str, Field(description="auto, cpu or cuda.")] = "auto"
    precision: Annotated[
        Literal["auto", "f32", "bf16"], Field(description="auto tries which one is faster here.")
    ] = "auto"
    save_every: Annotated[float, BeforeValidator(seconds), Field(description="Time between checkpoints.")] = 120.0
    sample_every: Annotated[
        float, BeforeValidator(seconds), Field(description="Time between samples, as sound and piano roll.")
    ] = 900.0
