"""Handing over: requests and their sockets arrive whole and in order, however the bytes come."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest

from sightline.serve import handing

pytestmark = pytest.mark.skipif(not handing.POSSIBLE, reason="this system hands over no sockets")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


def test_requests_come_in_order_each_with_its_socket(ends: tuple[socket.socket, socket.socket]) -> None:
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(5)]
        for number, (near, far) in enumerate(pairs):
            stack.enter_context(near)
            handing.hand_over(ends[0], b"GET %d" % number * (1 + 999 * number), far.fileno())
            far.close()  # the one that was sent lives on
        inbox = handing.Inbox()
        found: list[tuple[bytes, socket.socket]] = []
        while len(found) < 5:
            taken = inbox.read(ends[1])
            assert taken
            found += taken
        for number, (request, connection) in enumerate(found):
            assert request == b"GET %d" % number * (1 + 999 * number)
            assert not connection.get_inheritable()
            connection.sendall(b"answer %d" % number)
            connection.close()
            assert pairs[number][0].recv(100) == b"answer %d" % number
        assert inbox.read(ends[1]) == []


def test_a_request_may_come_byte_by_byte(ends: tuple[socket.socket, socket.socket]) -> None:
    message = struct.pack("<I", 5) + b"GET /" + struct.pack("<I", 1) + b"x"
    near, far = socket.socketpair()
    with near, far:
        inbox, found = handing.Inbox(), []
        for place, byte in enumerate(message):
            socket.send_fds(ends[0], [bytes([byte])], [far.fileno()] if place in (0, 9) else [])
            taken = inbox.read(ends[1])
            assert taken is not None
            found += taken
            assert len(found) == (place >= 8) + (place >= 13)
        assert [request for request, _ in found] == [b"GET /", b"x"]
        for _, connection in found:
            connection.close()


def test_the_senders_end_is_told(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].shutdown(socket.SHUT_WR)
    assert handing.Inbox().read(ends[1]) is None
    ends[1].close()
    assert handing.Inbox().read(ends[1]) is None


def fill(control: socket.socket, descriptor: int) -> None:
    for _ in range(100_000):
        handing.hand_over(control, bytes(1000), descriptor)


def test_who_does_not_keep_up_is_told_and_one_that_is_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = socket.socketpair()
    with near, far:
        with pytest.raises(BlockingIOError):
            fill(ends[0], far.fileno())
        inbox, count = handing.Inbox(), 0
        while taken := inbox.read(ends[1]):
            count += len(taken)
            for request, connection in taken:
                assert request == bytes(1000)
                connection.close()
        assert count > 10
        ends[1].close()
        with pytest.raises(ConnectionError):
            handing.hand_over(ends[0], b"GET", far.fileno())
