"""Crops around things: a random part of an image that still shows enough of one of them.

Liu et al. 2016, "SSD: Single shot multibox detector", ECCV, section 2.2.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Seed
from sightline.data.labelled import LabelledImage
from sightline.data.move import Move

OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, math.inf)  # least overlap of a part with one thing; ∞ takes the whole image
_TRIES = 40


def crop_around_boxes(
    sample: LabelledImage, *, smallest: float = 0.3, stretch: float = 2.0, seed: Seed = 0
) -> LabelledImage:
    """Return a random part of an image, in its own resolution, and the things whose centres lie in it.

    Each time one of seven demands is drawn: the whole image, or a part whose overlap with one of the boxes (the area
    that both share against the area of both) is at least 0, 0.1, 0.3, 0.5, 0.7 or 0.9. When 40 parts do not meet it,
    another demand is drawn. What is left of a box is cut at the part's edges.

    Parameters
    ----------
    sample
        An image with boxes.
    smallest
        Least share of each side, 0.05–1.
    stretch
        Largest ratio of the part's sides against those of the image, 1–8.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    LabelledImage
        With one thing or more, where ``sample`` has one; an image without boxes comes back whole.

    References
    ----------
    W. Liu et al., "SSD: Single shot multibox detector", ECCV 2016, section 2.2.

    Examples
    --------
    >>> sample = LabelledImage(np.zeros((40, 60, 3), np.uint8), boxes=[[10, 10, 30, 30]], classes=[0])
    >>> part = crop_around_boxes(sample, seed=3)
    >>> part.image.shape[0] <= 40, len(part)
    (True, 1)
    """
    smallest = number("crop_around_boxes", "smallest", smallest, 0.05, 1)
    stretch = number("crop_around_boxes", "stretch", stretch, 1, 8)
    if sample.boxes is None:
        raise InputError("crop_around_boxes: sample must have boxes; got an image without. Use boxes=np.zeros((0, 4)).")
    random = generator(seed)
    height, width = sample.image.shape[:2]
    for _ in range(len(OVERLAPS) * 4 if len(sample) else 0):
        least = OVERLAPS[int(random.integers(len(OVERLAPS)))]
        if math.isinf(least):
            return sample
        for _ in range(_TRIES):
            h, w = (max(1, round(side * random.uniform(smallest, 1))) for side in (height, width))
            if not 1 / stretch <= (w / width) / (h / height) <= stretch:
                continue
            top, left = int(random.integers(height - h + 1)), int(random.integers(width - w + 1))
            inside = _centred_inside(sample.boxes, (left, top, left + w, top + h))
            part = np.array([[left, top, left + w, top + h]], np.float64)
            if inside.any() and pairwise_iou(sample.boxes[inside], part).max() >= least:
                move = Move.crop((height, width), (top, left, h, w), (h, w))
                return sample.take(inside).moved(move, 0.0)
    return sample


def _centred_inside(boxes: np.ndarray, part: tuple[int, int, int, int]) -> np.ndarray:
    """Return which boxes have their centres in a part."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    return (x > part[0]) & (x < part[2]) & (y > part[1]) & (y < part[3])
