"""Names of files are printed as they are, whatever they hold; what cannot be printed is no fault of Flamingo's."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from flamingo.cli import run
from flamingo.cli.base import styled
from tests.conftest import needs_models

ODD = (
    r"photo:cat:.jpg",
    r"a\[bold]b.jpg",
    r"[red]1.jpg",
    r"x\\[",
    "a[",
    r"C:\trip\[red]1.jpg",
    "[[a]].jpg",
    "{}.jpg",
)


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20), min_size=2, max_size=2
    )
)
def test_a_value_is_printed_as_it_is(values: list[str]) -> None:
    console = Console(file=StringIO(), highlight=False, soft_wrap=True, emoji=False, width=1000)
    first, second = (value.replace("\t", "") for value in values)
    line = styled("[red]failed[/] {}  [dim]{}[/] end", first, second)
    assert line.plain == f"failed {first}  {second} end"
    console.print(line)
    assert console.file.getvalue() == f"failed {first}  {second} end\n"  # type: ignore[attr-defined]


def test_a_value_takes_the_style_of_its_place() -> None:
    line = styled("[red]failed[/] {}  [dim]{} s[/]", "cat[/].jpg", "1.5")
    spans = {str(span.style): line.plain[span.start : span.end] for span in line.spans}
    assert spans == {"red": "failed", "dim": "1.5 s"}


def test_a_template_with_another_number_of_places_is_a_fault() -> None:
    with pytest.raises(ValueError, match="has not 1 places"):
        styled("{} and {}", "one")


@needs_models
def test_odd_names_are_painted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ODD:
        Image.new("RGB", (64, 64), (90, 120, 40)).save(tmp_path / name, "JPEG")
    names = [name for name in ODD if name.endswith(".jpg")]
    files = [str(tmp_path / name) for name in names]
    assert run(["paint", *files, "-o", str(tmp_path / "out"), "--model", "fast"]) == 0
    said = capsys.readouterr().out
    for name in names:
        assert str(tmp_path / "out" / name) in said
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("command", ["paint", "judge", "verify", "film"])
def test_an_odd_name_in_an_error_is_told_as_it_is(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none" / name
    more = ["--photo", str(missing), "--style", "udnie"] if command == "judge" else []
    assert run([command, str(missing), *more]) in (1, 2)
    said = capsys.readouterr().err
    assert name.strip() in said
    assert "fault" not in said


def test_an_output_with_brackets_is_named_in_the_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.jpg")
    target = str(tmp_path / r"o\[/y].jpg")
    assert run(["paint", str(tmp_path / "a.jpg"), "-o", target]) in (1, 2)
    said = capsys.readouterr().err
    assert target in said
    assert "fault" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["paint", "-"], "-: standard input and output are not supported; name a file"),
        (["paint", "{photo}", "-o", "-"], "-: standard input and output are not supported; name a file"),
        (["compose", "-o", "-"], "-: standard input and output are not supported; name a file"),
        (["paint", "https://example.com/cat.jpg"], "https://example.com/cat.jpg: this is an address"),
        (["feel", "HTTP://example.com/cat.jpg"], "HTTP://example.com/cat.jpg: this is an address"),
        (["film", "file:///cat.jpg"], "file:///cat.jpg: this is an address, and only files are read; name the file"),
        (["paint", "file:///a/b.jpg", "-o", "x"], "name the file itself: /a/b.jpg"),
        (["paint", "data:image/png;base64,iVBORw0KGgo="], "this is data in an address, and only files are read"),
        (["compose", "-o", "data:,x"], "data:,x: this is data in an address, and results go to files"),
        (["compose", "-o", "ftp://host/a.mid"], "results go to files; name a file or a folder here"),
        (["compose", "--continue", "https://example.com/a.mid"], "this is an address"),
        (["compose", "-o", "s3://bucket/a.mid"], "this is an address"),
        (["paint", "{photo}", "-o", "/dev/stdout"], "/dev/stdout: it is a device or a pipe, and results go to files"),
        (["compose", "-o", "/dev/null"], "/dev/null: it is a device or a pipe"),
        (["film", "{photo}", "-o", "/proc/self/fd/1"], "it is a device or a pipe"),
    ],
)
def test_what_is_no_file_gets_words_that_fit(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.jpg")
    assert run([each.format(photo=tmp_path / "a.jpg") for each in arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments", [["--version"], ["styles"], ["styles", "--json"], ["paint", "--help"], ["doctor"], ["personas"]]
)
def test_a_full_disk_behind_stdout_is_told_in_a_line(arguments: list[str]) -> None:
    words = [sys.executable, "-m", "flamingo", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error the output: it cannot be written")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("redirect", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_fault(redirect: str) -> None:
    line = f'"{sys.executable}" -m flamingo styles {redirect}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr


@pytest.mark.parametrize("name", ["[red]x.jpg", '["a"].jpg', '{"a": 1}.jpg', "[1, 2]", "{}"])
@pytest.mark.parametrize("verb", ["paint", "feel", "verify"])
def test_a_name_that_begins_as_json_is_a_name(
    verb: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named as a shell's *.jpg names it, without a folder before it."""
    monkeypatch.chdir(tmp_path)
    assert run([verb, name]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith(f"failed {name}: "), told
    assert "JSON" not in told
