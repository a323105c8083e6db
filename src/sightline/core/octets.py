"""Thirty-two bytes as one value in a kernel: the lesser, the greater and the difference of each pair, in one step each.

Arrays of uint8 are contiguous; offsets into them are not checked.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core.datamodel import models

from sightline.core.vectors import call, intrinsic, pointer

WIDE = 32
_KIND = ir.VectorType(ir.IntType(8), WIDE)


class Octets(types.Type):
    """The type of thirty-two uint8."""

    def __init__(self) -> None:
        super().__init__(name="Octets")


OCTETS = Octets()


@extending.register_model(Octets)
class _OctetsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, octets: Octets) -> None:
        super().__init__(manager, octets, _KIND)


@intrinsic
def octets(_: Any, array: Any, at: Any) -> Any:
    """Return thirty-two neighbours of a uint8 array, from number ``at`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[0], *args)
        return builder.load(builder.bitcast(place, _KIND.as_pointer()), align=1)

    return OCTETS(array, types.int64), build


@intrinsic
def put_octets(_: Any, values: Any, array: Any, at: Any) -> Any:
    """Write thirty-two bytes to a uint8 array, from number ``at`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[1], *args[1:])
        builder.store(args[0], builder.bitcast(place, _KIND.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(values, array, types.int64), build


def _of_two(name: str) -> Any:
    return OCTETS(OCTETS, OCTETS), lambda _, builder, __, args: call(builder, f"llvm.{name}.v{WIDE}i8", args)


@intrinsic
def less(_: Any, a: Any, b: Any) -> Any:
    """Return the lesser of each pair."""
    return _of_two("umin")


@intrinsic
def more(_: Any, a: Any, b: Any) -> Any:
    """Return the greater of each pair."""
    return _of_two("umax")


@intrinsic
def beyond(_: Any, a: Any, b: Any) -> Any:
    """Return by how much each of ``a`` is greater than its partner in ``b``, 0 where it is not."""
    return _of_two("usub.sat")


@intrinsic
def where_above(_: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where it is greater than its partner in ``b``, else 0."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.select(builder.icmp_unsigned(">", *args), args[0], ir.Constant(_KIND, None))

    return OCTETS(OCTETS, OCTETS), build


@intrinsic
def thirty_two_times(_: Any, value: Any) -> Any:
    """Return a byte as thirty-two of them."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        single = builder.insert_element(ir.Constant(_KIND, ir.Undefined), args[0], ir.IntType(32)(0))
        return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), WIDE), [0] * WIDE))

    return OCTETS(types.uint8), build


@intrinsic
def are_zero(_: Any, values: Any) -> Any:
    """Return whether all thirty-two are 0."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        bits = builder.bitcast(builder.icmp_unsigned("!=", args[0], ir.Constant(_KIND, None)), ir.IntType(WIDE))
        return builder.icmp_unsigned("==", bits, ir.IntType(WIDE)(0))

    return types.boolean(OCTETS), build
