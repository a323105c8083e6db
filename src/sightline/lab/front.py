"""The front of the lab: the page is there while the application behind it is still being loaded.

More than half of the time to start is that application: its forms and the description of its interface. A page needs
none of it before a method is run.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sightline import __version__
from sightline.core.errors import MissingFileError
from sightline.data.sample import SAMPLES
from sightline.lab.listing import Listing
from sightline.serve.failures import HANDLERS
from sightline.serve.guard import Guard, Receive, Scope, Send
from sightline.serve.meter import Meter

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_FALLBACK = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Sightline lab</title><h1>Sightline lab</h1>"
    "<p>The built pages are missing from this copy. The programming interface is there: "
    "<a href=/openapi.json>openapi.json</a>, <a href=/api/methods>methods</a>.</p></html>"
)
# What the front answers of the interface, until the rest is there.
_LISTS = ("/api/methods", "/api/samples", "/healthz")
_INTERFACE = ("/api", "/openapi.json", "/metrics", "/healthz")


class Front:
    """The lab as an ASGI application: behind a guard the page, and behind the page what it asks.

    Parameters
    ----------
    listing
        The catalogue.
    load
        Makes the application behind the page, given the meter of what goes through; its ``state.lab`` is the
        :class:`~sightline.lab.lab.Lab` to be closed in the end.
    token
        What clients must show where the server does not listen on loopback alone.
    """

    def __init__(self, listing: Listing, load: Callable[[Meter], Any], *, token: str | None = None) -> None:
        self._listing, self._load = listing, load
        self._meter = Meter(self._answer)
        self._guard = Guard(self._meter, token=token)
        self._first = Starlette(routes=[*_first_routes(listing), *page_routes()], exception_handlers=HANDLERS)
        self._loading: Future[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its end."""
        await (self._live(receive, send) if scope["type"] == "lifespan" else self._guard(scope, receive, send))

    def close_doors(self) -> None:
        """Tell live connections that the end has come."""
        if self._loading is not None and self._loading.done() and self._loading.exception() is None:
            self._loading.result().state.lab.close_doors()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        first = scope["type"] == "http" and (path in _LISTS or not path.startswith(_INTERFACE))
        if first and not (self._loading and self._loading.done()):
            await self._first(scope, receive, send)
            if path == _LISTS[0]:  # the page has what it needs
                self._begin()
            return
        app = await asyncio.wrap_future(self._begin())
        await app(scope, receive, send)

    def _begin(self) -> Future[Any]:
        """Load the application if nobody did, and after it the second of imports that the first method will need."""
        if self._loading is None:
            threads = ThreadPoolExecutor(1, thread_name_prefix="sightline-load")
            self._loading = threads.submit(self._load, self._meter)
            threads.submit(importlib.import_module, "sightline.core.kernels")
            threads.shutdown(wait=False)
        return self._loading

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        threading.Thread(target=self._listing.rows, name="sightline-list", daemon=True).start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._loading is not None:
            app = await asyncio.wrap_future(self._loading)
            await asyncio.to_thread(app.state.lab.close)
        await send({"type": "lifespan.shutdown.complete"})


def page_routes() -> list[BaseRoute]:
    """Return the routes of the page and its files; every address that is none of the interface is the page's."""

    def page(request: Request) -> Response:
        path = request.url.path
        if path.startswith(("/api/", "/static/")):
            raise MissingFileError(f"'{path}' is no address of this server. See /openapi.json.")
        index = STATIC / "index.html"
        text = index.read_text("utf-8") if index.is_file() else _FALLBACK
        return HTMLResponse(text, headers={"content-security-policy": POLICY, "cache-control": "no-cache"})

    files = [Mount("/static", StaticFiles(directory=STATIC), name="static")] if STATIC.is_dir() else []
    return [*files, Route("/{path:path}", page)]


def samples() -> list[dict[str, Any]]:
    """Return the photos that come with the package, as a page lists them."""
    return [sample.to_json() for sample in SAMPLES.values()]


def _first_routes(listing: Listing) -> list[Route]:
    answers: tuple[Callable[[], Any], ...] = (
        listing.told,
        samples,
        lambda: {"status": "ok", "version": __version__},
    )
    return [
        Route(path, lambda _, answer=answer: JSONResponse(answer()))  # on a thread: the listing is read but once
        for path, answer in zip(_LISTS, answers, strict=True)
    ]
