"""Sums of differences that slide over a picture: thirty-two neighbours, what comes and what goes, without a loop.

Offsets into arrays, which are flat and contiguous, are not checked; sums are uint16 and wrap around. Everything here is
called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from sightline.core.octets import WIDE
from sightline.core.vectors import call, intrinsic, pointer

GROUP = WIDE  # sums
_OCTETS, _SUMS = ir.VectorType(ir.IntType(8), GROUP), ir.VectorType(ir.IntType(16), GROUP)
_OFFSET = types.int64


@intrinsic
def exchange_differences(
    _: Any, sums: Any, at: Any, new: Any, gained: Any, from_: Any, old: Any, lost: Any, until: Any
) -> Any:
    """Add |new - gained[from_:]| to the group of ``sums`` at ``at``, and take |old - lost[until:]| away; all uint8."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, at, new, gained, from_, old, lost, until = args
        kinds = signature.args
        place = _place(builder, pointer(context, builder, kinds[0], sums, at), _SUMS)
        total = builder.load(place, align=2)
        total = builder.add(total, _differences(builder, new, pointer(context, builder, kinds[3], gained, from_)))
        total = builder.sub(total, _differences(builder, old, pointer(context, builder, kinds[6], lost, until)))
        builder.store(total, place, align=2)
        return context.get_dummy_value()

    octet = types.uint8
    return types.void(sums, _OFFSET, octet, gained, _OFFSET, octet, lost, _OFFSET), build


@intrinsic
def slide_group(_: Any, sums: Any, before: Any, after: Any, groups: Any, gained: Any, lost: Any) -> Any:
    """Write the group of ``sums`` at ``before``, plus that of ``groups`` at ``gained``, less ``lost``, to ``after``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, before, after, groups, gained, lost = args
        kinds = signature.args

        def place(array: Any, kind: Any, at: Any) -> Any:
            return _place(builder, pointer(context, builder, kind, array, at), _SUMS)

        total = builder.load(place(sums, kinds[0], before), align=2)
        total = builder.add(total, builder.load(place(groups, kinds[3], gained), align=2))
        total = builder.sub(total, builder.load(place(groups, kinds[3], lost), align=2))
        builder.store(total, place(sums, kinds[0], after), align=2)
        return context.get_dummy_value()

    return types.void(sums, _OFFSET, _OFFSET, groups, _OFFSET, _OFFSET), build


def _differences(builder: Any, value: Any, place: Any) -> Any:
    single = builder.insert_element(ir.Constant(_OCTETS, ir.Undefined), value, ir.IntType(32)(0))
    values = builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), GROUP), [0] * GROUP))
    others = builder.load(_place(builder, place, _OCTETS), align=1)
    sides = (call(builder, f"llvm.usub.sat.v{GROUP}i8", pair) for pair in ((values, others), (others, values)))
    return builder.zext(builder.or_(*sides), _SUMS)


def _place(builder: Any, place: Any, kind: Any) -> Any:
    return builder.bitcast(place, kind.as_pointer())
