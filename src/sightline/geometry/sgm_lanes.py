"""One pixel of one path of semi-global matching: 32 disparities at a time, in bytes that stop at 255."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know

LANES = 32
_BYTES, _WORDS = ir.VectorType(ir.IntType(8), LANES), ir.VectorType(ir.IntType(16), LANES)


@intrinsic
def advance(
    _: Any,
    before: Any,
    b: Any,
    now: Any,
    n: Any,
    costs: Any,
    c: Any,
    total: Any,
    t: Any,
    count: Any,
    least: Any,
    p1: Any,
    p2: Any,
    kept: Any,
) -> Any:
    """Write L of a pixel to ``now[n:]``, add it to ``total[t:]`` (to 0 when ``kept`` is 0), and return its minimum.

    ``before[b - 1 : b + count + 1]`` holds L of the last pixel and 255 on both sides, ``least`` its minimum;
    ``costs[c:]`` the costs; ``count`` is a multiple of 32; ``kept`` is 0 or 65535.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        before, b, now, n, costs, c, total, t, count, least, p1, p2, kept = args
        kinds = signature.args

        def at(kind: Any, array: Any, index: Any, vector: Any) -> Any:
            data = context.make_array(kind)(context, builder, array).data
            return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())

        def load(kind: Any, array: Any, index: Any, vector: Any = _BYTES) -> Any:
            return builder.load(at(kind, array, index, vector), align=1)

        def spread(value: Any, vector: Any = _BYTES) -> Any:
            one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
            return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)

        def least_of(a: Any, other: Any) -> Any:
            return builder.select(builder.icmp_unsigned("<", a, other), a, other)

        sat = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_BYTES, [_BYTES, _BYTES]), f"llvm.uadd.sat.v{LANES}i8"
        )
        reduce = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(8), [_BYTES]), f"llvm.vector.reduce.umin.v{LANES}i8"
        )
        step, jump, lowest = spread(p1), spread(builder.add(least, p2)), spread(least)
        keep = spread(kept, _WORDS)
        one = ir.IntType(64)(1)
        smallest = cgutils.alloca_once_value(builder, ir.Constant(_BYTES, [ir.IntType(8)(255)] * LANES))
        with cgutils.for_range(builder, builder.udiv(count, ir.IntType(64)(LANES))) as loop:
            offset = builder.mul(loop.index, ir.IntType(64)(LANES))
            place = builder.add(b, offset)
            beside = least_of(
                load(kinds[0], before, builder.sub(place, one)), load(kinds[0], before, builder.add(place, one))
            )
            best = least_of(load(kinds[0], before, place), builder.call(sat, [beside, step]))
            best = builder.sub(least_of(best, jump), lowest)
            best = builder.call(sat, [best, load(kinds[4], costs, builder.add(c, offset))])
            builder.store(best, at(kinds[2], now, builder.add(n, offset), _BYTES), align=1)
            builder.store(least_of(best, builder.load(smallest)), smallest)
            sums = builder.add(t, offset)
            gathered = builder.and_(load(kinds[6], total, sums, _WORDS), keep)
            gathered = builder.add(gathered, builder.zext(best, _WORDS))
            builder.store(gathered, at(kinds[6], total, sums, _WORDS), align=1)
        return builder.call(reduce, [builder.load(smallest)])

    index = types.int64
    return types.uint8(
        before,
        index,
        now,
        index,
        costs,
        index,
        total,
        index,
        index,
        types.uint8,
        types.uint8,
        types.uint8,
        types.uint16,
    ), build
