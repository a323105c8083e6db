"""Distance transform: how far each true pixel is from the nearest false one, exactly.

Felzenszwalb & Huttenlocher 2012, "Distance Transforms of Sampled Functions", Theory of Computing 8: down the columns
first; then along each row, where every column q offers the parabola (x - q)² + g(q)², and their lower envelope is the
squared distance. The parabolas are compared without divisions, as by Maurer, Qi & Raghavan 2003, "A Linear Time
Algorithm for Computing Exact Euclidean Distance Transforms of Binary Images in Arbitrary Dimensions", IEEE PAMI 25(2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_mask, choice, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat
from sightline.core.layers import Mask as MaskLayer
from sightline.core.running import EIGHT, least_from_left, least_from_right
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Mask

BAND = 32  # rows
METRICS = ("euclidean", "l1", "chessboard")
_FAR = 1 << 30  # this or more: no false pixel in this column; also the square of more than any near distance
_TRIAL, _NEAR = 8, 64  # columns to either side that are tried always, and where all pixels turn out to be near


@method(task="morphology", paper="Felzenszwalb 2012", lesson="w1d5")
def distance_transform(
    mask: Mask,
    *,
    metric: Annotated[str, Choice("euclidean", "l1", "chessboard")] = "euclidean",
    out: Array | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Return the distance from each true pixel to the nearest false one, and 0 where the mask is false.

    Distances are exact in every metric, from the centre of one pixel to that of the other. Without a false pixel they
    are infinite. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    metric
        ``euclidean`` √(dx² + dy²), ``l1`` |dx| + |dy| (steps along rows and columns) or ``chessboard``
        max(|dx|, |dy|) (steps of a king).
    out
        H×W float32 array to write to; None makes a new one.

    Returns
    -------
    distances
        H×W float32, in pixels.

    References
    ----------
    P. F. Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012.
    A. Rosenfeld and J. L. Pfaltz, "Sequential Operations in Digital Picture Processing", J. ACM 13(4), 1966.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.ones((3, 4), bool)
    >>> mask[0, 0] = False
    >>> distance_transform(mask)[1:].round(2)
    array([[1.  , 1.41, 2.24, 3.16],
           [2.  , 2.24, 2.83, 3.61]], dtype=float32)
    """
    mask = as_mask("distance_transform", mask)
    metric = choice("distance_transform", "metric", metric, METRICS)
    distances = output("distance_transform", out, mask.shape, np.float32, [mask])
    if metric == "chessboard":
        _sweep(mask.view(np.uint8), distances.view(np.int32), distances)  # whole numbers on the way, in the same memory
        return distances
    along = along_the_rows if metric == "euclidean" else _steps_along_the_rows
    over_rows(along, len(mask), mask.view(np.uint8), *around_bands(mask), distances, strip=BAND)
    return distances


@distance_transform.steps
def _steps(mask: Mask, *, metric: str = "euclidean", out: Any = None) -> Iterator[Step]:
    mask = as_mask("distance_transform", mask)
    yield Step("mask", MaskLayer(mask))
    columns = empty(mask.shape, np.int32)
    over_rows(_write_columns, len(mask), mask.view(np.uint8), *around_bands(mask), columns, strip=BAND)
    known = columns < _FAR
    shown = np.where(known, columns, columns[known].max() if known.any() else 0).astype(np.float32)
    if metric != "chessboard":
        yield Step("along the columns", Heat(shown), note="How far the nearest false pixel of the same column is.")
    distances = distance_transform(mask, metric=metric, out=out)
    yield Step("distances", Heat(distances), note="The least of what the columns of a row offer, in pixels.")


def around_bands(mask: Array) -> tuple[Array, Array]:
    """Return how far the nearest false pixel of a column is, upwards from above each band and downwards from below it.

    With that, a band knows its columns without those around it, which never lie in memory as a whole.
    """
    upwards, downwards = (empty((-(-len(mask) // BAND) + 2, mask.shape[1]), np.int32) for _ in range(2))
    over_rows(_look_into_band, len(mask), mask.view(np.uint8), upwards, downwards, strip=BAND)
    _hand_on(upwards, downwards, len(mask))
    return upwards[:-2], downwards[2:]


@kernel
def _look_into_band(mask, upwards, downwards, y0, y1):
    """Write how far the nearest false pixel of the band is, upwards from its last row and downwards from its first."""
    zero, one, far = np.int32(0), np.int32(1), np.int32(_FAR)
    up, down = upwards[y0 // BAND + 1], downwards[y0 // BAND + 1]
    up[:], down[:] = far, far
    for y in range(y0, y1):
        pixels, deep = mask[y], np.int32(y - y0)
        for x in range(pixels.size):
            up[x] = np.int32(up[x] + one) if pixels[x] else zero
            down[x] = min(down[x], far if pixels[x] else deep)


@kernel
def _hand_on(upwards, downwards, height):
    """Let each band look through the next ones, where it has no false pixel in a column; ``_FAR`` without any."""
    last = len(upwards) - 1
    upwards[0], downwards[last] = _FAR, _FAR
    for band in range(1, last):
        for lines, here, behind in ((upwards, band, band - 1), (downwards, last - band, last - band + 1)):
            row, other, rows = lines[here], lines[behind], np.int32(min(BAND, height - BAND * (here - 1)))
            for x in range(row.size):
                row[x] = min(row[x], np.int32(other[x] + rows))


@kernel
def _down_the_columns(mask, upwards, downwards, columns):
    """Write g, the distance to the nearest false pixel of the same column, of a band: down it, then up again."""
    zero, one = np.int32(0), np.int32(1)
    near = upwards.copy()
    for y in range(len(mask)):
        pixels, here = mask[y], columns[y]
        for x in range(pixels.size):
            near[x] = np.int32(near[x] + one) if pixels[x] else zero
            here[x] = near[x]
    last = columns[len(mask) - 1]
    for x in range(last.size):
        last[x] = min(last[x], np.int32(downwards[x] + one))
    for y in range(len(mask) - 2, -1, -1):
        here, below = columns[y], columns[y + 1]
        for x in range(here.size):
            here[x] = min(here[x], np.int32(below[x] + one))


@kernel
def _write_columns(mask, upwards, downwards, columns, y0, y1):
    _down_the_columns(mask[y0:y1], upwards[y0 // BAND], downwards[y0 // BAND], columns[y0:y1])


@kernel
def along_the_rows(mask, upwards, downwards, distances, y0, y1):
    """Write the distances of a band: by trying neighbours where all of a row are near, else by envelopes."""
    width = mask.shape[1]
    columns = np.empty((y1 - y0, width), np.int32)
    _down_the_columns(mask[y0:y1], upwards[y0 // BAND], downwards[y0 // BAND], columns)
    sites, heights = np.empty(width + 2, np.int64), np.empty(width + 2, np.int64)
    owner = np.empty(width, np.int32)
    padded, squares = np.full(width + 2 * _NEAR, _FAR, np.int32), np.empty(width, np.int32)
    for y in range(y0, y1):
        g, row = columns[y - y0], distances[y]
        if _try_neighbours(g, padded, squares):
            for x in range(width):
                row[x] = squares[x]
        else:
            _envelopes(g, sites, heights, owner, row)
        for x in range(width):
            row[x] = np.sqrt(row[x])


@kernel
def _try_neighbours(g, padded, squares):
    """Compare with the columns 1, 2, 3 … to both sides, until none that is farther off can be nearer.

    Many pixels at a time, so quicker than envelopes up to some reach; False when that is not enough.
    """
    width = g.size
    inner, largest = padded[_NEAR : _NEAR + width], np.int32(0)
    for x in range(width):
        square = np.int32(g[x] * g[x]) if g[x] < 1 << 15 else np.int32(_FAR)
        inner[x], squares[x] = square, square
        largest = max(largest, square)
    reach = 1
    while reach * reach < largest:
        if reach == _NEAR or (reach == _TRIAL and largest > _NEAR * _NEAR):
            return False
        left, right = padded[_NEAR - reach : _NEAR - reach + width], padded[_NEAR + reach : _NEAR + reach + width]
        more = np.int32(reach * reach)
        largest = np.int32(0)
        for x in range(width):
            best = min(squares[x], np.int32(min(left[x], right[x]) + more))
            squares[x] = best
            largest = max(largest, best)
        reach += 1
    return True


@kernel
def _envelopes(g, sites, heights, owner, row):
    """Write the squared distances of a row.

    Between two false pixels nothing beyond them is nearer, so each run of true ones has an envelope of its own. Of the
    columns that are part of it, each owns the pixels from the one where it wins to where the next one does.
    """
    width = g.size
    for x in range(width):
        owner[x] = x if g[x] == 0 else -1
    start = 0
    while start < width:
        if g[start] == 0:
            start += 1
            continue
        stop = start + 1
        while stop < width and g[stop] != 0:
            stop += 1
        count = _lower_hull(g, max(start - 1, 0), min(stop + 1, width), sites, heights)
        if count == 0:  # no column of the image has a false pixel
            row[:] = np.inf
            return
        owner[start] = sites[0]
        for i in range(1, count):
            crossing = np.floor((heights[i] - heights[i - 1]) / (2.0 * (sites[i] - sites[i - 1])))
            if crossing < stop - 1:
                owner[max(np.int64(crossing) + 1, start)] = sites[i]
        start = stop
    last = owner[0]
    for x in range(width):
        last = max(last, owner[x])
        owner[x] = last
    for x in range(width):
        along, down = np.float32(owner[x] - np.int32(x)), np.float32(g[np.uint32(owner[x])])
        row[x] = along * along + down * down


@kernel(inline=True)
def _lower_hull(g, first, last, sites, heights):
    """Keep the columns whose parabola is part of the envelope, and g² + q² of each; return how many there are.

    (x - q)² + g² is x² - 2 q x + (g² + q²): lines of slope -2 q apart from x². The middle one of three is above the
    envelope when the points (q, g² + q²) do not turn left there.
    """
    count, site, height = 0, 0, 0  # `site` and `height` are the last ones kept; run and rise lead there
    run, rise = 0, 0
    for q in range(first, last):
        distance = np.int64(g[q])
        if distance >= _FAR:
            continue
        here = distance * distance + q * q
        while count > 1 and rise * (q - site) >= (here - height) * run:
            count -= 1
            site, height = sites[count - 1], heights[count - 1]
            run, rise = site - sites[max(count - 2, 0)], height - heights[max(count - 2, 0)]
        run, rise, site, height = q - site, here - height, q, here
        sites[count], heights[count] = q, here
        count += 1
    return count


@kernel
def _steps_along_the_rows(mask, upwards, downwards, distances, y0, y1):
    """Write the least of |x - q| + g(q): over 1 column to both sides, then 2, 4, 8 …, together as far as need be."""
    width = mask.shape[1]
    columns = np.empty((y1 - y0, width), np.int32)
    _down_the_columns(mask[y0:y1], upwards[y0 // BAND], downwards[y0 // BAND], columns)
    far = np.int32(_FAR)
    lines = np.full((2, 3 * width), far, np.int32)  # with room on either side
    for y in range(y0, y1):
        g, row, first = columns[y - y0], distances[y], lines[0, width : 2 * width]
        largest = np.int32(0)
        for x in range(width):
            first[x] = min(g[x], far)
            largest = max(largest, first[x])
        step, turn = 1, 0
        while step < width and step < largest:
            source, to = lines[turn], lines[1 - turn, width : 2 * width]
            here, left, right = source[width : 2 * width], source[width - step :], source[width + step :]
            more, largest = np.int32(step), np.int32(0)
            for x in range(width):
                best = min(here[x], np.int32(min(left[x], right[x]) + more))
                to[x] = best
                largest = max(largest, best)
            step, turn = 2 * step, 1 - turn
        values = lines[turn, width : 2 * width]
        for x in range(width):
            row[x] = np.float32(values[x]) if values[x] < far // 2 else np.float32(np.inf)


@kernel
def _sweep(mask, steps, distances):
    """Hand on the count of a king's steps from neighbour to neighbour: down from the row above, up from that below.

    Within a row, a pixel's number less its column falls where the step from its left neighbour is shorter: so the
    running minimum hands it on. ``distances`` may lie where ``steps`` does.
    """
    height, width = mask.shape
    far, one, zero = np.int32(_FAR), np.int32(1), np.int32(0)
    line = np.full(width + 2, far, np.int32)  # the row before, with a frame
    slopes = np.full(-(-width // EIGHT) * EIGHT, 2 * far - one, np.int32)  # this one, and what is beyond it
    west, here, east = line[:width], line[1 : width + 1], line[2 : width + 2]
    for y in range(height):
        pixels, row = mask[y], steps[y]
        for x in range(width):
            number = min(np.int32(min(west[x], min(here[x], east[x])) + one), far)
            slopes[x] = (number if pixels[x] else zero) - np.int32(x)
        least = far
        for x in range(0, width, EIGHT):
            least = least_from_left(slopes, x, least)
        for x in range(width):
            here[x] = slopes[x] + np.int32(x)
        for x in range(width):
            row[x] = here[x]
    here[:] = far
    slopes[:] = np.int32(far + width)
    for y in range(height - 1, -1, -1):
        row, values = steps[y], distances[y]
        for x in range(width):
            slopes[x] = min(row[x], np.int32(min(west[x], min(here[x], east[x])) + one)) + np.int32(x)
        least = np.int32(far + width)
        for x in range(slopes.size - EIGHT, -1, -EIGHT):
            least = least_from_right(slopes, x, least)
        for x in range(width):
            here[x] = slopes[x] - np.int32(x)
        for x in range(width):
            values[x] = np.float32(here[x]) if here[x] < far // 2 else np.float32(np.inf)
