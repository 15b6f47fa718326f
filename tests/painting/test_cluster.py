"""`--on ray`: the same results as without, whoever paints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import flamingo
from flamingo.errors import BadRequest, UnsupportedImage
from tests.conftest import needs_models

ray = pytest.importorskip("ray", reason="ray is not installed (extra `ray`)")
pytestmark = [needs_models, pytest.mark.filterwarnings("ignore")]  # Ray's own


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One on this computer, for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        yield
        ray.shutdown()


def test_an_album_is_the_same_on_a_cluster(photos: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for name in ("chelsea", "coffee", "rocket"):
        with Image.open(photos / f"{name}.jpg") as opened:
            opened.resize((96, 64)).save(album / f"{name}.png")
    (album / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    told: list[int] = []
    here, there = (
        flamingo.paint(
            [album], style=("udnie=.5", "scream=.5"), model="fast", colour=0.5, on=on, output=tmp_path / on,
            on_progress=lambda done, _all, _photo: told.append(done),
        )
        for on in ("local", "ray")
    )  # fmt: skip
    assert [type(p.error) for p in there] == [type(p.error) for p in here]
    assert [type(p.error) for p in there].count(UnsupportedImage) == 1
    assert told[-1] == 4
    for one, other in zip(here, there, strict=True):
        assert one.recipe == other.recipe
        if one.file and other.file:
            with Image.open(one.file) as a, Image.open(other.file) as b:
                assert a.tobytes() == b.tobytes()


def test_a_cluster_that_is_not_there_is_one_line(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray.shutdown()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(BadRequest, match="cannot be reached"):
        flamingo.paint([photos / "chelsea.jpg"], style="udnie", model="fast", on="ray", output=tmp_path / "x.png")
