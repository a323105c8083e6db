"""Many clients of the lab's live connection in one thread, so light that the server is what is measured.

They speak WebSocket by hand (RFC 6455): a library's client takes as much of a processor for one answer as the server.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import time
from typing import Any

_PING, _PONG, _TEXT, _BINARY = 9, 10, 1, 2
_HANDSHAKE = (
    "GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: c2lnaHRsaW5lLWNsaWVudA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Client:
    """A connection with one frame in flight, which asks for thresholds of its own.

    Parameters
    ----------
    port
        Of the lab.
    number
        Which client it is: its ids and values are not those of the others.
    """

    def __init__(self, port: int, number: int) -> None:
        self.number, self.asked, self.answered, self.wrong = number, 0, 0, 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(_HANDSHAKE.format(port=port).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        assert b" 101 " in answer, answer
        self._buffer, self._have = bytearray(1 << 21), 0
        self._ask: dict[str, Any] = {}

    def ask(self) -> None:
        """Send a frame."""
        value = (self.number * 37 + self.asked) % 255
        self._ask = {"id": f"{self.number}-{self.asked}", "method": "image.threshold", "steps": False, "size": 200_000}
        self._ask |= {"inputs": {"image": "sample:china"}, "parameters": {"value": value}}
        self._send(_TEXT, json.dumps(self._ask).encode())
        self.asked += 1

    def take(self) -> bool:
        """Take what has come; return whether the answer is whole."""
        count = self.socket.recv_into(memoryview(self._buffer)[self._have :])
        assert count, "the server closed a connection"
        self._have += count
        whole = False
        while (frame := self._frame()) is not None:
            kind, start, end = frame
            if kind == _PING:
                self._send(_PONG, bytes(self._buffer[start:end]))
            else:
                whole = True
                self.answered += 1
                self.wrong += not self._is_mine(kind, start)
            self._buffer[: self._have - end] = self._buffer[end : self._have]
            self._have -= end
        return whole

    def _frame(self) -> tuple[int, int, int] | None:
        """Return the kind of the first frame, and where its payload begins and ends; None while it is not whole."""
        if self._have < 10:
            return None
        length, start = self._buffer[1], 2
        if length == 126:
            length, start = struct.unpack_from(">H", self._buffer, 2)[0], 4
        elif length == 127:
            length, start = struct.unpack_from(">Q", self._buffer, 2)[0], 10
        return (self._buffer[0] & 15, start, start + length) if self._have >= start + length else None

    def _is_mine(self, kind: int, start: int) -> bool:
        if kind != _BINARY:
            return False
        (length,) = struct.unpack_from("<I", self._buffer, start)
        found = json.loads(self._buffer[start + 4 : start + 4 + length])
        return found["id"] == self._ask["id"] and found["parameters"] == self._ask["parameters"]

    def _send(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
        self.socket.sendall(bytes([0x80 | kind]) + length + bytes(4) + payload)  # a mask of zeros


def count_answers(port: int, clients: int, seconds: float) -> tuple[int, int, int]:
    """Return how many frames were asked for, answered, and answered with another's picture."""
    made = [Client(port, number) for number in range(clients)]
    waiting = selectors.DefaultSelector()
    for client in made:
        waiting.register(client.socket, selectors.EVENT_READ, client)
        client.ask()
    end = time.perf_counter() + seconds
    left = clients
    while left:
        ready = waiting.select(60)
        assert ready, f"{left} clients have waited a minute for an answer"
        for key, _ in ready:
            if not key.data.take():
                continue
            if time.perf_counter() < end:
                key.data.ask()
            else:
                left -= 1
                waiting.unregister(key.fileobj)
                key.data.socket.close()
    asked, answered = sum(client.asked for client in made), sum(client.answered for client in made)
    return asked, answered, sum(client.wrong for client in made)
