"""Recipe files: what is trained, from which data, in which stages, and after which others.

A file is TOML. Its stages have exactly the settings of the single training commands, so that nothing here says a
second time what may be set. `[stage.cuda]` holds what is otherwise on a GPU: larger batches, mostly.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flamingo.errors import BadRequest, show
from flamingo.train.composing.recipe import ComposerRecipe
from flamingo.train.mood.recipe import FeelRecipe
from flamingo.train.painting.recipe import PainterRecipe
from flamingo.train.plans.words import WordsRecipe

Kind = Literal["paint", "compose", "feel", "words"]
SETTINGS: dict[Kind, type[Any]] = {
    "paint": PainterRecipe,
    "compose": ComposerRecipe,
    "feel": FeelRecipe,
    "words": WordsRecipe,
}
_OF_THE_PLAN = ("out", "resume", "overwrite", "budget", "persona")
"""Settings that a stage may not have: the plan says where and for how long; a persona of one's own is no release."""
_NAMES: dict[Kind, tuple[str, ...]] = {"paint": ("fine", "fast"), "feel": ("feel",), "words": ("words",)}
"""Under which names these can be released: what paints and judges asks for them by name."""


@dataclass(frozen=True)
class Stage:
    """settings: as they are written; cuda: those laid over them on a GPU; share: of its recipe's time."""

    settings: dict[str, Any]
    cuda: dict[str, Any]
    share: float

    def on(self, device: str) -> dict[str, Any]:
        """The settings on a device, "cpu" or "cuda"."""
        return self.settings | (self.cuda if device == "cuda" else {})


@dataclass(frozen=True)
class Recipe:
    """A recipe file that was understood. share: of the plan's time, in relation to the other recipes' shares."""

    file: Path
    about: str
    train: Kind
    name: str
    after: tuple[str, ...]
    share: float
    data: str
    note: str
    stages: tuple[Stage, ...]

    @property
    def model(self) -> str:
        """What the manifest calls it."""
        return f"painter-{self.name}" if self.train == "paint" else self.name

    def values(self, key: str) -> list[str]:
        """What all stages give for a setting that names files or folders, each value once, in order."""
        values: list[str] = []
        for stage in self.stages:
            value = stage.settings.get(key) or ()
            values += (value,) if isinstance(value, str) else value
        return list(dict.fromkeys(values))


class _File(BaseModel):
    """What may stand in a recipe file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    about: Annotated[str, Field(min_length=1)]
    train: Kind
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    after: list[str] = []
    share: Annotated[float, Field(ge=0)] = 1.0
    data: str = ""
    note: str = ""
    stage: Annotated[list[dict[str, Any]], Field(min_length=1)]


def read(file: Path) -> Recipe:
    """One recipe file. Raises BadRequest, in one line that names file and key, for one that cannot be understood."""
    name = show(file)
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
        parsed = _File.model_validate(written)
    except ValidationError as error:
        raise _refused(name, error, list(_File.model_fields), "docs/TRAINING.md shows a recipe") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = getattr(error, "strerror", None) or f"it is not TOML ({error})"
        raise BadRequest(name, why.lower() if isinstance(error, OSError) else why, "name a recipe file") from None
    if parsed.train in _NAMES and parsed.name not in _NAMES[parsed.train]:
        choice = " or ".join(_NAMES[parsed.train])
        raise BadRequest(
            f"{name}: name {parsed.name!r}", f"train = {parsed.train!r} makes {choice}", f"write {choice}"
        )
    if not parsed.share and parsed.train != "words":
        raise BadRequest(f"{name}: share 0", "it would have no time to train", "write share = 1")
    stages = tuple(_stage(f"{name}, stage {i}", parsed.train, row) for i, row in enumerate(parsed.stage, 1))
    return Recipe(
        file,
        parsed.about,
        parsed.train,
        parsed.name,
        tuple(parsed.after),
        parsed.share,
        parsed.data,
        parsed.note,
        stages,
    )


def _stage(where: str, kind: Kind, row: dict[str, Any]) -> Stage:
    settings, cuda, share = dict(row), row.get("cuda", {}), row.get("share", 1.0)
    for key in ("cuda", "share"):
        settings.pop(key, None)
    if not isinstance(cuda, dict):
        raise BadRequest(f"{where}: cuda {cuda!r}", "it is a table", "write [stage.cuda]")
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share < 1e6:
        raise BadRequest(f"{where}: share {share!r}", "it is not a number above 0", "write share = 1")
    setting_names = [f.name for f in fields(SETTINGS[kind]) if f.name not in _OF_THE_PLAN]
    for key in (*settings, *cuda):
        if key in _OF_THE_PLAN:
            raise BadRequest(f"{where}: {key}", "this the plan decides itself", "take it out")
        if key not in setting_names:
            raise _unknown(
                where, key, [*setting_names, "share", "cuda"], f"`flamingo train {kind} --help` lists them"
            )
    for chosen in (settings, settings | cuda):
        try:
            SETTINGS[kind](**chosen)
        except ValidationError as error:
            raise _refused(where, error, setting_names, f"see `flamingo train {kind} --help`") from None
    return Stage(settings, cuda, float(share))


def _refused(where: str, error: ValidationError, setting_names: Sequence[str], hint: str) -> BadRequest:
    """Pydantic's first complaint, in one line."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return _unknown(where, key, setting_names, hint)
    if first["type"] == "missing":
        return BadRequest(f"{where}: {key}", "it is missing", hint)
    reason = first["msg"].removeprefix("Value error, ")
    return BadRequest(f"{where}: {key} {first['input']!r}"[:200], reason[0].lower() + reason[1:], hint)


def _unknown(where: str, key: str, setting_names: Sequence[str], hint: str) -> BadRequest:
    near = difflib.get_close_matches(key, setting_names, n=1, cutoff=0.5)
    return BadRequest(f"{where}: {key}", "there is no such setting", f"did you mean {near[0]}?" if near else hint)


def in_order(recipes: Sequence[Recipe], done: Collection[str] = ()) -> list[Recipe]:
    """The recipes as they were named, but each behind those that it comes after. done: names of recipes that were
    trained before and need not be named again. Raises BadRequest if that cannot be."""
    names = [r.name for r in recipes]
    for r in recipes:
        if names.count(r.name) > 1:
            raise BadRequest(show(r.file), f"another recipe is called {r.name} too", "name each recipe once")
        for other in r.after:
            if other not in names and other not in done:
                why = f"it comes after {other}, which is not among the recipes"
                raise BadRequest(show(r.file), why, f"name the recipe of {other} too")
    left, ordered = list(recipes), list[Recipe]()
    while left:
        waiting = {r.name for r in left}
        ready = next((r for r in left if not waiting.intersection(r.after)), None)
        if ready is None:
            circle = ", ".join(f"{r.name} comes after {', '.join(r.after)}" for r in left)
            raise BadRequest(show(left[0].file), f"no recipe could be the first: {circle}", "change `after`")
        left.remove(ready)
        ordered.append(ready)
    return ordered
