"""Whatever the network says, even one that has learned nothing: a piece has its bars, its range and its cadence."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from flamingo.composing import rerank, sampling
from flamingo.composing.events import BAR_LINE, LOWEST, PITCHES, Grammar, relative, spell
from flamingo.composing.instruments import instrumentation_of, instruments_of
from flamingo.composing.key_estimation import ending
from flamingo.composing.options import SamplingOptions
from flamingo.composing.phrases import ThemeType
from flamingo.composing.piece import Key, Metre, Piece
from flamingo.composing.plan import Plan, settle
from flamingo.composing.sampling import Drawn, draw
from flamingo.mood.cues import Choices
from tests.composing import tiny

MODEL = tiny.composer()
LIKELIEST = SamplingOptions(temperature=0.0)
WILD = SamplingOptions(temperature=2.0, top_p=1.0, min_p=0.0, guidance=1.0)


def plan(seconds: float = 12.0, seed: int = 0, **asked: Any) -> Plan:
    asked = {"personas": {"ada": 1.0}, "metre": Metre(4, 4), **asked}
    return settle(MODEL, np.random.default_rng(seed), seconds=seconds, **asked)


def one(of: Plan, seed: Any = 0, drawing: SamplingOptions | None = None, **more: Any) -> Drawn:
    return draw(MODEL, [of], [seed], drawing or SamplingOptions(), **more)[0]


def same(a: Piece, b: Piece) -> bool:
    return np.array_equal(a.notes, b.notes) and np.array_equal(a.tempos, b.tempos)


# -- what is always so ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "12/8", "6/4", "5/4", "9/8", "7/8"])
@pytest.mark.parametrize("key", ["C major", "F# minor", "Bb major", "G minor"])
def test_every_piece_ends_with_a_cadence(metre: str, key: str) -> None:
    of = plan(metre=Metre.parse(metre), key=Key.parse(key), seed=len(metre))
    found = one(of, drawing=WILD).piece()
    assert ending(found).cadence
    assert len(found.bars) == of.bars
    assert float(found.seconds()) == pytest.approx(12, rel=1e-5)


@pytest.mark.parametrize("metre", [*("2/4", "3/8", "1/4"), "2/2", "1/1", "9/16"])
def test_a_short_bar_ends_with_a_cadence_too(metre: str) -> None:
    drawn = one(plan(metre=Metre.parse(metre)), drawing=WILD)
    assert ending(drawn.piece()).cadence


@pytest.mark.parametrize(("metre", "length"), [("2/4", 24), ("2/2", 48), ("3/4", 36), ("6/8", 36)])
def test_music_in_half_bars_can_end(metre: str, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tune in quarters in 2/4, a hymn in halves: a bar is the longest that a last chord can be."""
    only = np.zeros(len(sampling._DURATIONS), bool)
    only[int(np.flatnonzero(length == sampling._DURATIONS)[0])] = True
    last = Drawn.durations

    def durations(piece: Drawn) -> Any:
        return last(piece) if piece.plan.bars - piece.bar == 1 else only

    monkeypatch.setattr(Drawn, "durations", durations)
    drawn = one(plan(metre=Metre.parse(metre)))
    assert ending(drawn.piece()).cadence


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drawing", [SamplingOptions(), WILD, LIKELIEST, SamplingOptions(guidance=5.0, top_p=0.1)])
def test_every_note_is_on_the_piano_and_in_its_bar(seed: int, drawing: SamplingOptions) -> None:
    of = plan(seed=seed)
    drawn = one(of, seed, drawing)
    piece = drawn.piece()
    assert ((piece.notes["pitch"] >= 21) & (piece.notes["pitch"] <= 108)).all()
    assert (piece.notes["start"] + piece.notes["duration"] <= piece.length).all() or not len(piece.notes)
    assert (drawn.events[:, 0] == BAR_LINE).sum() == of.bars
    assert (piece.notes["velocity"] >= 8).all()
    grammar = Grammar(of.metre.units, tonic=of.key.tonic)
    for where, pitch, *_ in drawn.events.tolist():
        assert grammar.wheres()[where]
        if where == BAR_LINE:
            grammar.bar(of.metre.units)
        else:
            assert grammar.pitches(where)[pitch]
            grammar.take(where, pitch)


def test_the_last_chord_sounds_alone_and_ends_before_the_time_is_up() -> None:
    for seed in range(5):
        piece = one(plan(), seed).piece()
        last = int(piece.edges[-2])
        before, chord = piece.notes[piece.notes["start"] < last], piece.notes[piece.notes["start"] >= last]
        assert (before["start"] + before["duration"] <= last).all()
        assert set(chord["start"].tolist()) == {last}
        assert len(set((chord["start"] + chord["duration"]).tolist())) == 1
        assert 0.9 * 96 <= chord["duration"][0] < 96


def test_something_is_struck_in_every_bar() -> None:
    for seed in range(5):
        assert all(bars_of(one(plan(30, seed), seed, WILD)))


def bars_of(drawn: Drawn) -> list[list[list[int]]]:
    """The events of each bar."""
    return [part[1:].tolist() for part in np.split(drawn.events, drawn.lines[1:])]


@pytest.mark.parametrize(("kind", "again"), [("period", 4), ("sentence", 2), ("free", None)])
def test_a_theme_says_its_beginning_again(kind: ThemeType, again: int | None) -> None:
    drawn = one(replace(plan(34, tempo=120), themes=((kind, "free"),)), drawing=WILD)
    bars = bars_of(drawn)
    assert [bar for bar in range(1, 8) if bars[bar] == bars[0]] == ([again] if again else [])
    assert bars[12] == bars[0], "and the last phrase begins like the first"
    returned = [bar for bar in range(drawn.plan.bars) if drawn.plan.theme(bar) is not None]
    assert drawn.returned == sum(len(bars[bar]) for bar in returned)
    assert drawn.notes == sum(map(len, bars)) - drawn.returned


def test_a_longer_piece_comes_back_to_its_first_theme() -> None:
    bars = bars_of(one(plan(60, tempo=120), drawing=WILD))
    assert bars[16:20] == bars[0:4]
    assert bars[8] != bars[0] != bars[20]


def test_what_somebody_gave_is_not_overwritten_by_a_theme() -> None:
    of = plan(30, tempo=120)
    given = one(plan(30, 5, tempo=120), 5, WILD).events
    until = int(np.flatnonzero(given[:, 0] == BAR_LINE)[9]) + 2  # and two notes of the bar that would return
    drawn = one(of, prompts=[given[:until]])
    assert np.array_equal(drawn.events[:until], given[:until])


def test_no_more_notes_are_struck_together_than_there_are_fingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that always stays where it is, key after key, and would wait for ever in the bar before the last."""

    def lean(piece: Drawn, name: str, where: int) -> Any:
        if name == "where":
            return 50.0 * (np.arange(len(piece.wheres())) == max(piece.grammar.position, 0))
        return -5.0 * np.arange(PITCHES) if name == "pitch" else 0.0

    monkeypatch.setattr(Drawn, "lean", lean)
    for seed in range(3):
        bars = bars_of(one(plan(seed=seed), seed, WILD))
        most = [max(np.bincount([row[0] for row in bar])) for bar in bars if bar]
        assert max(most) == 10
        before = bars[-2]
        dominant = next(row[0] for row in before if row[0] >= 48)
        assert max(np.bincount([row[0] for row in before if row[0] < dominant])) == 5


def test_what_is_struck_together_lies_under_two_hands() -> None:
    for seed in range(4):
        rows = one(plan(30, seed), seed, WILD).piece().notes
        for start in np.unique(rows["start"]).tolist():
            pitches = np.sort(rows["pitch"][rows["start"] == start].astype(int))
            left = pitches[pitches - pitches[0] <= 16][:5]
            right = pitches[len(left) :]
            assert len(right) <= 5 and (not len(right) or right[-1] - right[0] <= 16), pitches


def test_a_bar_that_is_struck_twice_running_makes_pitches_more_daring() -> None:
    drawn = Drawn(replace(plan(30), themes=()), np.random.default_rng(0))
    line = (BAR_LINE, -1, -1, -1, -1)
    for row in (line, (0, 40, 3, 8, 0), line, (0, 40, 5, 9, 0), line):
        drawn.take(row)
    assert drawn.loops
    for row in ((0, 41, 3, 8, 0), line):
        drawn.take(row)
    assert not drawn.loops


def test_a_piece_that_finds_no_cadence_of_its_own_is_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_TRIES", 0)
    refused = iter([False])

    def first_refused(piece: Piece, **more: Any) -> Any:
        found = ending(piece, **more)
        return found if next(refused, True) else type(found)(False, False, False, 0.0, 0.0, False)

    monkeypatch.setattr(sampling, "ending", first_refused)
    for key in ("C major", "F# minor", "G major"):
        refused = iter([False])
        drawn = one(plan(key=Key.parse(key)))
        assert ending(drawn.piece()).cadence
        assert drawn.finished and len(drawn.lines) == drawn.plan.bars
        assert drawn.events[:, 1].max() < 108


BANDS = ["flute,piano", "violin", "flute", "violin,cello", "string-quartet", "piano-trio", "woodwind-quartet", "harp"]


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("written", [False, True])
def test_every_band_plays_what_it_can_and_ends(band: str, written: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines have one note at a time, everybody stays in range, a hand spans a tenth; and all end on a cadence."""
    if written:
        monkeypatch.setattr(sampling, "_TRIES", 0)
    players = instrumentation_of(instruments_of(band))
    assert players is not None
    of = plan(20, key=Key.parse("E minor"), instrumentation=players)
    drawn = draw(tiny.composer(whole=True), [of], [0], WILD)[0]
    piece = drawn.piece()
    assert piece.programs == players.programs
    assert ending(piece, line=len(players.players) == 1).cadence
    for part, player in enumerate(players.players):
        mine = piece.notes[piece.notes["part"] == part]
        assert ((mine["pitch"] >= player.lowest) & (mine["pitch"] <= player.highest)).all()
        for start in np.unique(mine["start"]):
            struck = mine["pitch"][mine["start"] == start].astype(int)
            assert len(struck) <= player.capacity and struck.max() - struck.min() <= 16
        if player.line:
            assert (mine["start"][:-1] + mine["duration"][:-1] <= mine["start"][1:]).all()
    assert all(bars_of(drawn)), "no bar is silent"
    counts = np.bincount(piece.notes["part"], minlength=len(players.players))
    assert (counts / counts.sum() > np.array(players.shares) / 4).all(), "and nobody for long"


def test_pieces_that_are_longer_than_the_context_go_on() -> None:
    drawn = one(plan(300), drawing=WILD)
    assert len(drawn.rows) > tiny.composer().context + 200
    assert ending(drawn.piece()).cadence


@pytest.mark.parametrize("seconds", [4.0, 5.0])
def test_the_shortest_pieces_end_as_well(seconds: float) -> None:
    drawn = one(plan(seconds))
    assert ending(drawn.piece()).cadence
    assert float(drawn.piece().seconds()) == pytest.approx(seconds, rel=1e-5)


# -- chance --------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_piece_and_another_another() -> None:
    of = plan()
    assert same(one(of, 3).piece(), one(of, 3).piece())
    assert not same(one(of, 3).piece(), one(of, 4).piece())
    assert same(one(of, (3, 1)).piece(), one(of, (3, 1)).piece())


def test_company_changes_nothing() -> None:
    plans = [plan(12), plan(20, 1, metre=Metre(3, 4)), plan(8, 2)]
    together = draw(MODEL, plans, [0, 1, 2], SamplingOptions())
    for i, found in enumerate(together):
        assert found.events.tolist() == one(plans[i], i).events.tolist()


def test_without_temperature_there_is_no_chance() -> None:
    of = plan()
    assert one(of, 0, LIKELIEST).events.tolist() == one(of, 99, LIKELIEST).events.tolist()


def test_guidance_leads_towards_what_was_told() -> None:
    def gain(guidance: float) -> float:
        drawn = [one(plan(), seed, SamplingOptions(guidance=guidance)) for seed in range(4)]
        nats = [rerank.nats_a_note(piece, MODEL) for piece in drawn]
        return sum(untold - told for told, untold in nats)

    assert gain(4.0) > gain(1.0)


def asked(of: Plan, **asks: float) -> Plan:
    """The same plan with other wishes, and nothing told to the network."""
    return replace(of, sections=(replace(of.sections[0], asks=Choices(**asks)),))


def test_a_denser_piece_has_more_notes_and_a_higher_one_higher_notes() -> None:
    """Each cue alone, whatever the network thinks, and so strong that chance cannot hide it."""
    plans = [plan(16, seed, key=Key(0)) for seed in range(3)]

    def drawn(**asks: float) -> list[Drawn]:
        return draw(MODEL, [asked(of, **asks) for of in plans], range(3), SamplingOptions())

    thin, dense = (sum(one.notes for one in drawn(density=d)) for d in (-2, 2))
    assert dense > 1.2 * thin
    low, high = (np.mean([one.piece().notes["pitch"].mean() for one in drawn(register=r)]) for r in (-3, 3))
    assert high > low + 10


def test_high_is_no_flight_to_the_last_keys() -> None:
    lean: Any = Drawn(asked(plan(key=Key(0)), register=0.3), np.random.default_rng(0)).lean("pitch", 0)
    c = {octave: lean[12 * octave + 12 - LOWEST] for octave in range(1, 8)}
    assert c[2] == c[3] < c[4] < c[5] > c[6] > c[7]


def test_what_is_not_asked_leans_to_the_key_alone() -> None:
    drawn = Drawn(plan(key=Key(0)), np.random.default_rng(0))
    assert drawn.lean("where", 0) == 0.0 and drawn.lean("duration", 0) == 0.0
    lean = np.asarray(drawn.lean("pitch", 0))
    assert np.array_equal(lean[:96].reshape(8, 12), np.tile(lean[:12], (8, 1)))


# -- beginnings ----------------------------------------------------------------------------------------------


def test_a_piece_begins_with_its_prompt() -> None:
    of = plan(20, key=Key(2))
    prompt = relative(spell(tiny.study("D major", 3)).events, 2)
    drawn = one(of, prompts=[prompt])
    assert drawn.events[: len(prompt)].tolist() == prompt.tolist()
    assert ending(drawn.piece()).cadence
    assert len(drawn.lines) == of.bars


def test_a_long_prompt_is_heard_from_its_end() -> None:
    prompt = relative(spell(tiny.study("C major", 30)).events, 0)
    assert len(prompt) > tiny.composer().context
    drawn = one(plan(90, key=Key(0)), prompts=[prompt])
    assert drawn.events[: len(prompt)].tolist() == prompt.tolist()
    assert ending(drawn.piece()).cadence


# -- progress and score --------------------------------------------------------------------------------------


def test_progress_counts_the_bars_of_all_pieces() -> None:
    plans = [plan(12), plan(16, 1)]
    calls: list[tuple[int, int]] = []
    draw(MODEL, plans, [0, 1], SamplingOptions(), on_progress=lambda done, of: calls.append((done, of)))
    everything = sum(p.bars for p in plans)
    done = [call[0] for call in calls]
    assert done == sorted(done) and done[-1] == everything
    assert {call[1] for call in calls} == {everything}


def test_what_progress_raises_cancels() -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one(plan(), on_progress=stop)


def by_hand(of: Plan, steps: list[int]) -> Drawn:
    drawn = Drawn(of, np.random.default_rng(0))
    for step in steps:
        drawn.take((BAR_LINE, -1, -1, -1, -1))
        for place in range(0, 96, 12):
            drawn.take((place, 40 + step, 9, 8, 0))
    return drawn


def test_the_critic_prefers_what_does_not_repeat_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerank, "nats_a_note", lambda piece, model: (4.0, 4.1))
    of = plan(30)
    fresh, dull = by_hand(of, list(range(of.bars))), by_hand(of, [0] * of.bars)
    assert rerank.score(fresh, MODEL) > rerank.score(dull, MODEL)


def test_the_critic_prefers_what_is_as_surprising_as_music_and_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = by_hand(plan(30), list(range(plan(30).bars)))
    usual = MODEL.facts["typical"]["mean"]

    def score(told: float, untold: float) -> float:
        monkeypatch.setattr(rerank, "nats_a_note", lambda piece, model: (told, untold))
        return rerank.score(found, MODEL)

    assert score(0.5 * usual, 0.5 * usual) < score(usual, usual) > score(1.5 * usual, 1.5 * usual)
    assert score(usual, 1.1 * usual) > score(usual, usual)


def test_the_nats_of_a_piece_are_those_of_the_network_and_leave_out_what_returns() -> None:
    drawn = one(replace(plan(20), themes=(("sentence", "free"),)))
    told, untold = rerank.nats_a_note(drawn, MODEL)
    conditions = np.stack(
        [MODEL.condition_vector(drawn.plan.conditions(bar), plain=True) for bar in range(drawn.plan.bars)]
    )
    rows = drawn.events[:, : None if MODEL.parts else 4].astype(np.int64)
    bars = np.searchsorted(drawn.lines, np.arange(len(rows)), side="right") - 1
    nats = MODEL.nats(rows, conditions[bars]).sum(1)
    new = np.array([drawn.plan.theme(int(bar)) is None for bar in bars[1:]])
    assert not new.all()
    assert told == pytest.approx(nats[new].sum() / (new & (rows[1:, 1] >= 0)).sum())
    assert untold != told


def test_a_piece_without_notes_has_a_score() -> None:
    empty = Drawn(plan(), np.random.default_rng(0))
    empty.take((BAR_LINE, -1, -1, -1, -1))
    assert np.isfinite(rerank.score(empty, MODEL))


# -- how daring the draw is ----------------------------------------------------------------------------------


def test_what_is_less_likely_than_min_p_of_the_likeliest_is_never_drawn() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.1, 0.06, 0.04]))
    mask, random = np.ones(5, bool), np.random.default_rng(0)

    def drawn(min_p: float) -> set[int]:
        drawing = SamplingOptions(top_p=1.0, min_p=min_p, guidance=1.0)
        return {sampling.choose(logits, mask, random, drawing) for _ in range(400)}

    assert drawn(0.0) == {0, 1, 2, 3, 4}
    assert drawn(0.15) == {0, 1, 2}
    assert drawn(0.7) == {0}


@pytest.mark.parametrize(("loops", "pitches"), [(False, 0.8), (True, 1.08)])
def test_pitches_are_drawn_more_daringly_while_the_music_goes_round(
    monkeypatch: pytest.MonkeyPatch, loops: bool, pitches: float
) -> None:
    monkeypatch.setattr(Drawn, "_looped", lambda piece: loops)
    choose, seen = sampling.choose, set()

    def watched(told: Any, mask: Any, random: Any, drawing: SamplingOptions, *more: Any) -> Any:
        seen.add((len(mask) == PITCHES, round(drawing.temperature, 6)))
        return choose(told, mask, random, drawing, *more)

    monkeypatch.setattr(sampling, "choose", watched)
    one(plan(), 0, SamplingOptions(temperature=0.8))
    assert seen == {(False, 0.8), (True, 0.8), (True, pitches)}  # in the first bar nothing has gone round yet


def test_a_consonant_piece_has_fewer_clashes() -> None:
    def share(**asks: float) -> float:
        plans = [asked(plan(16, seed, key=Key(0)), **asks) for seed in range(6)]
        clashes = together = 0
        for piece in draw(MODEL, plans, range(6), SamplingOptions()):
            rows = piece.rows
            for a, b in pairwise(rows):
                if a[1] >= 0 and b[1] >= 0 and a[0] == b[0]:
                    together += 1
                    clashes += (b[1] - a[1]) % 12 in (1, 2, 6, 10, 11)
        return clashes / together

    assert share(consonance=4.0) < 0.7 * share(consonance=-2.0)


@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "2/4"])
@pytest.mark.parametrize("themes", [("period", "free"), ("sentence", "period"), ("rising", "repeat")])
def test_a_phrase_rests_on_the_chord_that_is_planned(metre: str, themes: tuple[ThemeType, ...]) -> None:
    """Whatever the network says: the root in the bass on the beat, and the third; the dominant leads to the tonic."""
    of = replace(plan(40, key=Key.parse("D minor"), metre=Metre.parse(metre), modulate=False), themes=(themes,))
    drawn = draw(tiny.composer(whole=True), [of], [1], WILD)[0]
    piece, seen = drawn.piece(), set()
    for bar in range(of.bars - 2):
        kind = of.rest(bar)
        if kind is None:
            continue
        seen.add(kind)
        begin, end = piece.edges[bar : bar + 2].tolist()
        here = piece.notes[(piece.notes["start"] >= begin) & (piece.notes["start"] < end)]
        classes = (here["pitch"].astype(int) - 2) % 12
        in_it = kind == "authentic" and of.returning(bar - 1) is not None
        assert here["start"][0] == begin and classes[0] == (7 if kind == "half" or in_it else 0)
        assert (11 if kind == "half" else 3) in classes
        if kind == "authentic":
            lead = (
                here if in_it else piece.notes[(piece.notes["start"] >= begin - 48) & (piece.notes["start"] < begin)]
            )
            assert 7 in (lead["pitch"].astype(int) - 2) % 12
    assert "authentic" in seen


def test_a_sentence_does_not_rest_in_its_middle() -> None:
    of = replace(plan(40), themes=(("sentence", "period"),))
    assert [of.rest(bar) for bar in (3, 7, 11)] == [None, "authentic", "half"]
    told = [of.conditions(bar) for bar in range(12)]
    assert [bar.phrase_left for bar in told] == [8, 7, 6, 5, 4, 3, 2, 1, 4, 3, 2, 1]
