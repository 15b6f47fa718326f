"""The process in which scores are read: verovio may crash on an odd file, print, or eat memory, so it works here.

Run as a script by reading/files.py, with the kind of score and the limits of memory (bytes) and time (seconds). It
imports nothing of Flamingo, so that it starts quickly. reading/score_worker.py uses `engraved` for many scores.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any
from xml.etree import ElementTree as ET

_MEI = "{http://www.music-encoding.org/ns/mei}"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_LINES = {"dbl": "double", "end": "end", "rptstart": "repeat-begin", "rptend": "repeat-end", "rptboth": "repeat-end"}


def main(kind: str, memory: int, seconds: int) -> None:
    """A score on standard input; a line of JSON and then a MIDI file on standard output."""
    limit(memory, seconds)
    # Verovio prints to the standard output's number too, so the answer goes through a copy of it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer, midi = engraved(sys.stdin.buffer.read().decode("utf-8"), kind)
    out.write(json.dumps(answer).encode() + b"\n" + midi)
    out.close()
    os._exit(0)  # the library's own clearing up may crash after an odd file, and nothing depends on it


def engraved(text: str, kind: str, *, marks: bool = False) -> tuple[dict[str, Any], bytes]:
    """What verovio makes of a score.

    Args:
        text: the score.
        kind: "humdrum", "abc", "mei" or "musicxml".
        marks: whether to tell what is written beside the notes.

    Returns:
        "bars", the quarter notes at which its bars begin and the last one ends, with `marks` also "marks" as `_marks`
        has them; and a MIDI file. Or "error", half a sentence, and nothing.
    """
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions({"breaks": "none"})  # only what sounds is wanted: nothing is laid out on pages
    nothing = {"error": "no score can be made of it"}
    known = {"humdrum": "humdrum", "abc": "abc", "mei": "mei"}.get(kind, "musicxml")
    try:
        if toolkit.setInputFrom(known) is False or not toolkit.loadData(text):
            return nothing, b""
        midi = base64.b64decode(toolkit.renderToMIDI())
        events = toolkit.renderToTimemap({"includeMeasures": True, "includeRests": True})
        events = json.loads(events) if isinstance(events, str) else events
        # The last event is where the last bar ends.
        answer = {"bars": [float(e["qstamp"]) for e in events if "measureOn" in e or e is events[-1]]}
        if marks:
            answer |= _marks(toolkit.getMEI(), events)
    except (RuntimeError, ValueError, KeyError, MemoryError, ET.ParseError):
        return nothing, b""
    return answer, midi


def _marks(mei: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    """What is written in a score beside its notes.

    Args:
        mei: the score as verovio holds it.
        events: its timemap: what begins and ends when.

    Returns:
        "staves": the numbers of the staves that sound, from the top. "marks": rows of kind, begin and end in quarter
        notes, staff (0 for all), and text. Kinds: slur, fermata, hairpin (text: cres or dim), dynamic and words (text
        as written), tempo (as written), line (text: double, end, repeat-begin or repeat-end; at the end of the bar
        that it closes, or the beginning of the one that it opens).
    """
    begins: dict[str, float] = {}
    bars: dict[str, float] = {}
    for event in events:
        for note in event.get("on", ()):
            begins.setdefault(note, float(event["qstamp"]))
        if "measureOn" in event:
            bars.setdefault(event["measureOn"], float(event["qstamp"]))
    last = float(events[-1]["qstamp"])
    staves: set[int] = set()
    rows: list[list[Any]] = []
    measures: list[tuple[float, float, Any]] = []
    metre = 4.0
    for element in ET.fromstring(mei).iter():
        tag = element.tag.removeprefix(_MEI) if isinstance(element.tag, str) else ""
        if tag in ("meterSig", "scoreDef", "staffDef"):
            written = element.get("unit") or element.get("meter.unit") or ""
            metre = float(written) if written.isdigit() else metre
        elif tag == "measure":
            measures.append((bars.get(element.get(_ID, ""), -1.0), metre, element))
    edges = [*(begin for begin, _, _ in measures), last]
    in_time = sorted({*bars.values(), last})  # with repeats what follows on the page is not what follows in time
    for index, (begin, unit, measure) in enumerate(measures):
        if begin < 0:
            continue
        end = next((edge for edge in in_time if edge > begin), last)
        if measure.get("left") in ("rptstart", "rptboth"):
            rows.append(["line", begin, begin, 0, "repeat-begin"])
        if measure.get("right") in _LINES:
            rows.append(["line", end, end, 0, _LINES[measure.get("right")]])
            if measure.get("right") == "rptboth":
                rows.append(["line", end, end, 0, "repeat-begin"])
        where: dict[str, tuple[float, int]] = {}
        for staff in measure.iter(f"{_MEI}staff"):
            number = int(staff.get("n", "0")) if staff.get("n", "0").isdigit() else 0
            for chord in staff.iter(f"{_MEI}chord"):
                inside = [begins[n.get(_ID, "")] for n in chord.iter(f"{_MEI}note") if n.get(_ID) in begins]
                if inside:
                    begins[chord.get(_ID, "")] = min(inside)
                    where[chord.get(_ID, "")] = (min(inside), number)
            for note in staff.iter(f"{_MEI}note"):
                if note.get(_ID) in begins:
                    staves.add(number)
                    where[note.get(_ID, "")] = (begins[note.get(_ID, "")], number)
        for mark in measure:
            tag = mark.tag.removeprefix(_MEI) if isinstance(mark.tag, str) else ""
            kind = {"dynam": "dynamic", "dir": "words"}.get(tag, tag)
            if kind not in ("slur", "phrase", "fermata", "hairpin", "dynamic", "words", "tempo"):
                continue
            kind = "slur" if kind == "phrase" else kind
            start = mark.get("startid", "").removeprefix("#")
            number = int(mark.get("staff", "0").split()[0]) if mark.get("staff", "0").split()[0].isdigit() else 0
            if start in where:
                at, number = where[start]
            elif mark.get("tstamp"):
                at = begin + (float(mark.get("tstamp", "1")) - 1) * 4 / unit
            else:
                at = begins.get(start, begin)
            until = begins.get(mark.get("endid", "").removeprefix("#"), at)
            span = mark.get("tstamp2", "")
            if not mark.get("endid") and "m+" in span:
                later, beat = span.split("m+")
                there = edges[min(index + int(later), len(edges) - 1)]
                until = there + (float(beat) - 1) * 4 / unit
            text = mark.get("form", "") if kind == "hairpin" else " ".join("".join(mark.itertext()).split())[:60]
            rows.append([kind, round(at, 4), round(max(until, at), 4), number, text])
    return {"staves": sorted(staves), "marks": rows}


def limit(memory: int, seconds: int) -> None:
    """Bound this process's memory and processor time, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for resource_kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(resource_kind, (most, most))
        except (OSError, ValueError):
            continue


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
