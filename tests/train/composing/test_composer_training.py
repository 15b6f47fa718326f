"""`flamingo train compose`: learns, goes on where it stopped, and ships what it learned and nothing else."""

from __future__ import annotations

import functools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import flamingo
from flamingo import weights
from flamingo.cli import run
from flamingo.composing.events import PARTS
from flamingo.composing.model import NUMBERS_OF_A_NOTE, Composer, read
from flamingo.composing.originality import Index
from flamingo.composing.piece import Metre
from flamingo.errors import BadRequest, ModelCorrupt, ModelMissing
from flamingo.nn.checkpoint import Checkpoint
from flamingo.train.composing import export, loop, ngram, samples
from flamingo.train.composing.loop import CHECKPOINT, load_composer, nats_a_note, train
from flamingo.train.composing.music import Music, load_music
from flamingo.train.composing.recipe import ComposerRecipe
from flamingo.train.composing.windows import condition_vectors, excerpt
from flamingo.train.corpus import sources
from flamingo.train.corpus.build import build
from flamingo.train.corpus.recipe import CorpusRecipe
from flamingo.train.corpus.store import Library


@functools.cache
def _of(folders: tuple[str, ...]) -> Music:
    return load_music(folders)


def _read_once(folders: tuple[str, ...], known: dict[str, Any] | None = None) -> Music:
    """The corpus is always the same one, and so are its personas and its scale."""
    return _of(folders)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Samples take longer than all the rest; the test that is about them makes them."""
    monkeypatch.setattr(loop, "load_music", _read_once)
    if "sample" not in request.node.name:
        monkeypatch.setattr(samples, "leave", lambda *_: None)


@pytest.fixture
def recipe(music: Path, tmp_path: Path) -> ComposerRecipe:
    return ComposerRecipe(
        music=(str(music),),
        model="debug",
        out=str(tmp_path / "run"),
        steps=4,
        budget=600.0,
        length=64,
        batch=2,
        cooldown=0.0,
        device="cpu",
        precision="f32",
    )


@pytest.fixture(scope="module")
def released(music: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run and the folder that it was released to."""
    folder = tmp_path_factory.mktemp("released")
    patch = pytest.MonkeyPatch()
    patch.setattr(samples, "leave", lambda *_: None)
    recipe = ComposerRecipe(
        music=(str(music),), model="debug", out=str(folder / "run"), steps=40, length=128, batch=4, lr=5e-3,
        cooldown=0.0, device="cpu", precision="f32",
    )  # fmt: skip
    train(recipe, quiet=True)
    patch.undo()
    export.release(folder / "run", folder / "weights", [music], data="made up", note="For tests.")
    return folder / "run", folder / "weights"


@pytest.fixture(scope="module")
def made(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same music as a corpus."""
    return build(CorpusRecipe((str(music),), str(tmp_path_factory.mktemp("made")), processes=1)).folder


def weights_of(recipe: ComposerRecipe, part: str) -> dict[str, torch.Tensor]:
    return Checkpoint.load(Path(recipe.out) / CHECKPOINT).part(part)


def log_of(recipe: ComposerRecipe) -> list[dict[str, float]]:
    return [json.loads(line) for line in (Path(recipe.out) / "log.jsonl").read_text().splitlines()]


# -- learning ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["debug", "lstm"])
def test_training_lowers_the_nats(recipe: ComposerRecipe, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loop.SIZES, "lstm", {**loop.SIZES["lstm"], "width": 32, "layers": 2})
    first = train(replace(recipe, model=model, steps=1), quiet=True).figures["valid"]
    after = train(replace(recipe, model=model, steps=30, lr=5e-3, ema=0.9, out=recipe.out + "-on"), quiet=True)
    assert after.figures["valid"] < first - 1
    assert np.isfinite(list(after.figures.values())).all()
    assert (after.steps, after.events) == (30, 30 * 2 * 64)


def test_it_leaves_a_log_and_tensorboard_scalars(recipe: ComposerRecipe) -> None:
    train(recipe, quiet=True)
    rows = log_of(recipe)
    assert {"step", "events", "seconds", "lr", "nats", "where", "pitch", "duration", "velocity"} <= rows[0].keys()
    assert "valid" in rows[-1]
    assert list((Path(recipe.out) / "tensorboard").glob("events*"))


def test_it_leaves_a_sample_to_listen_to(recipe: ComposerRecipe) -> None:
    train(replace(recipe, steps=1), quiet=True)
    assert list(Path(recipe.out).glob("sample*"))


def test_the_same_seed_is_the_same_training_and_another_another(recipe: ComposerRecipe) -> None:
    same, other = replace(recipe, out=recipe.out + "-same"), replace(recipe, seed=1, out=recipe.out + "-other")
    for each in (recipe, same, other):
        train(each, quiet=True)
    first, second, third = (weights_of(each, "model") for each in (recipe, same, other))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["where.weight"], third["where.weight"])


def test_a_time_budget_ends_the_training(recipe: ComposerRecipe) -> None:
    outcome = train(replace(recipe, steps=None, budget=0.5), quiet=True)
    assert outcome.steps > 0 and outcome.seconds < 20
    assert outcome.checkpoint.exists()


# -- going on ------------------------------------------------------------------------------------------------


def test_a_resumed_training_goes_on_counting(recipe: ComposerRecipe) -> None:
    train(recipe, quiet=True)
    outcome = train(replace(recipe, resume=True), quiet=True)
    assert (outcome.steps, outcome.events) == (8, 8 * 2 * 64)
    facts = Checkpoint.load(outcome.checkpoint).facts
    assert len(facts["sessions"]) == 2 and facts["step"] == 8
    assert sum(s["seconds"] for s in facts["sessions"]) == pytest.approx(outcome.seconds, abs=0.01)


def test_what_did_best_on_other_works_is_forgotten(
    recipe: ComposerRecipe, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a training that goes on with more music is judged by figures of easier works, and released as it began."""
    train(recipe, quiet=True)
    file = Path(recipe.out) / CHECKPOINT
    saved = Checkpoint.load(file)
    before = {**saved.facts["best"], "valid": 0.0, "step": 1}
    Checkpoint(saved.tensors, {**saved.facts, "best": before}).save(file)
    train(replace(recipe, resume=True), quiet=True)
    assert Checkpoint.load(file).facts["best"] == before
    whole = _of((str(music),))
    fewer = replace(whole, songs={**whole.songs, "valid": whole.songs["valid"][:1]})
    monkeypatch.setattr(loop, "load_music", lambda *_, **__: fewer)
    train(replace(recipe, resume=True), quiet=True)
    assert Checkpoint.load(file).facts["best"]["step"] == 12


def test_a_resumed_training_is_the_uninterrupted_one(recipe: ComposerRecipe) -> None:
    train(recipe, quiet=True)
    halves = replace(recipe, out=recipe.out + "-halves", steps=2)
    train(halves, quiet=True)
    train(replace(halves, resume=True), quiet=True)
    for part in ("model", "ema", "optimiser"):
        whole, resumed = weights_of(recipe, part), weights_of(halves, part)
        assert whole.keys() == resumed.keys()
        for name in whole:
            assert torch.allclose(whole[name], resumed[name], atol=1e-6), f"{part} {name}"


@pytest.mark.parametrize(
    ("more", "moves"), [({}, "muon"), ({"optimiser": "adam"}, "adam"), ({"model": "lstm"}, "adam")]
)
def test_muon_moves_the_matrices_inside_unless_asked_otherwise(
    recipe: ComposerRecipe, more: dict[str, Any], moves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(loop.SIZES, "lstm", {**loop.SIZES["lstm"], "width": 32, "layers": 2})
    train(replace(recipe, steps=1, **more), quiet=True)
    assert Checkpoint.load(Path(recipe.out) / CHECKPOINT).facts["optimiser"] == moves
    kept = weights_of(recipe, "optimiser")
    assert ("to_pitch.mix.weight.momentum_buffer" in kept) == (moves == "muon")
    assert "to_pitch.logits.weight.exp_avg" in kept


def test_resuming_nothing_or_something_else_is_refused(recipe: ComposerRecipe) -> None:
    with pytest.raises(ModelMissing):
        train(replace(recipe, resume=True), quiet=True)
    train(replace(recipe, steps=1), quiet=True)
    with pytest.raises(ModelCorrupt, match="another size"):
        train(replace(recipe, resume=True, model="composer"), quiet=True)


def test_a_training_starts_from_a_release(recipe: ComposerRecipe, released: tuple[Path, Path]) -> None:
    start = released[1] / "composer.safetensors"
    outcome = train(replace(recipe, start=str(start), steps=1), quiet=True)
    assert outcome.steps == 41
    before, after = Checkpoint.load(start).part("ema"), weights_of(recipe, "ema")
    assert all(torch.allclose(before[k].float(), after[k], atol=0.02) for k in before)
    assert len(Checkpoint.load(outcome.checkpoint).facts["sessions"]) == 2


# -- refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--budget=25x"], "25m"),
        (["--budget=nan"], "25m"),
        (["--steps=0"], "1"),
        (["--model=huge"], "composer"),
        (["--lr=0"], "greater than 0"),
        (["--length=8"], "32"),
        (["--dropout=1"], "less than 1"),
        (["--forget=-0.1"], "0"),
        (["--ema=1"], "less than 1"),
        (["--cooldown=2"], "1"),
        (["--precision=f16"], "bf16"),
        (["--seed=-1"], "0"),
        (["--music=nowhere"], "name a folder"),
    ],
)
def test_a_wrong_training_is_refused_in_one_line(
    wrong: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "music").mkdir()
    assert run(["train", "compose", "--music", str(tmp_path / "music"), "--out", str(tmp_path / "run"), *wrong]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("model", ["debug", "ngram"])
def test_without_music_there_is_nothing_to_learn(recipe: ComposerRecipe, model: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folders in ((), (str(tmp_path / "empty"),), ("nowhere",)):
        with pytest.raises(BadRequest) as caught:
            train(replace(recipe, music=folders, model=model), quiet=True)
        assert "\n" not in str(caught.value)


# -- measuring -----------------------------------------------------------------------------------------------


def test_nats_a_note_are_those_of_the_network_that_runs(released: tuple[Path, Path], music: Path) -> None:
    net, facts = load_composer(released[0] / CHECKPOINT)
    found = load_music((str(music),), facts)
    song = found.songs["test"][0]
    rows = excerpt(song, 0, len(song.first) - 1, song.key)
    model = Composer(
        {k: v.numpy() for k, v in net.state_dict().items()}, read(released[1] / "composer.safetensors").facts
    )
    theirs = nats_a_note(net, [song], 512, torch.device("cpu"))
    ours = model.nats(rows["events"], condition_vectors(model, rows, found.personas)).sum(0)
    notes = int((rows["events"][1:, 1] >= 0).sum())
    for column, name in enumerate(NUMBERS_OF_A_NOTE):
        assert ours[column] / notes == pytest.approx(theirs[name], abs=0.01), name
    assert theirs["all"] == pytest.approx(sum(theirs[k] for k in NUMBERS_OF_A_NOTE))


def test_counting_beats_knowing_nothing(recipe: ComposerRecipe) -> None:
    outcome = train(replace(recipe, model="ngram"))
    uniform = float(np.log(np.array(ngram._SIZES, float)).sum())
    assert 0 < outcome.figures["test"] < uniform - 4
    facts = json.loads(outcome.checkpoint.read_text())
    assert facts["figures"] == outcome.figures and facts["events"] == outcome.events


def test_counts_are_probabilities() -> None:
    """Whatever was learned, what may follow sums to one."""
    model = ngram.NGram()
    random = np.random.default_rng(0)
    rows = np.stack([random.integers(0, n, 200) for n in (10, 12, 5, 4)], 1)
    model.learn(rows)
    for column, size in enumerate(ngram._SIZES):
        total = 0.0
        for choice in range(size):
            tried = rows[:6].copy()
            tried[5, column] = choice
            total += float(np.exp(-model.nats(tried)[4, column]))
        assert total == pytest.approx(1)


def test_what_was_counted_often_is_likely() -> None:
    model = ngram.NGram()
    rows = np.array([(0, 5, 2, 8), (24, 7, 2, 8)] * 50)
    model.learn(rows)
    assert model.nats(rows[:10])[5:].sum(1).max() < 1


# -- shipping ------------------------------------------------------------------------------------------------


def test_a_release_is_whole_and_says_nothing_of_this_machine(
    released: tuple[Path, Path], music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(released[1]))
    entry = weights.entry("composer")
    for kind in ("weights", "fingerprints"):
        data = weights.path("composer", kind).read_bytes()
        for private in (str(music), str(released[0]), str(Path.home())):
            assert private.encode() not in data
    manifest = (released[1] / "manifest.json").read_text()
    assert str(music) not in manifest and str(released[0]) not in manifest
    card = (released[1] / "cards" / "composer.md").read_text()
    assert entry["version"] in card and "made up" in card and str(music) not in card
    assert entry["training"]["steps"] == 40 and entry["test nats a note"]["all"] > 0
    assert entry["network"]["personas"] == ["ada", "ben"]


def test_a_released_network_is_the_averaged_one_to_within_its_eight_bits(released: tuple[Path, Path]) -> None:
    net, _ = load_composer(released[0] / CHECKPOINT)
    model = read(released[1] / "composer.safetensors")
    for name, value in net.state_dict().items():
        step = float(value.abs().max()) / 127
        assert np.abs(model._t[name] - value.numpy()).max() <= 0.51 * step + 2e-3, name


def test_habits_are_those_of_the_music(released: tuple[Path, Path]) -> None:
    facts = read(released[1] / "composer.safetensors").facts
    for name in ("ada", "ben"):
        habit = facts["habits"][name]
        assert 0.2 < habit["minor"] < 0.8
        assert set(habit["metres"]) == {"4/4", "3/4"}
        assert sum(m["share"] for m in habit["metres"].values()) == pytest.approx(1, abs=0.01)
        assert all(len(tonics) == 12 and min(tonics) > 0 for tonics in habit["tonics"].values())
    assert 90 < 2 ** facts["habits"]["ada"]["tempo"] < 130, "the studies of Ada begin at 96 quarters a minute"
    assert np.isfinite(facts["tempo_slope"]) and facts["typical"]["spread"] > 0
    assert all(Metre.parse(m).units >= 36 for h in facts["habits"].values() for m in h["metres"])


def test_fingerprints_are_of_the_training_works_alone(released: tuple[Path, Path], music: Path) -> None:
    index = Index.load(released[1] / "composer-fingerprints.safetensors")
    pairs = sources.read(sources.find([music]))
    for source, piece in pairs:
        if source.split == "train":
            assert source.title in " ".join(index.titles)
            assert index.report(piece).longest.length > 20
    assert len(index.titles) == sum(s.split == "train" for s, _ in pairs)


def test_a_composer_learns_from_a_corpus_that_was_made_and_is_released_with_it(
    recipe: ComposerRecipe, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "load_music", load_music)
    made = tmp_path / "corpus"
    build(CorpusRecipe((str(music),), str(made), processes=1))
    library = Library.open(made)
    heard = load_music((str(made),))
    assert {s.title for s, _ in library.pairs("test")} == {
        w["title"] for w in library.facts["songs"] if w["split"] == "test"
    }
    assert heard.notes["train"] == sum(len(piece.notes) for _, piece in library.pairs("train"))
    # So few notes of each make nobody a persona.
    assert heard.personas == ()
    figures = train(replace(recipe, music=(str(made),)), quiet=True).figures
    assert np.isfinite(figures["valid"])
    entry = export.release(Path(recipe.out), tmp_path / "weights", [made])
    assert entry["training"]["notes"] == heard.notes and entry["test nats a note"]["part"] > 0
    assert read(tmp_path / "weights" / "composer.safetensors").parts == PARTS


def test_a_corpus_whose_scores_are_gone_cannot_be_released_from(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "corpus")
    next((tmp_path / "corpus" / "read").iterdir()).unlink()
    with pytest.raises(BadRequest, match="is gone"):
        list(Library.open(tmp_path / "corpus").pairs("train", "valid", "test"))


def test_a_small_corpus_without_held_out_works_can_be_released(recipe: ComposerRecipe, tmp_path: Path) -> None:
    """One's own few pieces: nothing is left for validation, and nothing may be NaN for it."""
    from flamingo.composing.writing.midi import to_midi
    from tests.composing import tiny

    (tmp_path / "few").mkdir()
    for i in range(3):
        (tmp_path / "few" / f"Ada__Piece_Op_{i}.mid").write_bytes(to_midi(tiny.study("C major", 100, i)))
    train(replace(recipe, music=(str(tmp_path / "few"),), steps=1), quiet=True)
    export.release(Path(recipe.out), tmp_path / "weights", [tmp_path / "few"])
    typical = read(tmp_path / "weights" / "composer.safetensors").facts["typical"]
    assert np.isfinite(typical["mean"]) and typical["spread"] > 0


def test_the_command_trains_releases_and_composes(
    recipe: ComposerRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert run([
        "train", "compose", "--model", "debug", "--music", recipe.music[0], "--out", str(out), "--budget", "90s",
        "--steps", "2", "--length", "64", "--batch", "2", "--device", "cpu", "--precision", "f32",
    ]) == 0  # fmt: skip
    assert "2 steps" in capsys.readouterr().out
    models = tmp_path / "models"
    assert run(["train", "release", str(out), "--name", "composer", "--music", recipe.music[0],
                "--weights", str(models)]) == 0  # fmt: skip
    assert "nats a note" in capsys.readouterr().out
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(models))
    monkeypatch.setenv("FLAMINGO_PERSONAS", str(tmp_path / "mine"))
    (found,) = flamingo.compose(persona="ben", seconds=6, output=tmp_path / "x.mid")
    assert found.error is None and (tmp_path / "x.mid").exists()
