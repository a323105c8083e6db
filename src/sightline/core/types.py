"""The conventions as types: what an image, a mask, a set of boxes is, in shape, dtype and range.

Letters in shapes: ``h`` rows, ``w`` columns, ``c`` channels, ``n`` items, ``b`` batch.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int32, Real, UInt8, UInt16

# RGB or grey, H×W or H×W×C: uint8 0–255, uint16 0–65535, float32 0–1.
Image: TypeAlias = UInt8[np.ndarray, "h w *c"] | UInt16[np.ndarray, "h w *c"] | Float32[np.ndarray, "h w *c"]
# An image whose shape is not the input's, as a result: resized, or with other channels.
NewImage: TypeAlias = (
    UInt8[np.ndarray, "new_h new_w *new_c"]
    | UInt16[np.ndarray, "new_h new_w *new_c"]
    | Float32[np.ndarray, "new_h new_w *new_c"]
)
# An image, or points, whose size has nothing to do with that of the other arguments: a second picture, one of many.
AnyImage: TypeAlias = UInt8[np.ndarray, "_ _ ..."] | UInt16[np.ndarray, "_ _ ..."] | Float32[np.ndarray, "_ _ ..."]
AnyPoints: TypeAlias = Real[np.ndarray, "_ 2"]
Gray: TypeAlias = UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"] | Float32[np.ndarray, "h w"]
Mask: TypeAlias = Bool[np.ndarray, "h w"]
Footprint: TypeAlias = Bool[np.ndarray, "rows columns"]  # true where a neighbour counts
Labels: TypeAlias = Int32[np.ndarray, "h w"]
Flow: TypeAlias = Float32[np.ndarray, "h w 2"]
Points: TypeAlias = Real[np.ndarray, "n 2"]  # (x, y); (0, 0) is the centre of the top-left pixel
PointList: TypeAlias = Points | Sequence[Sequence[float]]  # corners as one writes them down: pairs in a list
Boxes: TypeAlias = Real[np.ndarray, "n 4"]  # xyxy, continuous edges; the top-left pixel is (0, 0, 1, 1)
PathLike: TypeAlias = str | os.PathLike[str]
Seed: TypeAlias = int | np.random.Generator


@runtime_checkable
class BinaryFile(Protocol):
    """Anything that gives bytes when it is read: an open file, a stream in memory, a socket's file."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, all that is left when it is negative."""
        ...


@dataclass(frozen=True)
class Range:
    """Metadata of a numeric parameter: the closed interval it may take, and a slider's step.

    Parameters
    ----------
    low, high
        Inclusive bounds, in the parameter's unit.
    step
        Increment of a control that edits the value; None leaves it to the control.
    """

    low: float
    high: float
    step: float | None = None


class Choice:
    """Metadata of a parameter that takes one of a few words, for example ``Choice("binary", "to_zero")``."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"Choice{self.options!r}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and other.options == self.options

    def __hash__(self) -> int:
        return hash(self.options)


Array: TypeAlias = np.ndarray
