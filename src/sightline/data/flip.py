"""Random flips: a mirrored cat is a cat.

LeCun et al. 1998 and Krizhevsky et al. 2012 train on mirrored images; it doubles what a set shows.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number
from sightline.core.seeds import generator
from sightline.core.types import Choice, Image, Range, Seed


@method(task="augmentation", paper="Krizhevsky et al. 2012", lesson="w5d2")
def random_flip(
    image: Image,
    *,
    probability: Annotated[float, Range(0, 1)] = 0.5,
    direction: Annotated[str, Choice("horizontal", "vertical")] = "horizontal",
    seed: Seed = 0,
) -> Image:
    """Return the image, mirrored with a given probability.

    Values are moved, never computed with: NaN stays NaN.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    probability
        How likely it is mirrored, in 0–1.
    direction
        ``horizontal`` swaps left and right, ``vertical`` swaps top and bottom.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks", NeurIPS
    2012.

    Examples
    --------
    >>> import numpy as np
    >>> random_flip(np.array([[1, 2, 3]], np.uint8), probability=1.0)
    array([[3, 2, 1]], dtype=uint8)
    """
    image = as_image("random_flip", image)
    number("random_flip", "probability", probability, 0, 1)
    choice("random_flip", "direction", direction, ("horizontal", "vertical"))
    if generator(seed).random() >= probability:
        return image.copy()
    return (image[:, ::-1] if direction == "horizontal" else image[::-1]).copy(order="C")


def mirror_half(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the image or its mirror image, each every second time: :func:`random_flip` for a checked image.

    Parameters
    ----------
    image
        H×W or H×W×3, any dtype.
    random
        Where the draw comes from.
    """
    return image[:, ::-1] if random.random() < 0.5 else image
