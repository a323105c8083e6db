"""How much memory segmentation takes beside the picture and the result, in bytes a pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_SIDE = 640
_STRIPS = 4 << 20  # bytes for what belongs to a strip at hand, however large the picture
_MARKERS = np.zeros((_SIDE, _SIDE), np.int32)
_MARKERS[9::32, 9::32] = np.arange(1, 401).reshape(20, 20)


_CALLS: dict[str, Callable[[Any], Any]] = {
    "kmeans_segment": lambda image: sl.image.kmeans_segment(image, 4),
    "kmeans_segment with places": lambda image: sl.image.kmeans_segment(image, 4, position=0.5, attempts=2),
    "watershed": lambda image: sl.image.watershed(image, _MARKERS),
    "watershed with a mask": lambda image: sl.image.watershed(image, _MARKERS, mask=_MARKERS % 7 != 3, lines=True),
    "slic": lambda image: sl.image.slic(image, 300),
    "agglomerative_segment": lambda image: sl.image.agglomerative_segment(image, 20),
    "normalized_cut": lambda image: sl.image.normalized_cut(image, 5, superpixels=100),
    "region_grow": lambda image: sl.image.region_grow(image, np.array([[300, 300], [9, 9]]), 40),
    "felzenszwalb": lambda image: sl.image.felzenszwalb(image),
    "selective_search": lambda image: sl.image.selective_search(image, mode="single"),
    "mean_shift_filter": lambda image: sl.image.mean_shift_filter(image, 2, 20.0),
    "mean_shift_segment": lambda image: sl.image.mean_shift_segment(image, 2, iterations=4),
    "grab_cut": lambda image: sl.image.grab_cut(image, np.array([100, 100, 500, 500]), iterations=2),
}


@pytest.mark.parametrize(
    ("name", "channels", "most"),
    [
        ("kmeans_segment", 1, 0.5),
        ("kmeans_segment", 3, 0.5),
        ("kmeans_segment with places", 3, 0.5),
        ("watershed", 1, 1.5),
        ("watershed", 3, 8.5),
        ("watershed with a mask", 1, 2.5),
        ("watershed with a mask", 3, 9.0),
        ("slic", 1, 1.0),
        ("slic", 3, 8.5),
        ("agglomerative_segment", 1, 3.0),
        ("agglomerative_segment", 3, 8.5),
        ("normalized_cut", 1, 3.0),
        ("region_grow", 1, 0.0),
        ("region_grow", 3, 0.0),
        ("felzenszwalb", 1, 22.0),  # smoothed grey levels, the greatest weight of each region, a part of the edges
        ("felzenszwalb", 3, 37.0),
        ("selective_search", 3, 54.0),  # the labels, too, and histograms of the first regions
        ("mean_shift_filter", 1, 1.0),
        ("mean_shift_filter", 3, 1.0),
        ("mean_shift_segment", 1, 2.0),  # of the regions' sums
        ("mean_shift_segment", 3, 2.0),
        ("grab_cut", 3, 80.0),  # eight links and what is known of a pixel in the maximum flow
    ],
)
def test_memory_beside_picture_and_result(name: str, channels: int, most: float) -> None:
    image = _photo(_SIDE, channels)
    taken = (taken_beside_result(lambda: _CALLS[name](image)) - _STRIPS) / _SIDE**2
    assert taken < most, f"{taken:.1f} bytes a pixel"


def _photo(side: int, channels: int) -> Any:
    """Return a picture with patches, slopes and grain."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    grain = np.random.default_rng(0).normal(0, 4, (side, side, channels))
    waves = [90 + 50 * np.sin(x / (31 + 7 * c)) + 50 * (np.sin(y / (23 + 5 * c)) > 0) for c in range(channels)]
    image = np.clip(np.stack(waves, axis=2) + grain, 0, 255).astype(np.uint8)
    return image if channels == 3 else image[..., 0].copy()
