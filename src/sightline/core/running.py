"""The least number so far, eight numbers at once: what a sweep along a row hands on from pixel to pixel.

One after the other, each minimum would wait for the one before it. Here three rounds compare with the neighbours one,
two and four away, and what came before is compared with all eight together. Called from kernels; offsets are not
checked.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.np.arrayobj import make_array

EIGHT = 8
_INT = ir.IntType(32)
_VECTOR = ir.VectorType(_INT, EIGHT)
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def least_from_left(_: Any, row: Any, at: Any, least: Any) -> Any:
    """Replace eight numbers of a flat int32 array by the least of ``least`` and of those up to each; return the last.

    Parameters
    ----------
    row, at
        The array, and the offset of the first of the eight.
    least
        int32, of all that came before.
    """
    return types.int32(row, types.int64, types.int32), _running(1)


@intrinsic
def least_from_right(_: Any, row: Any, at: Any, least: Any) -> Any:
    """Do the same from the last of the eight to the first one, which is returned."""
    return types.int32(row, types.int64, types.int32), _running(-1)


def _running(way: int) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, at, least = args
        place = builder.gep(make_array(signature.args[0])(context, builder, row).data, [at])
        place = builder.bitcast(place, _VECTOR.as_pointer())
        values = builder.load(place, align=4)
        for step in (1, 2, 4):
            sources = [lane - way * step for lane in range(EIGHT)]
            lanes = [source if 0 <= source < EIGHT else lane for lane, source in enumerate(sources)]
            moved = builder.shuffle_vector(values, values, ir.Constant(ir.VectorType(_INT, EIGHT), lanes))
            values = _least(builder, values, moved)
        before = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), least, _INT(0))
        before = builder.shuffle_vector(before, before, ir.Constant(_VECTOR, [0] * EIGHT))
        end = _INT(EIGHT - 1 if way > 0 else 0)
        last = _least(builder, least, builder.extract_element(values, end))  # waits for nothing else
        builder.store(_least(builder, values, before), place, align=4)
        return last

    return build


def _least(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed("<", a, b), a, b)
