"""The lab's routes for looking into a trained model: layers and their maps, attention, the evidence for a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from sightline.apply.plain import plain
from sightline.lab import inspecting
from sightline.lab.asks import AttentionAsk, EvidenceAsk, MapsAsk, TestPictureAsk
from sightline.lab.lab import Lab
from sightline.lab.routes import TRACE

_OPEN_SECONDS = 120.0  # for a dataset to be opened
_FORGET_SECONDS = 180.0  # an explanation for each layer
_A_TRACE: dict[int | str, dict[str, Any]] = {200: {"content": {TRACE: {}}}}
# of a page that brings its own script, and may reach nothing
_ALONE = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)


def inspector_routes(lab: Lab) -> APIRouter:
    """Return the routes of the model inspector."""
    routes = APIRouter(prefix="/api/inspect", tags=["models"])

    async def traced(name: str, reference: str, work: Callable[..., bytes], *args: Any) -> Response:
        image = await lab.workers.run(lambda _: lab.pictures.get(reference).image)
        return Response(await lab.look(name, work, image, *args), media_type=TRACE)

    @routes.get("/{name}", summary="What a model is made of: layers, receptive fields, attention")
    async def told(name: str) -> dict[str, Any]:
        return plain(await lab.look(name, inspecting.told))

    @routes.post("/{name}/maps", summary="The maps of one layer", response_class=Response, responses=_A_TRACE)
    async def maps(name: str, ask: MapsAsk) -> Response:
        return await traced(name, ask.input, inspecting.layer_maps, ask.layer, ask.most)

    @routes.post("/{name}/evidence", summary="The evidence for a class", response_class=Response, responses=_A_TRACE)
    async def evidence(name: str, ask: EvidenceAsk) -> Response:
        return await traced(name, ask.input, inspecting.evidence, ask.method, ask.target)

    @routes.post("/{name}/attention", summary="Who attends to whom", response_class=Response, responses=_A_TRACE)
    async def attention(name: str, ask: AttentionAsk) -> Response:
        return await traced(name, ask.input, inspecting.attention, ask.layer)

    @routes.post("/{name}/picture", summary="A held-out picture of the data that a run was trained on")
    async def picture(name: str, ask: TestPictureAsk) -> dict[str, Any]:
        data, about = await lab.look(name, inspecting.test_picture, ask.index, seconds=_OPEN_SECONDS)
        return {**lab.pictures.add(data), **about}

    _longer_routes(routes, lab)
    return routes


def _longer_routes(routes: APIRouter, lab: Lab) -> None:
    """Add what takes longer, on a model of its own."""

    @routes.post("/{name}/sanity", summary="The evidence for a class while the weights are forgotten",
                 response_class=Response, responses=_A_TRACE)  # fmt: skip
    async def sanity(name: str, ask: EvidenceAsk) -> Response:
        image = await lab.workers.run(lambda _: lab.pictures.get(ask.input).image)
        work = inspecting.sanity
        found = await lab.borrow(name, work, image, ask.method, ask.target, seconds=_FORGET_SECONDS)
        return Response(found, media_type=TRACE)

    @routes.get("/{name}/embedding", summary="A page with a map of pictures by what a model makes of them",
                response_class=HTMLResponse)  # fmt: skip
    async def embedding(
        name: str,
        pictures: Literal["test", "samples"] = "test",
        layout: Literal["pca", "tsne"] = "pca",
        most: Annotated[int, Query(ge=3, le=500)] = 200,
    ) -> HTMLResponse:
        page = await lab.borrow(name, inspecting.embedding, pictures, layout, most, seconds=_OPEN_SECONDS)
        return HTMLResponse(page, headers={"content-security-policy": _ALONE})
