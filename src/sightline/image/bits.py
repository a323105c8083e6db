"""Counting bits in one instruction, for kernels that look at eight pixels at a time."""

from __future__ import annotations

from typing import Any

from numba import extending, types

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def trailing_zeros(context: Any, word: Any) -> Any:
    """Return how many zero bits lie below the lowest one bit of a uint64; 64 when there is none."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate
