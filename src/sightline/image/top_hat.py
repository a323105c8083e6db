"""Differences of morphology: small bright things, small dark ones, and outlines.

Meyer 1979, "Iterative Image Transformations for an Automatic Screening of Cervical Smears", J. Histochemistry and
Cytochemistry 27(1) (top hat); Beucher 1990, "Segmentation d'images et morphologie mathématique" (gradient).
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.types import Array, Footprint, Image, Mask
from sightline.image.extremum import extremum, extremum_twice, prepared


@method(task="morphology", paper="Meyer 1979", lesson="w1d5")
def top_hat(
    image: Image | Mask, footprint: int | tuple[int, int] | Footprint = 3, *, out: Array | None = None
) -> Image | Mask:
    """Return what is bright and smaller than the footprint: the image minus its opening.

    Every channel is taken on its own. NaN spreads over the footprint, twice; ∞ - ∞ gives NaN.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32, or a bool mask.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel, as :func:`footprint` makes them.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image or mask of the same shape and dtype.

    References
    ----------
    F. Meyer, "Iterative Image Transformations for an Automatic Screening of Cervical Smears", Journal of
    Histochemistry and Cytochemistry 27(1), 1979.

    Examples
    --------
    >>> import numpy as np
    >>> top_hat(np.array([[1, 9, 1, 5, 6, 7, 1]], np.uint8), (1, 3)).tolist()
    [[0, 8, 0, 0, 1, 2, 0]]
    """
    image, result = prepared("top_hat", image, out)
    opened = extremum_twice("top_hat", image, footprint, result, first_largest=False)
    return _difference(image, opened, result)


@method(task="morphology", paper="Meyer 1979", lesson="w1d5")
def black_hat(
    image: Image | Mask, footprint: int | tuple[int, int] | Footprint = 3, *, out: Array | None = None
) -> Image | Mask:
    """Return what is dark and smaller than the footprint: the closing of the image minus the image.

    Every channel is taken on its own. NaN spreads over the footprint, twice; ∞ - ∞ gives NaN.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32, or a bool mask.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel, as :func:`footprint` makes them.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image or mask of the same shape and dtype.

    References
    ----------
    F. Meyer, "Iterative Image Transformations for an Automatic Screening of Cervical Smears", Journal of
    Histochemistry and Cytochemistry 27(1), 1979.

    Examples
    --------
    >>> import numpy as np
    >>> black_hat(np.array([[9, 9, 2, 9, 9, 0, 0, 0]], np.uint8), (1, 3)).tolist()
    [[0, 0, 7, 0, 0, 0, 0, 0]]
    """
    image, result = prepared("black_hat", image, out)
    closed = extremum_twice("black_hat", image, footprint, result, first_largest=True)
    return _difference(closed, image, result)


@method(task="morphology", paper="Beucher 1990", lesson="w1d5")
def morphological_gradient(
    image: Image | Mask, footprint: int | tuple[int, int] | Footprint = 3, *, out: Array | None = None
) -> Image | Mask:
    """Return how far values differ under the footprint: the dilation minus the erosion, bright along outlines.

    Every channel is taken on its own. NaN spreads over the footprint; ∞ - ∞ gives NaN.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32, or a bool mask.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel, as :func:`footprint` makes them.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image or mask of the same shape and dtype.

    References
    ----------
    S. Beucher, "Segmentation d'images et morphologie mathématique", thesis, École des Mines de Paris, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> morphological_gradient(np.array([[1, 1, 1, 7, 7, 7]], np.uint8)).tolist()
    [[0, 0, 6, 6, 0, 0]]
    """
    image, result = prepared("morphological_gradient", image, out)
    dilated = extremum("morphological_gradient", image, footprint, result, largest=True)
    eroded = extremum("morphological_gradient", image, footprint, None, largest=False)
    return _difference(dilated, eroded, result)


def _difference(upper: Array, lower: Array, result: Array) -> Array:
    """Write ``upper`` minus ``lower``, which is never larger; of masks, what only ``upper`` has."""
    if upper.dtype == np.bool_:
        return np.greater(upper, lower, out=result)
    with np.errstate(invalid="ignore"):  # ∞ - ∞
        return np.subtract(upper, lower, out=result)
