"""One's own persona from one's own music: `flamingo train compose --persona NAME --music DIR`.

The composer that ships is taught one more name. Its persona embedding gets a row, which begins as the mean of the
others, and the whole network is trained on at a low rate on the music found: MIDI, scores, or recordings, which are
written down first (see flamingo.composing.reading.recordings). The result goes to the user's personas, not to the
package.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from flamingo import weights as shipped
from flamingo.composing import mood, originality, personas, reading
from flamingo.composing.piece import Piece
from flamingo.errors import BadRequest, FlamingoError, WouldOverwrite
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.composing.music import Music, made
from flamingo.train.corpus import sources

if TYPE_CHECKING:
    from flamingo.train.composing.recipe import ComposerRecipe

LEAST, GOOD = 1_000, 20_000
"""Notes below which nothing can be learned, and from which on a persona is recognisable."""
_HELD_OUT = 6
"""One piece in six is kept for validation, once there are as many."""


def load(recipe: ComposerRecipe, saved: Checkpoint, *, quiet: bool) -> tuple[Music, Checkpoint]:
    """Read the user's music and make room for the new persona in the checkpoint. Says what was found. Raises
    BadRequest if that is not enough, or the name is taken."""
    name = recipe.persona
    personas.own_file(name)  # refuses what cannot be a name
    if name in shipped_names():
        raise BadRequest(f"--persona {name}", "a persona of this name ships with the composer", "choose another name")
    if name in personas.own() and not (recipe.resume or recipe.overwrite):
        raise WouldOverwrite(
            f"--persona {name}", "a persona of yours has that name already", "choose another name or add --overwrite"
        )
    say = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    pairs: list[tuple[sources.Source, Piece]] = []
    files = [file for folder in recipe.music for file in _files(Path(folder))]
    words = {s.file: s.mood for s in sources.find_moods(Path(recipe.moods))} if recipe.moods else {}
    files += [file for file in words if file not in files]
    for i, file in enumerate(files, 1):
        try:
            piece = reading.read(file)
        except FlamingoError as error:
            say.print(f"[{i}/{len(files)}] left out: {error}", markup=False)
            continue
        say.print(f"[{i}/{len(files)}] {file.name}: {len(piece.notes):,} notes in {piece.key}", markup=False)
        word = words.get(file, "")
        pairs.append((sources.Source(file, name, file.stem, f"{name}: {file.stem}", "train", word), piece))
    notes = sum(len(p.notes) for _, p in pairs)
    summary = f"{notes:,} notes in {len(pairs)} of {len(files)} files"
    if notes < LEAST:
        raise BadRequest(
            f"--persona {name}",
            f"found {summary}; at least {LEAST:,} notes are needed",
            f"add music: {GOOD:,} are good",
        )
    enough = "that is enough" if notes >= GOOD else f"it will be a faint likeness: {GOOD:,} notes are good"
    say.print(f"found {summary}; {enough}")
    if len(pairs) >= _HELD_OUT:
        pairs = [(_side(s), p) for s, p in pairs]
    if name not in saved.facts["config"]["personas"]:
        saved = _with_room(saved, name)
    return made(pairs, tuple(saved.facts["config"]["personas"]), mood.Scale(**saved.facts["scale"])), saved


def shipped_names() -> list[str]:
    """Personas of the composer that ships."""
    return list(shipped.entry("composer")["network"]["personas"])


def _files(folder: Path) -> list[Path]:
    return [folder] if folder.is_file() else reading.folder(folder)


def _side(source: sources.Source) -> sources.Source:
    held_out = int(hashlib.sha256(source.title.encode()).hexdigest()[:8], 16) % _HELD_OUT == 0
    return replace(source, split="valid" if held_out else "train")


def _with_room(saved: Checkpoint, name: str) -> Checkpoint:
    """The checkpoint with one more row of personas, before the last, which stands for "not told"."""
    tensors: dict[str, Any] = {}
    for key, tensor in saved.tensors.items():
        if key.startswith("optimiser."):
            continue  # moments of another shape and another music
        if key.endswith("persona.weight"):
            persona_rows = tensor[:-1] if len(tensor) > 1 else tensor  # a composer may know none
            tensor = torch.cat(
                (tensor[:-1], persona_rows.float().mean(0, keepdim=True).to(tensor.dtype), tensor[-1:])
            )
        tensors[key] = tensor
    config = {**saved.facts["config"], "personas": [*saved.facts["config"]["personas"], name]}
    return Checkpoint(
        tensors, {**saved.facts, "config": config, "step": 0, "events": 0, "seconds": 0.0, "sessions": []}
    )


def install(name: str, checkpoint: Path, music: Music) -> Path:
    """Put the trained persona where `flamingo compose --persona NAME` finds it, with the fingerprints of its music:
    both or neither. Raises an OutputError."""
    from flamingo.composing.model import read
    from flamingo.train.composing.habits import habits

    trained = Checkpoint.load(checkpoint)
    before = read(shipped.path("composer", "weights")).facts
    mine = habits(music.pairs, [name], music.scale)
    facts = {
        **trained.facts,
        "habits": {**before["habits"], **mine},
        "tempo_slope": before["tempo_slope"],
        "typical": before["typical"],
        "scale": asdict(music.scale),
    }
    tensors = {f"ema.{k}": v.half() for k, v in trained.part("ema").items()}
    learned = originality.build((f"{name}: {s.title}", p) for s, p in music.pairs)
    null = originality.Index.load(shipped.path("composer", "fingerprints")).quantiles
    prints = originality.Index(learned.titles, learned.steps, learned.offsets, learned.bars, null)
    return personas.keep(name, Checkpoint(tensors, facts).content(), prints.content())
