"""What a note is called: C sharp or D flat, by the key and by where the music is."""

from __future__ import annotations

import math

from flamingo.composing.piece import UNITS, Key, Piece

_STEPS = "FCGDAEB"


def spell(piece: Piece) -> list[tuple[str, int, int]]:
    """(letter, alteration, octave) of every note of the piece.

    Names are places on the line of fifths. Each note takes the one nearest to where the music is: the key, drawn
    towards what was heard last. A note that goes on by a semitone prefers to lead there by another letter.
    """
    # The twelve usual names go from the lowered second to the raised fourth in minor, and in major from the lowered
    # third to the raised fifth; home is their middle.
    fifths = piece.key.fifths
    home = fifths + (3.6 if piece.key.minor else 2.4)
    notes = piece.notes
    centre, last = home, 0
    names: list[tuple[str, int, int]] = []
    called: dict[int, tuple[int, int]] = {}  # what each pitch class was called last, and when
    starts = notes["start"].astype(int)
    pitches = notes["pitch"].astype(int)
    parts = notes["part"].astype(int)
    for i in range(len(notes)):
        start, pitch = int(starts[i]), int(pitches[i])
        fade = math.exp(-(start - last) / (4 * UNITS))
        centre = home + (centre - home) * fade
        last = start
        leads = 0
        for j in range(i + 1, min(i + 10, len(notes))):  # where this voice goes on by a semitone
            if starts[j] > start and starts[j] <= start + 2 * UNITS and parts[j] == parts[i]:
                step = int(pitches[j]) - pitch
                if abs(step) == 1:
                    leads = step
                    break
                if step == 0:
                    break
        best, price = 0, math.inf
        first = pitch * 7 % 12  # F is -1, C 0, G 1 on the line
        for candidate in range(first - 36, first + 37, 12):
            alter = (candidate + 1) // 7
            if abs(alter) > 2:
                continue
            cost = abs(candidate - 0.55 * centre - 0.45 * home) + 5.0 * (abs(alter) == 2)
            inside = fifths - 1 <= candidate <= fifths + 5
            if leads and not inside:
                cost -= 1.8 if (leads > 0) == (candidate > fifths + 2) else 0.0
            if inside:
                cost -= 2.0
            if first in called and called[first][0] == candidate and start - called[first][1] <= 3 * UNITS:
                cost -= 1.6
            if cost < price:
                best, price = candidate, cost
        called[first] = (best, start)
        alter = (best + 1) // 7
        letter = _STEPS[(best + 1) % 7]
        natural = pitch - alter
        names.append((letter, alter, natural // 12 - 1))
        centre = 0.88 * centre + 0.12 * best
    return names


def signature(key: Key) -> dict[str, int]:
    """The alteration that each letter has by the key alone."""
    sharps = dict.fromkeys(_STEPS[: max(0, key.fifths)], 1)
    flats = dict.fromkeys(_STEPS[::-1][: max(0, -key.fifths)], -1)
    return dict.fromkeys(_STEPS, 0) | sharps | flats
