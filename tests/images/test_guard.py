"""The helper process: it may crash, hang or be killed, and the caller gets one line and the next picture."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import flamingo.images
from flamingo import errors
from flamingo.images import from_bytes, guard, warm_up
from flamingo.processes.host import Host
from tests.images import files


def kill(helper: Host) -> None:
    assert helper.process is not None
    helper.process.kill()
    helper.process.wait()


def test_a_helper_that_dies_costs_one_picture_at_most() -> None:
    good = files.png(files.noise())
    from_bytes(good)
    (helper,) = guard._idle[-1:]
    kill(helper)
    assert from_bytes(good).width == 32


def test_a_crash_while_decoding_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from_bytes(files.png(files.noise()))
    helper = guard._idle[-1]
    # A helper that is gone in the middle of the conversation looks like this from here.
    monkeypatch.setattr(helper, "alive", lambda: True)
    kill(helper)
    with pytest.raises(errors.UnreadableImage, match="makes the decoder fail"):
        from_bytes(files.png(files.noise()))


def test_without_a_helper_pictures_are_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_idle", [])
    monkeypatch.setattr(sys, "executable", "")
    warm_up()
    assert from_bytes(files.png(files.noise())).width == 32


def test_helpers_are_shared_between_threads() -> None:
    arrays = [files.noise(seed=seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda array: from_bytes(files.png(array)), arrays))
    for array, picture in zip(arrays, pictures, strict=True):
        assert (np.rint(picture.rgb * 255) == array).all()
    assert len(guard._idle) <= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_gets_a_helper_of_its_own() -> None:
    """In a fresh interpreter, since forking one that has threads is deprecated."""
    program = """
import os, sys
from flamingo.images import from_bytes
data = bytes.fromhex(sys.argv[1])
from_bytes(data)
child = os.fork()
widths = [from_bytes(data).width for _ in range(5)]
if child == 0:
    os._exit(0 if widths == [32] * 5 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or widths != [32] * 5)
"""
    data = files.saved(files.photo(), "JPEG").hex()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", program, data], check=True, timeout=60, env=environment)


def test_the_public_names_are_those_listed() -> None:
    for name in flamingo.images.__all__:
        assert hasattr(flamingo.images, name)


def test_every_error_is_one_line_with_three_parts() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, errors.FlamingoError):
            error = kind("a\nfile", "because\tof this", "do that")
            assert str(error) == r"a\nfile: because\tof this; do that"
            assert (error.what, error.why, error.hint) == (r"a\nfile", r"because\tof this", "do that")
            assert kind.__name__ in (errors.__doc__ or "")


def test_errors_survive_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(errors.ImageTooLarge("a.png", "too large", "make it smaller")))
    assert str(error) == "a.png: too large; make it smaller"
    assert errors.BadRequest.exit_code == 2 and error.exit_code == 1
