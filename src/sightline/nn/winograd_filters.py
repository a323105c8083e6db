"""What Winograd's convolution does to filters while they learn: to 36 numbers that are multiplied, and back.

Winograd 1980, "Arithmetic Complexity of Computations"; Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", CVPR (arXiv 1509.09308). Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A is linear in the filter g, and its gradient is the
transposed map of the answers' gradient dY: dg = Gᵀ[(A dY Aᵀ) ⊙ (Bᵀ d B)]G, summed over tiles. So 36 products of
matrices find it, filters × tiles by tiles × channels, where a direct sum takes four times the multiplications.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from sightline.nn.matrix_panels import FUSE, LANES, VECTOR, WIDTH, intrinsic, load, place, repeated, store
from sightline.nn.winograd_tiles import ANSWERS, POINTS, PRODUCTS, TILE, Plus, both_ways, listed, vector_plus

SIDE = 3  # pixels of a filter
TAPS = SIDE * SIDE
SUMMED = 8 if LANES == 16 else 4  # rows of filters whose sums are in registers at once; LANES is a multiple
_ONE = Fraction(1)
_OFFSET = types.int64


def _scale(point: Fraction, other: Fraction) -> Fraction:
    """Return what the value of a filter's polynomial at ±point is multiplied by."""
    return 1 / (2 * point * point * (point * point - other * other))


def spread_line(g: list[Any], plus: Plus) -> list[Any]:
    """Return six numbers to be multiplied for a filter of three: G g."""
    p, q = POINTS
    found = [plus(1 / (p * p * q * q), g[0], None)]
    for point, other in ((p, q), (q, p)):
        scale = _scale(point, other)
        even = plus(scale * point * point, g[2], plus(scale, g[0], None))
        odd = plus(scale * point, g[1], None)
        found += [plus(_ONE, odd, even), plus(-_ONE, odd, even)]
    return [*found, g[2]]


def gather_line(m: list[Any], plus: Plus) -> list[Any]:
    """Return the gradient of a filter of three for those of its six numbers: Gᵀ m."""
    p, q = POINTS
    first, last, middle = plus(1 / (p * p * q * q), m[0], None), m[5], None
    for point, other, at in ((p, q, 1), (q, p, 3)):
        scale = _scale(point, other)
        even, odd = plus(_ONE, m[at + 1], m[at]), plus(-_ONE, m[at + 1], m[at])
        first, last = plus(scale, even, first), plus(scale * point * point, even, last)
        middle = plus(scale * point, odd, middle)
    return [first, middle, last]


def answers_line(y: list[Any], plus: Plus) -> list[Any]:
    """Return the gradients of six products for those of four neighbouring answers: A y."""
    found = [y[0]]
    for point in POINTS:
        even, odd = plus(point * point, y[2], y[0]), plus(point**3, y[3], plus(point, y[1], None))
        found += [plus(_ONE, odd, even), plus(-_ONE, odd, even)]
    return [*found, y[3]]


def _squared(vectors: list[Any], side: int) -> list[list[Any]]:
    return [vectors[k : k + side] for k in range(0, side * side, side)]


@intrinsic
def spread_answers(_: Any, table: Any, channel: Any, out: Any, at: Any, step: Any) -> Any:
    """Write the 36 vectors of the gradient of a tile's answers, ``step`` numbers apart, from ``at`` on.

    ``table`` begins with the addresses of the tile's 16 pixels, whose channels from ``channel`` on are read.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, channel, out, at, step = args
        offset = ir.IntType(64)
        pixels = [
            load(builder, listed(context, builder, signature.args[0], table, offset(k), channel), offset(0))
            for k in range(ANSWERS * ANSWERS)
        ]
        start = place(context, builder, signature.args[2], out, at)
        found = both_ways(answers_line, _squared(pixels, ANSWERS), vector_plus(builder))
        for k, vector in enumerate(vector for row in found for vector in row):
            store(builder, vector, start, builder.mul(step, offset(k)))
        return context.get_dummy_value()

    return types.void(table, _OFFSET, out, _OFFSET, _OFFSET), build


def _spreads(turned: bool) -> Any:
    @intrinsic
    def spread(_: Any, filters: Any, first: Any, apart: Any, out: Any, at: Any, step: Any) -> Any:
        """Write the 36 vectors of a vector of filters, ``step`` numbers apart, from ``at`` on.

        Their nine taps lie ``apart`` numbers apart, from ``first`` on.
        """

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            filters, first, apart, out, at, step = args
            offset = ir.IntType(64)
            source = place(context, builder, signature.args[0], filters, first)
            taps = [load(builder, source, builder.mul(apart, offset(k))) for k in range(TAPS)]
            start = place(context, builder, signature.args[3], out, at)
            square = _squared(taps[::-1] if turned else taps, SIDE)
            found = both_ways(spread_line, square, vector_plus(builder))
            for k, vector in enumerate(vector for row in found for vector in row):
                store(builder, vector, start, builder.mul(step, offset(k)))
            return context.get_dummy_value()

        return types.void(filters, _OFFSET, _OFFSET, out, _OFFSET, _OFFSET), build

    return spread


spread_filter, spread_turned_filter = _spreads(turned=False), _spreads(turned=True)


@intrinsic
def gather_filter(_: Any, products: Any, at: Any, step: Any, out: Any, first: Any, apart: Any) -> Any:
    """Write the nine taps of a vector of filters, ``apart`` numbers apart from ``first`` on, for 36 sums.

    Sums are ``step`` numbers apart, from ``at`` on.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        products, at, step, out, first, apart = args
        offset = ir.IntType(64)
        source = place(context, builder, signature.args[0], products, at)
        vectors = [load(builder, source, builder.mul(step, offset(k))) for k in range(PRODUCTS)]
        start = place(context, builder, signature.args[3], out, first)
        taps = both_ways(gather_line, _squared(vectors, TILE), vector_plus(builder))
        for k, vector in enumerate(vector for row in taps for vector in row):
            store(builder, vector, start, builder.mul(apart, offset(k)))
        return context.get_dummy_value()

    return types.void(products, _OFFSET, _OFFSET, out, _OFFSET, _OFFSET), build


@intrinsic
def transpose_square(_: Any, source: Any, at: Any, apart: Any, out: Any, first: Any) -> Any:
    """Write LANES rows of LANES numbers, ``apart`` numbers apart from ``at`` on, as columns from ``first`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, at, apart, out, first = args
        offset = ir.IntType(64)
        start = place(context, builder, signature.args[0], source, at)
        rows = [load(builder, start, builder.mul(apart, offset(k))) for k in range(LANES)]
        block = LANES // 2
        while block:  # squares of this side change places with those at the other side of the diagonal
            rows = [_exchanged(builder, rows, k, block) for k in range(LANES)]
            block //= 2
        target = place(context, builder, signature.args[3], out, first)
        for k, row in enumerate(rows):
            store(builder, row, target, offset(k * LANES))
        return context.get_dummy_value()

    return types.void(source, _OFFSET, _OFFSET, out, _OFFSET), build


def _exchanged(builder: Any, rows: list[Any], k: int, block: int) -> Any:
    """Return IR for a row whose blocks off the diagonal are those of the row ``block`` below or above."""
    upper = k & block == 0
    lanes = []
    for lane in range(LANES):
        if upper:
            lanes.append(lane if lane & block == 0 else LANES + lane - block)
        else:
            lanes.append(lane + block if lane & block == 0 else LANES + lane)
    first, second = (rows[k], rows[k + block]) if upper else (rows[k - block], rows[k])
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes))


@intrinsic
def sum_products(_: Any, left: Any, a: Any, right: Any, b: Any, depth: Any, out: Any, c: Any, adds: Any) -> Any:
    """Write Σ leftᵀ·right over ``depth`` rows, or add it to what is there where ``adds`` is 1.

    A row of ``left`` has LANES numbers, of which SUMMED are read from number ``a`` of the first one on; one of
    ``right``, from ``b`` on, has WIDTH, and so have the SUMMED rows of ``out`` from ``c`` on.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        start, other, target = (place(context, builder, kinds[k], args[k], args[k + 1]) for k in (0, 2, 5))
        offset = ir.IntType(64)
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        sums = [cgutils.alloca_once(builder, VECTOR) for _ in range(2 * SUMMED)]
        for total in sums:
            builder.store(zero, total)
        with cgutils.for_range(builder, args[4]) as row:
            numbers = builder.gep(start, [builder.mul(row.index, offset(LANES))])
            from_here = builder.mul(row.index, offset(WIDTH))
            vectors = [load(builder, other, builder.add(from_here, offset(half * LANES))) for half in range(2)]
            for r in range(SUMMED):
                number = repeated(builder, builder.load(builder.gep(numbers, [offset(r)])))
                for total, vector in zip(sums[2 * r : 2 * r + 2], vectors, strict=True):
                    product = builder.fmul(number, vector, flags=FUSE)
                    builder.store(builder.fadd(builder.load(total), product, flags=FUSE), total)
        with builder.if_then(builder.icmp_signed("!=", args[7], offset(0))):
            for k, total in enumerate(sums):
                known = load(builder, target, offset(k * LANES))
                builder.store(builder.fadd(known, builder.load(total)), total)
        for k, total in enumerate(sums):
            store(builder, builder.load(total), target, offset(k * LANES))
        return context.get_dummy_value()

    return types.void(left, _OFFSET, right, _OFFSET, _OFFSET, out, _OFFSET, _OFFSET), build
