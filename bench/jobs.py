"""Measures whether jobs survive: kill -9 of workers and server at random moments, overhead, cancelling.

    python bench/jobs.py                          SQLite, and a PostgreSQL of its own in a temporary folder
    python bench/jobs.py --only sqlite --json jobs.json
    python bench/jobs.py --quick                  a few jobs and kills, to see that it works

The jobs that are killed are real ones: three in five paint a photo at 96 px with the painter `fast`, the others
compose five seconds to a MIDI file, each different from all others. A server in a process of its own takes the
requests and has two workers; like a browser, this process sends a request again when the server dies before answering
it. Overhead is measured with a verb that does nothing but wait 20 ms. All of it ends by itself, and nothing leaves
the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import _postgres
import psutil
from _report import Report

from flamingo.jobs import Input, Job, Jobs, Result, Settings, Workers

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "docs" / "photos" / "chelsea.jpg"
VERBS = {name: f"_job_verbs:{name}" for name in ("tick", "hold")}
DATABASES = ("sqlite", "postgresql")
SLOTS = 2
WINDOW = 20  # requests on their way at a time, so that the server is asked all along


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.serve:
        return serve(asked.serve)
    report = Report(asked.json, asked.quick)
    if asked.quick:
        asked.jobs, asked.workers, asked.servers, asked.children = 10, 2, 1, 1
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    report.figures["machine"] = {"cores": os.cpu_count(), "load": load, "seed": asked.seed}
    report.say(f"{os.cpu_count()} cores, load over 1, 5 and 15 minutes at the start {load}; seed {asked.seed}")
    for database in asked.only or DATABASES:
        if database == "sqlite":
            measure(report, asked, database, None)
        elif reason := _postgres.missing():
            report.leave_out(f"PostgreSQL: {reason}")
        else:
            with _postgres.server() as url:
                measure(report, asked, database, url)
        report.save()
    report.verdicts()
    report.save()
    return 0 if all(goal.met is not False for goal in report.goals) else 1


def measure(report: Report, asked: argparse.Namespace, name: str, url: str | None) -> None:
    """Everything about one database."""
    report.heading(f"Jobs on {name}")
    with tempfile.TemporaryDirectory(prefix="flamingo-jobs-", ignore_cleanup_errors=True) as folder:
        settings = Settings(Path(folder), url, memory=2 << 30, seconds=120, verbs=VERBS)
        figures = {
            "survival": Survival(settings, asked).run(),
            "overhead": overhead(settings, 10 if asked.quick else 100),
            "cancel": cancelling(settings, 3 if asked.quick else 10),
        }
    report.figures[name] = figures
    survival, spent, cancelled = figures["survival"], figures["overhead"], figures["cancel"]
    report.table(["", name], [[key, str(value)] for key, value in survival.items()])
    report.table(["overhead", "ms"], [[key, f"{1e3 * value:.0f}"] for key, value in spent.items()])
    report.table(
        ["cancelling, until all its processes are gone", "s"], [[k, f"{v:.2f}"] for k, v in cancelled.items()]
    )
    wrong = {key: survival[key] for key in ("lost", "doubled", "mixed up", "processes left behind")}
    measured = ", ".join(f"{value} {key}" for key, value in wrong.items())
    kills = f"{survival['kill -9 of workers']} + {survival['kill -9 of the server']} kills"
    report.goal(
        f"{name}: {survival['asked for']} jobs, {kills}", "none lost, none doubled", measured, not any(wrong.values())
    )
    mean = spent["a job, in a row on one slot"]
    processor = spent["processor time a job, asking and looking included"]
    measured = f"{1e3 * mean:.0f} ms (processor time {1e3 * processor:.0f} ms)"
    report.goal(f"{name}: overhead a job", "< 100 ms", measured, mean < 0.1)
    slowest = cancelled["slowest"]
    report.goal(f"{name}: cancelling", "<= 2 s", f"{slowest:.2f} s", slowest <= 2)


# -- surviving ----------------------------------------------------------------------------------------------------


class Survival:
    """Asks for jobs, kills, and counts what is left. Bounded by `--limit` seconds."""

    def __init__(self, settings: Settings, asked: argparse.Namespace) -> None:
        self.settings = settings
        self.jobs = asked.jobs
        self.random = random.Random(asked.seed)
        kinds = ["worker"] * asked.workers + ["server"] * asked.servers + ["child"] * asked.children
        self.random.shuffle(kinds)
        # Each when so many jobs are over, so that they fall all along the run whatever the machine's speed.
        self.kills = sorted((self.random.uniform(0, 0.95 * self.jobs), kind) for kind in kinds)
        self.killed: Counter[str] = Counter()
        self.limit = asked.limit
        self.log = settings.data / "executions.log"
        self.ids: dict[int, str] = {}
        self.family: set[psutil.Process] = set()

    def run(self) -> dict[str, int | float | str]:
        os.environ["FLAMINGO_JOBS_LOG"] = str(self.log)
        begun = time.monotonic()
        server = Server(self.settings)
        try:
            with Jobs(self.settings) as jobs:
                photo = jobs.store.put([PHOTO.read_bytes()])
                due = 0.0
                while time.monotonic() - begun < self.limit:
                    for number, job in server.answers():
                        self.ids[number] = job
                    over = [job for job in everything(jobs) if not job.active]
                    for number in range(min(self.jobs, len(over) + WINDOW)):
                        if number not in self.ids and number not in server.asked:
                            server.ask(number, *wish(number, photo.sha256))
                    self.family |= server.family()
                    if self.kills and len(over) >= self.kills[0][0] and time.monotonic() >= due:
                        if self.kill(server, self.kills[0][1]):
                            self.kills.pop(0)
                            due = time.monotonic() + self.random.uniform(0, 2)
                        if not server.alive():
                            server = Server(self.settings)
                    if len(over) == len(self.ids) == self.jobs and not self.kills:
                        break
                    time.sleep(0.1)
                wall = time.monotonic() - begun
                server.close()
                return self.verdict(jobs, wall)
        finally:
            server.close()
            del os.environ["FLAMINGO_JOBS_LOG"]

    def kill(self, server: Server, kind: str) -> bool:
        """kill -9 of one process of this kind, drawn by chance; False if there is none just now."""
        module = {"worker": "flamingo.jobs.worker", "child": "flamingo.jobs.runner"}
        found = [server.process] if kind == "server" else [p for p in server.family() if module[kind] in words(p)]
        if not found:
            return False
        victim = self.random.choice(sorted(found, key=lambda p: p.pid))
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        self.killed[kind] += 1
        return True

    def verdict(self, jobs: Jobs, wall: float) -> dict[str, int | float | str]:
        time.sleep(1)
        left = [p for p in self.family if alive(p)]
        for process in left:
            process.kill()
        every = everything(jobs)
        done = {job.id for job in every if job.state == "done" and whole(jobs, job)}
        lost = [n for n in range(self.jobs) if self.ids.get(n) not in done]
        events = Counter(job.id for job in every for event in jobs.events(job.id) if event["kind"] == "done")
        requests = Counter(job.request for job in every)
        doubled = [job.id for job in every if len(job.results) > 1 or events[job.id] > 1]
        doubled += [request for request, count in requests.items() if count > 1]
        mixed = [job.id for job in every if any(not own(job, result) for result in job.results)]
        worked = Counter(json.loads(line)["job"] for line in self.log.read_text().splitlines())
        return {
            "asked for": self.jobs,
            "kill -9 of workers": self.killed["worker"],
            "kill -9 of the server": self.killed["server"],
            "kill -9 of the workers' children": self.killed["child"],
            "done": len(done),
            "lost": len(lost),
            **{f"lost: request {n}": self.fate(jobs, n) for n in lost},
            "doubled": len(doubled),
            "mixed up": len(mixed),
            "done by the log of executions": len(worked),
            "worked on again, since a kill came before the result was written down": sum(worked.values())
            - len(worked),
            "beginnings that a kill ended": sum(job.interruptions + job.attempts - 1 for job in every),
            "processes left behind": len(left),
            "seconds": round(wall, 1),
        }

    def fate(self, jobs: Jobs, number: int) -> str:
        """What became of a request whose result is not there."""
        if number not in self.ids:
            return "never answered"
        job = jobs.get(self.ids[number])
        return f"{job.verb}, {job.state}" + (f": {job.error}" if job.error else "")


def wish(number: int, photo: str) -> tuple[str, dict[str, Any], dict[str, list[list[str]]]]:
    """The request of this number."""
    if number % 5 < 3:
        wanted = {"model": "fast", "size": 96, "style": "udnie", "strength": 1 - number / 1000}
        return "paint", wanted, {"photos": [[photo, f"{number}.jpg"]]}
    return "compose", {"seconds": 5, "format": ["mid"], "seed": number}, {}


def own(job: Job, result: Result) -> bool:
    """Whether the result was made from what this job asked for: each asks for something that no other does."""
    telling = "strength" if job.verb == "paint" else "seed"
    return bool(result.recipe[telling] == job.parameters[telling])


def everything(jobs: Jobs) -> list[Job]:
    """All jobs there are."""
    found = jobs.list(500)
    while len(found) % 500 == 0 and found:
        more = jobs.list(500, before=found[-1].id)
        if not more:
            break
        found += more
    return found


def whole(jobs: Jobs, job: Job) -> bool:
    """Whether each result, and its sidecar, is in the store, with the content that its name promises."""
    if not job.results:
        return False
    for result in job.results:
        for name in (result.sha256, result.sidecar):
            if not name:
                continue
            if not jobs.store.exists(name):
                return False
            if hashlib.sha256(jobs.store.path(name).read_bytes()).hexdigest() != name:
                return False
    return True


def alive(process: psutil.Process) -> bool:
    """Whether it does anything any more: one that has ended stays in the list until it is buried."""
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


class Server:
    """A server in a process of its own, spoken to over its pipes."""

    def __init__(self, settings: Settings) -> None:
        command = [sys.executable, str(Path(__file__).resolve()), "--serve", str(settings.data)]
        self._pipe = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=settings.environment(), text=True
        )
        self.process = psutil.Process(self._pipe.pid)
        self.asked: set[int] = set()
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, number: int, verb: str, parameters: dict[str, Any], inputs: dict[str, list[list[str]]]) -> None:
        assert self._pipe.stdin is not None
        with suppress(OSError):
            self._pipe.stdin.write(json.dumps([number, verb, parameters, inputs]) + "\n")
            self._pipe.stdin.flush()
        self.asked.add(number)

    def answers(self) -> Iterator[tuple[int, str]]:
        with suppress(queue.Empty):
            while True:
                number, job = json.loads(self._lines.get_nowait())
                yield number, job

    def alive(self) -> bool:
        return self._pipe.poll() is None

    def family(self) -> set[psutil.Process]:
        """All processes that it has started, and theirs."""
        with suppress(psutil.Error):
            return set(self.process.children(recursive=True))
        return set()

    def close(self) -> None:
        assert self._pipe.stdin is not None
        with suppress(OSError):
            self._pipe.stdin.close()
        try:
            self._pipe.wait(15)
        except subprocess.TimeoutExpired:
            self._pipe.kill()
            self._pipe.wait()

    def _listen(self) -> None:
        assert self._pipe.stdout is not None
        for line in self._pipe.stdout:
            if line.endswith("\n"):
                self._lines.put(line)


def serve(data: Path) -> int:
    """Be the server: a request a line in, the id of its job a line out, until the input ends."""
    settings = Settings.of(data, memory=2 << 30, seconds=120, verbs=VERBS)
    with Jobs(settings) as jobs, Workers(settings, SLOTS):
        for line in sys.stdin:
            number, verb, parameters, inputs = json.loads(line)
            files = {option: [Input(*each) for each in many] for option, many in inputs.items()}
            print(json.dumps([number, jobs.submit(verb, parameters, files).id]), flush=True)
    return 0


# -- overhead and cancelling --------------------------------------------------------------------------------------


@contextmanager
def at_work(settings: Settings) -> Iterator[Jobs]:
    """Jobs with one worker, which has done its first."""
    with Jobs(settings) as jobs, Workers(settings, slots=1):
        over(jobs, [jobs.submit("tick", {"number": 0}, reuse=False)])
        yield jobs


def over(jobs: Jobs, asked: list[Job]) -> list[Job]:
    """The jobs once they are over, for which they have a minute and a second each."""
    until = time.monotonic() + 60 + len(asked)
    while time.monotonic() < until:
        if not any(jobs.get(job.id).active for job in asked[::-1]):
            return [jobs.get(job.id) for job in asked]
        time.sleep(0.2)
    raise TimeoutError("the jobs do not end")


def overhead(settings: Settings, number: int) -> dict[str, float]:
    """Seconds a job beyond its work, in a row on one slot, and for one that comes when nothing is to do; and the
    processor time that a job of the row takes in all processes, which on a busy machine is less than the clock's."""

    def work(job: Job) -> float:
        return float(job.results[0].about["seconds"])

    with at_work(settings) as jobs:
        used, begun = processor_time(), time.perf_counter()
        asked = [jobs.submit("tick", {"number": i}, reuse=False) for i in range(number)]
        asking = (time.perf_counter() - begun) / number
        row = over(jobs, asked)
        used = processor_time() - used
        lone = []
        for i in range(max(3, number // 5)):
            time.sleep(random.Random(i).uniform(0.2, 0.6))
            (job,) = over(jobs, [jobs.submit("tick", {"number": i}, reuse=False)])
            lone.append((job.ended or 0.0) - job.created - work(job))
    spans = [(job.ended or 0.0) - (job.started or 0.0) - work(job) for job in row]
    whole_row = max(job.ended or 0.0 for job in row) - min(job.started or 0.0 for job in row)
    return {
        "a job, in a row on one slot": (whole_row - sum(map(work, row))) / number,
        "of it between beginning and end": statistics.mean(spans),
        "processor time a job, asking and looking included": used / number,
        "asking for a job, until it is written down": asking,
        "a lone job, from asking to result, median": statistics.median(lone),
        "a lone job, slowest": max(lone),
    }


def processor_time() -> float:
    """Seconds of this process and all that it has started so far."""
    whole = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            whole += times.user + times.system
    return whole


def cancelling(settings: Settings, number: int) -> dict[str, float]:
    """Seconds from `cancel` until a job that will not end, and its child that will not either, are gone."""
    taken = []
    with at_work(settings) as jobs:
        for i in range(number):
            diary = settings.data / f"diary-{i}"
            job = jobs.submit("hold", {"diary": str(diary)})
            until = time.monotonic() + 60
            while not (diary.exists() and diary.read_text().endswith("\n")):
                if time.monotonic() > until:
                    raise TimeoutError("the job does not begin")
                time.sleep(0.02)
            family = [psutil.Process(int(pid)) for pid in diary.read_text().split()]
            begun = time.perf_counter()
            jobs.cancel(job.id)
            while any(map(alive, family)) and time.perf_counter() - begun < 10:
                time.sleep(0.01)
            taken.append(time.perf_counter() - begun)
    return {"median": statistics.median(taken), "slowest": max(taken)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", choices=DATABASES, action="append", help="this database alone")
    add("--jobs", type=int, default=100, help="jobs to ask for (default: %(default)s)")
    add("--workers", type=int, default=20, metavar="N", help="kill -9 of workers (default: %(default)s)")
    add("--servers", type=int, default=5, metavar="N", help="kill -9 of the server (default: %(default)s)")
    add("--children", type=int, default=5, metavar="N", help="kill -9 of workers' children (default: %(default)s)")
    add("--limit", type=float, default=1800.0, metavar="S", help="seconds for the kills (default: %(default)g)")
    add("--seed", type=int, default=0, help="of the moments and victims (default: %(default)s)")
    add("--quick", action="store_true", help="10 jobs and 4 kills; goals are not judged")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add("--serve", type=Path, metavar="DATA", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
