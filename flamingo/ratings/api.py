"""The verb `rate`, and what else is done with the grades that it stores: take one back, export all.

Its options are those of `RateOptions` (see flamingo.options).
"""

from __future__ import annotations

import csv
import io
import json
import stat
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field

import flamingo
from flamingo import files, images, video
from flamingo.composing.reading import KINDS
from flamingo.errors import BadRequest, FlamingoError, UnreadableImage, UnreadableMusic, UnsupportedMusic, show
from flamingo.files import sha256
from flamingo.mood import valence_arousal
from flamingo.options import verb
from flamingo.ratings import recipes, store
from flamingo.ratings.options import Database, RateOptions
from flamingo.ratings.store import OPINION, Grade, Kind, Rating

FIRST = "add the first with `flamingo rate PICTURE MUSIC good` or `flamingo rate FILE good`"
"""What to do where there are no grades."""


@verb(RateOptions)
def rate(options: RateOptions) -> Rating:
    """Store how well a piece of music suits a picture, or how good one file is, as one listener says.

    `rate(picture, music, grade)` grades the two together, `rate(file, grade)` a picture, a piece of music or a film
    alone. The same listener's earlier grade for the same files is replaced, and kept. All who give no name count as
    one listener. Where both numbers but no word are given, the mood is the word nearest to them; where nothing is
    given, it is what the picture feels like (the likeliest mood of flamingo.feel). How the files were made is read
    from the recipes, or from the credentials that the files carry.

    Args:
        picture: the photo or painting; or the one file that is graded by itself.
        music: what was heard with it; or the grade of the one file.
        grade: excellent, good, fair, poor or bad.
        **options: the other fields of `flamingo.ratings.options.RateOptions`.

    Returns:
        The grade as it is stored.

    Raises:
        BadRequest: for a wrong grade, mood or recipe.
        BadInput: for a picture or music that cannot be used.
        OutputError: if the database cannot be used.
        In each case nothing was stored.
    """
    mood, valence, arousal = options.mood, options.valence, options.arousal
    if mood is not None:
        mood = mood.strip().lower()
        valence_arousal.place(mood)
    elif valence is not None and arousal is not None:
        mood = valence_arousal.nearest(valence, arousal)
    kind, rated_picture, heard, grade = _graded(options.picture, options.music, options.grade)
    if kind in ("pair", "picture") and rated_picture is not None:
        shown = images.read(rated_picture.file)
        if mood is None and valence is None and arousal is None:
            mood, valence, arousal = _felt(shown)
    painting, composition = recipes.find(options.recipe or [], rated_picture, heard)
    return store.add(
        options.database,
        kind=kind,
        picture=rated_picture.sha256 if rated_picture else "",
        picture_name=show(rated_picture.file.name) if rated_picture else "",
        music=heard.sha256 if heard else "",
        music_name=show(heard.file.name) if heard else "",
        grade=grade,
        mood=mood,
        valence=valence,
        arousal=arousal,
        listener=listener_name(options.listener),
        comment=options.comment.strip(),
        painting=painting,
        composition=composition,
        version=flamingo.__version__,
    )


def _graded(
    picture: Path, music: Path, grade: Grade | None
) -> tuple[Kind, recipes.Rated | None, recipes.Rated | None, Grade]:
    """What is graded: its kind, the file that was seen, the file that was heard, and the grade."""
    if grade is not None:
        heard = recipes.Rated(music, _music_sha256(music))
        return "pair", recipes.Rated(picture, _sha256(picture)), heard, grade
    if str(music) not in OPINION:
        raise BadRequest("grade", "it is missing", f"end with one of {', '.join(OPINION)}")
    alone = cast(Grade, str(music))
    if picture.suffix.lower() in KINDS:
        return "music", None, recipes.Rated(picture, _music_sha256(picture)), alone
    if picture.suffix.lower() in video.FILMS:
        video.probe(picture)  # raises UnreadableVideo for what is none
        return "film", recipes.Rated(picture, _sha256(picture)), None, alone
    return "picture", recipes.Rated(picture, _sha256(picture)), None, alone


def _sha256(picture: Path) -> str:
    """The checksum of a picture or film. Raises UnreadableImage."""
    try:
        return sha256(picture)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "there is no such file" if missing else (error.strerror or "it cannot be opened").lower()
        raise UnreadableImage(show(picture), why, "check the name") from None


def undo(
    *,
    listener: Annotated[str | None, Field(description="Take back the last grade of this listener alone.")] = None,
    database: Database = None,
) -> Rating:
    """Take the last grade back: it is kept, marked, and no longer counts.

    What it had replaced counts again. Done again, it takes back the one before. Raises BadRequest if there is none,
    and an OutputError if the database cannot be used.
    """
    taken_back = store.take_back(database, None if listener is None else listener_name(listener))
    if taken_back is None:
        whose = f" of {listener!r}" if listener else ""
        raise BadRequest(
            show(database or store.own_database()), f"it holds no grade{whose} that could be taken back", FIRST
        )
    return taken_back


def export(
    file: Annotated[Path, Field(description="File to write: .csv.")],
    *,
    overwrite: Annotated[bool, Field(description="Replace the file if it is there.")] = False,
    database: Database = None,
) -> int:
    """Write all grades to a CSV file, also those that no longer count; the column `standing` tells.

    Returns how many there are. The text is UTF-8, recipes are JSON. Raises BadRequest for another suffix and where
    there are no grades, and an OutputError if the file cannot be put there or the database cannot be used.
    """
    if file.suffix.lower() != ".csv":
        raise BadRequest(show(file), "grades are exported as CSV", "give a name that ends in .csv")
    source = database or store.own_database()
    files.check_target(file, overwrite=overwrite, never=[source])
    ratings = store.ratings(database)
    if not ratings:
        raise BadRequest(show(source), "there are no grades in it", FIRST)
    text = io.StringIO(newline="")
    rows = [as_dict(rating) for rating in ratings]
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    files.put(text.getvalue().encode(), file, overwrite)
    return len(ratings)


def as_dict(rating: Rating) -> dict[str, Any]:
    """A rating for `--json` and for export: plain values only, persona and style among them."""
    return {**asdict(rating), "persona": rating.persona, "style": rating.style}


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value)
    # A spreadsheet would carry out a comment that begins like a formula.
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _felt(picture: images.Picture) -> tuple[str | None, float | None, float | None]:
    """What the picture feels like: the likeliest mood, valence, arousal; not known where no mood model is there."""
    from flamingo.mood.model import MoodModel

    try:
        felt = MoodModel().feel(picture)
    except FlamingoError:
        return None, None, None
    return max(felt.moods, key=lambda word: felt.moods[word]), felt.mood[0], felt.mood[1]


def listener_name(listener: str) -> str:
    """A listener's name, so that it is the same however its letters are composed and spaced."""
    return " ".join(unicodedata.normalize("NFC", listener).split())


def _music_sha256(music: Path) -> str:
    """The checksum of a file that holds music, as far as its name and size tell. Raises a BadInput."""
    name = show(music)
    try:
        state = music.stat()
        if stat.S_ISDIR(state.st_mode):
            raise UnreadableMusic(name, "it is a folder, not a piece of music", "name one file in it")
        if not stat.S_ISREG(state.st_mode):  # reading a pipe or a terminal could wait for ever
            raise UnsupportedMusic(name, "it is not a regular file", "save the music to a file first")
        if music.suffix.lower() not in KINDS:
            raise UnsupportedMusic(name, "this kind of file is not heard as music", f"use one of {', '.join(KINDS)}")
        if state.st_size == 0:
            raise UnreadableMusic(name, "the file is empty", "export it again")
        return sha256(music)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        why = "there is no such file" if missing else getattr(error, "strerror", None) or "it cannot be opened"
        raise UnreadableMusic(name, why.lower(), "check the name") from None
