"""Names in zip archives: told apart, decoded, and refused where they lead out."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.archives import LEADS_OUT, leads_out, members, readable_name, told_apart


def raw(name: bytes) -> zipfile.ZipInfo:
    """A member whose name was stored as these bytes, without the flag of UTF-8."""
    return zipfile.ZipInfo(name.decode("cp437"))


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc")), min_size=1))
def test_utf8_is_read_with_and_without_its_flag(name: str) -> None:
    wanted = name.replace("\\", "/")
    assert readable_name(raw(name.encode())) == wanted
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    with zipfile.ZipFile(out) as archive:
        assert readable_name(archive.infolist()[0]) == wanted


@given(st.lists(st.sampled_from(["a.jpg", "A.jpg", "d/a.jpg", "a (2).jpg", "b"]), max_size=12))
def test_no_two_members_are_called_alike(names: list[str]) -> None:
    taken: set[str] = set()
    for name in names:
        free = told_apart(name, taken)
        assert free.casefold() not in taken
        taken.add(free.casefold())


@pytest.mark.parametrize("name", ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "C:/a.jpg", "c:a.jpg", "./../a.jpg"])
def test_names_that_lead_out_are_refused(name: str) -> None:
    assert leads_out(name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    with zipfile.ZipFile(out) as archive:
        assert [each.refused for each in members(archive)] == [LEADS_OUT]


@pytest.mark.parametrize("name", ["a.jpg", "a/../b.jpg", "./a.jpg", "a..b/c.jpg", "..a.jpg"])
def test_names_that_stay_inside_are_taken(name: str) -> None:
    assert not leads_out(name)
