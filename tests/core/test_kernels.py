"""The kernel doorway: the same bits whatever the threads, from many threads, after fork and in a spawned process."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sightline.core import kernels
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows, set_threads, threads

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@kernel
def sum_rows(values, y0, y1):
    total = np.float32(0)
    for y in range(y0, y1):
        for x in range(values.shape[1]):
            total += values[y, x]
    return total


@kernel
def double_rows(values, result, y0, y1):
    for y in range(y0, y1):
        for x in range(values.shape[1]):
            result[y, x] = values[y, x] * np.float32(2)


@kernel
def refuse_row(values, bad, y0, y1):
    for y in range(y0, y1):
        if y == bad:
            raise ValueError("this row is bad")


@kernel
def read_beyond(values, y0, y1):
    total = np.float32(0)
    for y in range(y0, y1):
        total += values[y, values.shape[1] + 5]
    return total


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(7).random((1003, 257), np.float32)


def doubled(values: np.ndarray) -> np.ndarray:
    result = np.empty_like(values)
    over_rows(double_rows, len(values), values, result, strip=16)
    return result


def sums(values: np.ndarray) -> bytes:
    return np.float32(over_rows(sum_rows, len(values), values, strip=16)).tobytes()


def total_in_child(seed: int) -> bytes:
    return sums(np.random.default_rng(seed).random((200, 64), np.float32))


def test_strips_cover_the_rows_once_and_in_order() -> None:
    for count in (1, 2, 4):
        set_threads(count)
        strips = over_rows(lambda y0, y1: (y0, y1), 103, strip=10)
        assert strips == [(y, min(y + 10, 103)) for y in range(0, 103, 10)]


@pytest.mark.parametrize("count", [2, 4, 7])
def test_bits_do_not_depend_on_the_number_of_threads(values: np.ndarray, count: int) -> None:
    set_threads(1)
    alone = sums(values), doubled(values)
    set_threads(count)
    for _ in range(20):
        assert sums(values) == alone[0]
        np.testing.assert_array_equal(doubled(values), alone[1])


def test_eight_python_threads_at_once(values: np.ndarray) -> None:
    set_threads(4)
    wanted = sums(values)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: sums(values), range(200))) == {wanted}
        for result in pool.map(lambda _: doubled(values), range(40)):
            np.testing.assert_array_equal(result, values * 2)


@pytest.mark.parametrize("frozen", ["owned", "bytes", "view"])
def test_a_read_only_array_is_not_compiled_for_again(values: np.ndarray, frozen: str) -> None:
    wanted, compiled = sums(values), len(sum_rows.signatures)
    if frozen == "bytes":
        values = np.frombuffer(values.tobytes(), np.float32).reshape(values.shape)
    elif frozen == "view":
        values = np.broadcast_to(values, values.shape)
    values.flags.writeable = False
    assert sums(values) == wanted
    assert len(sum_rows.signatures) == compiled
    assert not values.flags.writeable


def test_a_read_only_array_lives_as_long_as_a_kernel_reads_it() -> None:
    def kept(lent: np.ndarray, y0: int, y1: int) -> np.ndarray:
        return lent

    views = [over_rows(kept, 1, np.frombuffer(bytes([k]) * 5000, np.uint8))[0] for k in range(50)]
    assert [int(view.min()) for view in views] == [int(view.max()) for view in views] == list(range(50))


def test_no_array_waits_for_a_thread_that_is_busy(values: np.ndarray) -> None:
    set_threads(2)
    lives = []

    def strip(y0: int, y1: int) -> None:  # both threads are here, and nobody takes part in what is within it
        part = values[y0:y1].copy()
        over_rows(sum_rows, len(part), part, strip=8)
        lives.append(weakref.ref(part))
        over_rows(lambda y, end, own=part: own[y:end], len(part), strip=8)

    over_rows(strip, 640, strip=32)
    assert len(lives) == 20
    assert [part() for part in lives] == [None] * 20


def test_threads_may_change_while_others_work(values: np.ndarray) -> None:
    wanted = sums(values)
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(sums, values) for _ in range(60)]
        for count in (1, 3, 2, 4):
            set_threads(count)
        assert {job.result() for job in running} == {wanted}


@needs_fork
@pytest.mark.parametrize("count", [2, 4])
def test_a_forked_child_gets_the_same_bits(values: np.ndarray, count: int) -> None:
    set_threads(count)
    wanted = sums(values)  # the pool's threads are running now
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # "multi-threaded, use of fork()": that is the point
        child = os.fork()
    if child == 0:
        os.write(write, b"y" if sums(values) == wanted and threads() == 1 else b"n")
        os._exit(0)
    assert os.read(read, 1) == b"y"
    assert os.waitpid(child, 0)[1] == 0
    os.close(read)
    os.close(write)
    assert sums(values) == wanted  # and the parent's pool still works


@needs_fork
def test_a_pool_of_forked_workers(values: np.ndarray) -> None:
    set_threads(2)
    wanted = [total_in_child(seed) for seed in range(6)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(total_in_child, range(6)) == wanted


def test_a_fresh_process_gets_the_same_bits() -> None:
    # A spawned worker is a fresh interpreter; it finds the compiled kernel in the cache on disk.
    code = "from test_kernels import total_in_child as f; import sys; sys.stdout.write(f(3).hex())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == total_in_child(3).hex()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_an_error_in_a_kernel_reaches_the_caller(values: np.ndarray, count: int) -> None:
    set_threads(count)
    for bad in (0, 500, 1002):
        with pytest.raises(ValueError, match="this row is bad"):
            over_rows(refuse_row, len(values), values, bad, strip=16)
    assert sums(values)  # the pool lives on


def test_indices_are_checked_where_asked() -> None:
    # One lane of the build (`make bounds`) runs the kernels of every method like this; here, that the switch works.
    code = "import numpy as np, test_kernels as t; t.read_beyond(np.ones((4, 4), np.float32), 0, 4)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "NUMBA_BOUNDSCHECK": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "IndexError: index is out of bounds" in done.stderr


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "2"])
def test_a_number_of_threads_is_refused_by_name(count: object) -> None:
    with pytest.raises(InputError, match="set_threads: count must be a whole number ≥ 1"):
        set_threads(count)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_threads", None)
    monkeypatch.setenv("SIGHTLINE_THREADS", "3")
    assert threads() == 3
    monkeypatch.setattr(kernels, "_threads", None)
    monkeypatch.setenv("SIGHTLINE_THREADS", "many")
    with pytest.raises(InputError, match="SIGHTLINE_THREADS must be a whole number ≥ 1; got 'many'"):
        threads()


def test_contraction_rounds_once_and_keeps_nan() -> None:
    @kernel(contract=True)
    def fused(a, b, c):
        return a * b + c

    assert np.isnan(fused(np.float32(0), np.float32(np.nan), np.float32(1)))
    assert fused(np.float32(2), np.float32(3), np.float32(1)) == 7
