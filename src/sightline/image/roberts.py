"""Roberts edges: the two diagonal differences of 2×2 pixels, the smallest operator that sees every direction.

Roberts 1963, "Machine perception of three-dimensional solids" (thesis, MIT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Image
from sightline.image.gradient import as_gray


@method(task="edges", paper="Roberts 1963", lesson="w1d6")
def roberts(image: Image, *, out: np.ndarray | None = None) -> Float32[np.ndarray, "h w"]:
    """Return how strongly brightness changes at each pixel: the length of the Roberts cross.

    The length is √(a² + b²), where a is the lower right pixel less this one and b the lower one less the right one. It
    belongs to the corner between the four. It is not normalised, in the image's units, and float32 for every image.
    Beyond the border the outermost pixels are repeated. NaN and infinity spread to the pixels left and above.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    out
        H×W float32 array to write to; None makes a new one.

    Returns
    -------
    magnitude
        H×W float32, ≥ 0. ``roberts(image) / 255`` lies in 0–√2 for uint8.

    References
    ----------
    L. G. Roberts, "Machine perception of three-dimensional solids", thesis, Massachusetts Institute of Technology,
    1963.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.zeros((2, 4), np.uint8)
    >>> step[:, 2:] = 100
    >>> roberts(step)[0].round().tolist()
    [0.0, 141.0, 0.0, 0.0]
    """
    image = as_gray("roberts", image)
    out = output("roberts", out, image.shape, np.float32, [image])
    source = image.astype(np.float32) if image.dtype == np.uint16 else image
    over_rows(_cross, len(image), source, out)
    return out


@roberts.steps
def _(image: Image, *, out: Any = None) -> Iterator[Step]:
    gray = as_gray("roberts", image)
    yield Step("grey", Picture(gray))
    padded = np.pad(gray.astype(np.float32), ((0, 1), (0, 1)), mode="edge")
    yield Step("falling", Heat(padded[1:, 1:] - padded[:-1, :-1]), note="The lower right pixel less this one.")
    yield Step("rising", Heat(padded[1:, :-1] - padded[:-1, 1:]), note="The lower pixel less the right one.")
    yield Step("magnitude", Heat(roberts(image, out=out)), note="√(a² + b²): edges of every direction.")


@kernel
def _cross(image, out, y0, y1):
    height, width = image.shape
    for y in range(y0, y1):
        row, below, result = image[y], image[min(y + 1, height - 1)], out[y]
        for x in range(width - 1):
            falling = np.float32(below[x + 1]) - np.float32(row[x])
            rising = np.float32(below[x]) - np.float32(row[x + 1])
            result[x] = np.sqrt(falling * falling + rising * rising)
        last = np.float32(below[width - 1]) - np.float32(row[width - 1])
        result[width - 1] = np.sqrt(last * last + last * last)
