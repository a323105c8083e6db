"""The one doorway to compiled code: serial Numba kernels over rows ``y0..y1``, shared out among a few Python threads.

A kernel is a plain loop over the rows ``y0`` to ``y1`` of its arrays. :func:`over_rows` cuts the rows into strips whose
borders depend on the size alone and lets the calling thread and a small pool claim them one by one. So the bits are the
same for any number of threads, any number of Python threads may call at once, and nothing is left behind by ``fork``.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, overload

import numba
import numpy as np

from sightline.core.errors import InputError
from sightline.core.kernel_cache import watch_all_files

F = TypeVar("F", bound=Callable[..., Any])


def _import_numba_without_scipy() -> None:
    # While it loads, Numba imports SciPy only to learn whether it is there: half the time of a first kernel call.
    # SciPy always is, we depend on it; code that multiplies matrices asks again when it is compiled.
    import numba.np.linalg as linalg

    asked = getattr(linalg, "ensure_blas", None)
    if asked is None or "numba.np.arraymath" in sys.modules:
        return
    linalg.ensure_blas = lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


_import_numba_without_scipy()


@overload
def kernel(function: F) -> F: ...
@overload
def kernel(*, fastmath: bool = False, contract: bool = False, inline: bool = False) -> Callable[[F], F]: ...
def kernel(function: Any = None, *, fastmath: bool = False, contract: bool = False, inline: bool = False) -> Any:
    """Compile a function of plain loops to machine code, without the GIL, cached on disk.

    Parameters
    ----------
    function
        Written for Numba: arrays and numbers in, nothing that needs Python inside.
    fastmath
        Let the compiler reorder floating-point sums. Only where no reduction order and no NaN rule depends on it.
    contract
        Let a product and the sum that it goes into be one instruction, rounded once. NaN and order stay as written.
    inline
        Compile into each caller: for helpers of a line or two that kernels share.
    """

    def compile_(function: Any) -> Any:
        options: dict[str, Any] = {
            "nogil": True,
            "error_model": "numpy",
            "fastmath": fastmath or ({"contract"} if contract else False),
        }
        if inline:
            options["inline"] = "always"
        try:
            compiled = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # neither the package folder nor a home folder is writable: compile in memory
            return numba.njit(**options)(function)
        watch_all_files(compiled, function)
        return compiled

    return compile_ if function is None else compile_(function)


class _Job:
    """One call of :func:`over_rows`: strips are claimed by counting, the last one to finish wakes the caller."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], rows: int, strip: int) -> None:
        self.function, self.args, self.rows, self.strip = function, args, rows, strip
        self.count = -(-rows // strip)
        self.claims = itertools.count()
        self.finished = itertools.count(1)
        self.results: list[Any] = [None] * self.count
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def work(self) -> None:
        for index in self.claims:
            if index >= self.count:
                return
            y0 = index * self.strip
            try:
                if self.error is None:
                    self.results[index] = self.function(*self.args, y0, min(y0 + self.strip, self.rows))
            except BaseException as error:  # handed to the caller, who raises it
                self.error = error
            if next(self.finished) == self.count:
                self.done.release()


class _Pool:
    """Daemon threads that help with whatever job is waiting."""

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        for _ in range(helpers):
            threading.Thread(target=self._help, name="sightline-kernel", daemon=True).start()

    def _help(self) -> None:
        while (job := self.jobs.get()) is not None:
            job.work()
            del job  # its arrays would live until the next job

    def close(self) -> None:
        for _ in range(self.helpers):
            self.jobs.put(None)


_lock = threading.Lock()
_threads: int | None = None
_pool: _Pool | None = None
_forked = False


def threads() -> int:
    """Return how many threads kernels use: ``SIGHTLINE_THREADS`` or all processors; 1 in a forked child."""
    global _threads
    if _forked:
        return 1
    if _threads is None:
        text = os.environ.get("SIGHTLINE_THREADS", "")
        if text and not (text.isdigit() and int(text) > 0):
            raise InputError(f"threads: SIGHTLINE_THREADS must be a whole number ≥ 1; got {text!r}.")
        _threads = (
            int(text)
            if text
            else len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else (os.cpu_count() or 1)
        )
    return _threads


def set_threads(count: int) -> None:
    """Use ``count`` threads (≥ 1) for kernels from now on. Results do not depend on it."""
    global _threads, _pool
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(f"set_threads: count must be a whole number ≥ 1; got {count!r}.")
    with _lock:
        if _pool is not None:
            _pool.close()
        _threads, _pool = count, None


def over_rows(function: Callable[..., Any], rows: int, *args: Any, strip: int = 64) -> list[Any]:
    """Call ``function(*args, y0, y1)`` for consecutive strips of ``rows`` rows; return the results in strip order.

    Parameters
    ----------
    function
        A kernel; strips may run at the same time, so it writes to its own rows only.
    rows
        Number of rows to share out.
    *args
        Passed on as they are, read-only arrays as if they could be written to: a kernel does not write to its inputs.
    strip
        Rows in a strip. Choose it so that a strip costs at least some 50 µs; it must not depend on the thread count.
    """
    for value in args:
        if type(value) is np.ndarray and not value.flags.writeable:
            args = tuple(_as_writeable(other) for other in args)
            break
    if rows <= strip or threads() == 1:
        return [function(*args, y0, min(y0 + strip, rows)) for y0 in range(0, rows, strip)]
    job = _Job(function, args, rows, strip)
    pool = _start_pool()
    for _ in range(min(pool.helpers, job.count - 1)):
        pool.jobs.put(job)
    job.work()
    job.done.acquire()  # strips that helpers claimed may still run
    if job.error is not None:
        raise job.error
    return job.results


class _Lent:
    """A read-only array that says it can be written to, and keeps its memory alive for the view that NumPy makes."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        interface = array.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}


def _as_writeable(value: Any) -> Any:
    # For Numba, a read-only array is another type, for which it would compile the kernel once more.
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        return np.asarray(_Lent(value))
    return value


def _start_pool() -> _Pool:
    global _pool
    pool = _pool
    if pool is None:
        with _lock:
            if _pool is None:
                _pool = _Pool(max(1, threads() - 1))
            pool = _pool
    return pool


def _after_fork() -> None:
    # The pool's threads stayed in the parent; a child (a data-loader worker) works alone.
    global _pool, _forked, _lock
    _pool, _forked, _lock = None, True, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
