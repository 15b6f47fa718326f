"""The two commands of the README, as far as a test can run them: script/studio paints its demo photo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, needs_models


@needs_models
def test_studio_paints_the_demo_photo_and_says_where(tmp_path: Path) -> None:
    """In a copy of the checkout whose set-up is done: installing itself is what CI does on a fresh machine."""
    for part in ("script", "docs/photos"):
        shutil.copytree(ROOT / part, tmp_path / part)
    (tmp_path / "script" / "setup").write_text("#!/bin/sh\n")
    command = tmp_path / ".venv" / "bin" / "flamingo"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flamingo "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "script" / "studio"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    picture = tmp_path / "demo" / "astronaut-starry-night.png"
    assert picture.exists()
    assert str(picture) in done.stdout
