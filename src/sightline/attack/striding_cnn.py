"""Striding CNN: two convolutions that halve the picture, a hidden layer. Small enough to be trained against attacks.

Wong, Rice, Kolter 2020, "Fast is Better than Free: Revisiting Adversarial Training", ICLR: the network for MNIST.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.types import Range
from sightline.nn.normalize import Normalize
from sightline.nn.soft_binarize import SoftBinarize


@method(task="classification", paper="Wong 2020", lesson="w9d4")
def striding_cnn(
    classes: Annotated[int, Range(1, 10**6)] = 10,
    *,
    in_channels: Annotated[int, Range(1, 4096)] = 1,
    size: tuple[int, int] = (28, 28),
    width: Annotated[int, Range(1, 1024)] = 16,
    hidden: Annotated[int, Range(1, 65536)] = 100,
    threshold: Annotated[float, Range(0, 1)] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> nn.Sequential:
    """Return the small network of fast adversarial training, with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 1 grey, 3 RGB.
    size
        Height and width of the images in pixels, each ≥ 4.
    width
        Maps of the first convolution; the second has twice as many.
    hidden
        Units of the hidden layer.
    threshold
        Where each pixel is softly made black or white before the first convolution, in 0–1; learning goes on from
        there. None leaves pixels as they are: robust networks find such thresholds by themselves, in many more steps
        (Madry 2018, appendix C).
    mean, std
        What pixels are normalised with inside the model; 0 and 1 when None, as in the paper: an attack moves pixels,
        and a network that is to resist it cuts them off in the middle.

    Returns
    -------
    nn.Sequential
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    Wong, Rice, Kolter, "Fast is Better than Free: Revisiting Adversarial Training", ICLR 2020.

    Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018.

    Examples
    --------
    >>> import torch
    >>> from sightline.attack import striding_cnn
    >>> model = striding_cnn()
    >>> model(torch.zeros(2, 1, 28, 28)).shape, sum(p.numel() for p in model.parameters())
    (torch.Size([2, 10]), 166406)
    """
    classes = integer("striding_cnn", "classes", classes, 1)
    channels = integer("striding_cnn", "in_channels", in_channels, 1)
    width, hidden = integer("striding_cnn", "width", width, 1), integer("striding_cnn", "hidden", hidden, 1)
    binarize = (
        [] if threshold is None else [SoftBinarize(channels, number("striding_cnn", "threshold", threshold, 0, 1))]
    )
    height, across = (integer("striding_cnn", "size", side, 4) // 2 // 2 for side in size)
    return nn.Sequential(
        Normalize(tuple(mean or (0.0,) * channels), tuple(std or (1.0,) * channels)),
        *binarize,
        nn.Conv2d(channels, width, 4, stride=2, padding=1),  # → B×W×H/2×W/2
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # → B×2W×H/4×W/4
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * width * height * across, hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )
