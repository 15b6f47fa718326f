"""Settings of older systems, as data.

What is publicly known of the three systems is little: that they optimised or trained against VGG features, and for
deep-art-2023 its report's losses (style 26.5 at step 50 and 1.95 at step 250, content from 9.9 to 6.9, printed
every 50 steps). All else here is what was published by those whose programs such systems were built on; each
entry says what it is taken from. Absolute losses depend on the scale of the activations, which differs between the
trainings of VGG-19; here it is that of Gatys et al. 2016, whose mean activation is 1 in each layer.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from flamingo.errors import BadRequest
from flamingo.optimising.settings import Settings

DEEP_ART_REPORT: Mapping[int, tuple[float | None, float]] = {50: (9.9, 26.5), 250: (6.9, 1.95)}
"""Known: content and style loss by step, for the report's own pictures. The first content figure belongs to the
beginning of the report's table and the last to its end."""

PRESETS: Mapping[str, Settings] = {
    # Known: a network per painting, trained in 2021; its settings are not recorded. Taken from pytorch/examples
    # fast_neural_style: content 1e5, style 1e10, Adam; its VGG-16 layers relu1_2, relu2_2, relu3_3 and relu4_3, of
    # which VGG-19 has the namesakes. Not taken: its rate of 1e-3, which is for the weights of a network; for pixels
    # it is the 0.02 of TensorFlow's tutorial. Steps: not known; 500, where the losses have levelled out.
    "flamingo-2021": Settings(
        content_layers={"relu2_2": 1.0},
        style_layers={"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0},
        content_weight=1e5,
        style_weight=1e10,
        losses="absolute",
        optimiser="adam",
        rate=0.02,
        steps=500,
        coarsest=None,
        average=0.0,
        log_every=50,
    ),
    # Known: Gatys' method. Taken from Gatys' own program (leongatys/PytorchNeuralStyleTransfer): relu4_2, the first
    # layers of the five blocks, content 1, style 1e3 / C^2 for Gram matrices divided by places (which is 1e3 for
    # ours, divided by channels too), L-BFGS from the photo, 500 steps, losses every 50.
    "nst-2023": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers={f"relu{block}_1": 1.0 for block in range(1, 6)},
        content_weight=1.0,
        style_weight=1e3,
        losses="absolute",
        optimiser="lbfgs",
        steps=500,
        coarsest=None,
        average=0.0,
        history=100,
        log_every=50,
    ),
    # Known: content and style losses printed every 50 steps in the form of PyTorch's tutorial, and their values.
    # Taken from that tutorial (Jacq, "Neural transfer using PyTorch"): the first five convolutions before their
    # ReLU, the fourth for the content, weights 1 and 1e6, L-BFGS from the photo, 300 evaluations. Fitted: that
    # network's mean activation, 1.36, so that the content loss ends as large as the report's; content errors go with
    # its square and style errors with its fourth power.
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
