"""How much memory methods take beside the picture and the result, in bytes a pixel, that work strip by strip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_HEIGHT, _WIDTH = 4096, 512
_CORNERS = np.array([[0, 0], [_WIDTH - 1, 0], [_WIDTH - 1, _HEIGHT - 1], [0, _HEIGHT - 1]], np.float32)
_LINE = np.array([[9, 9, 99, 99]])
_WINDOW = np.arange(961).reshape(31, 31) / 461280
_GREY = np.random.default_rng(0).integers(0, 256, (_HEIGHT, _WIDTH), dtype=np.uint8)
_MASK = _GREY > 127
_PLACES = np.stack(np.meshgrid(np.arange(_WIDTH), np.arange(_HEIGHT)), axis=2).astype(np.float32)
_PYRAMID = sl.image.laplacian_pyramid(_GREY)
_TRANSFORM = sl.image.fft(_GREY)
_COLOUR = np.broadcast_to(_GREY[..., None], (_HEIGHT, _WIDTH, 3))
_BAND = 4 * (1 << 20)  # bytes of a strip's floats


@pytest.mark.parametrize(
    ("call", "most", "strips"),
    [
        (lambda: sl.image.adaptive_threshold(_GREY, 31, 5, "gaussian"), 0.3, 2),
        (lambda: sl.image.correlate(_GREY, _WINDOW), 1.0, 2),
        (lambda: sl.image.laplacian_of_gaussian(_GREY, 2.0), 1.2, 1),
        (lambda: sl.image.majority(_MASK, 5), 0.3, 0),
        (lambda: sl.image.piecewise_affine(_GREY, _CORNERS, 0.9 * _CORNERS), 0.1, 1),
        (lambda: sl.image.thin_plate_spline(_GREY, _CORNERS, 0.9 * _CORNERS), 0.1, 1),
        (lambda: sl.image.line_morph(_GREY, _GREY, _LINE, _LINE + 3), 2.1, 1),
        (lambda: sl.image.mesh_morph(_GREY, _GREY, _LINE[:, :2], _LINE[:, :2] + 5), 1.1, 1),
        (lambda: sl.image.collapse(_PYRAMID, dtype="uint8"), 1.4, 0),
        (lambda: sl.image.collapse(_PYRAMID[:1], dtype="uint8"), 1.1, 0),
        (lambda: sl.image.forward_warp(_GREY, _PLACES), 1.1, 0),  # a quarter of the sums
        (lambda: sl.image.ifft(_TRANSFORM), 0.1, 2),
        (lambda: sl.image.ifft(_TRANSFORM, centred=True), 0.1, 2),
        (lambda: sl.image.guided_filter(_GREY), 0.1, 9),
        (lambda: sl.image.guided_filter(_COLOUR), 0.1, 12),
    ],
)
def test_memory_beside_picture_and_result(call: Callable[[], object], most: float, strips: int) -> None:
    taken = (taken_beside_result(call) - strips * _BAND) / _GREY.size
    assert taken <= most, f"{taken:.2f} bytes a pixel"
