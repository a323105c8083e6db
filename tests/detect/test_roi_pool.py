"""RoI pooling against torch's adaptive pooling of the same cut-out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import roi_pool


@evidence.equals("detect.roi_pool", peer="torch", tolerance="identical", data="random maps and boxes")
def test_it_equals_torchs_pooling_of_the_cut_out(measured: Callable[[float], None]) -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    features = random.normal(size=(40, 50, 3)).astype(np.float32)
    corners = random.uniform(0, 20, (30, 2))
    boxes = np.hstack([corners, corners + random.uniform(5, 18, (30, 2))])
    ours, wrong = roi_pool(features, boxes * 8, (3, 4), 1 / 8), 0
    for found, box in zip(ours, boxes, strict=True):
        x1, y1, x2, y2 = np.floor(box + 0.5).astype(int)
        part = torch.from_numpy(features[y1 : y2 + 1, x1 : x2 + 1].transpose(2, 0, 1).copy())
        wrong += int((torch.nn.functional.adaptive_max_pool2d(part, (3, 4)).numpy().transpose(1, 2, 0) != found).sum())
    measured(wrong)
    assert wrong == 0


def test_parts_beyond_the_map_are_zero_and_small_regions_repeat_a_cell() -> None:
    ramp = np.arange(16, dtype=np.float32).reshape(4, 4) + 1
    assert roi_pool(ramp, np.array([[10.0, 10, 12, 12]]), (2, 2)).tolist() == [[[0, 0], [0, 0]]]
    assert roi_pool(ramp, np.array([[1.2, 2.4, 1.3, 2.1]]), (2, 2)).tolist() == [[[10, 10], [10, 10]]]
    assert roi_pool(-ramp[..., None], np.array([[0.0, 0, 3, 3]]), (1, 1)).tolist() == [[[[-1]]]]
    spoiled = ramp.copy()
    spoiled[3, 3] = np.nan
    assert roi_pool(spoiled, np.array([[0.0, 0, 3, 3]]), (1, 1)).tolist() == [[[15]]]
    assert roi_pool(ramp, np.zeros((0, 4))).shape == (0, 7, 7)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match=r"roi_pool: features must be H×W or H×W×C numbers; got list"):
        roi_pool([[1]], np.zeros((1, 4)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"roi_pool: boxes must be finite; got 2 others"):
        roi_pool(np.zeros((4, 4)), np.full((2, 4), np.nan))
