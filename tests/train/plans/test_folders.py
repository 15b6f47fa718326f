"""The data of a plan: folders, and archives that are unpacked once, whole, and only where they belong."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from flamingo.errors import BadRequest
from flamingo.train.plans.folders import Data


@pytest.fixture
def data(tmp_path: Path) -> Data:
    (tmp_path / "data" / "photos-a").mkdir(parents=True)
    (tmp_path / "data" / "photos-a" / "1.txt").write_text("one")
    return Data(tmp_path / "data", tmp_path / "unpacked")


def tar(file: Path, **members: str) -> None:
    with tarfile.open(file, "w") as opened:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            opened.addfile(info, io.BytesIO(text.encode()))


def test_patterns_name_folders_and_archives_alike(data: Data) -> None:
    tar(data.folder / "photos-b.tar", **{"photos-b/2.txt": "two", "photos-b/deep/3.txt": "three"})
    with zipfile.ZipFile(data.folder / "photos-c.zip", "w") as zipped:
        zipped.writestr("4.txt", "four")
    found = data.find("photos-*")
    assert [f.name for f in found] == ["photos-a", "photos-b", "photos-c"]
    assert (found[1] / "2.txt").read_text() == "two" and (found[2] / "4.txt").read_text() == "four"
    assert data.find("photos-b/deep") == [data.unpacked / "photos-b" / "deep"]
    assert data.one("photos-a/1.txt").read_text() == "one"


def test_an_archive_is_unpacked_once_and_again_when_it_changes(data: Data) -> None:
    tar(data.folder / "b.tar", **{"b/1.txt": "old"})
    (folder,) = data.find("b")
    (folder / "1.txt").write_text("touched")
    assert (data.one("b") / "1.txt").read_text() == "touched"
    tar(data.folder / "b.tar", **{"b/1.txt": "the new one", "b/2.txt": "more"})
    assert (data.one("b") / "1.txt").read_text() == "the new one"


def test_an_unpacking_that_was_broken_off_begins_anew(data: Data) -> None:
    tar(data.folder / "b.tar", **{"b/1.txt": "whole"})
    (data.unpacked / ".b").mkdir(parents=True)
    (data.unpacked / ".b" / "half").write_text("half")
    assert [f.name for f in data.one("b").iterdir()] == ["1.txt"]


@pytest.mark.parametrize("name", ["../out.txt", "b/../../out.txt"])
def test_an_archive_that_leads_out_is_refused(name: str, data: Data) -> None:
    tar(data.folder / "b.tar", **{"b/1.txt": "x", name: "x"})
    with zipfile.ZipFile(data.folder / "c.zip", "w") as zipped:
        zipped.writestr(name, "x")
    for archive in ("b", "c"):
        with pytest.raises(BadRequest, match="cannot be unpacked"):
            data.find(archive)
    assert not list(data.folder.parent.rglob("out.txt")) and not list(data.unpacked.iterdir())


def test_a_link_that_leads_out_is_refused(data: Data) -> None:
    with tarfile.open(data.folder / "b.tar", "w") as opened:
        info = tarfile.TarInfo("b/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc"
        opened.addfile(info)
    with pytest.raises(BadRequest, match="cannot be unpacked"):
        data.find("b")


def test_an_archive_cut_short_is_refused(data: Data) -> None:
    tar(data.folder / "b.tar", **{"b/1.txt": "x" * 5000})
    whole = (data.folder / "b.tar").read_bytes()
    (data.folder / "b.tar").write_bytes(whole[:2000])
    with pytest.raises(BadRequest, match=r"b\.tar: it cannot be unpacked"):
        data.find("b")


@pytest.mark.parametrize("pattern", ["../photos-a", "/etc", "photos-a/../..", ""])
def test_a_pattern_stays_inside(pattern: str, data: Data) -> None:
    with pytest.raises(BadRequest, match="leads out of --data"):
        data.find(pattern)


def test_what_is_not_there_is_named(data: Data) -> None:
    with pytest.raises(BadRequest, match="'photos-z': there is none in"):
        data.find("photos-z")
    with pytest.raises(BadRequest, match="there is no such folder"):
        Data(data.folder / "none", data.unpacked)
