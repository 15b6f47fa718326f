"""What every training loop here needs, whatever it trains: device, precision, stopping, rates, averages, records."""

from __future__ import annotations

import math
import os
import platform
import signal
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from flamingo.nn.optimisers import Optimiser


def device(requested: str) -> torch.device:
    """`requested`, or for "auto" this process's GPU if there is one, else the CPU."""
    if requested != "auto":
        return torch.device(requested)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    torch.cuda.set_device(index)
    torch.backends.cudnn.benchmark = True
    return torch.device("cuda", index)


def half_precision(requested: str, where: torch.device) -> bool:
    """Whether to compute in bf16: "f32" no, "bf16" yes, "auto" where it is faster."""
    if requested != "auto":
        return requested == "bf16"
    return where.type == "cuda" or _bf16_is_faster_here()


def _bf16_is_faster_here() -> bool:
    """Some processors multiply bf16 in hardware, others pretend: three times slower. Only a trial tells."""
    conv = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.rand(4, 64, 64, 64).contiguous(memory_format=torch.channels_last)

    def seconds(enabled: bool) -> float:
        best = math.inf
        for _ in range(4):
            begun = time.perf_counter()
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
                conv(x)
            best = min(best, time.perf_counter() - begun)
        return best

    return seconds(True) < 0.8 * seconds(False)


def join_processes(where: torch.device, world: int, stack: ExitStack) -> None:
    """Meet the other processes that torchrun started, if there are any, until `stack` is left."""
    if world > 1:
        dist.init_process_group("nccl" if where.type == "cuda" else "gloo")
        stack.callback(dist.destroy_process_group)


def progress(quiet: bool) -> Progress:
    """The bar of a training: time spent, time left, and the field `figures`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        disable=quiet,
    )


def tensorboard(folder: Path, stack: ExitStack) -> Any:
    """A writer of TensorBoard events below `folder`, or None where that extra is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None  # log.jsonl and the samples are always written
    writer = SummaryWriter(folder / "tensorboard")
    stack.callback(writer.close)
    return writer


def graph(writer: Any, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Show the network in TensorBoard, as it treats these inputs. Does nothing without a writer."""
    if writer is None:
        return
    was = network.training
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the tracer's: what it draws is one path through the network, and that is said
        with torch.no_grad():
            writer.add_graph(network.eval(), inputs, use_strict_trace=False)
    network.train(was)
    writer.flush()


class Stop:
    """Ctrl-C and SIGTERM ask the loop to stop after its step, instead of breaking it off."""

    def __init__(self, stack: ExitStack) -> None:
        self.asked = False

        def ask(signum: int, frame: FrameType | None) -> None:
            self.asked = True

        for name in (signal.SIGINT, signal.SIGTERM):
            try:
                before = signal.signal(name, ask)
            except ValueError:  # not in the main thread: whoever runs us there stops us another way
                continue
            stack.callback(signal.signal, name, before)


def leave_signals_to_the_parent(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; a worker that dies of it would cost the parent its last step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def agree(stop: bool, where: torch.device) -> bool:
    """All processes stop at the same step, or the last all-reduce would wait for ever."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return stop
    flag = torch.tensor([float(stop)], device=where)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag.item())


def set_rate(optimiser: Optimiser, lr: float, cooldown: float, done: float, step: int) -> None:
    """Warm up over the first 50 steps, hold, then fall to a hundredth over the last part (`cooldown`) of the budget,
    of which `done`, 0 to 1, is spent."""
    rate = lr * min(1.0, (step + 1) / 50)
    if cooldown > 0:
        rate *= max(min(1.0, (1 - done) / cooldown), 0.01)
    for group in optimiser.param_groups:
        group["lr"] = rate


@torch.no_grad()
def average(ema: dict[str, Tensor], model: nn.Module, decay: float, step: int) -> None:
    """Move the running average of the weights, what is shown and shipped, towards the model. Faster at first."""
    decay = min(decay, (1 + step) / (10 + step))
    for name, value in model.state_dict().items():
        if value.is_floating_point():  # batch normalisation also counts its batches
            ema[name].lerp_(value, 1 - decay)


def machine(where: torch.device, half: bool, world: int) -> dict[str, Any]:
    """What a session ran on, for the record."""
    name = (
        torch.cuda.get_device_name(where)
        if where.type == "cuda"
        else f"{os.cpu_count()} CPU cores, {platform.machine()}"
    )
    return {
        "machine": name,
        "precision": "bf16" if half else "f32",
        "processes": world,
        "torch": torch.__version__,
    }
