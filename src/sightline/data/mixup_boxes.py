"""MixUp for detection: two images shine through each other, and all boxes of both count.

Zhang, He, Zhang, Zhang, Xie, Li 2019, "Bag of freebies for training object detection neural networks",
arXiv:1902.04103: the share comes from Beta(1.5, 1.5), and boxes are kept whole.
"""

from __future__ import annotations

import numpy as np

from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Seed
from sightline.data.labelled import LabelledImage
from sightline.data.mosaic import set_together


def mixup_boxes(first: LabelledImage, second: LabelledImage, *, alpha: float = 1.5, seed: Seed = 0) -> LabelledImage:
    """Return λ of one image and 1 − λ of another, with the labels of both.

    Parameters
    ----------
    first, second
        Images of one shape, with boxes and classes.
    alpha
        λ comes from Beta(alpha, alpha); > 0, at most 100. The larger, the nearer to one half.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    LabelledImage
        Its ``rows`` count through the things of the first, then of the second.

    Examples
    --------
    >>> dark, light = np.zeros((8, 8), np.uint8), np.full((8, 8), 200, np.uint8)
    >>> one = LabelledImage(dark, boxes=[[0, 0, 4, 4]], classes=[0])
    >>> two = LabelledImage(light, boxes=[[2, 2, 8, 8]], classes=[1])
    >>> mixed = mixup_boxes(one, two, seed=1)
    >>> mixed.classes.tolist(), bool(0 < mixed.image[0, 0] < 200)
    ([0, 1], True)
    """
    alpha = number("mixup_boxes", "alpha", alpha, 0, 100, above=0.0)
    if first.image.shape != second.image.shape:
        raise InputError(
            f"mixup_boxes: both images must be of one shape; got {first.image.shape} and {second.image.shape}. "
            "Bring them into one frame first: sightline.data.letterbox(image, shape)."
        )
    share = np.float32(generator(seed).beta(alpha, alpha))
    both = set_together([first, second], [(0, 0), (0, 0)], [len(first), len(second)], first.image.shape[:2])
    mixed = share * first.image.astype(np.float32) + (1 - share) * second.image.astype(np.float32)
    return both.with_image(np.rint(mixed).astype(np.uint8))
