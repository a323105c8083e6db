"""Back-projection: mark the pixels whose colour a histogram knows.

Swain & Ballard 1991, "Color Indexing", International Journal of Computer Vision 7(1): every pixel is replaced by what
the histogram holds for its colour, so that an object lights up wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, output
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image
from sightline.image.counting import look_up_joint
from sightline.image.histogram import joint_tables

Values = Float[np.ndarray, "..."] | Int[np.ndarray, "..."]


@method(task="tone", paper="Swain & Ballard 1991", lesson="w1d3", example={"histogram": np.arange(16.0)})
def back_project(
    image: Image,
    histogram: Values,
    *,
    channels: Sequence[int] | None = None,
    limits: Sequence[Any] | None = None,
    out: Array | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Return for each pixel what a histogram holds for its colour.

    Divide the histogram of a region by its sum for the probability that a pixel of that colour occurs in the region,
    or by its maximum for values 0–1. Hue and saturation are the usual channels: they change little with the light.
    What lies outside the limits gives 0. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    histogram
        One axis a channel, at most three: a result of ``sightline.image.histogram``, or anything finite of that form.
    channels
        The channels that the axes of ``histogram`` stand for; None for the first ones in order.
    limits
        As they were when the histogram was made: ``(low, high)``, a pair for each channel, or None for the dtype's.
    out
        H×W float32 array to write to; None for a new one.

    Returns
    -------
    values
        H×W float32, in the unit of ``histogram``.

    Raises
    ------
    InputError
        When the histogram has no or more than three axes, or does not fit the channels.

    References
    ----------
    M. J. Swain, D. H. Ballard, "Color Indexing", International Journal of Computer Vision 7(1), 1991.

    Examples
    --------
    >>> import numpy as np
    >>> back_project(np.array([[0, 100, 255]], np.uint8), np.array([0.25, 0.75])).tolist()
    [[0.25, 0.25, 0.75]]
    """
    image = as_image("back_project", image, channels=(), finite=True)
    values = _checked(histogram)
    wanted = tuple(range(values.ndim)) if channels is None else channels
    levels, chosen, tables, shape = joint_tables("back_project", image, values.shape, wanted, limits)
    if shape != values.shape:
        raise InputError(f"back_project: histogram must have one axis a channel; got {describe(histogram)}.")
    result = output("back_project", out, image.shape[:2], np.float32, [image])
    table = np.concatenate([np.zeros(1, np.float32), values.astype(np.float32).ravel()])
    planes = image.shape[2] if image.ndim == 3 else 1
    flat = levels.reshape(-1), planes, chosen, tables, table, result.reshape(-1)
    over_rows(look_up_joint, result.size, *flat, strip=1 << 16)
    return result


@back_project.steps
def _steps(
    image: Image,
    histogram: Values,
    *,
    channels: Sequence[int] | None = None,
    limits: Sequence[Any] | None = None,
    out: Array | None = None,
) -> Iterator[Step]:
    yield Step("image", Picture(as_image("back_project", image, channels=(), finite=True)))
    result = back_project(image, histogram, channels=channels, limits=limits, out=out)
    yield Step("back-projection", Heat(result), note="Bright where the histogram knows the colour.")


def _checked(histogram: Any) -> Array:
    if not isinstance(histogram, np.ndarray) or histogram.dtype.kind not in "iuf" or not 1 <= histogram.ndim <= 3:
        raise InputError(f"back_project: histogram must be an array of one to three axes; got {describe(histogram)}.")
    if histogram.size == 0 or not np.isfinite(histogram).all():
        raise InputError("back_project: histogram must be finite and not empty; got NaN, infinity or nothing.")
    return histogram
