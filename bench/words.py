"""Measures the reading of sentences: against what people felt, against sentences placed beforehand, and its speed.

    python bench/words.py --oasis oasis.csv
    python bench/words.py                     without OASIS: the sentences and the speed
    python bench/words.py --json words.json

The sentences below are ours, written and placed before any model was run on them. Who placed them also wrote the
phrases that the model learned from, so they show whether it understands sentences, not whether people agree with it:
that only OASIS can tell (Kurdi, Lozano and Banaji 2017; oasis.csv). Needs the extra `words`; beside it stand VADER's
own rules, if vaderSentiment is installed. Everything is deterministic but the speed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from _report import Report

from flamingo import weights
from flamingo.errors import FlamingoError
from flamingo.mood import words

SENTENCES = {
    (1, 1): """
        We danced until the sun came up.
        Children run laughing through the sprinkler.
        The crowd roars as the winning goal goes in.
        A carnival of drums, feathers and confetti.
        She said yes, and he jumped for joy.
        Rockets burst over the harbour on New Year's Eve.
        A brass band marches down the sunny street.
        The puppy leaps and wags its whole body.
        We are racing down the slope and cheering.
        The bride throws her bouquet and everybody claps.
        Our team has won the cup!
        A wild, happy gallop along the beach.
        I can't wait for the trip to begin!
        Sparkling lights, loud music and friends everywhere.
        The balloon lifts off and all of us shout with delight.
        The band plays its fastest song and everyone sings along.
        Triumph after a long race, arms in the air.
        Grandmother opens the door and the children storm in with presents.
        Hats in the air: we have all passed the exam!
        A dazzling summer festival by the river.
    """,
    (-1, 1): """
        The last bridge collapses under the fleeing families.
        The house is on fire and someone is screaming.
        He slammed the door and shouted at her.
        A bomb falls on the market square.
        The wolves are closing in and I cannot run any faster.
        Soldiers storm the burning village.
        Panic breaks out in the crowded tunnel.
        The brakes fail on the mountain road.
        A furious mob smashes the windows.
        My heart pounds; something is moving behind the curtain.
        The ship breaks apart in the hurricane.
        She stares in horror at the blood on her hands.
        Sirens, smoke and people fleeing.
        They are fighting with knives in the alley.
        An earthquake tears the street open.
        The rabid dog bares its teeth and attacks.
        I am terrified of what is coming up the stairs.
        You betrayed me and I will never forgive you!
        The avalanche thunders down on the hut.
        Lightning strikes the tower in a raging night.
    """,
    (-1, -1): """
        An empty chair at the table since she died.
        Grey rain on the window, and nobody calls.
        He sits alone in the dark and weeps quietly.
        The old dog no longer gets up.
        A bleak, deserted factory in the fog.
        I am so tired of everything.
        Withered flowers on a forgotten grave.
        The long, dull afternoon of a hopeless man.
        All the friends of his youth are gone.
        A cold, bare room with a broken bed.
        She has lost her faith and lies awake, numb.
        Autumn, and the last leaves rot in the mud.
        The lonely widow waits for letters that never come.
        Nothing has changed here for years, and nothing will.
        A slow funeral procession in the snow.
        The child is ill and lies pale and still.
        He gave up and let his hands sink.
        The homesick boy looks out at the drizzle.
        Dust settles on the toys of a daughter who left.
        The weary beggar sleeps on wet stones.
    """,
    (1, -1): """
        A cat asleep in the afternoon sun.
        The lake lies still and clear at dawn.
        Mother hums a lullaby to her baby.
        We drink tea by the fireplace and say nothing.
        Soft moonlight on the sleeping garden.
        A gentle breeze in the meadow, and clouds drifting by.
        He reads an old book in a cosy armchair.
        Snow falls softly on the quiet village.
        She strokes his hair until he falls asleep.
        A slow walk under blossoming trees.
        I am content, and there is nothing more I need.
        A warm bath and candlelight after work.
        Bees hum over the lavender while we doze in the grass.
        The monk rakes the gravel of a silent garden.
        Peaceful evening light over the vineyards.
        Lying in a hammock, listening to the waves.
        The old couple sits hand in hand on the bench.
        Floating on my back in warm, calm water.
        A tender smile across the breakfast table.
        The library is quiet, and the sun falls on the page.
    """,
}
NEGATED = {
    1: """
        I am not sad any more.
        There is nothing to fear.
        He is not angry with you.
        Nobody was hurt.
        I have never felt so loved.
        We are not alone any longer.
        The pain is gone.
        not bad at all
    """,
    -1: """
        I am not happy.
        No joy is left in this house.
        This was not a good day.
        She doesn't like it here.
        It isn't beautiful.
        He never smiles.
        There's no hope.
        I don't love you.
    """,
}
PAINTED = {
    "great-wave": "fishermen row for their lives under a towering breaker",
    "starry-night": "swirling stars above a sleeping town",
    "scream": "dread on a bridge at sunset",
    "composition-vii": "a chaos of colours without any objects",
    "the-kiss": "two lovers wrapped in gold",
    "wanderer": "a solitary hiker looks down on the clouds",
    "water-lilies": "quiet reflections in the garden's pool",
    "pearl-earring": "a young woman glances back at us out of the dark",
    "birth-of-venus": "beauty comes ashore in spring",
    "shipwreck": "sailors drown beside their broken vessel",
    "udnie": "a ballerina as a machine of curves and planes",
    "edtaonisl": "dancing rhythms cut into orange and grey fragments",
    "night-cafe": "drunkards under harsh light long after midnight",
    "wheat-field": "ripe corn sways in the wind",
    "olive-trees": "an old grove in the hot south",
    "sunday": "Parisians idle on the river bank with umbrellas",
    "contrast-of-forms": "tubes and pistons, bold and mechanical",
    "collioure": "blazing hills in impossible colours",
    "delaunay-portrait": "a man's face laid out of little tiles",
    "cherry-blossom": "a flowering branch in Japan",
}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json)
    try:
        entry = weights.entry("words")
        report.say(f"words {entry['version']}, encoder {entry['encoder']['package']} {entry['encoder']['version']}")
        report.figures["run"] = {"model": entry["version"]}
        _sentences(report)
        _denials(report)
        _styles(report)
        if asked.oasis:
            _people(report, asked.oasis)
        else:
            report.leave_out("what people felt: give --oasis oasis.csv")
        _speed(report)
    except FlamingoError as error:
        print(f"bench/words.py: {error}", file=sys.stderr)
        return 1
    report.save()
    return 0


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _sentences(report: Report) -> None:
    """How many of our sentences land in the quadrant they were put in."""
    report.heading("Sentences of ours, placed in quadrants beforehand")
    rows, figures = [], {}
    sums = np.zeros(3)
    for (valence, arousal), text in SENTENCES.items():
        found = [words.read(line) for line in _lines(text)]
        signs = np.array([[r.valence * valence > 0, r.arousal * arousal > 0] for r in found])
        right = np.array([signs.all(axis=1).mean(), *signs.mean(axis=0)])
        middle = f"({np.mean([r.valence for r in found]):+.2f}, {np.mean([r.arousal for r in found]):+.2f})"
        name = f"{'' if valence > 0 else 'un'}pleasant, {'excited' if arousal > 0 else 'calm'}"
        rows.append([name, str(len(found)), *(f"{x:.2f}" for x in right), middle])
        figures[name] = {"n": len(found), "quadrant": right[0], "valence": right[1], "arousal": right[2]}
        sums += right * len(found)
    n = sum(int(row[1]) for row in rows)
    rows += [["all", str(n), *(f"{x:.2f}" for x in sums / n), ""], ["by chance", "", ".25", ".50", ".50", ""]]
    report.table(["placed as", "n", "quadrant", "valence sign", "arousal sign", "mean place"], rows)
    signs = [valence for (valence, _), text in SENTENCES.items() for _ in _lines(text)]
    texts = [line for text in SENTENCES.values() for line in _lines(text)]
    _beside_vader(report, texts, signs)
    report.figures["sentences"] = figures


def _denials(report: Report) -> None:
    """The sign of valence where something is denied, with the rule and without."""
    report.heading("Sentences of ours that deny something: sign of valence")
    texts = [(line, sign) for sign, text in NEGATED.items() for line in _lines(text)]
    with_rule = [words.read(line).valence * sign > 0 for line, sign in texts]
    model = words.loaded()
    places = model.places(model.encoder([words.tidied(line) for line, _ in texts]))[:, 0]
    without = [float(v) * sign > 0 for v, (_, sign) in zip(places, texts, strict=True)]
    report.table(
        ["", "n", "right"],
        [[name, str(len(texts)), f"{np.mean(x):.2f}"] for name, x in (("read", with_rule), ("no rule", without))],
    )
    report.say("wrong: " + "; ".join(line for (line, _), right in zip(texts, with_rule, strict=True) if not right))
    _beside_vader(report, [line for line, _ in texts], [sign for _, sign in texts])
    report.figures["denials"] = {"read": float(np.mean(with_rule)), "no rule": float(np.mean(without))}


def _beside_vader(report: Report, texts: Sequence[str], signs: Sequence[int]) -> None:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        report.leave_out("VADER beside it: pip install vaderSentiment")
        return
    rules = SentimentIntensityAnalyzer()
    found = np.array([rules.polarity_scores(text)["compound"] for text in texts])
    right, silent = np.mean(found * np.array(signs) > 0), np.mean(found == 0)
    report.say(f"VADER's own rules: valence sign {right:.2f} (silent on {silent:.2f})")


def _styles(report: Report) -> None:
    """The place in the ranking of the painting that a sentence of ours was written about."""
    report.heading("Sentences of ours about the paintings: place of the right style among all")
    rank = {}
    for style, text in PAINTED.items():
        rank[style] = 1 + [name for name, _ in words.read(text).styles].index(style)
    places = np.array(list(rank.values()))
    report.table(
        ["", "n", "first", "among three", "median place"],
        [["read", str(len(rank)), *(f"{np.mean(places <= k):.2f}" for k in (1, 3)), f"{np.median(places):.1f}"]],
    )
    report.say("not first: " + ", ".join(f"{style} {place}" for style, place in rank.items() if place > 1))
    report.figures["styles"] = rank


def _people(report: Report, file: Path) -> None:
    """What is predicted of a theme by models that never saw it, beside what people felt at its photos."""
    from flamingo.train.mood import words as training

    report.heading("What people felt: themes of OASIS, 10-fold, no theme on both sides")
    rated = [*training.themes(file), *training.placed(), *training.vader()]
    vectors = words.loaded().encoder([r.text for r in rated]).astype(np.float64)
    rows = []
    report.figures["people"] = {}
    for axis in training.AXES:
        penalty, figures = training.best_penalty(rated, vectors, axis)
        found = training.held_out(rated, vectors, axis, penalty)
        truth = np.array([getattr(r, axis) for r in rated])
        inside = {}
        for name in figures:
            of = np.array([r.source == name for r in rated]) & np.isfinite(truth)
            inside[name] = float(np.mean(np.abs(found - truth)[of] < training.spread(figures)))
            row = figures[name]
            rows.append([axis, name, f"{row['n']}", f"{row['r']:.2f}", f"{row['error']:.2f}", f"{inside[name]:.2f}"])
        report.figures["people"][axis] = {"penalty": penalty, "inside": inside, **figures}
    report.table(["", "source", "n", "r", "error", "within 1 sd"], rows)


def _speed(report: Report) -> None:
    """CPU seconds of the first sentence, Python's start included, and milliseconds of the next."""
    report.heading("Speed")
    root = str(Path(__file__).resolve().parents[1])
    script = f"import sys; sys.path.insert(0, {root!r}); from flamingo.mood import words; words.read('a calm lake')"
    before = os.times()
    subprocess.run([sys.executable, "-c", script], check=True)
    after = os.times()
    first = after.children_user + after.children_system - before.children_user - before.children_system
    times = []
    for line in _lines(SENTENCES[1, 1]):
        begun = time.process_time()
        words.read(line)
        times.append(1000 * (time.process_time() - begun))
    following = statistics.median(times)
    report.say(f"first sentence {first:.1f} CPU s, from the start of Python; the next {following:.0f} CPU ms each")
    report.figures["speed"] = {"first, CPU s": first, "next, CPU ms": following}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oasis", type=Path, metavar="FILE", help="oasis.csv of Kurdi et al. 2017")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
