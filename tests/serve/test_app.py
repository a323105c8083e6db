"""The server of one model."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import sightline as sl
from sightline.serve.app import Service, make_app


@pytest.fixture
def client(run_folder: Path) -> Iterator[TestClient]:
    app = make_app(Service(run_folder))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as made:
        yield made


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)).save(stream, "png")
    return stream.getvalue()


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)


def test_a_picture_gets_the_model_s_own_answer(client: TestClient, run_folder: Path) -> None:
    expected = sl.load(run_folder).predict(pixels(1)).to_json()
    for answer in (
        client.post("/predict", content=png(1), headers={"content-type": "image/png"}),
        client.post("/predict", files={"file": ("a.png", png(1), "image/png")}),
    ):
        told = answer.json()
        assert told["milliseconds"] > 0
        assert told["label"] == expected["label"]
        assert told["score"] == pytest.approx(expected["score"], abs=1e-5)


def test_several_pictures_are_answered_in_order_and_a_broken_one_by_itself(
    client: TestClient, run_folder: Path
) -> None:
    parts = [png(2), b"just text", png(3)]
    files = [("file", (f"{number}.png", data, "image/png")) for number, data in enumerate(parts)]
    rows = client.post("/predict", files=files).json()["results"]
    expected = [sl.load(run_folder).predict(pixels(seed)).label for seed in (2, 3)]
    assert [rows[0]["label"], rows[2]["label"]] == expected
    assert "text" in rows[1]["error"]["message"]


def test_forty_clients_at_once_get_their_own_answers(client: TestClient, run_folder: Path) -> None:
    predictor = sl.load(run_folder)
    wanted = [predictor.predict(pixels(seed)).to_json()["score"] for seed in range(40)]
    found: dict[int, Any] = {}

    def ask(seed: int) -> None:
        found[seed] = client.post("/predict", content=png(seed)).json()["score"]

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[seed] for seed in range(40)] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("data", [b"", b"just text", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_415(client: TestClient, data: bytes) -> None:
    answer = client.post("/predict", content=data)
    assert answer.status_code == 415
    assert answer.json()["error"]["message"].startswith("predict: ")


def test_the_server_tells_what_it_serves(client: TestClient) -> None:
    assert client.get("/").json()["classes"] == [str(digit) for digit in range(10)]
    assert client.get("/healthz").json()["status"] == "ok"
    assert "sightline_waiting 0" in client.get("/metrics").text
    assert "/predict" in client.get("/openapi.json").json()["paths"]


def test_a_server_that_closes_takes_no_more(run_folder: Path) -> None:
    service = Service(run_folder)
    with TestClient(make_app(service), base_url="http://127.0.0.1") as client:
        service.close()
        refused = client.post("/predict", content=png(1))
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert client.get("/healthz").json()["status"] == "closing"
