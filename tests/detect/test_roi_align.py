"""RoIAlign against SciPy's interpolation at the same places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

import sightline as sl
from box_cases import random_boxes
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import roi_align


def by_scipy(features: np.ndarray, box: np.ndarray, size: tuple[int, int], samples: int) -> np.ndarray:
    x1, y1, x2, y2 = box
    y = y1 - 0.5 + (np.arange(size[0] * samples) + 0.5) / (size[0] * samples) * (y2 - y1)
    x = x1 - 0.5 + (np.arange(size[1] * samples) + 0.5) / (size[1] * samples) * (x2 - x1)
    places = np.meshgrid(y, x, indexing="ij")
    layers = [map_coordinates(layer, places, order=1, mode="nearest") for layer in np.moveaxis(features, 2, 0)]
    tall = np.stack(layers, axis=2).reshape(size[0], samples, size[1], samples, -1)
    return tall.mean(axis=(1, 3))


@evidence.equals("detect.roi_align", peer="scipy", tolerance="1e-5", data="random maps and boxes")
def test_it_equals_scipys_interpolation(measured: Callable[[float], None]) -> None:
    features = np.random.default_rng(0).random((60, 80, 5))
    boxes = random_boxes(40, 2, 150.0).astype(np.float64) * (0.5, 0.3, 0.5, 0.3) + (2, 1, 2, 1)
    worst = 0.0
    for size, samples in (((7, 7), 2), ((3, 5), 1), ((2, 2), 4)):
        ours = roi_align(features.astype(np.float32), boxes, size, samples=samples)
        theirs = np.stack([by_scipy(features, box, size, samples) for box in boxes])
        worst = max(worst, float(np.abs(ours - theirs).max()))
    measured(worst)
    assert worst < 1e-5


def test_scale_grey_maps_and_samples_by_size() -> None:
    features = np.random.default_rng(1).random((32, 32)).astype(np.float32)
    box = np.array([[3.0, 4.0, 11.0, 12.0]])
    np.testing.assert_allclose(
        roi_align(features, box * 16, (4, 4), 1 / 16), roi_align(features, box, (4, 4)), atol=1e-6
    )
    cells = features[4:12, 3:11].reshape(2, 4, 2, 4).mean(axis=(1, 3))  # one sample on each cell's centre
    np.testing.assert_allclose(roi_align(features, box, (2, 2), samples=0)[0], cells, atol=1e-6)
    whole = roi_align(features.astype(np.float64)[..., None], box)
    assert whole.shape == (1, 7, 7, 1)
    assert whole.dtype == np.float32
    assert roi_align(features, np.zeros((0, 4))).shape == (0, 7, 7)


def test_the_border_lasts_for_one_cell() -> None:
    ones = np.ones((4, 4), np.float32)
    assert roi_align(ones, np.array([[-0.9, 0, 4.9, 4]]), (1, 1))[0, 0, 0] == 1
    assert roi_align(ones, np.array([[10.0, 0, 14, 4]]), (2, 2)).max() == 0
    assert roi_align(ones, np.array([[2.0, 2, 2, 2]]), (1, 1))[0, 0, 0] == 1  # no area: one place
    half = ones.copy()
    half[0, 0] = np.nan
    found = roi_align(half, np.array([[0.0, 0, 4, 4]]), (2, 2))[0]
    assert np.isnan(found[0, 0])
    assert found[1, 1] == 1


def test_its_steps_end_in_the_result() -> None:
    features, boxes = np.random.default_rng(2).random((20, 20, 3)).astype(np.float32), np.array([[2.0, 2, 9, 15]])
    trace = sl.trace(roi_align, features, boxes, size=(3, 3))
    np.testing.assert_array_equal(trace.result, roi_align(features, boxes, (3, 3)))
    assert trace["samples"].layers[1].value.shape == (36, 2)


def test_wrong_arguments_are_named() -> None:
    features, box = np.zeros((4, 4), np.float32), np.zeros((1, 4))
    with pytest.raises(InputError, match=r"roi_align: features must be H×W or H×W×C numbers; got 2×3×4×4 float64"):
        roi_align(np.zeros((2, 3, 4, 4)), box)
    with pytest.raises(InputError, match=r"roi_align: boxes must be finite; got 1 others"):
        roi_align(features, np.array([[0, 0, np.inf, 1]]))
    with pytest.raises(InputError, match=r"roi_align: scale must be a number > 0; got 0"):
        roi_align(features, box, scale=0)
    with pytest.raises(InputError, match=r"roi_align: size must be \(height, width\); got int 7"):
        roi_align(features, box, 7)  # type: ignore[arg-type]
