"""Pixels as bits of a word, and counting them in one instruction, for kernels that look at many pixels at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.np.arrayobj import make_array

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know
_PLACE = ir.IntType(32)


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
def any_above(_: Any, row: Any, at: Any, bound: Any) -> Any:
    """Return whether one of 64 int16 or float32 of a flat array, from number ``at`` on, is above a number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, at, bound = args
        many = ir.VectorType(bound.type, 64)
        data = builder.gep(make_array(signature.args[0])(context, builder, row).data, [at])
        values = builder.load(builder.bitcast(data, many.as_pointer()), align=signature.args[2].bitwidth // 8)
        first = builder.insert_element(ir.Constant(many, ir.Undefined), bound, _PLACE(0))
        bounds = builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_PLACE, 64), [0] * 64))
        compare = builder.fcmp_ordered if isinstance(signature.args[2], types.Float) else builder.icmp_signed
        above = builder.bitcast(compare(">", values, bounds), ir.IntType(64))
        return builder.icmp_unsigned("!=", above, ir.IntType(64)(0))

    return types.boolean(row, types.int64, row.dtype), generate


@intrinsic
def put_rings(_: Any, above: Any, row: Any, below: Any, at: Any, out: Any) -> Any:
    """Write, for 64 pixels, which of their eight neighbours are 1, a bit each, to uint8.

    Rows are flat uint8 of zeros and ones with one more at the left; the pixels are ``at`` and those after it, and so in
    ``out``. Bits go against the clock from the right neighbour.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *rows, at, out = args
        octets = ir.VectorType(ir.IntType(8), 64)

        def neighbours(which: int, x: int) -> Any:
            data = make_array(signature.args[which])(context, builder, rows[which]).data
            place = builder.gep(data, [builder.add(at, ir.IntType(64)(x))])
            return builder.load(builder.bitcast(place, octets.as_pointer()), align=1)

        code = neighbours(1, 2)
        for bit, (which, x) in enumerate(((0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)), 1):
            code = builder.or_(code, builder.shl(neighbours(which, x), ir.Constant(octets, [bit] * 64)))
        place = builder.gep(make_array(signature.args[4])(context, builder, out).data, [at])
        builder.store(code, builder.bitcast(place, octets.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(above, row, below, types.int64, out), generate


@intrinsic
def count_bits(_: Any, word: Any) -> Any:
    """Return how many bits of a uint64 are one."""
    return types.int64(types.uint64), lambda _, builder, __, args: builder.ctpop(args[0])
