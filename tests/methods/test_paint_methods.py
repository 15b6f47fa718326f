"""`flamingo paint --method` and `--best`, from a photo's file to a picture's, with the real VGG-19 on tiny photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import flamingo
from flamingo import images
from flamingo.cli import run
from flamingo.errors import BadRequest, WouldOverwrite

Pixels = NDArray[np.float32]
MANNER: dict[str, Any] = {"style": "great-wave", "method": "optimise"}
QUICK = {**MANNER, "size": 64, "steps": 12, "style_layer": "relu2_1"}


@pytest.fixture
def cat_file(cat: Pixels, tmp_path: Path) -> Path:
    file = tmp_path / "cat.png"
    Image.fromarray((cat * 255).astype(np.uint8)).resize((96, 72)).save(file)
    return file


def _pixels(file: Path) -> Pixels:
    return images.read(file).rgb


class TestOptimise:
    """Gatys' method."""

    def test_paints_a_named_style_and_says_how(self, cat_file: Path, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        (done,) = flamingo.paint(
            [cat_file], output=tmp_path / "o.png", on_progress=lambda i, n, _: told.append((i, n)), **QUICK
        )
        assert done.error is None and done.file == tmp_path / "o.png"
        assert _pixels(done.file).shape == (48, 64, 3)
        assert done.recipe["method"] == "optimise" and done.recipe["settings"]["steps"] == 12
        assert (11, 12) in told
        verdict = flamingo.verify(done.file)
        assert verdict.whole

    def test_shows_losses_and_keeps_snapshots(self, cat_file: Path, tmp_path: Path) -> None:
        losses: list[int] = []
        (done,) = flamingo.paint(
            [cat_file],
            output=tmp_path / "o.jpg",
            snapshots=5,
            on_step=lambda photo, step: losses.append(step.step),
            **QUICK,
        )
        assert losses == [0, 10, 11]
        folder = tmp_path / "o.steps"
        assert sorted(f.name for f in folder.glob("step-*.jpg")) == [f"step-{i:05d}.jpg" for i in (0, 5, 10)]
        lines = [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == list(range(12)) and lines[-1]["style"] < lines[0]["style"]
        assert done.beside == (folder / "strip.jpg", folder / "losses.jsonl")
        with Image.open(done.beside[0]) as strip:
            assert strip.width > 3 * strip.height / 2
        (again,) = flamingo.paint([cat_file], output=tmp_path / "p.jpg", **QUICK)
        assert again.beside == ()

    def test_snapshots_are_not_written_over(self, cat_file: Path, tmp_path: Path) -> None:
        (tmp_path / "o.steps").mkdir()
        (done,) = flamingo.paint([cat_file], output=tmp_path / "o.jpg", snapshots=5, **QUICK)
        assert isinstance(done.error, WouldOverwrite)

    def test_goes_on_after_a_stop(self, cat_file: Path, tmp_path: Path) -> None:
        (whole,) = flamingo.paint([cat_file], output=tmp_path / "whole.png", snapshots=5, **QUICK)

        def stop(done: int, all_: int, photo: Path) -> None:
            if done == 11:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            flamingo.paint([cat_file], output=tmp_path / "o.png", snapshots=5, on_progress=stop, **QUICK)
        assert not (tmp_path / "o.png").exists() and list(tmp_path.glob(".o.png.*.part"))
        seen: list[int] = []
        (done,) = flamingo.paint(
            [cat_file], output=tmp_path / "o.png", snapshots=5, on_progress=lambda i, *_: seen.append(i), **QUICK
        )
        assert done.error is None and whole.file is not None and done.file is not None
        assert seen[1] == 10
        assert np.array_equal(_pixels(done.file), _pixels(whole.file))
        assert not list(tmp_path.glob(".o.png.*.part"))
        assert len(list((tmp_path / "o.steps").glob("step-*.jpg"))) == 3

    def test_a_preset_is_an_older_systems_way(self, cat_file: Path, tmp_path: Path) -> None:
        (done,) = flamingo.paint(
            [cat_file], output=tmp_path / "o.png", size=48, **MANNER,
            preset="deep-art-2023", steps=3,
        )  # fmt: skip
        settings = done.recipe["settings"]
        assert settings["losses"] == "absolute" and "conv2_2" in settings["content_layers"] and settings["steps"] == 3

    def test_begins_with_the_painters_picture_if_asked(self, cat_file: Path, tmp_path: Path) -> None:
        kept = {**QUICK, "steps": 1}
        (plain,) = flamingo.paint([cat_file], output=tmp_path / "a.png", **kept)
        (fast,) = flamingo.paint([cat_file], output=tmp_path / "b.png", init="fast", model="fast", **kept)
        (painter,) = flamingo.paint([cat_file], output=tmp_path / "c.png", style="great-wave", size=64, model="fast")
        assert plain.file and fast.file and painter.file
        near, far = (
            float(np.abs(_pixels(fast.file) - _pixels(other.file or Path())).mean()) for other in (painter, plain)
        )
        assert near < far

    def test_the_command_prints_losses_as_it_runs(
        self, cat_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = run([
            "paint", str(cat_file), "-s", "great-wave", "--method", "optimise", "--size", "64", "--steps", "12",
            "--style-layer", "relu1_1=.5", "--style-layer", "relu2_1", "-o", str(tmp_path / "o.png"),
        ])  # fmt: skip
        printed = capsys.readouterr()
        assert code == 0 and "o.png" in printed.out
        assert printed.err.count("step ") == 3 and "style" in printed.err and "content" in printed.err


def test_a_dream_keeps_to_its_mask(cat_file: Path, tmp_path: Path) -> None:
    mask = np.zeros((72, 96), np.uint8)
    mask[:, :48] = 255
    Image.fromarray(mask).save(tmp_path / "left.png")
    (done,) = flamingo.paint(
        [cat_file], output=tmp_path / "o.png", style="great-wave", mask=tmp_path / "left.png", method="dream",
        content_layer="relu3_3", octaves=1, steps=3,
    )  # fmt: skip
    assert done.error is None and done.file and done.recipe["method"] == "dream"
    moved = np.abs(_pixels(done.file) - _pixels(cat_file)).mean(axis=2)
    assert moved[:, :44].mean() > 0.01 and moved[:, 52:].max() < 0.01


def test_of_several_variants_the_critics_choice_is_kept(cat_file: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    (best,) = flamingo.paint(
        [cat_file], output=tmp_path / "o.png", style="great-wave", model="fast", best=4,
        on_progress=lambda i, n, _: told.append((i, n)),
    )  # fmt: skip
    assert best.error is None and best.recipe["best_of"] == 4
    scores = best.recipe["scores"]
    assert len(scores) == 4 and any(f"{max(scores):.1f} is the highest of 4" in note for note in best.notes)
    assert told[-2][1] == 400 and told[-1] == (1, 1)
    assert any("look" in note for note in best.notes)
    # The same strength and strokes alone give the same picture.
    recipe = best.recipe
    (alone,) = flamingo.paint(
        [cat_file], output=tmp_path / "p.png", style="great-wave", model="fast", strength=recipe["strength"],
        stroke=recipe["stroke"],
    )  # fmt: skip
    assert best.file and alone.file and np.array_equal(_pixels(best.file), _pixels(alone.file))


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"steps": 5}, "--steps"),
        ({"method": "dream", "style_weight": 5.0}, "--style-weight"),
        ({"method": "optimise", "octaves": 2}, "add --method dream"),
        ({"method": "optimise", "content_layer": "relu9_1"}, "relu9_1"),
        ({"method": "optimise", "style_layer": "relu1_1=no"}, "no number above 0"),
        ({"best": 2, "style": ("udnie", "scream")}, "name one style"),
        ({"best": 17}, "best 17"),
        ({"method": "dream", "best": 2}, "leave --best out"),
        ({"method": "optimise", "on": "ray"}, "painter alone"),
    ],
)
def test_what_does_not_fit_together_is_said_at_once(
    cat_file: Path, tmp_path: Path, choices: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        flamingo.paint([cat_file], output=tmp_path / "o.png", **{"style": "great-wave", **choices})
    assert not (tmp_path / "o.png").exists()
