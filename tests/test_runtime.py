"""Networks are kept as they were compiled, for the very file that they were compiled from; others come from bytes."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flamingo import runtime, weights
from flamingo.errors import ModelCorrupt
from flamingo.painting import styles
from flamingo.vgg.graph import Graph
from tests.conftest import needs_models

pytestmark = [needs_models, pytest.mark.usefixtures("fresh_caches")]
keeps = pytest.mark.skipif(runtime.chosen() != "openvino", reason="only OpenVINO keeps what it has compiled")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A copy of a painter, and of the tensors that it borrows."""
    for kind in ("onnx", "safetensors"):
        shutil.copy(weights.folder() / f"painter-fast.{kind}", tmp_path)
    return tmp_path / "painter-fast.onnx"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLAMINGO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "networks"


def painted(network: Path) -> NDArray[np.float32]:
    """What a process that begins now paints."""
    runtime.load.cache_clear()
    photo = np.random.default_rng(0).random((1, 3, 32, 48), dtype=np.float32)
    loaded = runtime.load(network)
    vector = styles.vector("scream", 1.0, "fast")[None]
    return loaded(photo=photo, vector=vector, grain=np.zeros_like(photo))


@keeps
def test_a_network_is_compiled_once_and_kept_for_its_owner_alone(network: Path, cache: Path) -> None:
    first = painted(network)
    (folder,) = cache.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (blob,) = folder.iterdir()
    compiled = blob.stat().st_mtime_ns
    assert np.array_equal(painted(network), first)
    assert [file.stat().st_mtime_ns for file in folder.iterdir()] == [compiled] and len(list(cache.iterdir())) == 1


@keeps
def test_other_tensors_beside_it_are_another_network(network: Path, cache: Path) -> None:
    painted(network)
    os.utime(network.with_suffix(".safetensors"), ns=(1, 1))
    painted(network)
    assert len(list(cache.iterdir())) == 2


@keeps
def test_what_was_not_used_for_a_month_goes_when_another_comes(network: Path, cache: Path) -> None:
    for name, days in (("old", 31), ("new", 29)):
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (time.time() - days * 86_400,) * 2)
    painted(network)
    assert not (cache / "old").exists() and (cache / "new").exists()


@keeps
def test_where_nothing_can_be_kept_it_paints_all_the_same(network: Path, cache: Path) -> None:
    kept = painted(network)
    shutil.rmtree(cache)
    cache.write_text("a file in the folder's place")
    assert np.array_equal(painted(network), kept)


@pytest.fixture(params=["openvino", "onnxruntime"])
def added(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> runtime.Network:
    """A network that was written in memory: x + 1, and twice that, for rows of any length."""
    pytest.importorskip(request.param)
    monkeypatch.setattr(runtime, "chosen", lambda: request.param)
    graph = Graph()
    x = graph.input("x", (1, None))
    more = graph.node("Add", x, graph.constant(np.ones((1, 1), np.float32)))
    graph.output(more, "more", (1, None))
    graph.output(graph.node("Add", more, more), "twice", (1, None))
    return runtime.built(graph.encode())


def test_a_network_may_come_from_memory(added: runtime.Network) -> None:
    assert added.inputs == {"x"}
    for length in (2, 5):
        more, twice = added.outputs(x=np.full((1, length), 3, np.float32))
        assert more.tolist() == [[4] * length] and twice.tolist() == [[8] * length]


def test_views_are_what_outputs_are_until_the_next_call(added: runtime.Network) -> None:
    x = np.zeros((1, 3), np.float32)
    kept = added.outputs(x=x)
    for view, copy in zip(added.views(x=x), kept, strict=True):
        assert np.array_equal(view, copy)
    added.views(x=x + 1)
    assert kept[0].tolist() == [[1, 1, 1]], "what `outputs` gave is the caller's own"


def test_bytes_that_are_no_network_are_refused_in_one_line() -> None:
    with pytest.raises(ModelCorrupt, match="cannot load it") as caught:
        runtime.built(b"nothing")
    assert "\n" not in str(caught.value)
