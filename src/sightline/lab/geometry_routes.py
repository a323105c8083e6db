"""The lab's routes for the rooms of features and geometry: the SIFT tower, two views, calibration, reconstructions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sightline.apply.plain import plain
from sightline.core.errors import InputError, MissingFileError
from sightline.data.naming import is_image_name
from sightline.lab import calibrating, reconstructions, scenes
from sightline.lab.asks import CalibrationAsk, FolderAsk, KeypointAsk, PairAsk, RoundsAsk, TowerAsk
from sightline.lab.kept import Kept
from sightline.lab.lab import Lab
from sightline.lab.places import under
from sightline.lab.routes import TRACE
from sightline.serve.workers import Stop

_PAIR_PIXELS = 240_000
_TOWER_PIXELS = 110_000
_VIEW_PIXELS = 2_000_000
_LONG_SECONDS = 120.0


def tower_routes(lab: Lab) -> APIRouter:
    """Return the routes of the made photos and of the SIFT tower."""
    routes = APIRouter(prefix="/api", tags=["rooms"])

    async def looked(work: Callable[[Any, np.ndarray], Any], reference: str) -> Any:
        def looking(_: Stop, lab: Lab) -> Any:
            from sightline.lab import sift_tower

            return work(sift_tower, lab.pictures.get(reference, _TOWER_PIXELS).image)

        return await lab.run(["features.sift"], looking)

    @routes.get("/scenes", summary="Made photos of one scene from several places")
    def made() -> list[dict[str, Any]]:
        return scenes.references()

    @routes.post("/tower", summary="SIFT's levels", response_class=Response, responses={200: {"content": {TRACE: {}}}})
    async def tower(ask: TowerAsk) -> Response:
        return Response(await looked(lambda tower, image: tower.levels(image), ask.input), media_type=TRACE)

    @routes.post("/tower/keypoints", summary="What is found in SIFT's levels, and what becomes of it")
    async def keypoints(ask: TowerAsk) -> dict[str, Any]:
        return await looked(lambda tower, image: tower.keypoints(image, ask.contrast, ask.edge), ask.input)

    @routes.post("/tower/keypoint", summary="One keypoint: its histogram, directions, and descriptors")
    async def keypoint(ask: KeypointAsk) -> dict[str, Any]:
        place = ask.octave, ask.level, (ask.x, ask.y), ask.sigma
        return plain(await looked(lambda tower, image: tower.described(image, *place), ask.input))

    return routes


def view_routes(lab: Lab) -> APIRouter:
    """Return the routes of two views, and of calibration."""
    routes = APIRouter(prefix="/api", tags=["rooms"])
    kept = Kept()

    def pairs(stop: Stop, ask: PairAsk) -> dict[str, Any]:
        from sightline.lab import two_views

        images = [lab.pictures.get(reference, _PAIR_PIXELS).image for reference in (ask.a, ask.b)]
        key = ("pairs", ask.ratio, *((reference, lab.pictures.version(reference)) for reference in (ask.a, ask.b)))
        return kept(key, lambda: two_views.matches(stop, images[0], images[1], ask.ratio))

    def rounds(stop: Stop, _: Lab, ask: RoundsAsk) -> dict[str, Any]:
        from sightline.lab import two_views

        if ask.model == "line":
            found: dict[str, Any] = {"rows": two_views.points_of_a_line(ask.outliers, ask.seed), "sizes": [[480, 360]]}
        else:
            found = pairs(stop, ask)
        told = two_views.rounds(stop, ask.model, found["rows"], ask.threshold, ask.confidence, ask.seed)
        return plain({**found, **told})

    def geometry(stop: Stop, _: Lab, ask: RoundsAsk) -> dict[str, Any]:
        from sightline.lab import two_views

        found = pairs(stop, ask)
        return plain({**found, **two_views.geometry(stop, found["rows"], ask.threshold, ask.seed)})

    @routes.post("/views/rounds", summary="Each round of a consensus")
    async def consensus(ask: RoundsAsk) -> dict[str, Any]:
        return await lab.run([f"ransac {ask.model}"], rounds, ask)

    @routes.post("/views/geometry", summary="The fundamental matrix of two photos, and how far pairs are from lines")
    async def fundamental(ask: RoundsAsk) -> dict[str, Any]:
        return await lab.run(["geometry.fundamental"], geometry, ask)

    @routes.post("/calibration", summary="A camera from views of a chessboard")
    async def calibration(ask: CalibrationAsk) -> dict[str, Any]:
        return await lab.workers.run(lambda stop: _calibrate(stop, lab, kept, ask), seconds=_LONG_SECONDS)

    return routes


def _calibrate(stop: Stop, lab: Lab, kept: Kept, ask: CalibrationAsk) -> dict[str, Any]:
    from sightline.geometry import undistort
    from sightline.image.write import encode

    shape = (ask.columns, ask.rows)
    names = _views(lab, ask.folder)
    images = {name: lab.pictures.get(reference, _VIEW_PIXELS).image for name, reference in names.items()}
    sizes = {image.shape[:2] for image in images.values()}
    if len(sizes) > 1:
        listed = ", ".join(sorted(f"{width}×{height}" for height, width in sizes))
        raise InputError(f"calibration: the photos must be of one camera and one size; got {listed}.")
    key = ("corners", ask.folder, shape, tuple(lab.pictures.version(reference) for reference in names.values()))
    corners = kept(key, lambda: calibrating.corners_of(stop, images, shape))
    size = next(iter(sizes))
    found, camera = calibrating.calibrated(corners, size, shape, ask.lens, ask.aside)
    shown = ask.shown if ask.shown in images else next(iter(images))
    straight = lab.pictures.add(encode(undistort(images[shown], camera), "PNG"))
    for one in found["views"]:
        one["ref"] = names[one["name"]]
    return plain({**found, "size": [size[1], size[0]], "preview": {"name": shown, "ref": straight["ref"]}})


def _views(lab: Lab, folder: str) -> dict[str, str]:
    """Return the references of a folder's photos, or of the made boards, by their names."""
    if folder == "scene:board":
        return {f"board-{k}": f"scene:board-{k}" for k in range(scenes.SCENES["board"])}
    place = under(lab.root, folder.removeprefix("file:"))
    if not place.is_dir():
        raise MissingFileError(f"calibration: '{folder}' is no folder under the lab's root.")
    photos = sorted(item for item in place.iterdir() if item.is_file() and is_image_name(item.name))
    if not photos:
        raise InputError(f"calibration: folder '{folder}' holds no photo.")
    return {path.name: f"file:{path.relative_to(lab.root).as_posix()}" for path in photos[: calibrating.MOST]}


def reconstruction_routes(lab: Lab) -> APIRouter:
    """Return the routes of reconstructions."""
    routes = APIRouter(prefix="/api", tags=["rooms"])

    @routes.get("/reconstructions", summary="Reconstructions under the root, and the one that is being made")
    def listed() -> dict[str, Any]:
        return {"found": list(lab.reconstructions.folders()), "started": lab.reconstructions.state()}

    @routes.post("/reconstructions", summary="Start a reconstruction from a folder of photos", status_code=201)
    async def start(ask: FolderAsk) -> dict[str, str]:
        return {"name": await lab.workers.run(lambda _: lab.reconstructions.start(ask.folder), seconds=_LONG_SECONDS)}

    @routes.post("/reconstructions/stop", summary="Stop the reconstruction that is being made", status_code=202)
    def stop() -> dict[str, Any]:
        lab.reconstructions.stop()
        return lab.reconstructions.state()

    @routes.get("/reconstructions/told/{name:path}", summary="A reconstruction's figures")
    async def told(name: str) -> dict[str, Any]:
        def work(_: Stop) -> dict[str, Any]:
            found = lab.reconstructions.load(name)
            return plain(reconstructions.told(found, _matches(lab.root, lab.reconstructions.folders()[name])))

        return await lab.workers.run(work)

    @routes.get("/reconstructions/cloud/{name:path}", summary="A reconstruction's points and cameras",
                response_class=Response, responses={200: {"content": {TRACE: {}}}})  # fmt: skip
    async def cloud(name: str) -> Response:
        data = await lab.workers.run(lambda _: reconstructions.cloud(lab.reconstructions.load(name)))
        return Response(data, media_type=TRACE)

    return routes


def _matches(root: Path, place: Path) -> dict[str, str]:
    """Return pictures of matches that a run has drawn, by name."""
    drawn = sorted((place / "matches").glob("*.jpg"))[:12]
    return {path.stem: f"file:{path.relative_to(root).as_posix()}" for path in drawn}
