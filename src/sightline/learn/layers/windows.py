"""Windows that slide over pictures: how many fit, and which pixels the same place of every window sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.types import Array


@dataclass(frozen=True)
class Windows:
    """Rows and columns of each: the window, its step, the border around the picture, and the gaps inside the window.

    Parameters
    ----------
    size, stride, padding, dilation
        Pairs (rows, columns).
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)

    def fit(self, function: str, height: int, width: int) -> tuple[int, int]:
        """Return in how many rows and columns the windows stand on a picture."""
        found = []
        for n, k, s, p, d in zip((height, width), self.size, self.stride, self.padding, self.dilation, strict=True):
            found.append((n + 2 * p - d * (k - 1) - 1) // s + 1)
        if min(found) < 1:
            raise InputError(
                f"{function}: x must be at least as large as the window; got {height}×{width} pixels for a window of"
                f" {self.size[0]}×{self.size[1]}. Use a smaller window or more padding."
            )
        return found[0], found[1]

    def places(self, rows: int, columns: int) -> Iterator[tuple[int, tuple[Any, slice, slice]]]:
        """Yield for each place in the window its number and the pixels that it sees, one a window."""
        for number in range(self.size[0] * self.size[1]):
            i, j = divmod(number, self.size[1])
            top, left = i * self.dilation[0], j * self.dilation[1]
            down = slice(top, top + (rows - 1) * self.stride[0] + 1, self.stride[0])
            right = slice(left, left + (columns - 1) * self.stride[1] + 1, self.stride[1])
            yield number, (Ellipsis, down, right)

    def padded(self, x: Array, value: float = 0.0) -> Array:
        """Return pictures with the border around them."""
        rows, columns = self.padding
        if not rows and not columns:
            return x
        border = [(0, 0)] * (x.ndim - 2) + [(rows, rows), (columns, columns)]
        return np.pad(x, border, constant_values=value)

    def cropped(self, x: Array) -> Array:
        """Return padded pictures without the border."""
        rows, columns = self.padding
        return x[..., rows : x.shape[-2] - rows, columns : x.shape[-1] - columns]


def pair(function: str, argument: str, value: Any, low: int) -> tuple[int, int]:
    """Return (rows, columns) of one whole number or two."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return integer(function, f"{argument}[0]", value[0], low), integer(function, f"{argument}[1]", value[1], low)
    both = integer(function, argument, value, low)
    return both, both
