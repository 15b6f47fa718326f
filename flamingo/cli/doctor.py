"""`flamingo doctor`: what Flamingo runs on here, and what is wrong, if anything."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

import flamingo
from flamingo import runtime, settings, weights
from flamingo.cli.base import err, out, plain, styled
from flamingo.errors import FlamingoError


def doctor(*, as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False) -> int:
    """Say what Flamingo runs on here: runtime, threads, memory, models, and what is wrong, if anything."""
    import psutil

    memory = psutil.virtual_memory()
    facts: dict[str, str] = {
        "flamingo": flamingo.__version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        **runtime.describe(),
        "memory": f"{memory.available / 2**30:.1f} GiB free of {memory.total / 2**30:.1f}",
        "models in": str(weights.folder()),
    }
    problems: list[str] = []
    for setting in settings.SETTINGS:
        if setting.is_set():
            facts[setting.name] = setting.shown()
            try:
                setting.value()
            except FlamingoError as error:
                problems.append(str(error))
    facts |= _sound_and_hearing()
    for name, entry in weights.models().items():
        try:
            for kind in entry["files"]:
                weights.path(name, kind)
            size = sum(f["bytes"] for f in entry["files"].values()) / 2**20
            facts[name] = f"{entry['version']}, {size:.1f} MiB, whole"
        except FlamingoError as error:
            facts[name] = "cannot be used"
            problems.append(str(error))
    for sentence in weights.absences():
        facts[f"painter-{sentence.split()[2]}"] = sentence
    if not weights.models():
        problems.append("no models are installed: install Flamingo again, or train some with `flamingo train`")
    if as_json:
        print(json.dumps({**facts, "problems": problems}, indent=1))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for key, value in facts.items():
            table.add_row(styled("[dim]{}[/]", key), plain(value))
        out.print(table)
        for problem in problems:
            err.print(styled("[red]problem[/] {}", problem))
    return 1 if problems else 0


def _sound_and_hearing() -> dict[str, str]:
    """What plays music here and what writes recordings down, or what to install for it."""
    from flamingo.composing.reading import recordings
    from flamingo.composing.writing import sound

    facts = {}
    looks: dict[str, Callable[[], Path]] = {
        "soundfont": lambda: sound.check_soundfont(None),
        "recordings": recordings.network_file,
    }
    for fact, look in looks.items():
        try:
            facts[fact] = look().name
        except FlamingoError as error:
            facts[fact] = f"none; {error.hint}"
    return facts
