"""The host's side of the protocol in `flamingo.processes`.

    host = Host("flamingo.jobs.runner")
    header, payload = host.request({"job": ...}, timeout=60)
    host.end()

A thread of its own watches each request: no system lets one wait for a pipe, the clock and the child at once.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any

from flamingo.errors import FlamingoError
from flamingo.processes import error_from, module_command, module_environment

__all__ = ["CannotStart", "ChildError", "ChildTimeout", "Host", "exactly"]

_log = logging.getLogger(__name__)

_TICK = 0.1  # seconds between two looks at a child
_STDERR = 20_000  # bytes of its end that are kept
_EXIT, _LAST_WORDS = 5.0, 0.5  # seconds that a child which is silent has to end, and its stderr to be read
_SIGNALS = {number.value: number.name for number in signal.Signals}

Watch = Callable[[], object]


class CannotStart(OSError):
    """No process can be started here."""


class ChildError(Exception):
    """There is no response, and the child is gone: it ended by itself, or somebody ended it.

    Attributes:
        reason: half a sentence: "it was tried three times, and ...".
        returncode: as `subprocess` has it.
        stderr: the end of what the child said there.
    """

    def __init__(self, reason: str, returncode: int | None = None, stderr: str = "") -> None:
        super().__init__(f"{reason}\n{stderr}".strip())
        self.reason, self.returncode, self.stderr = reason, returncode, stderr


class ChildTimeout(ChildError):
    """The child took longer than it may, and was ended."""


class Host:
    """One child process, started when needed and kept for the next request. It answers one at a time, and any thread
    may `end` it.

    Args:
        module: what the child runs: it calls `child.serve`.
        environment: variables for it, besides those of this process.
        group: whether the child leads a process group, all of which ends with it; for one that starts others.
        errors: what the child may raise here; what else it tells of is a BadInput.
        quiet: whether what it says on standard error is only kept, and not passed on to that of this process.
        requests: after so many there is a fresh process, which bounds whatever a library may leak.
    """

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str] | None = None,
        *,
        group: bool = True,
        errors: type[FlamingoError] = FlamingoError,
        quiet: bool = True,
        requests: int = sys.maxsize,
    ) -> None:
        self._module, self._environment = module, environment or {}
        self._group, self._errors, self._quiet, self._most_requests = group, errors, quiet, requests
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._ready, self._requests, self._stderr = False, 0, bytearray()
        self._verdict: BaseException | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, if one is there."""
        process = self.process
        return process.pid if process is not None and process.poll() is None else None

    def alive(self) -> bool:
        """Whether there is a process."""
        return self.pid is not None

    def start(self) -> None:
        """Have a process, without waiting for it. Raises CannotStart."""
        if self.alive() and self._requests < self._most_requests:
            return
        self.end()
        try:
            process = subprocess.Popen(
                module_command(self._module),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=module_environment(**self._environment),
                start_new_session=self._group,
            )
        except (OSError, TypeError) as error:  # it may not be known where Python is
            raise CannotStart(*error.args) from None
        self._ready, self._requests, self._stderr = False, 0, bytearray()
        reading = (process.stderr, self._stderr, self._quiet)
        self._reader = threading.Thread(target=_read_stderr, args=reading, daemon=True)
        self._reader.start()
        _log.debug("%s is started as process %d", self._module, process.pid)
        self.process = process

    def end(self) -> None:
        """End the process and all that it has started, at once, and wait until it is gone."""
        with self._lock:
            process, self.process = self.process, None
        if process is not None:
            self._kill(process)
            for pipe in _pipes(process):
                with suppress(OSError):
                    pipe.close()
            process.wait()
            _log.debug("%s, process %d, has ended (%s)", self._module, process.pid, process.returncode)

    def abandon(self) -> None:
        """After a fork, in the copy: leave the process to the parent, for two must not speak into one pipe."""
        process, self.process = self.process, None
        if process is not None:
            for pipe in (*_pipes(process), process.stderr):
                pipe.close()  # type: ignore[union-attr]
            process.returncode = 0  # nothing of ours, to be waited for

    def wait_ready(self, timeout: float, watch: Watch | None = None) -> None:
        """Have a process that is ready for a request. Raises as `exchange`."""
        self.start()
        with self._watched(timeout, watch) as (_, source):
            self._await_ready(source)

    def request(self, header: dict[str, Any], payload: bytes = b"", **how: Any) -> tuple[dict[str, Any], bytes]:
        """The header and the payload of the response to a request: see `exchange`, which takes the same."""
        with self.exchange(header, payload, **how) as (answer, source):
            return answer, exactly(source, answer.get("bytes", 0))

    @contextmanager
    def exchange(
        self,
        header: dict[str, Any],
        payload: bytes = b"",
        *,
        timeout: float,
        first: float = 0.0,
        watch: Watch | None = None,
        on_progress: Callable[[Any], object] = lambda progress: None,
    ) -> Iterator[tuple[dict[str, Any], IO[bytes]]]:
        """Have a request answered: the header of the response, and the pipe, from which all of its payload is to be
        read in the context.

        Args:
            header: what is asked.
            payload: bytes that go with it.
            timeout: seconds until the child is ended, or as `extend` says later.
            first: seconds more for the first request to a process, which may have to start.
            watch: called several times a second, in a thread of its own. What it raises ends the child, and is raised
                here.
            on_progress: called with what the child says of its progress.

        Raises:
            CannotStart: there is no process, and none can be started.
            ChildTimeout: it took too long.
            ChildError: it ended, or said something that is no message.
            FlamingoError: the response is an error.
        """
        self.start()
        with self._watched(timeout if self._requests else timeout + first, watch) as (sink, source):
            self._requests += 1
            self._await_ready(source)
            sink.write(json.dumps({**header, "bytes": len(payload)}).encode() + b"\n")
            sink.write(payload)
            sink.flush()
            while "progress" in (answer := _message(source)):
                on_progress(answer["progress"])
            if "error" not in answer:
                yield answer, source
                return
        raise error_from(answer, self._errors)

    def extend(self, seconds: float) -> None:
        """Give the request at hand so many seconds from now, whatever its timeout was."""
        self._deadline = time.monotonic() + seconds

    def total(self, measure: Callable[[Any], float], started: bool = True) -> float:
        """The sum of something over the process, as `psutil` has it, and those that it has started; 0 for none."""
        total, pid = 0.0, self.pid
        for process in [] if pid is None else _members(pid, started):
            with suppress(Exception):  # it has just ended
                total += measure(process)
        return total

    @contextmanager
    def _watched(self, timeout: float, watch: Watch | None) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The pipes to the child, while it is watched. Whatever fails ends it, for half a message may be in them."""
        process = self.process
        if process is None:
            raise ChildError("its host ended it")
        self._verdict, self._deadline = None, time.monotonic() + timeout
        done, whole = threading.Event(), False
        watcher = threading.Thread(target=self._watch, args=(process, watch, done), daemon=True)
        watcher.start()
        try:
            yield _pipes(process)
            whole = True
        except (OSError, EOFError, ValueError) as error:
            raise self._verdict or self._death(process) from error
        finally:
            done.set()
            watcher.join()
            if not whole:
                self.end()

    def _watch(self, process: subprocess.Popen[bytes], watch: Watch | None, done: threading.Event) -> None:
        try:
            while not done.wait(max(0.0, min(_TICK, self._deadline - time.monotonic()))):
                if time.monotonic() >= self._deadline:
                    raise ChildTimeout("it took too long")
                if process.poll() is not None:
                    break
                if watch:
                    watch()
            else:
                return
        except BaseException as verdict:
            self._verdict = verdict
        self._kill(process)  # also if it has ended: what it has started may hold its pipes

    def _await_ready(self, source: IO[bytes]) -> None:
        if not self._ready and "ready" not in _message(source):
            raise ValueError
        self._ready = True

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        if self._group:
            # Those that have left the group. Of a process that is over the number may be another's by now.
            started = _members(process.pid)[1:] if process.poll() is None else []
            with suppress(OSError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            for member in started:
                with suppress(Exception):
                    member.kill()
        process.kill()

    def _death(self, process: subprocess.Popen[bytes]) -> ChildError:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_EXIT)
        self._reader.join(_LAST_WORDS)
        code, last_words = process.returncode, self._stderr.decode(errors="replace").strip()
        if code is None:
            return ChildError("its process fell silent", code, last_words)
        end = f"ended by itself (exit code {code})" if code >= 0 else f"was ended by {_SIGNALS.get(-code, -code)}"
        return ChildError(f"its process {end}", code, last_words)


def exactly(source: IO[bytes], size: int) -> bytes:
    """So many bytes of a pipe. Raises EOFError."""
    data = source.read(size)
    if len(data) != size:
        raise EOFError
    return data


def _message(source: IO[bytes]) -> dict[str, Any]:
    message = json.loads(source.readline() or "{}")
    if not message or not isinstance(message, dict):
        raise EOFError
    return message


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


def _members(pid: int, started: bool = True) -> list[Any]:
    import psutil  # here, for whoever only decodes does not need it

    members: list[Any] = []
    with suppress(psutil.Error):
        members.append(psutil.Process(pid))
        members += members[0].children(recursive=True) if started else ()
    return members


def _read_stderr(source: IO[bytes], tail: bytearray, quiet: bool) -> None:
    with suppress(OSError, ValueError), source:
        while chunk := os.read(source.fileno(), 1 << 16):
            tail += chunk
            del tail[:-_STDERR]
            if not quiet:
                with suppress(OSError):
                    os.write(2, chunk)
