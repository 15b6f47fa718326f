"""Measures the studio under load: 50 people who upload and paint at once, while the queue is full.

    python bench/load.py                       50 people, 2 minutes
    python bench/load.py --people 10 --seconds 20
    python bench/load.py --json load.json

Each does what a browser does: looks at the pages, the collection and the choices, sends a photo of its own (none is
like another), looks at its thumbnail, asks for a painting, follows its job for some seconds by server-sent events,
looks at results. Between two steps it waits as long as people do, 0.5 to 2 s. The queue holds 200 jobs and is filled
before the clock starts; what is refused then must be refused with 429. Promised: no answer of 5xx, and for pages
(HTML, and the JSON and thumbnails that fill them) 95 in 100 within 300 ms.

The people are one process, at lower priority than the server, so that they disturb it less. All of it ends by itself,
and nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
from _report import Report
from _studio import ROOT, studio
from PIL import Image

PAGES = ("/", "/paint", "/compose", "/collection", "/about", "/learn")
FILLING = ("/api/jobs", "/api/styles", "/api/verbs", "/api/moods", "/api/health")
QUEUE = 200
MILLISECONDS = 300.0


class Load:
    """What the people do, and what they met."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.times: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []
        self.done = 0
        self._photo = Image.open(ROOT / "docs" / "photos" / "coffee.jpg").convert("RGB").resize((400, 267))
        self._dice = random.Random(seed)
        self._number = 0

    def photo(self) -> bytes:
        """One that nobody has sent before."""
        self._number += 1
        own = self._photo.copy()
        own.putpixel((self._number % 400, self._number // 400 % 267), (255, 0, 0))
        own.putpixel((0, 0), (self._number & 255, self._number >> 8 & 255, 7))
        buffer = io.BytesIO()
        own.save(buffer, "JPEG", quality=88)
        return buffer.getvalue()

    async def ask(self, http: httpx.AsyncClient, kind: str, method: str, path: str, **more: object) -> httpx.Response:
        begun = time.perf_counter()
        try:
            answer = await http.request(method, path, **more)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            self.statuses[kind, 599] += 1
            self.faults.append(f"{method} {path}: {type(error).__name__} {error}")
            return httpx.Response(599)
        self.times[kind].append(time.perf_counter() - begun)
        self.statuses[kind, answer.status_code] += 1
        if answer.status_code >= 500:
            self.faults.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer

    async def person(self, until: float) -> None:
        """One, with a browser of their own."""
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as http:
            await asyncio.sleep(self._dice.random() * 2)
            while time.monotonic() < until:
                await self.ask(http, "page", "GET", self._dice.choice(PAGES))
                await self.ask(http, "page: data", "GET", self._dice.choice(FILLING))
                await self._think(until)
                await self.paint(http, until)
                listed = await self.ask(http, "page: data", "GET", "/api/jobs?state=done&limit=6")
                for job in listed.json()["jobs"][:2] if listed.status_code == 200 else ():
                    for result in job["results"]:
                        await self.ask(http, "page: thumbnail", "GET", result["thumbnail"])
                await self._think(until)

    async def paint(self, http: httpx.AsyncClient, until: float) -> None:
        """Send a photo and have it painted, as long as one cares to wait."""
        sent = await self.ask(http, "upload", "POST", "/api/files", files={"file": ("photo.jpg", self.photo())})
        if sent.status_code != 201:
            return
        file = sent.json()
        await self.ask(http, "page: thumbnail", "GET", file["thumbnail"])
        body = {"model": "fast", "photos": [{"sha256": file["sha256"], "name": "photo.jpg"}]}
        asked = await self.ask(http, "paint", "POST", "/api/paint", json=body)
        if asked.status_code != 202:
            return
        with suppress(TimeoutError, httpx.HTTPError):
            async with (
                asyncio.timeout(min(4.0, max(0.1, until - time.monotonic()))),
                http.stream("GET", f"{asked.json()['url']}/events") as events,
            ):
                self.statuses["events", events.status_code] += 1
                async for line in events.aiter_lines():
                    self.done += '"state":"done"' in line

    async def fill(self, count: int) -> None:
        """Fill the queue."""
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as http:
            sent = await http.post("/api/files", files={"file": ("first.jpg", self.photo())})
            body = {"model": "fast", "photos": [{"sha256": sent.json()["sha256"], "name": "first.jpg"}]}
            for _ in range(count):
                await http.post("/api/paint", params={"fresh": True}, json=body)

    async def _think(self, until: float) -> None:
        await asyncio.sleep(min(0.5 + 1.5 * self._dice.random(), max(0.0, until - time.monotonic())))


async def carry_out(load: Load, people: int, seconds: float) -> dict[str, int]:
    """All of it; jobs that wait and run at the end."""
    await load.fill(QUEUE + 20)
    until = time.monotonic() + seconds
    await asyncio.gather(*(load.person(until) for _ in range(people)))
    async with httpx.AsyncClient(base_url=load.url, timeout=60) as http:
        counts: dict[str, int] = (await http.get("/api/health")).json()["jobs"]
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    report.say(f"{os.cpu_count()} cores, load over 1, 5 and 15 minutes at the start {load}; seed {asked.seed}")
    with (
        tempfile.TemporaryDirectory(prefix="flamingo-load-", ignore_cleanup_errors=True) as folder,
        studio(Path(folder), "--queue", str(QUEUE), "--workers", str(asked.workers)) as (url, _),
    ):
        if hasattr(os, "nice"):
            os.nice(5)
        people = Load(url, asked.seed)
        counts = asyncio.run(carry_out(people, asked.people, asked.seconds))
    tell(report, people, counts, asked)
    report.verdicts()
    report.save()
    return 0 if all(goal.met for goal in report.goals) else 1


def tell(report: Report, load: Load, counts: dict[str, int], asked: argparse.Namespace) -> None:
    report.heading(f"{asked.people} people, {asked.seconds:g} s, {asked.workers} worker(s)")
    rows = []
    for kind, times in sorted(load.times.items()):
        ordered = sorted(times)
        edges = [statistics.median(ordered), ordered[int(0.95 * len(ordered))], ordered[-1]]
        answers = ", ".join(f"{s}: {n}" for (k, s), n in sorted(load.statuses.items()) if k == kind)
        rows.append([kind, str(len(times)), *(f"{1000 * each:.0f}" for each in edges), answers])
        report.figures[kind] = {"answers": len(times), "ms": [1000 * each for each in edges], "statuses": answers}
    report.table(["what", "answers", "median ms", "95 in 100, ms", "slowest ms", "statuses"], rows)
    report.say(
        f"{counts['queued']} jobs wait and {counts['running']} run at the end; {load.done} were seen to be done"
    )
    for fault in load.faults[:20]:
        report.say(fault)
    pages = sorted(each for kind, times in load.times.items() if kind.startswith("page") for each in times)
    p95 = 1000 * pages[int(0.95 * len(pages))]
    report.goal("answers of 5xx, or none at all", "0", str(len(load.faults)), not load.faults)
    report.goal("pages, 95 in 100 within", f"{MILLISECONDS:.0f} ms", f"{p95:.0f} ms", p95 < MILLISECONDS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the studio under load.")
    add = parser.add_argument
    add("--people", type=int, default=50, help="how many at once (default: %(default)s)")
    add("--seconds", type=float, default=120.0, help="for how long (default: %(default)g)")
    add("--workers", type=int, default=1, help="of the studio (default: %(default)s)")
    add("--seed", type=int, default=1)
    add("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
