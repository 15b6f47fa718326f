"""A recipe comes out of every kind of credential as it went in, to the last digit."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flamingo.errors import BadRequest
from flamingo.images import Picture, to_bytes
from flamingo.provenance import Origin, credit, inscription, put, verify

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.lists(st.integers(0, 255), max_size=5)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
RECIPES = st.dictionaries(st.text(max_size=12), VALUES, max_size=5)
often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def exactly(value: Any) -> str:
    """Text that differs wherever two JSON values do: 1 is not 1.0, and 0.0 is not -0.0."""
    return json.dumps(value, sort_keys=True)


@given(recipe=RECIPES)
@often
def test_inside_a_file(recipe: dict[str, Any], tmp_path: Path, picture: Picture) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(credit(to_bytes(picture, "png")[0], "png", Origin("paint", recipe)).data)
    verdict = verify(file)
    assert verdict.whole and exactly(verdict.recipe) == exactly(recipe)
    assert all("\n" not in sentence for sentence in verdict.sentences)


@given(recipe=RECIPES)
@often
def test_in_a_sidecar(recipe: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "a.mid"
    put(b"notes", file, Origin("compose", recipe), overwrite=True)
    verdict = verify(file)
    assert verdict.whole and verdict.found == "sidecar" and exactly(verdict.recipe) == exactly(recipe)


@given(recipe=RECIPES, before=st.binary(max_size=30), after=st.binary(max_size=30))
@often
def test_in_a_line_of_text_among_other_bytes(recipe: dict[str, Any], before: bytes, after: bytes) -> None:
    line = inscription.line(Origin("compose", recipe))
    assert line.isascii() and line.isprintable() and not set(line) & set("<>&")
    assert exactly(inscription.found(before + line.encode() + after)["recipe"]) == exactly(recipe)


def test_the_same_origin_gives_the_same_line() -> None:
    assert inscription.line(Origin("compose", {"a": 1})) == inscription.line(Origin("compose", {"a": 1}))


def test_stray_surrogates_out_of_a_file_name_do_no_harm(tmp_path: Path) -> None:
    put(b"notes", tmp_path / "a.mid", Origin("compose", {"persona": "a\udcff"}), overwrite=False)
    assert verify(tmp_path / "a.mid").recipe == {"persona": "a?"}


@pytest.mark.parametrize("wrong", [{"a": math.nan}, {"a": math.inf}, {"a": {1, 2}}, {"a": Path("x")}])
def test_what_is_no_json_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="plain JSON"):
        Origin("paint", wrong)


@pytest.mark.parametrize("wrong", ["", "cat.jpg", "AB" * 32, "ab" * 31, "zz" * 32])
def test_an_input_that_is_no_sha256_is_refused(wrong: str) -> None:
    with pytest.raises(BadRequest, match="no sha256"):
        Origin("paint", {}, (wrong,))
