"""Whether a candidate may replace what ships."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flamingo import weights
from flamingo.errors import BadRequest, ModelCorrupt
from flamingo.train.manifest import entry_of
from flamingo.train.painting.holdout import is_held_out
from flamingo.train.plans.releasing import install
from flamingo.train.quality import feeling, painter
from tests.conftest import ROOT, needs_models


def manifest(folder: Path, model: str, entry: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"models": {model: entry}}), encoding="utf-8")
    return folder


# -- moods and words: by their cross-validation -------------------------------------------------------------------


def feel(valence: float, arousal: float, photos: int = 668) -> dict[str, Any]:
    figures = {"photo valence": valence, "photo arousal": arousal}
    return {"version": f"r{valence}", "training": {"photos": photos, "figures": figures}}


@pytest.mark.parametrize(
    ("new", "better", "why"),
    [
        (feel(0.80, 0.72), True, "r 0.760 for 0.750"),
        (feel(0.70, 0.72), False, "r 0.710 for 0.750"),
        (feel(0.75, 0.75), False, "r 0.750 for 0.750"),
        (
            feel(0.99, 0.99, photos=40),
            False,
            "cannot be compared: it was measured on 40 photos, the shipped one on 668",
        ),
    ],
)
def test_a_mood_model_is_judged_by_r_on_as_many_photos(
    new: dict[str, Any], better: bool, why: str, tmp_path: Path
) -> None:
    shipped = manifest(tmp_path / "shipped", "feel", feel(0.75, 0.75))
    found = feeling.judge_feel(manifest(tmp_path / "new", "feel", new), shipped)
    assert (found.better, found.why, found.against) == (better, why, "r0.75")
    assert found.comparable == (new["training"]["photos"] == 668)


def test_the_first_model_of_a_name_is_accepted(tmp_path: Path) -> None:
    new = manifest(tmp_path / "new", "feel", feel(0.1, 0.1))
    found = feeling.judge_feel(new, tmp_path / "nothing")
    assert found.better and found.against is None and found.candidate["r"] == 0.1


@pytest.mark.parametrize(("sd", "texts", "better"), [(0.30, 224, True), (0.35, 224, False), (0.1, 9, False)])
def test_words_are_judged_by_their_errors_on_the_same_texts(
    sd: float, texts: int, better: bool, tmp_path: Path
) -> None:
    def words(sd: float, texts: int) -> dict[str, Any]:
        held_out = {axis: {"OASIS": {"n": texts}} for axis in ("valence", "arousal")}
        return {"version": "v", "sd": {"valence": sd, "arousal": sd}, "held out": held_out}

    shipped = manifest(tmp_path / "shipped", "words", words(0.33, 224))
    found = feeling.judge_words(manifest(tmp_path / "new", "words", words(sd, texts)), shipped)
    assert found.better is better and found.comparable == (texts == 224)


# -- painters: by what they paint ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos whose names hold them out, and one that may be trained on."""
    folder = tmp_path_factory.mktemp("photos")
    names = [n for n in (f"photo{i}" for i in range(400)) if is_held_out(Path(n))][:2]
    for name, photo in zip([*names, "photo0"], ("chelsea", "coffee", "rocket"), strict=True):
        with Image.open(ROOT / "docs" / "photos" / f"{photo}.jpg") as opened:
            opened.resize((200, 152)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures under the names of three of the paintings that ship."""
    folder, random = tmp_path_factory.mktemp("styles"), np.random.default_rng(0)
    for name in ("great-wave", "scream", "udnie"):
        rough = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        rough.resize((160, 120), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


def as_fine(folder: Path, model: str, *without: str) -> Path:
    """A folder in which a shipped painter is the fine one, without some of its files."""
    entry = json.loads(json.dumps(weights.entry(model)))
    entry["files"] = {kind: described for kind, described in entry["files"].items() if kind not in without}
    manifest(folder, "painter-fine", entry)
    for described in entry["files"].values():
        shutil.copyfile(weights.folder() / described["file"], folder / described["file"])
    return folder


@needs_models
@pytest.mark.usefixtures("vgg_weights")
def test_a_painter_is_judged_by_what_it_paints_of_photos_that_were_held_out(
    tmp_path: Path, held_out: Path, styles: Path
) -> None:
    ground = painter.Ground([held_out], styles, [held_out], pairs=1)
    fine, small = as_fine(tmp_path / "fine", "painter-fine"), as_fine(tmp_path / "small", "painter-fast", "encoder")
    worse = painter.judge(small, fine, "painter-fine", ground)
    assert not worse.better and worse.comparable
    assert "cannot paint like any painting" in worse.why
    better = painter.judge(fine, small, "painter-fine", ground)
    assert better.candidate == worse.shipped and better.shipped == worse.candidate, "the pairs are always the same"
    assert better.better == (better.candidate["J"] < better.shipped["J"])
    assert {"J", "c", "s", "J any", "c any", "s any"} == better.candidate.keys()
    assert better.shipped.keys() == {"J", "c", "s"}
    with pytest.raises(BadRequest, match="no photo in it is held out"):
        painter.judge(small, fine, "painter-fine", painter.Ground([styles], styles, pairs=1))


# -- releasing ----------------------------------------------------------------------------------------------------


def model(folder: Path, version: str, **files: bytes) -> Path:
    described = {}
    (folder / "cards").mkdir(parents=True)
    (folder / "cards" / "thing.md").write_text(version)
    for kind, content in files.items():
        (folder / f"thing-{kind}").write_bytes(content)
        described[kind] = {"file": f"thing-{kind}", "sha256": hashlib.sha256(content).hexdigest()}
    return manifest(folder, "thing", {"version": version, "files": described})


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_release_replaces_a_model_whole_and_leaves_the_others(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    install(model(tmp_path / "old", "1", onnx=b"old", encoder=b"old too"), shipped, "thing")
    (shipped / "other").write_bytes(b"of another model")
    assert install(model(tmp_path / "new", "2", onnx=b"new", styles=b"newer"), shipped, "thing") == "2"
    assert contents(shipped).keys() == {"manifest.json", "cards/thing.md", "thing-onnx", "thing-styles", "other"}
    assert (shipped / "thing-onnx").read_bytes() == b"new" and (shipped / "cards" / "thing.md").read_text() == "2"
    entry = entry_of(shipped, "thing")
    assert entry is not None and entry["version"] == "2"


def test_a_release_that_is_not_whole_changes_nothing(tmp_path: Path) -> None:
    shipped, new = tmp_path / "shipped", model(tmp_path / "new", "2", onnx=b"new", styles=b"newer")
    install(model(tmp_path / "old", "1", onnx=b"old"), shipped, "thing")
    before = contents(shipped)
    (new / "thing-styles").write_bytes(b"cut sho")
    with pytest.raises(ModelCorrupt, match="not the file that was exported"):
        install(new, shipped, "thing")
    assert contents(shipped) == before
