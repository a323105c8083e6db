"""Farnebäck's flow: every neighbourhood is a quadratic polynomial, and a shift of it changes its linear part.

Farnebäck 2003, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA, whose order the code follows; from
coarse to fine and fading at the border as OpenCV's ``calcOpticalFlowFarneback`` does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.kernels import over_rows
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Flow, Image, Range
from sightline.image.draw_motion import flow as draw_flow
from sightline.image.gaussian_blur import correlate_separable
from sightline.image.resize import resize
from sightline.motion.flow_pair import as_levels, as_pair, example_next
from sightline.motion.flow_polynomials import PLACES, equations, expand, solve

_SMALLEST = 32  # pixels: no level is narrower
_FADING = np.array([0.14, 0.14, 0.4472, 0.4472, 0.4472], np.float32)  # what the outermost pixels' equations are worth


@method(task="optical flow", paper="Farnebäck 2003", lesson="w3d6", example={"b": example_next})
def farneback(
    a: Image,
    b: AnyImage,
    *,
    levels: Annotated[int, Range(0, 10, 1)] = 3,
    window: Annotated[int, Range(3, 101, 2)] = 15,
    iterations: Annotated[int, Range(1, 20, 1)] = 3,
    size: Annotated[int, Range(3, 15, 2)] = 5,
    sigma: Annotated[float, Range(0.1, 5, 0.1)] = 1.2,
    kind: Annotated[str, Choice("box", "gaussian")] = "box",
) -> Flow:
    """Return where each pixel of a picture is in the next one, quickly and smoothly.

    NaN and infinity are refused.

    Parameters
    ----------
    a, b
        The two pictures, H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32; of one size.
    levels
        How many times the pictures are halved, 0–10, while they are at least 32 pixels wide and high.
    window
        Side of the square over which motion is alike, in pixels, odd, 3–101: wider is smoother and surer.
    iterations
        How often the displacement is found anew on each level, 1–20.
    size
        Side of the neighbourhood that becomes a polynomial, in pixels, odd, 3–15. OpenCV's ``poly_n`` is half of it:
        its usual 5 is 11 here, which is smoother and less exact.
    sigma
        Standard deviation of the bell that weighs it, in pixels, 0.1–5.
    kind
        Whether all of the window counts the same (``box``) or its middle counts most (``gaussian``; better, slower).

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
    G. Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :80]
    >>> a = np.uint8(127 + 60 * np.sin(x / 4) + 60 * np.cos(y / 5))
    >>> flow = farneback(a, np.roll(a, 1, axis=1))
    >>> (flow[20:40, 20:60].mean(axis=(0, 1)).round(1) + 0).tolist()
    [1.0, 0.0]
    """
    options = _checked(levels, window, iterations, size, sigma, kind)
    *_, (flow, _) = _flows(*as_pair("farneback", a, b), *options)
    return flow


@farneback.steps
def _steps(a: Image, b: AnyImage, **options: Any) -> Iterator[Step]:
    chosen = {"levels": 3, "window": 15, "iterations": 3, "size": 5, "sigma": 1.2, "kind": "box"} | options
    yield Step("pair", Picture(a), Picture(b), note="Two pictures, one after the other.")
    flow = np.zeros((1, 1, 2), np.float32)
    for flow, name in _flows(*as_pair("farneback", a, b), *_checked(**chosen)):
        note = f"Up to {np.abs(flow).max():.1f} pixels of this level."
        yield Step(name, Picture(draw_flow(flow)), note=note)
    yield Step("flow", Value(flow), Picture(draw_flow(flow)), note="Hue: where to; saturation: how far.")


def _checked(levels: Any, window: Any, iterations: Any, size: Any, sigma: Any, kind: Any) -> tuple[Any, ...]:
    return (
        integer("farneback", "levels", levels, 0, 10),
        integer("farneback", "window", window, 3, 101, odd=True),
        integer("farneback", "iterations", iterations, 1, 20),
        integer("farneback", "size", size, 3, 15, odd=True),
        number("farneback", "sigma", sigma, 0.1, 5, unit="pixels"),
        choice("farneback", "kind", kind, ("box", "gaussian")),
    )


def _flows(
    a: Array, b: Array, levels: int, window: int, iterations: int, size: int, sigma: float, kind: str
) -> Iterator[tuple[Array, str]]:
    """Yield the flow on each level, the coarsest first, with its name."""
    height, width = a.shape
    coarse = 0
    while coarse < levels and min(height, width) * 0.5 ** (coarse + 1) >= _SMALLEST:
        coarse += 1
    weights, inverse = _expansion(size, sigma)
    around, box = _window(window, kind), kind == "box"
    flow: Array | None = None
    for level in range(coarse, -1, -1):
        shape = (round(height * 0.5**level), round(width * 0.5**level))
        if flow is None:
            flow = np.zeros((*shape, 2), np.float32)
        else:
            flow = resize(flow, shape, "bilinear", False) * np.float32(2)
        first, second = (_expanded(_at_level(picture, level, shape), weights, inverse) for picture in (a, b))
        products = empty((shape[0], 5, shape[1]), np.float32)
        for _ in range(iterations):
            over_rows(equations, shape[0], first, second.reshape(-1), flow, _FADING, products, strip=32)
            over_rows(solve, shape[0], products, around, box, flow, strip=64)
        yield flow, f"level {level}"


def _at_level(picture: Array, level: int, shape: tuple[int, int]) -> Array:
    """Return the brightness as float32, smoothed as much as the level is coarse, at its size."""
    sigma = (2.0**level - 1) / 2
    half = max(round(5 * sigma) | 1, 3) // 2
    bell = np.exp(-0.5 * (np.arange(half + 1) / sigma) ** 2) if level else np.array([2.0, 1.0])
    bell = (bell / (bell[0] + 2 * bell[1:].sum())).astype(np.float32)
    sharp = as_levels(picture) if picture.dtype == np.uint8 else picture
    smooth = empty(sharp.shape, np.float32)
    correlate_separable(sharp, bell, bell, "reflect", smooth)
    return smooth if level == 0 else resize(smooth, shape, "bilinear", False)


def _expansion(size: int, sigma: float) -> tuple[Array, Array]:
    """Return the weights of a neighbourhood, and the part of the inverse of their correlation that is not 0."""
    away = np.arange(size // 2 + 1)
    bell = np.exp(-(away**2) / (2 * sigma**2))
    bell /= bell[0] + 2 * bell[1:].sum()
    two, four = 2 * (bell * away**2).sum(), 2 * (bell * away**4).sum()
    inverse = np.array([1 / two, -two / (four - two * two), 1 / (four - two * two), 1 / (two * two)], np.float32)
    return np.stack([bell, bell * away, bell * away**2]).astype(np.float32), inverse


def _window(window: int, kind: str) -> Array:
    away = np.arange(window // 2 + 1)
    if kind == "box":
        return np.full(away.size, 1 / window, np.float32)
    bell = np.exp(-(away**2) / (2 * (0.3 * (window // 2)) ** 2))
    return (bell / (bell[0] + 2 * bell[1:].sum())).astype(np.float32)


def _expanded(picture: Array, weights: Array, inverse: Array) -> Array:
    height, width = picture.shape
    out = empty((height, (width + 1) * PLACES), np.float32)  # a pixel more: the last vector is read whole
    over_rows(expand, height, picture, weights, inverse, out, strip=32)
    return out
