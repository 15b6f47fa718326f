"""Every command line that the README and the docs show is one that the program takes: parsed here, not run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import cyclopts
import pytest

from flamingo.cli import app
from flamingo.cli.base import command
from flamingo.cli.rate import rate_app, rearranged
from flamingo.extras import EXTRAS
from tests.conftest import ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
CARDS = tuple(sorted((ROOT / "flamingo" / "weights" / "cards").glob("*.md")))
_STARTS = ("flamingo ", "python bench/", "python -m flamingo", "script/", "torchrun ", "pip install", "python docs/")


def shown(document: Path) -> Iterator[tuple[int, str, bool]]:
    """The command lines of a document's code blocks and of its code in sentences, each with its line number and
    whether it is whole: a sentence may leave out what it does not speak of. Lines that end in a backslash are joined
    with the next."""
    lines = document.read_text(encoding="utf-8").split("\n")
    fenced = False
    at = 0
    while at < len(lines):
        number, text = at + 1, lines[at]
        if text.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or text.startswith("    "):
            while text.rstrip().endswith("\\") and at + 1 < len(lines):
                at += 1
                text = text.rstrip()[:-1] + " " + lines[at].strip()
            line = text.strip().removeprefix("$ ")
            line = re.sub(r"^(?:[A-Z_]+=\S+ +)+", "", line)  # environment variables before it
            if line.startswith(_STARTS):
                yield number, line, True
        else:
            for code in re.findall(r"`([^`\n]+)`", text):
                line = re.sub(r"^(?:[A-Z_]+=\S+ +)+", "", code)
                if line.startswith(("flamingo ", "script/", "python bench/", "pip install")) and "..." not in line:
                    yield number, line, False
        at += 1


COMMANDS = [
    pytest.param(line, whole, id=f"{document.name}:{number}")
    for document in (*DOCUMENTS, *CARDS)
    for number, line, whole in shown(document)
]


def commands_of(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, without comments and without what stands for "and so on"."""
    lexer = shlex.shlex(re.sub(r"\[--[^\]]*\.\.\.\]", "", line), posix=True, punctuation_chars=";&|>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in (";", "&&", "|", ">", "&"):
            yield words
            words = []
        elif word != "...":
            words.append(word)
    if words:
        yield words


def parse(arguments: list[str]) -> None:
    """Bind the arguments of `flamingo` to the command that they name. Raises CycloptsError."""
    if "--log-level" in arguments:  # it is taken away, with its level, before commands are looked for
        at = arguments.index("--log-level")
        arguments = arguments[:at] + arguments[at + 2 :]
    if arguments[:1] == ["rate"]:
        rate_app.parse_args(rearranged(arguments[1:]), exit_on_error=False, print_error=False)
    else:
        app.parse_args(arguments, exit_on_error=False, print_error=False)


@pytest.mark.parametrize(("line", "whole"), COMMANDS)
def test_a_documented_command_line_is_taken(line: str, whole: bool) -> None:
    for command_line in commands_of(line):
        check(command_line, line, whole and "..." not in line)


def check(words: list[str], line: str, whole: bool) -> None:
    program, *arguments = words
    if program == "torchrun":
        program, arguments = "flamingo", arguments[arguments.index("flamingo") + 1 :]
    elif program == "python" and arguments[0] == "-m":
        assert (ROOT / Path(*arguments[1].split("."))).with_suffix(".py").is_file() or arguments[1] == "flamingo"
        if arguments[1] != "flamingo":
            return
        program, arguments = "flamingo", arguments[2:]
    if program == "flamingo":
        try:
            parse(arguments)
        except cyclopts.MissingArgumentError:
            assert not whole, f"{line}: something is missing in it"
        return
    if program == "python":
        script, *options = arguments
        assert (ROOT / script).is_file(), f"{line}: there is no such script"
        sources = [ROOT / script, *(ROOT / script).parent.glob("_*.py")]
        text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
        for option in options:
            if option.startswith("-"):
                name = option.split("=")[0]
                assert f'"{name}"' in text or f"'{name}'" in text, f"{line}: the script has no option {name}"
        return
    if program == "pip":
        assert "flamingo-art" not in line, f"{line}: it is on no index"
        return
    assert (ROOT / program).is_file(), f"{line}: there is no such script"
    if program == "script/setup":
        assert set(arguments) <= {*EXTRAS, "dev", "use"}, f"{line}: there is no such extra"


def test_the_documents_hold_command_lines_at_all() -> None:
    assert len(COMMANDS) > 150


def test_a_command_refuses_a_name_for_an_option_that_the_verb_does_not_have() -> None:
    def verb() -> None:
        """A verb without options."""

    with pytest.raises(ValueError, match="verb has no option music"):
        command(verb, lambda: 0, names={"music": ["--from"]})


def _subcommands(of: cyclopts.App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name in of:
        if not name.startswith("-"):
            yield from _subcommands(of[name], (*path, name))


@pytest.mark.parametrize("path", [*_subcommands(app), ("rate", "--report"), ("rate", "--export"), ("rate", "--undo")])
def test_every_help_is_rendered(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    from flamingo.cli import run

    assert run([*path, "--help"]) == 0
    said = capsys.readouterr()
    assert "Usage" in said.out
    assert not said.err
