"""The front: a page has what it asks first before the rest is loaded, and the same afterwards."""

from __future__ import annotations

import threading
from typing import Any

from starlette.testclient import TestClient

from sightline.lab.app import application
from sightline.lab.front import Front
from sightline.lab.lab import Lab
from sightline.serve.meter import Meter

LISTS = ("/api/methods", "/api/samples", "/healthz")


def test_the_page_and_its_lists_do_not_wait_for_the_rest(lab: Lab) -> None:
    go = threading.Event()

    def load(meter: Meter) -> Any:
        go.wait(60)
        return application(lab, meter)

    with TestClient(Front(lab.listing, load), base_url="http://127.0.0.1") as client:
        first = {path: client.get(path).json() for path in LISTS}
        assert {field["name"] for field in first["/api/methods"]["fields"]} >= {"image", "features"}
        for path in ("/", "/method/image.canny"):
            assert client.get(path).headers["content-type"].startswith("text/html")
        assert client.get("/static/app.js").status_code == 200
        missing = client.get("/static/none.js")
        assert (missing.status_code, missing.json()["error"]["kind"]) == (404, "NotFound")
        threading.Timer(0.1, go.set).start()
        described = client.get("/api/methods/image.canny")  # waits for the rest
        assert described.json()["name"] == "canny"
        assert {path: client.get(path).json() for path in LISTS} == first
        assert "sightline_work 0" in client.get("/metrics").text
    assert lab.closing.is_set()
