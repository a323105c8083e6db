"""Gabor filters: a wave under a bell, tuned to one frequency in one direction.

Daugman 1985, "Uncertainty relation for resolution in space, spatial frequency, and orientation optimized by
two-dimensional visual cortical filters", Journal of the Optical Society of America A 2(7), after Gabor 1946.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, number
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.correlation import correlate_window, frame_around
from sightline.image.gradient import as_gray

ENDS = 3  # standard deviations from the centre to the window's border
WIDEST = 200.0  # pixels: the largest standard deviation

Response = Float32[np.ndarray, "h w"]


@method(task="texture", paper="Daugman 1985", lesson="w1d4", example={"frequency": 0.2})
def gabor(
    image: Image,
    frequency: Annotated[float, Range(0.005, 0.5, 0.005)],
    theta: Annotated[float, Range(-2 * math.pi, 2 * math.pi, 0.05)] = 0.0,
    *,
    bandwidth: Annotated[float, Range(0.1, 4, 0.1)] = 1.0,
    sigma: Annotated[float, Range(0.2, WIDEST, 0.1)] | tuple[float, float] | None = None,
    offset: Annotated[float, Range(-math.pi, math.pi, 0.05)] = 0.0,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "symmetric",
) -> tuple[Response, Response]:
    """Return the responses to an even (cosine) and an odd (sine) wave under a Gaussian.

    The two are convolutions with the real and the imaginary part of exp(-(u²/σ₁² + v²/σ₂²) / 2 + i (2π f u + φ)) /
    (2π σ₁ σ₂), where u = x cos θ + y sin θ runs along the wave and v across it. NaN and infinity spoil the pixels
    within the window's reach.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    frequency
        Of the wave, in cycles per pixel, 0.005–0.5: one over the wavelength.
    theta
        Direction in which the wave runs, in radians from x towards y; -2π–2π.
    bandwidth
        Of the filter in octaves, 0.1–4, at half its height; sets ``sigma`` where that is None.
    sigma
        Standard deviation of the Gaussian in pixels, 0.2–200, or a pair (along, across) the wave; None takes it from
        ``bandwidth``.
    offset
        Phase φ of the wave in the middle of the window, in radians, -π–π.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).

    Returns
    -------
    even, odd
        H×W float32 each, signed, in the image's units; √(even² + odd²) is the strength, whatever the phase.

    References
    ----------
    J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation optimized by
    two-dimensional visual cortical filters", Journal of the Optical Society of America A 2(7), 1985.

    Examples
    --------
    >>> import numpy as np
    >>> waves = np.tile(np.cos(2 * np.pi * 0.25 * np.arange(32, dtype=np.float32)), (32, 1))
    >>> [round(float(np.hypot(*gabor(waves, 0.25, theta))[16, 16]), 2) for theta in (0, np.pi / 4, np.pi / 2)]
    [0.5, 0.01, 0.0]
    """
    gray, window = _checked(image, frequency, theta, bandwidth, sigma, offset, border)
    frame = frame_around(window.shape, (window.shape[0] // 2, window.shape[1] // 2), border)
    even, odd = empty(gray.shape, np.float32), empty(gray.shape, np.float32)
    turned = window[::-1, ::-1]
    correlate_window(gray, np.ascontiguousarray(turned.real), frame, even)
    correlate_window(gray, np.ascontiguousarray(turned.imag), frame, odd)
    return even, odd


@gabor.steps
def _(image: Image, frequency: float, theta: float = 0.0, **options: Any) -> Iterator[Step]:
    settings: dict[str, Any] = {"bandwidth": 1.0, "sigma": None, "offset": 0.0, "border": "symmetric", **options}
    gray, window = _checked(image, frequency, theta, **settings)
    yield Step("grey", Picture(gray))
    yield Step("kernels", Grid(np.stack([window.real, window.imag]).astype(np.float32)), note="Cosine and sine.")
    even, odd = gabor(image, frequency, theta, **options)
    yield Step("even", Heat(even), note="Crests are bright, troughs dark.")
    yield Step("odd", Heat(odd), note="A quarter of a wave later.")
    yield Step("responses", Value((even, odd)), Heat(np.hypot(even, odd)), note="Their length: the strength.")


def _checked(
    image: Any, frequency: float, theta: float, bandwidth: float, sigma: Any, offset: float, border: str
) -> tuple[Array, Array]:
    """Return the image in grey and the complex window."""
    gray = as_gray("gabor", image)
    choice("gabor", "border", border, BORDERS)
    frequency = number("gabor", "frequency", frequency, 0.005, 0.5, unit="cycles per pixel")
    theta = number("gabor", "theta", theta, -2 * math.pi, 2 * math.pi, unit="radians")
    bandwidth = number("gabor", "bandwidth", bandwidth, 0.1, 4, unit="octaves")
    offset = number("gabor", "offset", offset, -math.pi, math.pi, unit="radians")
    if sigma is None:
        octaves = 2.0**bandwidth
        sigma = math.sqrt(math.log(2) / 2) / math.pi * (octaves + 1) / (octaves - 1) / frequency
        if sigma > WIDEST:
            raise InputError(
                f"gabor: bandwidth must be larger at frequency {frequency:g}, for a sigma ≤ {WIDEST:g} pixels; got "
                f"{bandwidth:g} octaves, a sigma of {sigma:.0f}."
            )
        return gray, _window(frequency, theta, (sigma, sigma), offset)
    pair = sigma if isinstance(sigma, (tuple, list)) else (sigma, sigma)
    if len(pair) != 2:
        raise InputError(f"gabor: sigma must be a number or (along, across); got {describe(sigma)}.")
    along, across = (number("gabor", "sigma", part, 0.2, WIDEST, unit="pixels") for part in pair)
    return gray, _window(frequency, theta, (along, across), offset)


def _window(frequency: float, theta: float, sigmas: tuple[float, float], offset: float) -> Array:
    along, across = (ENDS * s for s in sigmas)
    cos, sin = math.cos(theta), math.sin(theta)
    reach_x = math.ceil(max(abs(along * cos), abs(across * sin), 1))
    reach_y = math.ceil(max(abs(across * cos), abs(along * sin), 1))
    y, x = np.mgrid[-reach_y : reach_y + 1, -reach_x : reach_x + 1]
    u, v = x * cos + y * sin, y * cos - x * sin
    bell = np.exp(-0.5 * ((u / sigmas[0]) ** 2 + (v / sigmas[1]) ** 2)) / (2 * math.pi * sigmas[0] * sigmas[1])
    return bell * np.exp(1j * (2 * math.pi * frequency * u + offset))
