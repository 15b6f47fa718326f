"""`--on ray`: the same results as without, whoever paints."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

import flamingo
from flamingo.distributed.pool import Job, Pool
from flamingo.errors import BadRequest, UnsupportedImage
from tests.conftest import needs_models
from tests.painting.test_chunks import decoded, two_shots
from tests.video.clips import packets

__all__ = ["two_shots"]

ray = pytest.importorskip("ray", reason="ray is not installed (extra `ray`)")
pytestmark = [needs_models, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]  # Ray's own


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


def test_a_film_is_the_same_on_a_cluster(two_shots: Path, tmp_path: Path) -> None:
    """Chunks and overlaps, a cut, sound, and a run that began here and goes on there."""

    def stop(done: int, _all: int, _film: Path) -> None:
        if done == 25:
            raise KeyboardInterrupt

    def paint(on: Literal["local", "ray"], name: str, **more: Any) -> Path:
        target = tmp_path / f"{name}.mp4"
        [found] = flamingo.paint([two_shots], style="udnie", model="fast", colour=0.5, on=on, output=target, **more)
        assert found.error is None
        return target

    here, there = decoded(paint("local", "here")), decoded(paint("ray", "there"))
    assert len(here) == 40
    assert np.array_equal(here, there)
    assert packets(tmp_path / "there.mp4") == packets(two_shots)
    with pytest.raises(KeyboardInterrupt):
        paint("local", "both", on_progress=stop)
    assert np.array_equal(decoded(paint("ray", "both")), here)


def test_what_is_lost_is_done_again_by_another(tmp_path: Path) -> None:
    dies_once = "import os, pathlib; p = pathlib.Path(name); p.exists() or (p.touch(), os._exit(1))"
    with Pool(2) as pool:
        jobs = [Job("it", exec, (dies_once, {"name": str(tmp_path / "was here")})), Job("sum", sum, ((1, 2),))]
        assert list(pool.results(jobs, lambda: None)) == [None, 3]


def test_what_fails_again_and_again_is_said_in_one_line(tmp_path: Path) -> None:
    with Pool(2) as pool:
        jobs = [Job("it", os._exit, (1,)), Job("that", Path.read_bytes, (tmp_path / "nowhere",)), "no job"]
        gone, missing, other = pool.results(jobs, lambda: None)
    assert str(gone).startswith("it: the cluster failed 3 times")
    assert str(missing).startswith("that: the cluster failed 3 times") and "FileNotFoundError" in str(missing)
    assert "\n" not in str(gone) + str(missing)
    assert other == "no job"


def test_waiting_can_be_stopped() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Pool(1) as pool:
        list(pool.results([Job("it", time.sleep, (600,))], stop))
    assert time.monotonic() - begun < 120


def test_a_cluster_that_is_not_there_is_one_line(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray.shutdown()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(BadRequest, match="cannot be reached"):
        flamingo.paint([photos / "chelsea.jpg"], style="udnie", model="fast", on="ray", output=tmp_path / "x.png")
