"""A process that answers live connections for the lab that started it.

``python -m sightline.lab.live_process CONTROL ASKS``, two Unix sockets by their numbers: connections come over the
first, and how many have ended goes back; uploads are asked for over the second. It ends when the lab does.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import threading
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from uvicorn.server import ServerState

from sightline.lab.lab import Lab
from sightline.lab.live import live_routes
from sightline.lab.live_sharing import LONGEST
from sightline.lab.pictures import DECODED_BYTES, Pictures
from sightline.serve.guard import Guard
from sightline.serve.handing import Inbox, Taken
from sightline.serve.server import bound_memory, configured

_TOLD_SECONDS = 1.0  # between two signs of life
_DRAIN_SECONDS = 2.0
_ANSWER_SECONDS = 20.0  # that an upload may take to come


class Uploads:
    """The uploads that the lab keeps.

    Parameters
    ----------
    asks
        Where to ask for them.
    """

    def __init__(self, asks: Connection) -> None:
        self._asks, self._lock = asks, threading.Lock()

    def __call__(self, reference: str) -> tuple[bytes, bool] | None:
        """Return an upload's file, and whether it is a mask; None when it is not kept."""
        asked = reference.encode("utf-8", "replace")
        if len(asked) > LONGEST:
            return None
        with self._lock:
            try:
                self._asks.send_bytes(asked)
                if not self._asks.poll(_ANSWER_SECONDS):
                    os._exit(1)  # the lab hangs; what comes later would be taken for another upload
                mask = self._asks.recv_bytes() == b"mask"
                data = self._asks.recv_bytes()
            except (EOFError, OSError):
                os._exit(1)  # the lab is gone
        return (data, mask) if data else None


class Answering:
    """The connections that were handed to this process.

    Parameters
    ----------
    lab
        What they are answered from.
    token
        What clients must show.
    control
        Where connections come from.
    """

    def __init__(self, lab: Lab, token: str | None, control: socket.socket) -> None:
        self._lab, self._control = lab, control
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.include_router(live_routes(lab))
        self._config = configured(Guard(app, token=token), lifespan=False)
        self._config.load()
        self._state = ServerState()
        self._inbox = Inbox()
        self._opening: set[asyncio.Task[None]] = set()
        self._ended = 0
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Answer until the lab closes its end, or is gone."""
        loop = asyncio.get_running_loop()
        self._control.setblocking(False)
        loop.add_reader(self._control, self._read)
        while not self._over.is_set():
            self._tell()
            try:
                await asyncio.wait_for(self._over.wait(), _TOLD_SECONDS)
            except TimeoutError:
                continue
        self._lab.closing.set()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_DRAIN_SECONDS)

    def _read(self) -> None:
        found = self._inbox.read(self._control)
        if found is None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._over.set()
        for request, connection in found or ():
            task = asyncio.create_task(self._open(request, connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, request: bytes, connection: socket.socket) -> None:
        made = partial(Taken, request, self._end, config=self._config, server_state=self._state, app_state={})
        try:
            await asyncio.get_running_loop().connect_accepted_socket(made, connection)
        except OSError:
            connection.close()  # the client has gone away meanwhile
            self._end()

    def _end(self) -> None:
        self._ended += 1
        self._tell()

    def _tell(self) -> None:
        """Say how many connections have ended and how much is being worked on."""
        try:
            self._control.send(json.dumps({"ended": self._ended, "work": self._lab.workers.busy}).encode() + b"\n")
        except BlockingIOError:
            return  # said the next time
        except OSError:
            self._over.set()


def main(argv: list[str] | None = None) -> int:
    """Answer until the lab ends."""
    control, asks = map(int, sys.argv[1:] if argv is None else argv)
    connection = Connection(asks)
    told: dict[str, Any] = json.loads(connection.recv_bytes())
    bound_memory(most=told["memory"])
    uploads = Uploads(connection)
    pictures = Pictures(Path(told["root"]), uploads=uploads, decoded=DECODED_BYTES // 2)
    import sightline.core.kernels  # noqa: F401 - before the first connection, which would wait for it

    async def answer() -> None:
        lab = Lab(Path(told["root"]), pictures=pictures)
        lab.listing.rows()
        answering = Answering(lab, told["token"], socket.socket(fileno=control))
        gc.freeze()  # what is made so far lasts
        await answering.run()

    asyncio.run(answer())
    sys.stderr.flush()
    os._exit(0)  # threads that still compute do not hold it up


if __name__ == "__main__":
    sys.exit(main())
