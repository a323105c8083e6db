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
from sightline.image.gaussian_blur import gaussian_blur
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
    """

    levels: Array
    pixel: float

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
    base = _doubled(gray) if upsample else gray
    start = math.sqrt(max(sigma**2 - (CAMERA / pixel) ** 2, 0.01))
    octaves: list[Octave] = []
    while min(base.shape) >= _SMALLEST:
        levels = empty((layers + 3, *base.shape), np.float32)
        if octaves:
            np.copyto(levels[0], base)
        else:
            gaussian_blur(base, start, out=levels[0])
        for k, more in enumerate(increments(sigma, layers)):
            gaussian_blur(levels[k], more, out=levels[k + 1])
        octaves.append(Octave(levels, pixel))
        base, pixel = levels[layers, ::2, ::2], 2 * pixel
    return octaves


def increments(sigma: float, layers: int) -> list[float]:
    """Return the blurs that lead from each level to the next: a Gaussian of a Gaussian adds up in squares."""
    grow = 2 ** (1 / layers)
    return [sigma * grow**k * math.sqrt(grow**2 - 1) for k in range(layers + 2)]


def _doubled(gray: Array) -> Array:
    """Return the image with new pixels half-way between the old ones, which stay at twice their coordinates."""
    height, width = gray.shape
    out = empty((2 * height, 2 * width), np.float32)
    over_rows(_double, height, gray, out, strip=32)
    return out


@kernel
def _double(image, out, y0, y1):
    height, width = image.shape
    half, quarter = np.float32(0.5), np.float32(0.25)
    for y in range(y0, y1):
        row, below = image[y], image[min(y + 1, height - 1)]
        even, odd = out[2 * y], out[2 * y + 1]
        for x in range(width - 1):
            a, b, c, d = row[x], row[x + 1], below[x], below[x + 1]
            even[2 * x], even[2 * x + 1] = a, half * (a + b)
            odd[2 * x], odd[2 * x + 1] = half * (a + c), quarter * ((a + b) + (c + d))
        a, c = row[width - 1], below[width - 1]
        even[2 * width - 2 :] = a
        odd[2 * width - 2 :] = half * (a + c)
