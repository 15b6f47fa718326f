"""Settings of older systems, as data; docs/optimise.md has the same in a table, and a test compares the two.

Each entry says what that system documents of itself, and where that leaves something open, whose program it is taken
from. Absolute losses depend on the scale of the activations, which differs between the trainings of VGG-19: with
losses "raw" they are those of Caffe's, on which these systems ran; with "absolute" their mean is 1 in each layer.
Keras calls reluN_M "blockN_convM": its convolutions end in their ReLU.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from flamingo.errors import BadRequest
from flamingo.painting.methods.settings import Settings

DEEP_ART_REPORT: Mapping[int, tuple[float, float]] = {
    50: (9.87, 26.48),
    100: (8.73, 7.03),
    150: (8.01, 3.78),
    200: (7.46, 2.70),
    250: (6.91, 1.95),
}
"""Content and style loss by step, as deep-art-2023's report prints them, of its own photo and painting."""

PRESETS: Mapping[str, Settings] = {
    # Documented: FLAMINGO_2021. It trained a network, which `flamingo train paint --preset flamingo-2021` does;
    # here the same losses are minimised over one picture. Not documented: how losses are normalised. Taken from the
    # form of such programs (Engstrom's fast-style-transfer: means of squared differences, activations and total
    # variation for pixels from 0 to 255), with Gram matrices divided by places, for which a style weight of 2e-3
    # has the effect that 1e2 has there. Steps: ours, 500, after which the losses have levelled out.
    "flamingo-2021": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 1.0),
        content_weight=6.0,
        style_weight=2e-3,
        variation_weight=6e2,
        losses="raw",
        optimiser="adam",
        rate=1e-3,
        steps=500,
        coarsest=None,
        average=0.0,
        log_every=50,
    ),
    # Documented: content at block5_conv4, the start is the photo with uniform noise from 0 to 0.5, Adam, 2,501
    # iterations, a snapshot every 250, cost alpha content + beta style. All of these are those of the exercise "Art
    # Generation with Neural Style Transfer" (DeepLearning.AI), from which the rest is taken: block1_conv1 to
    # block5_conv1 with a fifth each, alpha 10, beta 40, a rate of 0.01, pixels from 0 to 1. It divides both errors by
    # 4, which changes nothing for Adam and is left out.
    "nst-2023": Settings(
        content_layers={"relu5_4": 1.0},
        style_layers={f"relu{block}_1": 0.2 for block in range(1, 6)},
        content_weight=10.0,
        style_weight=40.0,
        losses="raw",
        pixel_range=1.0,
        init="noisy",
        optimiser="adam",
        rate=0.01,
        steps=2501,
        coarsest=None,
        average=0.0,
        snapshots=250,
        log_every=50,
    ),
    # Documented: the first five convolutions before their ReLU, the fourth for the content, weights 1 and 1e6,
    # L-BFGS from the photo, 300 evaluations, losses printed every 50: DEEP_ART_REPORT. It is PyTorch's tutorial
    # (Jacq, "Neural transfer using PyTorch"). Fitted: that network's mean activation, 1.36, so that the content
    # loss ends as large as the report's; content errors go with its square and style errors with its fourth power.
    "deep-art-2023": Settings(
        content_layers={"conv2_2": 1.0},
        style_layers={"conv1_1": 1.0, "conv1_2": 1.0, "conv2_1": 1.0, "conv2_2": 1.0, "conv3_1": 1.0},
        content_weight=1.36**2,
        style_weight=1e6 * 1.36**4,
        losses="absolute",
        optimiser="lbfgs",
        steps=300,
        coarsest=None,
        average=0.0,
        history=100,
        log_every=50,
    ),
}


def preset(name: str) -> Settings:
    """The settings of that name. Raises BadRequest, suggesting the nearest, if there are none."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(PRESETS)}"
    raise BadRequest(f"preset {name!r}", "there is no preset of that name", hint)
