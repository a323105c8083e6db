"""Results that go past the caches: what is larger than they are is written to memory at once.

An ordinary write first reads what it is about to replace into the cache, where it pushes something else out. Of a
picture that does not stay there anyway, that is a third of all the bytes moved. Arrays are flat and contiguous;
offsets are not checked. Everything but :func:`is_large` is called from kernels.

Other threads see such numbers once the one that wrote them has passed a lock, as at the end of each strip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from sightline.core.kernels import kernel
from sightline.core.vectors import LANES, intrinsic, load, pointer

_LARGE = 16 << 20  # bytes: about what one thread finds in its caches again
_VECTOR = 32  # bytes of eight float32; only at their multiples can a vector be written past the caches


def is_large(*arrays: np.ndarray) -> bool:
    """Return whether arrays together are more than the caches keep."""
    return sum(array.nbytes for array in arrays) >= _LARGE


@kernel
def first_whole(array, channels, x0):
    """Return the first pixel from ``x0`` on at which eight can be written past the caches.

    ``array`` holds float32 in pixels of an odd number of ``channels``.
    """
    number = array.ctypes.data // 4 + channels * x0
    return x0 + (-number * channels) % LANES  # the square of an odd number leaves 1


@intrinsic
def store_past(_: Any, vector: Any, array: Any, at: Any, past: Any) -> Any:
    """Write eight float32 to an array from number ``at`` on; past the caches where ``past``, at whole vectors alone."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector, array, at, past = args
        write_past(builder, [vector], pointer(context, builder, signature.args[1], array, at), past)
        return context.get_dummy_value()

    return types.void(vector, array, types.int64, types.boolean), build


def write_past(builder: Any, vectors: list[Any], place: Any, past: Any) -> None:
    """Build the writing of vectors of eight float32, one after the other, past the caches or not."""
    with builder.if_else(past) as branches:
        for branch, align in zip(branches, (_VECTOR, 4), strict=True):
            with branch:
                for k, vector in enumerate(vectors):
                    there = builder.gep(place, [ir.IntType(64)(k * LANES)])
                    store = builder.store(vector, builder.bitcast(there, vector.type.as_pointer()), align=align)
                    if align == _VECTOR:
                        store.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))


@kernel
def copy_past(line, count, out, to):
    """Copy the first ``count`` numbers of a float32 array to another from number ``to`` on, past the caches."""
    first = min(first_whole(out, 1, to) - to, count)
    end = first + (count - first) // LANES * LANES
    for k in range(first):
        out[to + k] = line[k]
    for k in range(first, end, LANES):
        store_past(load(line, k), out, to + k, True)
    for k in range(end, count):
        out[to + k] = line[k]
