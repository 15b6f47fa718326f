"""The composer as it is run computes what was trained, step by step or at once, and refuses what is none."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from flamingo.composing import events, model
from flamingo.composing.model import NUMBERS_OF_A_NOTE, Bar, Cache, Composer, read
from flamingo.errors import ModelCorrupt, ModelMissing
from tests.composing import tiny

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed (extra `train`)"
)


def some_events(count: int, seed: int = 0) -> NDArray[Any]:
    """Events in no order that music has, one in eight of them a bar line."""
    random = np.random.default_rng(seed)
    rows = np.stack(
        [
            random.integers(0, n, count)
            for n in (144, events.PITCHES, len(events.DURATIONS), events.VELOCITIES, events.PARTS)
        ],
        1,
    )
    rows[random.random(count) < 1 / 8] = (events.BAR_LINE, -1, -1, -1, -1)
    rows[0] = (events.BAR_LINE, -1, -1, -1, -1)
    return rows.astype(np.int16)


PHRASE = {"function": 3, "texture": 2, "phrase_left": 5, "number": 7, "role": 3}


def bar(**more: Any) -> Bar:
    given: dict[str, Any] = {
        "personas": {"ada": 1.0}, "valence": 0.3, "arousal": -0.7, "left": 5, "bpm": 100.0, "metre": 2, "minor": True,
    }  # fmt: skip
    return Bar(**(given | more))


UNTOLD: dict[str, Any] = {"personas": {}, "valence": None, "arousal": None, "left": None, "bpm": None}

# -- what is told --------------------------------------------------------------------------------------------


def test_a_mix_of_personas_lies_between_them() -> None:
    composer = tiny.composer()
    ada, ben, both = (
        composer.condition_vector(bar(personas=p)) for p in ({"ada": 1.0}, {"ben": 1.0}, {"ada": 0.25, "ben": 0.75})
    )
    assert np.allclose(both, 0.25 * ada + 0.75 * ben, atol=1e-5)
    assert not np.allclose(ada, ben)


@pytest.mark.parametrize("name", ["personas", "valence", "arousal", "left", "bpm"])
def test_not_told_is_something_of_its_own(name: str) -> None:
    composer = tiny.composer()
    assert not np.allclose(composer.condition_vector(bar()), composer.condition_vector(bar(**{name: UNTOLD[name]})))


@pytest.mark.parametrize("name", ["valence", "arousal"])
def test_mood_has_no_jumps_and_no_outside(name: str) -> None:
    composer = tiny.composer()
    found = np.stack([composer.condition_vector(bar(**{name: v}), plain=True) for v in np.linspace(-1, 1, 401)])
    assert np.abs(np.diff(found, axis=0)).max() < 0.05
    assert np.array_equal(
        composer.condition_vector(bar(**{name: 7.0})), composer.condition_vector(bar(**{name: 1.0}))
    )


# -- the network ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 3])
def test_step_by_step_is_the_same_as_all_at_once(layers: int) -> None:
    composer = tiny.composer(layers=layers)
    x = composer.embed(np.stack([some_events(40, s) for s in range(2)])) + composer.condition_vector(bar())
    whole = composer.forward(x, Cache(composer, 2))
    cache = Cache(composer, 2)
    steps = [composer.forward(x[:, begin:end], cache) for begin, end in ((0, 7), (7, 8), (8, 9), (9, 30), (30, 40))]
    assert np.abs(np.concatenate(steps, 1) - whole).max() < 1e-4
    assert cache.length == 40


def test_what_comes_later_changes_nothing_before() -> None:
    composer = tiny.composer()
    rows = some_events(30)
    other = rows.copy()
    other[20:] = some_events(30, 1)[20:]
    a, b = (composer.forward(composer.embed(r)[None], Cache(composer, 1))[0] for r in (rows, other))
    assert np.allclose(a[:20], b[:20], atol=1e-5)
    assert not np.allclose(a[20], b[20], atol=1e-3)


def test_going_on_with_some_rows_only() -> None:
    composer = tiny.composer()
    x = composer.embed(np.stack([some_events(12, s) for s in range(3)]))
    cache = Cache(composer, 3)
    composer.forward(x[:, :8], cache)
    cache.keep([2, 0])
    rest = composer.forward(x[[2, 0], 8:], cache)
    whole = composer.forward(x, Cache(composer, 3))[[2, 0], 8:]
    assert np.abs(rest - whole).max() < 1e-4


def test_probabilities_of_a_passage_are_those_of_windows_with_half_a_context_before() -> None:
    composer = tiny.composer()
    context = composer.context
    rows = some_events(context + 200)
    told = np.tile(composer.condition_vector(bar()), (len(rows), 1))
    found = composer.nats(rows, told)
    assert found.shape == (len(rows) - 1, 5)
    assert np.isfinite(found).all() and (found >= 0).all()
    assert (found[rows[1:, 1] < 0, 1:] == 0).all(), "a bar line has a place only"
    # Up to the end of the first context nothing was forgotten; beyond it, half a context.
    first = composer.nats(rows[: context + 1], told[: context + 1])
    assert np.allclose(found[:context], first)
    half = context // 2
    second = composer.nats(rows[half : half + context + 1], told[half : half + context + 1])
    assert np.allclose(found[context:], second[half:], atol=1e-5)


def test_probabilities_sum_to_one() -> None:
    composer = tiny.composer()
    rows = np.repeat(some_events(3)[None], events.PITCHES, 0)
    rows[:, 2] = (5, 0, 3, 3, 0)
    rows[:, 2, 1] = np.arange(events.PITCHES)
    told = np.tile(composer.condition_vector(bar()), (3, 1))
    assert sum(np.exp(-composer.nats(r, told)[1, 1]) for r in rows) == pytest.approx(1)


# -- held to what was trained --------------------------------------------------------------------------------


@needs_torch
@pytest.mark.parametrize(("layers", "width", "heads", "seed"), [(1, 16, 1, 0), (2, 32, 4, 1), (3, 24, 2, 2)])
@pytest.mark.parametrize("hidden", [(), (0, 1, 2), (0, 1, 2, 3, 4)])
@pytest.mark.parametrize("whole", [False, True])
def test_run_and_training_are_one_function(
    layers: int, width: int, heads: int, seed: int, hidden: tuple[int, ...], whole: bool
) -> None:
    import torch

    from flamingo.train.composing.networks import CONDITIONS, ComposerConfig, ComposerNet

    of = tiny.facts(layers=layers, width=width, heads=heads, whole=whole)
    weights = tiny.tensors(of, seed)
    net = ComposerNet(ComposerConfig.from_dict(of["config"]), 0.0).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    composer = Composer(weights, of)

    rows = some_events(60, seed)
    told = (
        bar(**PHRASE, **{name: UNTOLD[name] for name in np.array(list(UNTOLD))[list(hidden)]})
        if hidden
        else bar(**PHRASE)
    )
    conditions = {
        "persona": 0, "left": int(events.left_index(5)), "tempo": int(events.tempo_index(100.0)),
        "metre": 2, "minor": 1, "ensemble": 0, "start": 0,
        "function": 3, "texture": 2, "phrase_left": 4, "number": 7, "role": 3,
    }  # fmt: skip
    batch = {name: torch.full((1, len(rows)), value) for name, value in conditions.items()}
    batch |= {"valence": torch.full((1, len(rows)), 0.3), "arousal": torch.full((1, len(rows)), -0.7)}
    mask = torch.zeros(1, len(rows), len(CONDITIONS), dtype=torch.bool)
    mask[..., list(hidden)] = True
    with torch.no_grad():
        theirs_told = net.condition_vectors(batch, mask)
        states = net.states(torch.from_numpy(rows[None].astype(np.int64)), theirs_told)
        target = torch.from_numpy(rows[None, 1:].astype(np.int64))
        theirs = [logit.numpy()[0] for logit in net.logits(states[:, :-1], target)]

    vector = composer.condition_vector(told, plain=True)
    assert np.abs(vector - theirs_told[0, 0].numpy()).max() < 1e-5
    ours = composer.forward((composer.embed(rows) + vector)[None], Cache(composer, 1))
    assert np.abs(ours - states.numpy()).max() < 1e-4
    state, there = ours[0, :-1], rows[1:, 1] >= 0
    for name in composer.order:
        column = NUMBERS_OF_A_NOTE.index(name)
        logits = composer.logits(name, state)
        assert np.abs(logits - theirs[column])[there].max() < 1e-4, name
        state = composer.add(state, name, np.maximum(rows[1:, column], 0))


def test_a_wish_is_emphasised_when_composing() -> None:
    """The further from the mean of all personas, in the same direction; a mix lies between its parts as before."""
    composer = tiny.composer()
    mean = composer._t["persona.weight"][:-1].mean(0)
    rest = composer.condition_vector(bar(personas={})) - composer._t["persona.weight"][-1]
    ada, plain = (composer.condition_vector(bar(personas={"ada": 1.0}), plain=p) - rest - mean for p in (False, True))
    assert np.linalg.norm(ada) > 2 * np.linalg.norm(composer._t["persona.weight"][0] - mean)
    assert np.isfinite(plain).all()
    ben = composer.condition_vector(bar(personas={"ben": 1.0})) - rest - mean
    half = composer.condition_vector(bar(personas={"ada": 0.5, "ben": 0.5})) - rest - mean
    assert np.allclose(half, (ada + ben) / 2, atol=1e-4)


@needs_torch
def test_nats_are_those_of_training() -> None:
    import torch

    from flamingo.train.composing.networks import ComposerConfig, ComposerNet

    of = tiny.facts()
    weights = tiny.tensors(of)
    net = ComposerNet(ComposerConfig(("ada", "ben"), layers=1, width=16, heads=2), 0.0).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    rows = some_events(50)
    conditions = {"persona": 1, "left": 0, "tempo": 4, "metre": 0, "minor": 0, "ensemble": 0, "start": 1}
    batch = {name: torch.full((1, 50), value) for name, value in conditions.items()}
    batch |= {"valence": torch.zeros(1, 50), "arousal": torch.zeros(1, 50), "played": torch.ones(1, 50)}
    batch["events"] = torch.from_numpy(rows[None].astype(np.int64))
    with torch.no_grad():
        theirs = net.losses(batch)[0].numpy()
    told = Composer(weights, of).condition_vector(Bar({"ben": 1.0}, 0.0, 0.0, 1, 72.0, 0, False, 0, True), plain=True)
    assert np.abs(Composer(weights, of).nats(rows, np.tile(told, (50, 1))) - theirs).max() < 1e-4


# -- files ---------------------------------------------------------------------------------------------------


def saved(file: Path, of: dict[str, Any] | None = None, **metadata: str) -> Path:
    of = of or tiny.facts()
    weights = {f"ema.{name}": value.astype(np.float16) for name, value in tiny.tensors(tiny.facts()).items()}
    save_file(weights, file, metadata or {"facts": json.dumps(of)})
    return file


def test_a_composer_is_read_from_16_bits(tmp_path: Path) -> None:
    found = read(saved(tmp_path / "c.safetensors"))
    assert found.personas == ("ada", "ben")
    assert np.abs(found.condition_vector(bar()) - tiny.composer().condition_vector(bar())).max() < 1e-2


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in tiny.facts().items() if key != name}


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"nothing of the kind"),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.unlink(),
        lambda file: saved(file, format="pt"),
        lambda file: saved(file, facts="{"),
        lambda file: saved(file, without("scale")),
        lambda file: saved(file, without("config")),
        lambda file: saved(file, facts="[]"),
        lambda file: saved(file, {**tiny.facts(), "scale": {"mean": []}}),
        lambda file: saved(file, {**tiny.facts(), "config": None}),
    ],
    ids=[
        "empty",
        "junk",
        "cut",
        "missing",
        "no-facts",
        "bad-json",
        "no-scale",
        "no-config",
        "a-list",
        "scale",
        "null",
    ],
)
def test_what_is_no_composer_is_refused_in_one_line(tmp_path: Path, damage: Any) -> None:
    file = saved(tmp_path / "c.safetensors")
    damage(file)
    with pytest.raises(ModelCorrupt, match="not a composer") as caught:
        read(file)
    assert "\n" not in str(caught.value)


def test_weights_that_do_not_fit_are_found_when_they_are_read(tmp_path: Path) -> None:
    larger = tiny.facts(layers=2)
    with pytest.raises(ModelCorrupt):
        read(saved(tmp_path / "c.safetensors", larger))


def test_without_a_composer_loading_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tmp_path))
    with pytest.raises(ModelMissing, match="composer"):
        Composer.load()


def test_a_composer_is_read_once(tmp_path: Path) -> None:
    file = saved(tmp_path / "c.safetensors")
    assert model._load(file) is model._load(file)
