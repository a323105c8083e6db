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
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS, source_indices
from sightline.image.correlation import correlate_window, frame_around

LARGEST = 31
_SMALL = {1: (1, 0), 3: (0, 2)}  # weights of the neighbours beside and above, and of the diagonal ones
_SHORT = 5  # the largest size whose sums of bytes int16 can hold

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
    the eight neighbours.

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
    if size in _SMALL:
        _nine(image, *_SMALL[size], border, result)
        return result
    sums = np.empty(image.shape, np.float32) if whole else result
    middle = size // 2
    correlate_window(image, _window(size), frame_around((size, size), (middle, middle), border), sums)
    if whole:
        np.copyto(result, np.rint(sums, out=sums), casting="unsafe")
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


def _nine(image: Array, beside: int, diagonal: int, border: str, result: Array) -> None:
    height, width = image.shape[:2]
    step = image.shape[2] if image.ndim == 3 else 1  # from a pixel to its right neighbour
    number = result.dtype.type
    source = image.astype(np.float32) if image.dtype == np.uint16 else image
    flat = source.reshape(height, -1), result.reshape(height, -1)
    rows, columns = source_indices(height, 1, border), source_indices(width, 1, border)
    ends = step * columns[0], step * columns[-1]
    over_rows(_weigh_nine, height, *flat, rows, *ends, step, number, number(beside), number(diagonal))


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised.
@kernel
def _weigh_nine(image, out, rows, first, last, step, number, beside, diagonal, y0, y1):
    n = image.shape[1]
    sides, middles = np.empty(n + 2 * step, number), np.empty(n, number)
    _weigh_rows(image, out, rows, first, last, step, number, beside, diagonal, sides, middles, y0, y1)


@kernel
def _weigh_rows(image, out, rows, first, last, step, number, beside, diagonal, sides, middles, y0, y1):
    """Write the weighted sum of 3×3 pixels; sums down the columns are padded and shared by three results."""
    n = image.shape[1]
    inner = sides[step : step + n]
    left, right = sides[:n], sides[2 * step :]
    four = number(number(-4) * number(beside + diagonal))
    for y in range(y0, y1):
        above, row, below, result = image[rows[y]], image[rows[y + 1]], image[rows[y + 2]], out[y]
        for x in range(n):
            pair, here = number(number(above[x]) + number(below[x])), number(row[x])
            inner[x] = number(number(diagonal * pair) + number(beside * here))
            middles[x] = number(number(beside * pair) + number(four * here))
        for k in range(step):
            sides[k], sides[step + n + k] = inner[first + k], inner[last + k]
        for x in range(n):
            result[x] = number(number(left[x] + right[x]) + middles[x])
