"""From what every place says to the boxes that are kept: the surest first, of each thing one."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sightline.core.box_suppression import suppress
from sightline.core.results import Detections
from sightline.detect.dense import Limits

LIMITS = Limits(least=0.01, near=0.6, candidates=1000, most=300)


def select(boxes: Tensor, scores: Tensor, limits: Limits = LIMITS) -> Detections:
    """Return the detections of one image, best first.

    Parameters
    ----------
    boxes
        A×4 xyxy in pixels.
    scores
        A×K in 0–1; what is not a number counts as nothing.
    limits
        What is kept; the candidates are places and classes of the whole image.
    """
    found = scores.detach().float().cpu().numpy()
    place, label = np.nonzero(found > limits.least)  # NaN is above nothing
    values = found[place, label]
    order = np.argsort(-values, kind="stable")[: limits.candidates]
    place, label, values = place[order], label[order], values[order]
    chosen = boxes.detach().float().cpu().numpy()[place]
    kept = suppress(chosen.astype(np.float64), values.astype(np.float64), limits.near, label)[: limits.most]
    return Detections(chosen[kept], values[kept], label[kept])
