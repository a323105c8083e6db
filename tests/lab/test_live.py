"""The live connection: frames in, traces out, errors as frames, the newest wins."""

from __future__ import annotations

import json
import struct
import threading
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import sightline as sl
from sightline.core.errors import FormatError
from sightline.core.trace import trace_from_bytes
from sightline.data.sample import SAMPLES
from sightline.lab import live

LIVE = "ws://127.0.0.1/api/live"
CANNY: dict[str, Any] = {"method": "image.canny", "inputs": {"image": "sample:cat"}}


def test_each_frame_is_answered_with_its_own_number(client: TestClient) -> None:
    cat = sl.read(SAMPLES["cat"].path)
    with client.websocket_connect(LIVE) as socket:
        for number, low in enumerate((20, 60, 100)):
            socket.send_text(json.dumps({"id": number, **CANNY, "parameters": {"low": low, "high": 150}}))
            answer = trace_from_bytes(socket.receive_bytes())
            assert answer.about["id"] == number
            np.testing.assert_array_equal(answer.steps[-1].layers[0].value, sl.image.canny(cat, low=low, high=150))


def test_without_steps_the_result_comes_alone(client: TestClient) -> None:
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(json.dumps({**CANNY, "steps": False}))
        assert [step.name for step in trace_from_bytes(socket.receive_bytes())] == ["result"]


def test_a_webcam_frame_comes_along_as_bytes(client: TestClient) -> None:
    picture = SAMPLES["coffee"].path.read_bytes()
    header = json.dumps({"id": 7, "method": "image.gaussian_blur", "parameters": {"sigma": 2}, "steps": False}).encode()
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(struct.pack("<I", len(header)) + header + picture)
        answer = trace_from_bytes(socket.receive_bytes())
    assert answer.about["id"] == 7
    expected = sl.image.gaussian_blur(sl.read(SAMPLES["coffee"].path), 2.0)
    assert np.abs(answer.result.astype(int) - expected).mean() < 3  # JPEG on the way


def test_a_chain_runs_live(client: TestClient) -> None:
    chain = [{"method": "image.gaussian_blur", "parameters": {"sigma": 2}}, {"method": "image.canny"}]
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(json.dumps({"id": 1, "pipeline": chain, "inputs": {"image": "sample:cat"}}))
        assert [step.name for step in trace_from_bytes(socket.receive_bytes())] == ["input", "gaussian_blur", "canny"]


BROKEN = {
    "no json": "{",
    "no object": "[1]",
    "unknown field": json.dumps({"id": 3, "metod": "x"}),
    "unknown method": json.dumps({"id": 3, "method": "image.cany"}),
    "no method": json.dumps({"id": 3}),
    "out of range": json.dumps({"id": 3, **CANNY, "parameters": {"sigma": 99}}),
    "too deep": "[" * 50_000,
}


@pytest.mark.parametrize("case", BROKEN)
def test_errors_come_as_frames_and_the_socket_stays_open(client: TestClient, case: str) -> None:
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(BROKEN[case])
        told = json.loads(socket.receive_text())
        assert told["error"]["message"]
        assert told["id"] == (3 if '"id": 3' in BROKEN[case] else None)
        socket.send_text(json.dumps({"id": 4, **CANNY, "steps": False}))
        assert trace_from_bytes(socket.receive_bytes()).about["id"] == 4


@pytest.mark.parametrize("data", [b"", b"\x01", struct.pack("<I", 2**31) + b"{}", struct.pack("<I", 2) + b"{}text"])
def test_broken_binary_frames(client: TestClient, data: bytes) -> None:
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(data)
        assert "error" in json.loads(socket.receive_text())


def test_a_frame_says_where_its_header_ends() -> None:
    ask, picture = live.read_frame(None, struct.pack("<I", 8) + b'{"id":5}' + b"JPEG")
    assert (ask.id, picture) == (5, b"JPEG")
    with pytest.raises(FormatError, match="more than it holds"):
        live.read_frame(None, struct.pack("<I", 9) + b'{"id":5}')


def test_the_newest_waiting_frame_wins(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()
    compute = live._compute

    def held(stop: Any, lab: Any, ask: Any, picture: bytes) -> bytes:
        begun.set()
        go.wait(20)
        return compute(stop, lab, ask, picture)

    monkeypatch.setattr(live, "_compute", held)
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(json.dumps({"id": 0, **CANNY, "steps": False}))
        assert begun.wait(20)
        for number in range(1, 6):
            socket.send_text(json.dumps({"id": number, **CANNY, "steps": False}))
        socket.send_text("{")  # answered once all before it were read
        go.set()
        assert trace_from_bytes(socket.receive_bytes()).about["id"] == 0
        told = [json.loads(socket.receive_text()) for _ in range(5)]
        assert told[:4] == [{"id": number, "dropped": True} for number in range(1, 5)]
        assert trace_from_bytes(socket.receive_bytes()).about["id"] == 5


def test_too_many_sockets_are_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_SOCKETS", 1)
    with client.websocket_connect(LIVE):
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(LIVE):
            pass
        assert refused.value.code == 1013
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(json.dumps({**CANNY, "steps": False}))
        assert socket.receive_bytes()


def test_a_page_of_another_origin_gets_no_socket(client: TestClient) -> None:
    headers = {"origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LIVE, headers=headers):
        pass
