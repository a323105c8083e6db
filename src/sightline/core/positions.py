"""Positions along a line, sixteen at once: the pixels that they lie in, as offsets into a flat image, and fractions.

Arrays are flat and contiguous; offsets into them are not checked. Everything here is called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from sightline.core.vectors import call, intrinsic, pointer

POSITIONS = 16
_INDEX = types.int64
_FLOATS, _INTS = ir.VectorType(ir.FloatType(), POSITIONS), ir.VectorType(ir.IntType(32), POSITIONS)


@intrinsic
def put_positions(
    _: Any, first: Any, start: Any, steps: Any, lift: Any, flat: Any, strides: Any, at: Any, g: Any
) -> Any:
    """Write to ``at`` (int32), from number ``g`` on, the offsets of the pixels that 16 positions lie in.

    A position t = ``first``, ``first`` + 1 … is (x + t · dx, y + t · dy) where ``flat``, or else that times
    1 / (w + t · dw) plus ``lift``, with ``start`` = (x, y, w) and ``steps`` = (dx, dy, dw), all float32. An offset is
    row · down + column · across + the third of ``strides`` (across, down, first), all int32.
    """
    floats, ints = types.UniTuple(types.float32, 3), types.UniTuple(types.int32, 3)
    kinds = types.float32, floats, floats, types.float32, types.boolean, ints
    return types.void(*kinds, at, _INDEX), _put(False)


@intrinsic
def put_fractions(
    _: Any, first: Any, start: Any, steps: Any, lift: Any, flat: Any, strides: Any, at: Any, g: Any, parts: Any, up: Any
) -> Any:
    """Do what :func:`put_positions` does, and write to ``parts`` (float32) how far on positions are in their pixels.

    Fractions along x go to number ``g`` and those along y to ``g`` + ``up``.
    """
    floats, ints = types.UniTuple(types.float32, 3), types.UniTuple(types.int32, 3)
    kinds = types.float32, floats, floats, types.float32, types.boolean, ints
    return types.void(*kinds, at, _INDEX, parts, _INDEX), _put(True)


def _put(fractions: bool) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, start, steps, lift, flat, strides, at, g, *rest = args
        from_, step, (across, down, begin) = (
            [_repeated(builder, builder.extract_value(group, k)) for k in range(3)] for group in (start, steps, strides)
        )
        t = builder.fadd(_repeated(builder, first), ir.Constant(_FLOATS, [float(k) for k in range(POSITIONS)]))
        x, y, w = (builder.fadd(a, builder.fmul(t, d)) for a, d in zip(from_, step, strict=True))
        before = builder.block
        with builder.if_then(builder.not_(flat)):
            scale, lifted = builder.fdiv(ir.Constant(_FLOATS, [1.0] * POSITIONS), w), _repeated(builder, lift)
            seen = [builder.fadd(builder.fmul(value, scale), lifted) for value in (x, y)]
            inside = builder.block
        u, v = (_either(builder, pair, (before, inside)) for pair in zip((x, y), seen, strict=True))
        column, row = (call(builder, f"llvm.floor.v{POSITIONS}f32", [value]) for value in (u, v))
        offset = builder.mul(builder.fptosi(row, _INTS), down)
        offset = builder.add(builder.add(offset, builder.mul(builder.fptosi(column, _INTS), across)), begin)
        _store(builder, offset, pointer(context, builder, signature.args[6], at, g))
        if fractions:
            parts, up = rest
            for value, lower, to in ((u, column, g), (v, row, builder.add(g, up))):
                place = pointer(context, builder, signature.args[8], parts, to)
                _store(builder, builder.fsub(value, lower), place)
        return context.get_dummy_value()

    return build


def _either(builder: Any, values: Any, blocks: Any) -> Any:
    result = builder.phi(_FLOATS)
    for value, block in zip(values, blocks, strict=True):
        result.add_incoming(value, block)
    return result


def _repeated(builder: Any, value: Any) -> Any:
    kind = ir.VectorType(value.type, POSITIONS)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(single, single, ir.Constant(_INTS, [0] * POSITIONS))


def _store(builder: Any, vector: Any, place: Any) -> None:
    builder.store(vector, builder.bitcast(place, vector.type.as_pointer()), align=4)
