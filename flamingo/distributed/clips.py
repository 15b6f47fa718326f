"""The chunks of a film, painted by the processes of a Ray cluster (see `pool` and flamingo.painting.chunks).

The film itself travels, in blocks, once to each node. A process that has painted a chunk keeps it open for the next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flamingo.distributed.pool import Job, Pool
from flamingo.errors import FlamingoError, show
from flamingo.painting import clips
from flamingo.painting.chunk_painter import Arrays, ChunkPainter, ClipStyle, FrameSource, Part, RenderedFrame
from flamingo.painting.chunks import OVERLAP, Chunk

__all__ = ["ClipPool", "Painted"]

_BLOCK = 64 << 20  # bytes of a film that travel at once


@dataclass(frozen=True)
class Painted:
    """What came of one chunk of a film: see `ChunkPainter`. state: after its middle."""

    head: list[RenderedFrame]
    middle: list[Part]
    tail: list[RenderedFrame]
    state: Arrays


class ClipPool:
    """The cluster, as `flamingo.painting.clips` uses it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def painted(
        self,
        manner: ClipStyle,
        todo: Sequence[Chunk],
        begun: int,
        state: Arrays | None,
        tell: Callable[[int], None],
    ) -> Iterator[Painted]:
        """Chunks of a film, in order, painted on the cluster. begun: the first frame that is not done yet, before
        which `state` was. tell: is told how many frames are done. Raises the first error that a chunk met."""
        with manner.clip.path.open("rb") as file:
            blocks = [self._pool.shared(block) for block in iter(lambda: file.read(_BLOCK), b"")]
        shared_manner = self._pool.shared(manner)
        name, key = show(manner.clip.path), os.urandom(8).hex()
        jobs = (
            Job(
                f"{name}, frames {chunk.first} to {chunk.last}", _chunk_painted,
                (shared_manner, key, blocks, chunk, max(chunk.first, begun), state if chunk.first < begun else None),
            )
            for chunk in todo
        )  # fmt: skip
        done = [begun]
        for chunk, painted in zip(todo, self._pool.results(jobs, lambda: tell(done[0])), strict=True):
            if isinstance(painted, FlamingoError):
                raise painted
            done[0] = chunk.last - chunk.tail
            tell(done[0])
            yield painted


def _chunk_painted(
    manner: ClipStyle, key: str, blocks: list[Any], chunk: Chunk, at: int, state: Arrays | None
) -> Painted:
    """On the cluster."""
    footage, manner = _footage(manner, key, blocks)
    stretch = ChunkPainter(manner, chunk, footage, at, state, lambda _number: None)
    head, middle = stretch.head(), list(stretch.middle())
    state_after = dict(stretch.state())
    return Painted(head, middle, stretch.tail(), state_after)


_open: dict[str, tuple[Any, FrameSource, ClipStyle]] = {}


def _footage(manner: ClipStyle, key: str, blocks: list[Any]) -> tuple[FrameSource, ClipStyle]:
    """The film, kept open for the next chunk of it: as a file without a name, since this process may be ended at any
    time and would leave it behind."""
    if key not in _open:
        import ray

        _open.clear()
        clips.check_memory(manner.clip.path, manner.size, manner.brush)
        file = NamedTemporaryFile(suffix=manner.clip.path.suffix)  # noqa: SIM115 (open as long as this process is)
        for block in blocks:
            file.write(ray.get(block))
        file.flush()
        path = Path(file.name)
        if (nameless := Path(f"/proc/self/fd/{file.fileno()}")).exists():
            path.unlink()
            path = nameless
        manner = replace(manner, clip=replace(manner.clip, path=path))
        _open[key] = file, FrameSource(manner.clip, manner.size, OVERLAP), manner
    return _open[key][1:]
