"""In what manner to paint, asked through the API: mixes, regions, colours, strokes, and paintings of one's own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flamingo import weights
from flamingo.client import Client
from flamingo.errors import BadRequest
from flamingo.painting import encoder, user_styles
from flamingo.painting.job import check_styles
from flamingo.painting.options import MODELS
from flamingo.verbs import NamedFile
from tests.conftest import ROOT
from tests.studio.serving import Served
from tests.studio.test_api import problem

pytestmark = pytest.mark.skipif(
    not {"painter-fast", "painter-fine"} <= set(weights.models()),
    reason="the trained painters are not in flamingo/weights",
)
ABLE = [model for model in MODELS if f"painter-{model}" in weights.models() and encoder.known(model)]
needs_encoder = pytest.mark.skipif(not ABLE, reason="no painter in flamingo/weights reads paintings yet")
PLACE = Path(__file__).resolve()


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def half(side: str, height: int = 100, width: int = 150) -> bytes:
    """A mask that is white on one side, left or right."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return png(mask if side == "left" else mask[:, ::-1].copy())


def rgb(data: bytes) -> NDArray[np.float64]:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"), np.float64)


def sent(served: Served, data: bytes, name: str) -> dict[str, str]:
    return {"sha256": served.upload(data, name)["sha256"], "name": name}


@pytest.fixture(scope="module")
def cat(served: Served, cat_jpeg: bytes) -> dict[str, str]:
    return sent(served, png(rgb(cat_jpeg).astype(np.uint8)), "cat.png")


@pytest.fixture(scope="module")
def painting() -> bytes:
    """A picture of a painting: one of our results, cut and turned so that it is none that a painter has learned."""
    with Image.open(ROOT / "docs" / "photos" / "coffee.jpg") as opened:
        buffer = io.BytesIO()
        opened.convert("RGB").resize((256, 192)).rotate(90, expand=True).save(buffer, "JPEG")
    return buffer.getvalue()


def painted(served: Served, cat: dict[str, str], **wish: Any) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """The recipe and the pixels of what a job makes."""
    job = served.outcome(served.ask("paint", photos=[cat], model=wish.pop("model", "fast"), **wish))
    assert job["state"] == "done", job["error"]
    (result,) = job["results"]
    return result["recipe"], rgb(served.http.get(result["url"]).content)


def preview(served: Served, cat: dict[str, str], **wish: Any) -> NDArray[np.float64]:
    body = {"photos": [cat], "model": "fast", "longest": 150, **wish}
    answer = served.http.post("/api/preview/paint", json=body)
    assert answer.status_code == 200, answer.text
    return rgb(answer.content)


def test_a_single_style_may_be_a_text_or_a_list(served: Served, cat: dict[str, str]) -> None:
    asked = [served.ask("paint", photos=[cat], model="fast", style=style) for style in ("scream", ["scream"])]
    assert asked[0]["id"] == asked[1]["id"]
    assert asked[0]["parameters"]["style"] == ["scream"]


def test_a_mix_says_of_what_and_how_much(served: Served, cat: dict[str, str]) -> None:
    recipe, mixed = painted(served, cat, style=["great-wave=.75", "udnie=.25"])
    assert recipe["style"] == "great-wave+udnie"
    assert [(each["style"], each["weight"]) for each in recipe["styles"]] == [("great-wave", 0.75), ("udnie", 0.25)]
    for alone in ("great-wave", "udnie"):
        assert np.abs(mixed - painted(served, cat, style=alone)[1]).mean() > 2


def test_a_mask_leaves_the_photo_where_it_is_black(served: Served, cat: dict[str, str], cat_jpeg: bytes) -> None:
    mask = sent(served, half("left"), "left.png")
    recipe, result = painted(served, cat, style=["great-wave"], mask=[mask])
    change = np.abs(result - rgb(cat_jpeg)).mean(axis=(0, 2))
    assert recipe["styles"][0]["mask_sha256"] == mask["sha256"]
    assert change[:70].mean() > 10
    assert change[90:].max() < 2


def test_a_mask_goes_by_the_name_that_it_was_given(served: Served, cat: dict[str, str]) -> None:
    """Whatever its content: a PNG may be called sky.jpg, or have no suffix."""
    for name in ("sky.jpg", "the sky", "a=b.png"):
        mask = {**sent(served, half("left"), "left.png"), "name": name}
        recipe, _ = painted(served, cat, style=[f"udnie@{name}"], mask=[mask])
        assert recipe["styles"][0]["mask_sha256"] == mask["sha256"]


def test_styles_are_painted_where_their_masks_are(served: Served, cat: dict[str, str]) -> None:
    left, right = (sent(served, half(side), f"{side}.png") for side in ("left", "right"))
    wish = {"style": ["great-wave@left.png", "scream@right.png"], "mask": [left, right]}
    _, result = painted(served, cat, **wish)
    for style, part in (("great-wave", np.s_[:, :60]), ("scream", np.s_[:, 90:])):
        other = {"great-wave": "scream", "scream": "great-wave"}[style]
        near, far = (np.abs(result - painted(served, cat, style=s)[1])[part].mean() for s in (style, other))
        assert near < far / 2
    # Two files of the same name in another order are another request.
    names = [{**left, "name": "right.png"}, {**right, "name": "left.png"}]
    first, second = (
        served.ask("paint", photos=[cat], model="fast", **{**wish, "mask": m}) for m in ([left, right], names)
    )
    assert first["id"] != second["id"]


def test_a_preview_shows_all_of_it_at_once(served: Served, cat: dict[str, str], cat_jpeg: bytes) -> None:
    plain = preview(served, cat, style="great-wave")
    for more in ({"colour": "photo"}, {"stroke": 2.5}, {"strength": 0.5}, {"style": ["great-wave=.5", "scream=.5"]}):
        assert np.abs(preview(served, cat, **{"style": "great-wave", **more}) - plain).mean() > 1.5, more
    mask = sent(served, half("left"), "left.png")
    placed = preview(served, cat, style=["great-wave@left.png"], mask=[mask])
    assert np.abs(placed - rgb(cat_jpeg))[:, 90:].mean() < 6  # what JPEG changes
    # Whatever slider is moved in between, the same wish is the same picture.
    assert np.abs(preview(served, cat, style="great-wave") - plain).max() == 0


def test_a_preview_is_what_the_job_makes(served: Served, cat: dict[str, str]) -> None:
    wish = {"style": ["the-kiss=.7", "udnie=.3"], "strength": 0.7, "colour": 0.4, "stroke": 1.5}
    assert np.abs(preview(served, cat, **wish) - painted(served, cat, **wish)[1]).mean() < 4


@pytest.mark.parametrize("route", ["/api/paint", "/api/preview/paint"])
@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"style": ["great-wave=0"]}, "a weight is a number above 0"),
        ({"style": ["great-wave=-1"]}, "a weight is a number above 0"),
        ({"style": ["great-wave=nan"]}, "a weight is a number above 0"),
        ({"style": ["great-wave=much"]}, "it is no number"),
        ({"style": ["grate-wave=.5", "udnie=.5"]}, "did you mean great-wave"),
        ({"style": ["great-wave@sky.png"]}, "there is no such file"),
        ({"style": [["udnie"]]}, "style"),
        ({"colour": 1.5}, "colour"),
        ({"colour": "red"}, "colour"),
        ({"stroke": 0.1}, "stroke"),
        ({"stroke": 5}, "stroke"),
        ({"style": ["/etc/passwd"]}, "there is no style or painting of that name"),
        ({"style": ["../x.jpg"]}, "there is no such painting"),
        ({"style": ["cat.jpg"]}, "there is no such painting"),
        ({"style": [str(ROOT / "docs" / "photos" / "chelsea.jpg")]}, "there is no such painting"),
        ({"style": [f"{ROOT / 'docs' / 'photos' / 'chelsea.jpg'}=.5", "udnie=.5"]}, "there is no such painting"),
        ({"style": [f"udnie@{ROOT / 'docs' / 'photos' / 'chelsea.jpg'}"]}, "there is no such file"),
        ({"style": ["udnie@../x.png"]}, "there is no such file"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_what_cannot_be_painted_so_is_one_line(
    served: Served, cat: dict[str, str], route: str, wish: dict[str, Any], said: str
) -> None:
    told = problem(served.http.post(route, json={"photos": [cat], "model": "fast", **wish}), 422)
    assert said in told["detail"] and "\n" not in told["detail"]


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../x.jpg", str(ROOT / "docs" / "photos" / "chelsea.jpg"), "..", ""]
)
def test_a_name_that_came_with_a_file_is_no_path_here(
    served: Served, cat: dict[str, str], cat_jpeg: bytes, name: str
) -> None:
    """Whatever a file is called: a style cannot reach beyond what was sent."""
    mask = {**sent(served, half("left"), "left.png"), "name": name}
    body = {"photos": [cat], "model": "fast", "style": [f"udnie@{name}"], "mask": [mask]}
    assert "there is no such file" in problem(served.http.post("/api/paint", json=body), 422)["detail"]
    # Without naming it, the mask is for all.
    _, result = painted(served, cat, style=["udnie"], mask=[mask])
    away = np.abs(result - rgb(cat_jpeg))
    assert away[:, 90:].max() < 3 < away[:, :80].mean()


def test_masks_that_cannot_be_told_apart_or_are_black_are_named(served: Served, cat: dict[str, str]) -> None:
    left, right = (sent(served, half(side), "m.png") for side in ("left", "right"))
    body: dict[str, Any] = {"photos": [cat], "model": "fast", "style": ["udnie"], "mask": [left, right]}
    assert "two files called m.png" in problem(served.http.post("/api/paint", json=body), 422)["detail"]
    body["mask"] = [left, {**right, "name": "n.png"}]
    assert "it is not said for which style" in problem(served.http.post("/api/paint", json=body), 422)["detail"]
    body["mask"] = [sent(served, png(np.zeros((60, 90), np.uint8)), "night.png")]
    told = problem(served.http.post("/api/preview/paint", json=body), 422)
    assert told["what"] == "night.png" and "black all over" in told["why"]
    job = served.outcome(served.ask("paint", **body))
    assert job["state"] == "failed" and "black all over" in job["error"]["why"]
    assert job["error"]["what"].endswith("night.png") and "/" not in job["error"]["what"]


def test_the_client_sends_masks_by_their_names(served: Served, cat_jpeg: bytes, tmp_path: Path) -> None:
    for name, data in (("cat.jpg", cat_jpeg), ("sky.png", half("left")), ("sea.png", half("right"))):
        (tmp_path / name).write_bytes(data)
    with Client(served.url) as client:
        job = client.paint(
            tmp_path / "cat.jpg",
            style=["great-wave@sea.png", "starry-night@sky.png"],
            mask=[tmp_path / "sky.png", tmp_path / "sea.png"],
            model="fast",
        ).wait()
    assert [each["style"] for each in job.results[0].recipe["styles"]] == ["great-wave", "starry-night"]


# -- any painting --------------------------------------------------------------------------------------------


def test_a_painter_that_reads_no_paintings_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that somebody has trained without a style encoder."""
    monkeypatch.setattr(encoder, "known", lambda model: model == "fine")
    files = {"painting": [NamedFile("mine.jpg", Path("mine.jpg"))]}
    for style in (None, ["mine.jpg=.5", "udnie=.5"]):
        check_styles({"style": style, "model": "fine"}, files)
        with pytest.raises(BadRequest, match=r"style 'mine\.jpg': the fast painter knows the named styles alone"):
            check_styles({"style": style, "model": "fast"}, files)


@needs_encoder
def test_any_painting_is_painted_like_and_mixed(served: Served, cat: dict[str, str], painting: bytes) -> None:
    mine = sent(served, painting, "mine.jpg")
    recipe, alone = painted(served, cat, painting=[mine], model=ABLE[0])
    assert (recipe["style"], recipe["styles"][0]["painting_sha256"]) == ("mine", mine["sha256"])
    recipe, mixed = painted(served, cat, style=["mine.jpg=.5", "udnie=.5"], painting=[mine], model=ABLE[0])
    assert recipe["style"] == "mine+udnie"
    assert np.abs(mixed - alone).mean() > 2
    shown = preview(served, cat, painting=[mine], model=ABLE[0])
    assert np.abs(shown - alone).mean() < 5


@needs_encoder
def test_a_style_of_ones_own_is_among_the_others(
    served: Served, cat: dict[str, str], painting: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "coffee.jpg"
    file.write_bytes(painting)
    user_styles.add("my-coffee", file, model=ABLE[0])
    try:
        (style,) = [each for each in served.http.get("/api/styles").json() if each["own"]]
        assert (style["name"], style["title"], style["models"]) == ("my-coffee", "My coffee", ABLE)
        small = served.http.get(style["thumbnail"])
        with Image.open(io.BytesIO(small.content)) as opened:
            assert (opened.format, opened.size) == ("WEBP", (192, 256))
        again = served.http.get(style["thumbnail"], headers={"If-None-Match": small.headers["etag"]})
        assert again.status_code == 304
        recipe, _ = painted(served, cat, style="my-coffee", model=ABLE[0])
        assert recipe["style"] == "my-coffee"
    finally:
        user_styles.remove("my-coffee")
    problem(served.http.get("/api/styles/my-coffee/thumbnail"), 404)


@needs_encoder
def test_a_painting_is_kept_under_a_name_and_forgotten(
    served: Served, cat: dict[str, str], painting: bytes, tmp_path: Path
) -> None:
    told = served.upload(painting)
    mine = {"sha256": told["sha256"], "name": "My Coffee.jpg"}
    kept = served.http.put("/api/styles/morning-coffee", json=mine)
    try:
        assert kept.status_code == 201, kept.text
        assert (kept.json()["name"], kept.json()["own"]) == ("morning-coffee", True)
        assert user_styles.read("morning-coffee").source == "My Coffee.jpg"
        recipe, _ = painted(served, cat, style="morning-coffee", model=ABLE[0])
        assert recipe["style"] == "morning-coffee"
        assert "there already" in problem(served.http.put("/api/styles/morning-coffee", json=mine), 409)["detail"]
        again = served.http.put("/api/styles/morning-coffee?overwrite=true", json=mine)
        assert again.status_code == 201
    finally:
        assert served.http.delete("/api/styles/morning-coffee").status_code == 204
    problem(served.http.delete("/api/styles/morning-coffee"), 404)
    assert "morning-coffee" not in user_styles.names()

    file = tmp_path / "tea.jpg"
    file.write_bytes(painting)
    with Client(served.url) as client:
        assert client.add_style("tea", file)["models"] == ABLE
        client.remove_style("tea")


def test_what_cannot_be_kept_is_told(served: Served, cat: dict[str, str]) -> None:
    for name, file, status, said in (
        ("starry-night", cat, 409, "a painting that came with Flamingo has that name"),
        ("My Garden", cat, 422, "lower-case letters"),
        ("my-garden", {"sha256": "0" * 64}, 404, "send it again"),
        ("my-garden", {"sha256": "no"}, 422, ""),
    ):
        assert said in problem(served.http.put(f"/api/styles/{name}", json=file), status)["detail"]
    problem(served.http.delete("/api/styles/starry-night"), 404)


def test_styles_say_which_painters_know_them(served: Served) -> None:
    for style in served.http.get("/api/styles").json():
        assert set(style["models"]) <= {"fast", "fine"} and style["models"]
        assert style["own"] is False
