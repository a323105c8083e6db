"""Recycled output pages.

A fresh 1080p array costs more in page faults than most kernels cost in arithmetic. Arrays from :func:`empty` hand their
memory back when the last view of them dies, and the next array of that size takes it over, warm. What is large is lent
to the system meanwhile: it takes such pages away when it runs short of memory, before it would refuse or end anything.
"""

from __future__ import annotations

import math
import mmap
import os
import weakref
from typing import Any

import numpy as np

_PAGE = 1 << 16  # sizes are rounded up to 64 KiB, so that near sizes share buffers
_SMALLEST = 1 << 17  # below this malloc is as quick
_KEEP_BYTES = 384 << 20  # what may wait for a new owner: SIFT of a 1080p photo takes 300 MiB
_LEND_BYTES = 2 << 30  # what may wait beside that on loan, in arrays that are larger than all of it
_LENDS = hasattr(mmap, "MADV_FREE")  # Linux, macOS and BSD

_Memory = np.ndarray | mmap.mmap  # a large array has pages of its own
_idle: dict[int, list[_Memory]] = {}  # by size; the size asked for last stands last
_lent: dict[int, list[_Memory]] = {}
_owners: dict[int, tuple[weakref.ref[np.ndarray], _Memory]] = {}


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an uninitialised C-contiguous array, from recycled memory where there is some.

    Parameters
    ----------
    shape
        Shape of the array.
    dtype
        NumPy dtype or its name.
    """
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    if count * dtype.itemsize < _SMALLEST:
        return np.empty(shape, dtype)
    memory = _take(-(-count * dtype.itemsize // _PAGE) * _PAGE)
    # Over a memoryview, NumPy never looks through to `memory`: each view keeps `root` alive, so its death is the last.
    root = np.frombuffer(memory.data if isinstance(memory, np.ndarray) else memory, dtype, count)
    alive = weakref.ref(root, _recycle)
    _owners[id(alive)] = (alive, memory)
    return root.reshape(shape)


def release() -> None:
    """Give all idle memory back to the system."""
    _idle.clear()
    _lent.clear()


def _take(rounded: int) -> _Memory:
    waiting = _lent if rounded > _KEEP_BYTES else _idle
    arrays = waiting.pop(rounded, None)
    if arrays is None:
        return _allocate(rounded)
    waiting[rounded] = arrays
    try:
        return arrays.pop()
    except IndexError:
        return _allocate(rounded)


def _allocate(rounded: int) -> _Memory:
    if rounded <= _KEEP_BYTES or not _LENDS:
        return np.empty(rounded, np.uint8)
    try:
        pages = mmap.mmap(-1, rounded, flags=mmap.MAP_PRIVATE | mmap.MAP_ANON)
    except OSError:
        return np.empty(rounded, np.uint8)  # refuses in NumPy's words
    _advise(pages, "MADV_HUGEPAGE")  # as NumPy does for its own
    return pages


def _advise(pages: mmap.mmap, advice: str) -> bool:
    """Tell the system what is intended with pages; return whether it knows such advice."""
    try:
        pages.madvise(getattr(mmap, advice))
    except (AttributeError, OSError):
        return False
    return True


def _recycle(ended: weakref.ref[np.ndarray]) -> None:
    _, memory = _owners.pop(id(ended))
    idle, most = _idle, _KEEP_BYTES
    if isinstance(memory, mmap.mmap):
        idle, most = _lent, _LEND_BYTES
        if not _advise(memory, "MADV_FREE"):
            return
    waiting = len(memory)
    for size, arrays in list(idle.items()):
        waiting += size * len(arrays)
    for size in list(idle):  # sizes that nobody asked for lately go first
        if waiting <= most or size == len(memory):
            break
        waiting -= size * len(idle.pop(size, ()))
    if waiting <= most:
        idle.setdefault(len(memory), []).append(memory)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=release)
