"""Keypoints of differences of Gaussians: blobs of known size, and the places that OpenCV finds."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("features.dog_keypoints", peer="opencv", tolerance="≥ 99 % within 0.1 px", data="photos")
def test_places_are_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    image = np.ascontiguousarray(photos.get("coins", np.pad(photos["rings"], 80, mode="reflect"))[:192, :288])
    # OpenCV forgets the quarter of a pixel between an image and its double.
    places = np.array([(one.pt[0] - 0.25, one.pt[1] - 0.25, one.size / 2) for one in cv2.SIFT_create().detect(image)])
    found = sl.features.dog_keypoints(image)
    ours = np.column_stack([found.points, found.scales])
    shares = [(cKDTree(b).query(a)[0] < 0.1).mean() for a, b in ((places, ours), (ours, places))]
    measured(min(shares))
    assert len(ours) > 20
    assert min(shares) >= 0.99


@pytest.mark.parametrize("upsample", [True, False])
@pytest.mark.parametrize("size", [3.0, 6.5])
def test_a_spot_is_found_where_it_is(size: float, upsample: bool) -> None:
    y, x = np.mgrid[0:90, 0:110]
    spot = 1 - np.exp(-((x - 51.3) ** 2 + (y - 40.6) ** 2) / 2 / size**2)
    found = sl.features.dog_keypoints(spot.astype(np.float32), 1, upsample=upsample)
    assert np.allclose(found.points, [[51.3, 40.6]], atol=0.03 * size)
    # The difference of L(kσ) and L(σ) is greatest where the geometric mean of both blurs is about the spot's own.
    assert found.scales[0] * 2 ** (1 / 6) == pytest.approx(size, rel=0.06)


def test_edges_are_no_keypoints() -> None:
    edge = np.zeros((80, 80), np.uint8)
    edge[:, 40:] = 200
    assert len(sl.features.dog_keypoints(edge)) == 0


def test_layers_must_be_few() -> None:
    with pytest.raises(InputError, match="dog_keypoints: octave_layers must be a whole number in 1–10; got 0"):
        sl.features.dog_keypoints(np.zeros((20, 20), np.uint8), octave_layers=0)
