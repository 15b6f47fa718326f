"""The API, as programs and pages use it: work, jobs, lists, origins, grades."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from flamingo import weights
from tests.conftest import needs_models
from tests.studio.serving import Served, until

NOBODY = "0" * 32


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer tells of."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["what"] and told["detail"].startswith(told["what"])
    return told


def test_health_says_who_works(served: Served) -> None:
    told = served.http.get("/api/health").json()
    assert (told["status"], told["workers"]) == ("ok", 1)
    assert told["disk_free"] > 0


def test_the_lists_say_what_there_is(served: Served) -> None:
    verbs = {each["name"]: each for each in served.http.get("/api/verbs").json()}
    assert {"paint", "compose", "feel"} <= set(verbs)
    (strength,) = [each for each in verbs["paint"]["controls"] if each["name"] == "strength"]
    assert (strength["default"], strength["schema"]["maximum"]) == (1.0, 1)
    takes = [(each["name"], each["many"], each["required"]) for each in verbs["paint"]["inputs"]]
    assert takes == [("photos", True, True), ("painting", True, False), ("mask", True, False)]
    assert all(each["description"] for each in verbs["paint"]["inputs"])
    assert {"word": "calm", "valence": 0.4, "arousal": -0.8} in served.http.get("/api/moods").json()


@needs_models
def test_styles_have_thumbnails_and_models_have_cards(served: Served) -> None:
    styles = served.http.get("/api/styles").json()
    assert {"name", "title", "artist", "painted", "thumbnail"} <= set(styles[0])
    for style in styles:
        answer = served.http.get(style["thumbnail"])
        assert answer.headers["content-type"] == "image/webp"
    models = {each["name"]: each for each in served.http.get("/api/models").json()}
    assert set(models) == set(weights.models())
    assert models["painter-fine"]["card"].startswith("# painter-fine")


@needs_models
def test_a_photo_is_painted_and_all_of_it_can_be_had(served: Served, cat_jpeg: bytes) -> None:
    photo = served.upload(cat_jpeg, "my cat.jpg")
    asked = served.http.post(
        "/api/paint",
        json={"style": "great-wave", "model": "fast", "photos": [{"sha256": photo["sha256"], "name": "my cat.jpg"}]},
    )
    assert asked.status_code == 202
    job = asked.json()
    assert asked.headers["location"] == job["url"] == f"/api/jobs/{job['id']}"
    assert job["inputs"]["photos"][0]["name"] == "my cat.jpg"
    job = served.outcome(job)
    assert job["state"] == "done", job["error"]
    (result,) = job["results"]
    assert result["recipe"]["style"] == "great-wave"
    painted = served.http.get(result["url"])
    assert painted.headers["content-disposition"].startswith('inline; filename="my cat.jpg"')
    assert "sandbox" in painted.headers["content-security-policy"]
    with Image.open(io.BytesIO(painted.content)) as picture:
        assert picture.size == (150, 100)
    saved = served.http.get(result["url"], params={"download": True})
    assert saved.headers["content-disposition"].startswith("attachment")
    again = served.http.get(result["url"], headers={"If-None-Match": painted.headers["etag"]})
    assert again.status_code == 304
    part = served.http.get(result["url"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, painted.content[:10])
    assert served.http.get(result["thumbnail"], params={"size": 64}).headers["content-type"] == "image/webp"
    packed = served.http.get(f"{job['url']}/zip")
    assert int(packed.headers["content-length"]) == len(packed.content)
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        assert archive.read("my cat.jpg") == painted.content
    told = served.http.post("/api/verify", files={"file": ("my cat.jpg", painted.content)}).json()
    assert (told["state"], told["own"], told["verb"]) == ("whole", True, "paint")
    assert told["sentences"]


def test_the_same_request_is_the_same_job_unless_it_is_to_be_fresh(served: Served) -> None:
    first = served.ask("count", to=2)
    assert served.ask("count", to=2)["id"] == first["id"]
    fresh = served.http.post("/api/count", params={"fresh": True}, json={"to": 2}).json()
    assert fresh["id"] != first["id"]


def test_a_job_tells_of_its_progress_as_it_goes(served: Served) -> None:
    job = served.ask("count", to=3, pause=0.4)
    seen, revisions = [], []
    with served.http.stream("GET", f"{job['url']}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line.startswith("data:"):
                seen.append(json.loads(line[5:]))
            if line.startswith("id:"):
                revisions.append(int(line[3:]))
    assert seen[-1]["state"] == "done"
    assert [each["revision"] for each in seen] == revisions == sorted(revisions)
    assert {each["progress"]["done"] for each in seen} > {3} or len(seen) > 1
    # Who has heard all is told so, or a browser would ask for ever.
    over = served.http.get(f"{job['url']}/events", headers={"Last-Event-ID": str(revisions[-1])})
    assert over.status_code == 204


def test_a_job_can_be_cancelled_retried_and_thrown_away(served: Served) -> None:
    job = served.ask("count", to=1000, pause=0.5)
    cancelled = served.http.post(f"{job['url']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    again = served.http.post(f"{job['url']}/retry").json()
    assert again["state"] in ("queued", "running")
    problem(served.http.post(f"{job['url']}/retry"), 409)
    problem(served.http.delete(job["url"], params={"purge": True}), 409)
    gone = served.http.delete(job["url"]).json()
    assert gone["deleted"] and gone["state"] == "cancelled"
    assert job["id"] in {each["id"] for each in served.http.get("/api/jobs", params={"bin": True}).json()["jobs"]}
    assert served.http.post(f"{job['url']}/restore").json()["deleted"] is None
    served.http.delete(job["url"])
    assert served.http.delete(job["url"], params={"purge": True}).status_code == 204
    problem(served.http.get(job["url"]), 404)


def test_a_job_can_be_marked_and_found(served: Served) -> None:
    job = served.ask("count", to=4)
    marked = served.http.patch(job["url"], json={"favourite": True, "title": "All of four"}).json()
    assert (marked["favourite"], marked["title"]) == (True, "All of four")
    for which in ({"favourite": True}, {"search": "four"}, {"verb": "count"}):
        found = served.http.get("/api/jobs", params=which).json()["jobs"]
        assert job["id"] in {each["id"] for each in found}, which
    assert not served.http.get("/api/jobs", params={"search": "four", "verb": "paint"}).json()["jobs"]
    problem(served.http.patch(job["url"], json={"title": "x" * 201}), 422)


def test_jobs_come_in_pages_newest_first(served: Served) -> None:
    made = [served.ask("count", to=10 + i)["id"] for i in range(5)]
    seen: list[str] = []
    before: str | None = None
    while made[0] not in seen:
        query: dict[str, Any] = {"limit": 2, **({"before": before} if before else {})}
        page = served.http.get("/api/jobs", params=query).json()
        seen += [each["id"] for each in page["jobs"]]
        before = page["next"]
    assert [each for each in seen if each in made] == made[::-1]


def test_why_a_job_failed_is_told_in_three_parts(served: Served) -> None:
    job = served.outcome(served.ask("refuse", why="it is a drawing"))
    assert job["state"] == "failed"
    assert (job["error"]["what"], job["error"]["why"], job["error"]["hint"]) == (
        *("cat.jpg", "it is a drawing", "send another"),
    )


def test_files_that_fail_do_not_cost_the_others_theirs(served: Served, cat_jpeg: bytes) -> None:
    photo = served.upload(cat_jpeg)
    empty = served.studio.store.put(io.BytesIO(b""))
    names = [{"sha256": photo["sha256"], "name": "cat.jpg"}, {"sha256": empty.sha256, "name": "empty.jpg"}]
    job = served.outcome(served.ask("copy", files=names))
    assert [job["state"], len(job["results"]), len(job["failures"])] == ["done", 1, 1]


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", f"/api/jobs/{NOBODY}"),
        ("GET", f"/api/jobs/{NOBODY}/events"),
        ("GET", f"/api/jobs/{NOBODY}/results/0"),
        ("GET", f"/api/jobs/{NOBODY}/zip"),
        ("POST", f"/api/jobs/{NOBODY}/cancel"),
        ("POST", f"/api/jobs/{NOBODY}/retry"),
        ("DELETE", f"/api/jobs/{NOBODY}"),
        ("GET", "/api/jobs/'%20or%201=1"),
        ("GET", f"/api/files/{NOBODY}"),
        ("GET", "/api/files/..%2f..%2fjobs.sqlite"),
        ("GET", "/api/files/..%2f..%2fjobs.sqlite/thumbnail"),
        ("GET", f"/api/jobs?before={NOBODY}"),
        ("GET", "/api/styles/..%2fcat/thumbnail"),
        ("GET", "/api/nothing"),
    ],
)
def test_what_is_not_known_is_404_and_never_done(served: Served, method: str, address: str) -> None:
    problem(served.http.request(method, address), 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"photos": []},
        {"photos": [{"sha256": "../../etc/passwd"}]},
        {"photos": [{"sha256": "a" * 64}], "strength": 2},
        {"photos": [{"sha256": "a" * 64}], "strength": float("nan")},
        {"photos": [{"sha256": "a" * 64}], "output": "/etc/passwd"},
        {"photos": [{"sha256": "a" * 64}], "colour": "red"},
        {"photos": [{"sha256": "a" * 64}] * 501},
        [],
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused_with_the_reason(served: Served, body: Any) -> None:
    told = problem(served.http.post("/api/paint", content=json.dumps(body)), 422)
    assert told["why"]


@needs_models
@pytest.mark.parametrize(
    ("verb", "body", "hint"),
    [
        ("paint", {"style": "starry-nite"}, "starry-night"),
        ("compose", {"mood": "hapy"}, "happy"),
        ("compose", {"persona": "beethofen"}, "beethoven"),
    ],
)
def test_a_slip_of_the_pen_is_told_at_once(
    served: Served, cat_jpeg: bytes, verb: str, body: dict[str, Any], hint: str
) -> None:
    if verb == "paint":
        body = {**body, "photos": [{"sha256": served.upload(cat_jpeg)["sha256"]}]}
    assert hint in problem(served.http.post(f"/api/{verb}", json=body), 422)["hint"]


def test_a_file_that_is_not_here_cannot_be_painted(served: Served) -> None:
    problem(served.http.post("/api/paint", json={"photos": [{"sha256": "a" * 64}]}), 404)


def test_a_result_that_is_not_there_is_404(served: Served) -> None:
    job = served.outcome(served.ask("count", to=1))
    assert served.http.get(f"{job['url']}/results/0").text == "0"
    problem(served.http.get(f"{job['url']}/results/1"), 404)
    problem(served.http.get(f"{job['url']}/results/-1"), 404)
    problem(served.http.get(f"{job['url']}/results/0/sidecar"), 404)
    problem(served.http.get(f"{job['url']}/results/0/thumbnail"), 415)


def test_music_is_graded_for_the_photo_that_it_was_composed_for(served: Served, cat_jpeg: bytes) -> None:
    photo = served.upload(cat_jpeg)
    composed = served.outcome(
        served.ask(
            "compose",
            seconds=8,
            persona="haydn",
            format=["mid"],
            photo=[{"sha256": photo["sha256"], "name": "cat.jpg"}],
        )
    )
    assert composed["state"] == "done", composed["error"]
    told = served.http.post("/api/ratings", json={"grade": "good", "music": {"job": composed["id"]}})
    assert told.status_code == 201, told.text
    assert told.json()["picture"] == photo["sha256"]
    report = served.http.get("/api/ratings/report", params={"by": "persona"}).json()
    assert report["groups"][0]["name"] == "haydn"
    assert report["all"]["votes"] == 1
    assert served.http.delete("/api/ratings/last").json()["standing"] == "undone"
    assert served.http.get("/api/ratings/report").json()["all"] is None


def test_a_grade_needs_something_that_is_graded(served: Served) -> None:
    told = problem(served.http.post("/api/ratings", json={"grade": "good"}), 422)
    assert told["what"] == "music or picture"
    problem(served.http.post("/api/ratings", json={"grade": "splendid"}), 422)
    counted = served.outcome(served.ask("count", to=1))
    for role, status in (("music", 415), ("picture", 415)):
        problem(served.http.post("/api/ratings", json={"grade": "bad", role: {"job": counted["id"]}}), status)


def turned(jpeg: bytes) -> bytes:
    """The same photo on its side."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as opened:
        opened.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG")
    return buffer.getvalue()


@needs_models
def test_any_result_is_graded_by_itself_with_the_listeners_name(served: Served, cat_jpeg: bytes) -> None:
    photo = {"sha256": served.upload(cat_jpeg)["sha256"], "name": "cat.jpg"}
    other = {"sha256": served.upload(turned(cat_jpeg))["sha256"], "name": "other.jpg"}
    film = {"photos": [photo, other], "style": "udnie", "model": "fast", "seconds": 4, "resolution": 120}
    jobs = {
        "picture": served.ask("paint", photos=[photo], style="udnie", model="fast"),
        "music": served.ask("compose", seconds=8, persona="haydn", format=["mid"]),
        "film": served.ask("film", **film),
    }
    for kind, asked in jobs.items():
        job = served.outcome(asked)
        assert job["state"] == "done", job["error"]
        role = "music" if kind == "music" else "picture"
        body = {"grade": "good", role: {"job": job["id"], "result": 0}, "listener": "Ada"}
        answer = served.http.post("/api/ratings", json=body)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["kind"], answer.json()["listener"]) == (kind, "Ada")
    listeners = served.http.get("/api/ratings/report", params={"by": "listener"}).json()
    assert {"Ada": 3}.items() <= {group["name"]: group["votes"] for group in listeners["groups"]}.items()
    for _ in jobs:
        served.http.delete("/api/ratings/last", params={"listener": "Ada"})


def test_the_description_names_every_verb_with_its_own_parameters(served: Served) -> None:
    told = served.http.get("/api/openapi.json").json()
    body = told["paths"]["/api/paint"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    model = told["components"]["schemas"][body.rpartition("/")[2]]
    assert model["properties"]["strength"]["maximum"] == 1
    assert model["required"] == ["photos"]


def test_the_queue_has_an_end(own: Callable[..., Any]) -> None:
    with own(waiting=3) as served:
        for i in range(3):
            served.ask("count", to=i)

        def refused() -> Any:  # jobs are counted twice a second
            answer = served.http.post("/api/count", params={"fresh": True}, json={})
            return answer if answer.status_code == 429 else None

        answer = until(refused)
        assert int(answer.headers["retry-after"]) >= 1
        assert problem(answer, 429)["limit"] == 3
        assert served.http.get("/api/health").json()["status"] == "busy"
