"""A client for a studio that runs somewhere: the same verbs, on another machine or in another process.

    from flamingo import Client

    with Client("http://127.0.0.1:5555") as studio:
        job = studio.paint("cat.jpg", style="great-wave", strength=0.8)
        job.wait(lambda progress: print(progress.done, "of", progress.all))
        files = job.download("painted")

        piece = studio.compose(photo="cat.jpg", persona="chopin", seconds=30).wait()
        print(studio.verify(files[0])["sentences"])

Files are uploaded, or named by what `upload` returned before. Errors are FlamingoErrors, with what, why and hint as
the studio said them.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

import httpx

from flamingo import errors, files
from flamingo.errors import FlamingoError, UnreadableImage, one_line, show
from flamingo.jobs import errors as job_errors
from flamingo.jobs.job import Failure, Progress, State, plain_name

__all__ = ["Client", "JobFailed", "NotReached", "Refused", "RemoteFile", "RemoteJob", "RemoteResult"]

_PATIENCE = 60.0
_AGAIN_EVERY = 1.0
_UNREACHED_FOR = 60.0  # seconds that a studio may be away while a job is waited for


class NotReached(FlamingoError):
    """No studio answers at the address."""


class Refused(FlamingoError):
    """The studio said no, for a reason that is none of the others. status: of HTTP."""

    status: int = 0


class JobFailed(FlamingoError):
    """The job was waited for, and it failed or was cancelled."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that the studio keeps. width, height: pixels of a picture; seconds: how long music lasts."""

    sha256: str
    name: str
    size: int = 0
    media_type: str = ""
    kind: str = ""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteResult:
    """A file that a job made; `recipe` says how, `about` what else the verb says of it."""

    index: int
    name: str
    size: int
    media_type: str
    recipe: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    sidecar: bool = False


Source = str | os.PathLike[str] | RemoteFile
"""A file on this machine, or one that was uploaded before."""

OnProgress = Callable[[Progress], None]


class Client:
    """A studio at an address. For a `with`, or `close` it.

    Args:
        base_url: where `flamingo serve` listens.
        token: what it printed when it started, if it did.

    Example:
        >>> with Client(url) as studio:  # such as http://127.0.0.1:5555
        ...     file = studio.upload(photo)
        ...     job = studio.ask("feel", {"photos": [file]}, {})
        >>> file.kind, job.state in ("queued", "running", "done")
        ('picture', True)
    """

    def __init__(self, base_url: str = "http://127.0.0.1:5555", token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=_PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def paint(
        self,
        *photos: Source,
        painting: Source | Sequence[Source] = (),
        mask: Source | Sequence[Source] = (),
        fresh: bool = False,
        **parameters: Any,
    ) -> RemoteJob:
        """Paint photos.

        Args:
            *photos: files on this machine, or that were uploaded before.
            painting: files to send, which a text of `style` may name by their file names.
            mask: the same, of masks.
            fresh: do it again, even if it was done before.
            **parameters: as for `flamingo.paint`.

        Returns:
            The job, which waits or is done already.

        Raises:
            BadRequest: a parameter is wrong.
            BadInput: a file cannot be used.
            NotReached: no studio answers.
            Refused: the studio said no for another reason.
        """
        inputs = {"photos": photos, "painting": _listed(painting), "mask": _listed(mask)}
        return self.ask("paint", inputs, parameters, fresh=fresh)

    def compose(
        self,
        *,
        photo: Source | Sequence[Source] = (),
        continue_from: Source | None = None,
        edit: Source | None = None,
        soundfont: Source | None = None,
        fresh: bool = False,
        **parameters: Any,
    ) -> RemoteJob:
        """Compose music.

        Args:
            photo: of several, each gets a part of the piece.
            continue_from: music that it goes on from.
            edit: music of which some bars or parts are composed anew.
            soundfont: what it is played with.
            fresh: do it again, even if it was done before.
            **parameters: as for `flamingo.compose`, and `format`, a list of kinds such as ["mp3", "mid"].

        Returns:
            The job, which waits or is done already.

        Raises:
            BadRequest: a parameter is wrong.
            BadInput: a file cannot be used.
            NotReached: no studio answers.
            Refused: the studio said no for another reason.
        """
        files = {"continue_from": continue_from, "edit": edit, "soundfont": soundfont}
        inputs = {name: [source] for name, source in files.items() if source is not None}
        return self.ask("compose", {"photo": _listed(photo), **inputs}, parameters, fresh=fresh)

    def film(
        self,
        *photos: Source,
        storyboard: Source | None = None,
        painting: Source | Sequence[Source] = (),
        mask: Source | Sequence[Source] = (),
        music: Source | None = None,
        fresh: bool = False,
        **parameters: Any,
    ) -> RemoteJob:
        """Make a film of photos.

        Args:
            *photos: files on this machine, or that were uploaded before.
            storyboard: one to render, of which the photos are those that it names.
            painting: paintings to paint like.
            mask: where to paint.
            music: in place of a piece composed for it.
            fresh: do it again, even if it was done before.
            **parameters: as for `flamingo.film`, and `format`, a list of kinds: ["json"] is the storyboard alone.

        Returns:
            The job, which waits or is done already.

        Raises:
            BadRequest: a parameter is wrong.
            BadInput: a file cannot be used.
            NotReached: no studio answers.
            Refused: the studio said no for another reason.
        """
        inputs = {"photos": photos, "painting": _listed(painting), "mask": _listed(mask)}
        files = {"storyboard": storyboard, "music": music}
        inputs |= {name: [source] for name, source in files.items() if source is not None}
        return self.ask("film", inputs, parameters, fresh=fresh)

    def feel(self, *photos: Source, fresh: bool = False, **parameters: Any) -> RemoteJob:
        """Say what photos, or a sentence, feel like.

        Args:
            *photos: files on this machine, or that were uploaded before.
            fresh: do it again, even if it was done before.
            **parameters: `words`, a sentence in place of photos.

        Returns:
            The job, which waits or is done already.

        Raises:
            BadRequest: a parameter is wrong.
            BadInput: a file cannot be used.
            NotReached: no studio answers.
            Refused: the studio said no for another reason.
        """
        return self.ask("feel", {"photos": photos}, parameters, fresh=fresh)

    def judge(
        self, *results: Source, photo: Source, painting: Source | None = None, fresh: bool = False, **parameters: Any
    ) -> RemoteJob:
        """Say what painted pictures hold of the photo and of the painting; parameters as for `flamingo.judge`."""
        inputs: dict[str, Sequence[Source]] = {"results": results, "photo": [photo]}
        if painting is not None:
            inputs["painting"] = [painting]
        return self.ask("judge", inputs, parameters, fresh=fresh)

    def ask(
        self,
        verb: str,
        inputs: Mapping[str, Sequence[Source]],
        parameters: Mapping[str, Any],
        *,
        fresh: bool = False,
    ) -> RemoteJob:
        """Ask for a job of any verb.

        Args:
            verb: paint, compose, film, feel or judge.
            inputs: files by option.
            parameters: all other options.
            fresh: do it again, even if it was done before.

        Returns:
            The job, which waits or is done already.

        Raises:
            BadRequest: a parameter is wrong.
            BadInput: a file cannot be used.
            NotReached: no studio answers.
            Refused: the studio said no for another reason.
        """
        named = {option: [self._named(source) for source in many] for option, many in inputs.items() if many}
        query = {"fresh": "true"} if fresh else {}
        return RemoteJob(self, self.request("POST", f"/api/{verb}", json={**parameters, **named}, params=query))

    def upload(self, source: str | os.PathLike[str]) -> RemoteFile:
        """Send a file.

        Args:
            source: a file on this machine.

        Returns:
            What the studio says of it.

        Raises:
            BadInput: it cannot be used; the error says why.
            NotReached: no studio answers.
        """
        path = Path(source)
        try:
            with path.open("rb") as file:
                answer = self.request("POST", "/api/files", files={"file": (path.name, file)})
        except (OSError, ValueError) as error:
            if isinstance(error, FlamingoError):
                raise
            why = (getattr(error, "strerror", None) or "it cannot be read").lower()
            raise UnreadableImage(show(path), why, "check the name") from None
        fields = {name: answer[name] for name in RemoteFile.__dataclass_fields__ if name in answer}
        return RemoteFile(**{**fields, "notes": tuple(answer["notes"])})

    def job(self, id: str) -> RemoteJob:
        """A job by its id.

        Args:
            id: what the studio calls it.

        Raises:
            NoSuchJob: there is none.
            NotReached: no studio answers.
        """
        return RemoteJob(self, self.request("GET", f"/api/jobs/{_segment(id)}"))

    def jobs(self, limit: int = 24, **which: Any) -> Iterator[RemoteJob]:
        """The newest jobs.

        Args:
            limit: how many at most.
            **which: verb, state, favourite, search, bin.

        Yields:
            Each job, the newest first.

        Raises:
            NotReached: no studio answers.
        """
        before: str | None = None
        while limit > 0:
            query = {**which, "limit": min(limit, 100), **({"before": before} if before else {})}
            page = self.request("GET", "/api/jobs", params=query)
            yield from (RemoteJob(self, record) for record in page["jobs"])
            limit, before = limit - len(page["jobs"]), page["next"]
            if before is None:
                return

    def verify(self, source: str | os.PathLike[str], sidecar: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """What is known of where a file comes from.

        Args:
            source: a file on this machine.
            sidecar: its sidecar, if it has one.

        Returns:
            State, sentences and the rest, as `flamingo.verify` says it.

        Raises:
            NotReached: no studio answers.
            Refused: the studio said no.
        """
        path = Path(source)
        parts = {"file": (path.name, path.read_bytes())}
        if sidecar is not None:
            parts["sidecar"] = (Path(sidecar).name, Path(sidecar).read_bytes())
        verdict: dict[str, Any] = self.request("POST", "/api/verify", files=parts)
        return verdict

    def choices(self, what: str) -> list[dict[str, Any]]:
        """One of the lists.

        Args:
            what: verbs, styles, personas, moods, models or extras.

        Raises:
            NotReached: no studio answers.
        """
        choices: list[dict[str, Any]] = self.request("GET", f"/api/{_segment(what)}")
        return choices

    def add_style(self, name: str, source: str | os.PathLike[str], *, overwrite: bool = False) -> dict[str, Any]:
        """Keep the painting in a file as a style of the studio's own.

        Args:
            name: what to call it: lower-case letters, digits and hyphens.
            source: a file on this machine.
            overwrite: whether a style of one's own of that name may be replaced.

        Returns:
            What it is listed as.

        Raises:
            BadRequest: it cannot be called so.
            BadInput: the file cannot be used.
            NotReached: no studio answers.
            Refused: the studio said no for another reason.
        """
        file = self.upload(source)
        body = {"sha256": file.sha256, "name": file.name}
        where = f"/api/styles/{_segment(name)}"
        added: dict[str, Any] = self.request("PUT", where, json=body, params={"overwrite": overwrite})
        return added

    def remove_style(self, name: str) -> None:
        """Forget a style of the studio's own."""
        self.request("DELETE", f"/api/styles/{_segment(name)}")

    def request(self, method: str, path: str, **more: Any) -> Any:
        """Any request of the API.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            path: such as /api/jobs.
            **more: as for `httpx.request`.

        Returns:
            The answer as plain values; None if it is empty.

        Raises:
            NotReached: no studio answers.
            FlamingoError: the studio said no; of the kind that its reason has.
        """
        with _reached(self.http):
            answer = self.http.request(method, path, **more)
        if answer.is_error:
            raise _refusal(answer)
        return answer.json() if answer.content else None

    def _named(self, source: Source) -> dict[str, str]:
        file = source if isinstance(source, RemoteFile) else self.upload(source)
        return {"sha256": file.sha256, "name": file.name}


class RemoteJob:
    """A job of a studio, as it was when it was last looked at."""

    def __init__(self, client: Client, record: dict[str, Any]) -> None:
        self._client = client
        self._record = record

    def __repr__(self) -> str:
        return f"<{self._record['verb']} {self.id[:8]}: {self.state}>"

    @property
    def id(self) -> str:
        """What the studio calls it."""
        return str(self._record["id"])

    @property
    def state(self) -> State:
        """queued, running, done, failed or cancelled."""
        state: State = self._record["state"]
        return state

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("queued", "running")

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(**self._record["progress"])

    @property
    def results(self) -> tuple[RemoteResult, ...]:
        """What it made."""
        field_names = ("index", "name", "size", "media_type", "recipe", "about")
        return tuple(
            RemoteResult(
                **{name: result[name] for name in field_names},
                notes=tuple(result["notes"]),
                sidecar=bool(result["sidecar_url"]),
            )
            for result in self._record["results"]
        )

    @property
    def error(self) -> Failure | None:
        """Why it failed."""
        return Failure(**self._record["error"]) if self._record["error"] else None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Inputs without a result though others have one."""
        return tuple(Failure(**failure) for failure in self._record["failures"])

    def as_dict(self) -> dict[str, Any]:
        """All that the studio says of it."""
        return dict(self._record)

    def refresh(self) -> RemoteJob:
        """Look again. Raises NoSuchJob."""
        return self._took(self._client.request("GET", self._path))

    def wait(self, on_progress: OnProgress | None = None, seconds: float | None = None) -> RemoteJob:
        """Wait until it is done.

        Args:
            on_progress: told whenever it changes.
            seconds: how long at most; None for as long as it takes.

        Returns:
            This job, as it is then.

        Raises:
            JobFailed: it failed or was cancelled.
            NotReached: the studio is away for a minute.
            TimeoutError: it takes longer than `seconds`.
        """
        until = None if seconds is None else time.monotonic() + seconds
        for _ in self._changes(until):
            if on_progress is not None:
                on_progress(self.progress)
        if self.state == "done":
            return self
        error = self.error
        if error is None:
            raise JobFailed(f"job {self.id[:8]}", f"it was {self.state}", "retry() begins it again")
        raise JobFailed(error.what, error.why, error.hint)

    def download(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Put the results, and signed sidecars where there are some, into a folder. A file is whole or not there.

        Args:
            folder: where to; it is made if it is not there.
            overwrite: whether files that are there may be replaced.

        Returns:
            The files of the results.

        Raises:
            WouldOverwrite: a file is there already.
            OSError: the folder cannot be made.
            OutputError: anything else that keeps a file from being written.
        """
        into = Path(folder)
        into.mkdir(parents=True, exist_ok=True)
        put = []
        for result in self.results:
            target = into / _plain(result.name, f"result-{result.index}")
            files.check_target(target, overwrite=overwrite)
            files.put(self._content(result.index, ""), target, overwrite)
            if result.sidecar:
                files.put(self._content(result.index, "/sidecar"), target.with_name(f"{target.name}.json"), overwrite)
            put.append(target)
        return put

    def cancel(self) -> RemoteJob:
        """Cancel it, if it waits or runs."""
        return self._took(self._client.request("POST", f"{self._path}/cancel"))

    def retry(self) -> RemoteJob:
        """Begin it again, if it failed or was cancelled. Raises WrongState."""
        return self._took(self._client.request("POST", f"{self._path}/retry"))

    def delete(self) -> RemoteJob:
        """Put it into the bin."""
        return self._took(self._client.request("DELETE", self._path))

    def restore(self) -> RemoteJob:
        """Take it out of the bin."""
        return self._took(self._client.request("POST", f"{self._path}/restore"))

    def purge(self) -> None:
        """Forget it for good, with its files. Raises WrongState unless it is in the bin."""
        self._client.request("DELETE", self._path, params={"purge": "true"})

    def mark(self, *, favourite: bool | None = None, title: str | None = None) -> RemoteJob:
        """Make it a favourite, or give it a title; what is None stays as it is.

        Args:
            favourite: whether it is one.
            title: 200 characters at most; "" for none.
        """
        marks = {"favourite": favourite, "title": title}
        body = {name: value for name, value in marks.items() if value is not None}
        return self._took(self._client.request("PATCH", self._path, json=body))

    @property
    def _path(self) -> str:
        return f"/api/jobs/{self.id}"

    def _took(self, record: dict[str, Any]) -> RemoteJob:
        self._record = record
        return self

    def _content(self, index: int, part: str) -> bytes:
        http = self._client.http
        with _reached(http):
            answer = http.get(f"{self._path}/results/{index}{part}")
        if answer.is_error:
            raise _refusal(answer)
        return answer.content

    def _changes(self, until: float | None) -> Iterator[None]:
        """Each change, as server-sent events tell it; a broken connection is made again."""
        reached = time.monotonic()
        while self.active:
            try:
                for record in self._told_events(until):
                    reached = time.monotonic()
                    self._took(record)
                    yield
            except NotReached:
                if time.monotonic() - reached > _UNREACHED_FOR:
                    raise
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"job {self.id[:8]} is still {self.state}")
            if self.active:
                time.sleep(_AGAIN_EVERY)

    def _told_events(self, until: float | None) -> Iterator[dict[str, Any]]:
        http = self._client.http
        headers = {"Last-Event-ID": str(self._record["revision"])}
        with _reached(http), http.stream("GET", f"{self._path}/events", headers=headers) as answer:
            if answer.is_error:
                answer.read()
                raise _refusal(answer)
            # Every line, for `until` is looked at when the studio says that it is still there, which is a comment:
            # httpx-sse would tell of events alone.
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])
                if until is not None and time.monotonic() > until:
                    return
        if self.active:
            self.refresh()


def _listed(sources: Source | Sequence[Source]) -> Sequence[Source]:
    return [sources] if isinstance(sources, (str, os.PathLike, RemoteFile)) else sources


class _reached:  # noqa: N801
    """Errors of the connection as NotReached."""

    def __init__(self, http: httpx.Client) -> None:
        self._address = str(http.base_url)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if isinstance(error, (httpx.TransportError, httpx.InvalidURL)):
            why = one_line(str(error)) or "it does not answer"
            raise NotReached(self._address, why, "start it with `flamingo serve`, or name its address") from None


def _refusal(answer: httpx.Response) -> FlamingoError:
    """The error that the studio told of, of the same class where that is one of Flamingo's."""
    try:
        problem = answer.json()
        parts = (str(problem["what"]), str(problem["why"]), str(problem["hint"]))
    except (ValueError, KeyError, TypeError):
        return Refused(str(answer.url), f"HTTP status {answer.status_code}", "is this a studio's address?")
    name = "".join(part.capitalize() for part in str(problem.get("type", "")).rpartition(":")[2].split("-"))
    kind = getattr(errors, name, None) or getattr(job_errors, name, None)
    if isinstance(kind, type) and issubclass(kind, FlamingoError):
        return kind(*parts)
    refused = Refused(*parts)
    refused.status = answer.status_code
    return refused


def _segment(text: str) -> str:
    """A part of an address that cannot lead elsewhere."""
    return re.sub(r"[^0-9A-Za-z_-]", "", text) or "none"


def _plain(name: str, otherwise: str) -> str:
    """A name that stays in its folder."""
    plain = plain_name(PurePosixPath(name).name).lstrip(".")
    return re.sub(r'[<>:"|?*\\/]', "_", plain) or otherwise
