"""The whole of a plan: prepare, train, export, judge, release, each step only if it is not done already."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flamingo.errors import BadRequest, FlamingoError, show
from flamingo.train import session
from flamingo.train.manifest import entry_of
from flamingo.train.plans.folders import Data
from flamingo.train.plans.model_kinds import FAMILIES, Family, Spent, Workspace, train
from flamingo.train.plans.process_group import Company, interruptions
from flamingo.train.plans.recipes import Recipe, Stage, in_order, read
from flamingo.train.plans.releasing import install
from flamingo.train.plans.state import State
from flamingo.train.quality import Verdict

_REHEARSED = 600.0  # seconds that a stage of a rehearsal may take, which ends after a few steps


@dataclass(frozen=True)
class Plan:
    """What is asked for. recipes: their files; data: the folder with folders or archives; out: where runs, staging
    folders and plan.json lie; budget: seconds for all trainings; weights: the shipped models. release: whether to
    put better models there; force: worse ones too; rehearse: all small and short, nothing released."""

    recipes: Sequence[Path]
    data: Path
    out: Path
    budget: float
    weights: Path
    release: bool = True
    force: bool = False
    rehearse: bool = False


@dataclass(frozen=True)
class Result:
    """What became of a recipe. state: one of released, better, refused, unfinished, failed, rehearsed. stages: as in
    plan.json."""

    recipe: Recipe
    state: str
    why: str
    stages: list[dict[str, Any]]
    verdict: Verdict | None


def carry_out(plan: Plan, say: Callable[[str], None]) -> list[Result]:
    """Carry out a plan, or go on with it. say: told in a line what is being done. Under torchrun all processes call
    it; those that are not the first train along and return nothing.

    Raises BadRequest for recipes or data with which nothing can be begun; what goes wrong later fails its recipe and
    those that come after it. KeyboardInterrupt leaves everything as it was after the last step.
    """
    company = Company()
    if not company.first:

        def along(order: dict[str, Any]) -> None:
            with suppress(FlamingoError):  # the first process has the same one, and says so
                train(order["train"], order["settings"])

        company.serve(along)
        return []
    try:
        return _Work(plan, company, say).run()
    finally:
        company.order(None)


class _Work:
    def __init__(self, plan: Plan, company: Company, say: Callable[[str], None]) -> None:
        self.plan, self.company, self.say = plan, company, say
        recipes = [read(file) for file in plan.recipes]
        self.state = State(plan.out, rehearsal=plan.rehearse)
        self.recipes = in_order(recipes, self.state.trained)
        plan.out.mkdir(parents=True, exist_ok=True)
        self.workspace = Workspace(Data(plan.data, plan.out / "data"), plan.out, plan.weights, plan.rehearse)
        self.families = {r.name: FAMILIES[r.train](r, self.workspace) for r in self.recipes}
        self.device = session.device("auto").type

    def run(self) -> list[Result]:
        for recipe in self.recipes:
            self._check(recipe)
            self.families[recipe.name].prepare()
        results: list[Result] = []
        for recipe in self.recipes:
            failed = [r.recipe.name for r in results if r.state in ("failed", "unfinished")]
            waits_for = [name for name in recipe.after if name in failed]
            try:
                if waits_for:
                    raise BadRequest(
                        recipe.name, f"it comes after {waits_for[0]}, which is not there", "run it again"
                    )
                results.append(self._recipe(recipe, self.families[recipe.name]))
            except FlamingoError as error:
                results.append(self._result(recipe, "failed", str(error)))
        return results

    def _check(self, recipe: Recipe) -> None:
        """What was begun is gone on with as it was begun, or not at all."""
        row = self.state.recipes.setdefault(recipe.name, {"stages": []})
        if len(row["stages"]) > len(recipe.stages):
            raise BadRequest(show(recipe.file), "it had more stages when it was begun", "name a fresh --out")
        for i, (stage, begun) in enumerate(zip(recipe.stages, row["stages"], strict=False), 1):
            now, then = _written(stage), begun["written"]
            changed = [k for k in sorted(now.keys() | then.keys()) if now.get(k) != then.get(k)]
            if changed:
                why = f"{changed[0]} of stage {i} was another when it was begun"
                raise BadRequest(show(recipe.file), why, "put it back, or name a fresh --out")

    # -- the steps of one recipe ----------------------------------------------------------------------------

    def _recipe(self, recipe: Recipe, family: Family) -> Result:
        row = self.state.recipes[recipe.name]
        for i in range(len(recipe.stages)):
            self._train(recipe, family, i)
        row["trained"] = all(stage["done"] for stage in row["stages"])
        if not row["trained"]:
            return self._result(recipe, "unfinished", "its time was too short; the same command goes on with it")
        staging = self.workspace.staging(recipe)
        staged = entry_of(staging, recipe.model)
        if staged is None or staged["version"] != row.get("version"):
            self.say(f"{recipe.name}: export")
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True)
            row["version"] = family.export(staging)["version"]
            row.pop("verdict", None)
            self.state.save()
        shipped = entry_of(self.workspace.weights, recipe.model)
        if shipped is not None and shipped["version"] == row["version"]:
            return self._result(recipe, "released", "it ships")
        verdict = self._verdict(recipe, family, staging, shipped)
        return self._release(recipe, family, staging, verdict)

    def _train(self, recipe: Recipe, family: Family, i: int) -> None:
        rows, stage = self.state.recipes[recipe.name]["stages"], recipe.stages[i]
        settings = family.settings(i, self.device)
        if i == len(rows):
            before = family.spent(i, settings.get("start", ""))
            rows.append({"written": _written(stage), "before": asdict(before), "seconds": 0.0, "done": False})
            self.state.save()
        row = rows[i]
        if row["done"]:
            return
        before, begun = Spent(**row["before"]), family.begun(i)
        remaining = family.left(settings, self._seconds(recipe, stage), before, family.spent(i) if begun else before)
        if remaining is None:  # it was ended between its last step and this file
            row |= {"done": True, "seconds": family.spent(i).seconds - before.seconds}
            self.state.save()
            return
        remaining["overwrite"] = not begun  # of a run that was broken off before its first checkpoint nothing is kept
        if begun:
            remaining |= {"resume": True, "start": ""} if "start" in remaining else {"resume": True}
        of = f", stage {i + 1} of {len(recipe.stages)}" if len(recipe.stages) > 1 else ""
        self.say(f"{recipe.name}{of}: train" + (", going on" if begun and row["seconds"] else ""))
        self.state.recipes[recipe.name] |= {"trained": False, "version": None}
        if family.together:
            self.company.order({"train": recipe.train, "settings": remaining})
        with interruptions() as interrupted:
            stretch = train(recipe.train, remaining)
            stopped = interrupted()
        seconds = family.spent(i).seconds - before.seconds
        row |= {"done": stretch.done and not stopped, "seconds": round(seconds, 1), "figures": stretch.figures}
        self.state.save()
        if stopped:
            raise KeyboardInterrupt

    def _seconds(self, recipe: Recipe, stage: Stage) -> float:
        if self.plan.rehearse:
            return _REHEARSED
        of_all = recipe.share / (sum(r.share for r in self.recipes) or 1.0)
        return self.plan.budget * of_all * stage.share / sum(s.share for s in recipe.stages)

    def _verdict(self, recipe: Recipe, family: Family, staging: Path, shipped: dict[str, Any] | None) -> Verdict:
        """As it was found before, if the same model still ships."""
        row = self.state.recipes[recipe.name]
        earlier = Verdict(**row["verdict"]) if "verdict" in row else None
        if earlier is not None and earlier.against == (shipped["version"] if shipped else None):
            return earlier
        self.say(f"{recipe.name}: judge")
        verdict = family.judge(staging)
        row["verdict"] = asdict(verdict)
        self.state.save()
        return verdict

    def _release(self, recipe: Recipe, family: Family, staging: Path, verdict: Verdict) -> Result:
        why = verdict.why
        if self.plan.rehearse:
            return self._result(recipe, "rehearsed", why)
        if not verdict.better and not self.plan.force:
            worse = why if not verdict.comparable else f"no better than what ships: {why}"
            return self._result(recipe, "refused", worse)
        if not self.plan.release:
            return self._result(recipe, "better", why)
        if not verdict.better:
            family.remark(staging, f"Released by force; the judgement was: {why}.")
        self.say(f"{recipe.name}: release")
        install(staging, self.workspace.weights, recipe.model)
        return self._result(recipe, "released", why)

    def _result(self, recipe: Recipe, state: str, why: str) -> Result:
        row = self.state.recipes[recipe.name]
        row |= {"state": state, "why": why}
        self.state.save()
        verdict = Verdict(**row["verdict"]) if "verdict" in row else None
        return Result(recipe, state, why, row["stages"], verdict)


def _written(stage: Stage) -> dict[str, Any]:
    """What stands in the file, as JSON gives it back."""
    return {**stage.settings, **{f"cuda.{k}": v for k, v in stage.cuda.items()}}
