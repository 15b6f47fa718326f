"""How the model of words is trained: the recipe, defined once for Python, for `flamingo train words` and for plans.

It stands apart from flamingo.train.mood.words, so that the command line can show its options without loading that.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from flamingo.errors import BadRequest, show
from flamingo.train.manifest import entry_of


@dataclass(frozen=True)
class WordsRecipe:
    """How the model of words is trained: by ridge regression in closed form, so there is nothing to resume."""

    oasis: Annotated[str, Field(description="The table oasis.csv of Kurdi et al. 2017.")] = ""
    vocabulary: Annotated[
        str, Field(description="tokenizer.json of all-MiniLM-L6-v2; without it the list of the shipped words.")
    ] = ""
    out: Annotated[str, Field(description="Folder of models that it is written to.")] = "runs/words"
    overwrite: Annotated[bool, Field(description="Replace a model of words that --out holds.")] = False
    most: Annotated[int | None, Field(ge=20, description="Texts to learn from each source, if not all.")] = None


def train(recipe: WordsRecipe) -> dict[str, Any]:
    """Fit, measure and write file, card and manifest entry (which is returned) into `recipe.out`. Raises BadRequest
    for files that are not there, MissingExtra where the extra `words` is not installed."""
    from flamingo.train.mood import words

    out = Path(recipe.out)
    if entry_of(out, "words") is not None and not recipe.overwrite:
        raise BadRequest(
            f"--out {show(out)}",
            "it holds a model of words already",
            "replace it with --overwrite, or name another folder",
        )
    if not recipe.oasis:
        raise BadRequest("--oasis", "there is nothing to learn from", "give oasis.csv of Kurdi et al. 2017")
    tokens = _vocabulary(recipe)
    sources = defaultdict(list)
    for rated in (*words.themes(Path(recipe.oasis)), *words.placed(), *words.vader()):
        sources[rated.source].append(rated)
    chosen = [
        rated
        for of_source in sources.values()
        for rated in of_source[:: -(-len(of_source) // (recipe.most or len(of_source)))]
    ]
    return words.release(chosen, tokens, out)


def _vocabulary(recipe: WordsRecipe) -> list[str]:
    from safetensors.numpy import load_file

    from flamingo import weights
    from flamingo.train.mood import words

    if not recipe.vocabulary:
        return bytes(load_file(weights.path("words", "weights"))["vocabulary"]).decode("utf-8").split("\n")
    file = Path(recipe.vocabulary)
    if not file.is_file():
        raise BadRequest(str(file), "there is no such file", "give tokenizer.json of all-MiniLM-L6-v2")
    return words.vocabulary_of(file)
