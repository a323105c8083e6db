"""Footprints against OpenCV and scikit-image, of all sizes up to 33."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import morphology

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

footprint = sl.image.footprint
PEERS = {
    "ellipse": cv2.MORPH_ELLIPSE,
    "diamond": cv2.MORPH_DIAMOND,
    "cross": cv2.MORPH_CROSS,
    "rectangle": cv2.MORPH_RECT,
}


@evidence.equals("image.footprint", peer="opencv", tolerance="identical", data="sizes 1 to 33, both ways")
@pytest.mark.parametrize("shape", list(PEERS))
def test_equals_opencv(measured: Callable[[float], None], shape: str) -> None:
    wrong = 0
    for height in range(1, 34):
        for width in range(1, 34):
            theirs = cv2.getStructuringElement(PEERS[shape], (width, height)) > 0
            wrong += int((footprint(shape, (height, width)) != theirs).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.footprint", peer="scikit-image", tolerance="identical", data="radii 1 to 19")
def test_discs_of_scikit_image(measured: Callable[[float], None]) -> None:
    wrong = 0
    for radius in range(1, 20):
        wrong += int((footprint("disk", 2 * radius + 1) != morphology.disk(radius)).sum())
        wrong += int((footprint("diamond", 2 * radius + 1) != morphology.diamond(radius)).sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("size", [1, 2, 6, (1, 9), (8, 3)])
@pytest.mark.parametrize("shape", list(PEERS))
def test_every_shape_has_a_pixel_and_its_size(shape: str, size: Any) -> None:
    made = footprint(shape, size)
    assert made.dtype == np.bool_
    assert made.shape == (size if isinstance(size, tuple) else (size, size))
    assert made.any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("star", 5), "shape must be one of 'ellipse', 'disk'"),
        (("disk", (5, 4)), "size must be odd for a disk; got 5×4"),
        (("disk", 0), "size must be a whole number in 1–4095; got 0"),
        (("disk", 2.5), "size must be a whole number in 1–4095; got float"),
        (("disk", (3, 4, 5)), r"size must be \(height, width\)"),
    ],
)
def test_bad_arguments_are_refused(arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"footprint: {sentence}"):
        footprint(*arguments)
