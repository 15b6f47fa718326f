"""Music moved within its scale: by steps, or from major to minor, as a sequence or a theme in the parallel key is."""

from __future__ import annotations

from flamingo.composing.piece import Key

__all__ = ["SCALES", "moved"]

SCALES = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 10)}
"""Semitones above the tonic of the major scale and of the natural minor one, by whether it is minor."""


def moved(pitch: int, here: Key, there: Key, steps: int = 0) -> int:
    """A pitch of one key as the same degree of another, or as a degree some steps above or below.

    Args:
        pitch: MIDI pitch, or any number that counts semitones from a C.
        here: the key that it is in. A pitch between two degrees is the lower one, raised; the raised seventh of minor
            stays raised where it stays the seventh, and is the seventh where it moves.
        there: the key that it goes to, by the nearest way: at most six semitones up or five down, before the steps.
        steps: of the scale.

    Returns:
        The pitch there.
    """
    octave, above = divmod(pitch - here.tonic, 12)
    scale = SCALES[here.minor]
    leading = here.minor and above == 11
    degree = 6 if leading else max(i for i, step in enumerate(scale) if step <= above)
    raised = above - scale[degree]
    if leading and (steps or not there.minor):
        raised = 0
    more, degree = divmod(degree + steps, 7)
    way = (there.tonic - here.tonic + 5) % 12 - 5
    return here.tonic + way + 12 * (octave + more) + SCALES[there.minor][degree] + raised
