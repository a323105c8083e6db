"""Pictures that take a while to make: each step is sent to the page as it is made, newer ones instead of older ones."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
from fastapi.responses import StreamingResponse

from sightline.core.layers import Picture
from sightline.core.trace import Step, Trace
from sightline.core.trace_bytes import Form
from sightline.lab.computing import SCREEN
from sightline.lab.lab import Lab
from sightline.serve.failures import RequestError
from sightline.serve.workers import Stop

STREAM = "application/x-sightline-traces"
_LOSSLESS = 128  # pixels of a side up to which a picture is small enough to be sent as it is

# Hands a picture over, H×W or H×W×3 uint8, with what is told beside it.
Put = Callable[..., None]


class Making:
    """A picture being made on a worker's thread, and the newest of its steps.

    Steps that nobody has taken yet give way to newer ones; the first and the last are always sent.

    Parameters
    ----------
    lab
        Whose threads work.
    method
        Path of what makes it, in the catalogue.
    work
        ``work(stop, put)`` makes it: it calls ``stop`` between two steps, which ends it by an error when it is no
        longer wanted, and ``put`` with each picture.
    seconds
        It may take so long.
    """

    def __init__(self, lab: Lab, method: str, work: Callable[[Stop, Put], None], seconds: float) -> None:
        self._lab, self._method, self._work, self._seconds = lab, method, work, seconds
        self._newest: bytes | None = None
        self._made = 0
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    async def answered(self) -> StreamingResponse:
        """Return the answer once the first step is there: what cannot be made at all is refused before."""
        self._task = task = asyncio.create_task(self._lab.workers.run(self._make, seconds=self._seconds))
        task.add_done_callback(lambda _: self._arrived.set())
        await self._arrived.wait()
        if task.cancelled():
            raise RequestError(409, "imagine: another picture was asked for before this one began.")
        if task.done():
            task.result()
        return StreamingResponse(self._steps(task), media_type=STREAM, headers={"cache-control": "no-cache"})

    async def _steps(self, task: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """Yield ``u32 length | trace`` for each step; ends the work when nobody listens any longer."""
        try:
            while not task.done() or self._newest is not None:
                await self._arrived.wait()
                step, self._newest = self._newest, None
                if not task.done():
                    self._arrived.clear()
                if step is not None:
                    yield struct.pack("<I", len(step)) + step
            task.result()
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
        finally:
            task.cancel()

    def stop(self) -> None:
        """End the work; what was sent stays sent."""
        if self._task is not None:
            self._task.cancel()

    def _make(self, stop: Stop) -> None:
        def put(picture: np.ndarray, **told: Any) -> None:
            about: dict[str, Any] = {"id": self._made, **told}  # as every frame of a live connection has
            self._made += 1
            quality = None if max(picture.shape) <= _LOSSLESS else SCREEN
            step = Trace(self._method, {}, (Step("picture", Picture(picture)),), about)
            self._loop.call_soon_threadsafe(self._put, step.to_bytes(Form(quality, sealed=False)))

        self._work(stop, put)

    def _put(self, step: bytes) -> None:
        self._newest = step
        self._arrived.set()
