"""A colour model's histograms and weights are those of the joint histogram of hue, saturation and value."""

from __future__ import annotations

import numpy as np
import pytest

import sightline as sl
from sightline.motion.colour_model import ColourModel

LIMITS = ((0, 180), (0, 256), (0, 256))


@pytest.mark.parametrize("colour", [True, False])
def test_counts_and_weights_are_those_of_histograms(colour: bool) -> None:
    photo = sl.data.sample("astronaut")[:150, :200]
    photo = np.ascontiguousarray(photo if colour else photo[..., 0])
    planes = sl.image.convert(photo, "rgb", "hsv") if colour else photo
    how = {"channels": (0, 1, 2), "limits": LIMITS} if colour else {"channels": (0,)}
    bins = (16, 4, 8) if colour else (32,)

    def counted(x: int, y: int, w: int, h: int) -> np.ndarray:
        part = np.ascontiguousarray(planes[max(y, 0) : y + h, max(x, 0) : x + w])
        return sl.image.histogram(part, bins, **how)

    window = (120, 40, 30, 24)
    model = ColourModel(photo, window)
    inside = counted(*window)
    assert np.array_equal(model.counts_in(photo, window), inside.ravel())
    assert model.likeness(model.counts_in(photo, window)) == pytest.approx(1)
    other = counted(90, 16, 90, 72) - inside
    share = model.counts / np.maximum(model.counts + other.ravel() / other.sum(), 1e-12)
    ratio = np.where(inside.ravel() > 0, np.maximum(2 * share - 1, 0), 0)
    assert np.allclose(model.ratio, ratio, atol=1e-6)
    for x, y, w, h in (window, (5, 3, 20, 20), (180, 130, 18, 18)):
        expected = sl.image.back_project(planes, model.ratio.reshape(bins), **how)
        rows = slice(max(y - h - 16, 0), y + 2 * h + 16)
        columns = slice(max(x - w - 16, 0), x + 2 * w + 16)
        near = np.zeros(photo.shape[:2], bool)
        near[rows, columns] = True
        assert np.array_equal(model.weights(photo, (x, y, w, h)), np.where(near, expected, 0))
        assert np.array_equal(model.counts_in(photo, (x, y, w, h)), counted(x, y, w, h).ravel())
