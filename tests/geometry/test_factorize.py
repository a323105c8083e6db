"""Factorisation: shapes and motions that are known, a real clip tracked by OpenCV, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry import factorize, rodrigues

RANDOM = np.random.default_rng(4)


def motion(frames: int) -> np.ndarray:
    turns = [np.array([0.3 * np.sin(0.5 * k), 0.08 * k, 0.02 * k]) for k in range(frames)]
    return np.stack([rodrigues(turn) for turn in turns])


def tracks(shape: np.ndarray, frames: int, *, noise: float = 0.0, scales: bool = False) -> np.ndarray:
    turns = motion(frames)
    size = 1 + 0.2 * np.sin(np.arange(frames)) * scales
    shifts = RANDOM.uniform(-50, 50, (frames, 1, 2))
    seen = np.einsum("fij,nj->fni", turns[:, :2], shape) * size[:, None, None] + shifts
    return seen + RANDOM.normal(0, noise, seen.shape) if noise else seen


def shape_error(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the greatest distance to the true shape, after the rotation, mirror and scale that suit best."""
    truth = truth - truth.mean(axis=0)
    left, _, right = np.linalg.svd(truth.T @ found)
    scale = np.linalg.norm(truth) / np.linalg.norm(found)
    return float(np.abs(found @ (left @ right).T * scale - truth).max())


@pytest.mark.parametrize("model", ["orthographic", "weak_perspective"])
@evidence.equals("geometry.factorize", peer="the truth", tolerance="1e-6 of the shape", data="12 frames of 40 points")
def test_exact_tracks_give_the_true_shape_and_motion(model: str, measured: Callable[[float], None]) -> None:
    shape = RANDOM.uniform(-100, 100, (40, 3))
    seen = tracks(shape, 12, scales=model == "weak_perspective")
    found = factorize(seen, model)
    worst = shape_error(found.structure, shape) / 100
    measured(worst)
    assert worst < 1e-6
    assert found.error < 1e-9
    assert np.allclose(found.project(), seen)
    assert found.values[3] < 1e-9 * found.values[0]
    # Turns from frame to frame, up to the mirror in depth.
    flip = np.diag([1, 1, -1])
    turns, known = found.rotations(), motion(12)
    ours = [flip @ (turn @ turns[0].T) @ flip for turn in turns], [turn @ turns[0].T for turn in turns]
    theirs = np.stack([turn @ known[0].T for turn in known])
    assert min(np.abs(np.stack(one) - theirs).max() for one in ours) < 1e-6
    assert np.allclose(np.abs(found.motion[0] / np.linalg.norm(found.motion[0, 0])), np.eye(2, 3), atol=1e-9)


@evidence.equals("geometry.factorize", peer="the truth", tolerance="noise of the tracks", data="half a pixel of noise")
def test_noise_moves_the_shape_by_about_as_much(measured: Callable[[float], None]) -> None:
    shape = RANDOM.uniform(-100, 100, (60, 3))
    found = factorize(tracks(shape, 30, noise=0.5))
    worst = shape_error(found.structure, shape)
    measured(worst)
    assert worst < 2.0
    assert found.error < 1.0


@evidence.equals(
    "geometry.factorize", peer="OpenCV's tracks", tolerance="0.5 pixels", data="tree.avi, 40 frames, over 100 points"
)
def test_a_real_clip_is_explained_to_half_a_pixel(shared_data: Path, measured: Callable[[float], None]) -> None:
    clip = cv2.VideoCapture(str(shared_data / "opencv_samples/tree.avi"))
    frames = [cv2.cvtColor(clip.read()[1], cv2.COLOR_BGR2GRAY) for _ in range(40)]
    points = cv2.goodFeaturesToTrack(frames[0], 150, 0.01, 7).reshape(-1, 1, 2)
    seen, alive = [points], np.ones(len(points), bool)
    for before, after in pairwise(frames):
        moved, good, _ = cv2.calcOpticalFlowPyrLK(before, after, seen[-1], None)
        back, _, _ = cv2.calcOpticalFlowPyrLK(after, before, moved, None)
        alive &= (good.ravel() == 1) & (np.abs(back - seen[-1]).reshape(-1, 2).max(axis=1) < 0.5)
        seen.append(moved)
    kept = np.stack(seen)[:, alive].reshape(len(frames), -1, 2)
    found = factorize(kept)
    measured(found.error)
    assert kept.shape[1] > 100
    assert found.error < 0.5


def test_the_steps_end_in_the_result() -> None:
    seen = tracks(RANDOM.uniform(-9, 9, (12, 3)), 6)
    assert np.array_equal(sl.trace(factorize, seen).result.structure, factorize(seen).structure)
    assert factorize(seen).to_json()["error"] < 1e-9


FLAT = np.column_stack([RANDOM.uniform(-9, 9, (20, 2)), np.zeros(20)])


@pytest.mark.parametrize(
    "call",
    [
        lambda: factorize(tracks(FLAT, 8)),
        lambda: factorize(tracks(RANDOM.uniform(-9, 9, (20, 3)), 8)[:2]),
        lambda: factorize(tracks(RANDOM.uniform(-9, 9, (3, 3)), 8)),
        lambda: factorize(np.repeat(tracks(RANDOM.uniform(-9, 9, (20, 3)), 1), 8, axis=0)),
        lambda: factorize(tracks(RANDOM.uniform(-9, 9, (20, 3)), 8) * np.nan),
        lambda: factorize(np.zeros((8, 20, 2))),
        lambda: factorize(RANDOM.uniform(0, 500, (20, 2))),
        lambda: factorize(tracks(RANDOM.uniform(-9, 9, (20, 3)), 8), "perspective"),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^factorize: .*got "):
        call()
