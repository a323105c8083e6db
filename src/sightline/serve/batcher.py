"""Pictures that come at the same time go through the model together; each gets its own answer, or its own error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from sightline.serve.failures import BusyError

Predict = Callable[[Sequence[np.ndarray]], list[Any]]

LARGEST = 16
LINGER = 0.004  # seconds that the first picture of a batch waits for others
WAITING = 128


class Batcher:
    """A bounded queue in front of a model that works on one batch at a time.

    Parameters
    ----------
    predict
        Returns one result for each picture, in order.
    largest
        Pictures of one batch.
    waiting
        How many may wait; more are refused with :class:`BusyError`.
    """

    def __init__(self, predict: Predict, *, largest: int = LARGEST, waiting: int = WAITING) -> None:
        self.predict, self.largest, self.waiting = predict, largest, waiting
        self.batches, self.pictures = 0, 0
        self._queue: asyncio.Queue[tuple[np.ndarray, asyncio.Future[Any]]] = asyncio.Queue()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sightline-model")
        self._worker: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """How many pictures wait."""
        return self._queue.qsize()

    async def __call__(self, image: np.ndarray) -> Any:
        """Return the model's result for one picture."""
        if self.depth >= self.waiting:
            raise BusyError("The model is busy and its queue is full. Try again in a second.")
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((image, answer))
        return await answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            if self._queue.empty():
                await asyncio.sleep(LINGER)
            while len(batch) < self.largest and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            batch = [item for item in batch if not item[1].done()]  # those who went away need no answer
            if batch:
                results = await loop.run_in_executor(self._pool, self._results, [image for image, _ in batch])
                for (_, answer), result in zip(batch, results, strict=True):
                    _settle(answer, result)
                self.batches += 1
                self.pictures += len(batch)

    def _results(self, images: list[np.ndarray]) -> list[Any]:
        """Return a result or an error for each picture: one that spoils its batch is found by going one by one."""
        try:
            return list(self.predict(images))
        except Exception as error:
            if len(images) == 1:
                return [error]
        return [self._results([image])[0] for image in images]

    def close(self) -> None:
        """Stop working; what waits is refused."""
        if self._worker is not None:
            self._worker.cancel()
        while not self._queue.empty():
            _settle(self._queue.get_nowait()[1], BusyError("The server is closing."))
        self._pool.shutdown(wait=False, cancel_futures=True)


def _settle(answer: asyncio.Future[Any], result: Any) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
