"""The one way a network is run, chosen once: OpenVINO on x86-64, ONNX Runtime elsewhere, CUDA where asked for.

No deep-learning framework is needed for any of them. `FLAMINGO_RUNTIME` (openvino, onnxruntime, cuda) overrides
the choice and `FLAMINGO_THREADS` the number of threads. All of them compute in 32-bit floats, so that the same
request gives the same picture on every machine to within rounding; `FLAMINGO_PRECISION=bf16` trades that for speed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flamingo import settings
from flamingo.errors import BadRequest, ModelCorrupt
from flamingo.folders import user_cache
from flamingo.private import private_folder

Array = NDArray[np.float32]


class Network(Protocol):
    """A loaded network: named float32 arrays in, the first output out; `outputs` gives all, in the file's order.
    `inputs`: the names that it takes."""

    inputs: frozenset[str]

    def __call__(self, **inputs: Array) -> Array: ...

    def outputs(self, **inputs: Array) -> list[Array]: ...

    def views(self, **inputs: Array) -> list[Array]:
        """As `outputs`, but they may hold only until the network is called again, which saves a copy."""
        ...


class _OpenVINO:
    def __init__(self, model: Path | bytes, threads: int | None, precision: str = "f32") -> None:
        core = _openvino_core()
        # Without the last, networks with 8-bit weights would be computed in 8 bits too.
        config: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
        }
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        if isinstance(model, Path) and (cache := _cache_of(model)) is not None:
            config["CACHE_DIR"] = str(cache)
        source = str(model) if isinstance(model, Path) else core.read_model(model)
        self._compiled = core.compile_model(source, "CPU", config)
        self._request = self._compiled.create_infer_request()
        self.inputs = frozenset(name for port in self._compiled.inputs for name in port.names)

    def __call__(self, **inputs: Array) -> Array:
        self._infer(inputs)
        return self._output(0)

    def outputs(self, **inputs: Array) -> list[Array]:
        self._infer(inputs)
        return [self._output(i) for i in range(len(self._compiled.outputs))]

    def views(self, **inputs: Array) -> list[Array]:
        self._infer(inputs)
        return [np.asarray(self._request.get_output_tensor(i).data) for i in range(len(self._compiled.outputs))]

    def _infer(self, inputs: Mapping[str, Array]) -> None:
        self._request.infer({k: np.ascontiguousarray(v) for k, v in inputs.items()}, share_inputs=True)

    def _output(self, index: int) -> Array:
        # The output tensor is reused by the next call: the caller gets its own copy.
        return np.array(self._request.get_output_tensor(index).data, dtype=np.float32)


_KEPT_DAYS = 30


def _cache_of(file: Path) -> Path | None:
    """The folder where OpenVINO keeps a network as it has compiled it, which it does in a fifth of a second and loads
    in a twentieth; None where there can be none.

    OpenVINO knows a network by its path and time alone, so the folder is of this very file, and of the tensors beside
    it that it may borrow. Folders that were not used for a month are removed when another is made.
    """
    beside = sorted(other for other in file.parent.glob("*.safetensors") if file.stem.startswith(other.stem))
    try:
        facts = [
            (path.name, status.st_size, status.st_mtime_ns) for path in (file, *beside) if (status := path.stat())
        ]
        key = repr((str(file.resolve()), import_openvino().__version__, facts))
        folder = user_cache("networks") / hashlib.sha256(key.encode()).hexdigest()[:24]
        if not folder.is_dir():
            private_folder(folder)
            _forget_older(folder)
        os.utime(folder)
    except (OSError, RuntimeError):  # nowhere to write, or no home
        return None
    return folder


def _forget_older(new: Path) -> None:
    """Remove the folders beside a new one that were not used for a month."""
    for folder in new.parent.iterdir():
        with suppress(OSError):
            if folder != new and time.time() - folder.stat().st_mtime > _KEPT_DAYS * 86_400:
                shutil.rmtree(folder)


class _OnnxRuntime:
    def __init__(self, model: Path | bytes, threads: int | None, *, cuda: bool = False) -> None:
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.log_severity_level = 3
        if threads:
            options.intra_op_num_threads = threads
        # The arena keeps the largest picture's memory for ever; a picture is large and comes once.
        options.enable_cpu_mem_arena = False
        providers = ["CUDAExecutionProvider"] if cuda else []
        source = str(model) if isinstance(model, Path) else model
        if isinstance(model, bytes):
            # Networks of a step take turns: threads that wait for the next call would take the others' time.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(source, options, providers=[*providers, "CPUExecutionProvider"])
        self.inputs = frozenset(node.name for node in self._session.get_inputs())

    def __call__(self, **inputs: Array) -> Array:
        (out, *_) = self._session.run(None, dict(inputs))
        return np.asarray(out, dtype=np.float32)

    def outputs(self, **inputs: Array) -> list[Array]:
        return [np.asarray(out, dtype=np.float32) for out in self._session.run(None, dict(inputs))]

    def views(self, **inputs: Array) -> list[Array]:
        return self.outputs(**inputs)


def import_openvino() -> Any:
    """The module `openvino`, imported without its telemetry.

    `import openvino` imports `openvino.tools.ovc`, which sends an event to a web-analytics host and writes an
    identifier into `~/intel`. Where the package `openvino_telemetry` cannot be imported, OpenVINO uses an empty
    stand-in of its own. Its converter of other frameworks' models, a quarter of the time that the import takes, is
    left out in the same way. Everything that imports OpenVINO here does it through this function.
    """
    converter = "openvino.tools.ovc"
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: importing it raises ImportError
    left_out = converter not in sys.modules
    if left_out:
        sys.modules[converter] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if left_out:
            del sys.modules[converter]  # whoever needs it can import it
    return openvino


def import_onnxruntime() -> Any:
    """The module `onnxruntime`, with the events that its Windows build would report turned off."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


@functools.cache
def _openvino_core() -> Any:
    return import_openvino().Core()


@functools.cache
def chosen() -> str:
    """The runtime in use on this machine: openvino, onnxruntime or cuda. Raises BadRequest if the one asked for by
    `FLAMINGO_RUNTIME` is unknown or not installed."""
    requested = settings.RUNTIME.value()
    if requested == "cuda" and "CUDAExecutionProvider" not in import_onnxruntime().get_available_providers():
        hint = "run `pip install onnxruntime-gpu`"
        raise BadRequest("FLAMINGO_RUNTIME=cuda", "this ONNX Runtime has no CUDA", hint)
    if requested == "openvino" and not _has_openvino():
        raise BadRequest("FLAMINGO_RUNTIME=openvino", "OpenVINO is not installed", "run `pip install openvino`")
    if requested:
        return requested
    on_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return "openvino" if on_x86 and _has_openvino() else "onnxruntime"


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def threads() -> int | None:
    """The number of threads asked for by `FLAMINGO_THREADS`, or None: as many as the runtime finds sensible."""
    return settings.THREADS.value()


def precision() -> str:
    """In which numbers pictures are painted, by `FLAMINGO_PRECISION`: "f32" or "bf16". The latter is two to three
    times as fast and 52 to 62 dB from "f32" (docs/LAB.md, 41). Raises BadRequest where it is unknown or cannot be
    had: it takes OpenVINO and a processor that multiplies bf16."""
    requested = settings.PRECISION.value()
    if requested == "bf16":
        if chosen() != "openvino":
            raise BadRequest("FLAMINGO_PRECISION=bf16", f"{chosen()} has none here", "leave it out")
        if "BF16" not in _openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise BadRequest("FLAMINGO_PRECISION=bf16", "this processor does not multiply bf16", "leave it out")
    return requested


@functools.lru_cache(maxsize=8)
def load(file: Path, *, exact: bool = True) -> Network:
    """Load an ONNX file with the chosen runtime; loading the same file again costs nothing.

    exact: compute in 32-bit floats whatever `FLAMINGO_PRECISION` says. Raises ModelCorrupt when the file is not a
    network that the runtime can run, BadRequest for a precision that cannot be had.
    """
    return _loaded(file, str(file), "f32" if exact else precision())


def built(model: bytes) -> Network:
    """A network from the bytes of an ONNX file, in 32-bit floats. Nothing is kept of it beside what is returned.

    Raises ModelCorrupt when they are no network that the chosen runtime can run.
    """
    return _loaded(model, "a network", "f32")


def _loaded(model: Path | bytes, name: str, numbers: str) -> Network:
    runtime, count = chosen(), threads()
    try:
        if runtime == "openvino":
            return _OpenVINO(model, count, numbers)
        return _OnnxRuntime(model, count, cuda=runtime == "cuda")
    except Exception as error:  # both libraries raise many kinds, some of their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelCorrupt(name, f"{runtime} cannot load it ({reason})", "install Flamingo again") from error


def describe() -> Mapping[str, str]:
    """What runs the networks here, for `flamingo doctor`."""
    import importlib.metadata  # takes a while, and nothing else here needs it

    facts = {
        "runtime": chosen(),
        "precision": precision(),
        "threads": str(threads() or f"automatic, {os.cpu_count()} cores"),
    }
    for package in ("onnxruntime", "openvino"):
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    return facts
