"""The server beneath: addresses, clients that dawdle, memory."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from sightline.core.errors import InputError
from sightline.serve import server
from sightline.serve.server import bind, is_loopback


def test_addresses() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        first.listen()
        with pytest.raises(InputError, match=f"127.0.0.1:{port} is taken"):
            bind("127.0.0.1", port)
    with pytest.raises(InputError, match="cannot be used"):
        bind("192.0.2.1", 0)
    assert is_loopback("127.0.0.1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})
    while scope["type"] == "websocket":
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        reply = {"type": "websocket.send", "text": message.get("text")}
        await send({"type": "websocket.accept"} if message["type"] == "websocket.connect" else reply)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Yield the address of a server that waits 0.4 s for a request."""
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.4)
    listening = bind("127.0.0.1", 0)
    ready = threading.Event()
    config = server.uvicorn.Config(
        hello, http=server._Impatient, ws="websockets-sansio", lifespan="off", log_level="critical"
    )
    running = server._Server(config, lambda: None, ready.set)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])))
    thread.start()
    assert ready.wait(10)
    yield listening.getsockname()
    running.should_exit = True
    thread.join(10)


def test_connections_that_ask_for_nothing_are_closed(address: tuple[str, int]) -> None:
    begun = time.monotonic()
    dawdling = [socket.create_connection(address, timeout=10) for _ in range(50)]
    for number, one in enumerate(dawdling):
        one.sendall((b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")[number % 3])
    with socket.create_connection(address, timeout=10) as good:
        good.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert good.recv(1000).startswith(b"HTTP/1.1 200")
    for one in dawdling:
        with one:
            while one.recv(1000):
                pass
    assert time.monotonic() - begun < 8


def test_live_connections_stay(address: tuple[str, int]) -> None:
    with connect(f"ws://127.0.0.1:{address[1]}/") as live:
        live.send("one")
        assert live.recv(5) == "one"
        time.sleep(0.9)
        live.send("two")
        assert live.recv(5) == "two"


@pytest.mark.skipif(sys.platform != "linux", reason="the bound is Linux's")
def test_a_request_for_too_much_memory_fails_and_the_process_lives() -> None:
    program = (
        "import numpy as np\n"
        "from sightline.serve.failures import status_of\n"
        "from sightline.serve.server import bound_memory\n"
        "bound_memory(0.2)\n"
        "try:\n"
        "    np.empty(10**13, np.uint8)\n"
        "except MemoryError as error:\n"
        "    print('refused', status_of(error))\n"
        "print(np.ones(1000).sum())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["refused", "413", "1000.0"]
