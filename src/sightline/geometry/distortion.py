"""The bend of a lens and its inverse, as kernels over points in the plane at depth 1.

Brown 1966 with OpenCV's rational and thin-prism terms, see :class:`sightline.geometry.Camera`; the inverse by Newton's
method, with the derivatives of the model.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_STRIP = 2048


def bend(points: Array, coefficients: Array) -> Array:
    """Return N×2 points of the plane at depth 1 where a lens with 12 coefficients moves them."""
    out = np.empty_like(points)
    over_rows(_bend_rows, len(points), points, coefficients, out, strip=_STRIP)
    return out


def unbend(points: Array, coefficients: Array) -> Array:
    """Return the N×2 points that the lens moves to ``points``; NaN where it moves none there."""
    out = np.empty_like(points)
    over_rows(_unbend_rows, len(points), points, coefficients, out, strip=_STRIP)
    return out


@kernel
def bent(x, y, c):
    """Return where the lens moves x, y, and the derivatives du/dx, du/dy, dv/dx, dv/dy."""
    r2 = x * x + y * y
    r4 = r2 * r2
    above = 1 + r2 * (c[0] + r2 * (c[1] + r2 * c[4]))
    below = 1 + r2 * (c[5] + r2 * (c[6] + r2 * c[7]))
    ratio = above / below
    # d ratio / d r²
    slope = (c[0] + r2 * (2 * c[1] + 3 * r2 * c[4]) - ratio * (c[5] + r2 * (2 * c[6] + 3 * r2 * c[7]))) / below
    u = x * ratio + 2 * c[2] * x * y + c[3] * (r2 + 2 * x * x) + c[8] * r2 + c[9] * r4
    v = y * ratio + c[2] * (r2 + 2 * y * y) + 2 * c[3] * x * y + c[10] * r2 + c[11] * r4
    prism_u, prism_v = 2 * (c[8] + 2 * c[9] * r2), 2 * (c[10] + 2 * c[11] * r2)
    ux = ratio + 2 * x * x * slope + 2 * c[2] * y + 6 * c[3] * x + prism_u * x
    uy = 2 * x * y * slope + 2 * c[2] * x + 2 * c[3] * y + prism_u * y
    vx = 2 * x * y * slope + 2 * c[2] * x + 2 * c[3] * y + prism_v * x
    vy = ratio + 2 * y * y * slope + 6 * c[2] * y + 2 * c[3] * x + prism_v * y
    return u, v, ux, uy, vx, vy


@kernel
def _bend_rows(points, c, out, y0, y1):
    for i in range(y0, y1):
        u, v, _, _, _, _ = bent(points[i, 0], points[i, 1], c)
        out[i, 0], out[i, 1] = u, v


@kernel
def _unbend_rows(points, c, out, y0, y1):
    for i in range(y0, y1):
        u0, v0 = points[i, 0], points[i, 1]
        x, y = u0, v0
        far = 1e300
        for _ in range(60):
            u, v, ux, uy, vx, vy = bent(x, y, c)
            a, b = u - u0, v - v0
            far = a * a + b * b
            if far < 1e-28 * (1 + u0 * u0 + v0 * v0):
                break
            det = ux * vy - uy * vx
            if det > 0.05:
                x, y = x - (vy * a - uy * b) / det, y - (ux * b - vx * a) / det
            else:  # where the lens folds back: a careful step of the fixed point, which comes from the inside
                x, y = x - 0.2 * a, y - 0.2 * b
        good = far < 1e-20 * (1 + u0 * u0 + v0 * v0)
        out[i, 0] = x if good else np.nan
        out[i, 1] = y if good else np.nan
