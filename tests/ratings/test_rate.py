"""`flamingo.rate`: what a listener said is kept whole, about these bytes, with how they were made."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import flamingo
from flamingo import weights
from flamingo.errors import BadRequest, FlamingoError, OutputError, UnreadableImage, UnreadableMusic, UnsupportedMusic
from flamingo.options import options
from flamingo.ratings import store
from flamingo.ratings.api import undo

PAINTING = {"photo_sha256": "0" * 64, "style": "udnie", "strength": 0.5, "model_version": "1"}
COMPOSITION = {"persona": {"chopin": 0.7, "schubert": 0.3}, "seed": 3, "model_version": "2"}


def printed(to: Path, *entries: Any) -> Path:
    """A file with what --json prints."""
    to.write_text(json.dumps(list(entries)), encoding="utf-8")
    return to


def test_what_was_said_is_what_is_stored(picture: Path, music: Path) -> None:
    given = flamingo.rate(
        picture,
        music,
        "good",
        mood=" Sad",
        valence=-0.8,
        arousal=-0.5,
        listener="Ada",
        comment="too slow\nat the end",
    )
    (kept,) = store.ratings()
    assert kept == given
    assert kept.picture == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert kept.music == hashlib.sha256(music.read_bytes()).hexdigest()
    assert (kept.picture_name, kept.music_name) == ("cat.png", "piece.mid")
    assert (kept.grade, kept.mood, kept.valence, kept.arousal) == ("good", "sad", -0.8, -0.5)
    assert (kept.listener, kept.comment, kept.version) == ("Ada", "too slow\nat the end", flamingo.__version__)
    assert kept.time.endswith("Z")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(kept.time)) < timedelta(minutes=1)


@pytest.mark.usefixtures("shipped_models")
@pytest.mark.skipif("feel" not in weights.models(), reason="no mood model is in flamingo/weights")
def test_a_mood_that_nobody_said_is_what_the_picture_feels_like(photos: Path, music: Path) -> None:
    (judged,) = flamingo.feel([photos / "chelsea.jpg"])
    assert judged.felt is not None
    kept = flamingo.rate(photos / "chelsea.jpg", music, "good")
    assert kept.mood == max(judged.felt.moods, key=judged.felt.moods.__getitem__)
    assert (kept.valence, kept.arousal) == pytest.approx(judged.felt.mood)


@pytest.mark.usefixtures("shipped_models")
@pytest.mark.skipif("painter-fast" not in weights.models(), reason="no trained painter is in flamingo/weights")
def test_how_a_picture_was_made_is_read_from_its_credentials(photos: Path, music: Path, tmp_path: Path) -> None:
    (painted,) = flamingo.paint(
        [photos / "chelsea.jpg"], style="udnie", model="fast", size=64, output=tmp_path / "a.png"
    )
    kept = flamingo.rate(tmp_path / "a.png", music, "good", mood="calm")
    assert kept.style == "udnie"
    assert kept.painting == painted.recipe


def test_what_was_not_said_stays_unknown(picture: Path, music: Path) -> None:
    kept = flamingo.rate(picture, music, "fair")
    assert (kept.mood, kept.valence, kept.arousal, kept.painting, kept.composition) == (None,) * 5
    assert (kept.listener, kept.comment, kept.persona, kept.style) == ("", "", None, None)


def test_a_place_without_a_word_gets_the_word_nearest_to_it(picture: Path, music: Path) -> None:
    assert flamingo.rate(picture, music, "fair", valence=-0.7, arousal=0.95).mood == "angry"
    assert flamingo.rate(picture, music, "fair", valence=-0.7).mood is None


def test_a_file_may_be_renamed_and_is_the_same(picture: Path, music: Path) -> None:
    flamingo.rate(picture, music, "bad", listener="Ada")
    renamed = music.rename(music.with_name("renamed.mid"))
    assert flamingo.rate(picture, renamed, "good", listener="Ada").instead_of == "bad"


def test_the_newer_grade_replaces_the_older_and_both_are_kept(picture: Path, music: Path, other_music: Path) -> None:
    flamingo.rate(picture, music, "bad", listener="Ada")
    flamingo.rate(picture, music, "poor", listener="Ben")
    flamingo.rate(picture, other_music, "fair", listener="Ada")
    again = flamingo.rate(picture, music, "good", listener=" Ada ")
    assert again.instead_of == "bad"
    assert [(r.grade, r.standing) for r in store.ratings()] == [
        ("bad", "replaced"), ("poor", "counts"), ("fair", "counts"), ("good", "counts"),
    ]  # fmt: skip


def test_a_name_is_the_same_however_its_letters_are_composed(picture: Path, music: Path) -> None:
    flamingo.rate(picture, music, "bad", listener="Zoe\u0308  K.")
    assert flamingo.rate(picture, music, "good", listener="Zo\u00eb K.").instead_of == "bad"


def test_undo_takes_the_last_one_back_and_what_it_replaced_counts_again(picture: Path, music: Path) -> None:
    flamingo.rate(picture, music, "bad", listener="Ada")
    flamingo.rate(picture, music, "good", listener="Ada")
    flamingo.rate(picture, music, "fair", listener="Ben")
    assert undo(listener="Ada").grade == "good"
    assert [r.standing for r in store.ratings()] == ["counts", "undone", "counts"]
    assert undo().listener == "Ben"
    assert undo().grade == "bad"
    assert [r.standing for r in store.ratings()] == ["undone"] * 3
    with pytest.raises(BadRequest, match="no grade that could be taken back"):
        undo()


def test_there_is_nothing_to_take_back_where_there_is_nothing(data: Path) -> None:
    with pytest.raises(BadRequest, match="add the first"):
        undo()
    assert not data.exists(), "asking makes nothing"


# -- recipes -------------------------------------------------------------------------------------------------


def test_recipes_are_stored_with_the_pair(picture: Path, music: Path, tmp_path: Path) -> None:
    paint = printed(tmp_path / "paint.json", {"photo": "a.jpg", "file": str(picture), "recipe": PAINTING})
    compose = printed(tmp_path / "compose.json", {"file": "elsewhere/piece.mid", "recipe": COMPOSITION})
    kept = flamingo.rate(picture, music, "good", recipe=[paint, compose])
    assert (kept.painting, kept.composition) == (PAINTING, COMPOSITION)
    assert (kept.style, kept.persona) == ("udnie", "chopin=.7,schubert=.3")
    assert store.ratings() == [kept]


def test_of_several_recipes_the_one_of_this_file_is_taken(picture: Path, music: Path, tmp_path: Path) -> None:
    mine = {"persona": {"bach": 1.0}}
    entries = [
        {"file": f"{tmp_path}/piece-1.mid", "recipe": COMPOSITION},
        {"file": "elsewhere/piece.mid", "recipe": COMPOSITION},
        {"file": str(music), "recipe": mine},
        {"file": None, "error": "the disk is full", "recipe": {}},
    ]
    kept = flamingo.rate(picture, music, "good", recipe=[printed(tmp_path / "all.json", *entries)])
    assert (kept.composition, kept.painting, kept.persona) == (mine, None, "bach")


def test_the_photo_of_a_painting_is_known_by_its_bytes(picture: Path, music: Path, tmp_path: Path) -> None:
    recipe = {**PAINTING, "photo_sha256": hashlib.sha256(picture.read_bytes()).hexdigest()}
    entry = {"photo": "old-name.jpg", "file": "painted.jpg", "recipe": recipe}
    assert flamingo.rate(picture, music, "good", recipe=[printed(tmp_path / "r.json", entry)]).style == "udnie"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not what"),
        ("{", "it is not what"),
        ("[1]", "it is not what"),
        ("[" * 100_000, "it is not what"),
        ('[{"file": "piece.mid", "recipe": {"persona": "bach"}}]', "it is not what"),
        ('[{"file": "piece.mid", "recipe": {"persona": {}}}]', "it is not what"),
        ('[{"file": "cat.png", "recipe": {"strength": 1}}]', "it is not what"),
        ('[{"file": "piece.mid", "recipe": {"persona": {"bach": NaN}}}]', "it is not what"),
        ("[]", "it holds no recipe of cat.png or piece.mid"),
        ('[{"file": "dog.png", "recipe": {"style": "udnie"}}]', "it holds no recipe of"),
        ('[{"file": "piece.mid", "recipe": {"style": "udnie"}}]', "it holds no recipe of"),
        (
            '[{"file": "a/cat.png", "recipe": {"style": "a"}}, {"file": "cat.png", "recipe": {"style": "b"}}]',
            "holds 2",
        ),
    ],
)
def test_a_recipe_that_is_none_is_refused_and_nothing_stored(
    text: str, said: str, picture: Path, music: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadRequest, match=said) as caught:
        flamingo.rate(picture, music, "good", recipe=[tmp_path / "r.json"])
    assert "\n" not in str(caught.value)
    assert store.ratings() == []


def test_a_recipe_that_is_missing_is_refused(picture: Path, music: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no such file"):
        flamingo.rate(picture, music, "good", recipe=[tmp_path / "none.json"])


# -- what cannot be graded -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"grade": "great"}, "excellent"),
        ({"mood": "hapy"}, "did you mean 'happy'"),
        ({"valence": 2}, "less than or equal to 1"),
        ({"arousal": float("nan")}, "finite"),
        ({"listener": "x" * 101}, "100"),
        ({"comment": "x" * 4001}, "4000"),
        ({"comment": "\ud800"}, "string"),
    ],
    ids=str,
)
def test_a_wrong_grade_is_one_line_and_nothing_stored(
    wrong: dict[str, Any], said: str, picture: Path, music: Path
) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        flamingo.rate(**{"picture": picture, "music": music, "grade": "good", **wrong})
    assert "\n" not in str(caught.value)
    assert store.ratings() == []


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("none.mid", None, UnreadableMusic),
        ("empty.mp3", b"", UnreadableMusic),
        ("score.pdf", b"%PDF", UnsupportedMusic),
        ("noise", b"x", UnsupportedMusic),
        (".", None, UnreadableMusic),
    ],
)
def test_what_is_no_music_is_refused(
    name: str, content: bytes | None, error: type[FlamingoError], picture: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        flamingo.rate(picture, tmp_path / name, "good")
    assert store.ratings() == []


def test_what_is_no_picture_is_refused(music: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnreadableImage):
        flamingo.rate(tmp_path / "cut.png", music, "good")
    assert store.ratings() == []


# -- where -----------------------------------------------------------------------------------------------------


def test_a_database_may_be_named(picture: Path, music: Path, data: Path, tmp_path: Path) -> None:
    kept = flamingo.rate(picture, music, "good", database=tmp_path / "a?b #1%20.sqlite")
    assert store.ratings(tmp_path / "a?b #1%20.sqlite") == [kept]
    assert not data.exists()
    with pytest.raises(OutputError, match="no folder"):
        flamingo.rate(picture, music, "good", database=tmp_path / "none" / "r.sqlite")


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere the data folder is not told by a variable"
)
def test_otherwise_it_lies_in_the_data_folder_of_the_user(
    picture: Path, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLAMINGO_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    flamingo.rate(picture, music, "good")
    assert store.own_database() == tmp_path / "share" / "flamingo" / "ratings.sqlite"
    assert len(store.ratings()) == 1


def test_a_data_folder_that_cannot_be_made_is_one_line(
    picture: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAMINGO_DATA", str(music / "data"))
    with pytest.raises(OutputError, match="cannot be made"):
        flamingo.rate(picture, music, "good")


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_is_kept_so_that_it_can_be_shown(picture: Path, music: Path) -> None:
    strange = music.rename(music.parent / os.fsdecode(b"p\xffece\n.mid"))
    assert flamingo.rate(picture, strange, "good").music_name == "p\\udcffece\\n.mid"


def test_every_argument_that_people_see_has_a_description() -> None:
    for verb in (flamingo.rate, flamingo.grades, undo):
        for option in options(verb):
            assert option.description.endswith((".", "...")), option.name


def test_a_picture_alone_is_graded(picture: Path) -> None:
    stored = flamingo.rate(picture, "good", listener="Ada")  # type: ignore[arg-type]
    assert (stored.kind, stored.grade, stored.picture_name) == ("picture", "good", "cat.png")
    assert (stored.music, stored.music_name) == ("", "")


def test_a_piece_alone_is_graded(music: Path) -> None:
    stored = flamingo.rate(music, "poor", mood="sad")  # type: ignore[arg-type]
    assert (stored.kind, stored.grade, stored.music_name, stored.mood) == ("music", "poor", "piece.mid", "sad")
    assert (stored.picture, stored.picture_name) == ("", "")


def test_a_film_alone_is_graded(tmp_path: Path) -> None:
    from tests.video.clips import film

    file = film(tmp_path / "clip.mp4")
    stored = flamingo.rate(file, "excellent")  # type: ignore[arg-type]
    assert (stored.kind, stored.picture_name) == ("film", "clip.mp4")


def test_the_same_file_alone_and_in_a_pair_are_graded_apart(picture: Path, music: Path) -> None:
    flamingo.rate(picture, music, "good")
    alone = flamingo.rate(picture, "bad")  # type: ignore[arg-type]
    assert alone.instead_of is None
    assert flamingo.rate(picture, "fair").instead_of == "bad"  # type: ignore[arg-type]
    counts = {group.name: group.total for group in flamingo.grades(by="kind").groups}
    assert counts == {"pair": 1, "picture": 1}


def test_without_a_grade_it_says_which_there_are(picture: Path, music: Path) -> None:
    with pytest.raises(BadRequest, match="grade: it is missing; end with one of excellent, good"):
        flamingo.rate(picture, music)
