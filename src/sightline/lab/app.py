"""The lab's application: its routes behind the guard, and the page in front."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from sightline import __version__
from sightline.core.errors import MissingFileError
from sightline.lab.annotation_routes import annotation_routes
from sightline.lab.api_page import api_page
from sightline.lab.attack_routes import attack_routes
from sightline.lab.chains import chain_routes
from sightline.lab.cluster_routes import cluster_routes
from sightline.lab.detection_routes import detection_routes
from sightline.lab.file_routes import file_routes
from sightline.lab.geometry_routes import reconstruction_routes, tower_routes, view_routes
from sightline.lab.imagine_routes import imagine_routes
from sightline.lab.inspector_routes import inspector_routes
from sightline.lab.lab import Lab
from sightline.lab.learning_routes import learning_routes
from sightline.lab.lesson_routes import lesson_routes
from sightline.lab.live import live_routes
from sightline.lab.motion_routes import motion_routes
from sightline.lab.routes import method_routes, picture_routes
from sightline.lab.run_routes import model_routes, run_routes
from sightline.lab.training_routes import training_routes
from sightline.serve import failures
from sightline.serve.guard import Guard
from sightline.serve.meter import Meter

_ROUTES = (
    method_routes,
    chain_routes,
    picture_routes,
    file_routes,
    run_routes,
    model_routes,
    inspector_routes,
    attack_routes,
    imagine_routes,
    tower_routes,
    view_routes,
    reconstruction_routes,
    motion_routes,
    learning_routes,
    cluster_routes,
    detection_routes,
    annotation_routes,
    training_routes,
    lesson_routes,
    live_routes,
)
STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_FALLBACK = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Sightline lab</title><h1>Sightline lab</h1>"
    "<p>The built pages are missing from this copy. The programming interface is there: "
    "<a href=/openapi.json>openapi.json</a>, <a href=/api/methods>methods</a>.</p></html>"
)


def make_app(lab: Lab, *, token: str | None = None) -> Any:
    """Return the lab as an ASGI application.

    Parameters
    ----------
    lab
        Its state.
    token
        What clients must show where the server does not listen on loopback alone.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(
            target=lab.listing.rows, name="sightline-list", daemon=True
        ).start()  # the page asks for it first
        yield
        await asyncio.to_thread(lab.close)

    app = FastAPI(
        title="Sightline lab", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan, debug=False
    )
    failures.install(app)
    meter = Meter(app)
    meter.gauges["work"] = lambda: lab.workers.busy
    meter.gauges["waiting"] = lambda: lab.models.depth
    for make in _ROUTES:
        app.include_router(make(lab))

    _server_routes(app, lab, meter)
    if STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str) -> Response:
        if path.startswith(("api/", "static/")):
            raise MissingFileError(f"'/{path}' is no address of this server. See /openapi.json.")
        index = STATIC / "index.html"
        text = index.read_text("utf-8") if index.is_file() else _FALLBACK
        return HTMLResponse(text, headers={"content-security-policy": _POLICY, "cache-control": "no-cache"})

    return Guard(meter, token=token)


def _server_routes(app: FastAPI, lab: Lab, meter: Meter) -> None:
    """Add what the server tells of itself."""

    @app.get("/healthz", tags=["server"], summary="Whether the server is well")
    async def health() -> dict[str, str]:
        return {"status": "closing" if lab.closing.is_set() else "ok", "version": __version__}

    @app.get("/metrics", tags=["server"], summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> str:
        return meter.text()

    @app.get("/api", include_in_schema=False)
    def interface(request: Request) -> HTMLResponse:
        text = api_page(app.openapi(), str(request.base_url))
        return HTMLResponse(text, headers={"content-security-policy": _POLICY})
