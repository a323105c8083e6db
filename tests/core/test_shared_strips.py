"""Kernels handed over without Python: the same bits whoever helps, sleeps, raises or interrupts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sightline.core import kernels
from sightline.core.kernels import kernel, over_rows, quick, set_threads
from sightline.core.shared_strips import AWAKE, INSIDE, OWNED, look_out
from sightline.core.spinning import add, breathe, look
from sightline.image.threshold import _threshold, threshold

_LONG = 1 << 30  # turns: half a minute, so that a test fails and does not hang


@quick
@kernel
def blend(image, weight, inverse, table, out, y0, y1):
    for y in range(y0, y1):
        row, to = image[y], out[y]
        for x in range(row.size):
            value = np.float32(255) - row[x] if inverse else row[x]
            to[x] = weight * value + table[x % table.size]


@quick
@kernel
def meet(count, wanted, out, y0, y1):
    """Say that this strip is at work, and wait until ``wanted`` of them are."""
    add(count, 0, 1)
    turns = 0
    while look(count, 0) < wanted and turns < _LONG:
        breathe()
        turns += 1
    out[y0:y1] = look(count, 0)


@quick
@kernel
def linger(count, turns, out, y0, y1):
    """Leave the last strip to a helper, who takes his time."""
    if y1 < out.size:
        left = _LONG
        while look(count, 0) == 0 and left > 0:
            breathe()
            left -= 1
    else:
        add(count, 0, 1)
        for _ in range(turns):
            breathe()
    out[y0:y1] += 1


@quick
@kernel
def refuse(bad, out, y0, y1):
    if y0 <= bad < y1:
        raise ValueError("this row is bad")
    out[y0:y1] = 1


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch) -> kernels._Pool:
    """A pool of one helper that looks out, however few processors there are."""
    monkeypatch.setattr(kernels, "_processors", lambda: 64)
    set_threads(2)
    return kernels._start_pool()


@pytest.fixture
def awake(helped: kernels._Pool) -> Iterator[kernels._Pool]:
    """The pool with one more thread, who looks out until the test is over."""
    told = np.zeros(1, np.int64)
    thread = threading.Thread(target=look_out, args=(helped.board, np.zeros(1, np.int64), told, 0, _LONG, 0))
    thread.start()
    wait_until(lambda: helped.board[AWAKE] >= 1)
    yield helped
    told[0] = 1
    thread.join()


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(1e-3)


def blended(seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    image, table = rng.random((301, 257), np.float32), rng.random(7, np.float32)
    image.flags.writeable = False
    out = np.full_like(image, np.nan)
    done = over_rows(blend, len(image), image, np.float32(0.3), bool(seed % 2), table, out, strip=20)
    assert done == [None] * 16
    return out.tobytes()


@pytest.mark.parametrize("count", [2, 4, 70])
def test_bits_do_not_depend_on_who_helps(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(kernels, "_processors", lambda: 8)  # with more threads nobody waits awake
    set_threads(1)
    alone = [blended(seed) for seed in range(4)]
    set_threads(count)
    for _ in range(25):
        assert [blended(seed) for seed in range(4)] == alone


def test_eight_python_threads_at_once(helped: kernels._Pool) -> None:
    wanted = [blended(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(blended, list(range(8)) * 40)) == wanted * 40
    assert helped.board[OWNED] == helped.board[INSIDE] == 0
    assert not helped.kept


def test_threads_may_change_while_others_work(helped: kernels._Pool) -> None:
    wanted = blended()
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(blended) for _ in range(80)]
        for count in (1, 3, 2, 4):
            set_threads(count)
        assert {job.result() for job in running} == {wanted}


def test_who_is_awake_helps(awake: kernels._Pool) -> None:
    for _ in range(5):
        out = np.zeros(20, np.int64)
        over_rows(meet, 20, np.zeros(1, np.int64), 2, out, strip=10)
        assert (out == 2).all()


def test_who_is_asleep_is_woken_for_the_next_time(helped: kernels._Pool) -> None:
    blended()
    wait_until(lambda: helped.board[AWAKE] == 0 and helped.jobs.empty())
    time.sleep(0.01)
    helped.unheard[0] = 0  # who looks out writes 1
    blended()
    wait_until(lambda: helped.unheard[0] == 1)


def test_two_callers_at_once_need_one_board_only(helped: kernels._Pool) -> None:
    count, outs = np.zeros(1, np.int64), [np.zeros(20, np.int64) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:  # four strips in two calls, of which two run at any time
        list(pool.map(lambda out: over_rows(meet, 20, count, 2, out, strip=10), outs))
    assert all((out >= 2).all() for out in outs)


def test_a_helper_that_is_late_is_waited_for(awake: kernels._Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(kernels.time, "sleep", naps.append)
    out = np.zeros(20, np.int64)
    over_rows(linger, 20, np.zeros(1, np.int64), 400 * awake.turns, out, strip=10)
    assert naps
    assert (out == 1).all()
    assert awake.board[OWNED] == awake.board[INSIDE] == 0


def test_who_is_interrupted_while_he_waits_frees_no_memory(
    awake: kernels._Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    out, wanted = np.zeros(20, np.int64), blended()
    with monkeypatch.context() as patch:
        patch.setattr(kernels.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            over_rows(linger, 20, np.zeros(1, np.int64), 400 * awake.turns, out, strip=10)
    assert any(any(value is out for value in args) for args in awake.kept.values())
    assert awake.board[OWNED] == 1
    assert blended() == wanted  # in the ordinary way


@pytest.mark.parametrize("count", [1, 2, 4])
def test_an_error_in_a_kernel_reaches_the_caller(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(kernels, "_processors", lambda: 64)
    set_threads(count)
    out = np.zeros(100, np.uint8)
    for bad in (0, 50, 99):
        with pytest.raises(ValueError, match="this row is bad"):
            over_rows(refuse, 100, bad, out, strip=10)
    over_rows(refuse, 100, 100, out, strip=10)
    assert out.all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_gets_the_same_bits(helped: kernels._Pool) -> None:
    wanted = blended()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os._exit(0 if blended() == wanted else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert blended() == wanted


def test_code_is_kept_on_disk_and_a_process_ends_while_helpers_look_out(helped: kernels._Pool) -> None:
    wanted = blended(3).hex()
    code = (
        "from sightline.core import kernels; kernels._processors = lambda: 64; kernels.set_threads(3);"
        "import sys; from test_shared_strips import blended as f, blend as k;"
        "sys.stdout.write(f(3).hex()); assert k.shared.stats.cache_hits and not k.shared.stats.cache_misses"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == wanted


def test_more_arguments_than_the_board_holds_are_refused(helped: kernels._Pool) -> None:
    @quick
    @kernel
    def many(a, b, c, d, e, f, g, h, y0, y1):
        a[y0:y1] = 0

    arrays = tuple(np.zeros((2,) * 16) for _ in range(8))
    with pytest.raises(Exception, match="do not fit on the board"):
        over_rows(many, 2, *arrays, strip=1)


def test_quick_kernels_are_compiled_ahead():
    threshold(np.zeros((4, 5), np.uint16), 9)
    kernels.compile_shared()
    ahead = list(_threshold.shared.signatures)
    assert len(ahead) >= len(_threshold.signatures)
    threshold(np.zeros((1500, 1501), np.uint16), 9)
    assert _threshold.shared.signatures == ahead
