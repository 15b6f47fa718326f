"""What the instruments of a score are called, in full and in short."""

from __future__ import annotations

from collections.abc import Sequence

from flamingo.composing.instruments import players_of

# General MIDI programs 0 to 127, as a score calls them.
# fmt: off
_NAMES = (
    "Piano", "Bright Piano", "Electric Grand", "Honky-tonk Piano", "Electric Piano", "Electric Piano", "Harpsichord",
    "Clavinet", "Celesta", "Glockenspiel", "Music Box", "Vibraphone", "Marimba", "Xylophone", "Tubular Bells",
    "Dulcimer", "Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ", "Reed Organ", "Accordion",
    "Harmonica", "Bandoneon", "Nylon Guitar", "Steel Guitar", "Jazz Guitar", "Clean Guitar", "Muted Guitar",
    "Overdriven Guitar", "Distortion Guitar", "Guitar Harmonics", "Acoustic Bass", "Fingered Bass", "Picked Bass",
    "Fretless Bass", "Slap Bass", "Slap Bass", "Synth Bass", "Synth Bass", "Violin", "Viola", "Violoncello",
    "Contrabass", "Tremolo Strings", "Pizzicato Strings", "Harp", "Timpani", "Strings", "Slow Strings",
    "Synth Strings", "Synth Strings", "Choir", "Voice", "Synth Voice", "Orchestra Hit", "Trumpet", "Trombone", "Tuba",
    "Muted Trumpet", "Horn", "Brass", "Synth Brass", "Synth Brass", "Soprano Saxophone", "Alto Saxophone",
    "Tenor Saxophone", "Baritone Saxophone", "Oboe", "English Horn", "Bassoon", "Clarinet", "Piccolo", "Flute",
    "Recorder", "Pan Flute", "Bottle", "Shakuhachi", "Whistle", "Ocarina", "Square Lead", "Sawtooth Lead", "Calliope",
    "Chiff", "Charang", "Solo Voice", "Fifths", "Bass and Lead", "New Age Pad", "Warm Pad", "Polysynth", "Choir Pad",
    "Bowed Pad", "Metallic Pad", "Halo Pad", "Sweep Pad", "Rain", "Soundtrack", "Crystal", "Atmosphere", "Brightness",
    "Goblins", "Echoes", "Sci-fi", "Sitar", "Banjo", "Shamisen", "Koto", "Kalimba", "Bagpipe", "Fiddle", "Shanai",
    "Tinkle Bell", "Agogo", "Steel Drums", "Woodblock", "Taiko", "Melodic Tom", "Synth Drum", "Reverse Cymbal",
    "Fret Noise", "Breath", "Seashore", "Bird", "Telephone", "Helicopter", "Applause", "Gunshot",
)
_SHORT = {"Piano": "Pno.", "Violin": "Vln.", "Viola": "Vla.", "Violoncello": "Vc.", "Contrabass": "Cb.",
          "Flute": "Fl.", "Oboe": "Ob.", "Clarinet": "Cl.", "Bassoon": "Bsn.", "Horn": "Hn.", "Trumpet": "Tpt.",
          "Trombone": "Tbn.", "Strings": "Str.", "Piccolo": "Picc.", "Harp": "Hp.", "Timpani": "Timp."}
# fmt: on


def part_names(programs: Sequence[int], part: int) -> tuple[str, str]:
    """The full and the short name of a part; parts that play the same instrument are numbered."""
    name = _NAMES[int(programs[part])] if programs else _NAMES[0]
    same = [i for i, p in enumerate(programs) if _NAMES[int(p)] == name]
    if len(same) > 1:
        name += f" {same.index(part) + 1}"
    words = name.split()
    short = _SHORT.get(words[0]) or (words[0] if len(words[0]) < 5 else words[0][:4].rstrip("aeiou") + ".")
    return name, short + (f" {words[-1]}" if words[-1].isdigit() else "")


def track_names(programs: Sequence[int]) -> list[str]:
    """What each part is called where it stands alone, as a track or in a legend: its instrument, and which hand."""
    names = []
    players = players_of(programs)
    for number, parts in enumerate(players):
        name = part_names([programs[each[0]] for each in players], number)[0]
        names += [name] if len(parts) == 1 else [f"{name}, right hand", f"{name}, left hand"]
    return names
