"""Eight neighbours of an image of any kind as eight float32, what lies between them, and what they come to.

Offsets into arrays, which are flat and contiguous, are not checked. Called from kernels, beside ``core.vectors``.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types

from sightline.core.vectors import FLOATS, LANES, call, pointer, repeated

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def load_floats(_: Any, array: Any, at: Any) -> Any:
    """Return eight neighbours of a uint8, uint16 or float32 array, from number ``at`` on, as float32."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[0], *args)
        floats = ir.VectorType(ir.FloatType(), LANES)
        if array.dtype == types.float32:
            return builder.load(builder.bitcast(place, floats.as_pointer()), align=4)
        bits = ir.VectorType(ir.IntType(array.dtype.bitwidth), LANES)
        numbers = builder.load(builder.bitcast(place, bits.as_pointer()), align=array.dtype.bitwidth // 8)
        wide = builder.zext(numbers, ir.VectorType(ir.IntType(32), LANES))
        return builder.sitofp(wide, floats)

    return FLOATS(array, types.int64), build


@intrinsic
def load_between(_: Any, array: Any, at: Any, down: Any, fx: Any, fy: Any) -> Any:
    """Return the bilinear means of eight neighbours, those right of them, and those ``down`` numbers after both."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, at, down, fx, fy = args
        floats = ir.VectorType(ir.FloatType(), LANES)
        across, upright = repeated(builder, fx), repeated(builder, fy)

        def read(offset: Any) -> Any:
            place = pointer(context, builder, signature.args[0], array, offset)
            return builder.load(builder.bitcast(place, floats.as_pointer()), align=4)

        one = ir.IntType(64)(1)
        upper = _mix(builder, read(at), read(builder.add(at, one)), across)
        below = builder.add(at, down)
        lower = _mix(builder, read(below), read(builder.add(below, one)), across)
        return _mix(builder, upper, lower, upright)

    return FLOATS(array, types.int64, types.int64, types.float32, types.float32), build


def _mix(builder: Any, a: Any, b: Any, share: Any) -> Any:
    step = builder.fmul(builder.fsub(b, a), share, flags=("contract",))
    return builder.fadd(a, step, flags=("contract",))


@intrinsic
def eight_of(_: Any, value: Any) -> Any:
    """Return eight times a float32."""
    return FLOATS(types.float32), lambda _, builder, __, args: repeated(builder, args[0])


@intrinsic
def sum_of(_: Any, vector: Any) -> Any:
    """Return the sum of eight float32: neighbours four apart first, then two, then one."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        total, order = args[0], ir.VectorType(ir.IntType(32), LANES)
        for step in (4, 2, 1):
            lanes = ir.Constant(order, [(lane + step) % LANES for lane in range(LANES)])
            total = builder.fadd(total, builder.shuffle_vector(total, total, lanes))
        return builder.extract_element(total, ir.IntType(32)(0))

    return types.float32(FLOATS), build


@intrinsic
def magnitudes(_: Any, vector: Any) -> Any:
    """Return eight float32 without their signs."""
    return vector(vector), lambda _, builder, __, args: call(builder, "llvm.fabs.v8f32", args)


@intrinsic
def roots(_: Any, vector: Any) -> Any:
    """Return the square roots of eight float32."""
    return vector(vector), lambda _, builder, __, args: call(builder, "llvm.sqrt.v8f32", args)


@intrinsic
def lesser(_: Any, a: Any, b: Any) -> Any:
    """Return the lesser of each two of eight float32."""
    return a(a, b), lambda _, builder, __, args: builder.select(builder.fcmp_ordered("<", *args), *args)


@intrinsic
def greater(_: Any, a: Any, b: Any) -> Any:
    """Return the greater of each two of eight float32."""
    return a(a, b), lambda _, builder, __, args: builder.select(builder.fcmp_ordered(">", *args), *args)
