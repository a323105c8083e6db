"""The interface as it describes itself, fuzzed: whatever is sent, no answer is our fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from starlette.testclient import TestClient

from sightline.lab.app import make_app
from sightline.lab.lab import Lab
from sightline.lab.listing import Listing

# What starts processes has tests of its own.
SLOW = r"/api/(trainings.*(start|resume|stop|events)|trainings$|lessons/.*/(run|check)|recipes)"


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> object:
    place = tmp_path_factory.mktemp("fuzz")
    lab_app = make_app(Lab(place, listing=Listing(place / "listing")))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Come from loopback, as a page does: the fuzzer calls its host 'testserver'."""
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [(b"host", b"localhost"), *others]}
        await lab_app(scope, receive, send)

    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.slow
def test_no_answer_is_a_server_error(schema: Any) -> None:
    operations = [found.ok() for found in schema.exclude(path_regex=SLOW).get_all_operations()]
    assert len(operations) > 15
    for operation in operations:

        @hypothesis.settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def probe(case: schemathesis.Case) -> None:
            answer = case.call(timeout=100)  # what compiles first, on a busy machine, takes more than ten seconds
            assert answer.status_code < 500 or answer.status_code in (501, 503, 507), answer.text
            if answer.status_code >= 400:
                assert answer.json()["error"]["message"]

        probe()


def test_every_route_is_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/methods", "/api/run/{name}", "/api/predict/{name}", "/api/trainings", "/healthz"} <= set(paths)
    for path, routes in paths.items():
        for verb, route in routes.items():
            assert route["summary"], f"{verb} {path} has no summary"


def test_nothing_is_fetched_from_elsewhere(client: TestClient) -> None:
    assert client.get("/docs").headers["content-type"].startswith("text/html")
    for path in ("/", "/api", "/docs"):
        text = client.get(path).text.replace("http://www.w3.org", "").replace("http://127.0.0.1/", "")
        assert "http://" not in text
        assert "https://" not in text


def test_a_listing_folder_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("", "utf-8")
    assert "image.canny" in Listing(place / "sub").rows(whole=True)
