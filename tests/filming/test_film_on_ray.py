"""`flamingo film --on ray`: the same film as without, whoever paints and renders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flamingo.filming.api import film
from tests.conftest import needs_models
from tests.filming.albums import album, clicks, frames

ray = pytest.importorskip("ray", reason="ray is not installed (extra `ray`)")
pytestmark = [needs_models, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]  # Ray's own


@pytest.fixture
def small(tmp_path: Path) -> dict[str, Any]:
    """Arguments for a film of two pieces, with letters, a crossfade or two, and two styles."""
    return {
        "photos": [album(tmp_path / "album", 3)], "model": "fast", "style": ("udnie", "scream"), "vary": "photo",
        "resolution": 64, "fps": 12, "seconds": 6, "music": clicks(tmp_path / "clicks.wav", 6.0), "motion": 1,
        "title": "Summer", "captions": "name",
    }  # fmt: skip


def stopped_at(beginning: str, done: int = 0) -> Any:
    """Progress that is cancelled there."""

    def tell(share: int, _all: int, what: str) -> None:
        if what.startswith(beginning) and share >= done:
            raise KeyboardInterrupt

    return tell


def test_a_film_is_the_same_on_a_cluster(small: dict[str, Any], tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    paintings: dict[str, list[bytes]] = {}
    for on in ("local", "ray"):
        (tmp_path / on).mkdir()
        target = tmp_path / on / "film.mp4"
        with pytest.raises(KeyboardInterrupt):  # paintings and pieces are there, and the film is not
            film(**small, on=on, output=target, on_progress=stopped_at("putting it together"))
        kept = (tmp_path / on / ".film.mp4.part").iterdir()
        paintings[on] = sorted(p.read_bytes() for p in kept if p.name.startswith(("painting-", "frames-")))
        [found] = film(**small, on=on, output=target, on_progress=lambda done, _all, what: told.append((done, what)))
        assert found.file is not None
    assert len(paintings["local"]) == 3 + 2
    assert paintings["local"] == paintings["ray"]
    here, there = (frames(tmp_path / on / "film.mp4")[0] for on in ("local", "ray"))
    assert np.array_equal(here, there)
    assert told[-1] == (1000, "done")
    boards = [json.loads((tmp_path / on / "film.storyboard.json").read_text()) for on in ("local", "ray")]
    assert boards[0] == boards[1]


def test_a_film_that_was_stopped_on_a_cluster_goes_on_here(small: dict[str, Any], tmp_path: Path) -> None:
    target = tmp_path / "film.mp4"
    with pytest.raises(KeyboardInterrupt):
        film(**small, on="ray", output=target, on_progress=stopped_at("frame"))
    assert not target.exists()
    assert len(list((tmp_path / ".film.mp4.part").glob("painting-*.jpg"))) == 3
    told: list[str] = []
    [found] = film(**small, output=target, on_progress=lambda _done, _all, what: told.append(what))
    assert found.file == target
    assert not any(what.startswith("painting") for what in told)
