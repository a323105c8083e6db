"""The lab's routes for the rooms of motion and faces: flow, the tracker's ledger, the cascade, eigenfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sightline.apply.plain import plain
from sightline.core.errors import InputError, MissingFileError
from sightline.data.naming import is_image_name
from sightline.lab.asks import CascadeAsk, EigenfacesAsk, FlowAsk, TrackingAsk
from sightline.lab.lab import Lab
from sightline.lab.places import under
from sightline.lab.routes import TRACE
from sightline.lab.scenes import SCENES
from sightline.serve.workers import Stop

_FLOW_PIXELS = 240_000
_FACE_PIXELS = 400_000
_MOST_FACES = 500
_LEAST_FACES = 4
_ANSWERS: dict[int | str, dict[str, Any]] = {200: {"content": {TRACE: {}}}}


def motion_routes(lab: Lab) -> APIRouter:
    """Return the routes of these rooms."""
    routes = APIRouter(prefix="/api", tags=["rooms"])

    @routes.post("/flow", summary="Flow, level by level", response_class=Response, responses=_ANSWERS)
    async def flow(ask: FlowAsk) -> Response:
        return Response(await lab.run([f"motion.{ask.method}"], _flow, ask), media_type=TRACE)

    @routes.post("/tracking", summary="A tracker's ledger on the made fair")
    async def tracking(ask: TrackingAsk) -> dict[str, Any]:
        return plain(await lab.run([f"motion.{ask.tracker}"], _tracking, ask))

    @routes.post("/cascade", summary="What the stages of a cascade leave")
    async def cascade(ask: CascadeAsk) -> dict[str, Any]:
        def work(_: Stop, lab: Lab) -> Any:
            from sightline.lab import faces_seen

            image = lab.pictures.get(ask.input, _FACE_PIXELS).image
            return faces_seen.cascade(image, ask.stage, ask.scale, ask.neighbours)

        return plain(await lab.run(["faces.HaarCascade"], work))

    @routes.get("/cascade/{stage}", summary="A stage's questions", response_class=Response, responses=_ANSWERS)
    async def questions(stage: int) -> Response:
        def work(_: Stop, __: Lab) -> bytes:
            from sightline.lab import faces_seen

            return faces_seen.questions(stage)

        return Response(await lab.run(["faces.HaarCascade"], work), media_type=TRACE)

    @routes.post("/eigenfaces", summary="A face rebuilt", response_class=Response, responses=_ANSWERS)
    async def eigenfaces(ask: EigenfacesAsk) -> Response:
        return Response(await lab.run(["learn.PCA"], _eigenfaces, ask), media_type=TRACE)

    return routes


def _flow(stop: Stop, lab: Lab, ask: FlowAsk) -> bytes:
    from sightline.lab import moving

    if ask.method not in moving.FLOWS:
        raise InputError(f"flow: method must be one of {moving.FLOWS}; got '{ask.method}'.")
    a, b = (lab.pictures.get(reference, _FLOW_PIXELS).image for reference in (ask.a, ask.b))
    return moving.flow(stop, lab.listing.find(f"motion.{ask.method}"), a, b, ask.parameters, ask.spacing)


def _tracking(stop: Stop, lab: Lab, ask: TrackingAsk) -> dict[str, Any]:
    from sightline.lab import moving
    from sightline.motion import ByteTrack, DeepSort, Sort

    images = None
    if ask.tracker == "sort":
        tracker: Any = Sort(ask.max_age, min_hits=2, min_overlap=ask.min_overlap)
    elif ask.tracker == "byte_track":
        tracker = ByteTrack(max_age=ask.max_age)
    else:
        tracker = DeepSort(ask.max_age, min_hits=2, min_overlap=ask.min_overlap)
        images = {number: lab.pictures.get(f"scene:fair-{number}").image for number in range(SCENES["fair"])}
    return moving.ledger(stop, tracker, images, ask)


def _eigenfaces(stop: Stop, lab: Lab, ask: EigenfacesAsk) -> bytes:
    from sightline.lab import faces_seen

    if not ask.folder:
        faces, names = faces_seen.drawn_faces()
        return faces_seen.eigenfaces(faces, names, ask.k, ask.index)
    place = under(lab.root, ask.folder.removeprefix("file:"))
    if not place.is_dir():
        raise MissingFileError(f"eigenfaces: '{ask.folder}' is no folder under the lab's root.")
    found = sorted(path for path in place.rglob("*") if _is_photo(lab.root, path))[:_MOST_FACES]
    if len(found) < _LEAST_FACES:
        raise InputError(f"eigenfaces: the folder must hold {_LEAST_FACES} or more faces; got {len(found)}.")
    faces = []
    for path in found:
        stop()
        reference = f"file:{path.relative_to(lab.root).as_posix()}"
        faces.append(faces_seen.as_face(lab.pictures.get(reference, _FACE_PIXELS).image))
    names = [path.relative_to(place).as_posix() for path in found]
    return faces_seen.eigenfaces(np.stack(faces), names, ask.k, ask.index)


def _is_photo(root: Path, path: Path) -> bool:
    parts = path.relative_to(root).parts
    hidden = any(part.startswith(".") for part in parts)
    return path.is_file() and is_image_name(path.name) and not hidden and path.resolve().is_relative_to(root.resolve())
