"""BRIEF: a keypoint described by comparisons, bit by bit: is this pixel near it darker than that one?

Calonder, Lepetit, Strecha & Fua 2010, "BRIEF: Binary Robust Independent Elementary Features", ECCV. Turned with the
keypoint's direction, as by Rublee, Rabaud, Konolige & Bradski 2011, "ORB: An Efficient Alternative to SIFT or SURF",
ICCV, section 4.1.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, flag, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array, Image, Range
from sightline.features.binary_tests import REACH, TESTS
from sightline.features.fast import fast
from sightline.features.keypoints import Features
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import as_gray

MARGIN = REACH + 1  # of a keypoint from the border, so that every test lies inside whichever way it is turned


def _corners(image: Any) -> Any:
    """Return an example's keypoints: corners of the image itself."""
    return fast(np.nan_to_num(image), 20) if isinstance(image, np.ndarray) and image.ndim in (2, 3) else image


@method(task="descriptor", paper="Calonder et al. 2010", lesson="w3d2", example={"features": _corners})
def brief(
    image: Image,
    features: Features,
    *,
    sigma: Annotated[float, Range(0, 10, 0.1)] = 2.0,
    turn: bool = False,
) -> Features:
    """Return features with 256 bits each that say which of two pixels near them is darker.

    Quick to make and to match; it endures changes of light, but without ``turn`` only small rotations, and no change
    of scale. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, brought to 0–255.
    features
        Keypoints of the image, as :func:`fast` or :func:`dog_keypoints` finds them.
    sigma
        Blur before the comparison, in pixels, 0–10; single pixels are too noisy.
    turn
        Turn the pattern by each feature's angle.

    Returns
    -------
    Features
        Those that lie 16 pixels from the border at least, with descriptors N×32 uint8 of packed bits.

    References
    ----------
    M. Calonder, V. Lepetit, C. Strecha, P. Fua, "BRIEF: Binary Robust Independent Elementary Features", European
    Conference on Computer Vision, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    >>> brief(image, fast(image, 40)).descriptors.shape[1]
    32
    """
    gray = to_uint8(as_gray("brief", as_image("brief", image, finite=True)))
    sigma, turned = number("brief", "sigma", sigma, 0, 10, unit="pixels"), flag("brief", "turn", turn)
    if not isinstance(features, Features):
        raise InputError(f"brief: features must be Features, as fast(image) gives them; got {describe(features)}.")
    kept = features[inside(features.points, gray.shape)]
    angles = kept.angles if turned else np.zeros(len(kept), np.float32)
    codes = describe_bits(gaussian_blur(gray, sigma) if sigma else gray, kept.points, angles)
    return Features(kept.points, kept.scales, kept.angles, codes, kept.responses)


def inside(points: Array, shape: tuple[int, ...], margin: int = MARGIN) -> Array:
    """Return which of N×2 points lie ``margin`` pixels from the border at least, as N bool."""
    whole, far = np.rint(points), np.array([shape[1], shape[0]]) - 1 - margin
    return np.asarray((np.isfinite(points) & (whole >= margin) & (whole <= far)).all(axis=1))


def describe_bits(blurred: Array, points: Array, angles: Array, tests: Array = TESTS) -> Array:
    """Return N×B uint8: eight tests a byte, the first one in the highest bit, each turned by the point's angle.

    Parameters
    ----------
    blurred
        H×W uint8.
    points
        N×2 float32 (x, y), :data:`MARGIN` pixels from the border at least.
    angles
        N float32 radians.
    tests
        (8·B)×4 int8 (x, y, x, y) pixels from the point; true where the first is darker.
    """
    width = blurred.shape[1]
    x, y = np.floor(points + np.float32(0.5)).astype(np.int64).T
    codes = np.empty((len(points), len(tests) // 8), np.uint8)
    over_rows(
        _describe, len(points), blurred.reshape(-1), y * width + x, width, angles, ends_of(tests), codes, strip=64
    )
    return codes


def ends_of(tests: Array) -> Array:
    """Return what :func:`write_bits` takes: 2×2N float32, the x and the y of both places of N tests in turn."""
    return np.ascontiguousarray(tests.reshape(-1, 2).T.astype(np.float32))


@kernel
def _describe(flat, middles, wide, angles, ends, codes, y0, y1):
    places = np.empty(ends.shape[1], np.int32)
    for i in range(y0, y1):
        write_bits(flat, middles[i], wide, angles[i], ends, places, codes[i])


@kernel
def write_bits(flat, middle, wide, angle, ends, places, code):
    """Write the bits of a point at index ``middle`` of pixels in rows of ``wide``; ``places`` is scratch, 2N int32."""
    half, dx, dy = np.float32(0.5), ends[0], ends[1]
    cosine, sine = np.float32(np.cos(np.float64(angle))), np.float32(np.sin(np.float64(angle)))
    first, step = np.int32(middle), np.int32(wide)
    for k in range(dx.size):
        x = np.int32(np.floor(cosine * dx[k] - sine * dy[k] + half))
        y = np.int32(np.floor(sine * dx[k] + cosine * dy[k] + half))
        places[k] = first + y * step + x
    for byte in range(code.size):
        bits = np.uint8(0)
        for k in range(byte * 8, byte * 8 + 8):
            one, other = flat[np.uint32(places[2 * k])], flat[np.uint32(places[2 * k + 1])]
            bits = np.uint8(bits << 1) | np.uint8(1 if one < other else 0)
        code[byte] = bits
