"""How much memory methods take of a picture of noise beside it and the result: there all that is listed is long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_SIDE = 1024
_STRIPS = 1 << 20  # bytes for what belongs to a strip at hand, however large the picture
_NOISE = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE), np.uint8)
_MASK = _NOISE > 127
_GRAINS = sl.image.label(_NOISE > 230)[0]
_CALLS: dict[str, tuple[Callable[[], Any], float]] = {
    "label": (lambda: sl.image.label(_MASK), 1.5),  # eight bytes a run
    "fill_holes": (lambda: sl.image.fill_holes(_MASK), 2.4),  # the mask turned over, too
    "remove_small": (lambda: sl.image.remove_small(_MASK), 1.5),
    "blobs_log": (lambda: sl.image.blobs_log(_NOISE, max_sigma=8.0, scales=5), 28.0),  # a tile and three scales of it
    "blobs_doh": (lambda: sl.image.blobs_doh(_NOISE), 12.5),
    "hough_lines": (lambda: sl.image.hough_lines(np.tile(_MASK, (4, 1)), 3000, theta=0.1), 15.0),  # of four
    "regions": (lambda: sl.image.regions(_GRAINS, _NOISE), 6.0),
    "find_contours": (lambda: sl.image.find_contours(_MASK), 3.0),
    "simple_blobs": (lambda: sl.image.simple_blobs(_NOISE, thresholds=(120, 130, 10), area=(100, 5000)), 1.9),
}


@pytest.mark.parametrize("name", list(_CALLS))
def test_memory_beside_picture_and_result(name: str) -> None:
    call, most = _CALLS[name]
    taken = (taken_beside_result(call) - _STRIPS) / _SIDE**2
    assert taken < most, f"{taken:.1f} bytes a pixel"
