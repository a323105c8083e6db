"""The lab's routes for the rooms of detection: suppression, anchors, average precision, proposals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sightline.apply.plain import plain
from sightline.lab import proposed, queries_seen, words_seen
from sightline.lab.box_asks import AnchorsAsk, CourtAsk, PrecisionAsk, ProposalsAsk, QueriesAsk, WordsAsk
from sightline.lab.kept import Kept
from sightline.lab.lab import Lab
from sightline.lab.routes import TRACE
from sightline.lab.scenes import HEIGHT, WIDTH
from sightline.serve.workers import Stop

_PIXELS = 300_000
_LONG_SECONDS = 60.0
_A_TRACE: dict[int | str, dict[str, Any]] = {200: {"content": {TRACE: {}}}}
_WAYS = {
    "selective": ("image.selective_search", proposed.selective),
    "windows": ("detect.sliding_window", proposed.windows),
    "network": ("detect.faster_rcnn", proposed.fresh),
}


def detection_routes(lab: Lab) -> APIRouter:
    """Return the routes of these rooms."""
    routes = APIRouter(prefix="/api", tags=["rooms"])
    kept = Kept()

    @routes.post("/court", summary="Suppression, round by round")
    async def court(ask: CourtAsk) -> dict[str, Any]:
        method = "detect.nms" if ask.rule == "hard" else "detect.soft_nms"
        return plain(await lab.run([method, "image.match_template"], _court, ask))

    @routes.post("/anchors", summary="Anchors, and what each stands for")
    async def anchors(ask: AnchorsAsk) -> dict[str, Any]:
        return plain(await lab.run(["detect.anchors", "detect.match"], _anchors, ask))

    @routes.post("/precision", summary="Average precision, detection by detection")
    async def precision(ask: PrecisionAsk) -> dict[str, Any]:
        return plain(await lab.run(["metrics.mean_average_precision"], _precision, ask))

    @routes.post("/proposals", summary="Proposals, and how many cover what is there")
    async def proposals(ask: ProposalsAsk) -> dict[str, Any]:
        image = (await lab.workers.run(lambda _: lab.pictures.get(ask.input, _PIXELS))).image
        key = ask.way, ask.run, ask.seed, ask.input, lab.pictures.version(ask.input)
        if ask.way == "network" and ask.run and key not in kept.answers:
            boxes = await lab.look(ask.run, proposed.trained, image, seconds=_LONG_SECONDS)
            kept(key, lambda: boxes)
        method, propose = _WAYS[ask.way]
        boxes_of = partial(kept, key, partial(propose, image, ask.seed))
        return {"size": image.shape[1::-1], **plain(await lab.run([method], _proposals, boxes_of, ask))}

    @routes.post("/queries", summary="The queries of a set detector", response_class=Response, responses=_A_TRACE)
    async def queries(ask: QueriesAsk) -> Response:
        fresh = partial(queries_seen.fresh, ask.fresh, ask.seed)
        return await _lens(lab, ask, f"detect.{ask.fresh}", queries_seen.trained, fresh)

    @routes.post("/words", summary="Where the words of a text look", response_class=Response, responses=_A_TRACE)
    async def words(ask: WordsAsk) -> Response:
        fresh = partial(words_seen.fresh, ask.seed, text=ask.text)
        return await _lens(lab, ask, "explain.word_attention", partial(words_seen.trained, text=ask.text), fresh)

    return routes


async def _lens(
    lab: Lab, ask: QueriesAsk | WordsAsk, method: str, trained: Callable[..., bytes], fresh: Callable[..., bytes]
) -> Response:
    """Return what a trained detector shows of a picture, ``trained(predictor, image)``, or one that learnt nothing."""
    image = (await lab.workers.run(lambda _: lab.pictures.get(ask.input, _PIXELS))).image
    if ask.run:
        told = await lab.look(ask.run, trained, image, seconds=_LONG_SECONDS)
    else:
        told = await lab.run([method], lambda _, __: fresh(image))
    return Response(told, media_type=TRACE)


def _court(_: Stop, lab: Lab, ask: CourtAsk) -> dict[str, Any]:
    from sightline.lab import court

    if ask.source == "crowd":
        return {"ref": f"scene:fair-{court.CROWD}", "size": (WIDTH, HEIGHT), **court.rounds_of(*court.crowd(), ask)}
    image = lab.pictures.get(ask.input, _PIXELS).image
    height, width = image.shape[:2]
    if ask.source == "mine":
        drawn = np.array(ask.drawn, np.float64).reshape(-1, 5)
        boxes, scores = drawn[:, :4], drawn[:, 4]
    else:
        model = ask.model or (0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height)
        boxes, scores = court.alike(image, model, ask.least)
    return {"ref": ask.input, "size": (width, height), **court.rounds_of(boxes, scores, ask)}


def _anchors(_: Stop, lab: Lab, ask: AnchorsAsk) -> dict[str, Any]:
    from sightline.lab import assigned

    height, width = lab.pictures.get(ask.input, _PIXELS).image.shape[:2]
    return {"size": (width, height), **assigned.assignment((height, width), ask)}


def _proposals(_: Stop, __: Lab, boxes_of: Callable[[], Any], ask: ProposalsAsk) -> dict[str, Any]:
    return proposed.covered(boxes_of(), np.array(ask.truth, np.float64).reshape(-1, 4))


def _precision(_: Stop, __: Lab, ask: PrecisionAsk) -> dict[str, Any]:
    from sightline.lab import precision_built

    return precision_built.built(ask)
