"""The lab's routes for the rooms of clusters and maps: the clock of k-means, the map of digits."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from sightline.apply.plain import plain
from sightline.lab.asks import ClockAsk, DigitMapAsk
from sightline.lab.lab import Lab
from sightline.serve.workers import Stop


def cluster_routes(lab: Lab) -> APIRouter:
    """Return the routes of these rooms."""
    routes = APIRouter(prefix="/api", tags=["rooms"])

    @routes.post("/clock", summary="K-means round by round, from any start")
    async def clock(ask: ClockAsk) -> dict[str, Any]:
        def work(_: Stop, __: Lab) -> Any:
            from sightline.lab import clusters_seen

            return clusters_seen.clock(ask.shape, ask.k, ask.seed, ask.start, ask.places)

        return plain(await lab.run(["learn.KMeans"], work))

    @routes.post("/digit-map", summary="Digits on a t-SNE map, as it goes on")
    async def digit_map(ask: DigitMapAsk) -> dict[str, Any]:
        def work(_: Stop, __: Lab) -> Any:
            from sightline.lab import clusters_seen

            return clusters_seen.digit_map(ask.perplexity, ask.exaggeration, ask.start, ask.seed)

        return plain(await lab.run(["learn.TSNE"], work))

    return routes
