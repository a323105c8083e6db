"""The lab as a process: starts without torch and numba, survives rude clients, ends when it is told to."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

import sightline as sl
from lab.server import running
from sightline.cli.app import main
from sightline.core.trace import trace_from_bytes


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    place = tmp_path_factory.mktemp("lab")
    with running("lab", "--no-browser", "--root", str(place), cache=place) as (_, found):
        yield found


def test_starting_loads_neither_torch_nor_numba(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sightline.lab.app import application\n"
        "from sightline.lab.lab import Lab\n"
        "from sightline.serve.meter import Meter\n"
        f"application(Lab(Path({str(tmp_path)!r})), Meter(None))\n"
        "print([name for name in ('torch', 'numba', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_gigabyte_is_read_away_and_refused(port: int) -> None:
    def gigabyte() -> Iterator[bytes]:
        block = bytes(2**20)
        for _ in range(1024):
            yield block

    answer = httpx.post(f"http://127.0.0.1:{port}/api/uploads", content=gigabyte(), timeout=60)
    assert answer.status_code == 413
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["status"] == "ok"


def test_thirty_two_clients_get_their_own_answers(port: int) -> None:
    wrong: list[Any] = []

    def client(number: int) -> None:
        with connect(f"ws://127.0.0.1:{port}/api/live", max_size=None) as ws:
            for turn in range(6):
                value = (number * 6 + turn) % 255
                ask = {"id": number * 1000 + turn, "method": "image.threshold", "steps": False, "size": 20_000}
                ws.send(json.dumps({**ask, "inputs": {"image": "sample:camera"}, "parameters": {"value": value}}))
                data = ws.recv(60)
                assert isinstance(data, bytes)
                traced = trace_from_bytes(data)
                if (traced.about["id"], traced.parameters["value"]) != (ask["id"], value):
                    wrong.append((number, turn))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_a_socket_that_closes_mid_frame_harms_nobody(port: int) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = f"{upgrade}Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    for cut in (b"", b"\x81", b"\x81\xfe\x10", b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00abcd" + bytes(500)):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{key}\r\n".encode())
            assert b"101" in raw.recv(1000)
            raw.sendall(cut)
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nabc")
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["status"] == "ok"


HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /api/uploads HTTP/1.1\r\n" + HOST
FORM = b"Content-Type: multipart/form-data"
MALFORMED = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/pictures/file:..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /static/..%2f..%2fapp.py HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://127.0.0.1/ HTTP/1.1\r\n" + HOST + b"\r\n",
    b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    POST + b"Content-Length: -5\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    POST + FORM + b"\r\nContent-Length: 3\r\n\r\nabc",
    POST + FORM + b"; boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\n\r\nab",
    b"GET /%ff%fe HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    bytes(100) + b"\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_requests_are_never_our_fault(port: int, request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        raw.sendall(request_bytes)
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        while block := raw.recv(65536):
            answer += block
    status = answer.split(b" ", 2)[1:2]
    assert not status or not status[0].startswith(b"5"), answer[:300]
    assert b"root:" not in answer


@pytest.mark.slow
def test_sigterm_answers_what_is_under_way_and_ends(tmp_path: Path) -> None:
    with running("lab", "--no-browser", "--root", str(tmp_path), cache=tmp_path) as (process, port):
        shared = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)  # one each takes as long as an answer
        ask = {"inputs": {"image": "sample:cat"}, "as": "json"}
        assert shared.post("/api/run/image.non_local_means", json=ask).status_code == 200
        found: list[int] = []

        def client() -> None:
            try:
                found.append(shared.post("/api/run/image.non_local_means", json=ask).status_code)
            except httpx.ConnectError:
                return  # it came when the door was closed already

        threads = [threading.Thread(target=client) for _ in range(12)]
        with connect(f"ws://127.0.0.1:{port}/api/live"):
            for thread in threads:
                thread.start()
            end = time.monotonic() + 10
            while not re.search("sightline_work 1[0-2]", shared.get("/metrics").text):
                assert time.monotonic() < end
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        for thread in threads:
            thread.join(20)
        shared.close()
        assert time.monotonic() - begun < 15
        assert found.count(200) >= 10
        assert set(found) == {200}


def test_a_port_that_is_taken_is_told(port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--port", str(port), "--no-browser", "--root", str(tmp_path)]) == 2
    assert "is taken; choose another with --port" in capsys.readouterr().err
    assert main(["lab", "--no-browser", "--root", str(tmp_path / "none")]) == 2
    assert "--root must be a folder" in capsys.readouterr().err
    assert main(["serve", str(tmp_path)]) == 1
    assert "is not a run" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["version"] == sl.__version__
