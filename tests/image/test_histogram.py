"""Histograms and back-projection against OpenCV and NumPy."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

histogram = sl.image.histogram
HUES = ((0, 180), (0, 256))


@evidence.equals("image.histogram", peer="opencv", tolerance="identical (1-D, 2-D, 3-D; all dtypes)", data="photos")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for image in photos.values():
        for deep in (image, image.astype(np.uint16) * np.uint16(257)):
            top = 256 if deep.dtype == np.uint8 else 65536
            ours = np.atleast_2d(histogram(deep, 64))
            for channel, counts in enumerate(ours):
                wrong += int((counts != cv2.calcHist([deep], [channel], None, [64], [0, top]).ravel()).sum())
        if image.ndim == 3:
            ours, peer = (
                histogram(image, 8, channels=(0, 1, 2)),
                cv2.calcHist([image], [0, 1, 2], None, [8] * 3, [0, 256] * 3),
            )
            wrong += int((ours != peer).sum())
            hsv = sl.image.convert(image, "rgb", "hsv")
            peer = cv2.calcHist([hsv], [0, 1], None, [30, 32], [0, 180, 0, 256])
            wrong += int((histogram(hsv, (30, 32), channels=(0, 1), limits=HUES) != peer).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.histogram", peer="numpy", tolerance="identical (float32; any limits)", data="photos")
def test_equals_numpy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for image in photos.values():
        gray = sl.to_float(image if image.ndim == 2 else image[..., 1])
        for bins, limits in ((256, None), (10, (0.25, 0.75)), (1, (-2, 3))):
            peer = np.histogram(gray, bins, limits or (0, 1))[0]
            wrong += int((histogram(gray, bins, limits=limits) != peer).sum())
        if image.ndim == 3:
            values = sl.to_float(image)
            peer = np.histogram2d(values[..., 2].ravel(), values[..., 0].ravel(), (8, 16), ((0, 1), (0, 0.5)))[0]
            wrong += int((histogram(values, (8, 16), channels=(2, 0), limits=((0, 1), (0, 0.5))) != peer).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.histogram", peer="opencv", tolerance="identical (under a mask)", data="photos")
def test_under_a_mask_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong, random = 0, np.random.default_rng(4)
    for image in photos.values():
        mask = random.random(image.shape[:2]) > 0.7
        bytes_ = mask.astype(np.uint8)
        for channel, counts in enumerate(np.atleast_2d(histogram(image, 32, mask=mask))):
            wrong += int((counts != cv2.calcHist([image], [channel], bytes_, [32], [0, 256]).ravel()).sum())
        if image.ndim == 3:
            peer = cv2.calcHist([image], [0, 2], bytes_, [8, 16], [0, 256] * 2)
            wrong += int((histogram(image, (8, 16), channels=(0, 2), mask=mask) != peer).sum())
        values = sl.to_float(image)
        wrong += int((histogram(values, mask=mask) != histogram(values[mask][:, None])).sum())
    measured(wrong)
    assert wrong == 0


def test_what_a_mask_leaves_out_may_be_nan() -> None:
    image = np.array([[0.2, np.nan], [0.9, 0.3]], np.float32)
    assert histogram(image, 2, mask=~np.isnan(image)).tolist() == [2, 1]
    assert histogram(image, 2, mask=np.zeros((2, 2), bool)).tolist() == [0, 0]
    colour = np.zeros((2, 2, 3), np.uint8)
    assert histogram(colour, 4, mask=np.zeros((2, 2), bool)).shape == (3, 4)
    with pytest.raises(InputError, match="histogram: image must be finite; got 1 NaN"):
        histogram(image, 2, mask=np.ones((2, 2), bool))
    with pytest.raises(InputError, match="histogram: mask must have the image's shape 2×2"):
        histogram(image, 2, mask=np.ones((2, 3), bool))


@pytest.mark.parametrize("size", [1, 7, 8, 9, 64, 70001, 140001])
def test_every_pixel_is_counted(size: int) -> None:
    image = np.random.default_rng(size).integers(0, 256, (1, size), np.uint8)
    assert (histogram(image) == np.bincount(image.ravel(), minlength=256)).all()
    many = np.random.default_rng(size).integers(0, 256, (1, size, 3), np.uint8)
    assert (histogram(many) == [np.bincount(many[..., c].ravel(), minlength=256) for c in range(3)]).all()
    assert (histogram(many, 5, channels=(1,)) == histogram(many, 5)[1]).all()
    four = np.dstack([many, image])
    assert (histogram(four)[3] == histogram(image)).all()
    assert histogram(four, (3, 4), channels=(3, 0)).sum() == size


def test_a_channel_alone_is_the_sum_over_the_others(photos: dict[str, np.ndarray]) -> None:
    joint = histogram(photos["noise"], (4, 8, 16), channels=(0, 1, 2))
    for axis, bins in enumerate((4, 8, 16)):
        others = tuple(a for a in range(3) if a != axis)
        assert (joint.sum(axis=others) == histogram(photos["noise"], bins)[axis]).all()


def test_many_bins_together(photos: dict[str, np.ndarray]) -> None:
    noise = photos["noise"]
    joint = histogram(noise, 256, channels=(0, 2))
    peer = np.zeros((256, 256), int)
    np.add.at(peer, (noise[..., 0], noise[..., 2]), 1)
    assert (joint == peer).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 0}, "histogram: bins must be a whole number in 1–65535; got 0"),
        ({"limits": (3, 1)}, "histogram: limits must be .low, high. with low < high"),
        ({"limits": "all"}, "histogram: limits must be"),
        ({"limits": (0, np.nan)}, "histogram: limits must be"),
        ({"channels": (0, 3)}, "histogram: channels.1. must be a whole number in 0–2; got 3"),
        ({"channels": (1, 1)}, "histogram: channels must be different"),
        ({"channels": ()}, "histogram: channels must be None or one to three"),
        ({"channels": (0, 1), "bins": (3,)}, "histogram: bins must be one number or one a channel"),
        ({"channels": (0, 1), "bins": 60000}, "histogram: bins must be 2.24 at most"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        histogram(np.zeros((4, 5, 3), np.uint8), **options)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="histogram: image must be finite"):
        histogram(np.array([[0.1, np.nan]], np.float32))


def test_steps_show_the_curve(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(histogram, photos["rings"], bins=16)
    assert trace["histogram"].layers[1].points[:, 1].sum() == photos["rings"].size


# --- back-projection ---


@evidence.equals("image.back_project", peer="opencv", tolerance="identical when rounded (uint8)", data="photos")
def test_back_projection_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for image in photos.values():
        if image.ndim == 2:
            counts = cv2.calcHist([image[: len(image) // 2 + 1]], [0], None, [32], [0, 256]).ravel()
            scaled = counts / counts.max() * 255
            peer = cv2.calcBackProject([image], [0], scaled, [0, 256], 1)
            wrong += int((np.rint(sl.image.back_project(image, scaled)) != peer).sum())
        else:
            hsv = sl.image.convert(image, "rgb", "hsv")
            counts = histogram(hsv[:20], (30, 32), channels=(0, 1), limits=HUES)
            scaled = (counts / counts.max() * 255).astype(np.float32)
            peer = cv2.calcBackProject([hsv], [0, 1], scaled, [0, 180, 0, 256], 1)
            wrong += int((np.rint(sl.image.back_project(hsv, scaled, limits=HUES)) != peer).sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_back_projection_of_deep_images(dtype: str, photos: dict[str, np.ndarray]) -> None:
    image = sl.to_float(photos["noise"]) if dtype == "float32" else photos["noise"].astype(np.uint16) * np.uint16(257)
    values = np.arange(20.0).reshape(4, 5)
    coarse = [
        np.minimum(photos["noise"][..., c].astype(int) * bins // (256, 255)[dtype == "float32"], bins - 1)
        for c, bins in ((2, 4), (0, 5))
    ]
    ours = sl.image.back_project(image, values, channels=(2, 0))
    assert ours.dtype == np.float32
    assert (ours == values[coarse[0], coarse[1]]).mean() > 0.999


def test_an_object_lights_up() -> None:
    scene = np.full((40, 40, 3), (30, 90, 200), np.uint8)
    scene[10:20, 10:20] = (200, 40, 30)
    counts = histogram(scene[10:20, 10:20], 8, channels=(0, 1, 2))
    marked = sl.image.back_project(scene, counts / counts.max())
    assert (marked[10:20, 10:20] == 1).all()
    assert marked.sum() == 100


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, 2], "back_project: histogram must be an array"),
        (np.zeros((2, 2, 2, 2)), "back_project: histogram must be an array of one to three axes"),
        (np.array([np.nan]), "back_project: histogram must be finite"),
        (np.zeros((2, 0)), "back_project: histogram must be finite and not empty"),
    ],
)
def test_other_histograms_are_refused(counts: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sl.image.back_project(np.zeros((4, 5, 3), np.uint8), counts)


def test_axes_and_channels_must_agree() -> None:
    with pytest.raises(InputError, match="back_project: bins must be one number or one a channel"):
        sl.image.back_project(np.zeros((4, 5, 3), np.uint8), np.zeros(4), channels=(0, 1))
    with pytest.raises(InputError, match=r"back_project: channels\[1\] must be a whole number in 0–0"):
        sl.image.back_project(np.zeros((4, 5), np.uint8), np.zeros((4, 4)))
