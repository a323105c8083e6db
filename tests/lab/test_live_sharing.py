"""Live connections over several processes: right answers, uploads seen by all, no process left behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image as PillowImage
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from lab.server import running
from sightline.core.trace import trace_from_bytes
from sightline.data.sample import SAMPLES
from sightline.lab.live_sharing import MOST_SOCKETS, Sharing, _processors
from sightline.serve import handing

pytestmark = pytest.mark.skipif(
    not handing.POSSIBLE or _processors() < 2, reason="one process is all there is on this machine"
)
ASK: dict[str, Any] = {"method": "image.threshold", "steps": False, "size": 20_000}


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def processes(port: int) -> int:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return int(re.search(r"sightline_processes (\d+)", text)[1])  # type: ignore[index]


def live(port: int, **more: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}/api/live", max_size=None, **more)


def ask(socket: ClientConnection, number: int, reference: str = "sample:camera", **more: Any) -> Any:
    """Ask for a threshold; return the trace, or what is told of an error."""
    words = {"id": number, **ASK, "inputs": {"image": reference}, "parameters": {"value": number % 255}, **more}
    socket.send(json.dumps(words))
    data = socket.recv(60)
    return trace_from_bytes(data) if isinstance(data, bytes) else json.loads(data)


@contextlib.contextmanager
def shared_lab(place: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a lab; yield it and its port once there is more than one process."""
    with running("lab", "--no-browser", "--root", str(place), *words, cache=place) as (process, port):
        with live(port) as first:
            ask(first, 0)
            until(lambda: processes(port) > 1)
        yield process, port


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with shared_lab(tmp_path_factory.mktemp("lab")) as found:
        yield found


def others(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [one for one in psutil.Process(process.pid).children() if "sightline.lab.live_process" in one.cmdline()]


def port_holders(process: subprocess.Popen[str], port: int) -> list[int]:
    """Return how many connections to the port each of the other processes has."""
    return [sum(one.laddr.port == port for one in other.net_connections("tcp")) for other in others(process)]


def test_connections_are_shared_out_and_each_gets_its_own_answers(lab: tuple[subprocess.Popen[str], int]) -> None:
    process, port = lab
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(live(port)) for _ in range(16)]
        for turn in range(4):
            for number, socket in enumerate(sockets):  # all are asked before the first is heard
                words = {"id": 100 * number + turn, **ASK, "inputs": {"image": "sample:camera"}}
                socket.send(json.dumps({**words, "parameters": {"value": 10 * number + turn}}))
            for number, socket in enumerate(sockets):
                traced = trace_from_bytes(bytes(socket.recv(60)))  # type: ignore[arg-type]
                assert (traced.about["id"], traced.parameters["value"]) == (100 * number + turn, 10 * number + turn)
        held = port_holders(process, port)
        assert min(held) >= 16 // (len(held) + 1) - 1, held
        assert sum(held) <= 16 - 16 // (len(held) + 1), "the first process answers, too"
        assert "sightline_live 16\n" in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_all_processes_answer_the_same(lab: tuple[subprocess.Popen[str], int]) -> None:
    """Steps, chains, frames of a camera, uploads and errors are alike wherever a connection has gone."""
    _, port = lab
    base = f"http://127.0.0.1:{port}"
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:50] = 255
    stream = io.BytesIO()
    PillowImage.fromarray(mask).save(stream, "png")
    photo = SAMPLES["coffee"].path.read_bytes()
    upload = httpx.post(f"{base}/api/uploads", content=photo).json()["ref"]
    painted = httpx.post(f"{base}/api/uploads?kind=mask", content=stream.getvalue()).json()["ref"]
    chain = [{"method": "image.gaussian_blur", "parameters": {"sigma": 2}}, {"method": "image.canny"}]
    header = json.dumps({"id": 9, "method": "image.canny", "steps": False}).encode()
    found = []
    with contextlib.ExitStack() as stack:
        for socket in [stack.enter_context(live(port)) for _ in range(2 * processes(port))]:
            answers = [ask(socket, 80, upload), ask(socket, 81, painted, size=600), ask(socket, 82, steps=True)]
            answers.append(ask(socket, 83, method="", parameters={}, pipeline=chain))
            socket.send(len(header).to_bytes(4, "little") + header + photo)
            answers.append(trace_from_bytes(bytes(socket.recv(60))))  # type: ignore[arg-type]
            found.append([[layer for step in one for layer in step.layers] for one in answers])
            for none in ("upload:none", "upload:", "upload:" + 10_000 * "x", "upload:\ud800", upload[:-1]):
                missing = ask(socket, 84, none)["error"]
                assert (missing["kind"], "Upload it again" in missing["message"]) == ("MissingFileError", True)
            assert ask(socket, 85, upload, size=1000).about["id"] == 85
    assert [len(layers) > 0 for layers in found[0]] == [True] * 5
    for one in found[1:]:
        for ours, first in zip(one, found[0], strict=True):
            assert len(ours) == len(first)
            for layer, same in zip(ours, first, strict=True):
                assert type(layer) is type(same)
                if hasattr(layer, "value"):
                    np.testing.assert_array_equal(layer.value, same.value)


def test_the_limit_is_that_of_all_processes(lab: tuple[subprocess.Popen[str], int]) -> None:
    process, port = lab
    until(lambda: not any(port_holders(process, port)))
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(live(port)) for _ in range(MOST_SOCKETS)]
        for _ in range(3):
            with pytest.raises(InvalidStatus), live(port):
                pass
        assert ask(sockets[-1], 5).about["id"] == 5
        sockets[0].close()
        sockets[1].close()
        time.sleep(0.5)
        with live(port) as socket:
            assert ask(socket, 6).about["id"] == 6


def test_strangers_are_refused_wherever_they_come_to(lab: tuple[subprocess.Popen[str], int]) -> None:
    _, port = lab
    for _ in range(6):
        with pytest.raises(InvalidStatus) as refused, live(port, origin="http://evil.example"):
            pass
        assert refused.value.response.status_code == 403


def test_one_that_dies_takes_its_connections_along_and_is_replaced(lab: tuple[subprocess.Popen[str], int]) -> None:
    process, port = lab
    before = {one.pid for one in others(process)}
    count = processes(port)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(live(port)) for _ in range(8)]
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        closed = 0
        for number, socket in enumerate(sockets):
            try:
                assert ask(socket, number).about["id"] == number
            except ConnectionClosed:
                closed += 1
                with live(port) as again:  # as a page does
                    assert ask(again, number).about["id"] == number
        assert 0 < closed < 8
    until(lambda: processes(port) >= count)
    assert not before & {one.pid for one in others(process)}


@pytest.mark.parametrize("signal_sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_none_outlives_the_lab(tmp_path: Path, signal_sent: signal.Signals) -> None:
    with shared_lab(tmp_path) as (process, port), contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(live(port)) for _ in range(6)]
        ask(sockets[-1], 1)
        left = others(process)
        begun = time.monotonic()
        process.send_signal(signal_sent)
        process.wait(20)
        _, alive = psutil.wait_procs(left, timeout=10)
        assert alive == []
        assert time.monotonic() - begun < 12
        for socket in sockets:
            with pytest.raises(ConnectionClosed):
                socket.recv(20)


def test_a_token_is_wanted_by_all(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "sightline", "lab", "--no-browser", "--root", str(tmp_path), "--port", "0"]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([*words, "--host", "0.0.0.0"], stderr=subprocess.PIPE, text=True, env=env)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r":(\d+)/\?token=(\S+)", line)
        assert found, line
        token = found[2]
        address = f"ws://127.0.0.1:{found[1]}/api/live"
        metrics = f"http://127.0.0.1:{found[1]}/metrics?token={token}"
        with connect(f"{address}?token={token}", max_size=None) as first:
            ask(first, 0)
            until(lambda: "sightline_processes 1\n" not in httpx.get(metrics, timeout=60).text)
            with contextlib.ExitStack() as stack:
                sockets = [stack.enter_context(connect(f"{address}?token={token}", max_size=None)) for _ in range(5)]
                assert [ask(socket, number).about["id"] for number, socket in enumerate(sockets)] == list(range(5))
                for wrong in ("", "?token=", f"?token={token}x"):
                    for _ in range(4):
                        with pytest.raises(InvalidStatus), connect(f"{address}{wrong}"):
                            pass
        command = [word for other in others(process) for word in other.cmdline()]
        assert not any(token in word for word in command)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_one_processor_has_one_process(tmp_path: Path) -> None:
    sharing = Sharing(tmp_path, processes=1)
    assert not sharing.offer(b"", -1)
    assert (sharing.processes, sharing.elsewhere, sharing.work, sharing.open) == (1, 0, 0, 1)
    sharing.ended()
    assert sharing.open == 0
    sharing.close()
