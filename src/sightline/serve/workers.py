"""A few threads and a short queue: what does not fit is refused at once, what takes too long is given up."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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
        waited: asyncio.Future[T] = loop.create_future()

        def working() -> T:
            stop.start()
            stop()
            return work(stop, *args)

        def look() -> None:
            nonlocal clock
            if not stop.late:
                clock = loop.call_later(_TICK, look)
            elif not waited.done():
                waited.set_exception(SlowError(stop.message))

        clock = loop.call_later(_TICK, look)
        done = self._pool.submit(working)
        done.add_done_callback(  # the loop is woken once for an answer
            lambda _: loop.call_soon_threadsafe(self._hand_over, done, waited) if not loop.is_closed() else None
        )
        try:
            return await waited
        finally:
            clock.cancel()
            stop.cancel()
            done.cancel()  # takes it out of the queue, if it still waits there

    def _hand_over(self, done: Future[T], waited: asyncio.Future[T]) -> None:
        self.busy -= 1
        if waited.done() or done.cancelled():
            return  # nobody waits for it any longer
        error = done.exception()
        if error is None:
            waited.set_result(done.result())
        else:
            waited.set_exception(error)

    def close(self) -> None:
        """Take no more work; threads end with what they have."""
        self._pool.shutdown(wait=False, cancel_futures=True)
