"""Weighted sums of neighbours, many at once: a sum stays in a register until its last weight.

A compiler that finds such a sum in a loop of many weights writes it to memory and reads it again every few of them.
Numbers are float32 of flat contiguous arrays; offsets are not checked. Everything here is called from kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

from sightline.core.windows import features

PAIR = 32  # sums that weigh_pair makes of each of two
ALONE = 64  # sums that weigh_alone makes
ROW = 64  # sums that weigh_crosses and weigh_squares make at least of each of two
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know
_OFFSET, _LONG = types.int64, ir.IntType(64)
_CONTRACT = ("contract",)
_LINE = 64  # bytes in a line of the cache


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


def _weigh_rows(counts: tuple[int, int, int]) -> Any:
    """Return :func:`weigh_pair` for a whole row, with as many weights of ``a`` alone, of both and of ``b`` alone."""

    @intrinsic
    def weigh(_: Any, numbers: Any, places: Any, upper: Any, lower: Any, a: Any, b: Any, low: Any, high: Any) -> Any:
        kind = _KINDS.get((numbers.dtype, upper.dtype))
        if kind is None:
            return None

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            numbers, places, upper, lower, a, b = (
                make_array(signature.args[k])(context, builder, args[k]).data for k in range(6)
            )
            starts, weights = _taps(builder, counts, numbers, places, (upper, lower), kind)
            with _blocks(builder, a, (args[6], args[7]), kind.block.count) as at:
                totals = [ir.Constant(kind.block, [kind.zero] * kind.block.count)] * 2
                for k, start in enumerate(starts):
                    values = kind.load(builder, builder.gep(start, [at]))
                    for row in (0, 1):
                        if k in weights[row]:
                            totals[row] = kind.add(builder, totals[row], values, weights[row][k])
                for total, row in zip(totals, (a, b), strict=True):
                    kind.store(builder, total, builder.gep(row, [at]))
            return context.get_dummy_value()

        return types.void(numbers, places, upper, lower, a, b, _OFFSET, _OFFSET), build

    return weigh


class _Floats:
    """Float32, whose weights are float32."""

    block, zero = ir.VectorType(ir.FloatType(), PAIR), 0.0

    def load(self, builder: Any, place: Any) -> Any:
        return builder.load(builder.bitcast(place, self.block.as_pointer()), align=4)

    def add(self, builder: Any, total: Any, values: Any, weight: Any) -> Any:
        return builder.fadd(total, builder.fmul(values, weight, flags=_CONTRACT), flags=_CONTRACT)

    def store(self, builder: Any, total: Any, place: Any) -> None:
        builder.store(total, builder.bitcast(place, self.block.as_pointer()), align=4)


class _Bytes:
    """Bytes, whose weights are int16; sums are clipped to 0–255."""

    block, zero = ir.VectorType(ir.IntType(16), ROW), 0
    _narrow = ir.VectorType(ir.IntType(8), ROW)

    def load(self, builder: Any, place: Any) -> Any:
        return builder.zext(builder.load(builder.bitcast(place, self._narrow.as_pointer()), align=1), self.block)

    def add(self, builder: Any, total: Any, values: Any, weight: Any) -> Any:
        return builder.add(total, builder.mul(values, weight))

    def store(self, builder: Any, total: Any, place: Any) -> None:
        for sign, bound in ((">", 0), ("<", 255)):
            bounds = ir.Constant(self.block, [bound] * self.block.count)
            total = builder.select(builder.icmp_signed(sign, total, bounds), total, bounds)
        builder.store(builder.trunc(total, self._narrow), builder.bitcast(place, self._narrow.as_pointer()), align=1)


class _WeighedBytes(_Floats):
    """Bytes, whose weights are float32; sums are clipped to 0–255 and rounded."""

    _narrow, _wide = ir.VectorType(ir.IntType(8), PAIR), ir.VectorType(ir.IntType(32), PAIR)

    def load(self, builder: Any, place: Any) -> Any:
        octets = builder.load(builder.bitcast(place, self._narrow.as_pointer()), align=1)
        return builder.sitofp(builder.zext(octets, self._wide), self.block)

    def store(self, builder: Any, total: Any, place: Any) -> None:
        for sign, bound in ((">", 0.0), ("<", 255.0)):
            bounds = ir.Constant(self.block, [bound] * PAIR)
            total = builder.select(builder.fcmp_ordered(sign, total, bounds), total, bounds)
        rounded = builder.fptosi(builder.fadd(total, ir.Constant(self.block, [0.5] * PAIR)), self._wide)
        builder.store(builder.trunc(rounded, self._narrow), builder.bitcast(place, self._narrow.as_pointer()), align=1)


_KINDS = {
    (types.float32, types.float32): _Floats(),
    (types.uint8, types.int16): _Bytes(),
    (types.uint8, types.float32): _WeighedBytes(),
}


def _taps(
    builder: Any, counts: tuple[int, int, int], numbers: Any, places: Any, tables: Any, kind: Any
) -> tuple[Any, Any]:
    """Return where each tap's numbers begin, and the weights of both rows by tap."""
    starts = [builder.gep(numbers, [builder.load(builder.gep(places, [_LONG(k)]))]) for k in range(sum(counts))]
    above, below = range(counts[0] + counts[1]), range(counts[0], sum(counts))
    weights = [
        {k: _repeated(builder, builder.load(builder.gep(table, [_LONG(k)])), kind.block) for k in taps}
        for table, taps in zip(tables, (above, below), strict=True)
    ]
    return starts, weights


@contextmanager
def _blocks(builder: Any, row: Any, ends: tuple[Any, Any], step: int) -> Iterator[Any]:
    """Go from one end to the other in blocks of ``step``, of which the first and the last may lie over others."""
    # Vectors that lie across two lines of the cache take twice as long to write: only the first and last may.
    low, high = ends
    size = row.type.pointee.width // 8 if isinstance(row.type.pointee, ir.IntType) else 4
    number = builder.udiv(builder.ptrtoint(builder.gep(row, [low]), _LONG), _LONG(size))
    begin = builder.sub(low, builder.urem(number, _LONG(_LINE // size)))
    last = builder.sub(high, _LONG(step))
    with cgutils.for_range_slice(builder, begin, high, _LONG(step), _LONG) as (x, _):
        at = builder.select(builder.icmp_signed("<", x, last), x, last)
        yield builder.select(builder.icmp_signed(">", at, low), at, low)


# Windows of three rows, of which two lie one above the other. With as many weights as the compiler is told, a sum goes
# from weight to weight without a loop. They write the sums from number ``low`` to ``high``, at least ROW, of a and b.
weigh_crosses = _weigh_rows((3, 2, 3))  # the pixel and those beside and above it
weigh_squares = _weigh_rows((3, 6, 3))


@intrinsic
def weigh_mirrored(
    _: Any, numbers: Any, at: Any, left: Any, right: Any, weights: Any, extra: Any, sums: Any, to: Any
) -> Any:
    """Write 64 neighbouring sums to ``sums`` from ``to`` on, in which each weight but the first counts for two numbers.

    A sum is that of ``weights[0] · numbers[at + left[0]]``, ``extra`` and, over all k above 0, of
    ``weights[k] · (numbers[at + left[k]] + numbers[at + right[k]])``. Numbers may be bytes or uint16, too.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers, left, right, weights, sums = (
            make_array(signature.args[k])(context, builder, args[k]) for k in (0, 2, 3, 4, 6)
        )
        # A register for each part of a block, one for what is added to it, and some to spare.
        width = ALONE if "+avx512f" in features(context)[1] else PAIR
        block, count = ir.VectorType(ir.FloatType(), width), cgutils.unpack_tuple(builder, weights.shape)[0]
        for part in range(0, ALONE, width):
            start = builder.gep(numbers.data, [builder.add(args[1], _LONG(part))])
            first = _repeated(builder, builder.load(weights.data), block)
            product = builder.fmul(_widened(builder, start, left.data, _LONG(0), block), first)
            total = cgutils.alloca_once_value(builder, builder.fadd(product, _repeated(builder, args[5], block)))
            with cgutils.for_range_slice(builder, _LONG(1), count, _LONG(1), _LONG) as (k, _):
                sides = (_widened(builder, start, places.data, k, block) for places in (left, right))
                _add(builder, total, builder.fadd(*sides), weights.data, k)
            _store(builder, total, builder.gep(sums.data, [builder.add(args[7], _LONG(part))]))
        return context.get_dummy_value()

    return types.void(numbers, _OFFSET, left, right, weights, types.float32, sums, _OFFSET), build


def _widened(builder: Any, start: Any, places: Any, k: Any, block: Any) -> Any:
    """Return neighbours as float32."""
    kind = start.type.pointee
    if kind == block.element:
        return _at(builder, start, places, k, block)
    values = _at(builder, start, places, k, ir.VectorType(kind, block.count), kind.width // 8)
    return builder.sitofp(builder.zext(values, ir.VectorType(ir.IntType(32), block.count)), block)


def _at(builder: Any, start: Any, places: Any, k: Any, block: Any, align: int = 4) -> Any:
    place = builder.gep(start, [builder.load(builder.gep(places, [k]))])
    return builder.load(builder.bitcast(place, block.as_pointer()), align=align)


def _add(builder: Any, total: Any, values: Any, weights: Any, k: Any) -> None:
    weight = builder.load(builder.gep(weights, [k]))
    product = builder.fmul(values, _repeated(builder, weight, values.type), flags=_CONTRACT)
    builder.store(builder.fadd(builder.load(total), product, flags=_CONTRACT), total)


def _repeated(builder: Any, weight: Any, block: Any) -> Any:
    single = builder.insert_element(ir.Constant(block, ir.Undefined), weight, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), block.count), [0] * block.count)
    return builder.shuffle_vector(single, single, order)


def _store(builder: Any, total: Any, place: Any) -> None:
    value = builder.load(total)
    builder.store(value, builder.bitcast(place, value.type.as_pointer()), align=4)
