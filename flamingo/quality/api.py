"""The verb `judge`, whose options are those of `JudgeOptions` (see flamingo.options), and its result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flamingo import images, provenance
from flamingo.errors import BadRequest, FlamingoError
from flamingo.files import sha256
from flamingo.images.folders import noted
from flamingo.options import verb
from flamingo.painting.style_spec import painting_of, parse_styles, said_of
from flamingo.quality.options import JudgeOptions
from flamingo.results import VerbResult

if TYPE_CHECKING:
    from flamingo.quality.critic import Critique


@dataclass(frozen=True)
class JudgeResult(VerbResult):
    """One result: its critique, or the error that says why there is none, and the file with its maps."""

    result: Path
    critique: Critique | None = None
    explanation: Path | None = None

    @property
    def written(self) -> tuple[Path, ...]:
        """The file with its maps."""
        return () if self.explanation is None else (self.explanation,)

    @property
    def source(self) -> Path:
        """What was judged."""
        return self.result

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values only."""
        critique = self.critique.as_dict() if self.critique else {}
        return {
            "result": str(self.result),
            "error": str(self.error) if self.error else None,
            **critique,
            "notes": [*critique.get("notes", []), *self.notes],
            "explanation": str(self.explanation) if self.explanation else None,
            "seconds": round(self.seconds, 3),
        }


@verb(JudgeOptions)
def judge(options: JudgeOptions) -> list[JudgeResult]:
    """Say what painted pictures hold of the photo and of the painting, and what is wrong with them.

    The score puts variants of one photo in one style in order. It cannot tell whether a face is still a face or
    whether a picture is beautiful: look.

    Args:
        results: painted pictures, or folders of them.
        photo: what they were painted from.
        style, painting: the style in whose manner, by name, or a picture of the painting.
        output: a picture to write that shows where photo and painting are missing; a folder for several.
        overwrite: whether such a picture that is there already may be replaced.
        on_progress: called as (done, all, result) before each result and once at the end.

    Returns:
        One `JudgeResult` a result, in order; a result that cannot be read does not stop the others.

    Raises:
        BadRequest, OutputError: if the request as a whole cannot be carried out.
        BadInput: if photo or painting cannot be read.

    Example:
        >>> import flamingo
        >>> [result] = flamingo.judge([photo], photo=photo, style="scream")
        >>> result.error, len(result.critique.figures) > 3
        (None, True)
    """
    from flamingo.quality.critic import Critic  # these look with SciPy, which takes a while to load
    from flamingo.quality.explain import drawn

    plan: list[tuple[Path, Path | None]]
    if options.output is not None:
        plan = list(images.plan_outputs(options.results, options.output, overwrite=options.overwrite))
        provenance.ready()
    else:
        plan = [(result, None) for result in images.pictures_in(options.results)]
    unread = images.left_out(options.results, options.output)
    if not plan:
        raise BadRequest(", ".join(map(str, options.results)), "no pictures are there", "name painted pictures")
    (part, *others) = parse_styles(
        [options.style] if options.style else [], [options.painting] if options.painting else [], [], "fine"
    )
    if others or not (options.style or options.painting):
        raise BadRequest("--style", "the critic compares with one painting", "name one: --style or --painting")
    plain, theirs = images.read(options.photo).rgb, painting_of(part).pixels
    critic = Critic(plain, theirs)
    inputs = [options.photo, *([part.painting] if part.painting else []), *(result for result, _ in plan)]
    results = []
    for i, (result, target) in enumerate(plan):
        if options.on_progress:
            options.on_progress(i, len(plan), result)
        begun = time.perf_counter()
        try:
            picture = images.read(result)
            critique = critic.judge(picture.rgb)
            notes: tuple[str, ...] = ()
            if target is not None:
                page = drawn(picture.rgb, plain, theirs, critique)
                fingerprints = tuple(sha256(file) for file in (result, options.photo))
                origin = provenance.Origin(
                    "judge", {"score": critique.score, "styles": said_of([part], "fine")}, fingerprints
                )
                target.parent.mkdir(parents=True, exist_ok=True)
                notes = tuple(images.write(page, target, overwrite=options.overwrite, never=inputs, origin=origin))
        except FlamingoError as error:
            results.append(JudgeResult(result, error=error, seconds=time.perf_counter() - begun))
            continue
        results.append(JudgeResult(result, critique, target, notes=notes, seconds=time.perf_counter() - begun))
    if options.on_progress:
        options.on_progress(len(plan), len(plan), plan[-1][0])
    return noted(results, unread)
