"""Nothing leaves the computer: every verb as a user runs it, CI unset, in a fresh home, the network cut and watched.

That the watch sees look-ups and packets at all is checked by the bench itself, before the first verb.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, needs_models

BENCH = ROOT / "bench" / "offline.py"


@needs_models
def test_no_verb_looks_up_a_name_or_writes_outside_flamingos_folders(tmp_path: Path) -> None:
    told = tmp_path / "seen.json"
    done = subprocess.run(
        [sys.executable, str(BENCH), "--json", str(told)], capture_output=True, text=True, timeout=1500
    )
    assert told.is_file(), done.stderr
    rows = json.loads(told.read_text())
    assert {"paint", "compose", "feel", "judge", "rate", "film", "verify", "doctor", "serve"} <= {
        r["verb"] for r in rows
    }
    for row in rows:
        assert row["code"] == 0, row
        assert not row["names"], f"{row['verb']} looked up {row['names']}"
        assert not row["packets"], f"{row['verb']} sent packets to {row['packets']}"
        assert not row["files"], f"{row['verb']} wrote {row['files']}"
