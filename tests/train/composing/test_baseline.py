"""The LSTM of the first systems: it leaves samples as it trains, and writes pieces when it is asked to."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from flamingo.cli import run
from flamingo.composing import baseline
from flamingo.composing.options import SamplingOptions
from flamingo.errors import BadRequest
from flamingo.train.composing.loop import load_composer


@pytest.fixture(scope="module")
def trained(few_works: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of an LSTM of two steps."""
    out = tmp_path_factory.mktemp("lstm") / "run"
    assert run([
        "train", "compose", "--model", "lstm", "--music", str(few_works), "--out", str(out), "--budget", "90s",
        "--steps", "2", "--batch", "2", "--device", "cpu", "--precision", "f32",
    ]) == 0  # fmt: skip
    return out


def test_it_leaves_something_to_hear_and_to_see(trained: Path) -> None:
    assert {f.name for f in trained.glob("sample-*")} == {f"sample-0000002.{kind}" for kind in ("mid", "png", "mp3")}
    assert mido.MidiFile(trained / "sample-0000002.mid").length > 20


def test_numpy_computes_what_torch_computes(trained: Path) -> None:
    net, facts = load_composer(trained / "checkpoint.safetensors")
    model = baseline.read(trained)
    random = np.random.default_rng(0)
    rows = np.stack([random.integers(0, n, 40) for n in (144, 100, 20, 15)], 1)
    rows[::8] = (144, -1, -1, -1)
    with torch.no_grad():
        expected = net.states(torch.from_numpy(rows)[None], None)[0].numpy()
        logits = net.to_where(torch.from_numpy(expected)).numpy()
    assert np.abs(model.heard(rows) - expected).max() < 1e-4
    assert np.abs(model.logits("where", model.heard(rows)) - logits).max() < 1e-3
    assert facts["model"] == "lstm"


def test_it_hears_the_last_hundred_events_and_no_more(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, lengths = baseline.read(trained), []
    heard = model.heard

    def counted(rows: np.ndarray) -> np.ndarray:
        lengths.append(len(rows))
        return heard(rows)

    monkeypatch.setattr(model, "heard", counted)
    model.write(40, sampling=SamplingOptions(guidance=1.0))
    assert max(lengths) == baseline.WINDOW == 100


def test_it_writes_a_piece_that_lasts_as_long_as_was_asked(trained: Path, tmp_path: Path) -> None:
    command = ["compose", "--model", f"lstm:{trained}", "--seconds", "6"]
    assert run([*command, "-o", str(tmp_path / "a.mid"), "-o", str(tmp_path / "a.png")]) == 0
    assert run([*command, "--seed", "5", "--humanise", "0", "-o", str(tmp_path / "b.mid")]) == 0
    assert run([*command, "--humanise", "0", "-o", str(tmp_path / "c.mid")]) == 0
    assert run([*command, "--humanise", "0", "--temperature", "1", "-o", str(tmp_path / "d.mid")]) == 0
    a, b, c, d = (notes(tmp_path / f"{name}.mid") for name in "abcd")
    assert mido.MidiFile(tmp_path / "a.mid").length == pytest.approx(6, abs=0.6)
    assert b == c, "argmax: chance has no part in it"
    assert len(a) == len(b) and d != b
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def notes(file: Path) -> list[tuple[int, int]]:
    found, now = [], 0
    for message in mido.merge_tracks(mido.MidiFile(file).tracks):
        now += message.time
        if message.type == "note_on" and message.velocity:
            found.append((now, message.note))
    return found


def test_json_says_what_made_it(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "x.mid")
    assert run(["compose", "--model", f"lstm:{trained}", "--seconds", "8", "--key", "G minor", "--metre", "3/4",
                "--tempo", "90", "-o", output, "--json"]) == 0  # fmt: skip
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["key"], said["metre"], said["tempo"]) == ("G minor", "3/4", 90.0)
    assert said["recipe"]["model"] == "lstm" and said["recipe"]["window"] == 100
    assert said["recipe"]["temperature"] == 0.0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--mood", "happy"], "--mood: the LSTM is not told that"),
        (["--persona", "mozart"], "--persona: the LSTM is not told that"),
        (["--continue", "x.mid"], "--continue: the LSTM is not told that"),
        (["--seconds", "1"], "seconds 1"),
    ],
)
def test_what_it_cannot_be_told_is_refused(
    trained: Path, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = tmp_path / "x.mid"
    assert run(["compose", "--model", f"lstm:{trained}", *arguments, "-o", str(output)]) == 2
    assert why in " ".join(capsys.readouterr().err.split()) and not output.exists()


@pytest.mark.parametrize("model", ["lstm", "lstm:", "fine", "lstm:nowhere", "gru:x"])
def test_a_model_that_is_none_is_refused_in_one_line(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compose", "--model", model, "-o", "x.mid"]) in (1, 2)
    assert "lstm" in capsys.readouterr().err


def test_a_composers_run_is_no_baseline(composer_run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadRequest, match="that run trained no LSTM"):
        baseline.read(composer_run())
