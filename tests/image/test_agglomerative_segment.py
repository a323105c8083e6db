"""Agglomerative segmentation against scikit-learn's clustering on the grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.image import grid_to_graph

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import variation_of_information

agglomerative = sl.image.agglomerative_segment


@evidence.equals("image.agglomerative_segment", peer="scikit-learn", tolerance="identical", data="parts of photos")
def test_equals_scikit_learn(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for image in (photo for photo in photos.values() if photo.ndim == 3):
        part = np.ascontiguousarray(image[-45:, -40:])
        lab = sl.image.convert(sl.to_float(part), "rgb", "lab").reshape(-1, 3)
        grid = grid_to_graph(*part.shape[:2])
        for segments in (2, 9, 60):
            ours = agglomerative(part, segments, superpixels=0)
            theirs = AgglomerativeClustering(segments, connectivity=grid).fit(lab).labels_.reshape(ours.shape)
            worst = max(worst, variation_of_information(ours, [theirs]))
    measured(worst)
    assert worst <= 1e-9


def test_regions_are_connected_and_as_many_as_asked(photos: dict[str, np.ndarray]) -> None:
    for count in (1, 5, 30):
        labels = agglomerative(photos["rings"], count, superpixels=200)
        assert labels.max() == count - 1
        for region in range(count):
            assert sl.image.label(labels == region, 4)[1] == 1


def test_fewer_segments_are_unions_of_more(photos: dict[str, np.ndarray]) -> None:
    many, few = (agglomerative(photos["noise"], count, superpixels=0) for count in (40, 7))
    assert all(len(np.unique(few[many == region])) == 1 for region in range(40))


def test_steps_end_in_the_segments(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(agglomerative, photos["rings"], 6, superpixels=150)
    assert np.array_equal(trace.result, agglomerative(photos["rings"], 6, superpixels=150))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"segments": 13, "superpixels": 0}, "segments must be a whole number in 1–12; got 13"),
        ({"segments": 0}, "segments must be a whole number in"),
        ({"segments": 2, "superpixels": -1}, "superpixels must be a whole number"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"agglomerative_segment: {sentence}"):
        agglomerative(np.zeros((3, 4), np.uint8), **arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="agglomerative_segment: image must be finite"):
        agglomerative(np.full((3, 3), np.nan, np.float32), 2)
