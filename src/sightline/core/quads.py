"""Groups of four float32 numbers in one register: all that is known of a pixel is read, mixed and written at once.

Groups lie in flat contiguous arrays and are named by the offset of their first number. Offsets are not checked.
Everything here is called from kernels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.np.arrayobj import make_array

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know
_QUAD, _LONG = ir.VectorType(ir.FloatType(), 4), ir.IntType(32)
_CONTRACT = ("contract",)


@intrinsic
def mix_quads(_: Any, quads: Any, at: Any, right: Any, down: Any, fx: Any, fy: Any, out: Any, to: Any) -> Any:
    """Write to ``out`` the bilinear mean of the group at ``at``, that ``right`` of it, and those ``down`` of both.

    ``fx`` and ``fy`` are float32 shares of the right and the lower groups.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        quads, at, right, down, fx, fy, out, to = args
        numbers = make_array(signature.args[0])(context, builder, quads).data
        below = builder.add(at, down)
        places = [at, builder.add(at, right), below, builder.add(below, right)]
        a, b, c, d = (_load(builder, numbers, place) for place in places)
        across, upright = _four_times(builder, fx), _four_times(builder, fy)
        mixed = _between(builder, _between(builder, a, b, across), _between(builder, c, d, across), upright)
        target = builder.gep(make_array(signature.args[6])(context, builder, out).data, [to])
        builder.store(mixed, builder.bitcast(target, _QUAD.as_pointer()), align=4)
        return context.get_dummy_value()

    offset, share = types.int64, types.float32
    return types.void(quads, offset, offset, offset, share, share, out, offset), build


def _load(builder: Any, numbers: Any, place: Any) -> Any:
    return builder.load(builder.bitcast(builder.gep(numbers, [place]), _QUAD.as_pointer()), align=4)


def _between(builder: Any, a: Any, b: Any, share: Any) -> Any:
    step = builder.fmul(share, builder.fsub(b, a, flags=_CONTRACT), flags=_CONTRACT)
    return builder.fadd(a, step, flags=_CONTRACT)


def _four_times(builder: Any, value: Any) -> Any:
    single = builder.insert_element(ir.Constant(_QUAD, ir.Undefined), value, _LONG(0))
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(_LONG, 4), [0] * 4))
