"""Thresholds of neighbourhoods, of several classes and of two levels, against OpenCV and scikit-image."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from itertools import combinations

import cv2
import numpy as np
import pytest
from skimage import filters

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

image = sl.image


def grays(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the photos in grey."""
    return [photo if photo.ndim == 2 else image.convert(photo, "rgb", "gray") for photo in photos.values()]


# --- adaptive ---

KINDS = {"binary": cv2.THRESH_BINARY, "binary_inverse": cv2.THRESH_BINARY_INV}


@pytest.mark.parametrize("kind", KINDS)
@evidence.equals("image.adaptive_threshold", peer="opencv", tolerance="mean identical (uint8)", data="photos")
def test_mean_equals_opencv(kind: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for gray in grays(photos):
        for size, offset in ((3, 2), (11, -3), (31, 2.5), (101, 7)):
            peer = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, KINDS[kind], size, offset)
            wrong += int((image.adaptive_threshold(gray, size, offset, kind=kind) != peer).sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("kind", KINDS)
@evidence.equals(
    "image.adaptive_threshold", peer="opencv", tolerance="gaussian identical but for 1 pixel in 10⁴", data="photos"
)
def test_gaussian_equals_opencv(kind: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in grays(photos):
        for size, offset in ((3, 2), (5, 1), (7, 0), (9, 2.5), (31, 7)):
            peer = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, KINDS[kind], size, offset)
            worst = max(
                worst, float((image.adaptive_threshold(gray, size, offset, "gaussian", kind=kind) != peer).mean())
            )
    measured(worst)
    assert worst <= 1e-4


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_deep_images_are_compared_exactly(dtype: str, photos: dict[str, np.ndarray]) -> None:
    values = photos["rings"].astype(np.float64) * 257 + np.arange(131)
    gray = (values / 65535).astype(np.float32) if dtype == "float32" else values.astype(np.uint16)
    mean = cv2.blur(gray.astype(np.float64), (9, 9), borderType=cv2.BORDER_REPLICATE)
    offset = 500.5 / (65535 if dtype == "float32" else 1)
    clear = np.abs(gray - (mean - offset)) > 1e-6 * gray.max()
    ours = image.adaptive_threshold(gray, 9, offset)
    assert ours.dtype == gray.dtype
    white = 1 if dtype == "float32" else 65535
    assert (ours == np.where(gray > mean - offset, white, 0).astype(gray.dtype))[clear].all()
    inverse = image.adaptive_threshold(gray, 9, offset, kind="binary_inverse")
    assert ((inverse == 0) == (ours == white)).all()


def test_light_that_falls_off_does_not_matter() -> None:
    page = np.full((80, 90), 200.0)
    page[::8] = 120
    lit = (page * np.linspace(0.3, 1.0, 90)).astype(np.uint8)
    rows = image.adaptive_threshold(lit, 15, 4)
    assert (rows[::8] == 0).all()
    assert (rows[4::8] == 255).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_bands_are_as_the_whole(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("sightline.image.adaptive_threshold")  # which the function's name hides
    sizes = ((150, 70), 3), ((150, 70), 31), ((90, 20), 9), ((40, 90), 101)
    cases = [((np.random.default_rng(3).random(shape) * 255).astype(dtype), size) for shape, size in sizes]
    whole = [image.adaptive_threshold(gray, size, 2, "gaussian") for gray, size in cases]
    monkeypatch.setattr(module, "_PIXELS", 1)
    monkeypatch.setattr(module, "_BAND", 17)
    for (gray, size), expected in zip(cases, whole, strict=True):
        assert len(list(module._weighted_means(gray, size))) == -(-len(gray) // 17)
        np.testing.assert_array_equal(image.adaptive_threshold(gray, size, 2, "gaussian"), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 2), "adaptive_threshold: size must be an odd whole number in 3–1023; got 10. Use 11"),
        ((1, 2), "adaptive_threshold: size must be an odd whole number in 3–1023; got 1"),
        ((3, np.nan), "adaptive_threshold: offset must be a number"),
        ((3, 2, "median"), "adaptive_threshold: method must be one of 'mean', 'gaussian'"),
    ],
)
def test_adaptive_refuses(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        image.adaptive_threshold(np.zeros((9, 9), np.uint8), *arguments)


# --- Sauvola, Niblack ---


@evidence.equals(
    "image.sauvola_threshold", peer="scikit-image", tolerance="1e-5 levels (uint8), 1e-6 (float32)", data="photos"
)
def test_sauvola_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in [gray for gray in grays(photos) if min(gray.shape) > 8]:
        for size, k in ((15, 0.2), (5, 0.5), (41, -0.1)):
            ours = image.sauvola_threshold(gray, size, k)
            worst = max(worst, float(np.abs(ours - filters.threshold_sauvola(gray, size, k)).max()))
        soft = sl.to_float(gray).astype(np.float64)
        ours = image.sauvola_threshold(soft.astype(np.float32), 25, 0.3, spread=1.0)
        assert np.abs(ours - filters.threshold_sauvola(soft, 25, 0.3, r=1.0)).max() <= 1e-6
    measured(worst)
    assert worst <= 2e-5


@evidence.equals("image.sauvola_threshold", peer="scikit-image", tolerance="niblack 1e-5 levels (uint8)", data="photos")
def test_niblack_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in [gray for gray in grays(photos) if min(gray.shape) > 8]:
        ours = image.sauvola_threshold(gray, 15, 0.3, method="niblack")
        worst = max(worst, float(np.abs(ours - filters.threshold_niblack(gray, 15, 0.3)).max()))
    measured(worst)
    assert worst <= 2e-5


def test_a_flat_page_has_one_threshold() -> None:
    for dtype, level in (("uint8", 200), ("uint16", 51400), ("float32", 0.8)):
        flat = np.full((30, 20), level, dtype)
        assert np.allclose(image.sauvola_threshold(flat, 7, 0.2), 0.8 * level, rtol=1e-6)
        assert np.allclose(image.sauvola_threshold(flat, 7, 0.2, method="niblack"), level, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4}, "sauvola_threshold: size must be an odd whole number"),
        ({"k": 11}, "sauvola_threshold: k must be a number in -10–10; got 11"),
        ({"spread": 0}, "sauvola_threshold: spread must be a number > 0"),
        ({"method": "otsu"}, "sauvola_threshold: method must be one of"),
    ],
)
def test_sauvola_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        image.sauvola_threshold(np.zeros((9, 9), np.uint8), **options)


# --- the whole histogram: triangle and several classes ---


@evidence.equals("image.triangle_threshold", peer="opencv", tolerance="identical (uint8)", data="photos")
def test_triangle_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for gray in grays(photos):
        for picture in (gray, 255 - gray, gray // 3 + 60):
            wrong += image.triangle_threshold(picture) != cv2.threshold(picture, 0, 255, cv2.THRESH_TRIANGLE)[0]
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.triangle_threshold", peer="scikit-image", tolerance="one level (uint8, uint16)", data="photos")
def test_triangle_is_scikit_image_s(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    # Theirs is the corner itself, ours (as OpenCV's) the level before it: what is above belongs to the other side.
    worst = 0.0
    for gray in grays(photos):
        worst = max(worst, abs(image.triangle_threshold(gray) - float(filters.threshold_triangle(gray))))
        deep = gray.astype(np.uint16)
        worst = max(worst, abs(image.triangle_threshold(deep) - float(filters.threshold_triangle(deep))))
    measured(worst)
    assert worst <= 2


def test_triangle_of_floats_is_that_of_their_bins(photos: dict[str, np.ndarray]) -> None:
    gray = photos["rings"]
    full = np.concatenate([gray.ravel(), np.uint8([0, 255])])[None]
    value = image.triangle_threshold(sl.to_float(full)) * 255
    assert abs(value - image.triangle_threshold(full)) <= 1
    assert image.triangle_threshold(np.full((3, 3), 0.25, np.float32)) == 0.25
    assert image.triangle_threshold(np.full((3, 3), 77, np.uint8)) == 77


def spread(gray: np.ndarray, thresholds: np.ndarray) -> float:
    """Return the sum over the classes of their pixels times their squared mean, counted from the mean of all."""
    part = np.digitize(gray.ravel(), thresholds, right=True)
    values = gray.ravel() - gray.mean()
    return float((np.bincount(part, values) ** 2 / np.maximum(np.bincount(part), 1)).sum() / gray.size)


@evidence.equals(
    "image.multi_otsu", peer="scikit-image", tolerance="identical, or a level apart and better", data="photos"
)
def test_multi_otsu_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    other, count = 0, 0
    for gray in [gray for gray in grays(photos) if gray.size > 1000]:
        for picture in (gray, cv2.GaussianBlur(gray, (0, 0), 1.3) / np.float32(255)):
            for classes in (2, 3, 4) if picture is gray else (3,):
                ours, peer = image.multi_otsu(picture, classes), filters.threshold_multiotsu(picture, classes)
                apart, level = np.abs(ours - peer).max(), 1 if picture is gray else np.ptp(picture) / 256
                count, other = count + 1, other + (apart > 1e-6)
                assert apart <= 1.01 * level  # their sums are float32: nearly equal cuts are taken for equal
                if picture is gray:
                    assert spread(gray, ours) >= spread(gray, peer) - 1e-9
    measured(other / count)
    assert other <= 0.15 * count


@pytest.mark.parametrize("seed", range(6))
def test_multi_otsu_finds_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    gray = random.choice(random.choice(65536, 14, replace=False), (20, 20)).astype(np.uint16)
    values, counts = np.unique(gray, return_counts=True)

    def total(cuts: tuple[int, ...]) -> float:
        parts = np.split(np.arange(values.size), cuts)
        return sum(float(counts[p] @ values[p]) ** 2 / float(counts[p].sum()) for p in parts)

    best = max(combinations(range(1, values.size), 3), key=total)
    assert image.multi_otsu(gray, 4).tolist() == [values[cut - 1] for cut in best]


def test_two_classes_are_otsu_s(photos: dict[str, np.ndarray]) -> None:
    for gray in grays(photos):
        assert image.multi_otsu(gray, 2)[0] == image.otsu_threshold(gray)


def test_as_many_classes_as_values() -> None:
    gray = np.array([[3, 5, 9, 200]], np.uint8)
    assert image.multi_otsu(gray, 4).tolist() == [3, 5, 9]
    with pytest.raises(
        InputError, match="multi_otsu: classes must be at most the number of different values, 4; got 5"
    ):
        image.multi_otsu(gray, 5)
    with pytest.raises(InputError, match="multi_otsu: classes must be a whole number in 2–256; got 1"):
        image.multi_otsu(gray, 1)


@pytest.mark.parametrize("name", ["multi_otsu", "triangle_threshold", "adaptive_threshold", "sauvola_threshold"])
def test_nan_is_refused(name: str) -> None:
    extra = (3, 0.1) if name == "adaptive_threshold" else ()
    with pytest.raises(InputError, match=f"{name}: image must be finite"):
        getattr(image, name)(np.full((4, 4), np.nan, np.float32), *extra)


# --- hysteresis ---


@evidence.equals("image.hysteresis_threshold", peer="scikit-image", tolerance="identical (all dtypes)", data="photos")
def test_hysteresis_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for gray in grays(photos):
        for low, high in ((100, 180), (40, 90.5), (0, 254), (128, 128)):
            peer = filters.apply_hysteresis_threshold(gray, low, high)
            wrong += int((image.hysteresis_threshold(gray, low, high) != peer).sum())
        soft = sl.to_float(gray)
        peer = filters.apply_hysteresis_threshold(soft, np.float32(0.35), np.float32(0.7))
        wrong += int((image.hysteresis_threshold(soft, 0.35, 0.7) != peer).sum())
        deep = gray.astype(np.uint16) * np.uint16(257)
        peer = filters.apply_hysteresis_threshold(deep, 30000, 50000)
        wrong += int((image.hysteresis_threshold(deep, 30000, 50000) != peer).sum())
    measured(wrong)
    assert wrong == 0


def test_diagonal_neighbours_count_when_asked() -> None:
    stairs = (np.eye(200) * 60 + 10).astype(np.uint8)
    stairs[100, 100] = 250
    assert image.hysteresis_threshold(stairs, 50, 200).sum() == 1
    assert image.hysteresis_threshold(stairs, 50, 200, connectivity=8).sum() == 200


def test_eight_neighbours_equal_opencv_s_regions(photos: dict[str, np.ndarray]) -> None:
    gray = image.convert(photos["noise"], "rgb", "gray")
    _, labels = cv2.connectedComponents((gray > 120).astype(np.uint8), connectivity=8)
    wanted = np.isin(labels, np.unique(labels[gray > 200])) & (gray > 120)
    assert (image.hysteresis_threshold(gray, 120, 200, connectivity=8) == wanted).all()


@pytest.mark.parametrize("connectivity", [4, 8])
def test_one_pixel_reaches_all_that_is_connected(connectivity: int) -> None:
    """More pixels wait to be followed than there is room for."""
    image = np.full((700, 650), 100, np.uint8)
    image[500] = 0  # nothing passes
    image[300, 300] = 255
    mask = sl.image.hysteresis_threshold(image, 50, 200, connectivity=connectivity)
    assert mask[:500].all()
    assert not mask[500:].any()


def test_nan_is_above_nothing() -> None:
    row = np.array([[0.9, 0.5, np.nan, 0.5, np.inf, -np.inf]], np.float32)
    assert image.hysteresis_threshold(row, 0.4, 0.8).tolist() == [[True, True, False, True, True, False]]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((9, 3), {}, "hysteresis_threshold: low must be ≤ high; got low 9 and high 3. Swap them"),
        ((1, np.inf), {}, "hysteresis_threshold: high must be a number"),
        ((1, 2), {"connectivity": 6}, "hysteresis_threshold: connectivity must be 4 or 8; got 6"),
    ],
)
def test_hysteresis_refuses(arguments: tuple[float, float], options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        image.hysteresis_threshold(np.zeros((4, 4), np.uint8), *arguments, **options)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("adaptive_threshold", (11, 5)),
        ("sauvola_threshold", ()),
        ("triangle_threshold", ()),
        ("multi_otsu", (4,)),
        ("hysteresis_threshold", (100, 180)),
    ],
)
def test_steps_end_in_the_result(name: str, arguments: tuple[float, ...], photos: dict[str, np.ndarray]) -> None:
    function = getattr(image, name)
    trace = sl.trace(function, photos["rings"], *arguments)
    assert np.array_equal(trace.result, function(photos["rings"], *arguments))
    assert any(step.picture() is not None for step in trace)
