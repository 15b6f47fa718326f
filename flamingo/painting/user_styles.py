"""One's own styles: paintings that a user has given a name, each in one file of the user's data folder.

The file keeps the painting itself, small, beside its style vector: when a better painter comes, whose vectors are
others, the painting is read again. `FLAMINGO_STYLES` names another folder.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from flamingo import images, weights
from flamingo.errors import BadInput, BadRequest, ModelCorrupt, WouldOverwrite, show
from flamingo.files import output_error, put, sha256
from flamingo.folders import user_data
from flamingo.images.picture import Picture
from flamingo.painting import encoder
from flamingo.painting.borders import without_border
from flamingo.private import private_folder
from flamingo.settings import STYLES
from flamingo.weights.releases import put_together, recover

KEPT = 1280
"""Longest side of the painting that is kept, in pixels."""
NAME = r"[a-z][a-z0-9-]{0,40}"
"""What a name is made of."""


@dataclass(frozen=True, eq=False)
class OwnStyle:
    """name: what users type; painting: (H, W, 3) float32 sRGB in [0, 1], at most 1,280 pixels long; source: name of
    the file that it came from, sha256: of that file; vectors: by painter and its version, "fine 0a1b2c", (S,)
    float32; refined: those of `vectors` that were improved against VGG-19."""

    name: str
    painting: NDArray[np.float32]
    source: str
    sha256: str
    vectors: dict[str, NDArray[np.float32]]
    refined: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, str]:
        """For lists, with the keys that a named style has."""
        return {"name": self.name, "title": self.source, "artist": "", "year": "", "rights": "yours to know"}


def folder() -> Path:
    """Where one's own styles lie."""
    return user_data("styles", STYLES)


def names() -> list[str]:
    """The names of one's own styles, sorted."""
    recover(folder())
    return sorted(file.stem for file in folder().glob("*.safetensors")) if folder().is_dir() else []


def read(name: str) -> OwnStyle:
    """One's own style of that name. Raises BadRequest if there is none, ModelCorrupt if its file is damaged."""
    file = _file(name)
    if not file.exists():
        raise BadRequest(
            f"style {name!r}", "there is no style of your own of that name", "`flamingo styles` lists them"
        )
    try:
        with safe_open(file, framework="numpy") as opened:
            about = json.loads((opened.metadata() or {})["about"])
            arrays = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - no mapping
        painting = arrays.pop("painting").astype(np.float32) / np.float32(255)
        vectors = {key.removeprefix("vector."): value.astype(np.float32) for key, value in arrays.items()}
        return OwnStyle(name, painting, about["source"], about["sha256"], vectors, tuple(about["refined"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        hint = f"run `flamingo styles remove {name}`"
        raise ModelCorrupt(str(file), f"it is no style of yours that can be read ({error})", hint) from None


def vector(style: OwnStyle, model: str) -> NDArray[np.float32]:
    """The style vector (S,) of one's own style for a painter; read from the painting anew if the painter is another
    than the one that the style was added for."""
    stored = style.vectors.get(key(model))
    return encoder.encoded(style.painting, model, style.name) if stored is None else stored


def key(model: str) -> str:
    """What a painter's vectors are kept under: they mean nothing to another version of it."""
    return f"{model} {weights.entry(f'painter-{model}')['version']}"


def check(name: str, *, model: str = "fine", overwrite: bool = False) -> None:
    """Raise BadRequest for a name that no style can have, WouldOverwrite if one has it already."""
    from flamingo.painting import styles

    _file(name)
    if name in {style.name for style in styles.styles(model)}:
        raise BadRequest(f"style {name!r}", "one of the painter's own has that name", "choose another name")
    check_free(name, overwrite=overwrite)


def check_free(name: str, *, overwrite: bool = False) -> None:
    """Raise WouldOverwrite if a style of one's own has that name already, and BadRequest if none can have it."""
    if _file(name).exists() and not overwrite:
        raise WouldOverwrite(f"style {name!r}", "it is there already", "choose another name or add --overwrite")


def add(name: str, file: Path, *, model: str = "fine", overwrite: bool = False, source: str = "") -> OwnStyle:
    """Keep the painting in `file` as a style called `name`, and return it, as `made`."""
    style = made(name, file, model=model, overwrite=overwrite, source=source)
    keep(style, overwrite=overwrite)
    return style


def made(name: str, file: Path, *, model: str = "fine", overwrite: bool = False, source: str = "") -> OwnStyle:
    """The painting in `file`, without a plain border around it, as a style called `name`, which is not kept yet.
    source: what the file is called, if otherwise than here.

    Raises what `check` does, and BadInput for a file that is no painting.
    """
    check(name, model=model, overwrite=overwrite)
    picture = images.read(file)
    if min(picture.rgb.shape[:2]) < encoder.STRIDE:
        raise BadInput(str(file), "it is too small to show how it was painted", "choose a larger picture of it")
    picture = Picture(np.ascontiguousarray(picture.rgb[without_border(picture.rgb)]))
    small = picture.resized(min(KEPT, max(picture.height, picture.width))).rgb
    vectors = {key(model): encoder.encoded(picture.rgb, model, str(file))}
    return OwnStyle(name, small, source or file.name, sha256(file), vectors)


def keep(*styles: OwnStyle, overwrite: bool = True) -> None:
    """Write styles to their files: all of them or none. Raises WouldOverwrite, or another OutputError; then what was
    there is as it was."""
    where = folder()
    try:
        private_folder(where)
    except OSError as error:
        raise output_error(error, show(where)) from error
    contents = {_file(style.name): _content(style) for style in styles}
    if len(contents) == 1:
        ((target, content),) = contents.items()
        put(content, target, overwrite)
        return
    for style in styles:
        check_free(style.name, overwrite=overwrite)
    put_together(where, {file.name: content for file, content in contents.items()})


def _content(style: OwnStyle) -> bytes:
    about = {"source": style.source, "sha256": style.sha256, "refined": list(style.refined)}
    arrays = {f"vector.{of}": value for of, value in style.vectors.items()}
    arrays["painting"] = np.rint(style.painting * 255).astype(np.uint8)
    return save(arrays, {"about": json.dumps(about)})


def remove(name: str) -> None:
    """Forget one's own style of that name. Raises BadRequest if there is none."""
    file = _file(name)
    if not file.exists():
        raise BadRequest(
            f"style {name!r}", "there is no style of your own of that name", "`flamingo styles` lists them"
        )
    file.unlink()


def _file(name: str) -> Path:
    if not re.fullmatch(NAME, name):
        raise BadRequest(
            f"style {name!r}", "is no name for one", "use lower-case letters, digits and hyphens, such as my-garden"
        )
    where = folder()
    recover(where)
    return where / f"{name}.safetensors"
