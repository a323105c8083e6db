import gc
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sightline.core import buffers
from sightline.core.buffers import empty

BIG = (400, 500)  # 200 kB as uint8: above the size from which memory is recycled


@pytest.fixture(scope="module", autouse=True)
def little_to_look_through():
    gc.collect()
    gc.freeze()  # what the libraries hold stays: each test looks for what nobody holds any more
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def fresh():
    gc.collect()
    buffers.release()


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (7,), (300, 501), (300, 501, 3), (2, 3, 4, 5, 6)])
def test_arrays_are_what_was_asked_for(shape, dtype):
    array = empty(shape, dtype)
    assert array.shape == shape
    assert array.dtype == np.dtype(dtype)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.flags.aligned
    array[...] = 1
    assert (array == 1).all()


def test_memory_is_taken_over_by_the_next_one():
    array = empty(BIG, np.uint8)
    where = address(array)
    del array
    assert address(empty(BIG, np.uint8)) == where


def test_near_sizes_and_other_dtypes_share_memory():
    array = empty((1 << 18,), np.uint8)
    where = address(array)
    del array
    assert address(empty((1 << 16,), np.float32)) == where


VIEWS = {
    "slice": lambda a: a[10:20],
    "reshape": lambda a: a.reshape(-1),
    "transpose": lambda a: a.T,
    "strided": lambda a: a[::-1, ::7],
    "other dtype": lambda a: a.view(np.int16),
    "memoryview": lambda a: np.asarray(memoryview(a)),
    "frombuffer": lambda a: np.frombuffer(a, np.uint8),
    "as_strided": lambda a: np.lib.stride_tricks.as_strided(a, (5, 5), (3, 1)),
    "view of view": lambda a: a[5:].T[3:].T[::2],
    "broadcast": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "row": lambda a: a[3],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_living_view_is_never_overwritten(view):
    array = empty(BIG, np.uint8)
    array[...] = 7
    kept = view(array)
    before = kept.copy()
    del array
    gc.collect()
    others = [empty(BIG, np.uint8) for _ in range(4)]
    for other in others:
        other[...] = 99
        assert not np.may_share_memory(other, kept)
    np.testing.assert_array_equal(kept, before)


def test_memory_comes_back_when_the_last_view_dies():
    array = empty(BIG, np.uint8)
    where, view = address(array), array[5:]
    del array
    assert address(empty(BIG, np.uint8)) != where
    del view
    assert where in {address(other) for other in [empty(BIG, np.uint8), empty(BIG, np.uint8)]}


def test_idle_memory_is_limited():
    arrays = [empty((1 << 25,), np.uint8) for _ in range(12)]
    del arrays
    gc.collect()
    assert sum(size * len(waiting) for size, waiting in buffers._idle.items()) <= buffers._KEEP_BYTES


def test_release_gives_everything_back():
    del_me = empty(BIG, np.uint8)
    del del_me
    assert any(buffers._idle.values())
    buffers.release()
    assert not buffers._idle


def test_eight_threads_never_share_an_array():
    def work(number: int) -> bool:
        good = True
        for turn in range(150):
            mine = empty((300 + number % 2, 500), np.uint8)
            mark = (number * 31 + turn) % 251
            mine[...] = mark
            view = mine[::3]
            del mine
            other = empty((300, 500), np.uint8)
            other[...] = 255
            good &= bool((view == mark).all())
        return good

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


def test_no_owner_is_forgotten():
    before = len(buffers._owners)
    for _ in range(200):
        empty(BIG, np.float32)
    gc.collect()
    assert len(buffers._owners) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_starts_with_nothing_idle():
    array = empty(BIG, np.uint8)
    array[...] = 3
    spare = empty(BIG, np.uint8)
    del spare
    child = os.fork()
    if child == 0:
        fine = not buffers._idle and bool((array == 3).all()) and empty(BIG, np.uint8).shape == BIG
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_sizes_that_nobody_asks_for_any_more_make_room(monkeypatch):
    monkeypatch.setattr(buffers, "_KEEP_BYTES", 3 << 20)
    del (old := [empty((1 << 20,), np.uint8) for _ in range(3)])[:]
    assert sum(map(len, buffers._idle.values())) == 3
    again = empty((2 << 20,), np.uint8)
    where = address(again)
    del again
    assert old == []
    assert address(empty((2 << 20,), np.uint8)) == where
    assert sum(size * len(arrays) for size, arrays in buffers._idle.items()) <= 3 << 20


@pytest.mark.skipif(not buffers._LENDS, reason="the system borrows nothing")
def test_large_memory_is_lent_and_taken_over(monkeypatch):
    monkeypatch.setattr(buffers, "_KEEP_BYTES", 1 << 20)
    monkeypatch.setattr(buffers, "_LEND_BYTES", 9 << 20)
    array = empty((4 << 20,), np.uint8)
    array[...] = 5
    where, view = address(array), array[8:].view(np.uint16)[::3]
    del array
    assert not np.may_share_memory(view, empty((4 << 20,), np.uint8))
    assert (view == 5 * 257).all()
    del view
    assert not buffers._idle
    again = [empty((4 << 20,), np.uint8) for _ in range(3)]
    assert where in map(address, again)
    for number, one in enumerate(again):
        one[...] = number
    assert [int(one.sum()) >> 22 for one in again] == [0, 1, 2]
    del one, again
    assert {size: len(waiting) for size, waiting in buffers._lent.items()} == {4 << 20: 2}
    del (larger := [empty((8 << 20,), np.uint8)])[:]
    assert larger == []
    assert {size: len(waiting) for size, waiting in buffers._lent.items()} == {8 << 20: 1}
    buffers.release()
    assert not buffers._lent


def test_large_memory_that_nobody_can_lend_is_given_back(monkeypatch):
    monkeypatch.setattr(buffers, "_KEEP_BYTES", 1 << 20)
    monkeypatch.setattr(buffers, "_advise", lambda pages, advice: False)
    array = empty((3, 1 << 20), np.uint8)
    array[...] = 9
    assert (array == 9).all()
    del array
    assert not buffers._lent
    assert not any(size > 1 << 20 for size in buffers._idle)
    monkeypatch.setattr(buffers, "_LENDS", False)
    assert isinstance(buffers._allocate(2 << 20), np.ndarray)
    with pytest.raises(MemoryError):
        empty((1 << 62,), np.uint8)


@pytest.mark.skipif(not buffers._LENDS, reason="the system borrows nothing")
def test_more_than_there_is_is_refused_as_numpy_does():
    with pytest.raises(MemoryError):
        empty((1 << 62,), np.uint8)
