"""A few threads and a short queue: what does not fit is refused at once, what takes too long is given up."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sightline.serve.failures import BusyError, SlowError

T = TypeVar("T")

SECONDS = 30.0
WAITING = 64
_TICK = 0.5  # seconds between two looks at the clock


class Stop:
    """Asked between two steps of a work: raises when nobody waits for it any longer.

    Parameters
    ----------
    seconds
        How long the work may take from its start.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end: float | None = None
        self._cancelled = threading.Event()

    def start(self) -> None:
        """Let the time run."""
        self._end = time.monotonic() + self.seconds

    def cancel(self) -> None:
        """Ask the work to stop at the next step."""
        self._cancelled.set()

    @property
    def late(self) -> bool:
        """Whether the work took longer than it may."""
        return self._end is not None and time.monotonic() > self._end

    def __call__(self) -> None:
        """Raise when the work is to stop."""
        if self.late or self._cancelled.is_set():
            raise SlowError(self.message)

    @property
    def message(self) -> str:
        """What to say of work that was given up."""
        return f"It took more than {self.seconds:g} seconds and was given up. Use a smaller picture or gentler options."


class Workers:
    """Threads that do what must not hold up the server.

    Parameters
    ----------
    threads
        How many work at once; as many as there are processors when None.
    waiting
        How many more may wait.
    seconds
        How long one work may take.
    """

    def __init__(self, threads: int | None = None, waiting: int = WAITING, seconds: float = SECONDS) -> None:
        self.threads = threads or max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
        self.waiting, self.seconds = waiting, seconds
        self.busy = 0
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="sightline-work")

    async def run(self, work: Callable[..., T], *args: Any, seconds: float | None = None) -> T:
        """Call ``work(stop, *args)`` on a thread and return its result.

        Raises :class:`BusyError` when as many works wait as may, :class:`SlowError` when it takes too long: the thread
        goes on to the next step of its work, and stops there.
        """
        if self.busy >= self.threads + self.waiting:
            raise BusyError()
        stop = Stop(seconds or self.seconds)
        self.busy += 1
        loop = asyncio.get_running_loop()

        def working() -> T:
            stop.start()
            stop()
            return work(stop, *args)

        future = self._pool.submit(working)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done) if not loop.is_closed() else None)
        waited = asyncio.wrap_future(future)
        try:
            while not (await asyncio.wait({waited}, timeout=_TICK))[0]:
                if stop.late:
                    raise SlowError(stop.message)
            return await waited
        finally:
            stop.cancel()
            if not waited.done():
                waited.cancel()  # takes it out of the queue, if it still waits there

    def _done(self) -> None:
        self.busy -= 1

    def close(self) -> None:
        """Take no more work; threads end with what they have."""
        self._pool.shutdown(wait=False, cancel_futures=True)
