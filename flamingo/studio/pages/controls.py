"""Controls of a page, made from a verb's definition.

What a control is called, says, allows and begins with comes from the verb's signature (`flamingo.options`). Here is
only what a signature cannot say: a name for people, which controls come first, and which part of a wide range a
slider is for.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import TypeAdapter

from flamingo import extras, verbs
from flamingo.options import Option

_NARROW = 1000  # a slider over more than that cannot be set to what one wants

Kind = Literal["check", "choice", "number", "slider", "text"]


@dataclass(frozen=True)
class Control:
    """One labelled, described control.

    default: the usual value, None where leaving it empty is a choice of its own (`optional`). least, most: the
    limits, or None; step: of a slider; slider_least, slider_most: the part of the range that the slider covers, while
    the number beside it covers all; ends: what its two ends are. choices: values of an enum, or of a list's members;
    names: what people call them; about: what each comes to, in a word or two and in a line. group: the heading under
    which it stands with others, if it does; methods: those of `paint` that have it, if not all do. needs: choices
    that cannot be made here, each with the extra that it takes. important: shown first, the others under 'More
    control'.
    """

    name: str
    label: str
    description: str
    kind: Kind
    default: Any = None
    optional: bool = False
    least: float | None = None
    most: float | None = None
    slider_least: float | None = None
    slider_most: float | None = None
    step: float | str = "any"
    choices: tuple[str, ...] = ()
    important: bool = False
    placeholder: str = ""
    ends: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    group: str = ""
    methods: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hint:
    """What a signature cannot say about a control. slider: the part of its range that people want; ends: what its two
    ends are, in a word or two; names: what its choices are called; about: what each comes to, in a word or two and in
    a line; needs: the extra that a choice takes."""

    label: str = ""
    slider: tuple[float, float] | None = None
    step: float | None = None
    important: bool = False
    placeholder: str = "automatic"
    ends: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)


HINTS: Mapping[str, Mapping[str, Hint]] = {
    "paint": {
        "effort": Hint(
            important=True,
            names=("Quick", "True", "Finished"),
            about=(
                ("a second", "One pass of the painter: the painting’s manner at once."),
                ("ten seconds", "Pieces of the painting itself: its own strokes and colours."),
                ("a minute", "Pieces of it, then ten steps for textures still nearer, which the preview leaves out."),
            ),
        ),
        "strength": Hint(important=True, step=0.05, ends=("The photo", "The painting")),
        "colour": Hint("Colours", important=True, step=0.05, ends=("The photo's", "The painting's")),
        "stroke": Hint("Strokes", important=True, step=0.05, ends=("Fine", "Broad")),
        "method": Hint(
            "Method",
            names=("Automatic", "The painter", "Pieces of the painting", "Optimise", "Dream"),
        ),
        "model": Hint("Painter", important=True),
        "fidelity": Hint(step=0.05, placeholder="half", ends=("The paint runs", "The photo holds")),
        "finish": Hint("Finish, in steps", slider=(0, 50), step=1, placeholder="0"),
        "best": Hint("Variants, of which the critic keeps one", slider=(1, 8)),
        "preset": Hint("As an older system did it", placeholder="ours"),
        "init": Hint("Begin with", placeholder="the photo"),
        "optimiser": Hint("Optimiser", placeholder="L-BFGS", names=("L-BFGS", "Adam")),
        "steps": Hint(slider=(10, 500), step=10, placeholder="200, or 10 an octave"),
        "content_layer": Hint("Layer for the photo", placeholder="relu4_2"),
        "style_layer": Hint("Layer for the style", placeholder="five of them"),
        "content_weight": Hint("Weight of the photo", placeholder="1"),
        "style_weight": Hint("Weight of the style", placeholder="20"),
        "tv_weight": Hint("Weight of the total variation, for smoothness", placeholder="0"),
        "lr": Hint("Learning rate", placeholder="0.02, or 1 for L-BFGS"),
        "octaves": Hint(placeholder="4"),
        "jitter": Hint(placeholder="32"),
        "snapshots": Hint("A picture every so many steps", slider=(1, 50), step=1, placeholder="twenty in all"),
        "seed": Hint(placeholder="0"),
        "size": Hint("Longest side, in pixels", important=True, placeholder="as the photo"),
        "format": Hint("Kind of file", placeholder="as the photo"),
        "keep_gps": Hint("Keep the place"),
    },
    "compose": {
        "persona": Hint(important=True),
        "seconds": Hint("Length, in seconds", slider=(8, 180), step=1, important=True),
        "mood": Hint(important=True),
        "words": Hint("A sentence", important=True, placeholder="a stormy, lonely sea"),
        "instrument": Hint("Instruments", important=True),
        "valence": Hint("Pleasant"),
        "arousal": Hint("Exciting"),
        "key": Hint(placeholder="the persona's"),
        "tempo": Hint(step=1),
        "metre": Hint(placeholder="the persona's"),
        "density": Hint("Notes a second", slider=(1, 20), step=0.5, placeholder="the persona's"),
        "chords": Hint("Chords", placeholder="C Am F G"),
        "form": Hint("Form", placeholder="strophes"),
        "modulate": Hint("Go to other keys"),
        "variations": Hint(slider=(1, 8)),
        "best": Hint("Draw several, keep the best", slider=(1, 8)),
        "original": Hint("Insist on originality"),
        "temperature": Hint("Daring", slider=(0, 2), step=0.05),
        "top_p": Hint("Top p", step=0.01),
        "min_p": Hint("Min p", slider=(0, 0.2), step=0.005),
        "guidance": Hint("Insistence", step=0.1),
        "humanise": Hint("Human touch", step=0.05),
        "speed": Hint(step=0.05),
        "view": Hint("A picture shows"),
        "room": Hint(step=0.05, ends=("Dry", "A hall")),
        "width": Hint(step=0.05, ends=("Mono", "Wide")),
        "loudness": Hint("Loudness, in LUFS", step=0.5),
        "format": Hint("Kind of file", important=True),
    },
    "film": {
        "style": Hint(important=True),
        "vary": Hint("Styles", important=True, names=("One for all photos", "In turn", "By mood")),
        "strength": Hint(important=True, step=0.05, ends=("The photo", "The painting")),
        "grow": Hint("Grow", important=True),
        "wipe": Hint("Wipe", important=True),
        "persona": Hint(important=True),
        "seconds": Hint("Length, in seconds", slider=(8, 300), step=1, important=True, placeholder="as it comes"),
        "order": Hint("Order of the photos", important=True, names=("When taken", "By name", "By mood", "As given")),
        "aspect": Hint("Shape", important=True, names=("16:9, a screen", "9:16, a phone", "1:1", "4:5")),
        "title": Hint(important=True),
        "captions": Hint("Captions", important=True, names=("None", "Names", "Dates", "Descriptions")),
        "resolution": Hint("Shorter side, in pixels", slider=(240, 1080), step=120, important=True),
        "model": Hint("Painter", important=True),
        "mood": Hint("Mood of the music", placeholder="the photos’"),
        "pace": Hint("Seconds a photo", placeholder="as the music wants"),
        "motion": Hint("Camera", step=0.05, ends=("Still", "Moving")),
        "colour": Hint("Colours", step=0.05, ends=("The photo's", "The painting's")),
        "stroke": Hint("Strokes", step=0.05, ends=("Fine", "Broad")),
        "keep_all": Hint("Keep all photos"),
        "fps": Hint("Frames a second"),
        "format": Hint("Kind of file"),
    },
    "feel": {"words": Hint("A sentence", important=True, placeholder="a stormy, lonely sea")},
}


@dataclass(frozen=True)
class Controls:
    """The controls of a verb: those that come first, the others, and by their headings those that stand together."""

    verb: str
    important: tuple[Control, ...] = ()
    more: tuple[Control, ...] = ()
    groups: Mapping[str, tuple[Control, ...]] = field(default_factory=dict)
    by_name: Mapping[str, Control] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Control:
        return self.by_name[name]


def controls_of(verb: str) -> Controls:
    """The controls of a verb, the important ones in the order of its hints; none for a verb that jobs do not know."""
    form = verbs.known({}).get(verb)
    if form is None:
        return Controls(verb)
    hints = HINTS.get(verb, {})
    controls = {option.name: control(option, hints.get(option.name, Hint())) for option in form.controls}
    order = [name for name in hints if name in controls] + [name for name in controls if name not in hints]
    return Controls(
        verb,
        tuple(controls[name] for name in order if controls[name].important),
        tuple(item for item in controls.values() if not (item.important or item.group)),
        {
            name: tuple(item for item in controls.values() if item.group == name)
            for name in dict.fromkeys(item.group for item in controls.values() if item.group)
        },
        controls,
    )


def control(option: Option, hint: Hint) -> Control:
    """The control of one option."""
    annotated: Any = Annotated[option.type, option.field]
    schema = TypeAdapter(annotated).json_schema()
    one_of = schema.get("anyOf", [schema])
    optional = any(kind.get("type") == "null" for kind in one_of)
    main: dict[str, Any] = next((kind for kind in one_of if kind.get("type") != "null"), {})
    default = None if option.default is inspect.Parameter.empty else option.default
    least = main.get("minimum", main.get("exclusiveMinimum"))
    most = main.get("maximum", main.get("exclusiveMaximum"))
    whole = main.get("type") == "integer"
    kind: Kind = "text"
    if "enum" in main:
        kind = "choice"
    elif main.get("type") == "boolean":
        kind = "check"
    elif main.get("type") in ("integer", "number"):
        narrow = least is not None and most is not None and most - least <= _NARROW
        kind = "slider" if hint.slider or narrow else "number"
    covers = hint.slider or (least, most)
    return Control(
        name=option.name,
        label=hint.label or option.name.replace("_", " ").capitalize(),
        description=option.description,
        kind=kind,
        default=default,
        optional=optional,
        least=least,
        most=most,
        slider_least=covers[0],
        slider_most=covers[1],
        step=hint.step or (1 if whole else 0.01),
        choices=tuple(str(value) for value in main.get("items", main).get("enum", ())),
        names=hint.names,
        about=hint.about,
        important=hint.important,
        placeholder=hint.placeholder if optional else "",
        ends=hint.ends,
        group=option.group,
        methods=option.methods,
        needs={choice: extra for choice, extra in hint.needs.items() if not extras.installed(extra)},
    )
