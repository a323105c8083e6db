"""The lab's routes for trained models: runs, predictions, explanations."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from sightline.apply.explaining import explained
from sightline.apply.plain import plain
from sightline.core.errors import FormatError, MissingFileError
from sightline.core.trace import Step, Trace
from sightline.lab.asks import ExplainAsk
from sightline.lab.lab import Lab
from sightline.lab.routes import TRACE
from sightline.serve.models import Ready
from sightline.serve.requests import decode_picture, read_body, read_json
from sightline.serve.workers import Stop

_SANDBOX = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
_EVALUATION_SECONDS = 300.0


def run_routes(lab: Lab) -> APIRouter:
    """Return the routes of runs."""
    routes = APIRouter(prefix="/api", tags=["models"])

    @routes.get("/runs", summary="The runs under the root")
    def listed() -> list[dict[str, Any]]:
        return lab.runs.listed()

    @routes.get("/runs/{name}", summary="One run: configuration, metrics, classes")
    def told(name: str) -> dict[str, Any]:
        return plain(lab.runs.told(name))

    @routes.get("/runs/{name}/report", summary="A run's report, which may run no script", response_class=HTMLResponse)
    def report(name: str) -> HTMLResponse:
        path = lab.runs.find(name) / "report.html"
        if not path.is_file():
            raise MissingFileError(f"runs: '{name}' has no report yet: it is written when the training ends.")
        return HTMLResponse(path.read_text("utf-8"), headers={"content-security-policy": _SANDBOX})

    @routes.get("/runs/{name}/evaluation", summary="A run measured on its held-out data: accuracy, confusion matrix")
    async def evaluation(name: str) -> dict[str, Any]:
        ready = await lab.models.get(lab.runs.find(name))
        found = await lab.workers.run(lambda _: ready.predictor.evaluate(), seconds=_EVALUATION_SECONDS)
        return plain(found)

    return routes


def model_routes(lab: Lab) -> APIRouter:
    """Return the routes that use a trained model."""
    routes = APIRouter(prefix="/api", tags=["models"])

    @routes.post("/predict/{name}", summary="Say what is in a picture")
    async def predict(name: str, request: Request) -> dict[str, Any]:
        ready = await lab.model(name)
        sent = await read_body(request)
        if request.headers.get("content-type", "").startswith("application/json"):
            reference = read_json(sent.raw).get("input")
            if not isinstance(reference, str):
                raise FormatError('predict: the body must be like {"input": "sample:cat"}.')
            image = await lab.workers.run(lambda _: lab.pictures.get(reference).image)
        else:
            data = next(iter(sent.all_files()), b"")
            image = await lab.workers.run(lambda _: decode_picture(data, "predict"))
        result = plain(await ready.batcher(image))
        return result if isinstance(result, dict) else {"result": result}

    @routes.post(
        "/explain/{name}",
        summary="Show where a model looks",
        response_class=Response,
        responses={200: {"content": {TRACE: {}}}},
    )
    async def explain(name: str, ask: ExplainAsk) -> Response:
        ready = await lab.model(name)
        image = await lab.workers.run(lambda _: lab.pictures.get(ask.input).image)
        target = ask.target or (await ready.batcher(image)).label
        data = await lab.workers.run(_explain, ready, image, ask.method, target)
        return Response(data, media_type=TRACE)

    return routes


def _explain(stop: Stop, ready: Ready, image: np.ndarray, method: str, target: str) -> bytes:
    steps: list[Step] = []
    with ready.to_look_into() as predictor:
        for step in explained(predictor, image, method, target):
            steps.append(step)
            stop()
    about = {"size": [image.shape[1], image.shape[0]], "scale": 1.0}
    return Trace(f"explain.{method}", {"target": target}, tuple(steps), about).to_bytes()
