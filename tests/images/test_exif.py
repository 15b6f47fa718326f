"""Blocks of EXIF: bytes that stay as they are, in either byte order, whatever else the block holds."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from flamingo.images.exif import EXIF, GPS, MAIN, Block, Entry, cleaned, parsed

_TEXTS = (0x010E, 0x010F, 0x0110, 0x013B, 0x8298)

values = st.binary(min_size=1, max_size=300)


@given(
    order=st.sampled_from("<>"),
    texts=st.dictionaries(st.sampled_from(_TEXTS), values, min_size=1),
    comment=st.none() | values,
    place=st.booleans(),
    keep=st.booleans(),
)
def test_what_is_kept_is_kept_to_the_byte(
    order: str, texts: dict[int, bytes], comment: bytes | None, place: bool, keep: bool
) -> None:
    folders = {MAIN: {tag: Entry(2, len(text), text) for tag, text in texts.items()}}
    folders[MAIN][0x0112] = Entry(3, 1, struct.pack(f"{order}H", 6))
    if comment is not None:
        folders[EXIF] = {0x9286: Entry(7, len(comment), comment)}
    if place:
        folders[GPS] = {1: Entry(2, 2, b"N\0")}
    raw = Block(order, folders).encoded()
    assert parsed(raw) is not None
    block = parsed(cleaned(raw, keep_gps=keep))
    assert block is not None and block.order == order
    assert {tag: entry.data for tag, entry in block.folders[MAIN].items() if tag in _TEXTS} == texts
    assert block.entry(MAIN, 0x0112) is None and block.orientation == 1
    kept = block.entry(EXIF, 0x9286)
    assert (kept.data if kept else None) == comment
    assert (block.entry(GPS, 1) is not None) == (place and keep)


@given(
    order=st.sampled_from("<>"),
    numbers=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=8).filter(lambda n: len(n) % 2 == 0),
)
def test_numbers_stay_the_same_in_the_other_byte_order(order: str, numbers: list[int]) -> None:
    data = struct.pack(f"{order}{len(numbers)}I", *numbers)
    block = Block(order, {EXIF: {0x829A: Entry(5, len(numbers) // 2, data)}})
    other = {"<": ">", ">": "<"}[order]
    found = parsed(block.encoded(other))
    assert found is not None and found.order == other
    entry = found.entry(EXIF, 0x829A)
    assert entry is not None and list(struct.unpack(f"{other}{len(numbers)}I", entry.data)) == numbers


@given(st.binary(max_size=400), st.sampled_from([b"", b"Exif\0\0", b"II*\0", b"Exif\0\0MM\0*", b"II+\0\x08\0\0\0"]))
def test_what_is_no_block_is_none_and_nothing_fails(junk: bytes, head: bytes) -> None:
    block = parsed(head + junk)
    if block is not None:
        assert 1 <= block.orientation <= 8
    cleaned(head + junk, keep_gps=True)
