"""docs/how-it-works.md and the script that makes its pictures: neither may rot."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from flamingo.studio.pages.learning import how_it_works
from tests.conftest import ROOT, needs_models

TEXT = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
PICTURES = ROOT / "flamingo" / "studio" / "pages" / "static" / "img" / "how"
PARTS = {
    "layers": {"layers", "maps"},
    "textures": {"texture-starry-night", "texture-the-kiss"},
    "content": {"content"},
    "descent": {"descent", "curves"},
    "ratios": {"ratios"},
    "controls": {f"control-{name}" for name in ("strength", "colour", "stroke", "mix", "mask")},
    "pieces": {"pieces", "pieces-of-others"},
    "dream": {"dream"},
    "critic": {"critic"},
}


def named() -> list[Path]:
    """The files that the text shows."""
    return [(ROOT / "docs" / path).resolve() for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)]


def test_every_picture_of_the_text_exists_and_is_made_by_a_part_of_the_script() -> None:
    assert {file.stem for file in named()} == set().union(*PARTS.values())
    for file in named():
        assert file.parent == PICTURES
        with Image.open(file) as opened:
            assert opened.format == "JPEG"
            assert opened.width >= 500


def test_no_picture_is_kept_that_nobody_shows_and_all_together_stay_small() -> None:
    kept = list(PICTURES.iterdir())
    assert set(kept) == set(named())
    assert sum(file.stat().st_size for file in kept) < 1.25e6


def test_the_text_says_for_every_picture_how_it_is_made() -> None:
    assert set(re.findall(r"how_it_works\.py[^`]*--only (\w+)`", TEXT)) == set(PARTS)


def test_the_page_shows_each_section_of_the_text() -> None:
    first, *sections = how_it_works(TEXT)
    assert first.title == ""
    assert [section.title for section in sections] == re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    shown = [name for section in sections for name in re.findall(r'src="/static/img/how/([\w-]+)\.jpg', section.html)]
    assert shown == [file.stem for file in named()]


def test_the_text_is_built_into_the_package() -> None:
    """The studio of an installed Flamingo has no docs folder beside it."""
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    included = built["targets"]["wheel"]["force-include"]
    assert included == {"docs/how-it-works.md": "flamingo/studio/pages/how-it-works.md"}


def test_whatever_html_a_text_holds_is_shown_as_text() -> None:
    (section,) = how_it_works("# Title\n\n<script>alert(1)</script> [a](https://example.org)\n")
    assert "<script" not in section.html
    assert 'rel="noreferrer"' in section.html


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """docs/how_it_works.py as a module."""
    spec = importlib.util.spec_from_file_location("how_it_works", ROOT / "docs" / "how_it_works.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their own module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stand-ins under the paintings' names: waves in two colours."""
    folder = tmp_path_factory.mktemp("paintings")
    y, x = np.mgrid[0:128, 0:160]
    wave = 0.5 + 0.5 * np.sin(0.4 * x + 3 * np.sin(0.1 * y))
    rgb = np.stack([wave, wave, 1 - wave], axis=2)
    for name in ("starry-night", "the-kiss", "great-wave"):
        Image.fromarray((rgb * 255).astype(np.uint8)).save(folder / f"{name}.jpg")
    return folder


@needs_models
@pytest.mark.parametrize("part", PARTS)
def test_each_part_makes_its_pictures(part: str, script: ModuleType, paintings: Path, tmp_path: Path) -> None:
    assert script.main(["--debug", "--only", part, "--styles", str(paintings), "--out", str(tmp_path)]) == 0
    assert {file.stem for file in tmp_path.glob("*.jpg")} == PARTS[part]
    for file in tmp_path.iterdir():
        with Image.open(file) as opened:
            assert np.asarray(opened).std() > 10, "nothing is to be seen"


def test_a_part_that_needs_a_painting_says_so(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--debug", "--only", "textures", "--out", str(tmp_path)]) == 2
    assert "--styles" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
