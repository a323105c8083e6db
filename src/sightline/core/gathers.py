"""Neighbours of eight places at once, fetched from an image of bytes or float32, and eight results put back.

The places are int32 offsets ≥ 0 in ``at``, eight from number ``g`` on, and ``start`` is added to each. Nothing is
checked. Every place is read by a load of its own, several neighbours at a time: on most processors this is quicker than
their instructions for gathering, and it needs none. Everything here is called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import make_array

from sightline.core.vectors import FLOATS, LANES, intrinsic, pointer, repeated

_INDEX, _OCTET, _WORD, _LONG = types.int64, ir.IntType(8), ir.IntType(32), ir.IntType(64)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)


@intrinsic
def fetch_one(_: Any, image: Any, start: Any, at: Any, g: Any) -> Any:
    """Return the number at each of eight places, as float32."""
    return FLOATS(image, _INDEX, at, _INDEX), _fetch(1)


@intrinsic
def fetch_two(_: Any, image: Any, start: Any, at: Any, g: Any) -> Any:
    """Return the number at each of eight places and the one after it, as float32."""
    return types.UniTuple(FLOATS, 2)(image, _INDEX, at, _INDEX), _fetch(2)


@intrinsic
def fetch_four(_: Any, image: Any, start: Any, at: Any, g: Any) -> Any:
    """Return the number at each of eight places and the three after it, as float32."""
    return types.UniTuple(FLOATS, 4)(image, _INDEX, at, _INDEX), _fetch(4)


def _fetch(count: int) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        image, start, at, g = args
        kinds = signature.args
        first = pointer(context, builder, kinds[0], image, start)
        places = []
        for lane in range(LANES):
            offset = builder.load(pointer(context, builder, kinds[2], at, builder.add(g, _LONG(lane))))
            places.append(builder.gep(first, [builder.zext(offset, _LONG)]))
        parts = (_from_bytes if kinds[0].dtype == types.uint8 else _from_floats)(builder, places, count)
        return parts[0] if count == 1 else context.make_tuple(builder, signature.return_type, parts)

    return build


def _from_bytes(builder: Any, places: Any, count: int) -> Any:
    """Load the neighbours of a place as one word, and take the words apart."""
    kind = ir.IntType(8 * count)
    words = ir.Constant(ir.VectorType(kind, LANES), ir.Undefined)
    for lane, place in enumerate(places):
        word = builder.load(builder.bitcast(place, kind.as_pointer()), align=1)
        words = builder.insert_element(words, word, _WORD(lane))
    words = builder.zext(words, ir.VectorType(_WORD, LANES)) if count < 4 else words
    parts = []
    for k in range(count):
        part = builder.lshr(words, repeated(builder, _WORD(8 * k))) if k else words
        part = builder.and_(part, repeated(builder, _WORD(255))) if k < count - 1 else part
        parts.append(builder.sitofp(part, _FLOATS))
    return parts


def _from_floats(builder: Any, places: Any, count: int) -> Any:
    """Load the neighbours of a place together, then turn rows into columns."""
    kind = ir.FloatType() if count == 1 else ir.VectorType(ir.FloatType(), count)
    rows = [builder.load(builder.bitcast(place, kind.as_pointer()), align=4) for place in places]
    if count == 1:
        column = ir.Constant(_FLOATS, ir.Undefined)
        for lane, value in enumerate(rows):
            column = builder.insert_element(column, value, _WORD(lane))
        return [column]
    if count == 2:
        upper, lower = (_joined(builder, rows[k : k + 4]) for k in (0, 4))
        return [_shuffled(builder, upper, lower, range(k, 16, 2)) for k in range(2)]
    # Row k beside row k + 4: from here on both halves of a vector go the same way, which costs least.
    pairs = [_shuffled(builder, rows[k], rows[k + 4], range(8)) for k in range(4)]
    low = [_shuffled(builder, a, b, (0, 8, 1, 9, 4, 12, 5, 13)) for a, b in (pairs[:2], pairs[2:])]
    high = [_shuffled(builder, a, b, (2, 10, 3, 11, 6, 14, 7, 15)) for a, b in (pairs[:2], pairs[2:])]
    ends = (0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15)
    return [_shuffled(builder, a, b, end) for a, b in (low, high) for end in ends]


def _joined(builder: Any, parts: Any) -> Any:
    while len(parts) > 1:
        size = 2 * parts[0].type.count
        parts = [_shuffled(builder, a, b, range(size)) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _shuffled(builder: Any, a: Any, b: Any, lanes: Any) -> Any:
    lanes = list(lanes)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_WORD, len(lanes)), lanes))


@intrinsic
def copy_one(_: Any, source: Any, at: Any, g: Any, image: Any, to: Any) -> Any:
    """Copy the number at each of eight places to an image of the same kind from number ``to`` on."""
    return types.void(source, at, _INDEX, image, _INDEX), _copy(1)


@intrinsic
def copy_three(_: Any, source: Any, at: Any, g: Any, image: Any, to: Any) -> Any:
    """Copy the three numbers at each of eight places to an image of the same kind from number ``to`` on.

    The one after them is read as well.
    """
    return types.void(source, at, _INDEX, image, _INDEX), _copy(3)


def _copy(count: int) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, at, g, image, to = args
        kinds = signature.args
        numbers = make_array(kinds[0])(context, builder, source).data
        places = []
        for lane in range(LANES):
            offset = builder.load(pointer(context, builder, kinds[1], at, builder.add(g, _LONG(lane))))
            places.append(builder.gep(numbers, [builder.zext(offset, _LONG)]))
        there = pointer(context, builder, kinds[3], image, to)
        (_copy_singles if count == 1 else _copy_triples)(builder, places, there)
        return context.get_dummy_value()

    return build


def _copy_singles(builder: Any, places: Any, there: Any) -> None:
    """Eight numbers are written at once: there are more ways to read than to write."""
    numbers = ir.Constant(ir.VectorType(there.type.pointee, LANES), ir.Undefined)
    for lane, place in enumerate(places):
        numbers = builder.insert_element(numbers, builder.load(place), _WORD(lane))
    builder.store(numbers, builder.bitcast(there, numbers.type.as_pointer()), align=1)


def _copy_triples(builder: Any, places: Any, there: Any) -> None:
    """Four numbers are moved at a time, of which the next three overwrite the last; but for the last three."""
    octets = there.type.pointee == _OCTET
    four = (_WORD if octets else ir.VectorType(ir.FloatType(), 4)).as_pointer()
    two = ir.IntType(16 if octets else 64).as_pointer()
    *others, last = places
    for lane, place in enumerate(others):
        to = builder.bitcast(builder.gep(there, [_LONG(3 * lane)]), four)
        builder.store(builder.load(builder.bitcast(place, four), align=1), to, align=1)
    to = builder.gep(there, [_LONG(3 * LANES - 3)])
    builder.store(builder.load(builder.bitcast(last, two), align=1), builder.bitcast(to, two), align=1)
    builder.store(builder.load(builder.gep(last, [_LONG(2)])), builder.gep(to, [_LONG(2)]))


@intrinsic
def copy_same(_: Any, source: Any, count: Any, image: Any, to: Any) -> Any:
    """Copy the first 8 · ``count`` numbers of a flat array to an image of the same kind from number ``to`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, count, image, to = args
        kinds = signature.args
        eight = ir.VectorType(make_array(kinds[0])(context, builder, source).data.type.pointee, LANES).as_pointer()
        with cgutils.for_range(builder, count) as loop:
            step = builder.mul(loop.index, _LONG(LANES))
            here = pointer(context, builder, kinds[0], source, step)
            there = pointer(context, builder, kinds[2], image, builder.add(to, step))
            builder.store(builder.load(builder.bitcast(here, eight), align=1), builder.bitcast(there, eight), align=1)
        return context.get_dummy_value()

    return types.void(source, _INDEX, image, _INDEX), build


@intrinsic
def put_one(_: Any, vector: Any, image: Any, to: Any) -> Any:
    """Write eight float32 to an image from number ``to`` on; to bytes, rounded and clipped."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector, image, to = args
        values = _as_kind(builder, vector, signature.args[1])
        place = pointer(context, builder, signature.args[1], image, to)
        builder.store(values, builder.bitcast(place, values.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(vector, image, _INDEX), build


@intrinsic
def put_three(_: Any, a: Any, b: Any, c: Any, image: Any, to: Any) -> Any:
    """Write eight triples of float32 to an image from number ``to`` on; to bytes, rounded and clipped."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *planes, image, to = args
        a, b, c = (_as_kind(builder, plane, signature.args[3]) for plane in planes)
        both = _shuffled(builder, a, b, range(2 * LANES))
        last = _shuffled(builder, c, c, range(2 * LANES))
        values = _shuffled(builder, both, last, [k * LANES + lane for lane in range(LANES) for k in range(3)])
        place = pointer(context, builder, signature.args[3], image, to)
        builder.store(values, builder.bitcast(place, values.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(a, b, c, image, _INDEX), build


@intrinsic
def put_apart(_: Any, vector: Any, image: Any, to: Any, step: Any) -> Any:
    """Write eight float32 to an image, the first as number ``to``, the next ``step`` further on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector, image, to, step = args
        values = _as_kind(builder, vector, signature.args[1])
        for lane in range(LANES):
            place = pointer(context, builder, signature.args[1], image, to)
            builder.store(builder.extract_element(values, _WORD(lane)), place)
            to = builder.add(to, step)
        return context.get_dummy_value()

    return types.void(vector, image, _INDEX, _INDEX), build


def _as_kind(builder: Any, vector: Any, image: Any) -> Any:
    if image.dtype != types.uint8:
        return vector
    for sign, bound in (("<", 255.0), (">", 0.0)):
        bounds = repeated(builder, ir.FloatType()(bound))
        vector = builder.select(builder.fcmp_ordered(sign, vector, bounds), vector, bounds)
    rounded = builder.fptosi(builder.fadd(vector, repeated(builder, ir.FloatType()(0.5))), ir.VectorType(_WORD, LANES))
    return builder.trunc(rounded, ir.VectorType(_OCTET, LANES))
