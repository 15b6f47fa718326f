"""How a mood model is trained: the recipe, defined once for Python and for `flamingo train feel`.

It stands apart from the loop so that the command line can show its options without importing torch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from flamingo.train.budget import seconds


@dataclass(frozen=True)
class FeelRecipe:
    """How a mood model is trained. Times in seconds (or "25m", "3h"), sizes in pixels, paths as text."""

    images: Annotated[
        tuple[str, ...],
        Field(description="Folders of photos: one folder a mood inside, or a .csv with file, valence and arousal."),
    ] = ()
    out: Annotated[str, Field(description="Folder for checkpoint and log.")] = "runs/feel"
    backbone: Annotated[
        Literal["lite0", "lite1", "lite2"], Field(description="The EfficientNet-Lite that is fine-tuned.")
    ] = "lite0"
    frozen: Annotated[int, Field(ge=1, description="How many of its blocks stay as they are.")] = 11
    size: Annotated[int, Field(ge=96, le=640, description="Longer side of the photos, in pixels.")] = 288
    views: Annotated[int, Field(ge=1, le=32, description="Random crops of each photo that are learned from.")] = 6
    budget: Annotated[
        float, BeforeValidator(seconds), Field(description="Time to train for; the rest waits for --resume.")
    ] = 3600.0
    resume: Annotated[bool, Field(description="Go on with the folds that --out has not finished.")] = False
    overwrite: Annotated[bool, Field(description="Clear a run that --out holds, and begin anew.")] = False
    folds: Annotated[
        int, Field(ge=2, le=20, description="Folds of the cross-validation that measures it and its uncertainty.")
    ] = 10
    epochs: Annotated[int, Field(ge=0, description="Rounds over the photos; 0 trains the last layer alone.")] = 12
    batch: Annotated[int, Field(ge=2, description="Photos in a batch.")] = 16
    lr: Annotated[float, Field(gt=0, description="Learning rate of AdamW.")] = 3e-4
    weight_decay: Annotated[float, Field(ge=0, description="Weight decay.")] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout before the last layer.")] = 0.3
    mixup: Annotated[
        float, Field(ge=0, description="Parameter of the Beta distribution by which photos are mixed; 0 is never.")
    ] = 0.2
    ema: Annotated[float, Field(ge=0, lt=1, description="Decay of the averaged weights.")] = 0.98
    gan: Annotated[
        bool,
        Field(description="First train a WGAN-GP to invent pictures of happy, angry and sad, and learn from them."),
    ] = False
    gan_budget: Annotated[
        float, BeforeValidator(seconds), Field(description="Time to train the WGAN for, apart from --budget.")
    ] = 1200.0
    gan_size: Annotated[Literal[64, 128], Field(description="Side of the pictures that it invents, in pixels.")] = 64
    gan_pictures: Annotated[int, Field(ge=1, description="How many it invents of each mood.")] = 100
    seeds: Annotated[
        int,
        Field(
            ge=0,
            le=50,
            description="For folders named by moods: compare accuracy with the WGAN's pictures and without, over so "
            "many seeds, each with a fifth held out and its share of --gan-budget.",
        ),
    ] = 0
    seed: Annotated[int, Field(ge=0, description="Seed of everything that is drawn.")] = 0
    device: Annotated[str, Field(description="auto, cpu or cuda.")] = "auto"
