"""Butterflies: the steps of a fast Fourier transform, for sixteen columns at once.

A number is a pair of floats in two planes of one flat float32 array: the real part at an offset, the imaginary part
``plane`` further on. Rows are sixteen numbers wide. Forward, each step halves or quarters what it works on (decimation
in frequency, Gentleman & Sande 1966, "Fast Fourier Transforms: for fun and profit"); backward, it is undone step by
step. In between, rows lie in the order that the forward steps leave them in, which does not matter for a product.
Offsets are not checked. Everything here is called from kernels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

from sightline.core.kernels import kernel

LANES = 16
_OFFSET = types.int64
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FUSE = ("contract",)  # a product and the sum that it goes into may be one instruction
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know
Complex = tuple[Any, Any]


def twiddles(rows: int) -> np.ndarray:
    """Return the factors of all steps of a transform of ``rows`` rows (a power of two), in the order of their use."""
    parts, size = [], rows
    if rows.bit_length() % 2 == 0:  # an odd power
        size = rows // 2
        parts.append(np.exp(-2j * math.pi * np.arange(size) / rows)[:, None])
    while size > 1:
        turn = np.exp(-2j * math.pi * np.arange(size // 4) / size)
        parts.append(np.stack([turn, turn**2, turn**3], axis=1))
        size //= 4
    table = np.concatenate([part.ravel() for part in parts] or [np.zeros(1, complex)])
    return np.stack([table.real, table.imag], axis=1).ravel().astype(np.float32)


def frequencies(rows: int) -> np.ndarray:
    """Return which frequency each row holds after :func:`transform`."""
    if rows == 1:
        return np.zeros(1, np.int64)
    parts = 2 if rows.bit_length() % 2 == 0 else 4
    inner = parts * frequencies(rows // parts)
    return np.concatenate([part + inner for part in range(parts)])


@kernel
def transform(data, plane, rows, table):
    """Fourier transform sixteen columns of ``rows`` rows in place."""
    size, t = rows, 0
    if rows & 0x2AAAAAAAAAAAAAAA:
        size //= 2
        for j in range(size):
            halve(data, LANES * j, LANES * size, plane, table, 2 * j)
        t = 2 * size
    while size > 1:
        quarter = size // 4
        for j in range(quarter):
            for first in range(0, rows, size):
                quarter_forward(data, LANES * (first + j), LANES * quarter, plane, table, t + 6 * j)
        t += 6 * quarter
        size = quarter


@kernel
def transform_back(data, plane, rows, table):
    """Undo :func:`transform`, ``rows`` times too large."""
    t, size = table.size, 4
    if rows == 1:
        return
    top = rows // 2 if rows & 0x2AAAAAAAAAAAAAAA else rows
    while size <= top:
        quarter = size // 4
        t -= 6 * quarter
        for j in range(quarter):
            for first in range(0, rows, size):
                quarter_backward(data, LANES * (first + j), LANES * quarter, plane, table, t + 6 * j)
        size *= 4
    if top < rows:
        for j in range(top):
            join(data, LANES * j, LANES * top, plane, table, 2 * j)


def _signature(data: Any, table: Any) -> Any:
    return types.void(data, _OFFSET, _OFFSET, _OFFSET, table, _OFFSET)


@intrinsic
def quarter_forward(_: Any, data: Any, at: Any, step: Any, plane: Any, table: Any, t: Any) -> Any:
    """Make four rows, ``step`` apart, one row each of four transforms of a quarter of the size."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = _Rows(context, builder, signature, args)
        a, b, c, d = (rows.load(k) for k in range(4))
        even, odd = rows.sum(a, c), rows.difference(a, c)
        other, turned = rows.sum(b, d), rows.quarter_turn(rows.difference(b, d))
        rows.store(0, rows.sum(even, other))
        rows.store(1, rows.product(rows.difference(odd, turned), rows.factor(0)))
        rows.store(2, rows.product(rows.difference(even, other), rows.factor(1)))
        rows.store(3, rows.product(rows.sum(odd, turned), rows.factor(2)))
        return context.get_dummy_value()

    return _signature(data, table), build


@intrinsic
def quarter_backward(_: Any, data: Any, at: Any, step: Any, plane: Any, table: Any, t: Any) -> Any:
    """Undo :func:`quarter_forward`, four times too large."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = _Rows(context, builder, signature, args)
        a = rows.load(0)
        b, c, d = (rows.product(rows.load(k), rows.factor(k - 1, back=True)) for k in (1, 2, 3))
        even, other = rows.sum(a, c), rows.difference(a, c)
        odd, turned = rows.sum(b, d), rows.quarter_turn(rows.difference(b, d))
        rows.store(0, rows.sum(even, odd))
        rows.store(1, rows.sum(other, turned))
        rows.store(2, rows.difference(even, odd))
        rows.store(3, rows.difference(other, turned))
        return context.get_dummy_value()

    return _signature(data, table), build


@intrinsic
def halve(_: Any, data: Any, at: Any, step: Any, plane: Any, table: Any, t: Any) -> Any:
    """Make two rows, ``step`` apart, one row each of two transforms of half the size."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = _Rows(context, builder, signature, args)
        a, b = rows.load(0), rows.load(1)
        rows.store(0, rows.sum(a, b))
        rows.store(1, rows.product(rows.difference(a, b), rows.factor(0)))
        return context.get_dummy_value()

    return _signature(data, table), build


@intrinsic
def join(_: Any, data: Any, at: Any, step: Any, plane: Any, table: Any, t: Any) -> Any:
    """Undo :func:`halve`, twice too large."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = _Rows(context, builder, signature, args)
        a, b = rows.load(0), rows.product(rows.load(1), rows.factor(0, back=True))
        rows.store(0, rows.sum(a, b))
        rows.store(1, rows.difference(a, b))
        return context.get_dummy_value()

    return _signature(data, table), build


@intrinsic
def transpose_tile(_: Any, source: Any, at: Any, step: Any, to: Any, place: Any, stride: Any) -> Any:
    """Write 16 groups of 16 floats, ``step`` apart, as the columns of a tile whose rows are ``stride`` apart."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, at, step, to, place, stride = args
        kinds = signature.args[0], signature.args[3]
        rows = []
        for k in range(LANES):
            offset = builder.add(at, builder.mul(step, ir.IntType(64)(k)))
            rows.append(builder.load(_pointer(context, builder, kinds[0], source, offset), align=4))
        low = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [k // 2 + LANES * (k % 2) for k in range(LANES)])
        high = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [8 + k // 2 + LANES * (k % 2) for k in range(LANES)])
        for _round in range(4):  # four perfect shuffles
            pairs = list(zip(rows[:8], rows[8:], strict=True))
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in (low, high)]
        for k, row in enumerate(rows):
            offset = builder.add(place, builder.mul(stride, ir.IntType(64)(k)))
            builder.store(row, _pointer(context, builder, kinds[1], to, offset), align=4)
        return context.get_dummy_value()

    return types.void(source, _OFFSET, _OFFSET, to, _OFFSET, _OFFSET), build


@intrinsic
def move_groups(_: Any, source: Any, at: Any, step: Any, to: Any, place: Any, stride: Any, count: Any) -> Any:
    """Copy ``count`` groups of 16 floats, ``step`` apart, to groups that are ``stride`` apart."""
    return types.void(source, _OFFSET, _OFFSET, to, _OFFSET, _OFFSET, _OFFSET), _each_group(False)


@intrinsic
def add_groups(_: Any, source: Any, at: Any, step: Any, to: Any, place: Any, stride: Any, count: Any) -> Any:
    """Add ``count`` groups of 16 floats, ``step`` apart, to groups that are ``stride`` apart."""
    return types.void(source, _OFFSET, _OFFSET, to, _OFFSET, _OFFSET, _OFFSET), _each_group(True)


def _each_group(add: bool) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, at, step, to, place, stride, count = args
        with cgutils.for_range(builder, count) as loop:
            offset = builder.add(at, builder.mul(loop.index, step))
            group = builder.load(_pointer(context, builder, signature.args[0], source, offset), align=4)
            target = builder.add(place, builder.mul(loop.index, stride))
            target = _pointer(context, builder, signature.args[3], to, target)
            if add:
                group = builder.fadd(builder.load(target, align=4), group)
            builder.store(group, target, align=4)
        return context.get_dummy_value()

    return build


class _Rows:
    """The rows that a butterfly works on, while its instructions are written down."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.context, self.builder = context, builder
        self.kind, self.table_kind = signature.args[0], signature.args[4]
        self.data, self.at, self.step, self.plane, self.table, self.t = args

    def _places(self, k: int) -> tuple[Any, Any]:
        real = self.builder.add(self.at, self.builder.mul(self.step, ir.IntType(64)(k)))
        offsets = real, self.builder.add(real, self.plane)
        real, imaginary = (_pointer(self.context, self.builder, self.kind, self.data, offset) for offset in offsets)
        return real, imaginary

    def load(self, k: int) -> Complex:
        real, imaginary = self._places(k)
        return self.builder.load(real, align=4), self.builder.load(imaginary, align=4)

    def store(self, k: int, value: Complex) -> None:
        for part, place in zip(value, self._places(k), strict=True):
            self.builder.store(part, place, align=4)

    def factor(self, k: int, back: bool = False) -> Complex:
        """Return factor ``k`` in all lanes; its conjugate for the way back."""
        start = make_array(self.table_kind)(self.context, self.builder, self.table).data
        parts = []
        for offset in (2 * k, 2 * k + 1):
            place = self.builder.gep(start, [self.builder.add(self.t, ir.IntType(64)(offset))])
            number = self.builder.load(place)
            if back and offset % 2:
                number = self.builder.fneg(number)
            one = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.IntType(32)(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            parts.append(self.builder.shuffle_vector(one, one, zeros))
        return parts[0], parts[1]

    def sum(self, a: Complex, b: Complex) -> Complex:
        return self.builder.fadd(a[0], b[0], flags=_FUSE), self.builder.fadd(a[1], b[1], flags=_FUSE)

    def difference(self, a: Complex, b: Complex) -> Complex:
        return self.builder.fsub(a[0], b[0], flags=_FUSE), self.builder.fsub(a[1], b[1], flags=_FUSE)

    def product(self, a: Complex, b: Complex) -> Complex:
        times = lambda p, q: self.builder.fmul(p, q, flags=_FUSE)
        real = self.builder.fsub(times(a[0], b[0]), times(a[1], b[1]), flags=_FUSE)
        return real, self.builder.fadd(times(a[0], b[1]), times(a[1], b[0]), flags=_FUSE)

    def quarter_turn(self, a: Complex) -> Complex:
        """Return i·a."""
        return self.builder.fneg(a[1]), a[0]


def _pointer(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    data = builder.gep(make_array(kind)(context, builder, array).data, [offset])
    return builder.bitcast(data, _VECTOR.as_pointer())
