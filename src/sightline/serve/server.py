"""Running an application: bound to loopback, impatient with clients that dawdle, gone within seconds of SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sightline.core.errors import InputError
from sightline.serve.handing import Offered, Share

HEADER_SECONDS = 15.0
DRAIN_SECONDS = 8
_MAX_FRAME = 16 * 2**20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Impatient(H11Protocol):
    """Closes a connection whose request does not arrive: uvicorn itself waits for ever for the first one."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._look)

    def _look(self) -> None:
        here = getattr(self.transport, "get_protocol", lambda: self)() is self  # and not a live connection's by now
        if here and self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """Tells the application that the end has come before it waits for what is still under way."""

    def __init__(self, config: uvicorn.Config, closing: Callable[[], None], ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing, self._ready = closing, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing()
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; ``port`` 0 takes a free one.

    Raises :class:`InputError` when the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        reason = "is taken; choose another with --port" if error.errno in (98, 48) else f"cannot be used: {error}"
        raise InputError(f"serve: {host}:{port} {reason}.") from error
    made.set_inheritable(False)
    return made


def bound_memory(share: float = 0.6, *, most: int | None = None) -> None:
    """Let this process take at most a share of the machine's memory: a request for more fails, and not the machine.

    Without a bound, Linux hands out more than there is, and ends the process when the pages are touched.

    Parameters
    ----------
    share
        Of the physical memory, in 0–1.
    most
        Bytes, in place of a share.
    """
    try:
        import resource

        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = int(whole * share) if most is None else most
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))
    except (ImportError, AttributeError, OSError, ValueError):
        return  # no such bound on this system


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    return host in _LOOPBACK or host.startswith("127.")


def run_server(
    app: Any,
    listening: socket.socket,
    *,
    closing: Callable[[], None],
    ready: Callable[[], None],
    share: Share | None = None,
    quiet: bool = True,
) -> int:
    """Serve until SIGTERM or Ctrl-C; what is under way is answered first. Returns the exit code.

    Parameters
    ----------
    app
        ASGI application.
    listening
        What :func:`bind` gave.
    closing
        Called before waiting for what is under way.
    ready
        Called once connections are taken.
    share
        Who may have live connections answered by other processes; None answers all of them here.
    quiet
        Whether only warnings are logged.
    """
    server = _Server(configured(app, share=share, quiet=quiet), closing, ready)
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner() as runner:
        runner.run(server.serve(sockets=[listening]))
    sys.stderr.flush()
    return 0 if server.started else 1


def configured(app: Any, *, share: Share | None = None, quiet: bool = True, lifespan: bool = True) -> uvicorn.Config:
    """Return how uvicorn serves an application here.

    Parameters
    ----------
    app, share, quiet
        See :func:`run_server`.
    lifespan
        Whether the application is told of the server's start and end.
    """
    websocket: Any = "websockets-sansio" if share is None else partial(Offered, share)
    return uvicorn.Config(
        app,
        http=_Impatient,
        ws=websocket,
        ws_max_size=_MAX_FRAME,
        ws_per_message_deflate=False,  # pictures do not shrink, and to try costs more than the frame
        lifespan="on" if lifespan else "off",
        log_level="warning" if quiet else "info",
        access_log=False,
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        limit_concurrency=None,
        backlog=512,
    )
