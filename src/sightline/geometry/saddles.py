"""Where two dark and two bright squares meet: saddles of brightness, with the two edges that cross there.

Saddles by the determinant of the Hessian; the ring around each by Bennett & Lasenby 2014, "ChESS - Quick and Robust
Detection of Chess-board Features", Computer Vision and Image Understanding 118.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sightline.core.types import Array
from sightline.image.gaussian_blur import gaussian_blur

SIGMA = 1.5  # pixels of the picture as it is looked at
_APART = 7  # pixels: the square in which one saddle is the strongest
_RADII = (4.0, 6.0)  # of the rings, in pixels
_SAMPLES = 64  # of a ring
_MARGIN = 5  # pixels at the border where no ring fits
_WEAK = 0.01  # of the strongest saddle's strength
_CONTRAST = 0.02  # least difference between bright and dark arcs, of brightness 0–1
_CROOKED = 0.35  # radians by which an edge may bend at the crossing


@dataclass(frozen=True, eq=False)
class Saddles:
    """Crossings of two edges.

    Parameters
    ----------
    points
        N×2 float64 (x, y).
    edges
        N×2 float64: directions of both edges in radians, 0–π; it is bright from the first one to the second one, going
        towards larger angles.
    """

    points: Array
    edges: Array


def strength_of(gray: Array) -> Array:
    """Return minus the determinant of the Hessian, H×W float32: positive at saddles of a float32 image 0–1."""
    smooth = np.pad(gaussian_blur(gray, SIGMA), 1, mode="edge")
    middle, above, below = smooth[1:-1], smooth[:-2], smooth[2:]
    xx = middle[:, 2:] - 2 * middle[:, 1:-1] + middle[:, :-2]
    yy = below[:, 1:-1] - 2 * middle[:, 1:-1] + above[:, 1:-1]
    xy = (below[:, 2:] - below[:, :-2] - above[:, 2:] + above[:, :-2]) / 4
    return xy * xy - xx * yy


def saddles_of(gray: Array, most: int) -> Saddles:
    """Return at most ``most`` crossings of an H×W float32 image 0–1, strongest first."""
    strength = strength_of(gray)
    peaks = (strength == ndimage.maximum_filter(strength, _APART)) & (strength > _WEAK * strength.max())
    for side in (peaks, peaks[::-1], peaks.T, peaks.T[::-1]):
        side[:_MARGIN] = False
    y, x = np.nonzero(peaks)
    order = np.argsort(-strength[y, x], kind="stable")[:most]
    points = np.column_stack([x, y])[order].astype(float)
    smooth = gaussian_blur(gray, 1.0)
    edges, fits = _crossings(smooth, points, _RADII[0])
    further, also = _crossings(smooth, points, _RADII[1])
    turned = np.abs(np.angle(np.exp(2j * (edges - further)))).max(axis=1) / 2  # a square's far side is no crossing
    keep = fits & also & (turned < _CROOKED)
    return Saddles(points[keep], further[keep])


def _crossings(smooth: Array, points: Array, radius: float) -> tuple[Array, Array]:
    """Return both edges' directions at each point, and whether its ring is bright, dark, bright and dark."""
    angles = np.arange(_SAMPLES) * (2 * np.pi / _SAMPLES)
    x = points[:, :1] + radius * np.cos(angles)
    y = points[:, 1:] + radius * np.sin(angles)
    ring = ndimage.map_coordinates(smooth, [y, x], order=1, mode="nearest")
    middle = (ring.max(axis=1) + ring.min(axis=1)) / 2
    bright = ring > middle[:, None]
    rises = bright & ~np.roll(bright, 1, axis=1)
    falls = ~bright & np.roll(bright, 1, axis=1)
    fits = (rises.sum(axis=1) == 2) & (falls.sum(axis=1) == 2) & (np.ptp(ring, axis=1) > _CONTRAST)
    edges = np.zeros((len(points), 2))
    for k, steps in enumerate((rises, falls)):  # going round, it becomes bright at the first edge
        where = np.argsort(~steps, axis=1, kind="stable")[:, :2]
        ends = angles[where] - np.pi / _SAMPLES
        edges[:, k] = np.angle(np.exp(2j * ends).sum(axis=1)) / 2 % np.pi
        fits &= np.abs(np.angle(np.exp(2j * (ends[:, 0] - ends[:, 1])))) / 2 < _CROOKED
    return edges, fits
