"""How much memory the search for corners and what compares two pictures take beside them, in bytes a pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result
from sightline.core.conversions import to_float
from sightline.image.corners import GrayRows, corner_strength, corners_of
from sightline.image.enhanced_correlation import correlation_of
from sightline.image.gaussian_blur import blurred_rows, reached
from sightline.image.gradient import as_gray
from sightline.image.oriented_patches import patches_of
from sightline.image.panorama import Placement
from sightline.image.panorama_sheet import LaidRows, lay

_SIDE = 2100
_BAND = 14 << 20  # bytes for what belongs to a band at hand, however large the picture
_CALLS: dict[str, Callable[[Any], Any]] = {
    "corners": lambda image: corners_of(image, 900),
    "patches": lambda image: patches_of(image, 1500),
    "stitch": lambda image: _stitched(image),
    "stitch in colour": lambda image: _stitched(np.repeat(image[..., None], 3, 2)),
    "register": lambda image: sl.image.register(image, np.roll(image, 5, 1), "translation"),
    "correlation": lambda image: correlation_of(image, image, np.eye(3)),
    "find_template": lambda image: sl.image.find_template(image, image[99:131, 99:131]),
}


def _stitched(image: np.ndarray) -> np.ndarray:
    return sl.image.stitch([image[:, : _SIDE * 7 // 8], image[:, _SIDE // 8 :]], projection="planar")


def scene(dtype: str) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (_SIDE // 8, _SIDE // 8)).astype(np.uint8)
    bytes_ = sl.image.resize(coarse, (_SIDE, _SIDE), "bicubic")
    return to_float(bytes_) if dtype == "float32" else bytes_.astype(dtype)


@pytest.mark.parametrize(
    ("name", "dtype", "most"),
    [
        ("corners", "uint8", 0.1),
        ("corners", "float32", 0.1),
        ("patches", "uint8", 1.5),  # of which 1.33 are the smaller levels, in float32
        ("patches", "uint16", 1.5),
        ("patches", "float32", 1.5),
        ("register", "uint8", 2.5),  # one of them for the rolled picture
        ("stitch", "uint8", 6.3),
        ("stitch in colour", "uint8", 15.2),  # three of them for the colours
        ("correlation", "uint8", 0.1),
        ("correlation", "float32", 0.1),
        ("find_template", "uint8", 3.8),
    ],
)
def test_memory_beside_picture(name: str, dtype: str, most: float) -> None:
    image = scene(dtype)
    taken = (taken_beside_result(lambda: _CALLS[name](image)) - _BAND) / _SIDE**2
    assert taken < most, f"{taken:.1f} bytes a pixel"


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_whole_numbers_are_read_as_brightness(dtype: str) -> None:
    image = scene(dtype)[:700, :900].copy()
    whole, real = patches_of(image, 300), patches_of(to_float(image), 300)
    np.testing.assert_array_equal(whole.points, real.points)
    np.testing.assert_array_equal(whole.descriptors, real.descriptors)
    matrix = np.array([[1, 0.02, 3.5], [-0.02, 1, 2.25], [1e-5, 0, 1]])
    assert correlation_of(image, image, matrix) == correlation_of(to_float(image), to_float(image), matrix)


def test_rows_on_demand_are_those_of_a_picture_that_is_laid() -> None:
    image, matrix = scene("uint8")[:700, :900].copy(), np.array([[1, 0.02, 3.5], [-0.02, 1, 2.25], [1e-5, 0, 1]])
    placement, shape = Placement(matrix, 0.0, (700, 900)), (650, 1000)
    whole = patches_of(lay(image, placement, (0, 650), (0, 1000)), 300)
    parts = patches_of(LaidRows(image, placement, shape), 300)
    np.testing.assert_array_equal(parts.points, whole.points)
    np.testing.assert_array_equal(parts.descriptors, whole.descriptors)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (60, 90)])
def test_rows_that_are_laid_when_asked_for_are_those_of_the_sheet(dtype: str, size: tuple[int, int]) -> None:
    image = scene(dtype)[: size[0], : size[1]].copy()
    for last in ([0, 0, 1], [1e-3, 2e-3, 1], [-0.02, 0.01, 1]):  # the last one has its horizon on the sheet
        placement = Placement(np.array([[0.98, -0.05, 12.3], [0.05, 1.02, -9], last]), 0.0, size)
        rows = np.empty((50, 131), np.float32)
        LaidRows(image, placement, (200, 131)).write(17, 67, rows)
        assert rows.tobytes() == lay(image, placement, (17, 67), (0, 131)).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colours", [False, True])
def test_a_cut_photo_is_read_as_its_copy(dtype: str, colours: bool) -> None:
    image = scene(dtype)[:720, :1000]
    image = np.stack([image, image[::-1], image[:, ::-1]], axis=2)[:, 60:940] if colours else image[:, 60:940]
    gray, copy = as_gray("test", to_float(image)), image.copy()
    assert not image.flags.c_contiguous
    whole, parts = patches_of(gray, 120), patches_of(GrayRows(image), 120)
    np.testing.assert_array_equal(parts.points, whole.points)
    np.testing.assert_array_equal(parts.descriptors, whole.descriptors)
    placement = Placement(np.array([[1, 0.02, 3.5], [-0.02, 1, 2.25], [1e-5, 0, 1]]), 0.0, (720, 880))
    laid, wanted = (lay(photo, placement, (100, 740), (-9, 901)) for photo in (image, copy))
    np.testing.assert_array_equal(laid, wanted)


def test_rows_are_those_of_the_whole() -> None:
    image = scene("float32")[:300, :500].copy()
    strength, blurred = corner_strength(image), sl.image.gaussian_blur(image, 2.0)
    for y0, y1 in ((0, 1), (0, 40), (13, 200), (250, 300), (299, 300)):
        np.testing.assert_array_equal(corner_strength(image, y0, y1), strength[y0:y1])
        first, last = reached(2.0, y0, y1, 300)
        np.testing.assert_array_equal(blurred_rows(image[first:last], first, 2.0, y0, y1, 300), blurred[y0:y1])


def test_windows_around_corners_blur_as_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    image = scene("uint8")[:600, :700].copy()
    few = patches_of(image, 100)
    monkeypatch.setattr("sightline.image.oriented_patches._WORTH", 1 << 40)  # nowhere worth it
    whole = patches_of(image, 100)
    np.testing.assert_array_equal(few.points, whole.points)
    np.testing.assert_array_equal(few.descriptors, whole.descriptors)
