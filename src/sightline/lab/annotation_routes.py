"""The lab's routes for boxes that are drawn on the pictures of a folder."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Query

from sightline.apply.plain import plain
from sightline.lab.asks import AnnotationsAsk
from sightline.lab.lab import Lab

_SECONDS = 120.0  # for the headers of all pictures of a large folder


def annotation_routes(lab: Lab) -> APIRouter:
    """Return the routes of annotations."""
    routes = APIRouter(prefix="/api/annotations", tags=["annotations"])
    saving = asyncio.Lock()  # between the look at the version and the writing

    @routes.get("", summary="The pictures of a folder, its classes, and the boxes on each picture")
    async def told(folder: str = Query("", max_length=1000)) -> dict[str, Any]:
        return plain(await lab.workers.run(lambda _: _annotated(lab, folder).told(), seconds=_SECONDS))

    @routes.put("", summary="Keep the boxes that were drawn, as a COCO file in the folder")
    async def save(ask: AnnotationsAsk) -> dict[str, Any]:
        def work(_: Any) -> dict[str, Any]:
            return _annotated(lab, ask.folder).save(ask.version, ask.classes, ask.pictures)

        async with saving:
            return await lab.workers.run(work, seconds=_SECONDS)

    return routes


def _annotated(lab: Lab, folder: str) -> Any:
    from sightline.lab.annotations import Annotated  # it reads and writes sets, which would make the lab start late

    return Annotated(lab.root, folder)
