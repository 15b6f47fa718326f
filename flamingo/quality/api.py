"""The verb `judge`, defined once: its arguments, their meaning and limits, and what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flamingo import images, provenance
from flamingo.errors import BadRequest, FlamingoError
from flamingo.files import sha256
from flamingo.images.folders import noted
from flamingo.options import checked
from flamingo.painting.style_spec import painting_of, parse_styles, said_of

if TYPE_CHECKING:
    from flamingo.quality.critic import Critique

Progress = Callable[[int, int, Path], None]
"""Called as (done, all, result)."""


@dataclass(frozen=True)
class JudgeResult:
    """One result: its critique, or the error that says why there is none, and the file with its maps."""

    result: Path
    critique: Critique | None = None
    explanation: Path | None = None
    error: FlamingoError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def source(self) -> Path:
        """What was judged."""
        return self.result

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        found = self.critique.as_dict() if self.critique else {}
        return {
            "result": str(self.result),
            "error": str(self.error) if self.error else None,
            **found,
            "notes": [*found.get("notes", []), *self.notes],
            "explanation": str(self.explanation) if self.explanation else None,
            "seconds": round(self.seconds, 3),
        }


@checked
def judge(
    results: Annotated[list[Path], Field(min_length=1, description="Painted pictures, or folders of them.")],
    *,
    photo: Annotated[Path, Field(description="The photo that they were painted from.")],
    style: Annotated[
        str | None, Field(description="Named style, or painting's file, in whose manner they are painted.")
    ] = None,
    painting: Annotated[Path | None, Field(description="A picture of the painting, in place of --style.")] = None,
    output: Annotated[
        Path | None,
        Field(description="Picture to write that shows where photo and painting are missing; a folder for several."),
    ] = None,
    overwrite: Annotated[
        bool, Field(description="Replace pictures that are already there (never a result).")
    ] = False,
    on_progress: Progress | None = None,
) -> list[JudgeResult]:
    """Say what painted pictures hold of the photo and of the painting, and what is wrong with them.

    The score puts variants of one photo in one style in order. It cannot tell whether a face is still a face or
    whether a picture is beautiful: look.

    Returns one `JudgeResult` a result, in order; a result that cannot be read does not stop the others. Content,
    style, score and maps need VGG-19 (extra `torch`); without it the rest is measured, and a note says so. Raises
    BadRequest or OutputError if the request as a whole cannot be carried out, BadInput if photo or painting cannot be
    read. on_progress is called as (done, all, result) before each result and once at the end.
    """
    from flamingo.quality.critic import Critic  # these look with SciPy, which takes a while to load
    from flamingo.quality.explain import drawn

    plan: list[tuple[Path, Path | None]]
    if output is not None:
        plan = list(images.plan_outputs(results, output, overwrite=overwrite))
        provenance.ready()
    else:
        plan = [(result, None) for result in images.pictures_in(results)]
    unread = images.left_out(results, output)
    if not plan:
        raise BadRequest(", ".join(map(str, results)), "no pictures are there", "name painted pictures")
    (part, *others) = parse_styles([style] if style else [], [painting] if painting else [], [], "fine")
    if others or not (style or painting):
        raise BadRequest("--style", "the critic compares with one painting", "name one: --style or --painting")
    plain, theirs = images.read(photo).rgb, painting_of(part)
    critic = Critic(plain, theirs)
    inputs = [photo, *([part.painting] if part.painting else []), *(result for result, _ in plan)]
    done = []
    for i, (result, target) in enumerate(plan):
        if on_progress:
            on_progress(i, len(plan), result)
        begun = time.perf_counter()
        try:
            picture = images.read(result)
            critique = critic.judge(picture.rgb)
            notes: tuple[str, ...] = ()
            if target is not None:
                page = drawn(picture.rgb, plain, theirs, critique)
                fingerprints = tuple(sha256(file) for file in (result, photo))
                origin = provenance.Origin(
                    "judge", {"score": critique.score, "styles": said_of([part], "fine")}, fingerprints
                )
                target.parent.mkdir(parents=True, exist_ok=True)
                notes = tuple(images.write(page, target, overwrite=overwrite, never=inputs, origin=origin))
        except FlamingoError as error:
            done.append(JudgeResult(result, error=error, seconds=time.perf_counter() - begun))
            continue
        done.append(JudgeResult(result, critique, target, None, notes, time.perf_counter() - begun))
    if on_progress:
        on_progress(len(plan), len(plan), plan[-1][0])
    return noted(done, unread)
