"""Rows of numbers by a matrix, and their neighbours by a filter: sums in registers, what follows done there as well.

Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3): the innermost kernel.
Here the left matrix lies in memory as it is, one pixel with all its channels after the other, and only the right one is
cut into panels: a map of few pixels is read too seldom for a copy to pay.

All functions take addresses of float32, and distances in numbers; nothing is checked. What is called short reads the
panel, or windows, of bfloat16.

What follows a sum t is one formula with five numbers, *scale*, *shift*, *low*, *high* and *gates*: u = scale·t + shift,
not below *low* and not above *high*; then u·t where *gates* is 1, or u where it is 0. NaN stays NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from sightline.nn.matrix_panels import (
    FUSE,
    LANES,
    VECTOR,
    call_for,
    intrinsic,
    load,
    load_short,
    repeated,
    store,
    store_short,
)

# Of rows that are multiplied at once. There are registers for the sums of 14, but not for so many rows' addresses.
COUNTS = (1, 2, 4, 7, 10) if LANES == 16 else (1, 2, 3, 4, 5, 6)
PIXELS = 7  # neighbours that a filter is applied to at once, or one
_WINDOW = 3  # pixels a side of the windows that are usual
_AHEAD = 2048  # numbers of a panel, from what is read to what is asked for
_UNROLLED = 4  # columns of the left matrix in one turn of the loop
_OFFSET = types.int64
_PAIR = types.UniTuple(_OFFSET, 2)
_WORD = ir.IntType(64)
_FLOATS, _HALVES = ir.FloatType().as_pointer(), ir.IntType(16).as_pointer()


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _FLOATS)


def _moved(builder: Any, pointer: Any, apart: Any, times: Any) -> Any:
    """Return IR for the pointer ``times`` distances further on."""
    count = _WORD(times) if isinstance(times, int) else times
    return builder.gep(pointer, [builder.mul(apart, count)])


def _formula(builder: Any, address: Any) -> list[Any]:
    pointer = _pointer(builder, address)
    return [repeated(builder, builder.load(builder.gep(pointer, [_WORD(k)]))) for k in range(5)]


def _applied(builder: Any, formula: list[Any], total: Any) -> Any:
    """Return IR for what follows a sum."""
    scale, shift, low, high, gates = formula
    bent = builder.fadd(builder.fmul(scale, total, flags=FUSE), shift, flags=FUSE)
    bent = builder.select(builder.fcmp_ordered("<", bent, low), low, bent)
    bent = builder.select(builder.fcmp_ordered(">", bent, high), high, bent)
    gated = builder.fcmp_ordered(">", gates, ir.Constant(VECTOR, [0.0] * LANES))
    return builder.select(gated, builder.fmul(bent, total), bent)


def _cleared(builder: Any, count: int) -> list[Any]:
    sums = [cgutils.alloca_once(builder, VECTOR) for _ in range(count)]
    for total in sums:
        builder.store(ir.Constant(VECTOR, [0.0] * LANES), total)
    return sums


def _choose(builder: Any, number: Any, cases: dict[int, Any]) -> None:
    """Emit code for each number there may be."""
    after = builder.append_basic_block("after")
    choice = builder.switch(number, after)
    for count, emit in cases.items():
        case = builder.append_basic_block(f"count{count}")
        choice.add_case(_WORD(count), case)
        builder.position_at_end(case)
        emit(count)
        builder.branch(after)
    builder.position_at_end(after)


def _multiplies(short: bool) -> Any:
    read, kind = (load_short, _HALVES) if short else (load, _FLOATS)

    @intrinsic
    def multiply(
        _: Any, rows: Any, left: Any, panel: Any, bias: Any, second: Any, added: Any, y: Any, formula: Any
    ) -> Any:
        """Write rows by a panel of two vectors of columns, with a bias and what is added, and what follows.

        ``rows`` is one of :data:`COUNTS`. ``left`` is (x, apart, lines, line_apart, depth): row r is ``lines`` parts of
        ``depth`` numbers, ``line_apart`` apart, from ``x + r·apart`` on. The panel has as many rows of 2·LANES numbers.
        The second vector of columns lies ``second`` numbers after the first, in ``bias``, what is added and ``y``; they
        may overlap. ``added`` and ``y`` are the address of the first row and how far the rows are apart.
        """

        def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
            x, apart, lines, line_apart, depth = cgutils.unpack_tuple(builder, args[1])
            (added, added_apart), (y, y_apart) = (cgutils.unpack_tuple(builder, args[k]) for k in (5, 6))
            x, bias, added, y = (_pointer(builder, address) for address in (x, args[3], added, y))
            panel = builder.inttoptr(args[2], kind)

            def emit(count: int) -> None:
                sums = _cleared(builder, 2 * count)
                with cgutils.for_range(builder, lines) as line:
                    right = _moved(builder, panel, builder.mul(depth, _WORD(2 * LANES)), line.index)
                    starts = [_moved(builder, x, apart, r) for r in range(count)]
                    starts = [_moved(builder, start, line_apart, line.index) for start in starts]
                    _multiply_columns(builder, starts, depth, partial(_read_ahead, builder, read, right), sums)
                beside = [_moved(builder, added, added_apart, r) for r in range(count)]
                out = [_moved(builder, y, y_apart, r) for r in range(count)]
                for half, column in enumerate((_WORD(0), args[4])):
                    _finish(builder, sums[half::2], load(builder, bias, column), beside, out, column, args[7])

            _choose(builder, args[0], dict.fromkeys(COUNTS, emit))
            return context.get_dummy_value()

        kinds = _OFFSET, types.UniTuple(_OFFSET, 5), _OFFSET, _OFFSET, _OFFSET, _PAIR, _PAIR, _OFFSET
        return types.void(*kinds), build

    return multiply


def _read_ahead(builder: Any, read: Any, pointer: Any, offset: Any) -> Any:
    """Return IR for a vector, and ask for one that is needed soon: processors look ahead in a page of memory only."""
    call_for(builder, builder.gep(pointer, [builder.add(offset, _WORD(_AHEAD))]))
    return read(builder, pointer, offset)


def _multiply_columns(builder: Any, starts: list[Any], depth: Any, right: Callable[[Any], Any], sums: Any) -> None:
    """Emit what the columns of the left matrix add to the sums."""
    turns = builder.udiv(depth, _WORD(_UNROLLED))
    with cgutils.for_range(builder, turns) as turn:
        first = builder.mul(turn.index, _WORD(_UNROLLED))
        for k in range(_UNROLLED):
            _multiply_column(builder, starts, builder.add(first, _WORD(k)), right, sums)
    done = builder.mul(turns, _WORD(_UNROLLED))
    with cgutils.for_range(builder, builder.sub(depth, done)) as rest:
        _multiply_column(builder, starts, builder.add(done, rest.index), right, sums)


def _multiply_column(builder: Any, starts: list[Any], column: Any, right: Callable[[Any], Any], sums: Any) -> None:
    """Emit what one column of the left matrix adds to the sums."""
    at = builder.mul(column, _WORD(2 * LANES))
    vectors = [right(builder.add(at, _WORD(half * LANES))) for half in range(2)]
    for r, start in enumerate(starts):
        number = repeated(builder, builder.load(builder.gep(start, [column])))
        for total, vector in zip(sums[2 * r : 2 * r + 2], vectors, strict=True):
            product = builder.fmul(number, vector, flags=FUSE)
            builder.store(builder.fadd(builder.load(total), product, flags=FUSE), total)


def _finish(
    builder: Any, sums: list[Any], shift: Any, beside: list[Any], out: list[Any], column: Any, formula: Any
) -> None:
    """Emit what is added to sums, and what follows, and write them."""
    follows = _formula(builder, formula)
    for total, other, target in zip(sums, beside, out, strict=True):
        answer = builder.fadd(builder.fadd(builder.load(total), shift), load(builder, other, column))
        store(builder, _applied(builder, follows, answer), target, column)


multiply_rows, multiply_short_rows = _multiplies(short=False), _multiplies(short=True)


@intrinsic
def filter_pixels(_: Any, pixels: Any, windows: Any, side: Any, weights: Any, bias: Any, y: Any, formula: Any) -> Any:
    """Write what a filter of ``side``² places makes of some neighbours, for a vector of channels.

    ``pixels`` is 1 or :data:`PIXELS`. ``windows`` is (x, apart, line_apart): the window of the p-th begins at
    ``x + p·apart``, its lines are ``line_apart`` and its places LANES numbers apart. ``weights`` and ``y`` are the
    address of the first place or pixel and how far they are apart.
    """

    def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
        x, apart, line_apart = cgutils.unpack_tuple(builder, args[1])
        (weights, weight_apart), (y, y_apart) = (cgutils.unpack_tuple(builder, args[k]) for k in (3, 5))
        x, weights, bias, y = (_pointer(builder, address) for address in (x, weights, args[4], y))

        def emit(count: int) -> None:
            sums = _cleared(builder, count)
            starts = [_moved(builder, x, apart, p) for p in range(count)]
            with cgutils.for_range(builder, args[2]) as line, cgutils.for_range(builder, args[2]) as place:
                at = builder.add(builder.mul(line.index, args[2]), place.index)
                weight = load(builder, weights, builder.mul(at, weight_apart))
                offset = builder.mul(line.index, line_apart)
                offset = builder.add(offset, builder.mul(place.index, _WORD(LANES)))
                for total, start in zip(sums, starts, strict=True):
                    product = builder.fmul(load(builder, start, offset), weight, flags=FUSE)
                    builder.store(builder.fadd(builder.load(total), product, flags=FUSE), total)
            follows, shift = _formula(builder, args[6]), load(builder, bias, _WORD(0))
            for p, total in enumerate(sums):
                answer = _applied(builder, follows, builder.fadd(builder.load(total), shift))
                store(builder, answer, _moved(builder, y, y_apart, p), _WORD(0))

        _choose(builder, args[0], dict.fromkeys((1, PIXELS), emit))
        return context.get_dummy_value()

    kinds = _OFFSET, types.UniTuple(_OFFSET, 3), _OFFSET, _PAIR, _OFFSET, _PAIR, _OFFSET
    return types.void(*kinds), build


@intrinsic
def average_vectors(_: Any, x: Any, apart: Any, count: Any, y: Any) -> Any:
    """Write the mean of ``count`` vectors that lie ``apart``."""

    def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
        x, y = _pointer(builder, args[0]), _pointer(builder, args[3])
        (total,) = _cleared(builder, 1)
        with cgutils.for_range(builder, args[2]) as turn:
            vector = load(builder, x, builder.mul(turn.index, args[1]))
            builder.store(builder.fadd(builder.load(total), vector), total)
        count = builder.sitofp(args[2], ir.FloatType())
        store(builder, builder.fdiv(builder.load(total), repeated(builder, count)), y, _WORD(0))
        return context.get_dummy_value()

    return types.void(*[_OFFSET] * 4), build


def _largests(short: bool) -> Any:
    read, write, kind = (load_short, store_short, _HALVES) if short else (load, store, _FLOATS)

    @intrinsic
    def largest(_: Any, x: Any, high: Any, line_apart: Any, wide: Any, apart: Any, y: Any) -> Any:
        """Write the largest numbers of ``high`` × ``wide`` vectors, NaN where one of them is."""

        def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
            x, y = builder.inttoptr(args[0], kind), builder.inttoptr(args[5], kind)
            high, line_apart, wide, apart = args[1:5]

            def at(line: Any, place: Any) -> Any:
                offset = builder.add(builder.mul(line, line_apart), builder.mul(place, apart))
                return read(builder, x, offset)

            usual = [builder.icmp_signed("==", number, _WORD(_WINDOW)) for number in (high, wide)]
            with builder.if_else(builder.and_(*usual)) as (known, other):
                with known:
                    vectors = [at(_WORD(k // _WINDOW), _WORD(k % _WINDOW)) for k in range(_WINDOW**2)]
                    write(builder, _largest_of(builder, vectors), y, _WORD(0))
                with other:
                    most = cgutils.alloca_once(builder, VECTOR)
                    builder.store(at(_WORD(0), _WORD(0)), most)
                    with cgutils.for_range(builder, high) as line, cgutils.for_range(builder, wide) as place:
                        pair = [builder.load(most), at(line.index, place.index)]
                        builder.store(_largest_of(builder, pair), most)
                    write(builder, builder.load(most), y, _WORD(0))
            return context.get_dummy_value()

        return types.void(*[_OFFSET] * 6), build

    return largest


def _largest_of(builder: Any, vectors: list[Any]) -> Any:
    """Return IR for the largest numbers of vectors, NaN where one of them is."""
    most, unknown = vectors[0], []
    for vector in vectors[1:]:
        most = builder.select(builder.fcmp_ordered(">", most, vector), most, vector)
    for k in range(0, len(vectors), 2):
        unknown.append(builder.fcmp_unordered("uno", vectors[k], vectors[min(k + 1, len(vectors) - 1)]))
    none = ir.Constant(VECTOR, [float("nan")] * LANES)
    return builder.select(reduce(builder.or_, unknown), none, most)


largest_vector, largest_short_vector = _largests(short=False), _largests(short=True)


@intrinsic
def scale_vectors(_: Any, x: Any, scale: Any, count: Any, y: Any) -> Any:
    """Write ``count`` numbers times as many others, in vectors; the last one overlaps the one before."""

    def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
        x, scale, y = (_pointer(builder, args[k]) for k in (0, 1, 3))
        last = builder.sub(args[2], _WORD(LANES))
        turns = builder.udiv(builder.add(args[2], _WORD(LANES - 1)), _WORD(LANES))
        with cgutils.for_range(builder, turns) as turn:
            next_ = builder.mul(turn.index, _WORD(LANES))
            at = builder.select(builder.icmp_signed("<", next_, last), next_, last)
            store(builder, builder.fmul(load(builder, x, at), load(builder, scale, at)), y, at)
        return context.get_dummy_value()

    return types.void(*[_OFFSET] * 4), build


@intrinsic
def copy_vector(_: Any, x: Any, y: Any) -> Any:
    """Write a vector to another place; zeros where ``x`` is 0."""

    def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
        y = _pointer(builder, args[1])
        with builder.if_else(builder.icmp_signed("!=", args[0], _WORD(0))) as (given, none):
            with given:
                store(builder, load(builder, _pointer(builder, args[0]), _WORD(0)), y, _WORD(0))
            with none:
                store(builder, ir.Constant(VECTOR, [0.0] * LANES), y, _WORD(0))
        return context.get_dummy_value()

    return types.void(_OFFSET, _OFFSET), build


@intrinsic
def copy_bytes(_: Any, x: Any, y: Any, count: Any) -> Any:
    """Write ``count`` bytes to another place, which does not overlap."""

    def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
        x, y = (builder.inttoptr(args[k], ir.IntType(8).as_pointer()) for k in (0, 1))
        cgutils.raw_memcpy(builder, y, x, args[2], 1)
        return context.get_dummy_value()

    return types.void(*[_OFFSET] * 3), build
