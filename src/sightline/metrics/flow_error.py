"""Errors of optical flow: how far its ends are off, and by what angle in space and time.

Baker, Scharstein, Lewis, Roth, Black & Szeliski 2011, "A Database and Evaluation Methodology for Optical Flow",
International Journal of Computer Vision 92(1), section 4.1; Barron, Fleet & Beauchemin 1994, "Performance of Optical
Flow Techniques", IJCV 12(1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe
from sightline.core.errors import InputError
from sightline.core.types import Array, Flow, Mask

_EXAMPLE = {"flow": np.ones((2, 3, 2), np.float32), "truth": np.zeros((2, 3, 2), np.float32)}


@method(task="metric", paper="Baker 2011", lesson="w3d6", example=_EXAMPLE)
def endpoint_error(flow: Flow, truth: Flow, mask: Mask | None = None) -> float:
    """Return the mean distance between the ends of found and true flow, in pixels.

    Pixels whose true flow is not known (NaN or infinity) do not count. Flow that is not known where the truth is counts
    as no motion.

    Parameters
    ----------
    flow, truth
        H×W×2 float32 (dx, dy) in pixels.
    mask
        H×W bool: only these pixels count; None for all.

    Returns
    -------
    float
        Pixels; NaN when no pixel counts.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    S. Baker, D. Scharstein, J. P. Lewis, S. Roth, M. J. Black, R. Szeliski, "A Database and Evaluation Methodology for
    Optical Flow", International Journal of Computer Vision 92(1), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> endpoint_error(np.full((2, 2, 2), [3, 4], np.float32), np.zeros((2, 2, 2), np.float32))
    5.0
    """
    found, true = _counted("endpoint_error", flow, truth, mask)
    return float(np.linalg.norm(found - true, axis=1).mean()) if len(true) else float("nan")


@method(task="metric", paper="Barron 1994", lesson="w3d6", example=_EXAMPLE)
def angular_error(flow: Flow, truth: Flow, mask: Mask | None = None) -> float:
    """Return the mean angle between (dx, dy, 1) of found and true flow, in radians.

    Pixels whose true flow is not known (NaN or infinity) do not count. Flow that is not known where the truth is counts
    as no motion.

    Parameters
    ----------
    flow, truth
        H×W×2 float32 (dx, dy) in pixels.
    mask
        H×W bool: only these pixels count; None for all.

    Returns
    -------
    float
        Radians, 0 to π; NaN when no pixel counts. Published tables have degrees: ``np.degrees``.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    J. L. Barron, D. J. Fleet, S. S. Beauchemin, "Performance of Optical Flow Techniques", International Journal of
    Computer Vision 12(1), 1994.

    Examples
    --------
    >>> import numpy as np
    >>> still = np.zeros((2, 2, 2), np.float32)
    >>> round(float(np.degrees(angular_error(np.full((2, 2, 2), [1, 0], np.float32), still))), 3)
    45.0
    """
    found, true = _counted("angular_error", flow, truth, mask)
    if not len(true):
        return float("nan")
    a, b = (np.column_stack([part, np.ones(len(part))]) for part in (found, true))
    across = np.linalg.norm(np.cross(a, b), axis=1)
    return float(np.arctan2(across, (a * b).sum(axis=1)).mean())


def _counted(function: str, flow: Any, truth: Any, mask: Any) -> tuple[Array, Array]:
    """Return found and true flow of the pixels that count, N×2 float64."""
    for name, field in (("flow", flow), ("truth", truth)):
        if not isinstance(field, np.ndarray) or field.ndim != 3 or field.shape[2] != 2 or field.dtype.kind != "f":
            raise InputError(f"{function}: {name} must be H×W×2 float32 (dx, dy); got {describe(field)}.")
    if flow.shape != truth.shape:
        size = "×".join(map(str, truth.shape))
        raise InputError(f"{function}: flow must have the shape of truth, {size}; got {describe(flow)}.")
    counts = np.asarray(np.isfinite(truth).all(axis=2))
    if mask is not None:
        counts &= as_mask(function, mask, shape=truth.shape[:2])
    found = flow[counts].astype(np.float64)
    found[~np.isfinite(found).all(axis=1)] = 0
    return found, truth[counts].astype(np.float64)
