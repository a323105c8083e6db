"""The batcher: pictures share a batch, never an answer; a bad one spoils only itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from sightline.serve.batcher import Batcher
from sightline.serve.failures import BusyError


def picture(value: int) -> np.ndarray:
    return np.full((2, 2), value, np.uint8)


def test_each_picture_gets_its_own_answer() -> None:
    async def main() -> Batcher:
        batcher = Batcher(lambda images: [int(image[0, 0]) for image in images], largest=8)
        found = await asyncio.gather(*[batcher(picture(number)) for number in range(100)])
        assert found == list(range(100))
        batcher.close()
        return batcher

    batcher = asyncio.run(main())
    assert batcher.pictures == 100
    assert batcher.batches < 40


def test_a_bad_picture_does_not_fail_its_batch() -> None:
    def predict(images: Sequence[np.ndarray]) -> list[int]:
        if any(image[0, 0] == 13 for image in images):
            raise ValueError("thirteen")
        return [int(image[0, 0]) for image in images]

    async def main() -> None:
        batcher = Batcher(predict)
        found = await asyncio.gather(*[batcher(picture(n)) for n in range(10, 16)], return_exceptions=True)
        assert [row for row in found if not isinstance(row, Exception)] == [10, 11, 12, 14, 15]
        assert str(found[3]) == "thirteen"
        batcher.close()

    asyncio.run(main())


def test_a_full_queue_refuses() -> None:
    go = threading.Event()

    def predict(images: Sequence[np.ndarray]) -> list[int]:
        go.wait(20)
        return [int(image[0, 0]) for image in images]

    async def main() -> None:
        batcher = Batcher(predict, largest=1, waiting=2)
        tasks = [asyncio.create_task(batcher(picture(0)))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(batcher(picture(number))) for number in (1, 2)]
        await asyncio.sleep(0.01)
        with pytest.raises(BusyError):
            await batcher(picture(3))
        go.set()
        assert await asyncio.gather(*tasks) == [0, 1, 2]
        batcher.close()

    asyncio.run(main())
