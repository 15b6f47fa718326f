"""The files that composers are learned from: found, told whose they are, and split by work.

A corpus is a folder of music files, with or without a `metadata.csv` (columns composer, title, midi). Without one,
`COMPOSER/...` folders or `Composer_First__Work__...` names say whose a piece is. All movements of a work are on one
side of the split, so that no test piece shares a theme with a training piece.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flamingo.composing import reading
from flamingo.composing.parts import ensemble_of
from flamingo.composing.piece import Piece
from flamingo.composing.reading.midi import from_midi
from flamingo.errors import BadRequest, FlamingoError
from flamingo.mood.valence_arousal import WORDS

# Arrangements of other composers' pieces would carry test pieces into training: the whole of Godowsky here is that.
_ARRANGERS = frozenset({"godowsky"})
_TEST_SHARE = 0.12
_VALID_SHARE = 0.04


@dataclass(frozen=True)
class Source:
    """One file of a corpus.

    Attributes:
        file: where it lies.
        composer: lower case, one word.
        title: of the piece.
        work: what its movements share.
        split: train, valid or test.
        mood: a word of flamingo.mood.valence_arousal that a person gave it, if one did.
        collection: the folder among those of the corpus in which it lies.
    """

    file: Path
    composer: str
    title: str
    work: str
    split: str = "train"
    mood: str = ""
    collection: str = ""


def find(folders: Sequence[Path]) -> list[Source]:
    """The MIDI files of a corpus in one or several folders, sorted, each on its side of the split. Raises BadRequest
    if there are none."""
    return _split([source for folder in folders for source in _listed(Path(folder))])


MIDI = (".mid", ".midi")
SCORES = tuple(ending for ending, kind in reading.KINDS.items() if kind not in ("midi", "sound"))
"""Endings of the files that a corpus is made of."""


def find_scores(folder: Path) -> list[Source]:
    """The scores in a folder and the folders in it, sorted: with what Humdrum's reference records say (!!!COM,
    !!!GTL, !!!OTL), else by folders: COMPOSER/WORK/PIECE or COMPOSER/WORK. Their sides of the split are open."""
    sources = []
    for file in sorted(f for f in folder.rglob("*") if f.suffix.lower() in SCORES and f.is_file()):
        about = _by_records(file) if file.suffix.lower() == ".krn" else None
        composer, work, title = about or _by_folders(file.relative_to(folder))
        sources.append(Source(file, composer, title, f"{composer}: {work}", collection=folder.name))
    return sources


def _by_records(file: Path) -> tuple[str, str, str] | None:
    """Composer, work and title by the reference records of a Humdrum file, None where it names no composer."""
    with file.open("rb") as opened:
        head = opened.read(4_000).decode("utf-8", "replace")
    records = dict(re.findall(r"^!!!([A-Z]+):[ \t]*(.*?)[ \t\r]*$", head, re.M)[::-1])
    name = records.get("COM", "").split(",")[0]
    if not name.strip():
        return None
    title = ": ".join(t for t in (records.get("GTL"), records.get("OTL")) if t) or file.stem
    # Pieces of one print or manuscript have numbers after its own: pl-sa--154-a-iv-4--001-005.
    item = re.match(r"(.*?--.*?--\d+)-\d+_", file.stem)
    return plain_name(name), item[1] if item else work_of(title), title


def _by_folders(path: Path) -> tuple[str, str, str]:
    """Composer, work and title of a score that lies in COMPOSER/WORK/PIECE.musicxml, in
    COMPOSER/WORK/PIECE/FILE.musicxml, or anywhere else. A work called _ is none: each piece is one."""
    *above, name = path.parts
    words = [part.replace("_", " ") for part in above]
    if not words:
        return "other", Path(name).stem, Path(name).stem
    composer = plain_name(words[0].split(",")[0])
    inside = [word.strip() for word in words[1:]]
    if len(inside) < 2:  # the name of the file says which piece it is
        inside.append(Path(name).stem.replace("_", " ").strip())
    inside = [word for word in inside if word]
    return composer, inside[0].lower(), ": ".join(dict.fromkeys(inside))


def _listed(folder: Path) -> list[Source]:
    if not folder.is_dir():
        raise BadRequest(str(folder), "there is no such folder", "name a folder with MIDI files")
    about_by_file: dict[Path, tuple[str, str]] = {}
    for table in sorted(folder.rglob("metadata.csv")):
        with table.open(encoding="utf-8", newline="") as opened:
            for row in csv.DictReader(opened):
                if row.get("midi") and row.get("composer"):
                    about = (row["composer"], row.get("title") or Path(row["midi"]).stem)
                    about_by_file[table.parent / row["midi"]] = about
                    about_by_file.setdefault(Path(Path(row["midi"]).name), about)
    sources = []
    for file in sorted(f for f in folder.rglob("*") if f.suffix.lower() in MIDI and f.is_file()):
        if file in about_by_file or Path(file.name) in about_by_file:
            composer, title = about_by_file.get(file) or about_by_file[Path(file.name)]
        elif "__" in file.stem:
            composer, title = file.stem.split("__", 1)
            composer = composer.split("_")[0]
        else:
            composer, title = (file.parent.name if file.parent != folder else "other"), file.stem
        if plain_name(composer) in _ARRANGERS:
            continue
        title = title.replace("__", " ").replace("_", " ").strip()
        work = f"{plain_name(composer)}: {work_of(title)}"
        # OpenScore ends the names of its files with a number of its own.
        sources.append(Source(file, plain_name(composer), re.sub(r" (lc|sq)\d+$", "", title), work))
    if not sources:
        raise BadRequest(str(folder), "it holds no MIDI files", "name a folder with .mid files")
    return sources


_WITHOUT_MARKS = {ord(a): b for a, b in zip("łŁøØßæœ", ("l", "L", "o", "O", "ss", "ae", "oe"), strict=True)}
"""Letters that are no letter with an accent."""


def plain_name(name: str) -> str:
    """A name in lower case, of letters without accents: Zarębski is zarebski."""
    letters = name.translate(_WITHOUT_MARKS)
    ascii_name = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]+", "-", ascii_name.lower()).strip("-") or "other"


def work_of(title: str) -> str:
    """The title without what tells one movement, or one piece of an opus, from another."""
    catalogue = r"opus(?: posth)?|op\.?|hoboken [ivxl]+|hob\.? ?[ivxl]+|kv|k\.|bwv|d\.?"
    match = re.match(rf".*?(?:{catalogue})[ _.]*\d+[a-z]?(?: \d+(?= \d))?", title, re.I)
    if match:
        return match[0].lower()
    # Without a number, pieces that begin alike belong together: Pictures at an Exhibition, Suite espanola.
    return " ".join(re.sub(r"( lc\d+| sq\d+| \d+.*)$", "", title).lower().split()[:2])


def _split(sources: list[Source]) -> list[Source]:
    """Whole works, in an order that depends on their names alone, until a share of each composer's is held out. A
    work that is more than a third of its composer's stays in training."""
    by_composer: dict[str, dict[str, list[Source]]] = defaultdict(lambda: defaultdict(list))
    for s in sources:
        by_composer[s.composer][s.work].append(s)
    side: dict[str, str] = {}
    for works in by_composer.values():
        size = {work: sum(s.file.stat().st_size for s in group) for work, group in works.items()}
        whole = sum(size.values())
        missing_notes = {"test": _TEST_SHARE * whole, "valid": _VALID_SHARE * whole}
        for work in sorted(works, key=lambda w: hashlib.sha256(w.encode()).digest()):
            if size[work] > whole / 3:
                continue
            for name in ("test", "valid"):
                if missing_notes[name] > 0 and size[work] < missing_notes[name] + 0.15 * whole:
                    side[work] = name
                    missing_notes[name] -= size[work]
                    break
    return [replace(s, split=side.get(s.work, "train")) for s in sources]


def find_moods(folder: Path) -> list[Source]:
    """Music in folders that are named by moods (angry/, calm/, ...): MIDI, scores, or recordings, each with the word
    of its folder. All of it is for training. Raises BadRequest if there is none, or no folder has such a name."""
    if not folder.is_dir():
        raise BadRequest(f"--moods {folder}", "there is no such folder", "name one with folders named by moods")
    sources = []
    for inside in sorted(d for d in folder.iterdir() if d.is_dir()):
        word = inside.name.lower()
        if word not in WORDS:
            continue
        for file in reading.folder(inside):
            title = file.stem.replace("__", " ").replace("_", " ").strip()
            composer = plain_name(file.stem.split("__", 1)[0].split("_")[0]) if "__" in file.stem else "other"
            sources.append(Source(file, composer, title, f"{word}: {file.stem}", "train", word))
    if not sources:
        raise BadRequest(
            f"--moods {folder}",
            "no folder in it is named by a mood and holds music",
            "call them happy, angry, sad, ...",
        )
    return sources


def read(sources: Iterable[Source]) -> list[tuple[Source, Piece]]:
    """Every file that can be read; those that cannot are left out."""
    readable = []
    for source in sources:
        try:
            if source.file.suffix.lower() in MIDI:
                piece = from_midi(source.file.read_bytes(), source.file.name, title=source.title, by_track=True)
            else:
                piece = reading.read(source.file)
        except (FlamingoError, OSError):
            continue
        readable.append((source, piece))
    return readable


def personas_of(pairs: Sequence[tuple[Source, Piece]], least: int = 6_000) -> list[str]:
    """Composers with at least so many training notes, in three files, of music with a keyboard; by name."""
    notes: dict[str, int] = defaultdict(int)
    files: dict[str, int] = defaultdict(int)
    for source, piece in pairs:
        if source.split == "train" and ensemble_of(piece) < 2:
            notes[source.composer] += len(piece.notes)
            files[source.composer] += 1
    return sorted(c for c in notes if notes[c] >= least and files[c] >= 3 and c not in ("christmas", "other"))
