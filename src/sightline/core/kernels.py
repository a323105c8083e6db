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
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, overload

import numba
import numpy as np

from sightline.core.errors import InputError
from sightline.core.kernel_cache import watch_all_files
from sightline.core.spinning import breathe, read_shared, write_shared

F = TypeVar("F", bound=Callable[..., Any])

_AWAKE = 50e-6  # seconds that a thread waits awake
_GRACE = 2e-6  # seconds in which who posted a job gets into its own strip


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


def _compare_flags_quickly() -> None:
    # Whatever a kernel calls is looked up under a key that holds the compiler's flags, thousands of times a kernel. To
    # hash or to compare them Numba makes a dictionary of all forty; most often the few that were set are the same.
    from numba.core.targetconfig import TargetConfig

    compare = TargetConfig.__eq__

    def equal(self: Any, other: Any) -> Any:
        return (type(self) is type(other) and self._values == other._values) or compare(self, other)

    def hashed(self: Any) -> int:  # of their names alone, as Numba does
        return len(self.options)

    TargetConfig.__eq__ = equal
    TargetConfig.__hash__ = hashed


_compare_flags_quickly()


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
            "no_cfunc_wrapper": True,  # nothing calls a kernel from C
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


@kernel
def _spin(tell, told, before, turns, grace):
    """Write 1 to ``tell``; look ``turns`` times whether ``told`` is no longer ``before``, then wait ``grace`` turns."""
    write_shared(tell, 1)
    while turns > 0 and read_shared(told) == before:
        breathe()
        turns -= 1
    if turns > 0:
        for _ in range(grace):
            breathe()


class _Job:
    """One call of :func:`over_rows`: strips are claimed by counting, the last one to finish wakes the caller."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], rows: int, strip: int) -> None:
        self.function, self.args, self.rows, self.strip = function, args, rows, strip
        self.count = -(-rows // strip)
        self.claims = itertools.count()
        self.finished = itertools.count(1)
        self.results: list[Any] = [None] * self.count
        self.error: BaseException | None = None
        self.over = np.zeros(1, np.int64)  # becomes 1 a moment after `done` is free, when a helper was the last
        self.done = threading.Lock()
        self.done.acquire()

    def work(self) -> bool:
        """Claim strips until there are none; return whether the last one to finish was among them."""
        for index in self.claims:
            if index >= self.count:
                return False
            y0 = index * self.strip
            try:
                if self.error is None:
                    self.results[index] = self.function(*self.args, y0, min(y0 + self.strip, self.rows))
            except BaseException as error:  # handed to the caller, who raises it
                self.error = error
            if next(self.finished) == self.count:
                self.done.release()
                return True
        return False


class _Pool:
    """Daemon threads that help with whatever job is waiting, and look out for the next one before they fall asleep.

    Whoever waits awake does so outside Python and moves on only when the other one is outside as well: two threads that
    want Python at the same time cost more than all else here.
    """

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.posted, self.unheard = np.zeros(1, np.int64), np.zeros(1, np.int64)
        turns = _turns(_AWAKE, self.unheard)
        self.grace = round(turns * _GRACE / _AWAKE)
        self.turns = turns if helpers < _processors() else 0  # without a processor of its own, one takes another's time
        for index in range(helpers):
            threading.Thread(target=self._help, args=(index,), name="sightline-kernel", daemon=True).start()

    def post(self, job: _Job) -> None:
        for _ in range(min(self.helpers, job.count - 1)):
            self.jobs.put(job)
        self.posted[0] += 1

    def wait(self, job: _Job) -> None:
        _spin(self.unheard, job.over, 0, 4 * self.turns, 0)
        job.done.acquire()

    def _help(self, index: int) -> None:
        tell = self.unheard
        while True:
            seen = int(self.posted[0])
            turns = self.turns if self.jobs.empty() else 0
            _spin(tell, self.posted, seen, turns, (index + 1) * self.grace)  # one after the other
            job = self.jobs.get()
            if job is None:
                return
            tell = job.over if job.work() else self.unheard
            del job  # its arrays would live until the next job

    def close(self) -> None:
        for _ in range(self.helpers):
            self.jobs.put(None)


def _turns(seconds: float, cell: np.ndarray) -> int:
    """Return how many turns of a spin last about ``seconds``."""
    best, turns = 1.0, 500
    for _ in range(4):  # the first one compiles
        start = time.perf_counter()
        _spin(cell, cell, 1, turns, 0)
        best = min(best, time.perf_counter() - start)
    return max(1, round(turns * seconds / best))


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
        _threads = int(text) if text else _processors()
    return _threads


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


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
    if 0 < rows <= strip:
        return [function(*args, 0, rows)]
    if rows <= 0 or threads() == 1:
        return [function(*args, y0, min(y0 + strip, rows)) for y0 in range(0, rows, strip)]
    job = _Job(function, args, rows, strip)
    pool = _start_pool()
    pool.post(job)
    if not job.work():  # strips that helpers claimed may still run
        pool.wait(job)
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
