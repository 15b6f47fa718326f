"""Zips that are sent while they are packed: names, sizes, and how little memory they need."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from flamingo.studio.zip_stream import packed


def files(folder: Path, *names: str) -> list[tuple[str, Path]]:
    made = []
    for number, name in enumerate(names):
        path = folder / f"{number}"
        path.write_bytes(f"the content of {name}".encode() * (number + 1))
        made.append((name, path))
    return made


def test_every_name_and_content_is_in_it_and_its_size_is_known_before(tmp_path: Path) -> None:
    given = files(tmp_path, "Kätzchen 猫.jpg", "plain.png", "Kätzchen 猫.jpg.json")
    stream = packed(given)
    size = len(stream)
    content = b"".join(stream)
    assert len(content) == size
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [name for name, _ in given]
        assert all(info.flag_bits & 0x800 for info in archive.infolist() if not info.filename.isascii()), "UTF-8"
        assert all(archive.read(name) == path.read_bytes() for name, path in given)
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_equal_names_are_numbered_and_no_name_leads_out(tmp_path: Path) -> None:
    given = files(tmp_path, "a.png", "A.PNG", "a.png", "../b.png", "/c.png", "..\\d.png", "...")
    with zipfile.ZipFile(io.BytesIO(b"".join(packed(given)))) as archive:
        assert archive.namelist() == ["a.png", "A-2.PNG", "a-3.png", "_b.png", "_c.png", "_d.png", "file"]


def test_a_file_that_is_not_there_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        packed([("a.png", tmp_path / "none")])


@pytest.mark.parametrize("change", ["gone", "shorter"])
def test_a_file_that_changes_on_the_way_ends_the_zip(tmp_path: Path, change: str) -> None:
    given = files(tmp_path, "a.png", "b.png")
    stream = packed(given)
    if change == "gone":
        given[1][1].unlink()
    else:
        given[1][1].write_bytes(b"x")
    with pytest.raises((FileNotFoundError, RuntimeError)):
        b"".join(stream)


def test_large_files_need_no_memory(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64 << 20)
    stream = packed([("large.wav", large)])
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in stream) == len(stream)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
