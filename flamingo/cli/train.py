"""`flamingo train`: train the models on one's own pictures and music, and release what was trained."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from flamingo.cli.base import command, err, needs_torch, out, plain, progress
from flamingo.errors import BadRequest, show
from flamingo.options import one_line_refusals
from flamingo.train.budget import seconds
from flamingo.train.composing.recipe import ComposerRecipe
from flamingo.train.corpus.recipe import CorpusRecipe
from flamingo.train.mood.recipe import FeelRecipe
from flamingo.train.painting.recipe import PainterRecipe
from flamingo.train.plans.words import WordsRecipe
from flamingo.weights import folder as shipped_models
from flamingo.weights import models

train = App(name="train")


def _joined(begin: str, outcome: Any) -> str:
    """The last line of a training: what there is to say of it, and its figures if there are any."""
    figures = ", ".join(f"{k} {v:.3f}" for k, v in outcome.figures.items())
    line = f"{begin}, {outcome.seconds:.0f} s"
    return f"{line}; {figures}" if figures else line


def _train_paint(**choices: Any) -> int:
    needs_torch("training")
    from flamingo.train.painting import loop as training

    with one_line_refusals("flamingo train paint"):
        recipe = PainterRecipe(**choices)
    outcome = training.train(recipe)
    print(f"{outcome.checkpoint}: {_joined(f'{outcome.steps} steps, {outcome.samples} pictures', outcome)}")
    if outcome.unreadable:
        err.print(f"{outcome.unreadable} unreadable photos were passed over")
    return 0


train.command(
    command(
        PainterRecipe,
        _train_paint,
        about="Train the painter on photos and paintings: time-boxed, resumable, under torchrun on several GPUs.",
    ),
    name="paint",
)


def _train_compose(**choices: Any) -> int:
    needs_torch("training")
    from flamingo.train.composing import loop as training

    with one_line_refusals("flamingo train compose"):
        recipe = ComposerRecipe(**choices)
    outcome = training.train(recipe)
    print(f"{outcome.checkpoint}: {_joined(f'{outcome.steps} steps, {outcome.events} events', outcome)}")
    if outcome.persona:
        name = outcome.persona
        err.print(plain(f"the persona {name} is ready, in {outcome.installed}; to use it:"))
        print(f"flamingo compose --persona {shlex.quote(name)}")
    return 0


train.command(
    command(
        ComposerRecipe,
        _train_compose,
        about="Train a composer on a folder of music, or teach the one that ships a new persona (--persona NAME).",
        names={"music": ["--music", "--from"]},
    ),
    name="compose",
)


def _train_corpus(**choices: Any) -> int:
    from flamingo.train.corpus.build import build

    with one_line_refusals("flamingo train corpus"):
        recipe = CorpusRecipe(**choices)
    built = build(recipe, lambda line: err.print(plain(line)))
    for name, row in sorted(built.table.items()):
        sides = ", ".join(
            f"{side} {row[f'{side} files']:,} pieces with {row[f'{side} notes']:,} notes"
            for side in ("train", "valid", "test")
            if f"{side} files" in row
        )
        print(
            f"{name}: {sides or 'nothing'}; {row.get('duplicates', 0):,} left out, for the same music is there twice"
        )
    print("notes by who plays: " + ", ".join(f"{name} {count:,}" for name, count in built.ensembles.items()))
    if built.unreadable:
        err.print(
            plain(f"{len(built.unreadable)} files could not be read; {built.folder / 'corpus.json'} names them")
        )
    print(f"{built.folder}: {built.seconds:.0f} s; to learn from it:")
    print(f"flamingo train compose --music {shlex.quote(str(built.folder))}")
    return 0


train.command(
    command(
        CorpusRecipe,
        _train_corpus,
        about="Read folders of scores and MIDI files into one corpus, split by work, for training composers.",
        names={"music": ["--music", "--from"]},
    ),
    name="corpus",
)


def _train_feel(**choices: Any) -> int:
    needs_torch("training")
    from flamingo.train.mood import loop as training

    with one_line_refusals("flamingo train feel"):
        recipe = FeelRecipe(**choices)
    outcome = training.train(recipe)
    print(f"{outcome.checkpoint}: {_joined('finished' if outcome.finished else 'not finished', outcome)}")
    for line in outcome.report:
        print(line)
    if not outcome.finished:
        err.print("its time was too short; go on with the same command and --resume")
    return 0


train.command(
    command(
        FeelRecipe,
        _train_feel,
        about="Train the mood model on photos with moods: cross-validated, time-boxed, resumable.",
    ),
    name="feel",
)


def _train_words(**choices: Any) -> int:
    from flamingo.train.plans import words

    with one_line_refusals("flamingo train words"):
        recipe = WordsRecipe(**choices)
    entry = words.train(recipe)
    figures = ", ".join(f"{axis} {sd:.3f}" for axis, sd in entry["sd"].items())
    print(f"{recipe.out}: words {entry['version']}, standard deviation of the errors: {figures}")
    return 0


train.command(
    command(
        WordsRecipe,
        _train_words,
        about="Train the model of words on rated words, into a folder of models: cross-validated, in minutes.",
    ),
    name="words",
)


@train.command(name="all")
def _train_all(
    *,
    recipe: Annotated[
        list[Path], Parameter(help="Recipe files, such as docs/recipes/*.toml.", consume_multiple=True, negative=())
    ],
    data: Annotated[Path, Parameter(help="Folder with the recipes' folders, or with archives of them.")],
    out_folder: Annotated[
        Path,
        Parameter(name=["--out", "-o"], help="Folder for runs, releases and plan.json; it always goes on there."),
    ],
    budget: Annotated[str, Parameter(help="Time for all trainings, by the recipes' shares: 25m, 8h.")] = "25m",
    weights: Annotated[Path | None, Parameter(help="Folder of the models; this installation's by default.")] = None,
    release: Annotated[bool, Parameter(help="Put models that are better than those there into --weights.")] = True,
    force: Annotated[bool, Parameter(help="Worse ones too; their note says so.", negative=())] = False,
    rehearse: Annotated[
        bool, Parameter(help="Try it all with the smallest models and a few steps; nothing is released.", negative=())
    ] = False,
) -> int:
    """From data to release: unpack, train, export, judge against the models that ship, release what is better."""
    needs_torch("training")
    from flamingo.train.plans.plan import Plan, carry_out
    from flamingo.train.plans.report import table

    try:
        time = seconds(budget)
    except ValueError as error:
        raise BadRequest(f"--budget {budget}", str(error), "see `flamingo train all --help`") from None
    plan = Plan(recipe, data, out_folder, time, weights or shipped_models(), release, force, rehearse)
    try:
        results = carry_out(plan, lambda text: err.print(plain(text)))
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on")
        return 130
    if results:
        out.print(table(results), soft_wrap=False)
    for result in results:
        err.print(plain(f"{result.recipe.name}: {result.state}: {result.why}"))
    return 1 if any(r.state in ("refused", "failed", "unfinished") for r in results) else 0


@train.command(name="release")
def _train_release(
    runs: Annotated[
        list[Path],
        Parameter(help="Run folder with a checkpoint; of several mood models the mean ships."),
    ],
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
    overwrite: Annotated[
        bool, Parameter(help="Replace styles of yours, where the run learned new paintings.", negative=())
    ] = False,
) -> int:
    """Export a trained painter, composer or mood model, with its card, into the folder of shipped models.

    It does not ask whether the model is better than the one there: `flamingo train all` does.
    """
    needs_torch("exporting")
    from flamingo.train.release import release

    print(
        release(
            runs,
            weights or shipped_models(),
            name=name,
            music=music or (),
            images=images or (),
            data=data,
            note=note,
            overwrite=overwrite,
        )
    )
    return 0


@train.command(name="losses")
def _train_losses(
    runs: Annotated[list[Path], Parameter(help="Run folders of painters, or files of released weights.")],
    /,
    *,
    styles: Annotated[
        Path | None, Parameter(help="Folder of the paintings; without it that of the first run.")
    ] = None,
    photos: Annotated[
        list[Path] | None, Parameter(help="Folders of photos; without it those of the first run.", negative=())
    ] = None,
    shipped: Annotated[bool, Parameter(help="Measure the painters that ship beside them.")] = True,
    count: Annotated[int, Parameter(help="How many photos each style is painted on.")] = 6,
    size: Annotated[int, Parameter(help="Side of the squares that are painted, in pixels, a multiple of 4.")] = 256,
    vgg: Annotated[Path | None, Parameter(help="VGG-19 weights, if not the cached ones.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", help="Print as JSON.", negative=())] = False,
) -> int:
    """Print a table of losses for each style: content, style by layer, total variation and total, of runs and of the
    painters that ship, beside each other."""
    needs_torch("measuring losses")
    from flamingo.train.painting import table

    if size < 64 or size % 4 or count < 1:
        raise BadRequest(
            f"--size {size}, --count {count}", "the size is 64 or more and a multiple of 4, and one photo"
        )
    painters = {run.name if run.is_dir() else run.stem: table.weights_of(run) for run in runs}
    if shipped:
        there = models()
        files = {
            name: there[name]["files"]["weights"]["file"]
            for name in ("painter-fine", "painter-fast")
            if name in there
        }
        painters |= {f"{name} (ships)": shipped_models() / file for name, file in files.items()}
    of_photos, of_styles = table.folders_of(runs[0])
    where, looked = styles or (Path(of_styles) if of_styles else None), photos or [Path(p) for p in of_photos]
    for option, paths in (("--styles", where), ("--photos", looked)):
        if not paths:
            raise BadRequest(option, f"{show(runs[0])} does not say what it was trained with", "name them")
    assert where is not None
    with progress("measuring", silent=as_json) as tell:
        rows = table.measured(painters, where, looked, count=count, size=size, vgg_file=vgg, tell=tell)
    if as_json:
        print(json.dumps([row.as_dict() for row in rows], indent=1, ensure_ascii=False))
    else:
        print("\n".join(table.lines(rows)))
    return 0
