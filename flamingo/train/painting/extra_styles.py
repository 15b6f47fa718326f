"""New paintings beside those that a released painter knows: `flamingo train paint --start WEIGHTS --styles
PAINTINGS`.

The painter stays as it is, to the last number, and so do the vectors of its own styles; what is learned is a vector
for each new painting, which begins as its style encoder's. So what is released are styles of the user's own for the
painter that is installed (flamingo/painting/user_styles.py): they paint with any photo, in every verb and page,
beside the named ones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from flamingo import images
from flamingo.errors import BadRequest, ModelMissing, show
from flamingo.files import sha256
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.painter import PainterConfig, StyledPainter
from flamingo.nn.style_encoder import EncoderConfig, with_eye
from flamingo.painting import user_styles
from flamingo.painting.encoder import fitted
from flamingo.train.manifest import entry_of
from flamingo.train.painting.data import StylePicture
from flamingo.train.painting.recipe import PainterRecipe
from flamingo.train.runs import CHECKPOINT


@dataclass
class Beside:
    """styles: the new paintings; config: of the painter that they are learned for; paintings: tensors
    "painting.NAME", (H, W, 3) uint8, for the release; facts: where each came from."""

    styles: list[StylePicture]
    config: PainterConfig
    paintings: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: PainterRecipe, styles: list[StylePicture]) -> Beside | None:
        """None where the recipe starts from nothing, or from a painter that knows these very paintings. Raises
        BadRequest for a name that no style can have, and for a recipe that would change the painter."""
        where = Path(recipe.out) / CHECKPOINT if recipe.resume else Path(recipe.start)
        if not recipe.resume and not recipe.start:
            return None
        facts = Checkpoint.load(where).facts
        if "names" not in facts:
            raise BadRequest(f"--start {show(recipe.start)}", "it is no painter", "name painter-fine.safetensors")
        known_names = list(facts["names"])
        config = PainterConfig(**facts["config"])
        if recipe.resume:
            if "beside" not in facts:
                return None
            return cls(_named(styles, ()), config).with_paintings()
        if set(known_names) == {s.name for s in styles} or recipe.paintings:
            return None
        new = _named([s for s in styles if s.name not in known_names], known_names)
        if not new:
            return None  # some of its own alone: refused later on, as another painter
        for option, value in (
            ("--teacher", recipe.teacher),
            ("--blocks", recipe.blocks),
            ("--preset", recipe.preset),
        ):
            if value:
                why = "new paintings are learned beside those that the painter knows, and the painter stays as it is"
                raise BadRequest(f"{option} {value}", why, "leave it out, or leave --start out")
        return cls(new, config).with_paintings()

    def with_paintings(self) -> Beside:
        for style in self.styles:
            picture = images.read(style.file)
            small = picture.resized(min(user_styles.KEPT, max(picture.height, picture.width))).rgb
            self.paintings[f"painting.{style.name}"] = torch.from_numpy(np.rint(small * 255).astype(np.uint8))
            self.facts[style.name] = {"source": style.file.name, "sha256": sha256(style.file)}
        return self

    @torch.no_grad()
    def begun(self, saved: Checkpoint, resume: bool) -> Checkpoint:
        """A release as the start: its painter, and for each new painting the vector that its encoder gives, or the
        mean of its own where it has none."""
        if resume:
            return saved
        encoder = saved.facts.get("encoder config")
        whole = StyledPainter(self.config, saved.facts["names"], EncoderConfig(**encoder) if encoder else None)
        whole.load_state_dict({k: t.float() for k, t in with_eye(saved.part("ema")).items()})
        rows = []
        for style in self.styles:
            if whole.encoder is None:
                rows.append(whole.vectors.mean(0))
                continue
            painting = torch.from_numpy(fitted(images.read(style.file).rgb))
            rows.append(whole.eval().encoder(painting)[0])  # type: ignore[misc]
        tensors = {k: t for k, t in saved.tensors.items() if k.startswith("ema.painter.")}
        fresh = {"step": 0, "samples": 0, "seconds": 0.0, "unreadable": 0, "sessions": []}
        facts = {**saved.facts, **fresh, "names": [s.name for s in self.styles], "encoder config": None}
        return Checkpoint({**tensors, "ema.vectors": torch.stack(rows)}, facts)


def _named(styles: list[StylePicture], known_names: Any) -> list[StylePicture]:
    """The styles under names that users can type. Raises BadRequest."""
    named: list[StylePicture] = []
    for style in styles:
        name = re.sub(r"[^a-z0-9]+", "-", style.name.lower()).strip("-")[:41]
        if not re.fullmatch(user_styles.NAME, name) or name in known_names or name in {s.name for s in named}:
            why = "it gives no name for a style" if not re.fullmatch(user_styles.NAME, name) else f"{name} is taken"
            raise BadRequest(
                f"--styles: {show(style.file.name)}", why, "rename the file: letters, digits and hyphens"
            )
        named.append(replace(style, name=name))
    return named


def release(run: Path, weights: Path, *, name: str, overwrite: bool = False) -> list[str]:
    """Keep the styles of a run as the user's own, for the painter `name` in the folder `weights`, and return their
    names. Nothing in `weights` is changed. Raises BadRequest if that painter is another one than the run learned for,
    ModelMissing if there is none, WouldOverwrite for a style that is there already, or an OutputError; then none is
    kept."""
    saved = Checkpoint.load(run / CHECKPOINT)
    entry = entry_of(weights, f"painter-{name}")
    if entry is None:
        raise ModelMissing(
            f"painter-{name}", f"it is not in {show(weights)}", "name the folder where it is installed"
        )
    installed = Checkpoint.load(weights / entry["files"]["weights"]["file"]).part("ema")
    mine = saved.part("ema")
    theirs = {k: t for k, t in installed.items() if k.startswith("painter.")}
    same = theirs.keys() == {k for k in mine if k.startswith("painter.")} and all(
        mine[k].shape == t.shape and bool(torch.equal(mine[k].half(), t.half())) for k, t in theirs.items()
    )
    if not same:
        raise BadRequest(
            f"--name {name}",
            f"{show(run)} learned for another painter than the one in {show(weights)}",
            f"train again with --start {show(weights / entry['files']['weights']['file'])}",
        )
    taken_names = {style["name"] for style in entry["styles"]}
    key = f"{name} {entry['version']}"
    styles = []
    for i, style in enumerate(saved.facts["names"]):
        if style in taken_names:
            raise BadRequest(f"style {style!r}", "one of the painter's own has that name", "rename the painting")
        user_styles.check_free(style, overwrite=overwrite)
        about = saved.facts["beside"][style]
        painting = saved.tensors[f"painting.{style}"].numpy().astype(np.float32) / np.float32(255)
        vector = mine["vectors"][i].float().numpy()
        styles.append(user_styles.OwnStyle(style, painting, about["source"], about["sha256"], {key: vector}, (key,)))
    user_styles.keep(*styles, overwrite=overwrite)
    return [own_style.name for own_style in styles]
