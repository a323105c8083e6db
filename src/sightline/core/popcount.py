"""How many bits of a word are set: one instruction on most processors, and many at once where a loop lets it."""

from __future__ import annotations

from typing import Any

from numba import extending

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def popcount(_: Any, word: Any) -> Any:
    """Return the number of set bits of an unsigned integer, in its own type."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return word(word), build
