"""Arithmetic that stays as narrow as its numbers.

Numba adds whole numbers in 64 bits. The compiler takes most of them back to 16, but not where a sum is used twice and
it sees that the sum would fit: four times the registers, and four times the time. Called from kernels, on two numbers
of one type; whole numbers wrap around.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from sightline.core.lanes import intrinsic


@intrinsic
def plus(_: Any, a: Any, b: Any) -> Any:
    """Return a + b in the type of both."""
    return _narrow(a, b, "add", "fadd")


@intrinsic
def minus(_: Any, a: Any, b: Any) -> Any:
    """Return a - b in the type of both."""
    return _narrow(a, b, "sub", "fsub")


@intrinsic
def upper_half(_: Any, a: Any, b: Any) -> Any:
    """Return a · b / 2¹⁶ rounded down, all uint16."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        product = builder.mul(*(builder.zext(value, ir.IntType(32)) for value in args))
        return builder.trunc(builder.lshr(product, ir.IntType(32)(16)), ir.IntType(16))

    return types.uint16(types.uint16, types.uint16), build


@intrinsic
def shifted(_: Any, a: Any, bits: Any) -> Any:
    """Return a / 2^bits rounded down, all uint16; ``bits`` < 16."""
    return types.uint16(types.uint16, types.uint16), lambda _, builder, __, args: builder.lshr(*args)


def _narrow(a: Any, b: Any, whole: str, real: str) -> Any:
    if a != b:
        return None
    name = real if isinstance(a, types.Float) else whole
    return a(a, a), lambda _, builder, __, args: getattr(builder, name)(*args)
