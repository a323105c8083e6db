"""Background subtraction: the masks of OpenCV's models, shadows told from what moves, and refusals by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.kernels import set_threads, threads
from sightline.core.trace import trace
from sightline.motion import BackgroundSubtractor, background_subtract


def scene(count: int, channels: int = 3, size: tuple[int, int] = (60, 150)) -> np.ndarray:
    """Return frames of a bright square with a shadow that crosses a noisy ground, wider than a block of the kernel."""
    random = np.random.default_rng(1)
    ground = random.integers(90, 200, (*size, channels)).astype(np.float64)
    frames = ground + random.normal(0, 2.5, (count, *size, channels))
    for i in range(count // 2, count):
        x = 4 * (i - count // 2)
        frames[i, 35:50, x : x + 20] *= 0.7
        frames[i, 20:35, x : x + 20] = (240, 30, 80)[:channels]
    frames = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
    return frames[..., 0] if channels == 1 else frames


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


@evidence.equals("motion.background_subtract", peer="opencv", tolerance="identical masks and shadows (mog2)")
def test_mixture_equals_opencv(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for channels in (1, 3):
        for threshold, rate in ((16.0, None), (4.0, 0.05)):
            model, peer = BackgroundSubtractor(threshold=threshold), cv2.createBackgroundSubtractorMOG2(500, threshold)
            for frame in scene(40, channels):
                found = model.apply(frame, rate)
                theirs = peer.apply(frame, learningRate=-1 if rate is None else rate)
                ours = np.select([found, model.shadow], [255, 127])
                worst = max(worst, float((ours != theirs).mean()))
    measured(worst)
    assert worst == 0
    assert np.abs(model.background().astype(int) - peer.getBackgroundImage()).max() <= 1


@evidence.equals("motion.background_subtract", peer="opencv", tolerance="IoU ≥ 0.95 (knn, whose samples are random)")
def test_neighbours_agree_with_opencv(measured: Callable[[float], None]) -> None:
    model, peer = BackgroundSubtractor("knn"), cv2.createBackgroundSubtractorKNN()
    ours, theirs = [], []
    for frame in scene(60):
        ours.append(model.apply(frame))
        theirs.append(peer.apply(frame))
    shared = overlap(np.stack(ours[10:]), np.stack(theirs[10:]) == 255)
    measured(shared)
    assert shared >= 0.95


@pytest.mark.slow
@evidence.equals("motion.background_subtract", peer="opencv", tolerance="IoU ≥ 0.9", data="video: car-detection.mp4")
def test_cars_of_the_clip_as_opencv_sees_them(shared_data: Path, measured: Callable[[float], None]) -> None:
    for kind, make in (("knn", cv2.createBackgroundSubtractorKNN), ("mog2", cv2.createBackgroundSubtractorMOG2)):
        model, peer = BackgroundSubtractor(kind), make()
        both = either = 0
        for frame in sl.image.frames(shared_data / "video" / "car-detection.mp4", stop=150):
            ours, theirs = model.apply(frame), peer.apply(frame) == 255
            both += int((ours & theirs).sum())
            either += int((ours | theirs).sum())
        measured(both / either)
        assert both / either >= 0.9


@pytest.mark.parametrize("kind", ["mog2", "knn"])
def test_what_moves_is_found_and_its_shadow_is_none(kind: str) -> None:
    frames = scene(60)
    masks = background_subtract(frames, kind)
    truth = np.zeros(frames.shape[1:3], bool)
    truth[20:35, 80:100] = True
    assert overlap(masks[50], truth) > 0.9
    with_shadow = background_subtract(frames, kind, shadows=False)[50]
    assert with_shadow[36:49, 81:99].mean() > 0.8
    assert masks[50, 36:49, 81:99].mean() < 0.2


def test_threads_and_layouts_give_the_same_bits() -> None:
    frames, before = scene(12), threads()
    try:
        for kind in ("mog2", "knn"):
            results = []
            for count in (1, 2, 4):
                set_threads(count)
                results.append(background_subtract(list(frames), kind, seed=3))
            results.append(background_subtract(iter(np.asfortranarray(frames)), kind, seed=3))
            assert all(np.array_equal(results[0], other) for other in results)
    finally:
        set_threads(before)


def test_other_dtypes_are_read_as_eight_bits() -> None:
    frames = scene(8)
    masks = background_subtract(frames)
    assert np.array_equal(background_subtract(frames.astype(np.uint16) * 257), masks)
    assert np.array_equal(background_subtract((frames / 255).astype(np.float32)), masks)


def test_a_rate_of_nothing_learns_nothing() -> None:
    frames = scene(30)
    for kind in ("mog2", "knn"):
        model = BackgroundSubtractor(kind)
        for frame in frames[:15]:
            model.apply(frame)
        before = model.background()
        first, again = (model.apply(frames[29], 0) for _ in range(2))
        assert np.array_equal(first, again)
        assert np.array_equal(model.background(), before)


def test_steps_end_in_the_masks() -> None:
    frames = scene(6)
    for kind in ("mog2", "knn"):
        steps = trace(background_subtract, frames, kind=kind)
        assert np.array_equal(steps.result, background_subtract(frames, kind))
        assert len({step.name for step in steps}) == len(steps.steps)


def test_refuses_by_name() -> None:
    model = BackgroundSubtractor()
    with pytest.raises(InputError, match=r"Call apply\(frame\)"):
        model.background()
    model.apply(np.zeros((4, 5), np.uint8))
    with pytest.raises(InputError, match=r"the first one's shape 4×5; got 4×6 uint8.*reset\(\)"):
        model.apply(np.zeros((4, 6), np.uint8))
    model.reset()
    assert model.apply(np.zeros((4, 6), np.uint8)).shape == (4, 6)
    with pytest.raises(InputError, match="frame must be finite"):
        BackgroundSubtractor().apply(np.full((3, 3), np.nan, np.float32))
    with pytest.raises(InputError, match="frames must be one image at least"):
        background_subtract([])
    with pytest.raises(InputError, match="kind must be one of"):
        background_subtract([np.zeros((3, 3), np.uint8)], "median")
    with pytest.raises(InputError, match="threshold must be a number > 0"):
        background_subtract([np.zeros((3, 3), np.uint8)], threshold=0)
