"""SLIC superpixels beside scikit-image's, on boundaries that people drew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.io import loadmat
from skimage import segmentation as peer

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

slic = sl.image.slic


def recall(labels: np.ndarray, drawn: np.ndarray) -> float:
    """Return the share of drawn pixels that have a border of the labels within two pixels."""
    return float((ndimage.distance_transform_edt(~peer.find_boundaries(labels))[drawn] <= 2).mean())


@evidence.equals("image.slic", peer="scikit-image", tolerance="boundary recall at most 0.01 lower", data="BSDS500 val")
def test_keeps_as_many_boundaries_as_scikit_image(shared_data: Path, measured: Callable[[float], None]) -> None:
    ours, theirs = [], []
    for path in sorted((shared_data / "bsds500" / "images" / "val").glob("*.jpg"))[:5]:
        image = sl.read(path)
        truth = loadmat(shared_data / "bsds500" / "groundTruth" / "val" / f"{path.stem}.mat")["groundTruth"]
        drawn = truth[0, 0]["Boundaries"][0, 0] > 0
        other = peer.slic(image, 300)
        ours.append(recall(slic(image, len(np.unique(other))), drawn))
        theirs.append(recall(other, drawn))
    measured(float(np.mean(ours) - np.mean(theirs)))
    assert np.mean(ours) >= np.mean(theirs) - 0.01


@evidence.equals("image.slic", peer="scikit-image", tolerance="two halves: identical", data="made")
def test_two_halves_as_in_scikit_image(measured: Callable[[float], None]) -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 43:] = (250, 120, 20)
    ours, theirs = slic(image, 2), peer.slic(image, 2, start_label=0)
    measured(float((ours != theirs).mean()))
    assert np.array_equal(ours, theirs)


def test_every_label_is_one_patch_of_about_the_same_size(photos: dict[str, np.ndarray]) -> None:
    labels = slic(photos["rings"], 50)
    sizes = np.bincount(labels.ravel())
    assert 30 <= len(sizes) <= 80
    assert sizes.min() >= labels.size // 50 // 4
    assert sizes.max() <= 5 * labels.size // 50
    for region in range(len(sizes)):
        assert sl.image.label(labels == region, 4)[1] == 1


def test_greater_compactness_gives_squarer_patches(photos: dict[str, np.ndarray]) -> None:
    def border(compactness: float) -> int:
        return int(peer.find_boundaries(slic(photos["rings"], 60, compactness=compactness)).sum())

    assert border(200) < border(1)


def test_more_segments_than_pixels_and_a_single_one() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    assert slic(image, 1).max() == 0
    assert slic(image, 500).max() == 11


def test_steps_end_in_the_superpixels(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(slic, photos["rings"], 40)
    assert np.array_equal(trace.result, slic(photos["rings"], 40))
    assert trace[0].picture() is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"segments": 0}, "segments must be a whole number ≥ 1"),
        ({"segments": 3, "compactness": 0}, "compactness must be a number > 0"),
        ({"segments": 3, "iterations": 0}, "iterations must be a whole number in 1–100"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"slic: {sentence}"):
        slic(np.zeros((5, 5), np.uint8), **arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="slic: image must be finite"):
        slic(np.full((3, 3), np.nan, np.float32), 2)
