"""Files of the user's that belong together are kept together: a persona and its fingerprints, the styles of one
training, a style and its refinement. Whatever happens, all of them are there or what was there before is."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flamingo import weights
from flamingo.cli import run
from flamingo.composing import personas
from flamingo.composing.model import read
from flamingo.composing.originality import Index
from flamingo.errors import BadRequest, DiskFull, OutputError, WouldOverwrite
from flamingo.painting import user_styles
from flamingo.weights import releases
from tests.conftest import ROOT
from tests.train.crashes import moments
from tests.train.test_release import Run, contents

Files = dict[str, bytes]


@pytest.fixture(scope="module", autouse=True)
def installed(composer_run: Run, few_works: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small composer that is installed, and a folder of the user's data."""
    from flamingo.train.composing import export, samples

    folder = tmp_path_factory.mktemp("weights")
    export.release(composer_run(), folder, [few_works])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLAMINGO_WEIGHTS", str(folder))
        patch.setattr(samples, "leave", lambda *_: None)  # they take longer than all the rest
        weights._manifest.cache_clear()
        yield folder
    weights._manifest.cache_clear()


def teach(music: Path, out: Path, *more: str) -> int:
    return run([
        "train", "compose", "--model", "debug", "--persona", "my-band", "--music", str(music), "--out", str(out),
        "--budget", "90s", "--steps", "1", "--length", "64", "--batch", "2", "--device", "cpu",
        "--precision", "f32", *more,
    ])  # fmt: skip


@pytest.fixture(scope="module")
def generations(few_works: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Files]:
    """The two files of a persona, and of the same one after it was taught again by fewer works."""
    made = tmp_path_factory.mktemp("taught")
    (fewer := made / "fewer").symlink_to(sorted(f for f in few_works.iterdir() if f.is_dir())[0], True)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for name, music in (("old", few_works), ("new", fewer)):
            patch.setenv("FLAMINGO_PERSONAS", str(made / name))
            assert teach(music, made / f"run-{name}") == 0
            found.append(contents(made / name))
    old, new = found
    assert old.keys() == new.keys() == {"my-band.safetensors", "my-band-fingerprints.safetensors"}
    assert all(old[name] != new[name] for name in old)
    return old, new


@pytest.fixture
def mine(generations: tuple[Files, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the first generation."""
    (folder := tmp_path / "personas").mkdir()
    for name, content in generations[0].items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("FLAMINGO_PERSONAS", str(folder))
    return folder


def as_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """The files of the persona as the next process finds them, both loaded."""
    monkeypatch.setenv("FLAMINGO_PERSONAS", str(folder))
    assert personas.own() == ["my-band"]
    assert len(personas.cast("my-band").learned) == 2
    read(folder / "my-band.safetensors")
    Index.load(folder / "my-band-fingerprints.safetensors")
    return contents(folder)


def test_a_persona_that_is_replaced_is_at_any_moment_the_old_one_or_the_new(
    generations: tuple[Files, Files], mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = generations
    with moments(mine, tmp_path / "moments") as kept:
        personas.keep("my-band", new["my-band.safetensors"], new["my-band-fingerprints.safetensors"])
    found = [as_read(folder, monkeypatch) for folder in kept]
    assert all(each in (old, new) for each in found)
    assert found[0] == old and found[-1] == new and len(found) > 8


_KILLED = """
import os, signal, sys
from pathlib import Path
from flamingo.composing import personas
folder, new, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
files = [(new / f"my-band{end}.safetensors").read_bytes() for end in ("", "-fingerprints")]
def hook(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        if any(str(a).startswith(str(folder)) for a in arguments[:2] if isinstance(a, (str, Path))):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
personas.keep("my-band", *files)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("step", [6, 13])
def test_a_process_that_is_killed_leaves_one_of_them(
    generations: tuple[Files, Files], mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    old, new = generations
    (there := tmp_path / "new").mkdir()
    for name, content in new.items():
        (there / name).write_bytes(content)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", _KILLED, str(mine), str(there), str(step)]
    done = subprocess.run(arguments, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert as_read(mine, monkeypatch) in (old, new)


def test_a_full_disk_leaves_the_old_persona(
    generations: tuple[Files, Files], mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = generations
    real, failed = os.fsync, 0
    for failing in range(8):
        calls = 0

        def full(handle: int, failing: int = failing) -> None:
            nonlocal calls
            calls += 1
            if calls == failing + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            try:
                personas.keep("my-band", new["my-band.safetensors"], new["my-band-fingerprints.safetensors"])
            except DiskFull:
                failed += 1
                assert contents(mine) == old
            else:
                assert contents(mine) == new
        personas.keep("my-band", old["my-band.safetensors"], old["my-band-fingerprints.safetensors"])
    assert failed >= 3


def test_a_persona_is_not_replaced_unless_that_is_asked(
    few_works: Path, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(mine)
    assert teach(few_works, tmp_path / "run") != 0
    assert "has that name already" in " ".join(capsys.readouterr().err.split())
    assert contents(mine) == before and not (tmp_path / "run" / "log.jsonl").exists()
    assert teach(few_works, tmp_path / "run", "--overwrite") == 0
    assert contents(mine).keys() == before.keys() and contents(mine) != before


def test_no_persona_has_the_name_of_anothers_fingerprints() -> None:
    with pytest.raises(BadRequest, match="no name"):
        personas.own_file("my-band-fingerprints")


# -- styles of one's own -------------------------------------------------------------------------------------------


def styles(seed: int) -> list[user_styles.OwnStyle]:
    random = np.random.default_rng(seed)
    return [
        user_styles.OwnStyle(
            name,
            random.random((40, 60, 3), np.float32),
            f"{name}.png",
            "00",
            {"fine 1": random.random(8, np.float32)},
        )
        for name in ("garden", "harbour", "village")
    ]


def test_styles_that_were_learned_together_are_kept_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "styles"
    monkeypatch.setenv("FLAMINGO_STYLES", str(folder))
    user_styles.keep(styles(0)[0])
    user_styles.keep(*styles(1)[1:])
    old = contents(folder)
    with moments(folder, tmp_path / "moments") as kept:
        user_styles.keep(*styles(2))
    new = contents(folder)
    assert old.keys() == new.keys() == {f"{style.name}.safetensors" for style in styles(0)}
    for moment in kept:
        monkeypatch.setenv("FLAMINGO_STYLES", str(moment))
        assert user_styles.names() == ["garden", "harbour", "village"]
        assert contents(moment) in (old, new)
    monkeypatch.setenv("FLAMINGO_STYLES", str(folder))
    with pytest.raises(WouldOverwrite):
        user_styles.keep(replace(styles(3)[0], name="lake"), *styles(3)[1:], overwrite=False)
    assert contents(folder) == new, "one that is there already keeps the others out too"


def test_styles_that_find_no_room_leave_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAMINGO_STYLES", str(tmp_path / "styles"))
    real, calls = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull):
            user_styles.keep(*styles(0))
    assert user_styles.names() == [] and not any(f.is_file() for f in (tmp_path / "styles").rglob("*"))
    user_styles.keep(*styles(0))
    assert len(user_styles.names()) == 3


def test_nothing_is_kept_where_a_file_lies_in_the_folders_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "styles").write_text("The user's own.")
    monkeypatch.setenv("FLAMINGO_STYLES", str(tmp_path / "styles"))
    with pytest.raises(OutputError):
        user_styles.keep(styles(0)[0])
    with pytest.raises(OutputError, match="no folder"), releases.releasing(tmp_path / "styles"):
        raise AssertionError("it was begun")
    assert (tmp_path / "styles").read_text() == "The user's own."
