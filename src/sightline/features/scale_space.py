"""Scale space: an image under ever wider Gaussians, several to the octave, halved from octave to octave.

Witkin 1983, "Scale-space filtering", IJCAI; built as in Lowe 2004, "Distinctive Image Features from Scale-Invariant
Keypoints", International Journal of Computer Vision 60(2), sections 3 and 3.3, which the code follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.conversions import to_float
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.features.octave_blur import climb
from sightline.image.gradient import as_gray

CAMERA = 0.5  # sigma of the blur that pictures come with, in pixels (Lowe 2004, section 3.3)
BORDER = 5  # pixels of an octave along its border where nothing is sought
_SMALLEST = 2 * BORDER + 1


@dataclass(frozen=True, eq=False)
class Octave:
    """One octave of a scale space.

    Parameters
    ----------
    levels
        (layers + 3)×H×W float32: the image under sigma, k·sigma, k²·sigma … with k = 2^(1/layers).
    pixel
        How many pixels of the image one pixel of the octave is: 0.5, 1, 2 …
    corner
        Where the octave's first pixel lies in the image, in both directions: -0.25 where it was doubled, else 0.
    """

    levels: Array
    pixel: float
    corner: float

    def to_image(self, points: Array) -> Array:
        """Return N×2 points of the octave as points of the image."""
        return points * self.pixel + self.corner

    @property
    def differences(self) -> Array:
        """Return the differences of neighbouring levels, (layers + 2)×H×W float32."""
        return self.levels[1:] - self.levels[:-1]


def brightness(function: str, image: Any) -> Array:
    """Return an image as grey float32 0–1; refuse NaN and infinity in the name of ``function``."""
    return to_float(as_gray(function, image, finite=True))


def octaves_of(gray: Array, sigma: float, layers: int, upsample: bool) -> list[Octave]:
    """Return the octaves of an H×W float32 image, as long as there is room for a keypoint.

    Parameters
    ----------
    gray
        H×W float32.
    sigma
        Blur of the first level of each octave, in pixels of the octave.
    layers
        Levels in which the blur doubles, ≥ 1.
    upsample
        Whether the first octave has twice the image's resolution.
    """
    pixel = 0.5 if upsample else 1.0
    height, width = (2 * side for side in gray.shape) if upsample else gray.shape
    steps = increments(sigma, layers)
    octaves: list[Octave] = []
    while min(height, width) >= _SMALLEST:
        if octaves:
            levels = empty((layers + 3, height, width), np.float32)
            np.copyto(levels[0], octaves[-1].levels[layers, ::2, ::2])
            climb(levels, steps)
        else:
            whole = empty((layers + 4, height, width), np.float32)  # and the image before the first blur
            _double(gray, whole[0]) if upsample else np.copyto(whole[0], gray)
            climb(whole, [math.sqrt(max(sigma**2 - (CAMERA / pixel) ** 2, 0.01)), *steps])
            levels = whole[1:]
        octaves.append(Octave(levels, pixel, -0.25 if upsample else 0.0))
        height, width, pixel = -(-height // 2), -(-width // 2), 2 * pixel
    return octaves


def increments(sigma: float, layers: int) -> list[float]:
    """Return the blurs that lead from each level to the next: a Gaussian of a Gaussian adds up in squares."""
    grow = 2 ** (1 / layers)
    return [sigma * grow**k * math.sqrt(grow**2 - 1) for k in range(layers + 2)]


def _double(gray: Array, out: Array) -> None:
    """Write the image at twice its size: two new pixels for each, a quarter of a pixel to either side of it.

    All new pixels are blurred alike so, which they are not when every second one is an old one.
    """
    over_rows(_double_rows, len(gray), gray, out, strip=32)


@kernel
def _double_rows(image, out, y0, y1):
    most, rest, n = np.float32(0.75), np.float32(0.25), image.shape[1]
    mixed = np.empty(n + 2, np.float32)
    for y in range(2 * y0, 2 * y1):
        near = y // 2
        far = near - 1 if y == 2 * near else near + 1
        row, other, doubled = image[near], image[min(max(far, 0), len(image) - 1)], out[y]
        for x in range(n):
            mixed[x + 1] = most * row[x] + rest * other[x]
        mixed[0], mixed[n + 1] = mixed[1], mixed[n]
        for x in range(n):
            doubled[2 * x] = rest * mixed[x] + most * mixed[x + 1]
            doubled[2 * x + 1] = most * mixed[x + 1] + rest * mixed[x + 2]
