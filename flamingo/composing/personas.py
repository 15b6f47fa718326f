"""The personas in whose manner can be composed: those that ship with the composer, and those that users made.

One's own persona (`flamingo train compose --persona NAME --from DIR`) is a composer of its own, trained on from the
one that ships, in a file of its own in the user's data folder, or the folder named by `FLAMINGO_PERSONAS`. It still
knows all the others, so it can be mixed with them. Beside it lie the fingerprints of the music that it learned from;
the two are kept together or not at all (flamingo/weights/releases.py).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flamingo import weights
from flamingo.composing.model import Composer, read
from flamingo.composing.originality import Index, Originality
from flamingo.composing.piece import Piece
from flamingo.composing.plan import weights_of
from flamingo.errors import BadRequest, show
from flamingo.files import output_error
from flamingo.folders import user_data
from flamingo.private import private_folder
from flamingo.settings import PERSONAS
from flamingo.weights.releases import put_together, recover

_PRINTS = "-fingerprints"


def own_folder() -> Path:
    """Where one's own personas lie."""
    return user_data("personas", PERSONAS)


def own_file(name: str) -> Path:
    """Where the persona of this name is kept. Raises BadRequest for a name that cannot be one."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name) or name.endswith(_PRINTS):
        raise BadRequest(
            f"persona {name!r}", "is no name for one", "use lower-case letters, digits and hyphens, such as my-band"
        )
    return own_folder() / f"{name}.safetensors"


def own() -> list[str]:
    """Names of one's own personas."""
    folder = own_folder()
    recover(folder)
    files = folder.glob("*.safetensors") if folder.is_dir() else []
    return sorted(f.stem for f in files if not f.stem.endswith(_PRINTS))


def keep(name: str, composer: bytes, fingerprints: bytes) -> Path:
    """Keep a persona of one's own, in place of an older one of that name: the content of its two files. Raises
    BadRequest for a name that cannot be one, or an OutputError, after which the older one is as it was."""
    file = own_file(name)
    try:
        private_folder(file.parent)
    except OSError as error:
        raise output_error(error, show(file.parent)) from error
    put_together(file.parent, {file.name: composer, _prints_of(file).name: fingerprints})
    return file


def _prints_of(file: Path) -> Path:
    return file.with_name(f"{file.stem}{_PRINTS}.safetensors")


@dataclass(frozen=True)
class Cast:
    """Who composes: the model that knows the personas asked for, their weights, which sum to 1, and the fingerprints
    of what it learned from."""

    model: Composer
    personas: Mapping[str, float]
    version: str
    learned: tuple[Index, ...]

    def originality(self, piece: Piece) -> Originality:
        """The report on a piece against all that was learned from: the worst of them."""
        reports = [index.report(piece) for index in self.learned]
        return min(reports, key=lambda r: (r.original, -r.longest.length))


def cast(text: str) -> Cast:
    """Understand "beethoven" or "beethoven=.7,my-band=.3". Raises BadRequest or a ModelError."""
    shipped, mine = Composer.load(), own()
    persona_weights = weights_of(text, [*shipped.personas, *mine])
    version: str = weights.entry("composer")["version"]
    learned = [_index_of(weights.path("composer", "fingerprints"))]
    added = [name for name in persona_weights if name not in shipped.personas]
    if not added:
        return Cast(shipped, persona_weights, version, tuple(learned))
    if len(added) > 1:
        raise BadRequest(
            f"persona {text!r}", "two personas of your own do not know each other", "mix one of them with others"
        )
    file = own_file(added[0])
    prints = _prints_of(file)
    if prints.exists():
        learned.append(_index_of(prints))
    model = _own(file, file.stat().st_mtime_ns)
    missing = [name for name in persona_weights if name not in model.personas]
    if missing:
        raise BadRequest(f"persona {missing[0]!r}", f"is not known to {added[0]}", f"train {added[0]} again")
    return Cast(model, persona_weights, f"{version}+{added[0]}", tuple(learned))


def known() -> list[dict[str, Any]]:
    """Every persona: name, whether it is one's own, and what its music is usually like (share of minor, commonest
    metre, tempo in quarters a minute, mean arousal)."""
    shipped = Composer.load()
    personas = [_about(shipped, name, False) for name in shipped.personas]
    for name in own():
        file = own_file(name)
        personas.append(_about(_own(file, file.stat().st_mtime_ns), name, True))
    return personas


def _about(model: Composer, name: str, mine: bool) -> dict[str, Any]:
    habit = model.facts["habits"][name]
    metre = max(habit["metres"], key=lambda m: habit["metres"][m]["share"])
    return {
        "name": name,
        "own": mine,
        "minor": habit["minor"],
        "metre": metre,
        "tempo": round(2 ** habit["metres"][metre]["tempo"]),
        "arousal": habit["arousal"],
    }


@functools.lru_cache(maxsize=4)
def _own(file: Path, changed: int) -> Composer:
    return read(file)


def _index_of(file: Path) -> Index:
    return _index(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _index(file: Path, changed: int) -> Index:
    return Index.load(file)
