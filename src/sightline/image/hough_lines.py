"""Hough lines: every edge pixel votes for all the lines through it; the lines with most votes win.

Hough 1962, "Method and means for recognizing complex patterns", US patent 3069654; in the normal form of Duda & Hart
1972, "Use of the Hough Transformation to Detect Lines and Curves in Pictures", Communications of the ACM 15(1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32, Int32

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, flag, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Lines, Points, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Mask, Range

MOST_CELLS = 1 << 27  # of an accumulator: half a gigabyte
ROUND = 12582912.0  # 1.5 · 2²³: added to a float32, it leaves the nearest whole number in the lowest bits,
ROUND_BITS = 0x4B400000  # which are these for 0
_GROUP = 4  # angles that vote together: their cells lie apart, so that no vote waits for the one before
_BLOCK = 256
_BAND = 1 << 20  # pixels whose points are listed together

Votes = Int32[np.ndarray, "n"]


@method(task="shapes", paper="Duda & Hart 1972", lesson="w2d6")
def hough_lines(
    mask: Mask,
    threshold: Annotated[int, Range(1, 2000, 1)] = 100,
    *,
    rho: Annotated[float, Range(0.1, 100, 0.1)] = 1.0,
    theta: Annotated[float, Range(0.0005, math.pi / 2, 0.001)] = math.pi / 180,
    min_theta: Annotated[float, Range(0, math.pi, 0.01)] = 0.0,
    max_theta: Annotated[float, Range(0, math.pi, 0.01)] = math.pi,
    max_lines: int | None = None,
    votes: bool = False,
) -> Float32[np.ndarray, "n 2"] | tuple[Float32[np.ndarray, "n 2"], Votes]:
    """Return the straight lines of a mask of edges as (rho, theta), those with most votes first.

    The line is where ``x·cos(theta) + y·sin(theta) = rho``, with (0, 0) the centre of the top-left pixel. A cell of
    the accumulator is a line when it has more than ``threshold`` votes and no fewer than its four neighbours. There
    are no floating-point pixels, so NaN cannot come in; a NaN option is refused.

    Parameters
    ----------
    mask
        H×W bool, true on edges.
    threshold
        Votes (pixels) that a line must exceed, ≥ 1.
    rho
        Width of a cell, in pixels; 0.1–100.
    theta
        Angle between neighbouring cells, in radians; 0.0005–π/2.
    min_theta, max_theta
        Angles that are looked at, in radians within 0–π; the angle is that of the line's normal to the x axis, so an
        upright line has 0 and a level one π/2.
    max_lines
        Return at most so many; None returns all.
    votes
        Return also how many pixels voted for each line.

    Returns
    -------
    lines
        N×2 float32 (rho in pixels, theta in radians); with ``votes``, a pair of these and N int32.

    Raises
    ------
    InputError
        When ``min_theta`` is greater than ``max_theta``, or the cells are so small that they do not fit in memory.

    References
    ----------
    R. O. Duda, P. E. Hart, "Use of the Hough Transformation to Detect Lines and Curves in Pictures", Communications
    of the ACM 15(1), 1972.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((60, 80), bool)
    >>> mask[:, 30] = True
    >>> hough_lines(mask, 50).tolist()
    [[30.0, 0.0]]
    """
    mask = as_mask("hough_lines", mask)
    threshold = integer("hough_lines", "threshold", threshold, 1)
    most = None if max_lines is None else integer("hough_lines", "max_lines", max_lines, 1)
    accumulator, rho, theta, start = _accumulate(mask, rho, theta, min_theta, max_theta)
    angle, cell, count = _peaks(accumulator, threshold)
    angle, cell, count = angle[:most], cell[:most], count[:most]
    middle = accumulator.shape[1] // 2
    lines = np.stack([(cell - middle) * rho, start + angle * theta], axis=1).astype(np.float32)
    return (lines, count) if flag("hough_lines", "votes", votes) else lines


@hough_lines.steps
def _steps(mask: Mask, threshold: int = 100, **options: Any) -> Iterator[Step]:
    mask = as_mask("hough_lines", mask)
    yield Step("edges", MaskLayer(mask), note="Each of these pixels votes for all the lines through it.")
    lines = hough_lines(mask, threshold, **options)
    cells = {name: options[name] for name in ("min_theta", "max_theta") if name in options}
    accumulator, *_ = _accumulate(mask, options.get("rho", 1.0), options.get("theta", math.pi / 180), **cells)
    heat = Heat(accumulator.astype(np.float32))
    yield Step("accumulator", heat, note="A row for each angle, a column for each distance: a pixel is a wave here.")
    angle, cell, _count = _peaks(accumulator, threshold)
    peaks = np.stack([cell, angle], axis=1)
    yield Step("peaks", Points(peaks), heat, Points(peaks), note=f"Where more than {threshold} waves meet.")
    found = lines[0] if isinstance(lines, tuple) else lines
    yield Step("lines", Value(lines), MaskLayer(mask), Lines(line_ends(found, mask.shape)), note="And back again.")


def line_ends(lines: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return N×4 segments (x1, y1, x2, y2), longer than an image of this shape, that lie on lines (rho, theta)."""
    c, s = np.cos(lines[:, 1]), np.sin(lines[:, 1])
    x, y, reach = lines[:, 0] * c, lines[:, 0] * s, math.hypot(*shape[:2])
    return np.stack([x - reach * s, y + reach * c, x + reach * s, y - reach * c], axis=1).astype(np.float32)


def angle_table(count: int, rho: float, theta: float, start: float = 0.0) -> np.ndarray:
    """Return cos/rho and sin/rho of ``count`` angles from ``start`` on, 2×count float32."""
    # Angles are added up in single precision: a hundred-thousandth of a radian decides some votes, and so the lines
    # are those that other programs find.
    steps = np.full(count, theta, np.float32)
    steps[:1] = start
    angles = np.cumsum(steps, dtype=np.float32).astype(np.float64)
    per_pixel = float(np.float32(1) / np.float32(rho))
    return (np.stack([np.cos(angles), np.sin(angles)]) * per_pixel).astype(np.float32)


def count_angles(function: str, theta: float, low: float, high: float) -> int:
    """Return how many angles ``low, low + theta, …, high`` there are; π is the same line as 0 and left out."""
    if low > high:
        raise InputError(f"{function}: min_theta must be ≤ max_theta; got {low:g} and {high:g}. Swap them.")
    count = math.floor((high - low) / theta) + 1
    return count - 1 if count > 1 and abs(math.pi - (count - 1) * theta) < theta / 2 else count


def cells_of(function: str, shape: tuple[int, ...], angles: int, rho: float) -> int:
    """Return the greatest distance of a line from the origin, in cells; refuse what does not fit in memory."""
    reach = math.ceil(math.hypot(*shape) / rho) + 1
    if angles * (2 * reach + 1) > MOST_CELLS:
        raise InputError(
            f"{function}: rho and theta must leave at most {MOST_CELLS} cells; got {angles} angles of {2 * reach + 1}. "
            "Take larger ones."
        )
    return reach


def _accumulate(
    mask: np.ndarray, rho: float, theta: float, min_theta: float = 0.0, max_theta: float = math.pi
) -> tuple[np.ndarray, float, float, float]:
    """Return the votes, one row an angle, and the cells' sizes; the middle column is that of rho = 0."""
    rho = number("hough_lines", "rho", rho, 0.1, 100, unit="pixels")
    theta = number("hough_lines", "theta", theta, 0.0005, math.pi / 2, unit="radians")
    low = number("hough_lines", "min_theta", min_theta, 0, math.pi, unit="radians")
    high = number("hough_lines", "max_theta", max_theta, 0, math.pi, unit="radians")
    angles = count_angles("hough_lines", theta, low, high)
    reach = cells_of("hough_lines", mask.shape, angles, rho)
    rows = -(-angles // _GROUP) * _GROUP
    table = np.zeros((2, rows), np.float32)
    table[:, :angles] = angle_table(angles, rho, theta, low)
    accumulator = np.zeros((rows, 2 * reach + 1), np.int32)
    for y0 in range(0, len(mask), band := max(1, _BAND // mask.shape[1])):
        y, x = np.divmod(np.flatnonzero(mask[y0 : y0 + band]).astype(np.uint32), np.uint32(mask.shape[1]))
        x, y = x.astype(np.float32), (y + np.uint32(y0)).astype(np.float32)
        over_rows(_vote, rows, x, y, table[0], table[1], reach, accumulator, strip=3 * _GROUP)
    return accumulator[:angles], rho, theta, low


@kernel
def _vote(x, y, cosines, sines, reach, accumulator, a0, a1):
    """Let all points vote in the rows ``a0`` to ``a1``, a block of points and four angles at a time."""
    cells = np.empty((4, _BLOCK), np.int32)
    middle, zero = np.float32(ROUND), np.int32(ROUND_BITS - reach)
    for a in range(a0, a1, 4):
        for first in range(0, x.size, _BLOCK):
            px, py = x[first : first + _BLOCK], y[first : first + _BLOCK]
            for k in range(4):
                c, s, row = cosines[a + k], sines[a + k], cells[k]
                for i in range(px.size):
                    row[i] = np.float32(np.float32(px[i] * c + py[i] * s) + middle).view(np.int32) - zero
            r0, r1, r2, r3 = cells[0], cells[1], cells[2], cells[3]
            v0, v1, v2, v3 = accumulator[a], accumulator[a + 1], accumulator[a + 2], accumulator[a + 3]
            for i in range(px.size):
                v0[np.uint32(r0[i])] += 1
                v1[np.uint32(r1[i])] += 1
                v2[np.uint32(r2[i])] += 1
                v3[np.uint32(r3[i])] += 1


def _peaks(accumulator: np.ndarray, threshold: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return angle, cell and votes of the local maxima above ``threshold``, the strongest first."""
    angle, cell = np.divmod(np.flatnonzero(accumulator > threshold), accumulator.shape[1])
    votes = accumulator[angle, cell]
    framed = np.pad(accumulator, 1)
    # Of two equal neighbours the earlier one stays.
    left, right = framed[angle + 1, cell], framed[angle + 1, cell + 2]
    above, below = framed[angle, cell + 1], framed[angle + 2, cell + 1]
    kept = np.flatnonzero((votes > left) & (votes >= right) & (votes > above) & (votes >= below))
    kept = kept[np.argsort(-votes[kept], kind="stable")]
    return angle[kept], cell[kept], votes[kept]
