"""Blobs at all scales against scikit-image, and Gaussian spots whose scale is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import skimage.feature

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.boxed_hessian import BoxedLevels, boxed_determinants
from sightline.image.covered_discs import uncovered
from sightline.image.scale_stack import blurred_levels, filtered, gaussian_gains, laplacian_gains

METHODS = {"blobs_log": sl.image.blobs_log, "blobs_dog": sl.image.blobs_dog, "blobs_doh": sl.image.blobs_doh}


def spot(x: float, y: float, sigma: float, shape: tuple[int, int] = (90, 110)) -> np.ndarray:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / sigma**2).astype(np.float32)


def share_found(blobs: np.ndarray, among: np.ndarray, margin: float, shape: tuple[int, ...]) -> float:
    """Return the share of blobs, away from the border, that have one within a pixel among others."""
    inner = (blobs[:, :2] >= margin).all(axis=1) & (blobs[:, :2] < np.array(shape[1::-1]) - margin).all(axis=1)
    near = np.abs(blobs[inner, None] - among[None]).max(axis=2) <= 1
    return float(near.any(axis=1).mean()) if inner.any() else 1.0


def compare(
    name: str, photos: dict[str, np.ndarray], options: dict[str, float], margin: float, overlap: float
) -> float:
    """Return the least share, in both directions, of blobs that the other one finds too."""
    peer_function = getattr(skimage.feature, name.replace("blobs", "blob"))
    worst = 1.0
    for key in photos.keys() & {"rings", "coins"}:
        gray = photos[key]
        ours = METHODS[name](gray, options["threshold"], max_sigma=options["max_sigma"], overlap=overlap)
        peer = peer_function(gray, **options, overlap=overlap)[:, [1, 0, 2]]
        assert len(ours) > 3
        assert ours.dtype == np.float32
        pairs = ((ours, peer), (peer, ours))
        worst = min(worst, *(share_found(a, b, margin, gray.shape) for a, b in pairs))
    return worst


@evidence.equals("image.blobs_log", peer="scikit-image", tolerance="≥ 99 % of blobs within 1 pixel", data="photos")
def test_log_blobs_are_those_of_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = compare("blobs_log", photos, {"threshold": 0.1, "max_sigma": 12}, 0, 1.0)
    measured(worst)
    assert worst >= 0.99


@evidence.equals("image.blobs_dog", peer="scikit-image", tolerance="≥ 99 % of blobs within 1 pixel", data="photos")
def test_dog_blobs_are_those_of_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = compare("blobs_dog", photos, {"threshold": 0.1, "max_sigma": 12}, 0, 1.0)
    measured(worst)
    assert worst >= 0.99


@evidence.equals(
    "image.blobs_doh", peer="scikit-image", tolerance="≥ 95 % of blobs within 1 pixel, off the border", data="photos"
)
def test_doh_blobs_are_those_of_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = compare("blobs_doh", photos, {"threshold": 0.005, "max_sigma": 12}, 30, 1.0)
    measured(worst)
    assert worst >= 0.95


def test_fewer_stay_when_overlaps_are_dropped(photos: dict[str, np.ndarray]) -> None:
    for name in METHODS:
        options = {"threshold": 0.003 if name == "blobs_doh" else 0.1, "max_sigma": 12}
        real = {key: photos[key] for key in photos.keys() & {"coins"}}
        assert compare(name, real, options, 30, 0.5) >= 0.6  # the peer's choice depends on the order of a set


@pytest.mark.parametrize("sigma", [0.7, 3.0, 21.0])
def test_filters_are_those_of_scipy(sigma: float) -> None:
    image = np.random.default_rng(1).random((31, 45), np.float32)
    (blurred,) = filtered(image, [gaussian_gains(image.shape, sigma)])
    np.testing.assert_allclose(blurred, scipy.ndimage.gaussian_filter(image.astype(float), sigma), atol=2e-6)
    (bent,) = filtered(image, [laplacian_gains(image.shape, sigma)])
    expected = -(sigma**2) * scipy.ndimage.gaussian_laplace(image.astype(float), sigma)
    np.testing.assert_allclose(bent, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(31, 45), (40, 131)])
def test_rows_are_blurred_as_the_whole_is(dtype: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(5).random(shape, np.float32)
    given = image if dtype == "float32" else (image * np.iinfo(dtype).max).astype(dtype)
    scaled = given / np.float32(1 if dtype == "float32" else np.iinfo(dtype).max)
    sigmas = np.array([0.7, 3.0, 21.0])
    whole = filtered(scaled, [gaussian_gains(shape, sigma) for sigma in sigmas])
    for rows, columns in ((slice(0, 3), slice(0, shape[1])), (slice(7, 30), slice(2, 40))):
        for level, expected in zip(blurred_levels(given, sigmas)(rows, columns), whole, strict=True):
            np.testing.assert_allclose(level, expected[rows, columns], atol=2e-6)


def test_determinants_are_the_same_band_by_band() -> None:
    image = np.random.default_rng(6).integers(0, 256, (150, 70), np.uint8)
    sigmas = np.array([1.5, 4.0, 9.0])
    whole, levels = boxed_determinants(image, sigmas), BoxedLevels(image, sigmas)
    for start, stop in ((0, 30), (28, 75), (73, 80), (90, 150)):
        part = np.stack(list(levels(slice(start, stop), slice(0, 70))))
        assert np.array_equal(part, whole[:, start:stop])


@pytest.mark.parametrize("name", list(METHODS))
def test_a_large_picture_has_the_blobs_of_its_parts(name: str) -> None:
    wide, (x, y) = np.zeros((140, 1500), np.float32), np.array([[60, 70], [750, 40], [1280, 90], [1440, 60]]).T
    for u, v in zip(x, y, strict=True):
        wide = np.maximum(wide, spot(u, v, 5, wide.shape))
    options = {"threshold": 0.02 if name == "blobs_doh" else 0.2, "max_sigma": 12}
    for image, axes in ((wide, (0, 1)), (np.ascontiguousarray(wide.T), (1, 0))):
        found = METHODS[name](image, **options)
        found = found[np.argsort(found[:, axes[0]])]
        assert len(found) == 4
        np.testing.assert_allclose(found[:, axes], np.stack([x, y], axis=1), atol=1)


@pytest.mark.parametrize("sigma", [1.5, 3.0, 5.0, 8.0])
def test_determinants_are_those_of_scikit_image_one_pixel_on(sigma: float) -> None:
    image = np.random.default_rng(2).random((90, 95), np.float32)
    ours = boxed_determinants(image, np.array([sigma]))[0]
    peer = skimage.feature.hessian_matrix_det(image.astype(float), sigma)  # it lies a pixel up and left of the centre
    np.testing.assert_allclose(ours[31:-29, 31:-29], peer[30:-30, 30:-30], atol=1e-7)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_spot_has_its_own_scale(dtype: str) -> None:
    image = spot(40, 30, 6)
    image = image if dtype == "float32" else (image * np.iinfo(dtype).max).astype(dtype)
    blobs = sl.image.blobs_log(image, min_sigma=2, max_sigma=10, scales=17)
    np.testing.assert_allclose(blobs, [[40, 30, 6]], atol=0.51)
    np.testing.assert_allclose(sl.image.blobs_dog(image, 0.3, max_sigma=20)[0], [40, 30, 6], rtol=0.35)


def test_the_answer_to_a_spot_is_half_its_height() -> None:
    assert len(sl.image.blobs_log(spot(40, 30, 5), 0.49, min_sigma=5, max_sigma=5, scales=1)) == 1
    assert len(sl.image.blobs_log(spot(40, 30, 5), 0.51, min_sigma=5, max_sigma=5, scales=1)) == 0


def test_of_two_in_one_place_the_larger_stays() -> None:
    image = spot(40, 40, 11) * 0.6 + spot(46, 40, 1.5) * 0.4
    options: dict[str, Any] = {"min_sigma": 1, "max_sigma": 16, "scales": 16}
    assert len(sl.image.blobs_log(image, 0.05, overlap=1.0, **options)) >= 2
    (one,) = sl.image.blobs_log(image, 0.05, overlap=0.3, **options)
    assert one[2] > 8


@pytest.mark.parametrize("overlap", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("largest", [4.0, 40.0])
def test_who_stays_shares_no_more_with_any_larger_one_that_stays(overlap: float, largest: float) -> None:
    random = np.random.default_rng(0)
    blobs = np.hstack([random.integers(0, 150, (400, 2)), random.integers(2, largest + 1, (400, 1)) / 2])
    stays: list[int] = []
    for i in np.argsort(-blobs[:, 2], kind="stable").tolist():
        if all(disc_share(blobs[j], blobs[i]) <= overlap for j in stays):
            stays.append(i)
    kept = uncovered(blobs.astype(np.float32), overlap)
    np.testing.assert_array_equal(kept, blobs[sorted(stays)])
    assert 0 < len(kept) < len(blobs)


def disc_share(large: np.ndarray, small: np.ndarray) -> float:
    """Return the share of the smaller blob's disc in the larger one's: two segments of circles."""
    away, a, b = math.dist(large[:2], small[:2]), math.sqrt(2) * large[2], math.sqrt(2) * small[2]
    if away <= a - b or away >= a + b:
        return float(away <= a - b)
    segments = 0.0
    for r, other in ((a, b), (b, a)):
        half = math.acos((away * away + r * r - other * other) / (2 * away * r))
        segments += r * r * (half - math.sin(half) * math.cos(half))
    return segments / (math.pi * b * b)


def test_mirrored_images_have_mirrored_blobs() -> None:
    image = np.maximum(spot(30, 20, 4), spot(80, 60, 8))
    blobs, mirrored = (sl.image.blobs_log(part, 0.2, max_sigma=12) for part in (image, image[:, ::-1]))
    mirrored[:, 0] = image.shape[1] - 1 - mirrored[:, 0]
    assert len(blobs) == 2
    np.testing.assert_allclose(np.sort(blobs, axis=0), np.sort(mirrored, axis=0))


def test_dark_blobs_have_determinants_too() -> None:
    rows, columns = np.mgrid[0:90, 0:110]
    disc = ((columns - 50) ** 2 + (rows - 40) ** 2 <= 100).astype(np.float32)
    bright, dark = (sl.image.blobs_doh(part, max_sigma=20) for part in (disc, 1 - disc))
    np.testing.assert_allclose(bright[0, :2], [50, 40], atol=1)
    np.testing.assert_allclose(dark[0], bright[0], atol=1)


def test_a_flat_image_has_none() -> None:
    for function in METHODS.values():
        assert function(np.full((40, 30), 7, np.uint8)).shape == (0, 3)


def test_steps_end_in_the_blobs() -> None:
    trace = sl.trace(sl.image.blobs_log, spot(40, 30, 5), 0.2, max_sigma=10, scales=4)
    assert [step.name for step in trace] == ["grey", "scale stack", "peaks", "blobs"]
    assert trace["scale stack"].value.shape == (4, 90, 110)
    assert len(trace["peaks"].value) >= len(trace.result)


@pytest.mark.parametrize("name", list(METHODS))
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"min_sigma": 9, "max_sigma": 4}, "min_sigma must be ≤ max_sigma; got 9 and 4. Swap them"),
        ({"min_sigma": np.nan}, "min_sigma must be a number in"),
        ({"max_sigma": 1000}, "max_sigma must be a number in"),
        ({"overlap": 2}, "overlap must be a number in 0–1"),
        ({"threshold": 10**400}, "threshold must be a number"),
        ({"threshold": np.nan}, "threshold must be a number"),
    ],
)
def test_bad_options_are_refused(name: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=f"{name}: {sentence}"):
        METHODS[name](np.zeros((9, 9), np.uint8), **options)


def test_nan_is_refused() -> None:
    for name, function in METHODS.items():
        with pytest.raises(InputError, match=f"{name}: image must be finite"):
            function(np.full((9, 9), np.nan, np.float32))
