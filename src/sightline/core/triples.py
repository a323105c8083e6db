"""Pixels of three numbers in flat contiguous arrays. Offsets are not checked; everything here is called from kernels.

Three vectors of :mod:`sightline.core.vectors` hold eight pixels, one channel each.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.np.arrayobj import make_array

from sightline.core.lanes import ask_for, intrinsic
from sightline.core.streaming import write_past
from sightline.core.vectors import FLOATS, LANES, pointer

_OCTETS, _PLACE = ir.VectorType(ir.IntType(8), 16), ir.IntType(32)
_AHEAD = 2048  # float32


@intrinsic
def copy_every_second(_: Any, row: Any, at: Any, out: Any, to: Any) -> Any:
    """Copy the first, third and fifth of the triples that begin at byte ``at`` to ``out`` from byte ``to`` on.

    Sixteen bytes are read, and sixteen are written: the last seven of them mean nothing.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, at, out, to = args
        here = builder.gep(make_array(signature.args[0])(context, builder, row).data, [at])
        there = builder.gep(make_array(signature.args[2])(context, builder, out).data, [to])
        octets = builder.load(builder.bitcast(here, _OCTETS.as_pointer()), align=1)
        chosen = builder.shuffle_vector(octets, octets, _lanes([0, 1, 2, 6, 7, 8, 12, 13, 14, *[15] * 7]))
        builder.store(chosen, builder.bitcast(there, _OCTETS.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(row, types.int64, out, types.int64), build


@intrinsic
def load_triples(_: Any, array: Any, at: Any) -> Any:
    """Return the first, second and third numbers of eight pixels of a float32 array, from number ``at`` on.

    Eight KiB further on is what a loop wants some time later, and is asked for: memory answers late while it is written
    to as well.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[0], *args)
        for line in (0, 1):
            ask_for(builder, builder.gep(place, [ir.IntType(64)(_AHEAD + 16 * line)]))
        pixels = builder.load(builder.bitcast(place, ir.VectorType(ir.FloatType(), 3 * LANES).as_pointer()), align=4)
        parts = [builder.shuffle_vector(pixels, pixels, _lanes(range(k, 3 * LANES, 3))) for k in range(3)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(FLOATS, 3)(array, types.int64), build


@intrinsic
def store_triples(_: Any, a: Any, b: Any, c: Any, array: Any, at: Any, past: Any) -> Any:
    """Write eight pixels of three float32 to an array from number ``at`` on, as ``streaming.store_past`` does."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b, c, array, at, past = args
        first = builder.shuffle_vector(a, b, _lanes(range(2 * LANES)))
        last = builder.shuffle_vector(c, c, _lanes(range(2 * LANES)))
        order = [k * LANES + x for x in range(LANES) for k in range(3)]
        parts = [builder.shuffle_vector(first, last, _lanes(order[k : k + LANES])) for k in range(0, 3 * LANES, LANES)]
        write_past(builder, parts, pointer(context, builder, signature.args[3], array, at), past)
        return context.get_dummy_value()

    return types.void(a, b, c, array, types.int64, types.boolean), build


def _lanes(numbers: Any) -> Any:
    numbers = list(numbers)
    return ir.Constant(ir.VectorType(_PLACE, len(numbers)), numbers)
