"""Horn and Schunck's flow: brightness stays, and the flow changes as little as it can from pixel to pixel.

Horn & Schunck 1981, "Determining Optical Flow", Artificial Intelligence 17, whose iteration (20) the code repeats; from
coarse to fine, with the second picture fetched along the flow, as Meinhardt-Llopis, Sánchez & Kondermann 2013,
"Horn–Schunck Optical Flow with a Multi-Scale Strategy", IPOL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.kernels import over_rows
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Flow, Image, Range
from sightline.motion.flow_fields import as_flow, from_coarse_to_fine, in_chunks
from sightline.motion.flow_pair import as_pair, example_next, smoothed
from sightline.motion.flow_relaxation import AT_ONCE, horn_schunck_steps
from sightline.motion.flow_steps import steps_of_levels

_OPTIONS: dict[str, Any] = {"levels": 4, "warps": 5, "sigma": 0.6}


@method(
    task="optical flow",
    paper="Horn & Schunck 1981",
    lesson="w3d6",
    example={"b": example_next, "iterations": 10, "warps": 2},
)
def horn_schunck(
    a: Image,
    b: AnyImage,
    alpha: Annotated[float, Range(0.1, 1000, 0.5)] = 8.0,
    iterations: Annotated[int, Range(1, 1000, 1)] = 100,
    *,
    levels: Annotated[int, Range(0, 10, 1)] = 4,
    warps: Annotated[int, Range(1, 50, 1)] = 5,
    sigma: Annotated[float, Range(0, 10, 0.1)] = 0.6,
) -> Flow:
    """Return where each pixel of a picture is in the next one, smooth everywhere.

    With ``levels=0`` and ``warps=1`` it is the method of 1981, for motion below a pixel. NaN and infinity are refused.

    Parameters
    ----------
    a, b
        The two pictures, H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32; of one size.
    alpha
        How much smoothness counts against brightness, in grey levels of 255 per pixel, 0.1–1000: larger is smoother.
    iterations
        Steps of Jacobi's iteration after each warp, 1–1000.
    levels
        How many times the pictures are halved, 0–10, while they are more than 15 pixels wide and high.
    warps
        How often, on each level, the second picture is fetched along the flow so far, 1–50.
    sigma
        Standard deviation of the blur before all else, in pixels, 0–10.

    Returns
    -------
    ndarray
        H×W×2 float32 (dx, dy) in pixels.

    Raises
    ------
    InputError
        When the pictures differ in size, or an option is out of its range.

    References
    ----------
    B. K. P. Horn, B. G. Schunck, "Determining Optical Flow", Artificial Intelligence 17, 1981.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :80]
    >>> a = np.uint8(127 + 60 * np.sin(x / 4) + 60 * np.cos(y / 5))
    >>> flow = horn_schunck(a, np.roll(a, 1, axis=1))
    >>> (flow[20:40, 20:60].mean(axis=(0, 1)).round(1) + 0).tolist()
    [1.0, 0.0]
    """
    options = {"levels": levels, "warps": warps, "sigma": sigma}
    *_, (u, _, _) = _flows(a, b, alpha, iterations, **options)
    return as_flow(u, a.shape[1])


@horn_schunck.steps
def _steps(a: Image, b: AnyImage, alpha: float = 8.0, iterations: int = 100, **options: Any) -> Iterator[Step]:
    yield from steps_of_levels(a, b, _flows(a, b, alpha, iterations, **(_OPTIONS | options)))


def _flows(
    a: Any, b: Any, alpha: Any, iterations: Any, levels: Any, warps: Any, sigma: Any
) -> Iterator[tuple[Array, Array, int]]:
    name = "horn_schunck"
    first, second = as_pair(name, a, b)
    alpha = number(name, "alpha", alpha, 0.1, 1000, unit="grey levels per pixel")
    iterations = integer(name, "iterations", iterations, 1, 1000)
    levels, warps = integer(name, "levels", levels, 0, 10), integer(name, "warps", warps, 1, 50)
    sigma = number(name, "sigma", sigma, 0, 10, unit="pixels")

    def relax(data: Array, u: Array, width: int) -> Array:
        for steps in in_chunks(iterations, AT_ONCE):
            out = empty(u.shape, np.float32)
            over_rows(horn_schunck_steps, u.shape[1], data, u, width, np.float32(alpha**2), steps, out, strip=32)
            u = out
        return u

    yield from from_coarse_to_fine(smoothed(first, sigma), smoothed(second, sigma), levels, warps, relax)
