"""How much memory finding regions, codes, pages and lanes takes beside the picture and the result, in bytes a pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_SIDE = 1024
_STRIPS = 1 << 20  # bytes for what belongs to a strip at hand, however large the picture
_Y, _X = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
_IMAGE = (127 + 60 * np.sin(_X / 13) + 60 * np.sin(_Y / 9)).astype(np.uint8)
_LABELS = sl.image.label(_IMAGE > 127)[0]
_MANY = (np.random.default_rng(0).random((_SIDE, _SIDE)) < 0.2).astype(np.int32)  # a run for each 6 pixels
_ROAD = np.stack([_IMAGE, _IMAGE[::-1], _IMAGE[:, ::-1]], axis=2)
_PAGE = np.where(np.abs(_X - 500) + np.abs(_Y - 480) < 400, np.uint8(220), _IMAGE // 4)  # it stands on a corner
_CALLS: dict[str, tuple[Callable[[], Any], float]] = {
    "regions": (lambda: sl.image.regions(_LABELS, _IMAGE), 0.3),
    "regions of many runs": (lambda: sl.image.regions(_MANY, _IMAGE), 6.0),  # 16 bytes a run, and 44 of some
    "find_page": (lambda: sl.image.find_page(_PAGE), 1.0),
    "scan_codes": (lambda: sl.image.scan_codes(_IMAGE), 3.0),
    "find_lanes": (lambda: sl.image.find_lanes(_ROAD), 9.0),
}


@pytest.mark.parametrize("name", list(_CALLS))
def test_memory_beside_picture_and_result(name: str) -> None:
    call, most = _CALLS[name]
    taken = (taken_beside_result(call) - _STRIPS) / _SIDE**2
    assert taken < most, f"{taken:.1f} bytes a pixel"
