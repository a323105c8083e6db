"""Weighted sums of pixels that lie close together: sixteen bytes are read at once and put in order in a register.

Resampling a row, neighbouring results take their pixels from nearly the same place. One load and one look-up within
the register fetch what eight of them need; loading pixel by pixel would cost an instruction for each. Offsets are not
checked. Everything here is called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

from sightline.core.vectors import FLOATS, INTS, LANES

WINDOW = 16  # bytes
SUMS = 8  # of pairs of bytes
_OFFSET = types.int64
_OCTET, _SHORT, _LONG = ir.IntType(8), ir.IntType(16), ir.IntType(32)
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def weigh_windows(
    _: Any, octets: Any, at: Any, step: Any, count: Any, order: Any, weights: Any, group: Any, line: Any, to: Any
) -> Any:
    """Write eight weighted sums of bytes to the int16 array ``line`` from ``to`` on, in 1/128 and less 128.

    ``count`` windows of the flat uint8 array ``octets`` are read, the first at ``at`` and ``step`` apart. Row ``group``
    of ``order`` (n×16 uint8, < 16) names eight pairs of bytes, the same in each window; row ``group`` of ``weights``
    (n×16·count int16) their weights, window by window, where 16384 is one.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, step, count, _, _, group, _, to = args
        places = [make_array(signature.args[k])(context, builder, args[k]).data for k in (0, 4, 5, 7)]
        first = builder.mul(group, ir.IntType(64)(WINDOW))
        wanted = _load(builder, places[1], first, WINDOW)
        less = ir.Constant(ir.VectorType(_LONG, SUMS), [-128 * 16384] * SUMS)
        total = cgutils.alloca_once_value(builder, less)
        with cgutils.for_range(builder, count) as loop:
            window = _load(builder, places[0], builder.add(at, builder.mul(loop.index, step)), WINDOW)
            pairs = builder.zext(_looked_up(context, builder, window, wanted), ir.VectorType(_SHORT, WINDOW))
            place = builder.add(builder.mul(first, count), builder.mul(loop.index, ir.IntType(64)(WINDOW)))
            sums = _sums_of_products(context, builder, pairs, _load(builder, places[2], place, WINDOW))
            builder.store(builder.add(builder.load(total), sums), total)
        sums = builder.ashr(builder.load(total), ir.Constant(ir.VectorType(_LONG, SUMS), [7] * SUMS))
        result = builder.trunc(sums, ir.VectorType(_SHORT, SUMS))
        builder.store(result, builder.bitcast(builder.gep(places[3], [to]), result.type.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(octets, *[_OFFSET] * 3, order, weights, _OFFSET, line, _OFFSET), build


@intrinsic
def level_of_two(_: Any, a: Any, b: Any, s: Any, t: Any) -> Any:
    """Return the uint8 nearest to a · s + b · t of sums of :func:`weigh_windows`; weights are int16, 32767 is one."""
    return types.uint8(*[types.int16] * 4), lambda _, builder, __, args: _level(builder, args[:2], args[2:], 6)


@intrinsic
def level_of_four(_: Any, a: Any, b: Any, c: Any, d: Any, s: Any, t: Any, u: Any, v: Any) -> Any:
    """Return the uint8 nearest to a · s + b · t + c · u + d · v, clipped; weights are int16, 16384 is one."""
    return types.uint8(*[types.int16] * 8), lambda _, builder, __, args: _level(builder, args[:4], args[4:], 5)


@intrinsic
def mean_of_fours(_: Any, octets: Any, at: Any, below: Any, out: Any, to: Any) -> Any:
    """Write the rounded means of sixteen squares of four bytes to the flat uint8 array ``out`` from ``to`` on.

    The upper halves of the squares are 32 bytes of ``octets`` from ``at`` on, the lower ones those from ``below`` on.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octets, at, below, out, to = args
        place = make_array(signature.args[0])(context, builder, octets).data
        sums = [_sums_of_pairs(context, builder, _load(builder, place, offset, 2 * WINDOW)) for offset in (at, below)]
        two = ir.Constant(sums[0].type, [2] * WINDOW)
        means = builder.lshr(builder.add(builder.add(*sums), two), two)
        means = builder.trunc(means, ir.VectorType(_OCTET, WINDOW))
        place = builder.gep(make_array(signature.args[3])(context, builder, out).data, [to])
        builder.store(means, builder.bitcast(place, means.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(octets, _OFFSET, _OFFSET, out, _OFFSET), build


@intrinsic
def picked(_: Any, lower: Any, upper: Any, order: Any) -> Any:
    """Return the float32 of two vectors that a vector of int32 names: 0–7 in ``lower``, 8–15 in ``upper``."""

    def build(context: Any, builder: Any, _: Any, args: Any) -> Any:
        lower, upper, order = args
        if "+avx2" in features(context)[1]:
            parts = [_call(builder, "llvm.x86.avx2.permps", lower.type, [part, order]) for part in (lower, upper)]
            limit = ir.Constant(order.type, [LANES] * LANES)
            return builder.select(builder.icmp_signed("<", order, limit), *parts)
        both = builder.shuffle_vector(
            lower, upper, ir.Constant(ir.VectorType(_LONG, 2 * LANES), list(range(2 * LANES)))
        )
        result = ir.Constant(lower.type, ir.Undefined)
        for lane in range(LANES):
            value = builder.extract_element(both, builder.extract_element(order, _LONG(lane)))
            result = builder.insert_element(result, value, _LONG(lane))
        return result

    return FLOATS(FLOATS, FLOATS, INTS), build


@intrinsic
def plus(_: Any, a: Any, b: Any) -> Any:
    """Return the sum of two vectors of float32 that are rounded already: no product in them is summed unrounded."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.fadd(*args, flags=("arcp",))  # with a flag of its own, it gets none of the kernel's

    return FLOATS(FLOATS, FLOATS), build


def _level(builder: Any, sums: Any, weights: Any, places: int) -> Any:
    """Add the upper halves of the products and round ``places`` binary places away."""
    # In 16 bits throughout: written as Python's sums, the compiler would widen them all. A product is rounded down.
    total = _SHORT((1 << (places - 1)) + len(sums) // 2 + (128 << places))
    for a, b in zip(sums, weights, strict=True):
        product = builder.mul(builder.sext(a, _LONG), builder.sext(b, _LONG))
        total = builder.add(total, builder.trunc(builder.lshr(product, _LONG(16)), _SHORT))
    level = builder.ashr(total, _SHORT(places))
    for sign, bound in (("<", 0), (">", 255)):
        level = builder.select(builder.icmp_signed(sign, level, _SHORT(bound)), _SHORT(bound), level)
    return builder.trunc(level, _OCTET)


def _load(builder: Any, place: Any, offset: Any, count: int) -> Any:
    kind = ir.VectorType(place.type.pointee, count)
    return builder.load(builder.bitcast(builder.gep(place, [offset]), kind.as_pointer()), align=1)


def features(context: Any) -> tuple[str, frozenset[str]]:
    """Return the kind of processor that code is made for, and what it can do."""
    triple, _, known = context.codegen().magic_tuple()
    return triple.partition("-")[0], frozenset(known.split(","))


def _looked_up(context: Any, builder: Any, window: Any, order: Any) -> Any:
    """Return the bytes of ``window`` that ``order`` names."""
    processor, known = features(context)
    name = ""
    if "+ssse3" in known:
        name = "llvm.x86.ssse3.pshuf.b.128"
    elif processor in ("aarch64", "arm64"):
        name = "llvm.aarch64.neon.tbl1.v16i8"
    if name:
        return _call(builder, name, window.type, [window, order])
    result = ir.Constant(window.type, ir.Undefined)
    for lane in range(WINDOW):
        index = builder.zext(builder.extract_element(order, _LONG(lane)), _LONG)
        result = builder.insert_element(result, builder.extract_element(window, index), _LONG(lane))
    return result


def _sums_of_products(context: Any, builder: Any, a: Any, b: Any) -> Any:
    """Return a₀·b₀ + a₁·b₁, a₂·b₂ + a₃·b₃ … in 32 bits."""
    long = ir.VectorType(_LONG, SUMS)
    if "+avx2" in features(context)[1]:  # one instruction, which the compiler does not find by itself
        return _call(builder, "llvm.x86.avx2.pmadd.wd", long, [a, b])
    products = []
    for parity in (0, 1):
        lanes = ir.Constant(ir.VectorType(_LONG, SUMS), list(range(parity, WINDOW, 2)))
        a_, b_ = (builder.sext(builder.shuffle_vector(x, x, lanes), long) for x in (a, b))
        products.append(builder.mul(a_, b_))
    return builder.add(*products)


def _sums_of_pairs(context: Any, builder: Any, octets: Any) -> Any:
    """Return b₀ + b₁, b₂ + b₃ … of 32 bytes in 16 bits."""
    short = ir.VectorType(_SHORT, WINDOW)
    if "+avx2" in features(context)[1]:  # one instruction, which the compiler does not find by itself
        return _call(builder, "llvm.x86.avx2.pmadd.ub.sw", short, [octets, ir.Constant(octets.type, [1] * 2 * WINDOW)])
    pairs = builder.bitcast(octets, short)  # the order of the two does not matter
    low, eight = ir.Constant(short, [255] * WINDOW), ir.Constant(short, [8] * WINDOW)
    return builder.add(builder.and_(pairs, low), builder.lshr(pairs, eight))


def _call(builder: Any, name: str, result: Any, args: list[Any]) -> Any:
    kind = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)
