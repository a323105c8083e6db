"""ORB beside OpenCV's: as many right matches on the graffiti pair and on warped photos; and on its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence


def graffiti(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b = (
        cv2.imread(str(folder / "opencv_samples" / name), cv2.IMREAD_GRAYSCALE) for name in ("graf1.png", "graf3.png")
    )
    text = (folder / "opencv_samples" / "H1to3p.xml").read_text()
    numbers = re.search(r"<data>(.*?)</data>", text, re.DOTALL)
    assert numbers is not None
    return a, b, np.array([float(word) for word in numbers.group(1).split()]).reshape(3, 3)


def warped(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a sample photo, the same seen from elsewhere, turned and darker, and the homography between."""
    a = sl.image.resize(sl.image.convert(sl.data.sample(name), "rgb", "gray"), (480, 640))
    corners = np.float32([[0, 0], [639, 0], [639, 479], [0, 479]])
    seen = corners + np.float32([[90, 40], [-60, 110], [-20, -70], [50, 10]])
    turn = np.vstack([cv2.getRotationMatrix2D((320, 240), 35, 0.9), [0, 0, 1]])
    h = turn @ cv2.getPerspectiveTransform(corners, seen)
    return a, np.clip(cv2.warpPerspective(a, h, (640, 480)) * 0.8 + 15, 0, 255).astype(np.uint8), h


def right_matches(a: np.ndarray, b: np.ndarray, codes: list[np.ndarray], h: np.ndarray) -> int:
    """Return how many mutual nearest neighbours lie within 3 pixels of where they belong."""
    pairs = sl.features.match(*codes, 1, cross_check=True).indices
    seen = np.c_[a, np.ones(len(a))] @ h.T
    apart = np.linalg.norm((seen[:, :2] / seen[:, 2:])[pairs[:, 0]] - b[pairs[:, 1]], axis=1)
    return int((apart < 3).sum())


def compare(a: np.ndarray, b: np.ndarray, h: np.ndarray, count: int) -> tuple[int, int]:
    """Return the right matches of ours and of OpenCV's at the same number of features."""
    ours = [sl.features.orb(image, count) for image in (a, b)]
    peer = cv2.ORB_create(count)
    theirs = [peer.detectAndCompute(image, None) for image in (a, b)]
    places = [np.array([point.pt for point in points]) for points, _ in theirs]
    return (
        right_matches(ours[0].points, ours[1].points, [found.descriptors for found in ours], h),
        right_matches(*places, [codes for _, codes in theirs], h),
    )


@evidence.equals("features.orb", peer="opencv", tolerance="as many right matches or more", data="graf1, graf3")
def test_graffiti_no_worse_than_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    counts = np.array([compare(*graffiti(shared_data), count) for count in (500, 1000, 2000)])
    measured(float(counts[:, 0].sum() / counts[:, 1].sum()))
    assert (counts[:, 0] >= counts[:, 1]).all()


@evidence.equals(
    "features.orb", peer="opencv", tolerance="as many right matches or more", data="sample photos, warped and darker"
)
def test_warped_photos_no_worse_than_opencv(measured: Callable[[float], None]) -> None:
    counts = np.array([compare(*warped(name), 500) for name in ("astronaut", "china", "rocket")])
    measured(float(counts[:, 0].sum() / counts[:, 1].sum()))
    assert counts[:, 0].sum() >= counts[:, 1].sum()


def test_angles_turn_with_the_picture() -> None:
    photo = sl.image.convert(sl.data.sample("astronaut"), "rgb", "gray")[:200, :200]
    a, b = (sl.features.orb(image, 200, levels=1) for image in (photo, np.rot90(photo).copy()))
    back = np.stack([photo.shape[1] - 1 - b.points[:, 1], b.points[:, 0]], axis=1)  # where they were before
    apart = np.abs(a.points[:, None] - back[None]).max(axis=2)
    rows, partners = np.flatnonzero(apart.min(axis=1) == 0), apart.argmin(axis=1)
    assert len(a) > 100
    assert len(rows) > 0.95 * len(a)
    turn = np.angle(np.exp(1j * (a.angles[rows] - b.angles[partners[rows]] - np.pi / 2)))
    assert np.abs(turn).max() < 1e-3
    bits = np.unpackbits(a.descriptors[rows] ^ b.descriptors[partners[rows]], axis=1).sum(axis=1)
    assert bits.mean() < 10


def test_few_or_no_corners() -> None:
    assert len(sl.features.orb(np.full((100, 100), 9, np.uint8))) == 0
    assert len(sl.features.orb(np.zeros((20, 200), np.uint8))) == 0
    empty = sl.features.orb(np.zeros((1, 1), np.uint8))
    assert empty.descriptors is not None
    assert empty.descriptors.shape == (0, 32)
    noise = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    assert 0 < len(sl.features.orb(noise, 3)) <= 3


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_dtypes_are_brought_to_bytes(dtype: str) -> None:
    photo = sl.image.convert(sl.data.sample("astronaut"), "rgb", "gray")[:150, :150]
    other = photo.astype(np.uint16) * np.uint16(257) if dtype == "uint16" else sl.to_float(photo)
    a, b = sl.features.orb(photo, 50), sl.features.orb(other, 50)
    assert np.array_equal(a.points, b.points)
    assert np.array_equal(a.descriptors, b.descriptors)
