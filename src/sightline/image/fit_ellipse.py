"""Ellipse through points, by least squares on the equation of a conic.

Gander, Golub & Strebel 1994, "Least-Squares Fitting of Circles and Ellipses", BIT 34 (the algebraic fit): a conic is
fitted for its centre, and then another one around that centre for the axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.types import Array, PointList
from sightline.image.points import as_points

_TURN = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_SAMPLE = np.stack([20 + 9 * np.cos(_TURN), 15 + 4 * np.sin(_TURN)], axis=1)


@dataclass(frozen=True)
class Ellipse:
    """An ellipse.

    Parameters
    ----------
    center
        (x, y), in pixels.
    axes
        Lengths of the major and the minor axis (diameters), in pixels.
    angle
        Of the major axis, from the x axis towards the y axis (with the clock, y down), in radians in 0–π.
    """

    center: tuple[float, float]
    axes: tuple[float, float]
    angle: float

    def outline(self, count: int = 64) -> Array:
        """Return ``count`` points on it, N×2 float32 (x, y)."""
        turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
        u, v = self.axes[0] / 2 * np.cos(turn), self.axes[1] / 2 * np.sin(turn)
        c, s = math.cos(self.angle), math.sin(self.angle)
        return np.stack([self.center[0] + c * u - s * v, self.center[1] + s * u + c * v], axis=1).astype(np.float32)


@method(task="shape", paper="Gander 1994", lesson="w2d5", example={"points": _SAMPLE})
def fit_ellipse(points: PointList) -> Ellipse:
    """Return the ellipse that fits points best, in the sense of the algebraic distance.

    NaN and infinity are refused.

    Parameters
    ----------
    points
        N×2 (x, y), N ≥ 5, in any order; any real dtype.

    Returns
    -------
    Ellipse
        Its centre, axes and angle.

    Raises
    ------
    InputError
        When no ellipse goes through the points: they lie on a line, or on another conic.

    References
    ----------
    W. Gander, G. H. Golub and R. Strebel, "Least-Squares Fitting of Circles and Ellipses", BIT Numerical Mathematics
    34, 1994.

    Examples
    --------
    >>> turn = np.linspace(0, 6, 20)
    >>> ellipse = fit_ellipse(np.stack([20 + 9 * np.cos(turn), 15 + 4 * np.sin(turn)], axis=1))
    >>> [round(number, 6) for number in (*ellipse.center, *ellipse.axes)]
    [20.0, 15.0, 18.0, 8.0]
    """
    corners = as_points("fit_ellipse", points, least=5)
    origin = corners.mean(axis=0)
    scale = max(float(np.abs(corners - origin).mean()), 1e-300)
    x, y = ((corners - origin) / scale).T
    # a x² + b y² + c x y + d x + e y = 1; the gradient vanishes in the centre
    (a, b, c, d, e), _, rank, _ = np.linalg.lstsq(np.stack([x * x, y * y, x * y, x, y], axis=1), np.ones(len(x)))
    if rank < 5 or 4 * a * b <= c * c:
        raise InputError(f"fit_ellipse: points must lie around an ellipse; got {len(x)} on a line or another conic.")
    centre_x, centre_y = np.linalg.solve([[2 * a, c], [c, 2 * b]], [-d, -e])
    x, y = x - centre_x, y - centre_y
    (a, b, c), *_ = np.linalg.lstsq(np.stack([x * x, y * y, x * y], axis=1), np.ones(len(x)))
    (least, most), directions = np.linalg.eigh([[a, c / 2], [c / 2, b]])  # half axes are 1 / √ of the eigenvalues
    if least <= 0:
        raise InputError(f"fit_ellipse: points must lie around an ellipse; got {len(x)} on another conic.")
    angle = math.atan2(directions[1, 0], directions[0, 0]) % math.pi
    centre = float(centre_x * scale + origin[0]), float(centre_y * scale + origin[1])
    return Ellipse(centre, (2 * scale / math.sqrt(least), 2 * scale / math.sqrt(most)), angle)
