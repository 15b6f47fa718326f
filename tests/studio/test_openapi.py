"""The description of the API: names, errors, who may ask; and docs/api.md, which lists every route."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.jobs import tricks
from tests.studio.serving import Served

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def description(served: Served) -> dict[str, Any]:
    told: dict[str, Any] = served.http.get("/api/openapi.json").json()
    return told


def _operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if path.removeprefix("/api/") not in tricks.VERBS
    ]


def test_operations_have_names_that_a_person_understands(description: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(description)]
    assert len(set(ids)) == len(ids)
    for method, path, operation in _operations(description):
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), (method, path)
        assert "_" not in operation["operationId"]
        summary = operation["summary"]
        assert len(summary.split()) >= 2 and summary[0].isupper() and not summary.endswith("."), (
            method,
            path,
            summary,
        )


def test_each_says_which_errors_it_has_and_what_they_mean(description: dict[str, Any]) -> None:
    for method, path, operation in _operations(description):
        wrong = {code: told for code, told in operation["responses"].items() if code >= "400"}
        assert {"401", "403", "422", "429", "500", "503"} <= set(wrong), (method, path)
        assert ("404" in wrong) or "{" not in path
        for told in wrong.values():
            assert "application/problem+json" in told["content"]
        assert "Retry-After" in wrong["429"]["headers"]


def test_it_says_who_may_ask_and_where(description: dict[str, Any]) -> None:
    schemes = description["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert (schemes["cookie"]["type"], schemes["cookie"]["in"]) == ("apiKey", "cookie")
    assert {"bearer": []} in description["security"] and {} in description["security"]
    assert description["servers"] == [{"url": "/", "description": "This studio"}]


def test_docs_list_every_route(description: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) /api/[^`]*)`", text, re.MULTILINE))
    there = {f"{method} {path}" for method, path, _ in _operations(description)}
    assert there - listed == set(), "docs/api.md leaves these out"
    assert listed - there == set(), "docs/api.md lists what is not there"


def test_the_page_of_the_api_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.http.get("/docs", headers={"Accept": "text/html"})
    assert page.status_code == 200
    parts = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert any("swagger-ui-bundle.js" in part for part in parts)
    assert all(part.startswith("/") for part in parts), parts
    for part in parts:
        assert served.http.get(part).status_code == 200, part
    assert "unsafe" not in page.headers["content-security-policy"]
