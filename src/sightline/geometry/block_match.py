"""Block matching: the disparity at which a square around a pixel looks most like one of the right picture.

Scharstein & Szeliski 2002, "A Taxonomy and Evaluation of Dense Two-Frame Stereo Correspondence Algorithms",
International Journal of Computer Vision 47: absolute differences, summed over a window, the winner takes all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.sliding import GROUP, exchange_differences, slide_group
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Image, Range
from sightline.geometry.disparity_choice import choose_row, limits_of
from sightline.geometry.speckles import fill_gaps, remove_speckles
from sightline.geometry.stereo_pair import as_disparities, as_pair, example_right

_STRIP = 64  # rows: each strip begins by summing a window's rows anew


@method(task="stereo", paper="Scharstein & Szeliski 2002", lesson="w3d5", example={"right": example_right})
def block_match(
    left: Image,
    right: AnyImage,
    disparities: int | tuple[int, int] = 64,
    size: Annotated[int, Range(1, 15, 2)] = 9,
    *,
    check: Annotated[float, Range(-1, 10, 1)] = 1.0,
    unique: Annotated[float, Range(0, 0.5, 0.01)] = 0.1,
    speckles: Annotated[int, Range(0, 1000, 10)] = 100,
    fill: bool = False,
) -> Float32[np.ndarray, "h w"]:
    """Return how far each pixel of the left picture lies to the right of the same thing in the right picture.

    The quickest way, for well-textured scenes; :func:`sgm` is the exact one. The pictures must be rectified. Beyond the
    border, a picture repeats its edge. NaN and infinity are refused.

    Parameters
    ----------
    left, right
        H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32; of one height and width.
    disparities
        How many whole disparities are tried, from 0 on; or (first, end), of which ``end`` is not tried. 2–1024 of them.
    size
        Side of the square in pixels, odd, 1–15.
    check
        A disparity is kept when that of a pixel it points to (it may point between two) differs by at most this; a
        negative number keeps all.
    unique
        Share by which every other disparity but the neighbours must cost more, 0–1.
    speckles
        Patches of at most so many pixels that differ from what is around them are dropped; 0 keeps them.
    fill
        Fill what is unknown from the farther side of the row.

    Returns
    -------
    ndarray
        H×W float32 in pixels, to a fraction of one; NaN where it is not known.

    Raises
    ------
    InputError
        When the pictures differ in size, or an option is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> right = np.random.default_rng(0).random((40, 60), np.float32)
    >>> left = np.roll(right, 7, axis=1)
    >>> round(float(np.nanmedian(block_match(left, right, 16))), 1)
    7.0

    References
    ----------
    D. Scharstein, R. Szeliski, "A Taxonomy and Evaluation of Dense Two-Frame Stereo Correspondence Algorithms",
    International Journal of Computer Vision 47, 2002.
    """
    first, count = as_disparities("block_match", disparities)
    size = integer("block_match", "size", size, 1, 15, odd=True)
    check = number("block_match", "check", check, -np.inf, np.inf)
    unique = number("block_match", "unique", unique, 0, 1)
    speckles, fill = integer("block_match", "speckles", speckles, 0), flag("block_match", "fill", fill)
    found = _matched(*as_pair("block_match", left, right), first, count, size, check, unique)
    if speckles:
        remove_speckles(found, speckles, 1.0)
    if fill:
        fill_gaps(found)
    return found


@block_match.steps
def _steps(left: Image, right: AnyImage, disparities: Any = 64, size: int = 9, **options: Any) -> Iterator[Step]:
    first, count = as_disparities("block_match", disparities)
    a, b = as_pair("block_match", left, right)
    yield Step("pair", Picture(left), Picture(right), note="What is nearer lies further to the left in the right one.")
    for side in sorted({1, size}):
        alone = _matched(a, b, first, count, side, -1, 0)
        yield Step(
            f"windows of {side}×{side}", Heat(alone), note="Each pixel's best disparity, whatever the others say."
        )
    checked = _matched(a, b, first, count, size, options.get("check", 1.0), options.get("unique", 0.1))
    yield Step(
        "held from both sides", Heat(checked), note="What only one picture sees, or what looks alike, is not known."
    )
    yield Step("disparity", Heat(block_match(left, right, disparities, size, **options)), note="Without speckles.")


def _matched(left: Array, right: Array, first: int, count: int, size: int, check: float, unique: float) -> Array:
    half = size // 2
    a, b = (np.pad(picture, half, mode="edge") for picture in (left, right))
    out = empty(left.shape, np.float32)
    options = (first, count, np.float32(check), limits_of(unique))
    over_rows(_match_rows, len(out), a, b, size, *options, out, strip=_STRIP)
    return out


@kernel
def _match_rows(left, right, size, first, count, check, limits, out, y0, y1):
    width, wide, deep = out.shape[1], left.shape[1], -(-count // GROUP) * GROUP  # disparities in whole groups
    columns = np.zeros((size + wide) * deep, np.uint16)  # sums of each column of the window, of some the first is 0
    nothing = np.zeros(wide, np.uint8)
    backwards = np.empty((2, wide + first + deep), np.uint8)
    # In front of the sums stands what the columns of the first window come to, one after the other.
    sums, best = np.empty((1 + width, deep), np.uint16), np.empty((2, width + count), np.uint16)
    found = np.empty((2, width), np.float32)
    for gained in range(y0, y1 + size - 1):
        full, lost = gained - size + 1, gained - size
        leaves = lost >= y0
        _reverse(right[gained], backwards[0])
        _reverse(right[lost] if leaves else nothing, backwards[1])
        row, old = left[gained], left[lost] if leaves else nothing
        _slide(row, old, backwards[0], backwards[1], first, size, deep, columns, sums.reshape(-1))
        if full >= y0:
            choose_row(sums[1:], first, count, check, limits, best, found, out[full])


@kernel
def _reverse(row, out):
    """Write a row of the right picture from its end on; beyond its left border it repeats its edge."""
    for x in range(row.size):
        out[x] = row[row.size - 1 - x]
    out[row.size :] = row[0]


@kernel
def _slide(gained, lost, gained_others, lost_others, first, size, deep, columns, sums):
    """Exchange a row's differences in the sums of the columns, and those columns in the sums of the windows.

    What a row brings is added and what another one takes along taken away; so are the columns that a window gains and
    loses on its way along the row. ``columns`` begin with ``size`` that are 0, which the first windows lose.
    """
    wide = gained.size
    sums[:deep] = 0
    for x in range(wide):
        begin, column = wide - 1 - x + first, (x + size) * deep
        before = max(x - size + 1, 0) * deep  # columns of the first window are summed up in one place
        after = before + deep if x >= size - 1 else before
        for k in range(0, deep, GROUP):
            at = column + k
            exchange_differences(columns, at, gained[x], gained_others, begin + k, lost[x], lost_others, begin + k)
            slide_group(sums, before + k, after + k, columns, at, x * deep + k)
