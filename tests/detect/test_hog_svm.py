"""The window of a person: its numbers are those of OpenCV's descriptor in scikit-image's form, and it finds people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError
from sightline.core.trace import trace
from sightline.detect import HogSvm, iou
from sightline.faces import HogFace


@pytest.fixture(scope="module")
def posts() -> tuple[HogSvm, np.ndarray]:
    """Return a detector that was taught upright posts, and a picture of one on its ground."""
    random = np.random.default_rng(5)
    made = []
    for _ in range(12):
        post = random.normal(90, 12, (32, 16))
        at = random.integers(5, 8)
        post[4:29, at : at + 4] = 210
        made.append(np.clip(post, 0, 255).astype(np.uint8))
    grounds = [sl.image.gaussian_blur(random.integers(0, 256, (80, 110), dtype=np.uint8), s) for s in (1.0, 2.0)]
    scene = grounds[1].copy()
    scene[20:68, 60:84] = sl.image.resize(made[0], (48, 24))
    return HogSvm.train(made[1:], grounds, size=(32, 16), cell=4, negatives=150, name="post", seed=1), scene


@evidence.equals("detect.HogSvm", peer="scikit-image", tolerance=1e-5, data="128×64 windows of a photo, all scores")
def test_scores_are_those_of_each_window_alone(measured: Callable[[float], None]) -> None:
    hog = pytest.importorskip("skimage.feature").hog
    gray = sl.image.convert(sl.data.sample("astronaut"), "rgb", "gray")[:152, :88]
    weights = np.random.default_rng(0).normal(0, 0.02, (15, 7, 36)).astype(np.float32)
    detector, found = HogSvm(weights, 0.1), []
    assert (detector.size, detector.name) == ((128, 64), "person")
    blocks = hog(gray / 255, 9, (8, 8), (2, 2), "L2-Hys", feature_vector=False).reshape(18, 10, 36)
    for y, x in np.ndindex(4, 4):
        found.append(float((blocks[y : y + 15, x : x + 7] * weights).sum()) + 0.1)
    steps = trace(HogSvm, detector, np.ascontiguousarray(gray), threshold=-9.0)
    assert len(steps.result) >= 1
    level, scores = next(iter(detector._scored(np.ascontiguousarray(gray), 1.1, None, None)))
    assert level.factors == (1, 1)
    worst = float(np.abs(scores.ravel() - found).max())
    measured(worst)
    assert worst < 1e-5


def test_what_was_taught_is_found(posts: tuple[HogSvm, np.ndarray], tmp_path: Path) -> None:
    detector, scene = posts
    found = detector.detect(scene)
    assert found.names == ("post",)
    assert iou(found.boxes[:1], np.array([[60, 20, 84, 68]]))[0, 0] > 0.6
    detector.save(tmp_path / "posts.npz")
    for kind in (HogSvm, HogFace):  # an archive is of a window, whoever reads it
        assert np.array_equal(kind.load(tmp_path / "posts.npz").detect(scene).boxes, found.boxes)


def test_refuses_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"HogSvm: weights must be M×N×\(4 · bins\) finite numbers"):
        HogSvm("no weights")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"HogSvm\.train: size must be whole cells of 8 pixels"):
        HogSvm.train([], [], size=(50, 50))
    with pytest.raises(InputError, match=r"HogSvm\.train: there must be 1 cutout"):
        HogSvm.train([], [])
    with pytest.raises(InputError, match=r"HogSvm\.detect: min_size must be a whole number ≥ 1"):
        HogSvm(np.zeros((15, 7, 36))).detect(np.zeros((9, 9), np.uint8), min_size=0)
    np.savez(tmp_path / "other.npz", kind="eigenfaces")
    with pytest.raises(FormatError, match="is not an archive of a HogSvm"):
        HogSvm.load(tmp_path / "other.npz")
