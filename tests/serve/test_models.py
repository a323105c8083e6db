"""Models that are kept ready, and looked into while others use them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from sightline.serve.models import Models
from sightline.serve.workers import Workers


def test_who_looks_into_a_model_does_not_see_the_pictures_of_others(run_folder: Path) -> None:
    async def look() -> list[tuple[int, ...]]:
        workers = Workers(2)
        models = Models(workers)
        ready = await models.get(run_folder)
        assert await models.get(run_folder) is ready
        seen: list[tuple[int, ...]] = []
        with ready.to_look_into() as predictor:
            handle = predictor.model.register_forward_hook(lambda _, __, scores: seen.append(tuple(scores.shape)))
            others = await ready.batcher(np.zeros((8, 8), np.uint8))
            assert seen == []
            own = predictor.predict(np.zeros((8, 8), np.uint8))
            handle.remove()
        assert own.to_json() == others.to_json()
        with ready.to_look_into() as again:
            assert again is predictor
        models.close()
        workers.close()
        return seen

    assert asyncio.run(look()) == [(1, 10)]
