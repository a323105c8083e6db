"""Contours against OpenCV's whole tree: the same points in the same order, and the same nesting."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.borders_of_size import borders_of_size

find_contours = sl.image.find_contours
borders = importlib.import_module("sightline.image.find_contours").borders  # whose module the function's name hides
PEERS = {"none": cv2.CHAIN_APPROX_NONE, "simple": cv2.CHAIN_APPROX_SIMPLE}


def masks(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return masks of photos, and random ones of awkward sizes, from empty to full."""
    rng = np.random.default_rng(0)
    made = [photo > 127 if photo.ndim == 2 else photo[..., 1] > 100 for photo in photos.values()]
    for shape in ((1, 1), (1, 9), (9, 1), (20, 31), (65, 64), (130, 7)):
        made += [rng.random(shape) < share for share in (0, 0.1, 0.3, 0.5, 0.6, 0.9, 1)]
    return made


def tree(points: list[np.ndarray], parents: list[int]) -> dict[bytes, bytes]:
    """Return each border's points (their bytes name it) with those of the border around it."""
    names = [np.ascontiguousarray(part, np.int32).tobytes() for part in points]
    return {name: names[parent] if parent >= 0 else b"" for name, parent in zip(names, parents, strict=True)}


@evidence.equals("image.find_contours", peer="opencv", tolerance="identical: points, order, nesting", data="photos")
@pytest.mark.parametrize("approximation", ["none", "simple"])
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None], approximation: str) -> None:
    wrong = 0
    for mask in masks(photos):
        ours = find_contours(mask, approximation=approximation)
        points, hierarchy = cv2.findContours(mask.view(np.uint8), cv2.RETR_TREE, PEERS[approximation])
        parents = hierarchy[0][:, 3].tolist() if len(points) else []
        theirs = tree([part[:, 0] for part in points], parents)
        found = tree([contour.points for contour in ours], [contour.parent for contour in ours])
        wrong += abs(len(ours) - len(points)) + sum(theirs.get(name) != around for name, around in found.items())
    measured(wrong)
    assert wrong == 0


def test_external_ones_are_those_of_opencv(photos: dict[str, np.ndarray]) -> None:
    mask = photos["rings"] > 127
    ours = find_contours(mask, mode="external")
    theirs, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    assert {c.points.tobytes() for c in ours} == {np.ascontiguousarray(t[:, 0]).tobytes() for t in theirs}
    assert all(c.parent == -1 and c.children == () for c in ours)


def test_the_tree_is_consistent(photos: dict[str, np.ndarray]) -> None:
    contours = find_contours(photos["rings"] > 127)
    for i, contour in enumerate(contours):
        assert all(contours[child].parent == i for child in contour.children)
        if contour.parent >= 0:
            assert contour.parent < i
            assert i in contours[contour.parent].children
            assert contours[contour.parent].is_hole != contour.is_hole
        else:
            assert not contour.is_hole


@pytest.mark.parametrize("name", ["rings", "noise"])
def test_each_group_has_one_outline_and_each_lake_one_shore(photos: dict[str, np.ndarray], name: str) -> None:
    mask = photos[name].reshape(*photos[name].shape[:2], -1)[..., 0] > 100
    contours = find_contours(mask)
    framed = np.pad(~mask, 1, constant_values=True)
    assert sum(not c.is_hole for c in contours) == sl.image.label(mask)[1]
    assert sum(c.is_hole for c in contours) == sl.image.label(framed, 4)[1] - 1


@pytest.mark.parametrize("approximation", ["none", "simple"])
def test_long_lines_have_more_points_than_runs_promise(approximation: str) -> None:
    mask = np.zeros((160, 400), bool)
    mask[::4] = True
    mask[80:, 30] = True
    ours = find_contours(mask, approximation=approximation)
    theirs, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_TREE, PEERS[approximation])
    assert {c.points.tobytes() for c in ours} == {np.ascontiguousarray(t[:, 0]).tobytes() for t in theirs}


def test_strips_are_joined_to_what_one_thread_finds(
    photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).random((300, 90))
    made = [photos["rings"] > 127, noise < 0.4, noise < 0.6, np.kron(noise[:30, :9] < 0.5, np.ones((10, 10), bool))]
    alone = [find_contours(mask) for mask in made]
    for name in ("find_contours", "border_starts"):
        monkeypatch.setattr(sys.modules[f"sightline.image.{name}"], "_ALONE", 0)
    for mask, expected in zip(made, alone, strict=True):
        found = find_contours(mask)
        assert [(c.is_hole, c.parent, c.children) for c in found] == [
            (c.is_hole, c.parent, c.children) for c in expected
        ]
        assert [c.points.tobytes() for c in found] == [c.points.tobytes() for c in expected]


def test_an_empty_mask_has_no_contours() -> None:
    assert find_contours(np.zeros((5, 7), bool)) == []


@pytest.mark.parametrize(
    ("mask", "options", "sentence"),
    [
        (np.zeros((3, 3), np.uint8), {}, r"mask must be H×W bool; got 3×3 uint8\. Compare first"),
        (np.ones((3, 3), bool), {"approximation": "tc89"}, "approximation must be one of 'none', 'simple'; got 'tc89'"),
        (np.ones((3, 3), bool), {"mode": "list"}, "mode must be one of 'tree', 'external'; got 'list'"),
    ],
)
def test_bad_input_is_refused(mask: np.ndarray, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=f"find_contours: {sentence}"):
        find_contours(mask, **options)


@pytest.mark.parametrize("limits", [(0, 1e9), (0.5, 3), (3, 200)])
def test_borders_of_a_size_are_those_among_all(photos: dict[str, np.ndarray], limits: tuple[float, float]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (70, 191), np.uint8)
    columns = (noise[:, :64], noise[:, :128], noise[:1], noise[:, :1])  # words of bits end with the row, or do not
    for image in (noise, *columns, photos["coins"], np.tile(np.array([[0, 9], [9, 0]], np.uint8), (40, 40)) * 20):
        image, found = np.ascontiguousarray(image), 0
        points, ends, *_ = borders(image, 127)
        wanted = [part for part in np.split(points, ends[:-1]) if limits[0] <= area_within(part) < limits[1]]
        for part in borders_of_size(image, 127, *limits):
            np.testing.assert_array_equal(part, wanted[found])
            found += 1
        assert found == len(wanted)


def area_within(points: np.ndarray) -> float:
    """Return the area of a polygon; what has none is of no size."""
    x, y = points.astype(np.int64).T
    return float(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2) or math.nan
