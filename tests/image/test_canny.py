"""Canny's edges against OpenCV, and what holds for any image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence, kernels
from sightline.core.errors import InputError

canny = sl.image.canny


@evidence.equals("image.canny", peer="opencv", tolerance="≥ 99.5 % of pixels (σ = 0; found: all)", data="photos, noise")
def test_equals_opencv_without_smoothing(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    same, total = 0, 0
    for picture in photos.values():
        gray = picture if picture.ndim == 2 else sl.image.convert(picture, "rgb", "gray")
        for low, high in ((50, 150), (33.3, 77.7), (0, 300), (100, 600)):
            for norm in ("l2", "l1"):
                peer = cv2.Canny(gray, low, high, L2gradient=norm == "l2") > 0
                same += int((canny(gray, low, high, sigma=0, norm=norm) == peer).sum())
                total += peer.size
    measured(same / total)
    assert same / total >= 0.9999


@evidence.equals("image.canny", peer="opencv", tolerance="≥ 99.5 % of pixels (σ = 1.4)", data="real photos")
def test_agrees_with_opencv_after_smoothing(
    shared_data: Path, photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 1.0  # the two blurs differ by one grey level here and there
    for gray in (photos[name] for name in ("camera", "coins", "sudoku") if photos[name].ndim == 2):
        peer = cv2.Canny(cv2.GaussianBlur(gray, (0, 0), 1.4), 50, 150, L2gradient=True) > 0
        worst = min(worst, float((canny(gray) == peer).mean()))
    measured(worst)
    assert worst >= 0.995


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_thresholds_are_grey_levels_for_every_dtype(dtype: str, photos: dict[str, np.ndarray]) -> None:
    gray = sl.image.convert(photos["noise"], "rgb", "gray")
    same = gray.astype(np.uint16) * np.uint16(257) if dtype == "uint16" else sl.to_float(gray)
    assert (canny(same, sigma=0) == canny(gray, sigma=0)).mean() > 0.99


def test_colour_is_turned_to_gray(photos: dict[str, np.ndarray]) -> None:
    gray = sl.image.convert(photos["noise"], "rgb", "gray")
    assert np.array_equal(canny(photos["noise"]), canny(gray))


def fading_edge(height: int = 300) -> np.ndarray:
    """Return an image whose one long edge crosses many strips and is strong at its lower end only."""
    image = np.zeros((height, 60), np.uint8)
    image[:, 30:] = np.linspace(20, 90, height, dtype=np.uint8)[:, None]
    return image


def test_an_edge_is_followed_across_strips() -> None:
    image = fading_edge()
    edges = canny(image, 40, 300, sigma=0)
    assert edges[:280, 29:31].any(axis=1).all()
    assert np.array_equal(edges, cv2.Canny(image, 40, 300, L2gradient=True) > 0)


def test_same_bits_for_any_number_of_threads(photos: dict[str, np.ndarray]) -> None:
    before, found = kernels.threads(), []
    try:
        for count in (1, 2, 4):
            kernels.set_threads(count)
            found.append([canny(image, 20, 60, sigma=0) for image in (*photos.values(), fading_edge())])
    finally:
        kernels.set_threads(before)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_edges_contain_the_strong_and_are_contained_in_the_weak(photos: dict[str, np.ndarray]) -> None:
    gray = photos["rings"]
    strong, edges, weak = canny(gray, 90, 90), canny(gray, 30, 90), canny(gray, 30, 30)
    assert (strong <= edges).all()
    assert (edges <= weak).all()
    assert strong.sum() < weak.sum()


def test_steps_tell_the_story(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(canny, photos["rings"], low=30, high=90)
    assert [step.name for step in trace] == ["grey", "smoothed", "gradient", "thinned", "strong and weak", "edges"]
    assert np.array_equal(trace.result, canny(photos["rings"], 30, 90))
    assert ((trace["strong and weak"].value > 0) >= trace.result).all()
    assert (trace["thinned"].value[trace.result] > 30).all()


def test_nan_is_refused() -> None:
    image = np.zeros((5, 5), np.float32)
    image[2, 2] = np.nan
    with pytest.raises(InputError, match="canny: image must be finite; got 1 NaN"):
        canny(image)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"low": 200}, "canny: low must be ≤ high; got low 200 and high 150"),
        ({"low": -1}, "canny: low must be a number in 0–1500"),
        ({"sigma": np.nan}, "canny: sigma must be a number in 0–20 pixels"),
        ({"norm": "l3"}, "canny: norm must be one of 'l2', 'l1'"),
    ],
)
def test_bad_options_are_refused(arguments: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        canny(np.zeros((5, 5), np.uint8), **arguments)
