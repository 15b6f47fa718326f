"""`flamingo train release`: whatever happens, the models that ship are wholly the old ones or wholly the new."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flamingo import weights
from flamingo.cli import run
from flamingo.composing.model import read
from flamingo.errors import DiskFull, FlamingoError, ModelCorrupt
from flamingo.train.manifest import check_files, entry_of, release_of
from flamingo.train.plans.releasing import install
from flamingo.weights import releases
from tests.conftest import ROOT
from tests.train.crashes import moments

Run = Callable[..., Path]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, by name."""
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def is_whole(folder: Path, model: str) -> None:
    """Each file of the model is the one that the manifest describes, and can be loaded."""
    entry = entry_of(folder, model)
    assert entry is not None
    check_files(folder, entry)
    assert (folder / "cards" / f"{model}.md").read_text(encoding="utf-8").count(entry["version"])


@pytest.fixture(scope="module")
def runs(composer_run: Run) -> tuple[Path, Path]:
    """Two runs of a composer that learned otherwise."""
    return composer_run(seed=0), composer_run(seed=1)


@pytest.fixture(scope="module")
def folders(runs: tuple[Path, Path], few_works: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of models: with the composer of the first run, beside a file of the user's, and of the second."""
    from flamingo.train.composing import export

    made = tmp_path_factory.mktemp("models")
    for name, of in (("old", runs[0]), ("new", runs[1])):
        export.release(of, made / name, [few_works])
    (made / "old" / "readme.txt").write_text("The user's own.")
    return made / "old", made / "new"


@pytest.fixture
def shipped(folders: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the old models."""
    shutil.copytree(folders[0], tmp_path / "shipped")
    return tmp_path / "shipped"


def old_or_new(folder: Path, old: dict[str, bytes], new: str) -> str:
    """Read the folder as the next process does; whether it is wholly "old" (to the byte) or wholly "new"."""
    entry = entry_of(folder, "composer")
    assert entry is not None
    is_whole(folder, "composer")
    read(folder / "composer.safetensors")
    assert (folder / "readme.txt").read_text() == "The user's own."
    if entry["version"] == new:
        assert contents(folder).keys() == old.keys(), "nothing is left lying about"
        return "new"
    assert contents(folder) == old
    return "old"


# -- at any moment -------------------------------------------------------------------------------------------------


def test_a_release_that_dies_at_any_moment_leaves_the_old_model_or_the_new(
    shipped: Path, folders: tuple[Path, Path], runs: tuple[Path, Path], few_works: Path, tmp_path: Path
) -> None:
    old, new = contents(shipped), entry_of(folders[1], "composer")
    assert new is not None
    command = ["train", "release", str(runs[1]), "--name", "composer", "--music", str(few_works)]
    with moments(shipped, tmp_path / "moments") as kept:
        assert run([*command, "--weights", str(shipped)]) == 0
    found = [old_or_new(folder, old, new["version"]) for folder in kept]
    assert len(found) > 15
    assert found == sorted(found, reverse=True), "first the old one, then the new one"
    assert found[0] == "old" and found[-1] == "new"


def test_until_the_journal_is_written_no_file_of_a_model_is_touched(
    shipped: Path, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    old = contents(shipped)
    with moments(shipped, tmp_path / "moments") as kept:
        install(folders[1], shipped, "composer")
    for folder in kept:
        there = {k: v for k, v in contents(folder).items() if not k.startswith(releases.STAGING)}
        if there != old:
            assert (folder / releases.STAGING / "journal").exists() or there.keys() == old.keys()
            break
    else:
        raise AssertionError("nothing was released")


_KILLED = """
import os, signal, sys
from pathlib import Path
import flamingo.train.plans.releasing as releasing
new, shipped, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
left = at
def hook(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"):
        if any(str(a).startswith(str(shipped)) for a in arguments[:2] if isinstance(a, (str, Path))):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
releasing.install(new, shipped, "composer")
"""


def killed_at(step: int, new: Path, shipped: Path) -> int:
    """Release in a process that ends itself by SIGKILL before its operation number `step`; its exit status."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", _KILLED, str(new), str(shipped), str(step)]
    return subprocess.run(arguments, env=environment, check=False, capture_output=True).returncode


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("step", [0, 9, 25, 34, 36, 38])
def test_a_process_that_is_killed_is_recovered_from_by_the_next(
    shipped: Path, folders: tuple[Path, Path], step: int
) -> None:
    """The moments above, tried in earnest: a lock that a killed process held is free again."""
    old, new = contents(shipped), entry_of(folders[1], "composer")
    assert new is not None
    assert killed_at(step, folders[1], shipped) in (-signal.SIGKILL, 0)
    assert old_or_new(shipped, old, new["version"]) in ("old", "new")
    install(folders[1], shipped, "composer")
    assert old_or_new(shipped, old, new["version"]) == "new"


def test_readers_finish_a_release_that_was_cut_short(
    shipped: Path, folders: tuple[Path, Path], tmp_path: Path, fresh_caches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = entry_of(folders[1], "composer")
    assert new is not None
    with moments(shipped, tmp_path / "moments") as kept:
        install(folders[1], shipped, "composer")
    half = next(f for f in kept if (f / releases.STAGING / "journal").exists() and not same_manifest(f, shipped))
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(half))
    assert weights.entry("composer")["version"] == new["version"]
    read(weights.path("composer", "weights"))
    assert not (half / releases.STAGING).exists()


def same_manifest(one: Path, other: Path) -> bool:
    return (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()


def test_a_process_that_has_read_the_manifest_finds_the_model_released_since(
    shipped: Path, folders: tuple[Path, Path], fresh_caches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(shipped))
    weights.models()
    install(folders[1], shipped, "composer")
    assert weights.path("composer", "weights").read_bytes() == (folders[1] / "composer.safetensors").read_bytes()


def test_a_release_in_progress_is_left_alone_by_readers_and_refused_to_others(
    shipped: Path, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "_PATIENCE", 0.2)
    old = contents(shipped)
    with release_of("composer", shipped) as release:
        release.copy("composer", entry_of(folders[1], "composer") or {}, folders[1])
        assert releases.recover(shipped) is None and (release.folder / "composer.safetensors").exists()  # type: ignore[func-returns-value]
        there = {k: v for k, v in contents(shipped).items() if not k.startswith(releases.STAGING)}
        assert there == old
        with pytest.raises(FlamingoError, match="another release is being made there"):
            install(folders[1], shipped, "composer")


# -- refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["{lstm}", "--name", "composer"], "baseline lstm"),
        (["{lstm}", "--name", "composer", "--music", "{music}"], "baseline lstm"),
        (["{lstm}", "--name", "fine"], "baseline lstm"),
        (["{composer}", "--name", "fine"], "holds a composer; give --name composer"),
        (["{composer}", "--name", "../composer"], "holds a composer"),
        (["{composer}", "--name", "composer"], "--music: it is needed"),
        (["{composer}", "--name", "composer", "--music", "nowhere"], "there is no such folder"),
        (
            ["{composer}", "--name", "composer", "--music", "{music}", "--images", "{music}"],
            "was not trained on such",
        ),
        (["{composer}", "{composer}", "--name", "composer", "--music", "{music}"], "only for moods"),
        (["{music}", "--name", "composer"], "there is no checkpoint in it"),
        (["{music}", "--name", "fine"], "there is no checkpoint in it"),
    ],
)
def test_what_is_refused_is_refused_in_one_line_before_anything_is_written(
    shipped: Path, runs: tuple[Path, Path], composer_run: Run, few_works: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], arguments: list[str], why: str,
) -> None:  # fmt: skip
    named = {"music": str(few_works), "composer": str(runs[0]), "lstm": ""}
    if any("{lstm}" in a for a in arguments):
        named["lstm"] = str(lstm_run(composer_run))
    old = contents(shipped)
    command = ["train", "release", *(a.format(**named) for a in arguments)]
    with moments(shipped, tmp_path / "moments") as kept:
        assert run([*command, "--weights", str(shipped)]) in (1, 2)
    said = capsys.readouterr().err
    assert why in " ".join(said.split()) and "Traceback" not in said
    assert contents(shipped) == old and len(kept) == 1, "not one operation on the folder"


_lstm: list[Path] = []


def lstm_run(composer_run: Run) -> Path:
    if not _lstm:
        _lstm.append(composer_run(model="lstm"))
    return _lstm[0]


def test_a_release_that_is_refused_makes_no_folder(runs: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(["train", "release", str(runs[0]), "--name", "fine", "--weights", str(tmp_path / "mine" / "own")]) == 2
    assert not (tmp_path / "mine").exists()


def test_a_file_that_cannot_be_loaded_is_not_released(shipped: Path, folders: tuple[Path, Path]) -> None:
    old = contents(shipped)
    with pytest.raises(ModelCorrupt, match="it cannot be loaded"), release_of("composer", shipped) as release:
        release.copy("composer", entry_of(folders[1], "composer") or {}, folders[1])
        (release.folder / "composer.safetensors").write_bytes(b"not weights")
        described = (release.entry or {})["files"]["weights"]
        import hashlib

        described["sha256"] = hashlib.sha256(b"not weights").hexdigest()
    assert contents(shipped) == old


def test_no_model_takes_another_models_file(shipped: Path, folders: tuple[Path, Path]) -> None:
    old = contents(shipped)
    with pytest.raises(FlamingoError, match="is a file of composer"), release_of("thing", shipped) as release:
        release.copy("composer", entry_of(folders[1], "composer") or {}, folders[1])
    assert contents(shipped) == old


def test_a_release_broken_off_by_the_user_leaves_nothing(shipped: Path) -> None:
    old = contents(shipped)
    with pytest.raises(KeyboardInterrupt), release_of("composer", shipped) as release:
        (release.folder / "composer.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt
    assert contents(shipped) == old


# -- a full disk ---------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(at: Path, kib: int) -> Iterator[Path]:
    """A file system of so many KiB, where the system lets us make one."""
    at.mkdir()
    mounted = shutil.which("mount") and sys.platform == "linux" and os.geteuid() == 0
    done = mounted and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(at)], check=False, capture_output=True
    )
    if not done or done.returncode:
        pytest.skip("no small file system can be made here; the next test simulates one")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


@pytest.mark.parametrize("room", [0, 8, 60, 120])
def test_a_full_disk_leaves_every_model_as_it_was(
    folders: tuple[Path, Path], runs: tuple[Path, Path], few_works: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], room: int,
) -> None:  # fmt: skip
    size = sum(-(-len(v) // 4096) * 4 for v in contents(folders[0]).values())
    with small_disk(tmp_path / "disk", size + 16 + room) as disk:
        shipped = disk / "shipped"
        shutil.copytree(folders[0], shipped)
        old = contents(shipped)
        command = ["train", "release", str(runs[1]), "--name", "composer", "--music", str(few_works)]
        status = run([*command, "--weights", str(shipped)])
        new = entry_of(folders[1], "composer")
        assert new is not None
        found = old_or_new(shipped, old, new["version"])
        assert found == ("new" if status == 0 else "old")
        if status:
            said = capsys.readouterr().err
            assert "the disk is full" in said and "Traceback" not in said
        else:
            assert room == 120
    if room == 0:
        assert status == 1


def test_any_write_that_fails_leaves_every_model_as_it_was(
    shipped: Path, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no small disk can be made: each flush to the disk, in turn, says that it is full."""
    old, real, failed = contents(shipped), os.fsync, 0
    for failing in range(12):
        calls = 0

        def full(handle: int, failing: int = failing) -> None:
            nonlocal calls
            calls += 1
            if calls == failing + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(handle)

        monkeypatch.setattr(os, "fsync", full)
        try:
            install(folders[1], shipped, "composer")
        except DiskFull:
            failed += 1
            assert contents(shipped) == old
        else:
            is_whole(shipped, "composer")
            shutil.rmtree(shipped)
            shutil.copytree(folders[0], shipped)
        finally:
            monkeypatch.setattr(os, "fsync", real)
    assert failed >= 5


def test_the_manifest_stays_readable_json(shipped: Path, folders: tuple[Path, Path]) -> None:
    install(folders[1], shipped, "composer")
    assert list(json.loads((shipped / "manifest.json").read_text(encoding="utf-8"))["models"]) == ["composer"]


# -- folders of every kind -----------------------------------------------------------------------------------------


def released(run_of: Path, music: Path, where: Path) -> int:
    return run([
        "train", "release", str(run_of), "--name", "composer", "--music", str(music), "--weights", str(where),
    ])  # fmt: skip


def test_a_folder_that_does_not_exist_is_made(
    folders: tuple[Path, Path], runs: tuple[Path, Path], few_works: Path, tmp_path: Path,
    fresh_caches: None, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(tmp_path / "new" / "models"))
    assert weights.models() == {}
    assert run(["train", "release", str(runs[0]), "--name", "composer", "--music", str(few_works)]) == 0
    is_whole(tmp_path / "new" / "models", "composer")


def test_a_file_in_place_of_the_folder_is_refused_and_kept(
    runs: tuple[Path, Path], few_works: Path, tmp_path: Path, fresh_caches: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (file := tmp_path / "models").write_text("The user's own.")
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(file))
    assert run(["train", "release", str(runs[0]), "--name", "composer", "--music", str(few_works)]) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert "it is no folder" in said and "Traceback" not in said
    assert file.read_text() == "The user's own."
    with pytest.raises(ModelCorrupt, match="it is no folder"):
        weights.models()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_folder_that_may_not_be_written_to_is_refused_and_read(
    shipped: Path, runs: tuple[Path, Path], few_works: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    old = contents(shipped)
    if os.geteuid() == 0:  # to whom modes mean nothing
        bound = shutil.which("mount") and subprocess.run(
            ["mount", "--bind", str(shipped), str(shipped)], check=False, capture_output=True
        )
        if not bound or bound.returncode:
            pytest.skip("the superuser may write everywhere, and nothing can be mounted here")
        subprocess.run(["mount", "-o", "remount,ro,bind", str(shipped)], check=True)
    else:
        shipped.chmod(0o555)
    try:
        assert released(runs[1], few_works, shipped) != 0
        said = " ".join(capsys.readouterr().err.split())
        assert "may not be written to" in said and "Traceback" not in said
        assert contents(shipped) == old
        releases.recover(shipped)
        assert entry_of(shipped, "composer") is not None
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(shipped)], check=True)
        else:
            shipped.chmod(0o755)


def test_what_a_newer_manifest_says_beside_our_models_is_kept(shipped: Path, folders: tuple[Path, Path]) -> None:
    file = shipped / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    theirs = {"version": "2030.01.01-00000000", "files": {}, "unheard": ["of"]}
    file.write_text(json.dumps({**manifest, "note": "a newer one", "models": {**manifest["models"], "z": theirs}}))
    install(folders[1], shipped, "composer")
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["note"] == "a newer one" and found["models"]["z"] == theirs
    is_whole(shipped, "composer")


_BROKEN = {
    "newer": ('{"format": 2, "models": {}}', "a newer Flamingo wrote it"),
    "half": (None, "it cannot be read"),
    "empty": ("", "it cannot be read"),
    "list": ("[]", "it cannot be read"),
    "without models": ("{}", "it cannot be read"),
    "models are a list": ('{"models": []}', "it cannot be read"),
    "a model is a number": ('{"models": {"composer": 3}}', "it cannot be read"),
    "files without hashes": ('{"models": {"composer": {"files": {"weights": {"file": "x"}}}}}', "it cannot be read"),
    "files elsewhere": (
        '{"models": {"thing": {"files": {"weights": {"file": "../readme.txt", "sha256": ""}}}}}',
        "it cannot be read",
    ),
}


@pytest.mark.parametrize("case", _BROKEN)
def test_a_manifest_that_cannot_be_understood_is_refused_in_one_line_and_kept(
    shipped: Path, runs: tuple[Path, Path], few_works: Path, fresh_caches: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], case: str,
) -> None:  # fmt: skip
    text, why = _BROKEN[case]
    file = shipped / "manifest.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[: len(whole) // 2] if text is None else text, encoding="utf-8")
    old = contents(shipped)
    assert released(runs[1], few_works, shipped) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert why in said and "Traceback" not in said
    assert contents(shipped) == old
    monkeypatch.setenv("FLAMINGO_WEIGHTS", str(shipped))
    with pytest.raises(ModelCorrupt, match=why):
        weights.models()


_INSTALLED = """
import sys
from pathlib import Path
import flamingo.train.plans.releasing as releasing
print("ready", flush=True)
sys.stdin.readline()
releasing.install(Path(sys.argv[1]), Path(sys.argv[2]), "composer")
"""


def test_of_two_releases_at_once_both_are_made_one_after_the_other(shipped: Path, folders: tuple[Path, Path]) -> None:
    old, new = (entry_of(folder, "composer") for folder in folders)
    assert old is not None and new is not None
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", _INSTALLED, str(folder), str(shipped)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for folder in folders
    ]  # fmt: skip
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    found = entry_of(shipped, "composer")
    assert found in (old, new)
    is_whole(shipped, "composer")
    assert not (shipped / releases.STAGING).exists()


@pytest.mark.usefixtures("fresh_caches")
def test_a_model_of_another_kind_is_released_in_the_same_way(shipped: Path, tmp_path: Path) -> None:
    """Its own files and card, beside a composer that is not touched."""
    from flamingo.train.manifest import files_of

    def release(text: bytes) -> None:
        with release_of("notes", shipped) as made:
            (made.folder / "notes.bin").write_bytes(text)
            files = files_of({"weights": made.folder / "notes.bin"})
            made.card("notes", f"# notes {text.decode()}")
            made.entry = {"version": text.decode(), "files": files}

    release(b"first")
    composer = (shipped / "composer.safetensors").read_bytes()
    with moments(shipped, tmp_path / "moments") as kept:
        release(b"second")
    seen = []
    for folder in kept:
        entry = entry_of(folder, "notes")
        assert entry is not None
        check_files(folder, entry)
        assert entry["version"] in (folder / "cards" / "notes.md").read_text()
        assert (folder / "composer.safetensors").read_bytes() == composer
        seen.append(entry["version"])
    assert set(seen) == {"first", "second"} and seen == sorted(seen)
