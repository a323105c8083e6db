"""Pixels as bits of a word, and counting them in one instruction, for kernels that look at many pixels at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.np.arrayobj import make_array

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def trailing_zeros(context: Any, word: Any) -> Any:
    """Return how many zero bits lie below the lowest one bit of a uint64; 64 when there is none."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


@intrinsic
def true_bits(_: Any, row: Any, at: Any) -> Any:
    """Return which of the 64 bytes of a flat uint8 array from offset ``at`` on are not 0, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octets = ir.VectorType(ir.IntType(8), 64)
        data = builder.gep(make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        values = builder.load(builder.bitcast(data, octets.as_pointer()), align=1)
        differ = builder.icmp_unsigned("!=", values, ir.Constant(octets, [0] * 64))
        return builder.bitcast(differ, ir.IntType(64))

    return types.uint64(row, types.int64), generate


@intrinsic
def count_bits(_: Any, word: Any) -> Any:
    """Return how many bits of a uint64 are one."""
    return types.int64(types.uint64), lambda _, builder, __, args: builder.ctpop(args[0])
