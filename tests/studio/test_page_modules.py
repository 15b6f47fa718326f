"""The modules of the pages without a page: what they share with the server, and the types that they are checked
against."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

JS = ROOT / "flamingo" / "studio" / "pages" / "static" / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


@needs_node
def test_the_pages_read_styles_as_the_painter_does() -> None:
    file = ROOT / "tests" / "painting" / "style_spec_cases.json"
    script = Path(__file__).parent / "style_spec_cases.mjs"
    done = subprocess.run(
        [str(NODE), script, JS / "style_spec.js", file], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
    for case, read in zip(cases, json.loads(done.stdout), strict=True):
        if "refused" in case:
            assert read, f"{case}: a page shows something all the same"
        else:
            assert read == case["terms"], case


def test_the_types_that_the_modules_are_checked_against_are_current() -> None:
    """If not: run `script/page-types`."""
    spec = importlib.util.spec_from_file_location("page_types", ROOT / "docs" / "page_types.py")
    assert spec is not None and spec.loader is not None
    page_types = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page_types)
    for path, text in page_types.made().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is of yesterday: run `script/page-types`"
