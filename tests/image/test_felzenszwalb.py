"""Felzenszwalb's segmentation against scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage import segmentation as peer

import sightline as sl
from image.taken_memory import taken_beside_result
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image import edge_order
from sightline.metrics import segmentation_covering, variation_of_information

felzenszwalb = sl.image.felzenszwalb


@evidence.equals(
    "image.felzenszwalb", peer="scikit-image", tolerance="identical (no smoothing, no ties)", data="photos with noise"
)
def test_equals_scikit_image_without_ties(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst, random = 0.0, np.random.default_rng(0)
    for name in ("rings", "noise", "chelsea" if "chelsea" in photos else "noise"):
        image = sl.to_float(photos[name])[:200, :200]
        image = np.clip(image + 0.02 * random.random(image.shape, np.float32), 0, 1)
        for scale, least in ((20, 1), (200, 30)):
            ours = felzenszwalb(image, scale, sigma=0, min_size=least)
            theirs = peer.felzenszwalb(image.astype(np.float64), scale, sigma=0, min_size=least)
            worst = max(worst, variation_of_information(ours, [theirs]))
    measured(worst)
    assert worst <= 0.01


@pytest.mark.slow
@evidence.equals(
    "image.felzenszwalb", peer="scikit-image", tolerance="covering ≥ 0.9 (smoothed, with ties)", data="photos"
)
def test_agrees_with_scikit_image_on_photos(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 1.0
    for image in (photo for photo in photos.values() if min(photo.shape[:2]) > 50):
        ours, theirs = felzenszwalb(image, 100), peer.felzenszwalb(image, 100, sigma=0.8, min_size=20)
        worst = min(worst, segmentation_covering(ours, [theirs]))
    measured(worst)
    assert worst >= 0.9


def test_regions_are_connected_and_no_smaller_than_asked(photos: dict[str, np.ndarray]) -> None:
    labels = felzenszwalb(photos["noise"], 50, min_size=15)
    assert np.bincount(labels.ravel()).min() >= 15
    for region in range(labels.max() + 1):
        assert sl.image.label(labels == region, 8)[1] == 1


def test_greater_scales_give_fewer_regions(photos: dict[str, np.ndarray]) -> None:
    counts = [felzenszwalb(photos["rings"], scale, min_size=1).max() for scale in (1, 30, 1000)]
    assert counts[0] > counts[1] > counts[2]


def in_bands(monkeypatch: pytest.MonkeyPatch, band: int) -> None:
    """Let each picture be looked at some rows at a time, as great ones are, and each part have few edges."""
    for name, value in (("_WHOLE", 0), ("_BAND", band), ("_ROWS", 3), ("_LEAST", 700)):
        monkeypatch.setattr(edge_order, name, value)


def test_bands_and_parts_change_nothing(photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    images = [photos["noise"][:97, :61], random.integers(0, 3, (64, 64), np.uint8), np.full((90, 70), 9, np.uint8)]
    images += [random.integers(0, 256, (200, 3), np.uint8), np.uint8(np.indices((80, 90)).sum(axis=0) * 2)]
    given = [(image, scale, sigma) for image in images for scale in (5, 100) for sigma in (0, 0.8)]
    whole = [felzenszwalb(image, scale, sigma=sigma) for image, scale, sigma in given]
    in_bands(monkeypatch, 500)
    for (image, scale, sigma), labels in zip(given, whole, strict=True):
        assert np.array_equal(felzenszwalb(image, scale, sigma=sigma), labels)


def test_takes_little_memory_beside_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = np.indices((1024, 1024), np.float32)
    image = np.uint8(127 + 60 * np.sin(np.stack([x / 9, y / 13, x / 17], axis=2)) + 60 * np.sin(y / 9)[..., None])
    in_bands(monkeypatch, 1 << 15)
    assert taken_beside_result(lambda: felzenszwalb(image)) < 2.8 * image.nbytes


def test_dtypes_agree(photos: dict[str, np.ndarray]) -> None:
    image = photos["noise"]
    wide = felzenszwalb(image.astype(np.uint16) * 257, 100, sigma=0)
    assert np.array_equal(wide, felzenszwalb(image, 100, sigma=0))


def test_steps_join_ever_more(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(felzenszwalb, photos["rings"])
    assert np.array_equal(trace.result, felzenszwalb(photos["rings"]))
    counts = [trace[f"lightest 1/{part} of the edges"].value.max() for part in (16, 4, 2)]
    assert counts[0] > counts[1] > counts[2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"scale": -1}, "scale must be a number"),
        ({"sigma": -1}, "sigma must be a number in 0–20 pixels"),
        ({"min_size": 0}, "min_size must be a whole number ≥ 1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"felzenszwalb: {sentence}"):
        felzenszwalb(np.zeros((3, 4), np.uint8), **arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="felzenszwalb: image must be finite"):
        felzenszwalb(np.full((3, 3), np.nan, np.float32))
