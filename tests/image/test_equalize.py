"""Equalization, whole and by tiles, and histogram matching against OpenCV and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import exposure

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def grays(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the photos in grey."""
    return [image if image.ndim == 2 else sl.image.convert(image, "rgb", "gray") for image in photos.values()]


@evidence.equals("image.equalize", peer="opencv", tolerance="identical (uint8)", data="photos")
def test_equalize_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = max(int(cv2.absdiff(sl.image.equalize(gray), cv2.equalizeHist(gray)).max()) for gray in grays(photos))
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_equalized_levels_are_spread_evenly(dtype: str, photos: dict[str, np.ndarray]) -> None:
    dull = cv2.GaussianBlur(photos["noise"][..., 0].astype(np.float32), (0, 0), 2) / 255
    image = dull if dtype == "float32" else np.rint(dull * 65535).astype(np.uint16)
    result = sl.image.equalize(image) / (1 if dtype == "float32" else 65535)
    assert result.min() == 0
    assert result.max() == 1
    counts = np.histogram(result, 10, (0, 1))[0]
    assert counts.max() - counts.min() <= 3
    assert (np.diff(result.ravel()[np.argsort(image, axis=None)]) >= 0).all()


def test_equalizing_twice_changes_hardly_anything(photos: dict[str, np.ndarray]) -> None:
    once = sl.image.equalize(photos["rings"])
    assert cv2.absdiff(once, sl.image.equalize(once)).max() <= 1


@pytest.mark.parametrize("name", ["equalize", "clahe"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colours_keep_their_hue(name: str, dtype: str) -> None:
    ramp = np.linspace(60, 100, 90)[None, :, None] * np.array([1.0, 0.8, 0.9])
    image = np.repeat(ramp, 60, axis=0) / 255
    image = image.astype(np.float32) if dtype == "float32" else np.rint(image * np.iinfo(dtype).max).astype(dtype)
    before = sl.image.convert(image, "rgb", "lab").astype(float)
    after = sl.image.convert(getattr(sl.image, name)(image), "rgb", "lab").astype(float)
    assert np.ptp(after[..., 0]) > 1.3 * np.ptp(before[..., 0])
    middle = (after[..., 0] > 0.2 * after[..., 0].max()) & (
        after[..., 0] < 0.8 * after[..., 0].max()
    )  # no clipping there
    unit = 257 if dtype == "uint16" else 1
    assert np.abs(after - before)[middle][:, 1:].max() <= 2 * unit


@pytest.mark.parametrize("name", ["equalize", "clahe", "match_histogram"])
def test_nan_is_refused(name: str) -> None:
    image = np.full((3, 3), np.nan, np.float32)
    extra = (image,) if name == "match_histogram" else ()
    with pytest.raises(InputError, match=f"{name}: image must be finite"):
        getattr(sl.image, name)(image, *extra)


@evidence.equals(
    "image.clahe", peer="opencv", tolerance="1 level at 1 pixel in 1000 (uint8), identical (uint16)", data="photos"
)
def test_clahe_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in grays(photos):
        for limit, tiles in ((2.0, (8, 8)), (0, (3, 5)), (40.0, (2, 7)), (0.5, (1, 1))):
            peer = cv2.createCLAHE(limit, tiles[::-1])
            apart = cv2.absdiff(sl.image.clahe(gray, limit, tiles), peer.apply(gray))
            assert apart.max() <= 1
            worst = max(worst, float((apart > 0).mean()))
    for gray in grays(photos)[:3]:
        deep = gray.astype(np.uint16) * np.uint16(200)
        assert (sl.image.clahe(deep, 3.0, (4, 4)) == cv2.createCLAHE(3.0, (4, 4)).apply(deep)).all()
    measured(worst)
    assert worst <= 1e-3


def test_clahe_of_floats_is_that_of_their_levels(photos: dict[str, np.ndarray]) -> None:
    deep = photos["rings"].astype(np.uint16) * np.uint16(257)
    ours = sl.image.clahe(sl.to_float(deep), 2.0, (2, 2))
    assert np.abs(ours - sl.image.clahe(deep, 2.0, (2, 2)) / 65535).max() < 1e-6


def test_one_tile_without_a_limit_is_equalization(photos: dict[str, np.ndarray]) -> None:
    gray = photos["rings"]
    share = np.cumsum(sl.image.histogram(gray)) / gray.size
    assert np.abs(sl.image.clahe(gray, 0, (1, 1)) - 255 * share[gray]).max() <= 0.51


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0,), "clahe: clip_limit must be a number in 0–1e.09; got -1"),
        ((2.0, 8), "clahe: tiles must be .rows, columns."),
        ((2.0, (0, 8)), "clahe: tiles.0. .rows. must be a whole number in 1–1024; got 0"),
    ],
)
def test_clahe_refuses(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sl.image.clahe(np.zeros((9, 9), np.uint8), *arguments)


def test_clahe_refuses_too_many_curves() -> None:
    with pytest.raises(InputError, match="clahe: tiles must make at most 2,048 tiles in all for uint16"):
        sl.image.clahe(np.zeros((9, 9), np.uint16), 2.0, (100, 100))


@evidence.equals(
    "image.match_histogram", peer="scikit-image", tolerance="1 level (uint8), 1e-6 (float32)", data="photos"
)
def test_match_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    colour = [image for image in photos.values() if image.ndim == 3]
    worst = 0.0
    for image, reference in ((colour[0], colour[-1]), (colour[-1], colour[0])):
        peer = exposure.match_histograms(image, reference, channel_axis=-1)  # their fractions are cut off, ours rounded
        worst = max(worst, float(cv2.absdiff(sl.image.match_histogram(image, reference), peer).max()))
        a, b = sl.to_float(image[:80]), cv2.GaussianBlur(sl.to_float(reference[:80]), (0, 0), 1)
        exact = exposure.match_histograms(a, b, channel_axis=-1)
        assert np.abs(sl.image.match_histogram(a, b) - exact).max() <= 1e-6
    for gray in grays(photos):
        deep = gray.astype(np.uint16) * np.uint16(200)
        peer = exposure.match_histograms(deep, np.rint(deep * 0.5).astype(np.uint16))
        assert np.abs(sl.image.match_histogram(deep, np.rint(deep * 0.5).astype(np.uint16)) - peer).max() <= 0.5
    measured(worst)
    assert worst <= 1


def test_an_image_matches_itself(photos: dict[str, np.ndarray]) -> None:
    for image in photos.values():
        assert (sl.image.match_histogram(image, image) == image).all()


def test_match_refuses_another_kind() -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(InputError, match="match_histogram: reference must have the channels and the dtype of image"):
        sl.image.match_histogram(image, image[..., 0])
    with pytest.raises(InputError, match="match_histogram: reference must have"):
        sl.image.match_histogram(image, image.astype(np.float32))


@pytest.mark.parametrize("name", ["equalize", "clahe", "match_histogram"])
def test_steps_end_in_the_result(name: str, photos: dict[str, np.ndarray]) -> None:
    extra = (photos["rings"][:40],) if name == "match_histogram" else ()
    trace = sl.trace(getattr(sl.image, name), photos["rings"], *extra)
    assert (trace.result == getattr(sl.image, name)(photos["rings"], *extra)).all()
