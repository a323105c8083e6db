"""Weighted sums of neighbours, many at once: a sum stays in a register until its last weight.

A compiler that finds such a sum in a loop of many weights writes it to memory and reads it again every few of them.
Numbers are float32 of flat contiguous arrays; offsets are not checked. Everything here is called from kernels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

PAIR = 32  # sums that weigh_pair makes of each of two
ALONE = 64  # sums that weigh_alone makes
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know
_OFFSET, _LONG = types.int64, ir.IntType(64)
_CONTRACT = ("contract",)


@intrinsic
def weigh_alone(_: Any, numbers: Any, at: Any, places: Any, weights: Any, sums: Any, to: Any) -> Any:
    """Write 64 neighbouring sums of ``weights[k] · numbers[at + places[k]]`` over all k to ``sums`` from ``to`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers, places, weights, sums = (
            make_array(signature.args[k])(context, builder, args[k]) for k in (0, 2, 3, 4)
        )
        block = ir.VectorType(ir.FloatType(), ALONE)
        total = cgutils.alloca_once_value(builder, ir.Constant(block, [0.0] * block.count))
        count = cgutils.unpack_tuple(builder, places.shape)[0]
        with cgutils.for_range(builder, count) as loop:
            values = _at(builder, builder.gep(numbers.data, [args[1]]), places.data, loop.index, block)
            _add(builder, total, values, weights.data, loop.index)
        _store(builder, total, builder.gep(sums.data, [args[5]]))
        return context.get_dummy_value()

    return types.void(numbers, _OFFSET, places, weights, sums, _OFFSET), build


@intrinsic
def weigh_pair(
    _: Any, numbers: Any, at: Any, places: Any, first: Any, last: Any, upper: Any, lower: Any, a: Any, b: Any, to: Any
) -> Any:
    """Write 32 neighbouring sums each to ``a`` and ``b`` from ``to`` on, which share what they have in common.

    ``a`` gets the sum of ``upper[k] · numbers[at + places[k]]`` over all k below ``last``, ``b`` that of ``lower[k]``
    over all k from ``first`` on.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers, places, upper, lower, a, b = (
            make_array(signature.args[k])(context, builder, args[k]) for k in (0, 2, 5, 6, 7, 8)
        )
        block = ir.VectorType(ir.FloatType(), PAIR)
        above, below = (cgutils.alloca_once_value(builder, ir.Constant(block, [0.0] * block.count)) for _ in range(2))
        ends = _LONG(0), args[3], args[4], cgutils.unpack_tuple(builder, places.shape)[0]
        for part, (start, end) in enumerate(pairwise(ends)):
            with cgutils.for_range_slice(builder, start, end, _LONG(1), _LONG) as (k, _):
                values = _at(builder, builder.gep(numbers.data, [args[1]]), places.data, k, block)
                if part < 2:
                    _add(builder, above, values, upper.data, k)
                if part > 0:
                    _add(builder, below, values, lower.data, k)
        _store(builder, above, builder.gep(a.data, [args[9]]))
        _store(builder, below, builder.gep(b.data, [args[9]]))
        return context.get_dummy_value()

    return types.void(numbers, _OFFSET, places, _OFFSET, _OFFSET, upper, lower, a, b, _OFFSET), build


def _at(builder: Any, start: Any, places: Any, k: Any, block: Any) -> Any:
    place = builder.gep(start, [builder.load(builder.gep(places, [k]))])
    return builder.load(builder.bitcast(place, block.as_pointer()), align=4)


def _add(builder: Any, total: Any, values: Any, weights: Any, k: Any) -> None:
    weight = builder.load(builder.gep(weights, [k]))
    single = builder.insert_element(ir.Constant(values.type, ir.Undefined), weight, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), values.type.count), [0] * values.type.count)
    product = builder.fmul(values, builder.shuffle_vector(single, single, order), flags=_CONTRACT)
    builder.store(builder.fadd(builder.load(total), product, flags=_CONTRACT), total)


def _store(builder: Any, total: Any, place: Any) -> None:
    value = builder.load(total)
    builder.store(value, builder.bitcast(place, value.type.as_pointer()), align=4)
