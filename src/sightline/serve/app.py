"""The server of one trained model: pictures in, results out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from sightline import __version__
from sightline.apply.plain import plain
from sightline.core.errors import FormatError
from sightline.serve import failures
from sightline.serve.failures import BusyError
from sightline.serve.guard import Guard
from sightline.serve.meter import Meter, milliseconds_since
from sightline.serve.models import Models, Ready
from sightline.serve.requests import MAX_FILES, decode_picture, read_body
from sightline.serve.workers import Workers

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class Service:
    """The state of a server of one model.

    Parameters
    ----------
    run
        Folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.workers = Workers()
        self.models = Models(self.workers, kept=1)
        self.closing = False

    def close(self) -> None:
        """Take no more requests; those that wait are answered."""
        self.closing = True


def make_app(service: Service, *, token: str | None = None) -> Any:
    """Return the server of a run as an ASGI application.

    Parameters
    ----------
    service
        Its state.
    token
        What clients must show where the server does not listen on loopback alone.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.models.get(service.run)
        yield
        service.models.close()
        service.workers.close()

    title = f"Sightline: {service.run.name}"
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    failures.install(app)
    meter = Meter(app)
    meter.gauges["waiting"] = lambda: service.models.depth

    @app.get("/", summary="What is served here")
    async def about() -> dict[str, Any]:
        ready = await service.models.get(service.run)
        classes = list(getattr(ready.predictor.recipe, "classes", ()))
        return {"run": service.run.name, "recipe": ready.predictor.recipe.name, "classes": classes}

    @app.get("/healthz", summary="Whether the server is well")
    async def health() -> dict[str, str]:
        return {"status": "closing" if service.closing else "ok", "version": __version__, "run": service.run.name}

    @app.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> str:
        return meter.text()

    @app.post("/predict", summary="Say what is in pictures", openapi_extra=_BODY)
    async def predict(request: Request) -> dict[str, Any]:
        if service.closing:
            raise BusyError("The server is closing.")
        start = time.perf_counter()
        files = (await read_body(request)).all_files()
        found = await predict_all(service.workers, await service.models.get(service.run), files)
        return {**found, "milliseconds": milliseconds_since(start)}

    return Guard(meter, token=token)


async def predict_all(workers: Workers, ready: Ready, files: list[bytes]) -> dict[str, Any]:
    """Return the result of one picture, or ``results`` of several: one that is broken has an error in its place."""
    if not files:
        raise FormatError("predict: no picture came. Send one as the body, or several as files of a form.")
    if len(files) == 1:
        return await predict_one(workers, ready, files[0])
    tasks = [predict_one(workers, ready, data) for data in files[:MAX_FILES]]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return {"results": [failures.told(row) if isinstance(row, Exception) else row for row in found]}


async def predict_one(workers: Workers, ready: Ready, data: bytes) -> dict[str, Any]:
    """Return the model's result for the bytes of a picture as JSON values."""
    image = await workers.run(lambda _: decode_picture(data, "predict"))
    result = plain(await ready.batcher(image))
    return result if isinstance(result, dict) else {"result": result}
