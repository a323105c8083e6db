"""How much memory drawing takes beside the picture and the result: the fourth byte of Pillow's pixels, and strips."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_SIDE = 768
_STRIPS = 1 << 20  # bytes for what belongs to a strip at hand, however large the picture
_DRAWN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "boxes": lambda image: sl.image.draw.boxes(image, np.array([[9, 9, _SIDE - 9, _SIDE - 9]]), ["all"]),
    "masks": lambda image: sl.image.draw.masks(image, image > 127),
    "heat map": lambda image: sl.image.draw.heat_map(image, np.eye(32)),
    "heat map of the picture's size": lambda image: sl.image.draw.heat_map(image, np.ones(image.shape, np.float32)),
}


@pytest.mark.parametrize("name", list(_DRAWN))
def test_memory_beside_picture_and_result(name: str) -> None:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    image = (127 + 60 * np.sin(x / 13) + 60 * np.sin(y / 9)).astype(np.uint8)
    drawn = _DRAWN[name](image)
    assert drawn.nbytes == 3 * _SIDE**2
    assert drawn.base is None  # the fourth byte was given back
    given = 4.0 if name.endswith("size") else 1.0  # values or a mask that the call makes
    taken = (taken_beside_result(lambda: _DRAWN[name](image)) - _STRIPS) / _SIDE**2
    assert taken < 1.1 + given, f"{taken:.1f} bytes a pixel"
