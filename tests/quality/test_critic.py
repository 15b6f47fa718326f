"""The critic and its verb: right about what is known, honest about what it cannot see, and never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flamingo.errors import BadInput, BadRequest, WouldOverwrite
from flamingo.options import options
from flamingo.quality.api import judge
from flamingo.quality.critic import LAYER_WORDS, Critic, best_of

Pixels = NDArray[np.float32]


@pytest.fixture
def photo(cat: Pixels) -> Pixels:
    return np.ascontiguousarray(cat[40:136, 60:188])


@pytest.fixture
def painting() -> Pixels:
    y, x = np.mgrid[0:120, 0:128].astype(np.float32)
    wave = 0.5 + 0.5 * np.sin(0.6 * x + 3 * np.sin(0.15 * y))
    return np.stack([wave, wave, 1 - wave], axis=2).astype(np.float32)


def _save(rgb: Pixels, file: Path) -> Path:
    Image.fromarray((rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8)).save(file)
    return file


def test_the_photo_is_all_content_and_the_painting_all_style(photo: Pixels, painting: Pixels) -> None:
    critic = Critic(photo, painting)
    plain, painted = critic.judge(photo), critic.judge(painting[:96])
    assert plain["content"].value == pytest.approx(1) and plain["style"].value == pytest.approx(0, abs=1e-3)
    assert plain.score == pytest.approx(0, abs=0.1) and plain["structure"].value == pytest.approx(1)
    assert painted["style"].value > 0.5 > painted["content"].value
    assert painted["colour_to_style"].value < plain["colour_to_style"].value
    assert all(f"style_{layer}" in {f.name for f in plain.figures} for layer in LAYER_WORDS)
    assert plain.content_missing is not None and plain.content_missing.max() == pytest.approx(0, abs=1e-3)
    assert painted.style_missing is not None and plain.style_missing is not None
    assert painted.style_missing.mean() < plain.style_missing.mean()


def test_the_map_marks_where_the_photo_is_missing(photo: Pixels, painting: Pixels) -> None:
    half = photo.copy()
    half[:, 64:] = painting[:96, 64:]
    found = Critic(photo, painting).judge(half).content_missing
    assert found is not None
    middle = found.shape[1] // 2
    assert found[:, middle + 1 :].mean() > 3 * found[:, : middle - 1].mean()


def test_optimising_further_is_liked_better_and_said_why(photo: Pixels, painting: Pixels) -> None:
    from flamingo.painting.methods import Settings, Style, optimise

    critic = Critic(photo, painting)
    results = [
        photo,
        *(optimise(photo, [Style(painting)], Settings(steps=n, coarsest=None)).picture for n in (3, 12)),
    ]
    critiques = [critic.judge(picture) for picture in results]
    scores = [c.score for c in critiques if c.score is not None]
    assert scores == sorted(scores) and len(scores) == 3
    index, reasons = best_of(critiques[::-1])
    assert index == 0 and "highest of 3" in reasons[0] and len(reasons) > 1


def test_without_vgg_19_it_measures_the_rest_and_says_so(photo: Pixels, painting: Pixels, tmp_path: Path) -> None:
    critic = Critic(photo, painting, vgg=tmp_path / "none.safetensors")
    sound, torn = critic.judge(photo), photo.copy()
    torn[:, 50:] = np.clip(torn[:, 50:] * 0.2, 0, 1)
    broken = critic.judge(torn)
    assert sound.score is None and "there is no such file" in sound.notes[0]
    assert {"structure", "edges", "sharpness", "seams", "colour_to_style"} <= {f.name for f in sound.figures}
    assert best_of([broken, sound])[0] == 1


def test_the_figures_are_those_of_the_training(photo: Pixels, painting: Pixels) -> None:
    torch = pytest.importorskip("torch")
    from flamingo.nn import losses, vgg
    from flamingo.quality.perceptual import WEIGHT, Eye

    result = np.clip(photo + painting[:96], 0, 1) * np.float32(0.7)
    network = vgg.load()
    with torch.no_grad():
        out, plain, style = (
            network(torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None]) for rgb in (result, photo, painting)
        )
        c2 = losses.content_error_squared(out, plain[vgg.CONTENT_LAYER])
        s2 = losses.style_errors_squared(out, losses.grams(style))
    seen = Eye(photo, painting).look(result)
    assert seen.content == pytest.approx(float(c2.sqrt()), rel=1e-3)
    assert seen.layers == pytest.approx(dict(zip(vgg.STYLE_LAYERS, s2.sqrt()[0].tolist(), strict=True)), rel=1e-3)
    assert seen.objective == pytest.approx(float(c2 + WEIGHT * s2.mean(1)), rel=1e-3)


def test_nothing_to_choose_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="no candidates"):
        best_of([])


def test_a_result_of_another_shape_is_refused(photo: Pixels, painting: Pixels) -> None:
    with pytest.raises(BadInput, match="another shape"):
        Critic(photo, painting).judge(np.ascontiguousarray(photo[:, :90]))


def test_the_verb_judges_files_and_draws_them(photo: Pixels, painting: Pixels, tmp_path: Path) -> None:
    plain, style = _save(photo, tmp_path / "photo.png"), _save(painting, tmp_path / "style.png")
    results = [_save(photo * np.float32(k), tmp_path / f"result{i}.png") for i, k in enumerate((1.0, 0.8))]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    told: list[tuple[int, int]] = []
    done = judge(
        [*results, broken],
        photo=plain,
        painting=style,
        output=tmp_path / "maps",
        on_progress=lambda i, n, _: told.append((i, n)),
    )
    assert [d.error is None for d in done] == [True, True, False]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    json.dumps([d.as_dict() for d in done])
    for each in done[:2]:
        assert each.explanation is not None
        with Image.open(each.explanation) as page:
            assert page.width > 1000
    assert done[0].critique is not None and done[0].critique.score is not None
    with pytest.raises(WouldOverwrite):
        judge(results, photo=plain, painting=style, output=tmp_path / "maps")


def test_bad_requests_are_refused_in_one_line(photo: Pixels, tmp_path: Path) -> None:
    plain = _save(photo, tmp_path / "photo.png")
    with pytest.raises(BadRequest):
        judge([], photo=plain, painting=plain)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest):
        judge([tmp_path / "empty"], photo=plain, painting=plain)


def test_every_argument_of_the_verb_is_described() -> None:
    assert [o.name for o in options(judge)] == ["results", "photo", "style", "painting", "output", "overwrite"]
    assert all(o.description for o in options(judge))
