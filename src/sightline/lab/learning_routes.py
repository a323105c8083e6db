"""The lab's routes for the rooms of learning: the race of optimisers, the tape of a tiny net."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from sightline.apply.plain import plain
from sightline.lab.asks import RaceAsk, TapeAsk
from sightline.lab.lab import Lab
from sightline.serve.workers import Stop


def learning_routes(lab: Lab) -> APIRouter:
    """Return the routes of these rooms."""
    routes = APIRouter(prefix="/api", tags=["rooms"])

    @routes.post("/race", summary="Paths of optimisers down a loss of two weights")
    async def race(ask: RaceAsk) -> dict[str, Any]:
        def work(stop: Stop, _: Lab) -> Any:
            from sightline.lab import learning

            return learning.race(stop, ask.loss, ask.start, ask.racers, ask.steps)

        return plain(await lab.run(["learn.SGD"], work))

    @routes.post("/tape", summary="The tape of a tiny net, forward and back")
    async def tape(ask: TapeAsk) -> dict[str, Any]:
        def work(_: Stop, __: Lab) -> Any:
            from sightline.lab import learning

            return learning.tape(ask.inputs, ask.target, ask.weights, ask.kind, ask.rate)

        return plain(await lab.run(["learn.gradients"], work))

    return routes
