"""Recipe files: what may stand in them, and in which order they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from flamingo.cli import run
from flamingo.errors import BadRequest
from flamingo.train.plans.recipes import in_order, read
from tests.conftest import ROOT
from tests.train.plans.conftest import COMPOSER, Write

SHIPPED = sorted((ROOT / "docs" / "recipes").glob("*.toml"))
PAINTER = 'about = "x"\ntrain = "paint"\nname = "{name}"\nafter = [{after}]\n[[stage]]\nphotos = ["photos"]\n'


def test_the_recipes_of_the_documentation_are_in_order() -> None:
    names = [r.name for r in in_order([read(file) for file in reversed(SHIPPED)])]
    assert sorted(names) == ["composer", "fast", "feel", "fine", "words"]
    assert names.index("fine") < names.index("fast")


def test_on_a_gpu_its_own_settings_are_laid_over_the_others(write: Write) -> None:
    (stage,) = read(write(COMPOSER, "[stage.cuda]", "batch = 32")).stages
    assert (stage.on("cpu")["batch"], stage.on("cuda")["batch"]) == (2, 32)
    assert stage.on("cuda")["length"] == 64


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bach = 4", "recipe.toml, stage 1: bach: there is no such setting; did you mean batch?"),
        ("crop = 256", "crop: there is no such setting"),
        ("forget = 2", "forget 2: input should be less than 1"),
        ('weight_decay = "much"', "weight_decay 'much': input should be a valid number"),
        ("resume = true", "resume: this the plan decides itself; take it out"),
        ("share = 0", "share 0: it is not a number above 0"),
        ("[stage.cuda]\nbatch = 0", "batch 0: input should be greater than or equal to 1"),
        ("[stage.cuda]\nbatches = 8", "batches: there is no such setting; did you mean batch?"),
        ("batch = 2", "it is not TOML (Cannot overwrite a value"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(line: str, said: str, write: Write) -> None:
    with pytest.raises(BadRequest) as caught:
        read(write(COMPOSER, line))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('about = "A composer for tests."', "", "about: it is missing"),
        ('data = "made up"', 'date = "made up"', "date: there is no such setting; did you mean data?"),
        ('train = "compose"', 'train = "composer"', "train 'composer': input should be 'paint', 'compose', 'feel'"),
        ('name = "composer"', 'name = "../x"', "name '../x'"),
        ('data = "made up"', "share = 0", "share 0: it would have no time to train"),
        ('train = "compose"', 'train = "paint"', "train = 'paint' makes fine or fast"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_one_line(old: str, new: str, said: str, write: Write) -> None:
    with pytest.raises(BadRequest) as caught:
        read(write(COMPOSER.replace(old, new)))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_recipe_comes_behind_those_that_it_is_after(write: Write) -> None:
    fast = read(write(PAINTER.format(name="fast", after='"fine"'), name="a.toml"))
    fine = read(write(PAINTER.format(name="fine", after=""), name="b.toml"))
    composer = read(write(name="c.toml"))
    assert [r.name for r in in_order([fast, composer, fine])] == ["composer", "fine", "fast"]
    assert [r.name for r in in_order([fast], done={"fine"})] == ["fast"]


def test_recipes_that_wait_for_each_other_or_for_none_are_refused(write: Write) -> None:
    fast = read(write(PAINTER.format(name="fast", after='"fine"'), name="a.toml"))
    fine = read(write(PAINTER.format(name="fine", after='"fast"'), name="b.toml"))
    with pytest.raises(
        BadRequest, match="no recipe could be the first: fast comes after fine, fine comes after fast"
    ):
        in_order([fast, fine])
    with pytest.raises(BadRequest, match="after fine, which is not among the recipes"):
        in_order([fast])
    with pytest.raises(BadRequest, match="another recipe is called fast too"):
        in_order([fast, fast])


def test_the_command_line_refuses_before_it_begins(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, data = str(tmp_path / "out"), str(tmp_path)
    for arguments, said in (
        (["--recipe", str(write(COMPOSER, "bach = 4", name="bach.toml")), "--data", data], "did you mean batch?"),
        (["--recipe", str(tmp_path / "none.toml"), "--data", data], "no such file"),
        (["--recipe", str(write()), "--data", str(tmp_path / "none")], "there is no such folder"),
        (["--recipe", str(write()), "--data", data], "'music': there is none in"),
        (["--recipe", str(write()), "--data", data, "--budget", "long"], "a time such as 25m"),
    ):
        assert run(["train", "all", *arguments, "--out", out, "--weights", str(tmp_path / "weights")]) == 2
        assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "weights").exists()
