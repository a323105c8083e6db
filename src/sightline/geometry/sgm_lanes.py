"""One pixel of one path of semi-global matching: 32 disparities at a time, in bytes that stop at 255."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know

LANES = 32
_BYTE, _WORD, _INDEX = ir.IntType(8), ir.IntType(16), ir.IntType(64)
_BYTES, _WORDS = ir.VectorType(_BYTE, LANES), ir.VectorType(_WORD, LANES)


@intrinsic
def advance(
    _: Any,
    rows: Any,
    b: Any,
    n: Any,
    costs: Any,
    total: Any,
    at: Any,
    count: Any,
    least: Any,
    p1: Any,
    p2: Any,
    kept: Any,
) -> Any:
    """Write L of a pixel to ``rows[n:]``, add it to ``total[at:]`` (to 0 when ``kept`` is 0), and return its minimum.

    ``rows[b - 1 : b + count + 1]`` holds L of the last pixel and 255 on both sides, ``least`` its minimum;
    ``costs[at:]`` the costs; ``count`` is a multiple of 32; ``kept`` is 0 or 65535.
    """
    index, byte = types.int64, types.uint8
    kinds = byte(rows, index, index, costs, total, index, index, byte, byte, byte, types.uint16)
    return kinds, _build


def _build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    rows, b, n, costs, total, at, count, least, p1, p2, kept = args
    rows, costs, total = (
        context.make_array(signature.args[k])(context, builder, array).data
        for k, array in ((0, rows), (3, costs), (4, total))
    )
    step, jump, lowest = _spread(builder, p1), _spread(builder, builder.add(least, p2)), _spread(builder, least)
    keep = _spread(builder, kept, _WORDS)
    smallest = cgutils.alloca_once_value(builder, ir.Constant(_BYTES, [_BYTE(255)] * LANES))
    with cgutils.for_range(builder, builder.udiv(count, _INDEX(LANES))) as loop:
        offset = builder.mul(loop.index, _INDEX(LANES))
        last, place = builder.add(b, offset), builder.add(at, offset)
        lower, higher = (_load(builder, rows, builder.add(last, _INDEX(k))) for k in (-1, 1))
        best = _sum(builder, _least(builder, lower, higher), step)
        best = _least(builder, _least(builder, _load(builder, rows, last), best), jump)
        best = _sum(builder, builder.sub(best, lowest), _load(builder, costs, place))
        _store(builder, best, rows, builder.add(n, offset))
        builder.store(_least(builder, best, builder.load(smallest)), smallest)
        gathered = builder.and_(_load(builder, total, place, _WORDS), keep)
        _store(builder, builder.add(gathered, builder.zext(best, _WORDS)), total, place, _WORDS)
    reduce = _function(builder, "llvm.vector.reduce.umin", _BYTE, [_BYTES])
    return builder.call(reduce, [builder.load(smallest)])


def _spread(builder: Any, value: Any, vector: Any = _BYTES) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _load(builder: Any, data: Any, index: Any, vector: Any = _BYTES) -> Any:
    return builder.load(builder.bitcast(builder.gep(data, [index]), vector.as_pointer()), align=1)


def _store(builder: Any, value: Any, data: Any, index: Any, vector: Any = _BYTES) -> None:
    builder.store(value, builder.bitcast(builder.gep(data, [index]), vector.as_pointer()), align=1)


def _least(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_unsigned("<", a, b), a, b)


def _sum(builder: Any, a: Any, b: Any) -> Any:
    return builder.call(_function(builder, "llvm.uadd.sat", _BYTES, [_BYTES, _BYTES]), [a, b])


def _function(builder: Any, name: str, result: Any, parts: list[Any]) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, parts), f"{name}.v{LANES}i8")
