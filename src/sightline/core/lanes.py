"""Sixteen numbers at once: the few vector operations that the compiler does not find in a loop of sixteen by itself.

A *group* is sixteen neighbours in a flat contiguous array; it is named by the offset of its first number. Offsets are
not checked. Everything here is called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

LANES = 16
_OFFSET = types.int64
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def add_groups(_: Any, sums: Any, at: Any, groups: Any, first: Any, count: Any, step: Any) -> Any:
    """Add ``count`` uint8 groups, the first at ``first`` and ``step`` apart, to the uint16 group of ``sums``."""
    return types.void(sums, _OFFSET, groups, *[_OFFSET] * 3), _accumulate("add")


@intrinsic
def subtract_groups(_: Any, sums: Any, at: Any, groups: Any, first: Any, count: Any, step: Any) -> Any:
    """Take ``count`` uint8 groups, the first at ``first`` and ``step`` apart, from the uint16 group of ``sums``."""
    return types.void(sums, _OFFSET, groups, *[_OFFSET] * 3), _accumulate("sub")


@intrinsic
def replace_group(_: Any, sums: Any, at: Any, groups: Any, gained: Any, lost: Any) -> Any:
    """Add the group at ``gained`` to that of ``sums`` and take the one at ``lost`` away; all uint8."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, at, groups, gained, lost = args
        total = _load(context, builder, signature.args[0], sums, at)
        total = builder.add(total, _load(context, builder, signature.args[2], groups, gained))
        total = builder.sub(total, _load(context, builder, signature.args[2], groups, lost))
        _store(context, builder, signature.args[0], sums, at, total)
        return context.get_dummy_value()

    return types.void(sums, _OFFSET, groups, _OFFSET, _OFFSET), build


@intrinsic
def count_up_to(_: Any, numbers: Any, at: Any, bound: Any) -> Any:
    """Return how many numbers of a uint16 group are ≤ ``bound``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers, at, bound = args
        bounds = ir.Constant(_lanes(16), ir.Undefined)
        for lane in range(LANES):
            bounds = builder.insert_element(bounds, builder.trunc(bound, ir.IntType(16)), ir.IntType(32)(lane))
        low = builder.icmp_unsigned("<=", _load(context, builder, signature.args[0], numbers, at), bounds)
        return builder.zext(builder.ctpop(builder.bitcast(low, ir.IntType(LANES))), ir.IntType(64))

    return types.int64(numbers, _OFFSET, _OFFSET), build


def _accumulate(operation: str) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, at, groups, first, count, step = args
        # A variable of its own, which stays in a register: written to `sums`, it would be stored and loaded each time.
        total = cgutils.alloca_once_value(builder, _load(context, builder, signature.args[0], sums, at))
        with cgutils.for_range(builder, count) as loop:
            offset = builder.add(first, builder.mul(loop.index, step))
            group = builder.zext(_load(context, builder, signature.args[2], groups, offset), _lanes(16))
            builder.store(getattr(builder, operation)(builder.load(total), group), total)
        _store(context, builder, signature.args[0], sums, at, builder.load(total))
        return context.get_dummy_value()

    return build


def _lanes(bits: int) -> Any:
    return ir.VectorType(ir.IntType(bits), LANES)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    data = builder.gep(make_array(kind)(context, builder, array).data, [offset])
    return builder.bitcast(data, _lanes(kind.dtype.bitwidth).as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    return builder.load(_pointer(context, builder, kind, array, offset), align=kind.dtype.bitwidth // 8)


def _store(context: Any, builder: Any, kind: Any, array: Any, offset: Any, value: Any) -> None:
    builder.store(value, _pointer(context, builder, kind, array, offset), align=kind.dtype.bitwidth // 8)


# --- words at any byte: a gather fetches several neighbours of a pixel at once ---


@intrinsic
def word_32(_: Any, octets: Any, at: Any) -> Any:
    """Return the four bytes of a flat uint8 array from offset ``at`` on as one uint32, the first one lowest."""
    return types.uint32(octets, at), _word(32)


@intrinsic
def word_64(_: Any, octets: Any, at: Any) -> Any:
    """Return the eight bytes of a flat uint8 array from offset ``at`` on as one uint64, the first one lowest."""
    return types.uint64(octets, at), _word(64)


def _word(bits: int) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octets, at = args
        offset = builder.zext(at, ir.IntType(64)) if signature.args[1].bitwidth < 64 else at
        data = builder.gep(make_array(signature.args[0])(context, builder, octets).data, [offset])
        return builder.load(builder.bitcast(data, ir.IntType(bits).as_pointer()), align=1)

    return build


@intrinsic
def prefetch(_: Any, array: Any, at: Any) -> Any:
    """Ask for the cache line that holds number ``at`` of a flat array, without waiting for it."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, at = args
        offset = builder.zext(at, ir.IntType(64)) if signature.args[1].bitwidth < 64 else at
        data = builder.gep(make_array(signature.args[0])(context, builder, array).data, [offset])
        ask_for(builder, data)
        return context.get_dummy_value()

    return types.void(array, at), build


def ask_for(builder: Any, place: Any) -> None:
    """Build the asking for the cache line that an address lies in."""
    pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(function, [builder.bitcast(place, pointer), number(0), number(3), number(1)])  # read, keep, data


# --- pixels of three channels ---

_PIXELS = 32  # of bytes, as many as one instruction moves


@intrinsic
def part_pixels(_: Any, row: Any, at: Any, a: Any, b: Any, c: Any, to: Any) -> Any:
    """Deal 32 triples of a flat array, from number ``at`` on, out to ``a``, ``b`` and ``c`` from ``to`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, at, *planes, to = args
        triples = builder.load(_wide(context, builder, signature.args[0], row, at, 3 * _PIXELS), align=1)
        for k, (kind, plane) in enumerate(zip(signature.args[2:5], planes, strict=True)):
            part = builder.shuffle_vector(triples, triples, _order(range(k, 3 * _PIXELS, 3)))
            builder.store(part, _wide(context, builder, kind, plane, to, _PIXELS), align=1)
        return context.get_dummy_value()

    return types.void(row, _OFFSET, a, b, c, _OFFSET), build


@intrinsic
def weave_pixels(_: Any, a: Any, b: Any, c: Any, at: Any, row: Any, to: Any) -> Any:
    """Join 32 numbers each of ``a``, ``b`` and ``c``, from ``at`` on, to triples of a flat array from ``to`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *planes, at, row, to = args
        parts = [
            builder.load(_wide(context, builder, kind, plane, at, _PIXELS), align=1)
            for kind, plane in zip(signature.args[:3], planes, strict=True)
        ]
        first = builder.shuffle_vector(parts[0], parts[1], _order(range(2 * _PIXELS)))
        last = builder.shuffle_vector(parts[2], parts[2], _order(range(2 * _PIXELS)))
        triples = _order(k * _PIXELS + i for i in range(_PIXELS) for k in range(3))
        target = _wide(context, builder, signature.args[4], row, to, 3 * _PIXELS)
        builder.store(builder.shuffle_vector(first, last, triples), target, align=1)
        return context.get_dummy_value()

    return types.void(a, b, c, _OFFSET, row, _OFFSET), build


def _wide(context: Any, builder: Any, kind: Any, array: Any, offset: Any, count: int) -> Any:
    data = builder.gep(make_array(kind)(context, builder, array).data, [offset])
    return builder.bitcast(data, ir.VectorType(ir.IntType(kind.dtype.bitwidth), count).as_pointer())


def _order(lanes: Any) -> Any:
    lanes = list(lanes)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)


# --- products of sixteen bits: Python's numbers would be widened to 64, which costs four times the registers ---

_SHORT, _LONG = ir.IntType(16), ir.IntType(32)


@intrinsic
def upper_product(_: Any, a: Any, b: Any) -> Any:
    """Return a · b / 2¹⁶ rounded down, all int16."""
    return types.int16(types.int16, types.int16), lambda _, builder, __, args: _upper(builder, *args)


@intrinsic
def rounded_product(_: Any, a: Any, b: Any) -> Any:
    """Return a · b / 2¹⁶ rounded to nearest, all int16."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.add(_upper(builder, *args), builder.lshr(builder.mul(*args), _SHORT(15)))

    return types.int16(types.int16, types.int16), build


@intrinsic
def rounded_products(_: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return (a · b + c · d) / 2¹⁶ rounded to nearest, all int16; ``a`` and ``c`` must be multiples of 4."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        pairs = args[:2], args[2:]
        # The lower halves end in two zeros: without them, both and the half fit 16 bits.
        first, second = (builder.lshr(builder.mul(*pair), _SHORT(2)) for pair in pairs)
        carry = builder.lshr(builder.add(builder.add(first, second), _SHORT(1 << 13)), _SHORT(14))
        return builder.add(builder.add(*(_upper(builder, *pair) for pair in pairs)), carry)

    return types.int16(*[types.int16] * 4), build


def _upper(builder: Any, a: Any, b: Any) -> Any:
    product = builder.mul(builder.sext(a, _LONG), builder.sext(b, _LONG))
    return builder.trunc(builder.lshr(product, _LONG(16)), _SHORT)


@intrinsic
def put_word_32(_: Any, octets: Any, at: Any, word: Any) -> Any:
    """Write a uint32 to the four bytes of a flat uint8 array from offset ``at`` on, its lowest byte first."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octets, at, word = args
        data = builder.gep(make_array(signature.args[0])(context, builder, octets).data, [at])
        builder.store(word, builder.bitcast(data, ir.IntType(32).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(octets, _OFFSET, types.uint32), build


@intrinsic
def copy_64(_: Any, source: Any, at: Any, target: Any, to: Any) -> Any:
    """Copy 64 bytes between two flat arrays of one type, from number ``at`` of ``source`` to ``to`` of ``target``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, at, target, to = args
        octets = ir.VectorType(ir.IntType(8), 64).as_pointer()
        begin = builder.gep(make_array(signature.args[0])(context, builder, source).data, [at])
        end = builder.gep(make_array(signature.args[2])(context, builder, target).data, [to])
        builder.store(builder.load(builder.bitcast(begin, octets), align=1), builder.bitcast(end, octets), align=1)
        return context.get_dummy_value()

    return types.void(source, _OFFSET, target, _OFFSET), build


@intrinsic
def copy_four(_: Any, source: Any, at: Any, target: Any, to: Any) -> Any:
    """Copy four numbers between flat arrays of one type, from ``at`` of ``source`` on to ``to`` of ``target``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, at, target, to = args
        four = builder.load(_wide(context, builder, signature.args[0], source, at, 4), align=1)
        builder.store(four, _wide(context, builder, signature.args[2], target, to, 4), align=1)
        return context.get_dummy_value()

    return types.void(source, _OFFSET, target, _OFFSET), build


# --- weighted neighbours ---


@intrinsic
def weigh_four(_: Any, row: Any, at: Any, step: Any, weights: Any, first: Any, count: Any, sums: Any, to: Any) -> Any:
    """Add up ``count`` groups of four of a flat row, times a weight each, in the group of ``sums`` at ``to``.

    All are float32. The first group is at ``at``, the next ``step`` further; the weights are neighbours from ``first``.
    """
    four = ir.VectorType(ir.FloatType(), 4)
    contract = ("contract",)

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, at, step, weights, first, count, sums, to = args
        numbers = make_array(signature.args[0])(context, builder, row).data
        factors = make_array(signature.args[3])(context, builder, weights).data
        total = cgutils.alloca_once_value(builder, ir.Constant(four, [0.0] * 4))
        with cgutils.for_range(builder, count) as loop:
            place = builder.gep(numbers, [builder.add(at, builder.mul(loop.index, step))])
            values = builder.load(builder.bitcast(place, four.as_pointer()), align=4)
            factor = builder.load(builder.gep(factors, [builder.add(first, loop.index)]))
            product = builder.fmul(values, _four_times(builder, factor, four), flags=contract)
            builder.store(builder.fadd(builder.load(total), product, flags=contract), total)
        place = builder.gep(make_array(signature.args[6])(context, builder, sums).data, [to])
        builder.store(builder.load(total), builder.bitcast(place, four.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(row, *[_OFFSET] * 2, weights, *[_OFFSET] * 2, sums, _OFFSET), build


def _four_times(builder: Any, value: Any, four: Any) -> Any:
    single = builder.insert_element(ir.Constant(four, ir.Undefined), value, _LONG(0))
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(_LONG, 4), [0] * 4))
