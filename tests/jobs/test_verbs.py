"""What follows from a verb's signature: its controls, its inputs, what it refuses, the name of a request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flamingo import verbs
from flamingo.errors import BadRequest
from tests.conftest import needs_models

PAINT, COMPOSE, FEEL = (verbs.known({})[name] for name in ("paint", "compose", "feel"))


def test_files_are_inputs_and_everything_else_is_a_control() -> None:
    assert list(PAINT.inputs) == ["photos", "painting", "mask"] and all(map(PAINT.takes_many, PAINT.inputs))
    assert PAINT.named == {"painting", "mask"} and not COMPOSE.named and not FEEL.named
    assert {"continue_from", "soundfont"} <= set(COMPOSE.inputs) and not COMPOSE.takes_many("soundfont")
    assert COMPOSE.takes_many("photo") and not COMPOSE.takes_many("continue_from")
    assert list(FEEL.inputs) == ["photos"] and FEEL.takes_many("photos")
    assert [option.name for option in FEEL.controls] == ["words"]
    names = [option.name for option in PAINT.controls]
    assert {"style", "strength", "colour", "stroke", "format"} <= set(names)
    assert not {"photos", "painting", "mask", "output", "overwrite", "on_progress"} & set(names)


def test_what_is_not_said_is_as_usual() -> None:
    assert PAINT.validated({"style": "udnie"}) == PAINT.validated({"style": "udnie", "strength": 1, "format": None})
    assert COMPOSE.validated({})["format"] == ["mp3", "mid", "musicxml", "svg", "png"]


@pytest.mark.parametrize("verb", verbs.VERBS, ids=lambda verb: verb.name)
def test_the_schema_says_what_may_be_asked(verb: verbs.Verb) -> None:
    schema = json.loads(json.dumps(verb.schema(), allow_nan=False))
    assert list(schema["properties"]) == [option.name for option in verb.controls]
    assert schema["additionalProperties"] is False
    assert all(each["description"] for each in schema["properties"].values())
    usual = {name: each["default"] for name, each in schema["properties"].items()}
    assert verb.validated(usual) == verb.validated({})


def test_one_style_or_several_are_a_list() -> None:
    assert PAINT.validated({"style": "udnie"})["style"] == ["udnie"]
    assert PAINT.validated({"style": ["udnie=.4", "mine.jpg=.6@sky.png"]})["style"] == [
        "udnie=.4",
        "mine.jpg=.6@sky.png",
    ]
    assert PAINT.validated({})["style"] is None


def test_a_piece_may_be_asked_for_as_several_kinds_a_picture_as_one() -> None:
    kinds = COMPOSE.schema()["properties"]["format"]
    assert (kinds["type"], kinds["minItems"], kinds["uniqueItems"]) == ("array", 1, True)
    assert {"mp3", "mid", "pdf"} <= set(kinds["items"]["enum"])
    assert PAINT.schema()["properties"]["format"]["default"] is None
    assert PAINT.validated({"format": "png"})["format"] == "png"


@pytest.mark.parametrize(
    ("verb", "parameters", "says"),
    [
        (PAINT, {"strength": 2}, "strength 2"),
        (PAINT, {"stroke": 5}, "stroke 5"),
        (PAINT, {"style": 7}, "style 7"),
        (PAINT, {"mask": ["/etc/passwd"]}, "mask"),
        (PAINT, {"colour": "red"}, "colour 'red'"),
        (PAINT, {"effort": "best"}, "effort 'best'"),
        (PAINT, {"output": "/etc/passwd"}, "output"),
        (PAINT, {"photos": ["/etc/passwd"]}, "photos"),
        (PAINT, {"format": "exe"}, "format 'exe'"),
        (COMPOSE, {"soundfont": "/etc/passwd"}, "soundfont"),
        (COMPOSE, {"format": []}, "format []"),
        (COMPOSE, {"format": "mp3"}, "format 'mp3'"),
        (COMPOSE, {"format": ["mp3", "mp3"]}, "format ['mp3', 'mp3']"),
        (COMPOSE, {"format": ["mp3", "exe"]}, "format 'exe'"),
        (FEEL, {"explain": "/etc"}, "explain"),
        (COMPOSE, {"seconds": float("nan")}, "seconds nan"),
    ],
)
def test_what_cannot_be_asked_is_one_line(verb: verbs.Verb, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        verb.validated(parameters)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("verb", "inputs", "says"),
    [
        (PAINT, {}, "paint needs it"),
        (PAINT, {"soundfont": ["x"]}, "paint has no such input"),
        (COMPOSE, {"soundfont": ["x", "y"]}, "several files"),
    ],
)
def test_inputs_must_be_those_of_the_verb(verb: verbs.Verb, inputs: dict[str, list[str]], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        verb.check_inputs(inputs)


@pytest.mark.parametrize(("effort", "short"), [(None, True), ("quick", True), ("true", True), ("finished", False)])
def test_what_is_finished_does_not_hold_up_what_is_done_in_seconds(
    effort: str | None, short: bool, tmp_path: Path
) -> None:
    Image.new("RGB", (600, 400)).save(tmp_path / "photo.png")
    asked = PAINT.validated({"style": "udnie", "effort": effort})
    assert PAINT.is_short(asked, {"photos": [tmp_path / "photo.png"]}) is short


@needs_models
@given(data=st.data())
def test_a_request_has_one_name_however_it_is_said(data: st.DataObject) -> None:
    wish = {"style": "udnie", "strength": 0.5, "size": 96}
    order = data.draw(st.permutations(list(wish)))
    said = PAINT.validated({name: wish[name] for name in order})
    name = verbs.request_hash(PAINT, said, {"photos": ["a", "b"]})
    assert name == verbs.request_hash(PAINT, json.loads(json.dumps(said)), {"photos": ("a", "b")})
    assert name != verbs.request_hash(PAINT, said, {"photos": ["b", "a"]})
    assert name != verbs.request_hash(PAINT, said | {"strength": 0.25}, {"photos": ["a", "b"]})
    assert name != verbs.request_hash(PAINT, said | {"model": "fast"}, {"photos": ["a", "b"]})
