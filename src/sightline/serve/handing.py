"""A live connection handed to another process: its socket, and the request that it began with.

The process that listens reads the request for a WebSocket and sends both over a Unix socket (``SCM_RIGHTS``). The other
answers as if the request had come there; from then on no byte goes through the first.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

POSSIBLE = hasattr(socket, "send_fds")  # not on Windows

_LENGTH = struct.Struct("<I")
_BLOCK = 1 << 16
_AT_ONCE = 16  # sockets of one look


class Share(Protocol):
    """Who decides where a live connection is answered."""

    def offer(self, request: bytes, descriptor: int) -> bool:
        """Return whether another process has taken a connection.

        Parameters
        ----------
        request
            What it began with, as it came.
        descriptor
            Of its socket.
        """
        ...

    def ended(self) -> None:
        """Hear that a connection which nobody took has ended."""
        ...


class Offered(WebSocketsSansIOProtocol):
    """A connection that is offered to other processes before it is answered here.

    Parameters
    ----------
    share
        Who decides.
    given
        What uvicorn makes its protocol of.
    """

    def __init__(self, share: Share, **given: Any) -> None:
        super().__init__(**given)
        self._share = share
        self._here: bool | None = None  # unknown until the request is there

    def data_received(self, data: bytes) -> None:
        """Offer the connection when its request is there; take what comes where it is answered here."""
        if self._here is None:
            settled = not self.transport.get_write_buffer_size()  # no answer to an earlier request is on its way yet
            descriptor = self.transport.get_extra_info("socket").fileno()
            self._here = not (settled and self._share.offer(data, descriptor))
            if not self._here:
                self.transport.close()  # this process's hold on the socket, which lives on
        if self._here:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who shared it out, if it was answered here."""
        super().connection_lost(exc)
        if self._here:
            self._share.ended()


class Taken(WebSocketsSansIOProtocol):
    """A connection that another process has handed over.

    Parameters
    ----------
    request
        What it began with.
    ended
        Called when it has ended.
    given
        What uvicorn makes its protocol of.
    """

    def __init__(self, request: bytes, ended: Callable[[], None], **given: Any) -> None:
        super().__init__(**given)
        self._request, self._ended = request, ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the request as if it had come now."""
        super().connection_made(transport)
        self.data_received(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it has ended."""
        super().connection_lost(exc)
        self._ended()


def hand_over(control: socket.socket, request: bytes, descriptor: int) -> None:
    """Send a connection to another process.

    Raises :class:`BlockingIOError` when that one does not keep up, any other :class:`OSError` when it cannot be used
    any more.

    Parameters
    ----------
    control
        Unix socket to it.
    request, descriptor
        See :meth:`Share.offer`.
    """
    message = _LENGTH.pack(len(request)) + request
    if socket.send_fds(control, [message], [descriptor]) != len(message):
        raise ConnectionError("a connection was handed over in part")


class Inbox:
    """Connections that come over a control socket, each with its request, in order."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._sockets: deque[socket.socket] = deque()

    def read(self, control: socket.socket) -> list[tuple[bytes, socket.socket]] | None:
        """Return what has become whole; None once the sender has closed or is gone.

        Parameters
        ----------
        control
            Unix socket from which :func:`hand_over`'s messages come; one that does not block.
        """
        try:
            data, descriptors, flags, _ = socket.recv_fds(control, _BLOCK, _AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            return None
        for descriptor in descriptors:
            made = socket.socket(fileno=descriptor)
            made.set_inheritable(False)
            self._sockets.append(made)
        if not data or flags & socket.MSG_CTRUNC:  # sockets were lost: this process may open no more files
            return None
        self._data += data
        return list(iter(self._next, None))

    def _next(self) -> tuple[bytes, socket.socket] | None:
        if len(self._data) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._data)[0]
        if len(self._data) < end:
            return None
        request = bytes(self._data[_LENGTH.size : end])
        del self._data[:end]
        return request, self._sockets.popleft()
