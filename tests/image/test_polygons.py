"""What is done with the points of a contour, against OpenCV: corners, hulls, lengths, areas, rectangles, circles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

image = sl.image
NAMES = ["approximate_polygon", "convex_hull", "contour_area", "perimeter", "min_area_rect", "min_enclosing_circle"]
ALL = pytest.mark.parametrize("name", [*NAMES, "fit_ellipse", "is_inside"])


@pytest.fixture(scope="module")
def outlines(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return contours of photos and of noise, from one pixel to hundreds."""
    rng = np.random.default_rng(1)
    masks = [photos["rings"] > 127, rng.random((60, 90)) < 0.4, photos.get("coins", photos["rings"]) > 110]
    found = [contour.points for mask in masks for contour in image.find_contours(mask)]
    return [*(points for points in found if len(points) > 60), *found[:150]]


def call(name: str, points: Any) -> Any:
    """Call a function of points with what it needs besides."""
    function = getattr(image, name)
    return function(points, (1.0, 1.0)) if name == "is_inside" else function(points)


@evidence.equals("image.approximate_polygon", peer="opencv", tolerance="identical", data="contours of photos")
@pytest.mark.parametrize("closed", [True, False])
def test_approximation_equals_opencv(
    outlines: list[np.ndarray], measured: Callable[[float], None], closed: bool
) -> None:
    wrong = 0
    for points in outlines:
        for tolerance in (0, 0.5, 1, 2, 3, 7.5, 30):
            theirs = cv2.approxPolyDP(points, tolerance, closed)[:, 0]
            wrong += not np.array_equal(image.approximate_polygon(points, tolerance, closed=closed), theirs)
    measured(wrong)
    assert wrong == 0


def test_left_out_points_are_within_the_tolerance(outlines: list[np.ndarray]) -> None:
    for points in outlines[:20]:
        corners = image.approximate_polygon(points, 3.0)
        if len(corners) > 2:
            assert abs(image.is_inside(corners, points, distance=True)).max() <= 3.0 + 3 / math.sqrt(2)


@evidence.equals("image.convex_hull", peer="opencv", tolerance="the same corners", data="contours of photos")
def test_hull_equals_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for points in outlines:
        ours, theirs = image.convex_hull(points), cv2.convexHull(points)[:, 0]
        wrong += sorted(map(tuple, ours.tolist())) != sorted(map(tuple, theirs.tolist()))
    measured(wrong)
    assert wrong == 0


def test_a_hull_is_convex_and_holds_all_points() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2))
    hull = image.convex_hull(points)
    edges = np.roll(hull, -1, axis=0) - hull
    following = np.roll(edges, -1, axis=0)
    assert (edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > 0).all()
    assert (image.is_inside(hull, points, distance=True) > -1e-9).all()
    assert np.array_equal(image.convex_hull(points[::-1]), hull)


@evidence.equals("image.contour_area", peer="opencv", tolerance="identical", data="contours of photos")
def test_area_equals_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    worst = max(abs(image.contour_area(p, signed=True) - cv2.contourArea(p, True)) for p in outlines)
    measured(worst)
    assert worst == 0
    assert image.contour_area(outlines[0]) == abs(image.contour_area(outlines[0][::-1], signed=True))


@evidence.equals("image.perimeter", peer="opencv", tolerance="1e-6 relative", data="contours of photos")
def test_length_equals_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for points in outlines:
        for closed in (True, False):
            theirs = cv2.arcLength(points, closed)
            worst = max(worst, abs(image.perimeter(points, closed=closed) - theirs) / max(theirs, 1))
    measured(worst)
    assert worst <= 1e-6


@evidence.equals("image.min_area_rect", peer="opencv", tolerance="area within 1e-5 relative", data="contours of photos")
def test_rectangle_equals_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for points in outlines:
        rect, (_, (width, height), _) = image.min_area_rect(points), cv2.minAreaRect(points)
        worst = max(worst, abs(rect.area - width * height) / max(1.0, width * height))
        if rect.area > 1:
            assert (image.is_inside(rect.corners(), points, distance=True) > -1e-3).all()
    measured(worst)
    assert worst <= 1e-5


@evidence.equals("image.min_enclosing_circle", peer="opencv", tolerance="1e-3 pixels", data="contours of photos")
def test_circle_equals_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for points in outlines:
        circle, (centre, radius) = image.min_enclosing_circle(points), cv2.minEnclosingCircle(points)
        worst = max(worst, float(np.abs(np.subtract(circle.center, centre)).max()), abs(circle.radius - radius))
        distances = np.hypot(*(points - np.array(circle.center)).T)
        assert distances.max() <= circle.radius * (1 + 1e-9) + 1e-9
    measured(worst)
    assert worst <= 1e-3


@evidence.equals("image.fit_ellipse", peer="opencv", tolerance="1e-4 of the major axis", data="contours of photos")
def test_ellipse_equals_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    worst, compared = 0.0, 0
    for points in outlines:
        if len(points) < 60:
            continue
        (x, y), (minor, major), degrees = cv2.fitEllipse(points)
        try:
            ellipse = image.fit_ellipse(points)
        except InputError:  # OpenCV draws an ellipse through a hyperbola, too
            continue
        found = np.array([*ellipse.center, *ellipse.axes])
        turned = abs((ellipse.angle - math.radians(degrees + 90) + math.pi / 2) % math.pi - math.pi / 2)
        worst = max(worst, float(np.abs(found - (x, y, major, minor)).max()) / major)
        worst = max(worst, turned if major > 1.1 * minor else 0)
        compared += 1
    measured(worst)
    assert compared >= 5
    assert worst <= 1e-4


@pytest.mark.parametrize("angle", [0, 0.4, 1.2, 3.0])
def test_an_ellipse_is_found_again(angle: float) -> None:
    ellipse = image.fit_ellipse(np.array([[3, 0], [0, 1], [-3, 0], [0, -1], [2.4, 0.6]]))
    assert np.allclose((*ellipse.center, *ellipse.axes), (0, 0, 6, 2))
    turned = type(ellipse)((100.0, 50.0), (40.0, 10.0), angle)
    again = image.fit_ellipse(turned.outline(30))
    assert np.allclose((*again.center, *again.axes), (100, 50, 40, 10), atol=1e-3)
    assert abs(math.sin(again.angle - angle)) < 1e-4


@evidence.equals("image.is_inside", peer="opencv", tolerance="1e-4 pixels; sides identical", data="contours of photos")
def test_sides_equal_opencv(outlines: list[np.ndarray], measured: Callable[[float], None]) -> None:
    rng, worst = np.random.default_rng(2), 0.0
    for points in outlines[::3]:
        asked = rng.uniform(-3, 103, (30, 2)).round(1).astype(np.float32)
        asked[:10] = points[rng.integers(0, len(points), 10)]
        sides, distances = image.is_inside(points, asked), image.is_inside(points, asked, distance=True)
        for i, point in enumerate(asked.tolist()):
            assert sides[i] == cv2.pointPolygonTest(points, point, False)
            worst = max(worst, abs(distances[i] - cv2.pointPolygonTest(points, point, True)))
    measured(worst)
    assert worst <= 1e-4


@ALL
@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (np.zeros((0, 2)), "points must have at least"),
        (np.zeros((4, 3)), r"points must be an N×2 array of numbers \(x, y\); got 4×3 float64"),
        (np.zeros((4, 1, 2)), r"points must be .*; got 4×1×2 float64\. Drop the middle axis"),
        (np.array([[0, 0], [1, np.nan], [2, 2], [3, 3], [4, 0]]), "points must be finite; got 1 rows with NaN"),
        (np.array([["a", "b"]]), "points must be an N×2 array of numbers"),
        ([[0, 0], [1]], r"points must be an N×2 array of numbers \(x, y\); got list \[\[0, 0\], \[1\]\]"),
        ([], "points must be an N×2 array of numbers"),
        ("square", "points must be an N×2 array of numbers"),
    ],
)
def test_other_points_are_refused(name: str, points: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"{name}: {sentence}"):
        call(name, points)


@ALL
def test_pairs_in_a_list_are_points(name: str) -> None:
    pairs = [(0, 0), (9, 1), (10, 8), (4, 12), (-1, 7)]
    ours, theirs = call(name, pairs), call(name, np.array(pairs))
    assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs


@ALL
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "uint16", "float32", "float64", ">i4"])
def test_any_real_dtype_will_do(name: str, dtype: str) -> None:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.stack([60 + 40 * np.cos(turn), 50 + 20 * np.sin(turn)], axis=1).round()
    ours, theirs = call(name, points.astype(dtype)), call(name, points)
    assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs


@pytest.mark.parametrize("name", NAMES)
def test_few_points_will_do(name: str) -> None:
    for points in (
        np.array([[3, 4]]),
        np.array([[3, 4], [3, 4]]),
        np.array([[0, 0], [6, 8]]),
        np.array([[i, i] for i in range(9)]),
    ):
        assert call(name, points) is not None


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (np.array([[0, 0], [1, 1], [2, 2], [3, 3], [4, 4], [9, 9]]), "points must lie around an ellipse"),
        (np.array([[0, 0], [1, 1], [2, 0], [3, 3]]), "points must have at least 5 rows; got 4"),
        (np.array([[-4, 16], [-2, 4], [0, 0], [1, 1], [3, 9], [4, 16]]), "points must lie around an ellipse"),
    ],
)
def test_what_is_no_ellipse_is_refused(points: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=f"fit_ellipse: {sentence}"):
        image.fit_ellipse(points)


@pytest.mark.parametrize("point", [(1,), (1, 2, 3), ("a", "b"), None, (np.nan, 1.0), np.zeros((2, 3))])
def test_other_points_to_ask_for_are_refused(point: Any) -> None:
    with pytest.raises(InputError, match="is_inside: point must be"):
        image.is_inside(np.array([[0, 0], [4, 0], [0, 4]]), point)
