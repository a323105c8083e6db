"""Recycled output pages.

A fresh 1080p array costs more in page faults than most kernels cost in arithmetic. Arrays from :func:`empty` hand their
memory back when the last view of them dies, and the next array of that size takes it over, warm.
"""

from __future__ import annotations

import math
import os
import weakref
from typing import Any

import numpy as np

_PAGE = 1 << 16  # sizes are rounded up to 64 KiB, so that near sizes share buffers
_SMALLEST = 1 << 17  # below this malloc is as quick
_KEEP_BYTES = 384 << 20  # what may wait for a new owner: SIFT of a 1080p photo takes 300 MiB

_idle: dict[int, list[np.ndarray]] = {}  # by size; the size asked for last stands last
_owners: dict[int, tuple[weakref.ref[np.ndarray], np.ndarray]] = {}


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
    root = np.frombuffer(memory.data, dtype=dtype, count=count)
    key = id(root)
    _owners[key] = (weakref.ref(root, lambda _: _recycle(key)), memory)
    return root.reshape(shape)


def release() -> None:
    """Give all idle memory back to the system."""
    _idle.clear()


def _take(rounded: int) -> np.ndarray:
    arrays = _idle.pop(rounded, None)
    if arrays is None:
        return np.empty(rounded, np.uint8)
    _idle[rounded] = arrays
    try:
        return arrays.pop()
    except IndexError:
        return np.empty(rounded, np.uint8)


def _recycle(key: int) -> None:
    _, memory = _owners.pop(key)
    waiting = sum(size * len(arrays) for size, arrays in list(_idle.items())) + memory.nbytes
    for size in list(_idle):  # sizes that nobody asked for lately go first
        if waiting <= _KEEP_BYTES or size == memory.nbytes:
            break
        waiting -= size * len(_idle.pop(size, ()))
    if waiting <= _KEEP_BYTES:
        _idle.setdefault(memory.nbytes, []).append(memory)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=release)
