"""The forms that can be asked for: which sections they have, in which keys, and what comes back in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamingo.composing.chords import progression
from flamingo.composing.events import unspell
from flamingo.composing.forms import FORMS, Form, planned, shortest, unfit
from flamingo.composing.key_estimation import ending
from flamingo.composing.options import SamplingOptions
from flamingo.composing.parts import part_of_notes
from flamingo.composing.piece import Key, Metre
from flamingo.composing.plan import Plan, settle
from flamingo.composing.sampling import Drawn, draw
from flamingo.composing.sections import Point
from flamingo.composing.variation import vary
from flamingo.errors import BadRequest
from tests.composing import tiny

MODEL = tiny.composer()
WHOLE = tiny.composer(whole=True)
forms = st.sampled_from(FORMS)
C_MAJOR, A_MINOR = Key(0, False), Key(9, True)


def outline(form: Form, bars: int, key: Key = C_MAJOR) -> list[tuple[str, int, str]]:
    return [(section.name, section.bars, str(section.key)) for section in planned(form, bars, key)]


def plan(form: Form | None, seconds: float = 60.0, seed: int = 0, **more: Any) -> Plan:
    asked = {"personas": {"ada": 1.0}, "metre": Metre(4, 4), "key": C_MAJOR, **more}
    return settle(MODEL, np.random.default_rng(seed), seconds=seconds, form=form, **asked)


@given(forms, st.integers(8, 400), st.integers(0, 11), st.booleans())
def test_sections_fill_the_piece_and_what_returns_was_there_before(
    form: Form, bars: int, tonic: int, minor: bool
) -> None:
    home = Key(tonic, minor)
    if bars < shortest(form):
        with pytest.raises(BadRequest, match="too few"):
            planned(form, bars, home)
        assert unfit(form, bars) == float("inf")
        return
    sections = planned(form, bars, home)
    assert [section.first for section in sections] == [0, *(section.end for section in sections[:-1])]
    assert sections[-1].end == bars and all(section.bars > 0 for section in sections)
    assert sections[0].key == sections[-1].key == home
    assert all(section.first % 4 == 0 for section in sections), "sections begin with a phrase"
    for section in sections:
        if section.like is not None:
            assert 0 < section.back <= section.bars and section.like + section.back <= section.first
            assert section.first + section.back <= bars - 2, "the last cadence is the piece's own"


def test_the_forms_in_major_and_in_minor() -> None:
    assert outline("ternary", 32) == [("A", 12, "C major"), ("B", 8, "G major"), ("A", 12, "C major")]
    assert [name for name, _, _ in outline("rondo", 40)] == ["A", "B", "A", "C", "A"]
    assert [name for name, _, _ in outline("rondo", 56)] == ["A", "B", "A", "C", "A", "B", "A"]
    assert [(name, key) for name, _, key in outline("sonatina", 40, A_MINOR)] == [
        ("first theme", "A minor"), ("second theme", "C major"), ("development", "D minor"),
        ("first theme", "A minor"), ("second theme", "A minor"),
    ]  # fmt: skip
    assert outline("period", 16) == [("antecedent", 8, "C major"), ("consequent", 8, "C major")]
    assert [name for name, _, _ in outline("variations", 32)] == ["theme", *(f"variation {i}" for i in (1, 2, 3))]


@pytest.mark.parametrize("form", FORMS)
def test_a_tempo_that_may_move_is_moved_so_that_the_form_fits(form: Form) -> None:
    free, fixed = plan(None), plan(form)
    metres = [fixed.metre] * fixed.bars
    silent = unspell(np.zeros((0, 5), int), metres, fixed.key, tempos=fixed.tempos)
    assert float(silent.seconds()) == pytest.approx(60, rel=1e-4)
    assert abs(fixed.bpm / free.bpm - 1) < 0.13
    assert unfit(form, fixed.bars) <= unfit(form, free.bars)


def test_a_given_tempo_stays() -> None:
    assert plan("rondo", tempo=100.0).bpm == 100


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"rondo in 10 s: . bars are too few") as caught:
        plan("rondo", 10.0, tempo=60.0)
    enough = float(caught.value.hint.split("ask for ")[1].split()[0])
    assert plan("rondo", enough, tempo=60.0).form
    with pytest.raises(BadRequest, match="path of moods"):
        settle(
            MODEL, np.random.default_rng(0), personas={"ada": 1.0}, seconds=60, form="rondo",
            path=[Point(0.5, 0.5), Point(-0.5, -0.5)],
        )  # fmt: skip


def test_what_may_not_leave_its_key_does_not() -> None:
    for more in ({"modulate": False}, {"chords": progression("C G")}):
        stays = plan("rondo", **more)
        assert not stays.away and {section.key for section in stays.form} == {C_MAJOR}


def bars_of(drawn: Drawn) -> list[list[list[int]]]:
    return [part[1:].tolist() for part in np.split(drawn.events, drawn.lines[1:])]


@pytest.mark.parametrize("form", ["ternary", "rondo", "sonatina"])
def test_sections_come_back_at_home_and_the_piece_ends(form: Form) -> None:
    [drawn] = draw(MODEL, [plan(form, 60.0, tempo=140.0)], [1], SamplingOptions(guidance=1.0))
    bars = bars_of(drawn)
    assert ending(drawn.piece()).cadence
    for section in drawn.plan.form:
        if section.like is None:
            continue
        then = drawn.plan.key_at(section.like)
        for at in range(section.back):
            there = bars[section.like + at]
            if then == section.key:
                assert bars[section.first + at] == there
            elif then.minor == section.key.minor:
                assert [row[0] for row in bars[section.first + at]] == [row[0] for row in there]


@pytest.mark.parametrize("form", FORMS)
def test_every_section_but_the_last_rests_at_its_end(form: Form) -> None:
    of = plan(form, 90.0, tempo=120.0)
    for section in of.form[:-1]:
        if section.bars % 8 == 0:
            assert of.rest(section.end - 1) == "authentic"
    assert of.rest(of.bars - 1) is None, "the end of the piece is drawn in its own way"


def test_variations_keep_the_melody_or_the_accompaniment() -> None:
    of = replace(plan("variations", 40.0, tempo=120.0), themes=())
    [drawn] = draw(WHOLE, [of], [3], SamplingOptions())
    before = drawn.piece()
    hands = part_of_notes(before)
    vary(WHOLE, drawn, (0,), SamplingOptions())
    after = drawn.piece()
    assert len(after.bars) == len(before.bars) and ending(after).cadence
    for section in of.form:
        begin, end = before.edges[section.first], before.edges[section.first + section.back or section.end]
        then, now = ((piece.notes["start"] >= begin) & (piece.notes["start"] < end) for piece in (before, after))
        stays = {"everything": hands >= 0, "melody": hands == 0, "accompaniment": hands == 1}[section.keeps]
        kept = {tuple(note) for note in before.notes[then & stays][["start", "pitch"]].tolist()}
        there = {tuple(note) for note in after.notes[now][["start", "pitch"]].tolist()}
        assert kept <= there
        everything = {tuple(note) for note in before.notes[then][["start", "pitch"]].tolist()}
        assert (there == everything) == (section.keeps == "everything")
