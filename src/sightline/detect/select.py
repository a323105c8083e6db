"""From what every place says to the boxes that are kept: the surest first, of each thing one."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sightline.core.box_suppression import suppress
from sightline.core.results import Detections

LEAST, NEAR, MOST = 0.01, 0.6, 300  # the lowest score, the overlap at which two are one, boxes of an image
_LOOKED_AT = 1000  # places and classes of highest score that are compared


def select(boxes: Tensor, scores: Tensor, *, least: float = LEAST, near: float = NEAR, most: int = MOST) -> Detections:
    """Return the detections of one image, best first.

    Parameters
    ----------
    boxes
        A×4 xyxy in pixels.
    scores
        A×K in 0–1; what is not a number counts as nothing.
    least
        Lowest score that is kept.
    near
        Overlap from which a box of the same class is taken for the same thing.
    most
        Largest number of detections.
    """
    found = scores.detach().float().cpu().numpy()
    place, label = np.nonzero(found > least)  # NaN is above nothing
    values = found[place, label]
    order = np.argsort(-values, kind="stable")[:_LOOKED_AT]
    place, label, values = place[order], label[order], values[order]
    chosen = boxes.detach().float().cpu().numpy()[place]
    kept = suppress(chosen.astype(np.float64), values.astype(np.float64), near, label)[:most]
    return Detections(chosen[kept], values[kept], label[kept])
