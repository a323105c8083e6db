"""Functions of eight float32 at once, for kernels that do arithmetic on ``core.vectors``."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from sightline.core.vectors import FLOATS, LANES, intrinsic

_FLOATS, _INTS = (ir.VectorType(kind, LANES) for kind in (ir.FloatType(), ir.IntType(32)))
# 2^f on -½ … ½: the minimax polynomial that is 1 at 0, its highest power first; its relative error is below 1.02e-4.
POLYNOMIAL = 0.05500893, 0.24221096, 0.69328293, 1.0
LOWEST = -126.0
ROUND = float(3 << 22) + 127  # what is added to it has no bits left for a fraction
_FUSE = ("contract",)  # a product and the sum that it goes into may be one instruction


@intrinsic
def power_of_two(_: Any, vector: Any) -> Any:
    """Return 2^t for eight float32 t ≤ 0; what is smaller than 2^-126 becomes about that."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        lowest, shift = _all(LOWEST), _all(ROUND)
        bounded = builder.select(builder.fcmp_ordered(">", args[0], lowest), args[0], lowest)
        rounded = builder.fadd(bounded, shift)
        fraction = builder.fsub(bounded, builder.fsub(rounded, shift))
        value = _all(POLYNOMIAL[0])
        for coefficient in POLYNOMIAL[1:]:
            value = builder.fadd(builder.fmul(value, fraction, flags=_FUSE), _all(coefficient), flags=_FUSE)
        exponent = builder.shl(builder.bitcast(rounded, _INTS), ir.Constant(_INTS, [23] * LANES))
        return builder.fmul(builder.bitcast(exponent, _FLOATS), value)

    return FLOATS(FLOATS), build


def _all(value: float) -> Any:
    return ir.Constant(_FLOATS, [value] * LANES)
