"""TV-L1 flow: brightness may jump here and there, and the flow may, too, along few edges.

Zach, Pock & Bischof 2007, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM, in the order of Sánchez,
Meinhardt-Llopis & Facciolo 2013, "TV-L1 Optical Flow Estimation", IPOL; medians between the warps as Wedel, Pock, Zach,
Bischof & Cremers 2009, "An Improved Algorithm for TV-L1 Optical Flow".
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
from sightline.image.median_blur import median_blur
from sightline.motion.flow_fields import MARGIN, as_flow, from_coarse_to_fine, in_chunks
from sightline.motion.flow_pair import as_pair, example_next, smoothed
from sightline.motion.flow_relaxation import AT_ONCE, tv_l1_steps
from sightline.motion.flow_steps import steps_of_levels

_TAU = 0.25  # step of the dual: at most 1/4 for it to converge
_OPTIONS: dict[str, Any] = {
    "attachment": 0.4, "tightness": 0.3, "iterations": 30, "levels": 5, "warps": 5, "sigma": 0.6, "median": 5,
}  # fmt: skip


@method(
    task="optical flow", paper="Zach 2007", lesson="w3d6", example={"b": example_next, "iterations": 10, "warps": 2}
)
def tv_l1(
    a: Image,
    b: AnyImage,
    *,
    attachment: Annotated[float, Range(0.001, 10, 0.01)] = 0.4,
    tightness: Annotated[float, Range(0.01, 2, 0.01)] = 0.3,
    iterations: Annotated[int, Range(1, 1000, 1)] = 30,
    levels: Annotated[int, Range(0, 10, 1)] = 5,
    warps: Annotated[int, Range(1, 50, 1)] = 5,
    sigma: Annotated[float, Range(0, 10, 0.1)] = 0.6,
    median: Annotated[int, Range(1, 9, 2)] = 5,
) -> Flow:
    """Return where each pixel of a picture is in the next one, sharp where things move apart.

    NaN and infinity are refused.

    Parameters
    ----------
    a, b
        The two pictures, H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32; of one size.
    attachment
        λ: how much brightness counts against smoothness, per grey level of 255, 0.001–10: smaller is smoother.
    tightness
        θ: how far the two may be apart while they are minimized in turns, 0.01–2.
    iterations
        Turns after each warp, 1–1000.
    levels
        How many times the pictures are halved, 0–10, while they are more than 15 pixels wide and high.
    warps
        How often, on each level, the second picture is fetched along the flow so far, 1–50.
    sigma
        Standard deviation of the blur before all else, in pixels, 0–10.
    median
        Side of the median of the flow after each warp, in pixels, odd, 1–9; 1 is none.

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
    C. Zach, T. Pock, H. Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM, 2007. J. Sánchez, E.
    Meinhardt-Llopis, G. Facciolo, "TV-L1 Optical Flow Estimation", Image Processing On Line 3, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :80]
    >>> a = np.uint8(127 + 60 * np.sin(x / 4) + 60 * np.cos(y / 5))
    >>> flow = tv_l1(a, np.roll(a, 1, axis=1))
    >>> (flow[20:40, 20:60].mean(axis=(0, 1)).round(1) + 0).tolist()
    [1.0, 0.0]
    """
    *_, (u, _, _) = _flows(a, b, attachment, tightness, iterations, levels, warps, sigma, median)
    return as_flow(u, a.shape[1])


@tv_l1.steps
def _steps(a: Image, b: AnyImage, **options: Any) -> Iterator[Step]:
    yield from steps_of_levels(a, b, _flows(a, b, **(_OPTIONS | options)))


def _flows(
    a: Any, b: Any, attachment: Any, tightness: Any, iterations: Any, levels: Any, warps: Any, sigma: Any, median: Any
) -> Iterator[tuple[Array, Array, int]]:
    name = "tv_l1"
    first, second = as_pair(name, a, b)
    attachment = number(name, "attachment", attachment, 0.001, 10)
    tightness = number(name, "tightness", tightness, 0.01, 2)
    iterations, levels = integer(name, "iterations", iterations, 1, 1000), integer(name, "levels", levels, 0, 10)
    warps, median = integer(name, "warps", warps, 1, 50), integer(name, "median", median, 1, 9, odd=True)
    sigma = number(name, "sigma", sigma, 0, 10, unit="pixels")
    weights = np.float32(attachment * tightness), np.float32(tightness), np.float32(_TAU / tightness)
    dual = np.zeros(0, np.float32)

    def relax(data: Array, u: Array, width: int) -> Array:
        nonlocal dual
        if dual.shape[1:] != u.shape[1:]:
            dual = np.zeros((4, *u.shape[1:]), np.float32)
        state = np.concatenate([u, dual])
        squared = data[1] * data[1] + data[2] * data[2]
        known = squared > 1e-9
        data = np.concatenate([data, (known / np.where(known, squared, 1))[None].astype(np.float32)])
        for steps in in_chunks(iterations, AT_ONCE):
            out = empty(state.shape, np.float32)
            over_rows(tv_l1_steps, state.shape[1], data, state, width, *weights, steps, out, strip=32)
            state = out
        u, dual = state[:2], state[2:]
        return _without_outliers(u, width, median) if median > 1 else u

    yield from from_coarse_to_fine(smoothed(first, sigma), smoothed(second, sigma), levels, warps, relax)


def _without_outliers(u: Array, width: int, size: int) -> Array:
    out = u.copy()
    for plane, row in zip(u, out, strict=True):
        row[:, MARGIN : MARGIN + width] = median_blur(np.ascontiguousarray(plane[:, MARGIN : MARGIN + width]), size)
    return out
