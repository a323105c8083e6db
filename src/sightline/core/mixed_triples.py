"""Eight new pixels of a picture in red, green and blue at once: each between four old ones, anywhere along a line.

All that a new pixel needs of one row is two neighbours, six bytes, and comes with one load. From there on numbers are
whole and 16 bits wide: levels in 128ths, shares in 32768ths. Where to load is computed beside it, in the registers that
arithmetic on vectors leaves free. Called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from sightline.core.vectors import LANES, call, intrinsic, pointer, repeated

PLACES = 32  # binary, of a position
_BYTE, _SHORT, _WORD, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_HALF = LANES // 2
_SHORTS = LANES * _HALF  # two neighbours of four pixels, and two bytes more each
_PAIR = types.UniTuple(types.int64, 2)


@intrinsic
def mix_triples(_: Any, image: Any, pitch: Any, start: Any, step: Any, out: Any, to: Any) -> Any:
    """Write eight pixels to ``out`` from byte ``to`` on: the bilinear means of ``image`` at eight positions.

    Parameters
    ----------
    image
        Flat uint8, three bytes a pixel, rows of ``pitch`` bytes.
    start, step
        Pairs (x, y) in 2⁻³² pixels: the first position and the way to the next. There must be two whole pixels to the
        right of each position, and one below.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        image, pitch, *places, out, to = args
        (x, y), (dx, dy) = ([builder.extract_value(pair, axis) for axis in (0, 1)] for pair in places)
        first = pointer(context, builder, signature.args[0], image, _LONG(0))
        fx, fy = (_shares(builder, *axis) for axis in ((x, dx), (y, dy)))
        upper, lower = [], []
        for _ in range(LANES):
            column, row = (builder.lshr(place, _LONG(PLACES)) for place in (x, y))
            offset = builder.add(builder.mul(row, pitch), builder.mul(column, _LONG(3)))
            upper.append(builder.gep(first, [offset]))
            lower.append(builder.gep(upper[-1], [pitch]))
            x, y = builder.add(x, dx), builder.add(y, dy)
        halves = []
        for k in range(0, LANES, _HALF):
            rows = [_neighbours(builder, row[k : k + _HALF]) for row in (upper, lower)]
            shares = [_picked(builder, f, f, [k + n // LANES for n in range(_SHORTS)]) for f in (fx, fy)]
            halves.append(_mixed(context, builder, *rows, *shares))
        order = [LANES * pixel + channel for pixel in range(LANES) for channel in range(3)]
        levels = builder.trunc(_picked(builder, halves[0], halves[1], order), ir.VectorType(_BYTE, 3 * LANES))
        place = pointer(context, builder, signature.args[4], out, to)
        builder.store(levels, builder.bitcast(place, levels.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(image, types.int64, _PAIR, _PAIR, out, types.int64), build


def _shares(builder: Any, start: Any, step: Any) -> Any:
    """Return the fractions of eight positions as int16, in 32768ths."""
    words = ir.VectorType(_WORD, LANES)
    start, step = (repeated(builder, builder.trunc(value, _WORD)) for value in (start, step))
    places = builder.add(start, builder.mul(step, ir.Constant(words, list(range(LANES)))))  # whole pixels fall away
    return builder.trunc(builder.lshr(places, _all(words, PLACES - 15)), ir.VectorType(_SHORT, LANES))


def _neighbours(builder: Any, places: Any) -> Any:
    """Return the eight bytes at four places each, as int16."""
    words = ir.Constant(ir.VectorType(_LONG, _HALF), ir.Undefined)
    for lane, place in enumerate(places):
        word = builder.load(builder.bitcast(place, _LONG.as_pointer()), align=1)
        words = builder.insert_element(words, word, _WORD(lane))
    octets = builder.bitcast(words, ir.VectorType(_BYTE, _SHORTS))
    return builder.zext(octets, ir.VectorType(_SHORT, _SHORTS))


def _mixed(context: Any, builder: Any, upper: Any, lower: Any, fx: Any, fy: Any) -> Any:
    """Return the levels of four pixels, each the first three of eight."""
    kind = upper.type
    upper, lower = (builder.shl(value, _all(kind, 7)) for value in (upper, lower))
    row = _between(context, builder, upper, lower, fy)
    right = _picked(builder, row, row, [k // LANES * LANES + (k + 3) % LANES for k in range(_SHORTS)])
    level = _between(context, builder, row, right, fx)
    return builder.lshr(builder.add(level, _all(kind, 64)), _all(kind, 7))


def _between(context: Any, builder: Any, a: Any, b: Any, share: Any) -> Any:
    """Return a + (b - a) · share of int16, the product rounded to a whole number."""
    step, known = builder.sub(b, a), context.codegen().magic_tuple()[2].split(",")  # what the processor can do
    if "+avx512bw" in known:  # one instruction, which the compiler does not find by itself
        product = call(builder, "llvm.x86.avx512.pmul.hr.sw.512", [step, share])
    elif "+avx2" in known:
        sides = [[_picked(builder, v, v, range(k, k + 16)) for v in (step, share)] for k in (0, 16)]
        first, last = (call(builder, "llvm.x86.avx2.pmul.hr.sw", side) for side in sides)
        product = _picked(builder, first, last, range(_SHORTS))
    else:
        wide = ir.VectorType(_WORD, _SHORTS)
        product = builder.mul(*(builder.sext(value, wide) for value in (step, share)))
        product = builder.trunc(builder.ashr(builder.add(product, _all(wide, 1 << 14)), _all(wide, 15)), a.type)
    return builder.add(a, product)


def _picked(builder: Any, a: Any, b: Any, order: Any) -> Any:
    order = list(order)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_WORD, len(order)), order))


def _all(kind: Any, value: int) -> Any:
    return ir.Constant(kind, [value] * kind.count)
