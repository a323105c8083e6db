"""The Laplacian: the sum of both second derivatives, positive in dark spots, negative in bright ones.

Marr & Hildreth 1980, "Theory of edge detection", Proceedings of the Royal Society B 207, find edges where it changes
its sign; the larger windows are Sobel's, second differences smoothed by binomial weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32, Int16

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import prefetch
from sightline.core.layers import Heat, Picture, Value
from sightline.core.narrow import minus, plus
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS, interleaved, source_indices
from sightline.image.correlation import correlate_window, frame_around

LARGEST = 31
_SMALL = {1: (1, 0), 3: (0, 2)}  # weights of the neighbours beside and above, and of the diagonal ones
_LINE = 64  # bytes of a cache line
_SHORT = 5  # the largest size whose sums of bytes int16 can hold, and that has kernels of its own

Response = Int16[np.ndarray, "h w *c"] | Float32[np.ndarray, "h w *c"]


@method(task="derivatives", paper="Marr & Hildreth 1980", lesson="w1d6")
def laplacian(
    image: Image,
    *,
    size: Annotated[int, Range(1, LARGEST, 2)] = 1,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "reflect",
    out: Array | None = None,
) -> Response:
    """Return the sum of the second derivatives along x and y, of each channel.

    The sums are not normalised: the parabola (x² + y²) / 2 gives 2 at size 1 and 8 at size 3. NaN and infinity spoil
    the pixels that a weight other than 0 carries them to.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    size
        Side of the window in pixels, odd, 1–31: ``1`` takes the four neighbours beside and above (0, 1, 0; 1, -4, 1;
        0, 1, 0), ``3`` twice the diagonal ones (2, 0, 2; 0, -8, 0; 2, 0, 2), larger ones Sobel's second derivatives.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the shape and dtype that is returned; None for a new one.

    Returns
    -------
    Signed values of the image's shape, in its units: int16 for uint8 images up to size 5, float32 otherwise.

    References
    ----------
    D. Marr, E. Hildreth, "Theory of edge detection", Proceedings of the Royal Society of London B 207, 1980.

    Examples
    --------
    >>> import numpy as np
    >>> parabola = np.tile(np.arange(6, dtype=np.uint8) ** 2, (3, 1))
    >>> laplacian(parabola)[1].tolist()
    [2, 2, 2, 2, 2, -18]
    """
    image, size = _checked(image, size, border)
    whole = image.dtype == np.uint8 and size <= _SHORT
    result = output("laplacian", out, image.shape, np.int16 if whole else np.float32, [image])
    if size <= _SHORT:
        _short(image, size, border, result)
    else:
        middle = size // 2
        correlate_window(image, _window(size), frame_around((size, size), (middle, middle), border), result)
    return result


@laplacian.steps
def _(image: Image, *, size: int = 1, border: str = "reflect", out: Array | None = None) -> Iterator[Step]:
    picture, size = _checked(image, size, border)
    yield Step("picture", Picture(picture))
    yield Step("kernel", Heat(_window(size).astype(np.float32)), note="Second differences along x and y.")
    result = laplacian(image, size=size, border=border, out=out)
    shown = result.astype(np.float32)
    yield Step("laplacian", Value(result), Heat(shown if shown.ndim == 2 else shown.mean(axis=2)))


def _checked(image: Any, size: int, border: str) -> tuple[Array, int]:
    choice("laplacian", "border", border, BORDERS)
    size = integer("laplacian", "size", size, 1, LARGEST, odd=True)
    return as_image("laplacian", image, channels=()), size


def _window(size: int) -> Array:
    """Return the weights: d² across times a binomial smoothing along, for both directions together."""
    if size in _SMALL:
        beside, diagonal = _SMALL[size]
        middle = -4 * (beside + diagonal)
        outer = [diagonal, beside, diagonal]
        return np.array([outer, [beside, middle, beside], outer], np.float64)
    smooth, second = np.ones(1), np.array([1.0, -2.0, 1.0])
    for _ in range(size - 1):
        smooth = np.convolve(smooth, (1, 1))
    for _ in range(size - 3):
        second = np.convolve(second, (1, 1))
    return np.outer(smooth, second) + np.outer(second, smooth)


def _short(image: Array, size: int, border: str, result: Array) -> None:
    height, width = image.shape[:2]
    step = image.shape[2] if image.ndim == 3 else 1  # from a pixel to its right neighbour
    source = image.astype(np.float32) if image.dtype == np.uint16 else image
    flat = source.reshape(height, -1), result.reshape(height, -1)
    reach = max(size // 2, 1)
    rows, columns = source_indices(height, reach, border), source_indices(width, reach, border)
    beyond = interleaved(columns, step)
    if size == _SHORT:
        over_rows(_weigh_five, height, *flat, rows, beyond, step, strip=192)
    else:
        over_rows(_weigh_three, height, *flat, rows, beyond, step, size == 1, strip=192)


@kernel
def _weigh_three(image, out, rows, beyond, step, beside, y0, y1):
    """Write the sum of four neighbours less four times the pixel; diagonal ones count twice."""
    n, number = image.shape[1], out.dtype.type
    m = max(n - 2 * step, 0)
    for y in range(y0, y1):
        above, row, below, result = image[rows[y]], image[rows[y + 1]], image[rows[y + 2]], out[y]
        if image.itemsize > 1:  # rows of bytes are too short to gain
            ahead, after = image[rows[min(y + 3, rows.size - 1)]], out[min(y + 1, y1 - 1)]
            for x in range(0, n, _LINE // out.itemsize):  # the next rows: the processor foresees none beyond its page
                prefetch(ahead, x)
                prefetch(after, x)
        inner, middle = result[step : step + m], row[step : step + m]
        if beside:
            _sum_less_four(above[step:], row[: n - step], row[2 * step :], below[step:], middle, number, inner)
        else:
            _twice_sum_less_four(above, above[2 * step :], below, below[2 * step :], middle, number, inner)
        for k in range(min(2 * step, n)):
            x = k if k < step else n - 2 * step + k
            left, right = beyond[x], beyond[x + 2 * step]
            a, b, c, d = (
                (above[x], row[left], row[right], below[x])
                if beside
                else (above[left], above[right], below[left], below[right])
            )
            result[x] = _less_four(number(a), number(b), number(c), number(d), number(row[x]))
            if not beside:
                result[x] = plus(result[x], result[x])


# Inlined, because a row handed to a compiled function costs two atomic counts of its references.
@kernel(inline=True)
def _sum_less_four(a, b, c, d, middle, number, out):
    for x in range(out.size):
        out[x] = _less_four(number(a[x]), number(b[x]), number(c[x]), number(d[x]), number(middle[x]))


@kernel(inline=True)
def _twice_sum_less_four(a, b, c, d, middle, number, out):
    for x in range(out.size):
        once = _less_four(number(a[x]), number(b[x]), number(c[x]), number(d[x]), number(middle[x]))
        out[x] = plus(once, once)


@kernel(inline=True)
def _less_four(a, b, c, d, middle):
    two = plus(middle, middle)
    return minus(plus(plus(a, b), plus(c, d)), plus(two, two))


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised.
@kernel
def _weigh_five(image, out, rows, beyond, step, y0, y1):
    n, number = image.shape[1], out.dtype.type
    lines = np.empty((3, n + 4 * step), out.dtype)
    _weigh_five_of(image, out, rows, beyond, step, number, lines[0], lines[1], lines[2], y0, y1)


@kernel
def _weigh_five_of(image, out, rows, beyond, step, number, outer, near, middle, y0, y1):
    """Write smoothing (1 4 6 4 1) times differences (1 0 -2 0 1), plus the same turned.

    Down the columns, S and D are sums under the one and the other. Across, S + D has weight 1 at the outermost columns,
    D weight 4 at the near ones, and 6 D - 2 S is the middle.
    """
    n = image.shape[1]
    margin = 2 * step
    outer_row, near_row = outer[margin : margin + n], near[margin : margin + n]
    for y in range(y0, y1):
        a, b, c = image[rows[y]], image[rows[y + 1]], image[rows[y + 2]]
        d, e = image[rows[y + 3]], image[rows[y + 4]]
        ahead, after = image[rows[min(y + 5, rows.size - 1)]], out[min(y + 1, y1 - 1)]
        for x in range(0, n, _LINE // out.itemsize):
            prefetch(ahead, x)
            prefetch(after, x)
        for x in range(n):
            far, here = plus(number(a[x]), number(e[x])), number(c[x])
            beside = plus(plus(number(b[x]), number(d[x])), here)
            twice = plus(beside, beside)
            both = plus(plus(far, far), plus(twice, twice))  # S + D
            difference = minus(far, plus(here, here))
            two = plus(difference, difference)
            four = plus(two, two)
            outer_row[x] = both
            near_row[x] = four
            middle[x] = minus(plus(four, four), plus(both, both))
        for x in range(margin):
            for line, row in ((outer, outer_row), (near, near_row)):
                line[x] = row[beyond[x]]
                line[margin + n + x] = row[beyond[margin + n + x]]
        _sum_of_five(outer[:n], near[step:], middle, near[3 * step :], outer[4 * step :], out[y])


@kernel(inline=True)
def _sum_of_five(a, b, c, d, e, out):
    for x in range(out.size):
        out[x] = plus(plus(plus(a[x], e[x]), plus(b[x], d[x])), c[x])
