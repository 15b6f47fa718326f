"""Cases of `promises.py`: scores, MIDI files and films as people have them.

Each makes its own input in an empty folder and looks at what comes out. They are run by
`python bench/promises.py --kind scores --kind films`.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from flamingo import images, video
from flamingo.composing.piece import UNITS
from flamingo.composing.reading.files import from_bytes
from flamingo.errors import FlamingoError, UnreadableVideo, UnsupportedImage
from flamingo.images import folders
from flamingo.images.formats import FILM_SUFFIXES, FILMS_READ

Check = Callable[[Path], bool]
Notes = list[tuple[int, int]]

__all__ = ["cases"]

_DIVISIONS = 24  # of a quarter: as many as a piece has units, so that durations are units


# -- scores --------------------------------------------------------------------------------------------------


def note(step: str, duration: object, *more: str, voice: str = "1", octave: int = 4, chord: bool = False) -> str:
    """A note of a MusicXML score. more: elements after its voice, which is left out where it is ""."""
    said = f"<voice>{voice}</voice>" if voice else ""
    return (
        f"<note>{'<chord/>' if chord else ''}<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{said}{''.join(more)}</note>"
    )


def rest(duration: int, *more: str) -> str:
    return f"<note><rest/><duration>{duration}</duration><voice>1</voice>{''.join(more)}</note>"


def ratio(actual: int, normal: int) -> str:
    return (
        f"<time-modification><actual-notes>{actual}</actual-notes><normal-notes>{normal}</normal-notes>"
        "</time-modification>"
    )


def kind(name: str) -> str:
    return f"<type>{name}</type>"


def tied(text: str, way: str) -> str:
    """The note with a tie that starts or stops."""
    text = text.replace("<voice>", f'<tie type="{way}"/><voice>')
    return text.replace("</note>", f'<notations><tied type="{way}"/></notations></note>')


BACK = "<backup><duration>96</duration></backup>"
TRIPLET = [note(step, 8) for step in "CDE"]
BRACKETLESS = [note(step, 8, kind("eighth"), ratio(3, 2)) for step in "CDE"]


def score(
    *first: str, divisions: object = _DIVISIONS, beats: int = 4, beat: int = 4, more: str = "", root: str = ""
) -> str:
    """A partwise score of one part. first: what stands in its first bar; more: the bars after it."""
    return (
        f'<score-partwise {root} version="4.0"><part-list><score-part id="P1"><part-name>x</part-name></score-part>'
        f'</part-list><part id="P1"><measure number="1"><attributes><divisions>{divisions}</divisions>'
        f"<time><beats>{beats}</beats><beat-type>{beat}</beat-type></time>"
        f"<clef><sign>G</sign><line>2</line></clef></attributes>{''.join(first)}</measure>{more}</part>"
        "</score-partwise>"
    )


def timewise() -> str:
    """Two parts whose divisions differ, ordered by measures."""
    return (
        '<score-timewise version="4.0"><part-list><score-part id="P1"><part-name>x</part-name></score-part>'
        '<score-part id="P2"><part-name>y</part-name></score-part></part-list><measure number="1"><part id="P1">'
        "<attributes><divisions>24</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
        f'{note("C", 48)}{note("D", 48)}</part><part id="P2"><attributes><divisions>2</divisions></attributes>'
        f'{note("C", 8, octave=3)}</part></measure><measure number="2"><part id="P1">{note("C", 96)}</part>'
        f'<part id="P2">{note("C", 8, octave=3)}</part></measure></score-timewise>'
    )


def sounding(data: bytes | str, name: str = "x.musicxml") -> Notes:
    """Start and duration of each note, in units, in order."""
    piece = from_bytes(data.encode() if isinstance(data, str) else data, name)
    return sorted((int(each["start"]), int(each["duration"])) for each in piece.notes)


def one_by_one(*lengths: int) -> Notes:
    """Notes one after another; what is below zero is a rest."""
    found, at = [], 0
    for length in lengths:
        if length > 0:
            found.append((at, length))
        at += abs(length)
    return found


def _written() -> Iterator[tuple[str, str, Notes]]:
    """What a score is, its text, and what sounds."""
    yield "notes without a type", score(note("C", 48), note("D", 24), note("E", 24)), one_by_one(48, 24, 24)
    yield "dots without a type", score(note("C", 36), note("D", 18), note("E", 42)), one_by_one(36, 18, 42)
    yield "five eighths without a type", score(note("C", 60), note("D", 36)), one_by_one(60, 36)
    yield "an empty type", score(note("C", 48, "<type/>"), note("D", 48, kind(""))), one_by_one(48, 48)
    yield "a triplet without types", score(*TRIPLET, note("F", 72)), one_by_one(8, 8, 8, 72)
    yield "a triplet without a bracket", score(*BRACKETLESS, note("F", 72)), one_by_one(8, 8, 8, 72)
    long_short = note("C", 16, kind("quarter"), ratio(3, 2)), note("E", 8, kind("eighth"), ratio(3, 2))
    yield "a long and a short note in a triplet", score(*long_short, note("F", 72)), one_by_one(16, 8, 72)
    plain = [note(step, 8, kind("eighth")) for step in "CDE"]
    yield "a triplet that is told by its durations", score(*plain, note("F", 72)), one_by_one(8, 8, 8, 72)
    yield "a rest in a triplet", score(note("C", 8), rest(8), note("E", 8), note("F", 72)), one_by_one(8, -8, 8, 72)
    chords = [note("C", 8), note("E", 8, chord=True), note("D", 16), note("F", 16, chord=True), note("G", 72)]
    yield "chords in a triplet", score(*chords), [(0, 8), (0, 8), (8, 16), (8, 16), (24, 72)]
    over = [*BRACKETLESS[:2], tied(BRACKETLESS[2], "start"), tied(note("E", 72), "stop")]
    yield "a tie out of a triplet", score(*over), one_by_one(8, 8, 80)
    pair = [note(step, 18, kind("eighth"), ratio(2, 3)) for step in "CD"]
    yield "a duplet in 6/8", score(*pair, note("E", 36), beats=6, beat=8), one_by_one(18, 18, 36)
    below = [note("C", 48, voice="2", octave=3), note("D", 48, voice="2", octave=3)]
    together = [(0, 8), (0, 48), (8, 8), (16, 8), (24, 72), (48, 48)]
    yield "a triplet above another voice", score(*TRIPLET, note("F", 72), BACK, *below), together
    voiceless = [note(step, length, voice="") for step, length in (("C", 24), ("D", 72))]
    deep = note("C", 96, voice="", octave=3)
    yield "two voices that are not numbered", score(*voiceless, BACK, deep), [(0, 24), (0, 96), (24, 72)]
    change = "<attributes><divisions>4</divisions></attributes>"
    inside = [note("C", 24), note("D", 24), change, note("E", 4), note("F", 4)]
    after = f'<measure number="2">{note("G", 16)}</measure>'
    yield "divisions that change inside a bar", score(*inside, more=after), one_by_one(24, 24, 24, 24, 96)
    second = f'<measure number="2"><attributes><divisions>2</divisions></attributes>{note("G", 8)}</measure>'
    yield "divisions that change with a bar", score(note("C", 96), more=second), one_by_one(96, 96)
    decimals = [note("C", "2.5"), note("D", "2.5"), note("E", "5.0")]
    yield "divisions that are decimals", score(*decimals, divisions="2.5"), one_by_one(24, 24, 48)
    named = score(note("C", 48), note("D", 48), root='xmlns="http://www.musicxml.org/ns"')
    yield "a namespace", named, one_by_one(48, 48)
    yield "a score by measures", timewise(), [(0, 48), (0, 96), (48, 48), (96, 96), (96, 96)]
    wrong = [note("C", 48, kind("quarter")), note("D", 36, kind("quarter")), note("E", 12, kind("eighth"))]
    yield "types that contradict the durations", score(*wrong), one_by_one(48, 36, 12)
    rounded = [note("C", 1, kind("eighth"), ratio(3, 2)) for _ in range(2)]
    rounded += [note("C", 2, kind("eighth"), ratio(3, 2)), note("D", 12)]
    yield "durations that are rounded, of a triplet", score(*rounded, divisions=4), one_by_one(8, 8, 8, 72)
    silent = "<note><rest/><duration>72</duration><voice>1</voice><type>whole</type></note>"
    bar = f'<measure number="2">{note("C", 72)}</measure>'
    yield "a whole rest that stands for a bar of 3/4", score(silent, beats=3, more=bar), one_by_one(-72, 72)


def packed(text: str, way: int) -> bytes:
    """A score as compressed MusicXML."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", way) as archive:
        container = '<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("score.xml", text)
    return out.getvalue()


# -- MIDI ----------------------------------------------------------------------------------------------------


def var(number: int) -> bytes:
    """A number of variable length, as MIDI files write it."""
    out = [number & 127]
    while number := number >> 7:
        out.insert(0, number & 127 | 128)
    return bytes(out)


def track(*events: tuple[int, bytes], end: bytes = b"\0\xff\x2f\0") -> bytes:
    """A track of events, each with the ticks before it."""
    body = b"".join(var(wait) + event for wait, event in events) + end
    return b"MTrk" + struct.pack(">I", len(body)) + body


def header(form: int, tracks: int, more: bytes = b"", ticks: int = UNITS) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6 + len(more), form, tracks, ticks) + more


def key(pitch: int, length: int, channel: int = 0) -> list[tuple[int, bytes]]:
    return [(0, bytes([0x90 | channel, pitch, 64])), (length, bytes([0x80 | channel, pitch, 0]))]


def riff(data: bytes, before: bytes = b"") -> bytes:
    body = b"RMID" + before + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _midi() -> Iterator[tuple[str, bytes, Notes, str]]:
    """What a MIDI file is, its bytes, what sounds, and its name."""
    whole = header(0, 1) + track(*key(60, 24), *key(62, 24))
    two = one_by_one(24, 24)
    patterns = header(2, 3) + track(*key(60, 24), *key(62, 72)) + track(*key(64, 24)) + track(*key(65, 48))
    yield "MIDI of format 2: one pattern after another", patterns, one_by_one(24, 72, 24, 48), "x.mid"
    waits = header(2, 2) + track(*key(60, 24), end=b"\x48\xff\x2f\0") + track(*key(64, 24))
    yield "MIDI of format 2: silence at a pattern's end", waits, one_by_one(24, -72, 24), "x.mid"
    channels = header(0, 1) + track(
        (0, b"\x90\x3c\x40"), (0, b"\x91\x40\x40"), (0, b"\x99\x24\x40"), (24, b"\x80\x3c\0"), (24, b"\x81\x40\0")
    )
    yield "MIDI of format 0 with several channels, drums left out", channels, [(0, 24), (0, 48)], "x.mid"
    running = (0, b"\x90\x3c\x40"), (12, b"\xff\x01\x01x"), (12, b"\x3c\0"), (0, b"\x3e\x40"), (24, b"\x3e\0")
    yield "MIDI with running status, a text within", header(0, 1) + track(*running), two, "x.mid"
    yield "MIDI with a longer header", header(0, 1, b"\0\0") + whole[14:], two, "x.mid"
    yield "MIDI that lacks its last four bytes", whole[:-4], two, "x.mid"
    yield "MIDI that ends inside a note", (whole[:-4] + key(64, 24)[0][1])[:-1], two, "x.mid"
    yield "MIDI of more tracks than it says", header(1, 1) + whole[14:] + track(), two, "x.mid"
    yield "MIDI of fewer tracks than it says", header(1, 5) + whole[14:], two, "x.mid"
    yield "MIDI with a foreign chunk", header(1, 2) + b"XFIH\0\0\0\4abcd" + whole[14:], two, "x.mid"
    yield "karaoke", whole, two, "song.kar"
    yield "RIFF MIDI with a list before the data", riff(whole, b"LIST\4\0\0\0INFO"), two, "x.rmi"
    yield "RIFF MIDI that is called .mid", riff(whole), two, "x.mid"


_WORDS = ("symusic", "minimidi", "mido", "verovio", "expat", "errno", "iostream", "exception", "error", "token", "::")


def in_plain_words(data: bytes, name: str) -> bool:
    """Whether a file is read, or refused in words that no library wrote."""
    try:
        from_bytes(data, name)
    except FlamingoError as error:
        return not any(word in str(error).lower() for word in _WORDS)
    return True


def _scores() -> Iterator[tuple[str, Check]]:
    for what, text, notes in _written():
        yield f"MusicXML: {what}", lambda _, text=text, notes=notes: sounding(text) == notes
    plain = score(note("C", 48), note("D", 48))
    for title, way in (("deflated", zipfile.ZIP_DEFLATED), ("stored", zipfile.ZIP_STORED)):
        yield (
            f"compressed MusicXML, {title}",
            lambda _, way=way: sounding(packed(plain, way), "x.mxl") == one_by_one(48, 48),
        )
    yield "MusicXML in UTF-16", lambda _: sounding(plain.encode("utf-16")) == one_by_one(48, 48)
    for what, data, notes, name in _midi():
        yield what, lambda _, data=data, notes=notes, name=name: sounding(data, name) == notes
    cut = header(0, 1) + track(*key(60, 24), *key(62, 24))
    yield (
        "MIDI cut anywhere: no library's words",
        lambda _: all(in_plain_words(cut[:length], "x.mid") for length in range(len(cut))),
    )
    yield (
        "MusicXML cut anywhere: no library's words",
        lambda _: all(
            in_plain_words(plain[:length].encode(), "x.musicxml") for length in range(1, len(plain) - 20, 7)
        ),
    )


# -- films ---------------------------------------------------------------------------------------------------


def picture(number: int) -> NDArray[np.uint8]:
    """A frame of a scene that moves: (48, 64, 3)."""
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([(x + 2 * number) * 2 % 256, y * 4 + number, 255 - x * 2], axis=-1).astype(np.uint8)


def film(
    path: Path, times: Sequence[int], *, codec: str = "libx264", pixels: str = "yuv420p", form: str | None = None,
    sound: float = 0.0, options: dict[str, str] | None = None,
) -> video.Clip:  # fmt: skip
    """What a film is found to be. times: of its frames, in milliseconds; sound: seconds of it."""
    with av.open(str(path), "w", format=form, options=options or {}) as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.time_base = Fraction(1, 25 if form in ("mpeg", "mpegts", "avi", "3gp") else 1000)
        step = 1 if stream.codec_context.time_base.denominator == 1000 else 40
        heard: Any = out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48_000) if sound else None
        for number, time in enumerate(times):
            pixels_of = picture(number)
            if "a" in pixels.replace("gray", ""):
                pixels_of = np.dstack([pixels_of, np.full((48, 64), 90, np.uint8)])
            frame = av.VideoFrame.from_ndarray(pixels_of, "rgba" if pixels_of.shape[2] == 4 else "rgb24")
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = time // step, stream.codec_context.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if heard is not None:
            quiet = av.AudioFrame.from_ndarray(np.zeros((2, round(48_000 * sound)), np.float32), "fltp", "stereo")
            quiet.rate, quiet.pts, quiet.time_base = 48_000, 0, Fraction(1, 48_000)
            context = heard.codec_context
            resampler = av.AudioResampler(context.format.name, "stereo", 48_000, context.frame_size or None)
            for piece in (*resampler.resample(quiet), *resampler.resample(None)):
                out.mux(heard.encode(piece))
            out.mux(heard.encode(None))
    return video.probe(path)


def as_long(clip: video.Clip, frames: int, seconds: float) -> bool:
    """Whether a clip has so many frames and seconds, a rate that goes with them, and is read without a complaint."""
    with video.Reader(clip) as reader:
        read = len(list(reader))
        complaints = reader.notes
    right = abs(clip.seconds - seconds) < 0.05 and abs(float(clip.rate) * seconds / frames - 1) < 0.05
    return right and (clip.frames, read, complaints) == (frames, frames, ())


_EVEN = [40 * number for number in range(25)]
_UNEVEN = [0, 40, 80, 500, 540, 1000, 2000, 2040]
_FORMS = ((".mkv", "libx264"), (".webm", "libvpx-vp9"), (".mp4", "libx264"), (".mov", "libx264"))


def _films() -> Iterator[tuple[str, Check]]:
    for suffix, codec in _FORMS:
        name = f"a{suffix}"

        def made(folder: Path, times: Sequence[int], name: str = name, codec: str = codec, **how: Any) -> video.Clip:
            return film(folder / name, times, codec=codec, **how)

        yield f"{suffix}: sound that goes on", lambda at, made=made: as_long(made(at, _EVEN, sound=3), 25, 1)
        late = [2000 + time for time in _EVEN]
        yield (
            f"{suffix}: a picture that begins late",
            lambda at, made=made, late=late: as_long(made(at, late, sound=3), 25, 1),
        )
        yield f"{suffix}: frames of uneven length", lambda at, made=made: as_long(made(at, _UNEVEN), 8, 2.08)
        yield f"{suffix}: one frame, and sound", lambda at, made=made: as_long(made(at, [0], sound=2), 1, 0.04)
        yield (
            f"{suffix}: three frames in ten seconds",
            lambda at, made=made: as_long(made(at, [0, 5000, 10_000]), 3, 10.04),
        )
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    yield "MP4 in fragments", lambda at: as_long(film(at / "a.mp4", _EVEN, options=fragments), 25, 1)
    yield (
        "WebM that does not say how long it is",
        lambda at: as_long(film(at / "a.webm", _EVEN, codec="libvpx-vp9", options={"live": "1"}), 25, 1),
    )
    for name, codec, pixels in (
        ("a.webm", "libvpx-vp9", "yuva420p"), ("a.mov", "prores_ks", "yuva444p10le"), ("b.mov", "png", "rgba"),
    ):  # fmt: skip
        yield (
            f"transparency of {codec} is said to be left out",
            lambda at, name=name, codec=codec, pixels=pixels: any(
                "transparency" in each for each in film(at / name, _EVEN[:5], codec=codec, pixels=pixels).notes
            ),
        )
    for name, codec, form in (
        ("a.mts", "libx264", "mpegts"), ("a.m2ts", "libx264", "mpegts"), ("a.mpg", "mpeg2video", "mpeg"),
        ("a.mpeg", "mpeg1video", "mpeg"), ("a.3gp", "libx264", "3gp"), ("a.avi", "mjpeg", "avi"),
    ):  # fmt: skip
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        yield (
            f"{name[1:]} as {codec} is read",
            lambda at, name=name, codec=codec, form=form, pixels=pixels: as_long(
                film(at / name, _EVEN, codec=codec, form=form, pixels=pixels), 25, 1
            ),
        )

    def words(folder: Path) -> bool:
        for suffix in sorted(FILM_SUFFIXES - FILMS_READ):
            file = folder / f"clip{suffix}"
            file.write_bytes(b"\x30\x26\xb2\x75" + bytes(400))
            for read, refusal in ((video.probe, UnreadableVideo), (images.read, UnsupportedImage)):
                try:
                    read(file)
                except refusal as error:
                    if "a film of a kind that is not read; convert it to MP4" not in str(error):
                        return False
                else:
                    return False
        return True

    yield "films of kinds that are not read are called so", words

    def left_out(_: Path) -> bool:
        order = folders.sorted_names([f"clip{suffix}" for suffix in FILM_SUFFIXES], None)
        return not order.accepted and all("film" in each.why for each in order.left_out)

    yield "films of every kind are named in a folder or zip of photos", left_out

    def misnamed(folder: Path) -> bool:
        film(folder / "a.mkv", _EVEN[:5])
        (folder / "a.jpg").write_bytes((folder / "a.mkv").read_bytes())
        try:
            images.read(folder / "a.jpg")
        except UnsupportedImage as error:
            return "a film" in error.why
        return False

    yield "a film that is called .jpg is called a film", misnamed


def cases() -> Iterator[tuple[str, str, Check]]:
    """Kind, what, and the check, which is given an empty folder."""
    for what, check in _scores():
        yield "scores", what, check
    for what, check in _films():
        yield "films", what, check
