"""Measures the composer: whether wishes come true, how pieces end, and how they stand beside what people wrote.

    python bench/compose.py --music DIR --music DIR --moods VGMIDI_DIR
    python bench/compose.py --music DIR --lstm RUN        and beside an LSTM as the first systems were
    python bench/compose.py --music DIR --only mood --only length --json mood.json
    python bench/compose.py --music DIR --pieces 8        too few to judge goals by, to see that it works

DIR of --music are the folders that the composer learned from; what is compared with is the side of their works that
it did not. VGMIDI_DIR holds vgmidi_labelled.csv and its MIDI files, RUN is the folder of `flamingo train compose
--model lstm`. All pieces come from fixed seeds; 200 of 30 s take some four minutes of one core, the whole run about
half an hour. Needs scikit-learn and, for likelihood and the LSTM, torch. What is missing is left out with a sentence.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# So that a checkout can be measured without being installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import _compose_continuing as continued
import _compose_form as formal
import _compose_pieces as pieces
import _compose_wishes as wishes
from _compose_pool import Pool, note
from _report import Report

from flamingo import weights
from flamingo.errors import FlamingoError

SECTIONS = (
    "likelihood",
    "length",
    "endings",
    "persona",
    "mood",
    "measures",
    "form",
    "filling",
    "continuing",
    "originality",
    "critic",
    "speed",
)
ENOUGH = 40
"""Pieces from which on goals are judged."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    report = Report(asked.json, quick=asked.pieces < ENOUGH)
    begun = time.perf_counter()
    try:
        version = weights.entry("composer")["version"]
        pool = Pool(asked.music, asked.pieces, asked.seed)
        _ = pool.model, pool.pairs
    except FlamingoError as error:
        print(f"bench/compose.py: {error}", file=sys.stderr)
        return 1
    report.figures["run"] = {"model": version, "pieces": asked.pieces, "seed": asked.seed}
    report.say(f"composer {version}, {asked.pieces} pieces, seed {asked.seed}, load {_load()}")
    for name in SECTIONS:
        if asked.only and name not in asked.only:
            continue
        note(f"section {name}, {time.perf_counter() - begun:.0f} s")
        _section(name, report, pool, asked)
        report.save()
    report.verdicts()
    report.figures["run"] |= {"drawing, s": pool.seconds, "seconds": time.perf_counter() - begun}
    report.say(f"{time.perf_counter() - begun:.0f} s in all, load {_load()} at the end")
    report.save()
    return 0


def _section(name: str, report: Report, pool: Pool, asked: argparse.Namespace) -> None:
    """Run one; where a package is missing, say so and go on."""
    try:
        _run(name, report, pool, asked)
    except ImportError as error:
        report.leave_out(f"{name}, which needs more than is installed: {error}; pip install 'flamingo-art[dev]'")


def _run(name: str, report: Report, pool: Pool, asked: argparse.Namespace) -> None:
    simple: dict[str, Callable[[Report, Pool], None]] = {
        "length": wishes.length,
        "endings": pieces.endings,
        "persona": wishes.persona,
        "form": formal.form,
        "continuing": continued.continuing,
        "originality": pieces.originality,
    }
    if name in simple:
        simple[name](report, pool)
    elif name == "mood":
        wishes.mood(report, pool, asked.moods)
    elif name == "measures":
        pieces.measured(report, pool, asked.lstm)
    else:
        import _compose_network as network

        if name == "filling":
            import _compose_filling as filled

            filled.filling(report, pool, asked.run)
            filled.harmonised(report, pool, asked.run)
            filled.seams(report, pool, asked.run)
        elif name == "likelihood":
            network.likelihood(report, pool, asked.lstm)
        elif name == "critic":
            network.best_of(report, pool)
        else:
            with tempfile.TemporaryDirectory() as folder:
                network.speed(report, pool, Path(folder))


def _load() -> str:
    """How many processes wanted a core over the last minute: above the cores, speeds are not ours alone."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--music", type=Path, metavar="DIR", action="append", required=True, help="folder of MIDI files by people")
    add("--moods", type=Path, metavar="DIR", help="VGMIDI, labelled by listeners")
    add("--lstm", type=Path, metavar="RUN", help="training run of the LSTM to compare with")
    add(
        "--run", type=Path, metavar="RUN", help="training run of a composer to ask about filling in, in place of ours"
    )
    add("--pieces", type=int, default=200, metavar="N", help="in each pool (default: %(default)s)")
    add("--only", choices=SECTIONS, action="append", help="this section alone (may be given again)")
    add("--seed", type=int, default=0, help="of everything that is drawn (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
