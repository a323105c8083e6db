"""The lab's application: its routes behind the guard, and the page in front."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from sightline import __version__
from sightline.lab.annotation_routes import annotation_routes
from sightline.lab.api_page import api_page
from sightline.lab.attack_routes import attack_routes
from sightline.lab.chains import chain_routes
from sightline.lab.cluster_routes import cluster_routes
from sightline.lab.detection_routes import detection_routes
from sightline.lab.file_routes import file_routes
from sightline.lab.front import POLICY, Front, page_routes
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


def make_app(lab: Lab, *, token: str | None = None) -> Front:
    """Return the lab as an ASGI application.

    Parameters
    ----------
    lab
        Its state.
    token
        What clients must show where the server does not listen on loopback alone.
    """
    return Front(lab.listing, partial(application, lab), token=token)


def application(lab: Lab, meter: Meter) -> FastAPI:
    """Return the programming interface and the page, without the guard in front.

    Parameters
    ----------
    lab
        Its state.
    meter
        What counts the requests.
    """
    app = FastAPI(title="Sightline lab", version=__version__, docs_url=None, redoc_url=None, debug=False)
    app.state.lab = lab
    failures.install(app)
    meter.gauges["work"] = lambda: lab.workers.busy + lab.sharing.work
    meter.gauges["live"] = lambda: lab.sharing.open
    meter.gauges["processes"] = lambda: lab.sharing.processes
    meter.gauges["waiting"] = lambda: lab.models.depth
    for make in _ROUTES:
        app.include_router(make(lab))
    _server_routes(app, lab, meter)
    app.router.routes.extend(page_routes())
    return app


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
        return HTMLResponse(text, headers={"content-security-policy": POLICY})
