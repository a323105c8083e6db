"""The lab's routes for classifiers by name, and for attacks on them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from sightline.apply.plain import plain
from sightline.lab import attack_seen, classifiers, together
from sightline.lab.asks import AttackAsk, SweepAsk, TogetherAsk
from sightline.lab.lab import Lab
from sightline.lab.routes import TRACE

_SWEEP_SECONDS = 120.0  # a network of some size, attacked at every radius
_SEARCHING = ("deep_fool", "cw_l2")  # they find out how far they must go, in many steps


def attack_routes(lab: Lab) -> APIRouter:
    """Return the routes of the attack room."""
    routes = APIRouter(prefix="/api", tags=["models"])
    learning = together.Learning(lab)

    @routes.get(
        "/classifiers", summary="Classifiers at hand: runs, and the zoo's networks with weights on this machine"
    )
    async def listed() -> list[dict[str, Any]]:
        return plain(await lab.workers.run(lambda _: classifiers.listed(lab.runs)))

    @routes.get("/classifiers/{name}", summary="A classifier's classes, and the size of what it sees")
    async def told(name: str) -> dict[str, Any]:
        return plain(await lab.look(name, classifiers.told))

    @routes.post("/attack/{name}", summary="A picture before and after an attack",
                 response_class=Response, responses={200: {"content": {TRACE: {}}}})  # fmt: skip
    async def attacked(name: str, ask: AttackAsk) -> Response:
        image = await lab.workers.run(lambda _: lab.pictures.get(ask.input).image)
        looking = lab.borrow if ask.method in _SEARCHING else lab.look
        asked = ask.method, ask.eps, ask.target or None
        data = await looking(name, attack_seen.attacked_picture, image, *asked, seconds=_SWEEP_SECONDS)
        return Response(data, media_type=TRACE)

    @routes.post("/attack/{name}/sweep", summary="Probabilities under attacks of growing radius")
    async def sweep(name: str, ask: SweepAsk) -> dict[str, Any]:
        ready = await lab.model(name)
        image = await lab.workers.run(lambda _: lab.pictures.get(ask.input).image)
        work = attack_seen.swept
        found = await lab.workers.run(work, ready, image, ask.method, ask.target or None, seconds=_SWEEP_SECONDS)
        return plain(found)

    @routes.post("/attack/{name}/together", summary="One change for many pictures, and a picture that has it",
                 response_class=Response, responses={200: {"content": {TRACE: {}}}})  # fmt: skip
    async def changed(name: str, ask: TogetherAsk) -> Response:
        image = await lab.workers.run(lambda _: lab.pictures.get(ask.input).image)
        learnt = await learning(name, ask.method, ask.eps, ask.target)
        data = await lab.look(name, together.over, image, learnt, ask.method, ask.seed)
        return Response(data, media_type=TRACE)

    return routes
