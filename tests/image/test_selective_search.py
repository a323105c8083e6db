"""Selective search: recall of given boxes, and what holds for any hierarchy."""

from __future__ import annotations

import importlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image import edge_order

felzenszwalb = importlib.import_module("sightline.image.felzenszwalb")  # not the method of this name

selective_search = sl.image.selective_search


def best_overlap(boxes: np.ndarray, truth: np.ndarray) -> float:
    """Return the greatest intersection over union with one box."""
    sides = np.minimum(boxes[:, 2:], truth[2:]) - np.maximum(boxes[:, :2], truth[:2])
    inner = np.clip(sides, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (truth[2:] - truth[:2]).prod()
    return float((inner / (areas - inner)).max())


@evidence.reaches(
    "image.selective_search",
    figure="mean best overlap, fast mode",
    published=0.804,
    source="Uijlings 2013, table 5, Pascal VOC 2007 (20 classes), 2147 boxes a picture",
    data="raccoon: 6 photos at 400 pixels, at most 2000 boxes",
)
def test_finds_given_objects(shared_data: Path, measured: Callable[[float], None]) -> None:
    overlaps = []
    for path in sorted((shared_data / "raccoon" / "annotations").glob("*.xml"))[:6]:
        root = ElementTree.parse(path).getroot()
        image = sl.read(next((shared_data / "raccoon" / "images").glob(path.stem + ".*")))
        scale = min(1.0, 400 / max(image.shape[:2]))
        shape = tuple(round(side * scale) for side in image.shape[:2])
        boxes = selective_search(sl.image.resize(image, shape))
        for box in root.iter("bndbox"):
            truth = scale * np.array([float(box.find(key).text) for key in ("xmin", "ymin", "xmax", "ymax")])
            overlaps.append(best_overlap(boxes, truth))
    measured(float(np.mean(overlaps)))
    assert np.mean(overlaps) >= 0.80
    assert np.mean(np.array(overlaps) >= 0.5) >= 0.95


def scene() -> tuple[np.ndarray, list[list[float]]]:
    """Return two bright things on a dark ground, and their boxes."""
    image = np.full((60, 90, 3), 20, np.uint8)
    image[10:40, 8:30], image[20:55, 50:80] = (220, 40, 40), (40, 60, 230)
    return image, [[8, 10, 30, 40], [50, 20, 80, 55]]


@pytest.mark.parametrize("mode", ["single", "fast"])
def test_boxes_of_plain_things_are_exact(mode: str) -> None:
    image, truth = scene()
    boxes = selective_search(image, mode=mode)
    assert boxes.dtype == np.float32
    for box in truth:
        assert best_overlap(boxes, np.array(box)) > 0.85
    assert [0, 0, 90, 60] in boxes.tolist()


def test_boxes_lie_inside_and_do_not_repeat(photos: dict[str, np.ndarray]) -> None:
    boxes = selective_search(photos["noise"], min_size=10)
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert boxes.min() >= 0
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert (boxes[:, 2:].max(axis=0) <= photos["noise"].shape[1::-1]).all()


def test_the_limit_keeps_the_first_and_seeds_order_them(photos: dict[str, np.ndarray]) -> None:
    image = photos["rings"]
    boxes = selective_search(image)
    assert np.array_equal(selective_search(image, limit=5), boxes[:5])
    other = selective_search(image, seed=1)
    assert sorted(boxes.tolist()) == sorted(other.tolist())


def test_steps_end_in_the_boxes() -> None:
    image, _ = scene()
    trace = sl.trace(selective_search, image, mode="single")
    assert np.array_equal(trace.result, selective_search(image, mode="single"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"mode": "slow"}, "mode must be one of 'single', 'fast'"),
        ({"min_size": 0}, "min_size must be a whole number ≥ 1"),
        ({"limit": 0}, "limit must be a whole number ≥ 1"),
        ({"seed": -1}, "seed must be a whole number ≥ 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"selective_search: {sentence}"):
        selective_search(np.zeros((5, 6), np.uint8), **arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="selective_search: image must be finite"):
        selective_search(np.full((3, 3), np.nan, np.float32))


@pytest.mark.parametrize("name", ["selective_search", "felzenszwalb"])
def test_pictures_in_bands_take_less_than_three_times_their_bytes(
    name: str, photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Those of more than two million pixels are: here one of fewer, so that it is quick.
    monkeypatch.setattr(edge_order, "_WHOLE", 1 << 16)
    monkeypatch.setattr(edge_order, "_LEAST", 1 << 12)
    monkeypatch.setattr(edge_order, "_BAND", 1 << 14)
    monkeypatch.setattr(felzenszwalb, "_BAND", 1 << 14)
    photo = sl.image.resize(photos["rings"], (1000, 1200))
    image = photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)
    strips = 4 << 20  # bytes of what does not grow with the picture
    taken = taken_beside_result(lambda: getattr(sl.image, name)(image)) - strips
    assert taken < 3 * image.nbytes, f"{taken / image.nbytes:.2f} times the picture"
