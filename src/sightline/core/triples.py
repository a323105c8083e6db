"""Every second pixel of three bytes. Offsets are not checked; called from kernels."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.np.arrayobj import make_array

from sightline.core.lanes import intrinsic

_OCTETS, _PLACE = ir.VectorType(ir.IntType(8), 16), ir.IntType(32)


@intrinsic
def copy_every_second(_: Any, row: Any, at: Any, out: Any, to: Any) -> Any:
    """Copy the first, third and fifth of the triples that begin at byte ``at`` to ``out`` from byte ``to`` on.

    Sixteen bytes are read, and sixteen are written: the last seven of them mean nothing.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, at, out, to = args
        here = builder.gep(make_array(signature.args[0])(context, builder, row).data, [at])
        there = builder.gep(make_array(signature.args[2])(context, builder, out).data, [to])
        octets = builder.load(builder.bitcast(here, _OCTETS.as_pointer()), align=1)
        lanes = [0, 1, 2, 6, 7, 8, 12, 13, 14, *[15] * 7]
        chosen = builder.shuffle_vector(octets, octets, ir.Constant(ir.VectorType(_PLACE, 16), lanes))
        builder.store(chosen, builder.bitcast(there, _OCTETS.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(row, types.int64, out, types.int64), build
