"""The process that a verb runs in. Started by `child`, ended by whoever has had enough.

It stays for the next job, since importing and loading models takes longer than most jobs. It leads a process group,
so that it and all that it starts can be ended at once.

A request (see `flamingo.processes`) has job, target ("module:function"), parameters, files (by option: path and name
of each), many (which of them are lists), folder (of this attempt's), out (the folder in it for results), into (the
option for results, and what it is given; or null), says (what a finding without a file is called). Its progress is
`[done, all, message]`, and the response one of `{"results": [...], "failures": [...]}`, `{"refused": {...}}` if the
verb says that the request or its input is at fault, and `{"fault": "...", "traceback": "..."}` if the verb failed in
a way nobody foresaw.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import math
import mimetypes
import os
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flamingo import logs, settings
from flamingo.errors import FlamingoError, one_line
from flamingo.jobs.job import plain_name
from flamingo.processes.child import serve
from flamingo.results import VerbResult
from flamingo.targets import load

__all__ = ["main"]

_PROGRESS_EVERY = 0.05
_LONGEST_TRACEBACK = 20_000  # characters, of its end
_USUAL, _WARM_AFTER = "flamingo.painting.api", 3.0  # seconds without a request
_NOT_ABOUT = ("file", "files", "beside", "photo", "explanation", "error", "recipe")
_UNTOLD: dict[str, Any] = {"recipe": {}, "notes": [], "about": {}}  # of a file beside a result: told there
_MEDIA_TYPES = {
    ".mid": "audio/midi",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".json": "application/json",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".jxl": "image/jxl",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
}


def main() -> None:
    """Answer requests until the worker is gone."""
    with contextlib.suppress(OSError):  # Linux: if memory runs out, this process is the one to go
        Path("/proc/self/oom_score_adj").write_text("900")
    logs.start(settings.LOG_LEVEL.value())
    # What most requests need is imported while nobody waits for it.
    serve(
        lambda call: (_answer(call.header, call.send), ()),
        when_idle=lambda: importlib.import_module(_USUAL),
        idle_after=_WARM_AFTER,
    )


def _answer(request: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    # What messages must not show: where files lie here, in place of what they were called by the person.
    names = {}
    for path, name in (path_and_name for files in request["files"].values() for path_and_name in files):
        names[path] = names[_seen_from(request["out"], path)] = name or "the file"
        if Path(path).name.startswith("input-"):  # a name of ours
            names[Path(path).name] = name or "the file"
    for folder in (str(Path(request["folder"]) / "in"), request["out"]):
        names[folder + os.sep] = ""
    names = dict(sorted(names.items(), key=lambda item: len(item[0]), reverse=True))
    try:
        answer = _perform(request, names, tell)
    except FlamingoError as error:
        return {"refused": _failure(error, names)}
    except MemoryError:
        return {"fault": "it ran out of memory"}
    except Exception as error:
        reason = one_line(" ".join(str(error).split()))
        fault = f"it failed with {type(error).__name__}: {_shown(reason, names)}"
        # For whoever mends it (`flamingo jobs show`); no answer of the server has it.
        return {"fault": fault, "traceback": traceback.format_exc()[-_LONGEST_TRACEBACK:]}
    _log(request["job"], answer)
    return answer


def _perform(
    request: Mapping[str, Any], names: Mapping[str, str], tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    verb = load(request["target"])
    takes = inspect.signature(verb).parameters
    arguments = dict(request["parameters"])
    for option, files in request["files"].items():
        paths = [Path(path) for path, _ in files]
        arguments[option] = paths if option in request["many"] else paths[0]
    if request["into"] is not None and request["into"][0] in takes:
        option, places = request["into"]
        arguments[option] = tuple(map(Path, places)) if isinstance(places, list) else Path(places)
    if "on_progress" in takes:
        arguments["on_progress"] = _reporter(names, tell)
    results, failures = [], []
    for outcome in verb(**arguments):
        source = getattr(outcome, "source", getattr(outcome, "photo", None))
        name = names.get(str(source), "")
        if outcome.error is not None:
            failures.append({**_failure(outcome.error, names), "name": name})
        account = _account_of(outcome, names)
        written = _files(outcome)
        if not written and outcome.error is None and request["says"]:
            written = [_written(account["about"], Path(request["out"]), source, request["says"])]
        results += [{**account, **_result(file, name, request["says"])} for file in written]
        results += [{**_UNTOLD, **_result(file, _beside(name, file), "")} for file in getattr(outcome, "beside", ())]
    for result in results:
        _reword(Path(result["file"]), names)
    return {"results": results, "failures": failures}


def _files(outcome: Any) -> list[Path]:
    """The files that a verb says it has made. What a user's own verb returns need not be a VerbResult."""
    if isinstance(outcome, VerbResult):
        return list(outcome.written)
    return list(outcome.files) if hasattr(outcome, "files") else [outcome.file] if outcome.file is not None else []


def _account_of(outcome: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """What a verb says of what it has made, and what made it."""
    about = {key: value for key, value in outcome.as_dict().items() if key not in _NOT_ABOUT}
    return {
        "recipe": _plain(getattr(outcome, "recipe", {}), names),
        "notes": [_shown(note, names) for note in outcome.notes],
        "about": _plain(about, names),
    }


def _seen_from(folder: str, path: str) -> str:
    """A file's path as files in that folder would name it."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _reword(file: Path, names: Mapping[str, str]) -> None:
    """Where a result in JSON names an input, it is to do so by the name that a person knows."""
    if file.suffix.lower() == ".json":
        content = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(_plain(content, names), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _beside(source: str, file: Path) -> str:
    """What a file beside the result for `source` is called: cat.jpg's strip.jpg is cat.strip.jpg."""
    return f"{Path(source).stem}.{file.stem}{file.suffix}" if source else ""


def _written(about: Mapping[str, Any], folder: Path, source: Path | None, says: str) -> Path:
    """A finding as a file."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{source.stem if source else 'words'}.{says}.json"
    file.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return file


def _result(file: Path, source: str, says: str) -> dict[str, Any]:
    """What is told of one file. source: what the input that it was made from is called."""
    suffix = file.suffix.lower()
    media_type = _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    name = file.name
    if source:
        kind = f".{says}{suffix}" if says else suffix
        name = Path(source).stem + kind
    beside = file.with_name(f"{file.name}.json")  # where flamingo.provenance puts what a file cannot hold
    sidecar = str(beside) if beside.is_file() else ""
    return {"file": str(file), "name": plain_name(name), "media_type": media_type, "sidecar": sidecar}


def _reporter(names: Mapping[str, str], tell: Callable[[dict[str, Any]], None]) -> Callable[[int, int, object], None]:
    last = 0.0

    def report(done: int, everything: int, message: object) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PROGRESS_EVERY or done >= everything:
            last = now
            tell({"progress": [int(done), int(everything), _shown(str(message), names)]})

    return report


def _failure(error: FlamingoError, names: Mapping[str, str]) -> dict[str, str]:
    parts = {"what": error.what, "why": error.why, "hint": error.hint}
    return {"kind": type(error).__name__, **{k: _shown(v, names) for k, v in parts.items()}}


def _shown(text: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():  # the longest first
        text = text.replace(path, name)
    return text


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    """As JSON has it: no paths, no NaN, no infinities."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, names) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    return value.item() if hasattr(value, "item") else _shown(str(value), names)


def _log(job: str, answer: Mapping[str, Any]) -> None:
    """For benchmarks: a line in the file `FLAMINGO_JOBS_LOG` for every work that was done, before anybody hears."""
    if file := settings.JOBS_LOG.value():
        line = {"job": job, "at": time.time(), "pid": os.getpid(), "results": len(answer["results"])}
        with file.open("a") as log:
            log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
