"""The one doorway to compiled code: serial Numba kernels over rows ``y0..y1``, shared out among a few Python threads.

A kernel is a plain loop over the rows ``y0`` to ``y1`` of its arrays. :func:`over_rows` cuts the rows into strips whose
borders depend on the size alone and lets the calling thread and a small pool claim them one by one. So the bits are the
same for any number of threads, any number of Python threads may call at once, and nothing is left behind by ``fork``.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
from numba import typeof, types

from sightline.core.compiling import kernel as kernel
from sightline.core.errors import InputError
from sightline.core.shared_strips import (
    AWAKE,
    DONE,
    FAILED,
    INSIDE,
    LATE,
    OWNED,
    POSTER,
    REFUSED,
    look_out,
    meets,
    new_board,
    sharing,
    stand_on,
)
from sightline.core.spinning import breathe, look

_ARRAY = np.ndarray  # a name of this module is found sooner, and is asked for with every argument
_AWAKE = 50e-6  # seconds that a thread waits awake
_GRACE = 2e-6  # seconds in which who posted a job gets into its own strip


@kernel
def _spin(told, before, turns):
    """Look ``turns`` times whether ``told`` is no longer ``before``."""
    while turns > 0 and look(told, 0) == before:
        breathe()
        turns -= 1


F = TypeVar("F", bound=Callable[..., Any])
_QUICK: list[Any] = []  # our kernels that are marked as quick


def quick(function: F) -> F:
    """Mark a kernel as one that takes little longer than it takes to wake a thread, some 100 µs for all its rows.

    It is handed to threads that are awake without Python. It returns nothing and may do a strip twice: when one raises,
    all are done anew in the ordinary way. It costs a third of a second more to compile.
    """
    if hasattr(function, "py_func"):
        function.shared = sharing(function)  # pyrefly: ignore
        if function.__module__.startswith("sightline."):
            _QUICK.append(function)
    return function


def compile_shared() -> None:
    """Compile how our quick kernels are shared out, for all kinds of arguments that they were called with."""
    _start_pool()  # what its threads look out by
    first = tuple(map(typeof, (new_board(), 0, 0, 0)))
    for function in _QUICK:
        for kinds in function.signatures:
            function.shared.compile((*first, types.BaseTuple.from_types(kinds[:-2])))


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


_NOTHING = _Job(int, (), 0, 1)  # only wakes a thread


class _Pool:
    """Daemon threads that help with whatever job is waiting, and look out for the next one before they fall asleep.

    Whoever waits awake does so outside Python and moves on only when the other one is outside as well: two threads that
    want Python at the same time cost more than all else here.
    """

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.board = new_board()
        self.kept: dict[int, tuple[Any, ...]] = {}
        self.posted, self.unheard = np.zeros(1, np.int64), np.zeros(1, np.int64)
        turns = _turns(_AWAKE, self.unheard)
        self.grace = round(turns * _GRACE / _AWAKE)
        self.turns = turns if helpers < _processors() else 0  # without a processor of its own, one takes another's time
        for index in range(helpers):
            threading.Thread(target=self._help, args=(index,), name="sightline-kernel", daemon=True).start()

    def share(self, function: Callable[..., Any], rows: int, strip: int, args: tuple[Any, ...]) -> bool:
        """Do all rows with whoever is awake, and wake others for the next time; return whether they are done."""
        awake = self.board.item(AWAKE)
        if awake < self.helpers and self.jobs.empty():
            for _ in range(min(self.helpers, (rows - 1) // strip) - awake):
                self.jobs.put(_NOTHING)
        key = id(args)
        self.kept[key] = args  # were this thread interrupted, no array may be freed that a helper writes to
        done = function(self.board, 4 * self.turns, rows, strip, *args)
        if done == LATE:
            while self.board[INSIDE]:
                time.sleep(_AWAKE)
            done = REFUSED if self.board[FAILED] else DONE
            self.board[OWNED] = 0
        del self.kept[key]
        return done == DONE

    def post(self, job: _Job) -> None:
        stand_on(self.board)
        for _ in range(min(self.helpers, job.count - 1)):
            self.jobs.put(job)
        self.posted[0] += 1

    def wait(self, job: _Job) -> None:
        _spin(job.over, 0, 4 * self.turns)
        job.done.acquire()

    def _help(self, index: int) -> None:
        tell = self.unheard
        while True:
            seen = int(self.posted[0])
            self._step_aside()
            turns = self.turns if self.jobs.empty() else 0
            look_out(self.board, tell, self.posted, seen, turns, (index + 1) * self.grace)  # one after the other
            job = self.jobs.get()
            if job is None:
                return
            tell = self.unheard
            if job is _NOTHING:
                continue
            self._step_aside()
            tell = job.over if job.work() else self.unheard
            del job  # its arrays would live until the next job

    def _step_aside(self) -> None:
        """Leave the processor of who shares something out: the system may leave both there for a tenth of a second."""
        if not self.turns or not meets(self.board):
            return
        allowed = os.sched_getaffinity(0)  # of this thread
        try:
            os.sched_setaffinity(0, allowed - {int(self.board[POSTER])})
            os.sched_setaffinity(0, allowed)
        except OSError:  # there is no other one, or the system forbids to choose
            self.board[POSTER] = -1

    def close(self) -> None:
        for _ in range(self.helpers):
            self.jobs.put(None)


def _turns(seconds: float, cell: np.ndarray) -> int:
    """Return how many turns of a spin last about ``seconds``."""
    best, turns = 1.0, 200
    for _ in range(12):  # the first one compiles, others may be interrupted
        start = time.perf_counter()
        _spin(cell, 0, turns)
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
        Rows in a strip. Choose it so that a strip costs at least some 50 µs, or 10 where the kernel is :func:`quick`;
        it must not depend on the thread count.
    """
    for value in args:
        if type(value) is _ARRAY and not value.flags.writeable:
            args = tuple(_as_writeable(other) for other in args)
            break
    if 0 < rows <= strip:
        return [function(*args, 0, rows)]
    if rows <= 0 or threads() == 1:
        return [function(*args, y0, min(y0 + strip, rows)) for y0 in range(0, rows, strip)]
    pool = _start_pool()
    shared = getattr(function, "shared", None)
    if shared is not None and pool.turns and pool.share(shared, rows, strip, args):
        return [None] * -(-rows // strip)
    job = _Job(function, args, rows, strip)
    pool.post(job)
    if not job.work():  # strips that helpers claimed may still run
        pool.wait(job)
    results = job.results
    job.function, job.args, job.results = int, (), []  # helpers that are busy look at it later: no array lives so long
    if job.error is not None:
        raise job.error
    return results


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
