"""Normalized cuts beside scikit-image's, from the same superpixels."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from skimage import graph

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import segmentation_covering

normalized_cut = sl.image.normalized_cut


@evidence.equals("image.normalized_cut", peer="scikit-image", tolerance="mean covering ≥ 0.9", data="photos")
def test_agrees_with_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    scores = []
    if "coffee" not in photos:
        pytest.skip("real photos are absent (set SIGHTLINE_DATA)")
    for name in ("coffee", "chelsea", "fruits", "noise"):
        image = photos[name][:200, :240]
        parts = sl.image.slic(image, 80)
        lab = sl.image.convert(sl.to_float(image), "rgb", "lab").astype(np.float64)
        neighbours = graph.rag_mean_color(lab, parts, mode="similarity", sigma=64.0)
        theirs = graph.cut_normalized(parts, neighbours, thresh=0.3, num_cuts=20, in_place=False, rng=0)
        ours = normalized_cut(image, 1000, threshold=0.3, start=parts)
        scores.append(segmentation_covering(ours, [np.asarray(theirs, np.int32)]))
    measured(float(np.mean(scores)))
    assert np.mean(scores) >= 0.9


def test_two_halves_are_parted_at_their_border() -> None:
    image = np.full((40, 60, 3), 60, np.uint8)
    image[:, 32:] = (200, 80, 30)
    labels = normalized_cut(image, 2, superpixels=60)
    assert (labels[:, :32] == 0).all()
    assert (labels[:, 32:] == 1).all()


def test_segments_are_unions_of_superpixels(photos: dict[str, np.ndarray]) -> None:
    parts = sl.image.slic(photos["rings"], 80)
    labels = normalized_cut(photos["rings"], 7, start=parts)
    assert labels.max() == 6
    assert all(len(np.unique(labels[parts == part])) == 1 for part in range(parts.max() + 1))


def test_many_nodes_are_solved_by_iteration_as_by_all_at_once(
    photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = sl.image.slic(photos["rings"], 120)
    dense = normalized_cut(photos["rings"], 4, start=parts)
    monkeypatch.setattr(sys.modules[normalized_cut.__module__], "_DENSE", 3)
    assert segmentation_covering(normalized_cut(photos["rings"], 4, start=parts), [dense]) > 0.95


def test_a_low_threshold_stops_early(photos: dict[str, np.ndarray]) -> None:
    parts = sl.image.slic(photos["noise"], 40)
    assert normalized_cut(photos["noise"], 10, threshold=0.0, start=parts).max() == 0


def test_steps_end_in_the_segments(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(normalized_cut, photos["rings"], 5, superpixels=60)
    assert np.array_equal(trace.result, normalized_cut(photos["rings"], 5, superpixels=60))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"segments": 0}, "segments must be a whole number ≥ 1"),
        ({"sigma": 0}, "sigma must be a number > 0"),
        ({"superpixels": 1}, "superpixels must be a whole number ≥ 2"),
        ({"start": np.zeros((2, 2), np.int32)}, "start must be a label map of the image's shape 5×6"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"normalized_cut: {sentence}"):
        normalized_cut(np.zeros((5, 6), np.uint8), **arguments)


def test_a_sigma_that_no_float_can_square_cuts_as_a_small_one_does() -> None:
    image = np.array([[10, 12, 200, 204], [11, 13, 210, 207]], np.uint8)
    np.testing.assert_array_equal(normalized_cut(image, 2, sigma=1e-300), normalized_cut(image, 2, sigma=1e-6))


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="normalized_cut: image must be finite"):
        normalized_cut(np.full((3, 3), np.nan, np.float32))
