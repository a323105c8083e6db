"""Live connections shared out among processes: one interpreter answers on one processor at a time.

The first process listens and keeps all state. Once a page holds a live connection, another is started beside it, and
more as connections come; each new connection goes, as a socket, to the process that has the fewest. Uploads stay in the
first process, which the others ask for them. One that dies takes its connections along, whose pages open new ones, and
is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import MissingFileError
from sightline.serve import handing

if TYPE_CHECKING:
    from sightline.lab.pictures import Pictures

MOST_PROCESSES = 4
MOST_SOCKETS = 64  # of all processes together
START_SECONDS = 1.0  # after the first live connection: what a page asks first is not held up
MEMORY = 0.3  # share of the machine's memory that all processes but the first may take together
_LEAST_BYTES = 2**30  # with less, a process would refuse pictures that the first one takes
_ROOM = 1 << 18  # bytes of requests that may be on their way to a process
_AGAIN_SECONDS = 1.0  # until a process that died is replaced
_TRIES = 3  # so often in a row one may end as soon as it was started
_SOON = 10.0
_END_SECONDS = 5.0
_SILENT_SECONDS = 5.0  # after which a process gets no connections: it says something every second
LONGEST = 200  # bytes of an upload's reference: longer ones are none

_log = logging.getLogger("sightline.lab")


class Sharing:
    """Where live connections are answered: in this process, or in others that are started when there are any.

    Parameters
    ----------
    root
        The lab's folder.
    token
        What clients must show; see :class:`~sightline.serve.guard.Guard`.
    processes
        How many answer, this one included; when None as many as there are processors, at most four, and no more than
        the memory is enough for.
    """

    def __init__(self, root: Path, *, token: str | None = None, processes: int | None = None) -> None:
        self._root, self._token = root.resolve(), token
        others = (_processors() if processes is None else processes) - 1 if handing.POSSIBLE else 0
        self._most = min(others, _memory() // _LEAST_BYTES)  # processes beside this one
        self._share = _memory() // max(1, self._most)
        self._here = 0
        self._others: list[_Process] = []
        self._keeping: list[asyncio.Task[None]] = []
        self._pictures: Pictures | None = None  # there once processes may be started
        self._begun = self._ending = False

    @property
    def open(self) -> int:
        """How many live connections there are in all."""
        return self._here + self.elsewhere

    @property
    def elsewhere(self) -> int:
        """How many live connections the other processes have."""
        return sum(other.open for other in self._others)

    @property
    def work(self) -> int:
        """How much the other processes are at work on, as they said last."""
        return sum(other.work for other in self._others)

    @property
    def processes(self) -> int:
        """How many processes answer, this one included."""
        return 1 + sum(other.ready for other in self._others)

    def offer(self, request: bytes, descriptor: int) -> bool:
        """Hand a connection to the process that has the fewest; see :class:`~sightline.serve.handing.Share`."""
        self._grow()
        others = [other for other in self._others if other.ready]
        least = min(others, key=lambda other: other.open, default=None)
        full = self.open >= MOST_SOCKETS  # it is refused here
        if least is None or full or self._here <= least.open or not least.take(request, descriptor):
            self._here += 1
            return False
        return True

    def ended(self) -> None:
        """Hear that a connection of this process has ended."""
        self._here -= 1

    def begin(self, pictures: Pictures) -> None:
        """Start another process soon, now that somebody was let in; nothing happens the next time.

        Parameters
        ----------
        pictures
            What the others may ask for.
        """
        if not self._begun:
            self._begun = True
            asyncio.get_running_loop().call_later(START_SECONDS, self._start, pictures)

    def _start(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._grow()

    def _grow(self) -> None:
        """Start processes until there is one more than connections, as far as there may be."""
        if self._pictures is None or self._ending:
            return
        while len(self._keeping) < min(self._most, max(1, self.open)):
            self._keeping.append(asyncio.create_task(self._keep(self._pictures)))

    async def _keep(self, pictures: Pictures) -> None:
        """Keep one process running."""
        told = {"root": str(self._root), "token": self._token, "memory": self._share}
        failed = 0
        while not self._ending and failed < _TRIES:
            begun = time.monotonic()
            try:
                other = await asyncio.to_thread(_Process, told, pictures)
            except OSError as error:
                _log.warning("No process for live connections can be started (%s); the lab goes on without it.", error)
                return
            self._others.append(other)
            try:
                if self._ending:
                    other.stop()
                await other.listen()
            finally:
                self._others.remove(other)
                other.stop()
            await asyncio.to_thread(other.finish)
            failed = failed + 1 if time.monotonic() - begun < _SOON else 0
            if not self._ending:
                await asyncio.sleep(_AGAIN_SECONDS)
        if failed == _TRIES:
            _log.warning("A process for live connections ends as soon as it is started; the lab goes on without it.")

    def stop(self) -> None:
        """Tell the other processes that the end has come."""
        self._ending = True
        for other in list(self._others):
            other.stop()

    def close(self) -> None:
        """Wait until the other processes have ended."""
        self.stop()
        for other in list(self._others):
            other.finish()


class _Process:
    """One of the other processes, as the first one sees it."""

    def __init__(self, told: dict[str, Any], pictures: Pictures) -> None:
        from multiprocessing.connection import Connection

        self.work = 0
        self._heard, self._stopped = -math.inf, False
        self._given, self._ended = 0, 0
        self._control, control = socket.socketpair()
        self._control.setblocking(False)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)  # by itself, macOS has 8 kB
        ours, theirs = socket.socketpair()
        ours.set_inheritable(False)
        self._asks = Connection(ours.detach())
        with control, theirs:
            descriptors = (control.fileno(), theirs.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sightline.lab.live_process", *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,  # Ctrl-C in the terminal is for the first process, which stops this one
            )
        threading.Thread(target=self._give, args=(told, pictures), name="sightline-give", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether it is there and well."""
        return not self._stopped and time.monotonic() - self._heard < _SILENT_SECONDS

    @property
    def open(self) -> int:
        """How many connections it has."""
        return self._given - self._ended

    def take(self, request: bytes, descriptor: int) -> bool:
        """Hand it a connection; return whether that went well."""
        try:
            handing.hand_over(self._control, request, descriptor)
        except BlockingIOError:
            return False
        except OSError:
            self.stop()
            return False
        self._given += 1
        return True

    async def listen(self) -> None:
        """Take in what it says of itself, until it ends: lines of JSON, ``ended`` and ``work``."""
        loop, rest = asyncio.get_running_loop(), b""
        while data := await _received(loop, self._control):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                told = json.loads(line)
                self._heard, self._ended, self.work = time.monotonic(), told["ended"], told["work"]

    def _give(self, told: dict[str, Any], pictures: Pictures) -> None:
        """Tell it what it has to know, and give it the uploads that it asks for."""
        try:
            self._asks.send_bytes(json.dumps(told).encode())
            while True:
                reference = self._asks.recv_bytes(LONGEST).decode()
                try:
                    data, mask = pictures.uploaded(reference)
                except MissingFileError:
                    data, mask = b"", False
                self._asks.send_bytes(b"mask" if mask else b"")
                self._asks.send_bytes(data)
        except (EOFError, OSError):
            self._asks.close()  # it has ended

    def stop(self) -> None:
        """Tell it to close its connections and to end."""
        self._stopped = True
        with contextlib.suppress(OSError):  # it has ended
            self._control.shutdown(socket.SHUT_WR)

    def finish(self) -> None:
        """Wait until it has ended; kill it when it does not."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._control.close()


async def _received(loop: asyncio.AbstractEventLoop, control: socket.socket) -> bytes:
    """Return what has come, nothing once the other side is gone."""
    try:
        return await loop.sock_recv(control, 1 << 16)
    except OSError:
        return b""


def _processors() -> int:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, MOST_PROCESSES)


def _memory() -> int:
    """Return how many bytes all processes but the first may take together; enough where that is not known."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY)
    except (AttributeError, OSError, ValueError):
        return MOST_PROCESSES * _LEAST_BYTES
