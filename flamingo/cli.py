"""The command line: parse, call, show. Whatever does the work lives elsewhere and can be called from Python.

Exit codes: 0 all done, 1 some inputs failed (named, the rest done), 2 the request itself is wrong, 130 cancelled.
No traceback reaches a user; `FLAMINGO_DEBUG=1` shows it to a developer.
"""

from __future__ import annotations

import inspect
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import flamingo
from flamingo import provenance, runtime, weights
from flamingo.errors import BadRequest, FlamingoError, show
from flamingo.files import sha256
from flamingo.grading import store as graded
from flamingo.grading import verb as grading
from flamingo.options import one_line_refusals, options
from flamingo.painting import own
from flamingo.painting.painter import Model
from flamingo.studio.serve import serve
from flamingo.train.composing.recipe import ComposerRecipe
from flamingo.train.feeling.recipe import FeelRecipe
from flamingo.train.painting.recipe import PainterRecipe
from flamingo.weights import folder as shipped_models

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

app = App(
    name="flamingo",
    help="Turn photos into art, and compose its music.",
    version=f"flamingo {flamingo.__version__}",
    help_format="markdown",
    usage="Usage: flamingo COMMAND ...",
)
app.register_install_completion_command()
train_app = App(name="train", help="Train the models on your own pictures (needs the extra `train`).")
app.command(train_app)

# Short names and groups that only the command line has.
_SHORT = {
    "output": ["--output", "-o"],
    "style": ["--style", "-s"],
    "out": ["--out", "-o"],
    "persona": ["--persona", "-p"],
    "continue_from": ["--continue"],
    "music": ["--music", "--from"],
}


def _command(
    verb: Callable[..., Any], run: Callable[..., int], *extra: inspect.Parameter, about: str = ""
) -> Callable[..., int]:
    """A command with exactly the options of `verb` (see flamingo.options), and those of the command line alone."""
    parameters = []
    for option in options(verb):
        settings: dict[str, Any] = {"help": option.description}
        if option.default is not True:
            settings["negative"] = ()  # --no-... is worth a line of help only where it changes something
        if option.name in _SHORT and not option.positional:
            settings["name"] = _SHORT[option.name]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if option.positional else inspect.Parameter.KEYWORD_ONLY
        annotation = Annotated[option.type, Parameter(**settings)]  # type: ignore[name-defined]
        parameters.append(inspect.Parameter(option.name, kind, default=option.default, annotation=annotation))
    parameters += extra

    def command(*args: Any, **kwargs: Any) -> int:
        return run(*args, **kwargs)

    command.__name__, command.__doc__ = verb.__name__, about or (verb.__doc__ or "").split("\n\n")[0]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _flag(name: str, help: str) -> inspect.Parameter:
    annotation = Annotated[bool, Parameter(name=f"--{name}", negative=(), help=help)]
    return inspect.Parameter(f"as_{name}", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)


# -- paint --------------------------------------------------------------------------------------------------


def _paint(photos: list[Path], *, as_json: bool = False, **choices: Any) -> int:
    with _progress(as_json) as progress:
        task = progress.add_task("painting", total=None, name="")

        def step(done: int, total: int, photo: Path) -> None:
            progress.update(task, completed=done, total=total, name=show(photo.name))

        results = flamingo.paint(photos, on_progress=step, **choices)
    failed = [r for r in results if r.error]
    if as_json:
        print(json.dumps([r.as_dict() for r in results], indent=1))
    else:
        for r in results:
            if r.error:
                err.print(f"[red]failed[/] {_plain(str(r.error))}")
                continue
            out.print(f"{_plain(show(r.file or ''))}  [dim]{r.seconds:.1f} s[/]")
            for note in r.notes:
                out.print(f"  [dim]{_plain(note)}[/]")
    if failed and len(results) > 1:
        err.print(f"{len(results) - len(failed)} painted, {len(failed)} failed")
    return 1 if failed else 0


app.command(_command(flamingo.paint, _paint, _flag("json", "Print what was done as JSON.")), name="paint")


# -- feel ---------------------------------------------------------------------------------------------------


def _feel(photos: list[Path], *, as_json: bool = False, **choices: Any) -> int:
    with _progress(as_json) as progress:
        task = progress.add_task("feeling", total=None, name="")
        results = flamingo.feel(
            photos,
            on_progress=lambda done, total, photo: progress.update(
                task, completed=done, total=total, name=show(photo.name)
            ),
            **choices,
        )
    failed = [r for r in results if r.error]
    if as_json:
        print(json.dumps([r.as_dict() for r in results], indent=1, ensure_ascii=False))
    else:
        for r in results:
            if r.error:
                err.print(f"[red]failed[/] {_plain(str(r.error))}")
            elif r.felt:
                felt = r.felt
                likely = sorted(felt.moods.items(), key=lambda pair: -pair[1])[:3]
                out.print(
                    f"{_plain(show(r.photo or ''))}  [bold]{felt.word}[/]  "
                    f"valence {felt.valence:+.2f} ± {felt.valence_sd:.2f}, "
                    f"arousal {felt.arousal:+.2f} ± {felt.arousal_sd:.2f}  "
                    f"[dim]{', '.join(f'{mood} {p:.0%}' for mood, p in likely)}[/]"
                )
                for sentence in (*r.because, *r.notes):
                    out.print(f"  [dim]{_plain(sentence)}[/]")
                if r.explanation:
                    out.print(f"  [dim]drawn in {_plain(show(r.explanation))}[/]")
            elif r.reading:
                reading = r.reading
                out.print(
                    f"{_plain(show(reading.sentence))}  [bold]{reading.word}[/]  "
                    f"valence {reading.valence:+.2f} ± {reading.valence_sd:.2f}, "
                    f"arousal {reading.arousal:+.2f} ± {reading.arousal_sd:.2f}"
                )
                out.print(f"  [dim]styles: {', '.join(name for name, _ in reading.styles[:3])}[/]")
    if failed and len(results) > 1:
        err.print(f"{len(results) - len(failed)} judged, {len(failed)} failed")
    return 1 if failed else 0


app.command(_command(flamingo.feel, _feel, _flag("json", "Print what was found as JSON.")), name="feel")


# -- compose ------------------------------------------------------------------------------------------------


def _compose(*, as_json: bool = False, **choices: Any) -> int:
    with _progress(as_json) as progress:
        task = progress.add_task("composing", total=None, name="")
        results = flamingo.compose(
            on_progress=lambda done, total, what: progress.update(task, completed=done, total=total, name=what),
            **choices,
        )
    failed = [r for r in results if r.error]
    if as_json:
        print(json.dumps([r.as_dict() for r in results], indent=1, ensure_ascii=False))
    else:
        for r in results:
            if r.error:
                err.print(f"[red]failed[/] {_plain(str(r.error))}")
                continue
            told = r.as_dict()
            keys = " → ".join(section["key"] for section in told["sections"]) or told["key"]
            out.print(
                f"{_plain(', '.join(map(show, r.files)))}  [dim]{keys}, {told['metre']}, tempo {told['tempo']:.0f}, "
                f"{told['bars']} bars, {told['lasts']:.1f} s, made in {r.seconds:.1f} s[/]"
            )
            for note in (*([r.originality.sentence] if r.originality else []), *r.notes):
                out.print(f"  [dim]{_plain(note)}[/]")
    if failed and len(results) > 1:
        err.print(f"{len(results) - len(failed)} composed, {len(failed)} failed")
    return 1 if failed else 0


app.command(_command(flamingo.compose, _compose, _flag("json", "Print what was done as JSON.")), name="compose")


@app.command(name="personas")
def _personas(
    *, as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False
) -> int:
    """List the personas in whose manner music can be composed, and what their music is usually like."""
    found = flamingo.personas()
    if as_json:
        print(json.dumps(found, indent=1))
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("persona", "in minor", "metre", "tempo", "arousal"):
        table.add_column(heading)
    for p in found:
        table.add_row(
            p["name"] + (" (yours)" if p["own"] else ""),
            f"{p['minor']:.0%}",
            p["metre"],
            str(p["tempo"]),
            f"{p['arousal']:+.2f}",
        )
    out.print(table)
    return 0


# -- styles -------------------------------------------------------------------------------------------------


styles_app = App(name="styles", help="List the styles that there are, and keep paintings as styles of your own.")
app.command(styles_app)


@styles_app.default
def _styles(
    *,
    sheet: Annotated[
        Path | None, Parameter(help="Draw a contact sheet of --photo in every style to this file.")
    ] = None,
    photo: Annotated[Path | None, Parameter(help="The photo for the sheet.")] = None,
    strength: Annotated[float, Parameter(help="Strength for the sheet, 0 to 1.")] = 1.0,
    model: Annotated[Model, Parameter(help="Painter whose styles to list.")] = "fine",
    tile: Annotated[int, Parameter(help="Longest side of each picture on the sheet, in pixels.")] = 384,
    overwrite: Annotated[bool, Parameter(help="Replace the sheet if it is there.", negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", help="Print the list as JSON.", negative=())] = False,
) -> int:
    """List the named styles: title, artist, year, and why the painting may be used."""
    if sheet is None:
        found = flamingo.styles(model)
        mine = [own.read(name) for name in own.names()]
        if as_json:
            listed = [s.as_dict() for s in found] + [m.as_dict() for m in mine]
            print(json.dumps(listed, indent=1, ensure_ascii=False))
            return 0
        table = Table(box=None, pad_edge=False)
        for heading in ("style", "title", "artist", "year", "rights"):
            table.add_column(heading)
        for s in found:
            table.add_row(s.name, s.title, s.artist, s.year, s.rights)
        for m in mine:
            table.add_row(m.name, m.source, "yours", "", "")
        out.print(table)
        return 0
    if photo is None:
        raise BadRequest("--sheet", "a sheet shows one photo in every style", "name the photo with --photo FILE")
    picture = flamingo.images.read(photo)
    with _progress(as_json) as progress:
        task = progress.add_task("painting", total=None, name="")
        drawn = flamingo.sheet(
            picture,
            strength=strength,
            model=model,
            tile=tile,
            on_progress=lambda done, total, name: progress.update(task, completed=done, total=total, name=name),
        )
    fingerprint = sha256(photo)
    recipe = {"photo_sha256": fingerprint, "strength": strength, "model": model, "tile": tile}
    origin = provenance.Origin("styles", recipe, (fingerprint,))
    flamingo.images.write(drawn, sheet, overwrite=overwrite, never=[photo], origin=origin)
    print(json.dumps({"file": str(sheet)}) if as_json else show(sheet))
    return 0


@styles_app.command(name="add")
def _add_style(
    name: Annotated[str, Parameter(help="What to call it: lower-case letters, digits and hyphens.")],
    file: Annotated[Path, Parameter(help="A picture of the painting.")],
    /,
    *,
    refine: Annotated[
        bool, Parameter(help="Improve it against VGG-19 (needs the extra `torch`), showing the loss.", negative=())
    ] = False,
    seconds: Annotated[float, Parameter(help="How long to refine for.")] = 30.0,
    photo: Annotated[
        list[Path] | None, Parameter(help="Photo of the kind you will paint, to refine it on (repeatable).")
    ] = None,
    overwrite: Annotated[bool, Parameter(help="Replace a style of yours of that name.", negative=())] = False,
) -> int:
    """Keep any painting as a style of your own, to be named like the others."""
    if refine and not 0 < seconds <= 86_400:
        raise BadRequest(f"--seconds {seconds:g}", "it is not between 0 and a day", "30 is a good one")
    style = own.add(name, file, overwrite=overwrite)
    out.print(f"{name}  [dim]paint with it: flamingo paint PHOTO --style {name}[/]")
    if refine:
        from flamingo.studio.pages.assets import STATIC

        _refine(style, seconds, photo or sorted((STATIC / "img" / "photos").glob("*.jpg")))
    return 0


def _refine(style: own.OwnStyle, seconds: float, photos: Sequence[Path]) -> None:
    from flamingo.optimising.refining import refine

    shown = [flamingo.images.read(photo).resized(256).rgb for photo in photos]
    key = own.key("fine")
    with _progress(False) as progress:
        task = progress.add_task("refining", total=100, name="")

        def step(number: int, share: float, loss: float) -> None:
            progress.update(task, completed=round(100 * share), name=f"step {number}, J {loss:.3f}")

        found = refine(style.vectors[key], style.painting, shown, seconds=seconds, on_step=step)
    first = sum(found.losses[: len(shown)]) / len(shown)
    out.print(f"  [dim]J {first:.3f} before, {found.losses[-1]:.3f} after {len(found.losses) - 1} steps[/]")
    vectors = {**style.vectors, key: found.vector}
    own.keep(replace(style, vectors=vectors, refined=tuple({*style.refined, key})))


@styles_app.command(name="remove")
def _remove_style(name: Annotated[str, Parameter(help="The style of yours to forget.")], /) -> int:
    """Forget a style of your own."""
    own.remove(name)
    return 0


# -- rate ---------------------------------------------------------------------------------------------------

# What else is done with grades has options of its own, so each is a command, though it is written as a flag.
_FORMS = ("--report", "--export", "--undo")

rate_app = App(name="flamingo rate", help_flags=("--help", "-h"), version_flags=())
rate_app.group_commands = cyclopts.Group("Instead")
rate_app["--help"].show = False
rate_app.usage = (
    "Usage: flamingo rate PICTURE MUSIC GRADE [OPTIONS]\n       flamingo rate --report | --export | --undo"
)
rate_app.meta.help = "Grade how well music suits a picture, and print the table of all grades (--report)."
rate_app.meta.help_flags = rate_app.meta.version_flags = ()


@rate_app.meta.default
def _any_form(*tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> object:
    """A form may be named anywhere in the line, and with = before its value, as flags may."""
    arranged = list(tokens)
    for i, token in enumerate(tokens):
        form, equals, value = token.partition("=")
        if form in _FORMS:
            arranged = [form, *([value] if equals else []), *tokens[:i], *tokens[i + 1 :]]
            break
    return rate_app(arranged, exit_on_error=False, print_error=False, result_action="return_value")


def _rate(*args: Any, as_json: bool = False, **choices: Any) -> int:
    stored = flamingo.rate(*args, **choices)
    if as_json:
        print(json.dumps(grading.as_dict(stored), indent=1))
        return 0
    mood = f"mood {stored.mood}" if stored.mood else "mood unknown"
    instead = f", instead of {stored.instead_of}" if stored.instead_of else ""
    out.print(f"{_pair(stored)}  [dim]{mood}{instead}[/]")
    return 0


def _report(*, as_json: bool = False, **choices: Any) -> int:
    report = flamingo.grades(**choices)
    if as_json:
        print(json.dumps(report.as_dict(), indent=1))
    elif report.overall is None:
        where = choices.get("database") or graded.own_database()
        out.print(f"there are no grades in {_plain(show(where))} yet; {grading.FIRST}")
    else:
        table = Table(box=None, pad_edge=False)
        for heading in report.headings:
            table.add_column(heading, no_wrap=True, justify="left" if heading == report.by else "right")
        for i, row in enumerate(report.rows, 1):
            table.add_row(*map(_plain, row), style="bold" if i == len(report.rows) else "")
        out.print(table, width=1000)  # rather wider than the terminal than cut
        out.print(
            "[dim]% (votes); satisfied: excellent or good (95 % interval); mean: from 5, excellent, to 1, bad[/]"
        )
    return 0


def _export(*args: Any, **choices: Any) -> int:
    count = grading.export(*args, **choices)
    out.print(f"{_plain(show(args[0]))}  [dim]grades: {count}[/]")
    return 0


def _undo(*, as_json: bool = False, **choices: Any) -> int:
    stored = grading.undo(**choices)
    if as_json:
        print(json.dumps(grading.as_dict(stored), indent=1))
        return 0
    again = f"  [dim]{stored.instead_of} counts again[/]" if stored.instead_of else ""
    out.print(f"taken back: {_pair(stored)}{again}")
    return 0


def _pair(stored: flamingo.Rating) -> str:
    who = f" ({stored.listener})" if stored.listener else ""
    return _plain(show(f"{stored.grade}: {stored.picture_name} with {stored.music_name}{who}"))


rate_app.default(_command(flamingo.rate, _rate, _flag("json", "Print what was stored as JSON.")))
rate_app.command(
    _command(
        flamingo.grades,
        _report,
        _flag("json", "Print the table as JSON."),
        about="Print the table of all grades: shares in %, who was satisfied, and the mean opinion.",
    ),
    name="--report",
)
rate_app.command(_command(grading.export, _export), name="--export")
rate_app.command(_command(grading.undo, _undo, _flag("json", "Print what was taken back as JSON.")), name="--undo")
app.command(rate_app.meta, name="rate")


# -- serve --------------------------------------------------------------------------------------------------


def _serve(**choices: Any) -> int:
    def started(address: str) -> None:
        print(f"Flamingo's studio is open at {address}  (Ctrl-C ends it)", flush=True)

    serve(on_start=started, **choices)
    return 0


app.command(_command(serve, _serve), name="serve")


# -- verify -------------------------------------------------------------------------------------------------


@app.command(name="verify")
def _verify(
    files: Annotated[list[Path], Parameter(help="Pictures, music or other files.", negative=())],
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False,
) -> int:
    """Say what is known of where files come from, and what that proves.

    Exit code 0 if all are signed and unchanged, 1 if one is not.
    """
    told: list[dict[str, Any]] = []
    whole = True
    for file in files:
        try:
            verdict = flamingo.verify(file)
        except FlamingoError as error:
            whole = False
            told.append({"file": str(file), "error": str(error)})
            if not as_json:
                err.print(f"[red]failed[/] {_plain(str(error))}")
            continue
        whole = whole and verdict.whole
        told.append(verdict.as_dict())
        if not as_json:
            colour = {"whole": "green", "changed": "red", "broken": "red"}.get(verdict.state, "yellow")
            out.print(f"{_plain(show(file))}  [{colour}]{verdict.state}[/]")
            for sentence in verdict.sentences:
                out.print(f"  {_plain(sentence)}")
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    return 0 if whole else 1


# -- doctor -------------------------------------------------------------------------------------------------


@app.command(name="doctor")
def _doctor(*, as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False) -> int:
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
    if not weights.models():
        problems.append("no models are installed: install Flamingo again, or train some with `flamingo train`")
    if as_json:
        print(json.dumps({**facts, "problems": problems}, indent=1))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for key, value in facts.items():
            table.add_row(f"[dim]{key}[/]", _plain(value))
        out.print(table)
        for problem in problems:
            err.print(f"[red]problem[/] {_plain(problem)}")
    return 1 if problems else 0


def _sound_and_hearing() -> dict[str, str]:
    """What plays music here and what writes recordings down, or what to install for it."""
    from flamingo.composing.reading import recordings
    from flamingo.composing.writing import sound

    found = {}
    looks: dict[str, Callable[[], Path]] = {
        "soundfont": lambda: sound.check_soundfont(None),
        "recordings": recordings.network_file,
    }
    for fact, look in looks.items():
        try:
            found[fact] = look().name
        except FlamingoError as error:
            found[fact] = f"none; {error.hint}"
    return found


# -- train --------------------------------------------------------------------------------------------------


def _train_paint(**choices: Any) -> int:
    _needs_torch("training")
    from flamingo.train.painting import loop as training

    with one_line_refusals("flamingo train paint"):
        recipe = PainterRecipe(**choices)
    outcome = training.train(recipe)
    figures = ", ".join(f"{k} {v:.3f}" for k, v in outcome.figures.items())
    print(
        f"{outcome.checkpoint}: {outcome.steps} steps, {outcome.samples} pictures, {outcome.seconds:.0f} s; {figures}"
    )
    if outcome.unreadable:
        err.print(f"{outcome.unreadable} unreadable photos were passed over")
    return 0


train_app.command(
    _command(
        PainterRecipe,
        _train_paint,
        about="Train the painter on photos and paintings: time-boxed, resumable, under torchrun on several GPUs.",
    ),
    name="paint",
)


def _train_compose(**choices: Any) -> int:
    _needs_torch("training")
    from flamingo.train.composing import loop as training

    with one_line_refusals("flamingo train compose"):
        recipe = ComposerRecipe(**choices)
    outcome = training.train(recipe)
    figures = ", ".join(f"{k} {v:.3f}" for k, v in outcome.figures.items())
    print(f"{outcome.checkpoint}: {outcome.steps} steps, {outcome.events} events, {outcome.seconds:.0f} s; {figures}")
    return 0


train_app.command(
    _command(
        ComposerRecipe,
        _train_compose,
        about="Train a composer on a folder of music, or teach the one that ships a new persona (--persona NAME).",
    ),
    name="compose",
)


def _train_feel(**choices: Any) -> int:
    _needs_torch("training")
    from flamingo.train.feeling import loop as training

    with one_line_refusals("flamingo train feel"):
        recipe = FeelRecipe(**choices)
    outcome = training.train(recipe)
    figures = ", ".join(f"{k} {v:.3f}" for k, v in outcome.figures.items())
    state = "finished" if outcome.finished else "not finished, go on with --resume"
    print(f"{outcome.checkpoint}: {state}, {outcome.seconds:.0f} s; {figures}")
    return 0


train_app.command(
    _command(
        FeelRecipe,
        _train_feel,
        about="Train the mood model on photos with moods: cross-validated, time-boxed, resumable.",
    ),
    name="feel",
)


@train_app.command(name="release")
def _train_release(
    run: Annotated[Path, Parameter(help="Run folder with a checkpoint.")],
    *,
    name: Annotated[str, Parameter(help="Name to ship it under: fine or fast for a painter; composer; feel.")],
    music: Annotated[
        list[Path] | None, Parameter(help="For a composer: the folders that it learned from.", negative=())
    ] = None,
    images: Annotated[
        list[str] | None, Parameter(help="For a mood model: the folders that it learned from.", negative=())
    ] = None,
    weights: Annotated[Path | None, Parameter(help="Folder of the models; this installation's by default.")] = None,
    data: Annotated[str, Parameter(help="What it was trained on, for the manifest.")] = "",
    note: Annotated[str, Parameter(help="Anything else worth knowing.")] = "",
) -> int:
    """Export a trained painter, composer or mood model, with its card, into the folder of shipped models."""
    _needs_torch("exporting")
    if music:
        from flamingo.train.composing import export

        entry = export.release(run, weights or shipped_models(), music, name=name, data=data, note=note)
        print(f"{name} {entry['version']}: {entry['test nats a note']['all']:.3f} nats a note on the test works")
        return 0
    if images:
        from flamingo.train.feeling import export as feeling

        entry = feeling.release(run, weights or shipped_models(), folders=tuple(images), data_note=data, note=note)
        figures = ", ".join(f"{k} {v:.3f}" for k, v in entry["training"]["figures"].items())
        print(f"feel {entry['version']}: {figures}")
        return 0
    from flamingo.train.painting.export import release

    entry = release(run, weights or shipped_models(), name=name, data=data, note=note)
    print(f"painter-{name} {entry['version']}: export differs by {entry['export_psnr']} dB PSNR")
    return 0


def _needs_torch(what: str) -> None:
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise flamingo.errors.MissingExtra.of(what, "torch", "train")


# -- running ------------------------------------------------------------------------------------------------


def _progress(silent: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        console=err,
        transient=True,
        disable=silent or not err.is_terminal,
    )


def _plain(text: str) -> str:
    """Text from outside, so that its brackets are not taken for rich's markup."""
    return text.replace("[", "\\[")


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code. Errors become one line on standard error."""
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        return result if isinstance(result, int) else 0
    except cyclopts.CycloptsError as error:
        first = " ".join(str(error).split())
        err.print(f"[red]error[/] {_plain(first)}")
        return 2
    except FlamingoError as error:
        if os.environ.get("FLAMINGO_DEBUG"):
            raise
        err.print(f"[red]error[/] {_plain(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        err.print("cancelled; what was finished is kept")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: point stdout at nothing, so that the interpreter closes in silence.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the promise: no traceback reaches a user
        if os.environ.get("FLAMINGO_DEBUG"):
            raise
        reason = " ".join(str(error).split())
        err.print(
            f"[red]error[/] {_plain(type(error).__name__)}: {_plain(reason)}; this is a fault in Flamingo: "
            "run again with FLAMINGO_DEBUG=1 and report what it prints"
        )
        return 1


def main() -> None:
    """The console script."""
    sys.exit(run())
