"""Turn and scale of a picture against another one, read off their spectra, which a shift leaves alone.

Reddy & Chatterji 1996, "An FFT-Based Technique for Translation, Rotation, and Scale-Invariant Image Registration", IEEE
Transactions on Image Processing 5(8), which the code follows: in polar coordinates with the logarithm of the distance,
a turn of the spectrum is a shift along the angle, and a change of scale one along the distance.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.types import Array
from sightline.image.phase_correlation import phase_correlation
from sightline.image.warp import warp_by
from sightline.image.warp_affine import warp_affine

_ANGLES, _DISTANCES, _NEAREST = 360, 256, 4.0  # rows over half a turn, columns, and the first column's distance
_FINER = 20


def shift_between(fixed: Array, moving: Array) -> tuple[Array, float]:
    """Return the 3×3 translation from ``moving`` to ``fixed`` (float32, of one shape), and the height of its peak."""
    found = phase_correlation(moving, fixed, upsample=100)
    return np.array([[1, 0, found.dx], [0, 1, found.dy], [0, 0, 1.0]]), found.response


def turned(fixed: Array, moving: Array, model: str) -> tuple[Array, float, tuple[Array, Array]]:
    """Return the 3×3 matrix from ``moving`` to ``fixed``, the height of its peak, and both spectra as compared.

    Parameters
    ----------
    fixed, moving
        Float32 of one shape.
    model
        ``rigid`` keeps the scale; ``similarity`` finds it.
    """
    spectra = _unrolled(fixed), _unrolled(moving)
    found = phase_correlation(spectra[1], spectra[0], upsample=_FINER, taper=False)
    angle = found.dy * math.pi / _ANGLES
    scale = math.exp(-found.dx * _step(fixed.shape)) if model == "similarity" else 1.0
    height, width = fixed.shape
    best, highest = np.eye(3), -math.inf
    for turn in (angle, angle + math.pi):  # a spectrum looks the same upside down
        around = _around_middle(turn, scale, width, height)
        moved, response = shift_between(fixed, warp_affine(moving, around, value=float(moving.mean())))
        if response > highest:
            best, highest = moved @ around, response
    return best, highest, spectra


def _around_middle(angle: float, scale: float, width: int, height: int) -> Array:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    return np.array([[cosine, -sine, x - cosine * x + sine * y], [sine, cosine, y - sine * x - cosine * y], [0, 0, 1]])


def _step(shape: tuple[int, ...]) -> float:
    """Return by how much the logarithm of the distance grows from one column to the next."""
    return math.log(max(shape) / 2 / _NEAREST) / _DISTANCES


def _unrolled(picture: Array) -> Array:
    """Return the strength of a picture's waves over angle and distance, high frequencies raised, less its mean."""
    side = max(picture.shape)
    square = np.zeros((side, side), np.float32)
    down, across = (np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in picture.shape)
    square[: picture.shape[0], : picture.shape[1]] = (picture - picture.mean()) * np.outer(down, across)
    strength = np.fft.fftshift(np.abs(np.fft.fft2(square)))
    wave = np.cos(np.pi * (np.arange(side) - side // 2) / side)
    low = np.outer(wave, wave)
    raised = np.log1p(strength * ((1 - low) * (2 - low))).astype(np.float32)
    angle = np.arange(_ANGLES)[:, None] * (math.pi / _ANGLES)
    distance = _NEAREST * np.exp(np.arange(_DISTANCES) * _step(picture.shape))
    field = np.stack([side // 2 + distance * np.cos(angle), side // 2 + distance * np.sin(angle)], axis=2)
    values = warp_by("register", raised, field.astype(np.float32), "bilinear", "constant", 0.0)
    values -= values.mean(axis=0)
    fade = np.sin(np.pi * (np.arange(_DISTANCES) + 0.5) / _DISTANCES) ** 2
    return (values * fade).astype(np.float32)
