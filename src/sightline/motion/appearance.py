"""What a thing looks like, as a short vector: where its colours are, and how its edges run.

Colours in stripes as Gray & Tao 2008, "Viewpoint Invariant Pedestrian Recognition with an Ensemble of Localized
Features", ECCV; edges as Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", CVPR.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightline.core.conversions import to_uint8
from sightline.core.types import Array
from sightline.features.hog import hog_blocks
from sightline.image.resize import resize

Embedder = Callable[[Array, Array], Array]

_HEIGHT, _WIDTH, _STRIPES, _LEVELS, _CELL = 64, 32, 4, 4, 8


def colour_and_edges(image: Array, boxes: Array) -> Array:
    """Return N×D float32 of length 1: what is in each box of an image.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    boxes
        N×4 xyxy; what lies outside of the image is cut off. A box that lies outside as a whole gives equal numbers.
    """
    picture = to_uint8(image)
    return np.array([_one(picture, box) for box in boxes], np.float32).reshape(len(boxes), -1)


def _one(picture: Array, box: Array) -> Array:
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = np.clip(np.rint(box), 0, [width, height, width, height]).astype(int)
    crop = picture[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    if not crop.size:
        crop = np.zeros_like(picture[:1, :1])
    crop = resize(np.ascontiguousarray(crop), (_HEIGHT, _WIDTH))
    parts = (_colours(crop), hog_blocks(crop, _CELL).ravel())
    return np.concatenate([_unit(part) for part in parts]) / np.float32(np.sqrt(2))


def _colours(crop: Array) -> Array:
    """Return the square roots of how often each colour occurs in each stripe: their product compares histograms."""
    step = crop.astype(np.int64) * _LEVELS // 256
    index = step if step.ndim == 2 else (step[..., 0] * _LEVELS + step[..., 1]) * _LEVELS + step[..., 2]
    stripes = np.arange(_HEIGHT)[:, None] * _STRIPES // _HEIGHT
    bins = _LEVELS ** (1 if crop.ndim == 2 else 3)
    return np.sqrt(np.bincount((stripes * bins + index).ravel(), minlength=_STRIPES * bins))


def _unit(vector: Array) -> Array:
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else np.full(len(vector), 1 / np.sqrt(len(vector)))
