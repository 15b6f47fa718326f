"""The bench's judges of music learn what is there to be learned, and say how far they are to be trusted."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the judges need scikit-learn (extra `dev`)")
symusic = pytest.importorskip("symusic", reason="MIDI files are read with symusic")

from flamingo.composing.piece import BAR, NOTE, TEMPO, Key, Piece  # noqa: E402

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def music() -> Any:
    """bench/_music.py, which is a script's helper and no package."""
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module("_music")
    finally:
        sys.path.remove(str(BENCH))


def waltz(seed: int, *, minor: bool = False, bpm: float = 180.0, bars: int = 24) -> Piece:
    """3/4: a bass note, two chords, a melody in quarters; closes on its tonic."""
    random = np.random.default_rng(seed)
    tonic, third = int(random.integers(12)), 3 if minor else 4
    rows = []
    for bar in range(bars):
        root = tonic + (0, 5, 7, 0)[bar % 4]
        rows.append((72 * bar, 24, 36 + root, 60, 0, 0.0))
        for beat in (1, 2):
            rows += [(72 * bar + 24 * beat, 20, 55 + root + step, 50, 0, 0.0) for step in (0, third, 7)]
        scale = [0, 2, third, 5, 7, third + 5, 11]
        rows += [(72 * bar + 24 * b, 24, 72 + tonic + int(random.choice(scale)), 80, 0, 0.0) for b in range(3)]
    end = 72 * bars
    rows += [(end, 72, 36 + tonic, 60, 0, 0.0), (end, 72, 60 + tonic + third, 60, 0, 0.0)]
    return _piece(rows, [(72 * b, 3, 4) for b in range(bars + 1)], Key(tonic, minor), bpm)


def toccata(seed: int, *, bpm: float = 90.0, bars: int = 24) -> Piece:
    """4/4: sixteenths through the chords, over long octaves; breaks off."""
    random = np.random.default_rng(seed)
    tonic = int(random.integers(12))
    rows = []
    for bar in range(bars):
        root = tonic + (0, 9, 2, 7)[bar % 4]
        rows += [(96 * bar, 96, 36 + root, 90, 0, 0.0), (96 * bar, 96, 24 + root, 90, 0, 0.0)]
        rows += [(96 * bar + 6 * k, 6, 60 + root + int(random.choice([0, 3, 7, 12])), 95, 0, 0.0) for k in range(16)]
    return _piece(rows, [(96 * b, 4, 4) for b in range(bars)], Key(tonic), bpm)


def _piece(rows: list[tuple[Any, ...]], bars: list[tuple[int, int, int]], key: Key, bpm: float) -> Piece:
    return Piece.build(np.array(rows, NOTE), np.array(bars, BAR), key, tempos=np.array([(0, bpm)], TEMPO))


@pytest.fixture(scope="module")
def corpus() -> tuple[list[Piece], list[str], list[str]]:
    """Pieces, whose they are, and of which works: two pieces a work."""
    pieces = [waltz(n) for n in range(12)] + [toccata(n) for n in range(12)]
    return pieces, ["Strauss"] * 12 + ["Czerny"] * 12, [f"{who} {n // 2}" for who in "sc" for n in range(12)]


def test_the_persona_judge_knows_a_waltz_from_a_toccata(music: ModuleType, corpus: Any) -> None:
    pieces, personas, works = corpus
    judge = music.PersonaJudge.train(pieces, personas)
    assert judge.personas == ("Czerny", "Strauss")
    unseen = [waltz(100), waltz(101), toccata(100)]
    found = judge.accuracy(unseen, ["Strauss", "Strauss", "Czerny"])
    assert (found.by_piece, found.by_excerpt, found.chance) == (1.0, 1.0, 0.5)
    assert found.pieces == 3
    assert found.confusion["Strauss"] == {"Czerny": 0.0, "Strauss": 1.0}
    wrong = judge.accuracy(unseen, ["Czerny", "Czerny", "Strauss"])
    assert wrong.by_piece == 0.0
    chances = judge.probabilities(unseen[0])
    assert sum(chances.values()) == pytest.approx(1)
    assert judge.verdict(unseen[0]) == "Strauss"
    crossed = music.PersonaJudge.cross_validated(pieces, personas, works, folds=3)
    assert crossed.by_piece == 1.0
    assert "24 pieces" in music.persona_line(crossed)


def test_the_persona_judge_says_nothing_of_next_to_nothing(music: ModuleType, corpus: Any) -> None:
    pieces, personas, _ = corpus
    judge = music.PersonaJudge.train(pieces, personas, dynamics=False)
    scrap = waltz(3, bars=2)
    assert set(judge.probabilities(scrap).values()) == {0.5}
    assert judge.accuracy([scrap], ["Strauss"]).pieces == 0
    with pytest.raises(ValueError, match="two personas"):
        music.PersonaJudge.train(pieces[:3], ["Strauss"] * 3)


def test_the_persona_is_not_in_the_key_or_the_loudness_when_asked(music: ModuleType) -> None:
    piece = waltz(5)
    plain = music.style_features(piece, dynamics=False)
    louder = piece.notes.copy()
    louder["velocity"] += 20
    assert np.allclose(
        plain, music.style_features(Piece.build(louder, piece.bars, piece.key, tempos=piece.tempos), dynamics=False)
    )
    in_another = music.style_features(piece.transposed(3), dynamics=False)
    # All but the mean heights of top and bass.
    assert np.sum(~np.isclose(plain, in_another)) == 2


@pytest.fixture(scope="module")
def labelled() -> tuple[list[Piece], Any, Any, list[str]]:
    """Bright in major, stirred when fast; eight games."""
    pieces, valence, arousal, games = [], [], [], []
    for n in range(40):
        bright, stirred = n % 2 == 0, n // 2 % 2 == 0
        pieces.append(waltz(n, minor=not bright, bpm=220 if stirred else 70, bars=8))
        valence.append(1 if bright else -1)
        arousal.append(1 if stirred else -1)
        games.append(f"game {n // 5}")
    return pieces, np.array(valence), np.array(arousal), games


def test_the_mood_judge_hears_mode_and_tempo(music: ModuleType, labelled: Any) -> None:
    judge = music.MoodJudge.of(*labelled)
    found = judge.cross_validated
    assert found.pieces == 40
    assert found.arousal > 0.9
    assert found.valence > 0.9
    assert found.arousal_majority == 0.5
    assert judge.arousal(waltz(77, bpm=230)) > 0 > judge.arousal(waltz(77, bpm=60))
    assert judge.valence(waltz(77)) > judge.valence(waltz(77, minor=True))
    assert "40 labelled pieces" in music.mood_line(judge)


def test_the_mood_judge_reads_a_folder(music: ModuleType, labelled: Any, tmp_path: Path) -> None:
    pieces, valence, arousal, games = labelled
    with (tmp_path / "vgmidi_labelled.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "game", "midi", "valence", "arousal"])
        for n, piece in enumerate(pieces):
            name = f"piece {n}.mid"
            table.writerow([n, games[n], f"elsewhere/{name}", valence[n], arousal[n]])
            if n != 7:  # one is missing, as in the real collection
                _write(piece, tmp_path / name)
    judge = music.MoodJudge.train(tmp_path)
    assert judge.cross_validated.pieces == 39
    assert judge.cross_validated.arousal > 0.9


def _write(piece: Piece, path: Path) -> None:
    score = symusic.Score(24)
    track = symusic.Track()
    for note in piece.notes:
        track.notes.append(symusic.Note(*(int(note[n]) for n in ("start", "duration", "pitch", "velocity"))))
    score.tracks.append(track)
    score.tempos.append(symusic.Tempo(0, float(piece.tempos["bpm"][0])))
    score.time_signatures.append(symusic.TimeSignature(0, 3, 4))
    score.dump_midi(path)


def test_endings_are_counted(music: ModuleType) -> None:
    closed, open_ended = [waltz(n) for n in range(3)], [toccata(9)]
    found = music.endings(closed)
    assert (found.tonic_bass, found.tonic_triad, found.closed) == (1, 1, 1)
    assert found.longest >= 2
    assert music.endings(closed + open_ended).tonic_bass == 0.75
    with pytest.raises(ValueError, match="no pieces"):
        music.endings([])


def test_people_stand_beside_the_others(
    music: ModuleType, corpus: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    human = music.alike(corpus[0], 8)
    assert len(human) == 48
    assert all(len(piece.bars) == 8 for piece in human)
    assert music.alike([waltz(1, bars=2)], 8) == []
    report = music.Report(tmp_path / "figures.json")
    music.measures_table(report, human, {"composed": [waltz(50, bars=8)], "nobody": []})
    music.endings_table(report, corpus[0], {"composed": [waltz(50)]})
    report.save()
    said = capsys.readouterr().out
    assert all(label in said for label in music.LABELS.values())
    assert "people (48)" in said
    assert "nobody" not in said
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert set(kept["measures"]["people"]) == set(music.LABELS)
    assert kept["endings"]["composed"]["tonic_bass"] == 1
