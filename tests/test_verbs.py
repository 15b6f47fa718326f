"""The registry of verbs is the one list: whatever offers verbs offers these, and says the same of them."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from typing import Any

import pytest

import flamingo
from flamingo.cli import app
from flamingo.client import Client
from flamingo.results import VerbResult
from flamingo.studio.pages.controls import HINTS, controls_of
from flamingo.targets import load
from flamingo.verbs import VERBS, Verb

each_verb = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)


@each_verb
def test_a_verb_is_a_function_of_the_package_and_its_help_begins_as_the_registry_says(verb: Verb) -> None:
    function = load(verb.target)
    assert getattr(flamingo, verb.name) is function
    assert (inspect.getdoc(function) or "").split("\n\n")[0] == verb.about


@each_verb
def test_its_options_are_the_fields_of_one_frozen_dataclass(verb: Verb) -> None:
    kind: Any = load(verb.target).options
    assert kind.__name__ == f"{verb.name.capitalize()}Options"
    assert list(inspect.signature(load(verb.target)).parameters) == list(inspect.signature(kind).parameters)
    assert is_dataclass(kind)


@each_verb
def test_its_result_is_named_after_it(verb: Verb) -> None:
    result = getattr(flamingo, f"{verb.name.capitalize()}Result")
    assert issubclass(result, VerbResult)


@each_verb
def test_it_is_a_command_and_a_method_of_the_client(verb: Verb) -> None:
    assert app[verb.name].help == verb.about
    assert callable(getattr(Client, verb.name))


@each_verb
def test_pages_have_a_control_for_each_of_its_parameters(verb: Verb) -> None:
    controls = controls_of(verb.name)
    assert list(controls.by_name) == [option.name for option in verb.controls]
    assert set(HINTS.get(verb.name, {})) <= set(controls.by_name)


def test_hints_are_of_verbs_that_there_are() -> None:
    assert set(HINTS) <= {verb.name for verb in VERBS}
