"""`flamingo train`: train the models on one's own pictures and music, and release what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from flamingo.cli.base import app, command, err, needs_torch
from flamingo.errors import BadRequest
from flamingo.options import one_line_refusals
from flamingo.train.composing.recipe import ComposerRecipe
from flamingo.train.feeling.recipe import FeelRecipe
from flamingo.train.painting.recipe import PainterRecipe
from flamingo.weights import folder as shipped_models

train_app = App(name="train", help="Train the models on your own pictures (needs the extra `train`).")
app.command(train_app)


def _train_paint(**choices: Any) -> int:
    needs_torch("training")
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
    figures = ", ".join(f"{k} {v:.3f}" for k, v in outcome.figures.items())
    print(f"{outcome.checkpoint}: {outcome.steps} steps, {outcome.events} events, {outcome.seconds:.0f} s; {figures}")
    return 0


train_app.command(
    command(
        ComposerRecipe,
        _train_compose,
        about="Train a composer on a folder of music, or teach the one that ships a new persona (--persona NAME).",
    ),
    name="compose",
)


def _train_feel(**choices: Any) -> int:
    needs_torch("training")
    from flamingo.train.feeling import loop as training

    with one_line_refusals("flamingo train feel"):
        recipe = FeelRecipe(**choices)
    outcome = training.train(recipe)
    figures = ", ".join(f"{k} {v:.3f}" for k, v in outcome.figures.items())
    state = "finished" if outcome.finished else "not finished, go on with --resume"
    print(f"{outcome.checkpoint}: {state}, {outcome.seconds:.0f} s; {figures}")
    return 0


train_app.command(
    command(
        FeelRecipe,
        _train_feel,
        about="Train the mood model on photos with moods: cross-validated, time-boxed, resumable.",
    ),
    name="feel",
)


@train_app.command(name="release")
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
) -> int:
    """Export a trained painter, composer or mood model, with its card, into the folder of shipped models."""
    needs_torch("exporting")
    run, *more = runs
    if more and not images:
        raise BadRequest("release", "several runs are one model only for moods", "name one run")
    if music:
        from flamingo.train.composing import export

        entry = export.release(run, weights or shipped_models(), music, name=name, data=data, note=note)
        print(f"{name} {entry['version']}: {entry['test nats a note']['all']:.3f} nats a note on the test works")
        return 0
    if images:
        from flamingo.train.feeling import export as feeling

        entry = feeling.release(runs, weights or shipped_models(), folders=tuple(images), data_note=data, note=note)
        figures = ", ".join(f"{k} {v:.3f}" for k, v in entry["training"]["figures"].items())
        print(f"feel {entry['version']}: {figures}")
        return 0
    from flamingo.train.painting.export import release

    entry = release(run, weights or shipped_models(), name=name, data=data, note=note)
    print(f"painter-{name} {entry['version']}: export differs by {entry['export_psnr']} dB PSNR")
    return 0
