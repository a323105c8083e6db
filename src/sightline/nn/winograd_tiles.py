"""Tiles of 6×6 pixels to 36 numbers that are multiplied, and 36 products to 4×4 answers, for a vector of channels.

Winograd 1980, "Arithmetic Complexity of Computations", and Lavin and Gray 2016, "Fast Algorithms for Convolutional
Neural Networks", CVPR (arXiv 1509.09308): F(4, 3). Four neighbouring answers of a filter of three numbers are the
coefficients of a product of polynomials, which is found from its values at six points: 0, ±p, ±q and infinity.
:func:`before_products` and :func:`after_products` say the two transforms once, for whatever can be multiplied and
added; here that is vectors of channels, in machine code.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types

from sightline.core.kernels import kernel
from sightline.nn.matrix_panels import (
    FUSE,
    LANES,
    VECTOR,
    WIDTH,
    call_for,
    intrinsic,
    load,
    load_short,
    place,
    repeated,
    store,
    store_short,
)
from sightline.nn.torch_threads import pointer_to

# All their powers that occur are exact in float32. The largest errors are about a quarter of those at 1 and 2, as
# numbers of less different sizes are summed: points and their inverses, nearly (Barabasz 2020, arXiv 1803.10986).
POINTS = Fraction(5, 8), Fraction(3, 2)
TILE, ANSWERS = 6, 4  # pixels and answers a side
PRODUCTS = TILE * TILE
# scale·x + y, or scale·x where y is None
Plus = Callable[[Fraction, Any, Any], Any]
_ONE = Fraction(1)
_OFFSET = types.int64
_NUMBER = {False: ir.FloatType(), True: ir.IntType(16)}  # of maps: float32, or short, which is bfloat16


def before_products(d: list[Any], plus: Plus) -> list[Any]:
    """Return six numbers to be multiplied for six neighbours: Bᵀd."""
    p, q = POINTS
    found = [plus(p * p * q * q, d[0], plus(-(p * p + q * q), d[2], d[4]))]
    for point, other in ((p, q), (q, p)):
        even, odd = plus(-other * other, d[2], d[4]), plus(-other * other, d[1], d[3])
        found += [plus(point, odd, even), plus(-point, odd, even)]
    return [*found, plus(p * p * q * q, d[1], plus(-(p * p + q * q), d[3], d[5]))]


def after_products(m: list[Any], plus: Plus) -> list[Any]:
    """Return four neighbouring answers for six products: Aᵀm."""
    p, q = POINTS
    even = [plus(_ONE, m[1], m[2]), plus(_ONE, m[3], m[4])]
    odd = [plus(-_ONE, m[2], m[1]), plus(-_ONE, m[4], m[3])]
    return [
        plus(_ONE, m[0], plus(_ONE, *even)),
        plus(q, odd[1], plus(p, odd[0], None)),
        plus(q * q, even[1], plus(p * p, even[0], None)),
        plus(q**3, odd[1], plus(p**3, odd[0], m[5])),
    ]


def filter_matrix() -> list[list[Fraction]]:
    """Return G, 6×3: a filter of three numbers to the six that are multiplied."""
    finite = [Fraction(0), POINTS[0], -POINTS[0], POINTS[1], -POINTS[1]]
    rows = []
    for point in finite:
        scale = _ONE
        for other in finite:
            scale *= _ONE if other == point else point - other
        rows.append([point**power / scale for power in range(3)])
    return [*rows, [Fraction(0), Fraction(0), _ONE]]


def vector_plus(builder: Any) -> Plus:
    """Return what emits scale·x + y for vectors."""

    def plus(scale: Fraction, x: Any, y: Any) -> Any:
        if y is not None and abs(scale) == 1:
            return builder.fadd(y, x) if scale == 1 else builder.fsub(y, x)
        product = builder.fmul(ir.Constant(VECTOR, [float(scale)] * LANES), x, flags=FUSE)
        return product if y is None else builder.fadd(product, y, flags=FUSE)

    return plus


def both_ways(line: Callable[[list[Any], Plus], list[Any]], square: list[list[Any]], plus: Plus) -> list[list[Any]]:
    """Transform the rows of a square, and then the columns."""
    rows = [line(row, plus) for row in square]
    columns = [line(list(column), plus) for column in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def listed(context: Any, builder: Any, kind: Any, table: Any, offset: Any, channel: Any, short: bool = False) -> Any:
    """Return IR for the pointer to a channel, float32 or short, of the pixel whose address is in a table."""
    address = builder.load(place(context, builder, kind, table, offset))
    return builder.gep(builder.inttoptr(address, _NUMBER[short].as_pointer()), [channel])


@intrinsic
def address(_: Any, array: Any) -> Any:
    """Return where the numbers of an array begin."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(place(context, builder, signature.args[0], args[0], ir.IntType(64)(0)), ir.IntType(64))

    return types.int64(array), build


@kernel(inline=True)
def numbers_at(at):
    """Return the float32 at an address. How many there are is not used: all loops are told where to stop."""
    return carray(pointer_to(at), 1, np.float32)


def _spreads(short: bool) -> Any:
    read = load_short if short else load

    @intrinsic
    def spread(_: Any, table: Any, channel: Any, ahead: Any, out: Any, at: Any, step: Any) -> Any:
        """Write the 36 vectors to be multiplied for a tile, ``step`` numbers apart, from ``at`` on.

        ``table`` begins with the addresses of the tile's 36 pixels, whose channels from ``channel`` on are read. Those
        of the next tile, ``ahead`` numbers further on, are called for.
        """

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            table, channel, ahead, out, at, step = args
            offset = ir.IntType(64)
            pixels = []
            for k in range(PRODUCTS):
                pixel = listed(context, builder, signature.args[0], table, offset(k), channel, short)
                pixels.append(read(builder, pixel, offset(0)))
                if k % TILE >= TILE - ANSWERS:  # the others are this tile's as well
                    call_for(builder, builder.gep(pixel, [ahead]), near=3)
            square = [pixels[k : k + TILE] for k in range(0, PRODUCTS, TILE)]
            start = place(context, builder, signature.args[3], out, at)
            found = both_ways(before_products, square, vector_plus(builder))
            for k, vector in enumerate(vector for row in found for vector in row):
                store(builder, vector, start, builder.mul(step, offset(k)))
            return context.get_dummy_value()

        return types.void(table, _OFFSET, _OFFSET, out, _OFFSET, _OFFSET), build

    return spread


def _gathers(short: bool) -> Any:
    read, write = (load_short, store_short) if short else (load, store)

    @intrinsic
    def gather(_: Any, products: Any, at: Any, bias: Any, channel: Any, lowest: Any, table: Any, first: Any) -> Any:
        """Write the 4×4 answers of a tile, of a vector of channels, for its 36 products.

        Products are WIDTH numbers apart, from ``at`` on. ``table`` holds, from ``first`` on, the addresses of 16 pixels
        that answers are written to, and then of 16 pixels that are added to them first. No answer is below ``lowest``.
        """

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            products, at, bias, channel, lowest, table, first = args
            offset = ir.IntType(64)
            start = place(context, builder, kinds[0], products, at)
            vectors = [load(builder, start, offset(k * WIDTH)) for k in range(PRODUCTS)]
            square = [vectors[k : k + TILE] for k in range(0, PRODUCTS, TILE)]
            shift = load(builder, place(context, builder, kinds[2], bias, channel), offset(0))
            bound = repeated(builder, lowest)
            answers = both_ways(after_products, square, vector_plus(builder))
            for k, answer in enumerate(answer for row in answers for answer in row):
                spots = [
                    listed(context, builder, kinds[5], table, builder.add(first, offset(k + part)), channel, short)
                    for part in (0, ANSWERS * ANSWERS)
                ]
                total = builder.fadd(builder.fadd(answer, shift), read(builder, spots[1], offset(0)))
                bounded = builder.select(builder.fcmp_ordered("<", total, bound), bound, total)
                write(builder, bounded, spots[0], offset(0))
            return context.get_dummy_value()

        return types.void(products, _OFFSET, bias, _OFFSET, types.float32, table, _OFFSET), build

    return gather


spread_tile, spread_short_tile = _spreads(short=False), _spreads(short=True)
gather_tile, gather_short_tile = _gathers(short=False), _gathers(short=True)
