"""Windows against scikit-image, and the sizes of a picture against Pillow's antialiased filter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image as PillowImage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.detect import image_pyramid, sliding_window


@evidence.equals("detect.sliding_window", peer="scikit-image", tolerance=0, data="windows of a photo, three strides")
def test_windows_are_those_of_scikit_image(measured: Callable[[float], None]) -> None:
    views = pytest.importorskip("skimage.util").view_as_windows
    photo, different = np.ascontiguousarray(sl.data.sample("coffee")[:97, :121]), 0
    for stride in (1, 5, 40):
        theirs = views(photo, (32, 24, 3), stride if stride < 3 else (stride, stride, 1))[:, :, 0].reshape(
            -1, 32, 24, 3
        )
        boxes = sliding_window(photo, (32, 24), stride).astype(int)
        assert len(boxes) == len(theirs)
        different += sum(
            int(np.any(photo[y1:y2, x1:x2] != peer)) for (x1, y1, x2, y2), peer in zip(boxes, theirs, strict=True)
        )
    measured(different)
    assert different == 0
    assert sliding_window(photo, 98).shape == (0, 4)
    assert len(trace(sliding_window, photo, size=16, stride=4)["windows"].layers[-1].boxes) <= 60


@evidence.equals("detect.image_pyramid", peer="pillow", tolerance=1, data="a photo at each size, grey levels")
def test_each_size_is_pillows(measured: Callable[[float], None]) -> None:
    photo = sl.data.sample("coffee")
    levels = image_pyramid(photo, 1.3, 60)
    worst = 0.0
    for k, level in enumerate(levels):
        height, width = (round(side / 1.3**k) for side in photo.shape[:2])
        peer = np.asarray(PillowImage.fromarray(photo).resize((width, height), PillowImage.Resampling.BILINEAR))
        worst = max(worst, float(np.abs(level.astype(int) - peer).max()))
    measured(worst)
    assert worst <= 1
    assert min(levels[-1].shape[:2]) >= 60 > min(levels[-1].shape[:2]) / 1.3
    assert not np.shares_memory(levels[0], photo)
    assert [level.shape for level in image_pyramid(photo[:1, :1], 2)] == [(1, 1, 3)]


def test_refuses_by_name() -> None:
    photo = sl.data.sample("coffee")
    with pytest.raises(InputError, match="sliding_window: size must be a whole number ≥ 1"):
        sliding_window(photo, 0)
    with pytest.raises(InputError, match="sliding_window: stride must be a whole number ≥ 1"):
        sliding_window(photo, stride=0)
    with pytest.raises(InputError, match="image_pyramid: scale must be"):
        image_pyramid(photo, 1.0)
