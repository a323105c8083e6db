"""Threshold: tell apart what is above a value and what is not."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.kernels import kernel, over_rows, quick
from sightline.core.types import Array, Choice, Image, Range

KINDS = ("binary", "binary_inverse", "truncate", "to_zero", "to_zero_inverse")
_WHITE: dict[type, int] = {np.uint8: 255, np.uint16: 65535, np.float32: 1}
_FINITE = float(np.finfo(np.float32).max)
_VALUES: dict[type, tuple[float, float, str]] = {  # lowest, highest, and how the sentence of an error ends
    np.uint8: (0, 255, "for uint8"),
    np.uint16: (0, 65535, "for uint16"),
    np.float32: (-_FINITE, _FINITE, "for float32"),
}
_ALONE = 1 << 19  # pixels that one thread has done before another one would be of use
_STRIP = 1 << 20  # pixels of a strip where there are more than two


@method(task="segmentation", paper="Rosenfeld & Kak 1976", lesson="w2d5", example={"value": 127})
def threshold(
    image: Image,
    value: Annotated[float, Range(0, 255)],
    kind: Annotated[str, Choice("binary", "binary_inverse", "truncate", "to_zero", "to_zero_inverse")] = "binary",
    *,
    out: Array | None = None,
) -> Image:
    """Return ``image`` with its values replaced by whether they are above ``value``.

    NaN stays NaN, whatever the kind; infinity is above or below as its sign says.

    Parameters
    ----------
    image
        H×W or H×W×C, each channel on its own; uint8, uint16 or float32.
    value
        Highest value that counts as below, in the image's own units: 0–255 for uint8, 0–65535 for uint16, 0–1 for
        float32 (any finite number is taken there).
    kind
        What becomes of values above and not above: ``binary`` white and black (white is 255, 65535 or 1.0),
        ``binary_inverse`` black and white, ``truncate`` ``value`` (rounded down for integers) and unchanged,
        ``to_zero`` unchanged and 0, ``to_zero_inverse`` 0 and unchanged.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image of the same shape and dtype.

    References
    ----------
    A. Rosenfeld, A. C. Kak, "Digital Picture Processing", Academic Press, 1976, chapter 8.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[10, 100, 101, 200]], np.uint8)
    >>> threshold(row, 100).tolist()
    [[0, 0, 255, 255]]
    >>> threshold(row, 100, kind="to_zero").tolist()
    [[0, 0, 101, 200]]
    """
    image = as_image("threshold", image, channels=())
    kind = choice("threshold", "kind", kind, KINDS)
    scalar = image.dtype.type
    low, high, unit = _VALUES[scalar]
    value = number("threshold", "value", value, low, high, unit=unit)
    result = output("threshold", out, image.shape, image.dtype, [image])
    size = image.size
    strip = size if size <= _ALONE else min(size // 128 * 64 + 64, _STRIP)
    over_rows(_threshold, size, image.reshape(-1), *_numbers(scalar, value, kind), result.reshape(-1), strip=strip)
    return result


@lru_cache
def _numbers(scalar: type, value: float, kind: str) -> tuple:
    """Return the level, what becomes of pixels above it and not above it, and which of the two stay as they are."""
    white, level = _WHITE[scalar], scalar(value)  # rounded down for integers: there x > 100.5 is x > 100
    above, below = {
        "binary": (white, 0),
        "binary_inverse": (0, white),
        "truncate": (level, None),
        "to_zero": (None, 0),
        "to_zero_inverse": (0, None),
    }[kind]
    return level, scalar(above or 0), scalar(below or 0), above is None, below is None


@quick
@kernel
def _threshold(image, level, above, below, keep_above, keep_below, out, x0, x1):
    row, to = image[x0:x1], out[x0:x1]
    for x in range(row.size):
        pixel = row[x]
        high = pixel if keep_above else above
        low = pixel if keep_below else below
        chosen = high if pixel > level else low
        to[x] = chosen if pixel == pixel else pixel  # NaN is not equal to itself
