"""How a painter is trained: the recipe, defined once for Python and for `flamingo train paint`.

It stands apart from the loop so that the command line can show its options without importing torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from flamingo.train.budget import seconds

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
LAYERS = tuple(f"relu{b}_{i}" for b, n in enumerate((2, 2, 4, 4, 4), 1) for i in range(1, n + 1))
"""The layers of VGG-19, after their ReLU."""
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # What the first Flamingo documents: see flamingo/painting/methods/presets.py. The network is ours.
    "flamingo-2021": {
        "content_layers": ("relu4_2",),
        "style_layers": STYLE_LAYERS,
        "losses": "raw",
        "content_weight": 6.0,
        "style_weight": 2e-3,
        "tv_weight": 6e2,
        "optimiser": "adam",
        "lr": 1e-3,
        "cooldown": 0.0,
        "ema": 0.0,
        "clip": 1e12,
        "grain": 0.0,
        "photos_per_batch": 2,
        "styles_per_photo": 1,
        "epochs": 2.0,
    }
}
"""Settings of older systems for the training of a painter."""
_FOR_EVER = 9e8  # seconds


def _split(value: Any) -> Any:
    """Layers as they are written on a command line: several, or one text with commas."""
    listed = [value] if isinstance(value, str) else value
    return tuple(part.strip() for text in listed for part in str(text).split(",") if part.strip())


@dataclass(frozen=True)
class PainterRecipe:
    """How a painter is trained. Times in seconds (or "25m", "3h"), sizes in pixels, paths as text."""

    photos: Annotated[tuple[str, ...], Field(description="Folders of photos to learn on.")] = ()
    styles: Annotated[str, Field(description="Folder of paintings, with a styles.csv if there is one.")] = ""
    paintings: Annotated[
        tuple[str, ...],
        Field(description="Folders of any paintings, to learn to paint in the manner of paintings never seen."),
    ] = ()
    out: Annotated[str, Field(description="Folder for checkpoint, log and samples.")] = "runs/paint"
    model: Annotated[Literal["fine", "fast", "debug"], Field(description="Which painter to train.")] = "fine"
    preset: Annotated[
        Literal["flamingo-2021"] | None,
        Field(description="As an older system was trained: its losses, weights, layers, batch and epochs."),
    ] = None
    blocks: Annotated[
        int | None,
        Field(ge=1, description="Residual blocks, if not the usual number; more may be added to a --start."),
    ] = None
    budget: Annotated[float, BeforeValidator(seconds), Field(description="Time to train for: 25m, 90s, 3h.")] = 1500.0
    steps: Annotated[int | None, Field(ge=1, description="Stop after so many more steps, if that comes first.")] = (
        None
    )
    epochs: Annotated[
        float | None,
        Field(gt=0, description="Passes over the photos to train for, in all; then --budget counts only if given."),
    ] = None
    resume: Annotated[bool, Field(description="Go on from the checkpoint in --out.")] = False
    overwrite: Annotated[bool, Field(description="Clear a run that --out holds, and begin anew.")] = False
    start: Annotated[
        str,
        Field(
            description="Weights of a release to start from, instead of chance; where --styles holds paintings that "
            "it does not know, it stays as it is and learns them beside its own."
        ),
    ] = ""
    crop: Annotated[int, Field(ge=64, multiple_of=4, description="Side of the training crops, a multiple of 4.")] = (
        256
    )
    photos_per_batch: Annotated[int, Field(ge=1, description="Photos in a batch.")] = 1
    styles_per_photo: Annotated[int, Field(ge=1, description="Styles that each photo of a batch is painted in.")] = 2
    paintings_per_photo: Annotated[
        int, Field(ge=0, description="Styles of these that come from --paintings through the style encoder.")
    ] = 1
    window: Annotated[
        int, Field(ge=64, multiple_of=32, description="Side of the parts of paintings that the encoder is shown.")
    ] = 320
    begin: Annotated[
        int, Field(ge=2, description="Paintings by which a new encoder chooses what it looks at, before it trains.")
    ] = 400
    style_size: Annotated[int, Field(ge=16, description="Longest side of the paintings.")] = 512
    content_layers: Annotated[
        tuple[str, ...],
        BeforeValidator(_split),
        Field(
            min_length=1, description="Layers of VGG-19 that the photo is kept at, such as relu4_2 or block4_conv2."
        ),
    ] = ("relu4_2",)
    style_layers: Annotated[
        tuple[str, ...],
        BeforeValidator(_split),
        Field(min_length=1, description="Layers of VGG-19 whose Gram matrices are the style."),
    ] = STYLE_LAYERS
    losses: Annotated[
        Literal["relative", "raw"],
        Field(
            description="relative: errors in parts of the target; raw: mean squared differences of Caffe's VGG-19's "
            "activations, as older systems took them."
        ),
    ] = "relative"
    content_weight: Annotated[float, Field(ge=0, description="Weight of the content.")] = 1.0
    style_weight: Annotated[float, Field(ge=0, description="Weight w of style against content.")] = 20.0
    photo_weight: Annotated[
        float, Field(ge=0, description="Weight of the squared error against the photo at strength 0.")
    ] = 100.0
    tv_weight: Annotated[float, Field(ge=0, description="Weight of the total variation.")] = 0.1
    grain: Annotated[
        float,
        Field(ge=0, le=0.5, description="Deviation of the noise that photos are given, for strokes in plain skies."),
    ] = 0.03
    teacher: Annotated[str, Field(description="Run folder, or released weights, of a painter to imitate.")] = ""
    teacher_vectors: Annotated[
        bool,
        Field(description="Take over the teacher's style vectors and its style encoder, and keep them as they are."),
    ] = False
    teacher_weight: Annotated[float, Field(ge=0, description="Weight of the imitation.")] = 20.0
    perceptual: Annotated[
        bool, Field(description="Learn from VGG-19; without it the teacher alone teaches, and VGG-19 costs nothing.")
    ] = True
    optimiser: Annotated[
        Literal["muon", "adam"],
        Field(description="Muon moves the inner layers, and Adam the others, or Adam moves all of them."),
    ] = "muon"
    lr: Annotated[float, Field(gt=0, description="Learning rate.")] = 1e-3
    cooldown: Annotated[
        float, Field(ge=0, le=1, description="Last part of the budget, over which the rate falls to a hundredth.")
    ] = 0.25
    ema: Annotated[float, Field(ge=0, lt=1, description="Decay of the averaged weights.")] = 0.998
    clip: Annotated[float, Field(gt=0, description="Largest norm of a gradient.")] = 1.0
    seed: Annotated[int, Field(ge=0, description="Seed of everything that is drawn.")] = 0
    workers: Annotated[int, Field(ge=0, description="Processes that decode photos.")] = 1
    device: Annotated[str, Field(description="auto, cpu or cuda.")] = "auto"
    precision: Annotated[
        Literal["auto", "f32", "bf16"], Field(description="auto tries which one is faster here.")
    ] = "auto"
    vgg: Annotated[str, Field(description="VGG-19 weights, if not the cached ones.")] = ""
    save_every: Annotated[float, BeforeValidator(seconds), Field(description="Time between checkpoints.")] = 120.0
    sample_every: Annotated[float, BeforeValidator(seconds), Field(description="Time between sample sheets.")] = 600.0

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, arguments: Any) -> Any:
        """What is not given comes from the preset; and a number of epochs is not cut short by a usual budget."""
        if not isinstance(arguments, ArgsKwargs):
            return arguments
        chosen = dict(arguments.kwargs or {})
        name = chosen.get("preset")
        if isinstance(name, str) and name in PRESETS:
            chosen = {**PRESETS[name], **chosen}
        if chosen.get("epochs") is not None and "budget" not in chosen:
            chosen["budget"] = _FOR_EVER
        return ArgsKwargs(arguments.args, chosen)

    @field_validator("content_layers", "style_layers")
    @classmethod
    def _known_layers(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(layer.replace("block", "relu").replace("_conv", "_") for layer in layers)
        for name, layer in zip(layers, names, strict=True):
            if layer not in LAYERS:
                raise ValueError(f"{name} is no layer of VGG-19 after its ReLU: relu1_1 to relu5_4")
        return tuple(dict.fromkeys(names))
