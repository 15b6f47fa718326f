"""What the tests of the studio share: a real server with real workers, and files to send to it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "tests" / "jobs", ROOT / "bench"):  # of the tricks, as workers import them
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from tests.studio.serving import Served, serving, settings_in  # noqa: E402


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that leave it as they find it."""
    with serving(settings_in(tmp_path_factory.mktemp("studio"))) as served:
        yield served


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Any]:
    """Starts a server of one's own, with limits as given and nobody who works."""

    def start(*, token: str | None = None, workers: int = 0, **limits: Any) -> Any:
        return serving(replace(settings_in(tmp_path / "studio", **limits), token=token, workers=workers))

    return start


@pytest.fixture(scope="session")
def cat_jpeg() -> bytes:
    """A photo of a cat, small."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(ROOT / "docs" / "photos" / "chelsea.jpg") as opened:
        opened.resize((150, 100)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
