"""Registration against OpenCV: ECC, matched features on a real pair with a known homography, and our own warps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.corners import corner_strength, corners_of
from sightline.image.enhanced_correlation import levels_of, maximise
from sightline.image.fit_transform import LEAST, consensus, fit, project

RANDOM = np.random.default_rng(5)
MODELS = ("translation", "rigid", "similarity", "affine", "homography")
PEER_MOTION = {"translation": 0, "rigid": 1, "affine": 2, "homography": 3}
GRAF = np.array(
    [[0.76285898, -0.29922929, 225.67123], [0.33443473, 1.0143901, -76.999973], [3.4663091e-4, -1.4364524e-5, 1]]
)
CUT = 30


def frame(shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape[:2]
    return np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], float)


def corner_error(found: np.ndarray, truth: np.ndarray, shape: tuple[int, ...]) -> float:
    away = project(found, frame(shape)) - project(truth, frame(shape))
    return float(np.sqrt((away**2).sum(axis=1)).max())


def motion(model: str, shape: tuple[int, ...], amount: float, random: np.random.Generator) -> np.ndarray:
    """Return a random transform of the model that moves points by about ``amount`` pixels."""
    box = frame(shape)
    if model == "homography":
        return fit(model, box, box + random.uniform(-amount, amount, (4, 2)))
    if model == "affine":
        return fit(model, box[:3], box[:3] + random.uniform(-amount, amount, (3, 2)))
    angle = 0 if model == "translation" else random.uniform(-amount, amount) / shape[1]
    scale = 1 + random.uniform(-amount, amount) / shape[1] if model == "similarity" else 1
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    shift = random.uniform(-amount, amount, 2)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]], [0, 0, 1]])


def warped_pair(photo: np.ndarray, model: str, amount: float = 12, seed: int = 0) -> tuple[Any, Any, np.ndarray]:
    """Return (fixed, moving, truth): both are cut out, so that each shows something that the other one does not."""
    truth = motion(model, photo.shape, amount, np.random.default_rng(seed))
    moved = cv2.warpPerspective(photo, truth, photo.shape[1::-1], flags=cv2.INTER_CUBIC)
    shift = np.array([[1, 0, -CUT], [0, 1, -CUT], [0, 0, 1.0]])
    cut = (slice(CUT, -CUT), slice(CUT, -CUT))
    return moved[cut].copy(), photo[cut].copy(), shift @ truth @ np.linalg.inv(shift)


def large(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return photos that are large enough to cut, in grey; made ones where there are no real ones."""
    found = [photos[name] for name in ("building", "fruits", "camera") if name in photos]
    if not found:
        noise = cv2.GaussianBlur(RANDOM.random((360, 420)).astype(np.float32), (0, 0), 3)
        found = [np.uint8(255 * (noise - noise.min()) / np.ptp(noise))]
    return [p if p.ndim == 2 else cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in found]


def peer_ecc(fixed: np.ndarray, moving: np.ndarray, model: str) -> np.ndarray:
    """Return OpenCV's matrix from ``moving`` to ``fixed``."""
    start = np.eye(3 if model == "homography" else 2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-6)
    _, found = cv2.findTransformECC(fixed, moving, start, PEER_MOTION[model], criteria, None, 5)
    return np.linalg.inv(found if model == "homography" else np.vstack([found, (0, 0, 1)]))


def correlation(fixed: np.ndarray, moving: np.ndarray, matrix: np.ndarray) -> float:
    """Return the correlation where the aligned picture overlaps the fixed one, by OpenCV's own warp."""
    size = fixed.shape[1::-1]
    aligned = cv2.warpPerspective(moving.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.ones(moving.shape, np.float32), matrix, size) > 0.999
    return float(np.corrcoef(aligned[inside], fixed[inside].astype(float))[0, 1])


@evidence.equals(
    "image.register", peer="opencv", tolerance="corners 0.1 pixels, correlation no lower (1e-4)", data="photos"
)
def test_intensity_equals_opencvs_ecc(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in large(photos):
        for model in PEER_MOTION:
            fixed, moving, truth = warped_pair(photo, model)
            ours = sl.image.register(fixed, moving, model, method="intensity", iterations=100)
            peer = peer_ecc(fixed, moving, model)
            worst = max(worst, corner_error(ours.matrix, peer, fixed.shape))
            assert corner_error(ours.matrix, truth, fixed.shape) < 0.1
            assert correlation(fixed, moving, ours.matrix) >= correlation(fixed, moving, peer) - 1e-4
    measured(worst)
    assert worst < 0.1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["features", "intensity"])
def test_known_motions_are_found_to_a_tenth_of_a_pixel(photos: dict[str, np.ndarray], model: str, method: str) -> None:
    for seed, photo in enumerate(large(photos)[:2]):
        fixed, moving, truth = warped_pair(photo, model, seed=seed)
        found = sl.image.register(fixed, moving, model, method=method)
        assert corner_error(found.matrix, truth, fixed.shape) < 0.1
        assert found.score > 0.99
        assert found.matrix[2, 2] == 1
        assert (found.inliers > 50) == (method == "features")


def test_phase_finds_large_shifts_and_turns(photos: dict[str, np.ndarray]) -> None:
    photo = large(photos)[-1]
    height, width = photo.shape
    for angle, scale in ((0.0, 1.0), (0.6, 1.0), (-2.4, 1.0), (0.4, 1.25), (-0.2, 0.85)):
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        middle = np.array([width - 1, height - 1]) / 2
        turn = np.array([[cosine, -sine], [sine, cosine]])
        truth = np.eye(3)
        truth[:2, :2], truth[:2, 2] = turn, middle - turn @ middle + (9, -14)
        fixed = cv2.warpPerspective(photo, truth, (width, height))
        model = "similarity" if scale != 1 else "rigid" if angle else "translation"
        found = sl.image.register(fixed, photo, model, method="phase")
        assert corner_error(found.matrix, truth, photo.shape) < (0.1 if model == "translation" else 3)
        near = sl.image.register(fixed, photo, model, method="intensity", start=found.matrix)
        assert corner_error(near.matrix, truth, photo.shape) < 0.1


def test_graf_pair_is_nearer_to_the_truth_than_opencvs_features(shared_data: Path) -> None:
    first, second = (sl.image.read(shared_data / "opencv_samples" / f"graf{n}.png") for n in (1, 3))
    found = sl.image.register(second, first)
    away = project(found.matrix, frame(first.shape)) - project(GRAF, frame(first.shape))
    ours = np.sqrt((away**2).sum(axis=1).mean())
    grays = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (first, second)]
    (k1, d1), (k2, d2) = (cv2.ORB_create(2000).detectAndCompute(g, None) for g in grays)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(d1, d2, k=2)
    good = [a for a, b in pairs if a.distance < 0.8 * b.distance]
    a, b = np.float64([k1[m.queryIdx].pt for m in good]), np.float64([k2[m.trainIdx].pt for m in good])
    peer, _ = cv2.findHomography(a, b, cv2.RANSAC, 3.0)
    away = project(peer, frame(first.shape)) - project(GRAF, frame(first.shape))
    assert ours < 1.0
    assert ours < np.sqrt((away**2).sum(axis=1).mean())


def test_light_and_contrast_do_not_matter(photos: dict[str, np.ndarray]) -> None:
    fixed, moving, truth = warped_pair(large(photos)[0], "affine", 6)
    darker = (moving * np.float32(0.4 / 255) + 0.2).astype(np.float32)
    for method in ("features", "intensity"):
        found = sl.image.register(fixed, darker, "affine", method=method)
        assert corner_error(found.matrix, truth, fixed.shape) < 0.1


def test_there_and_back_is_the_identity(photos: dict[str, np.ndarray]) -> None:
    fixed, moving, _ = warped_pair(large(photos)[0], "homography")
    there, back = sl.image.register(fixed, moving), sl.image.register(moving, fixed)
    assert corner_error(there.matrix @ back.matrix, np.eye(3), fixed.shape) < 0.1
    assert np.abs(there.points(frame(fixed.shape)) - project(there.matrix, frame(fixed.shape))).max() == 0


def test_pictures_of_two_sizes_and_the_aligned_one() -> None:
    scene = np.uint8(255 * cv2.GaussianBlur(RANDOM.random((300, 340)), (0, 0), 2) ** 1)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX)
    fixed, moving = scene[20:220, 10:260], scene[40:290, 50:330]
    for method in ("features", "intensity"):
        found = sl.image.register(fixed, moving, "translation", method=method)
        assert np.abs(found.matrix - [[1, 0, 40], [0, 1, 20], [0, 0, 1]]).max() < 0.05
        aligned = found.warp(moving)
        assert aligned.shape == fixed.shape
        assert np.abs(aligned[30:, 50:].astype(int) - fixed[30:, 50:]).max() <= 4
    found = sl.image.register(fixed, moving, "translation", method="phase")
    assert np.abs(found.matrix[:2, 2] - (40, 20)).max() < 1


def test_consensus_survives_seven_wrong_pairs_in_ten() -> None:
    source = RANDOM.uniform(0, 500, (200, 2))
    for model in MODELS:
        truth = motion(model, (500, 500), 60, np.random.default_rng(4))
        target = project(truth, source) + RANDOM.normal(0, 0.3, source.shape)
        target[:140] = RANDOM.uniform(0, 500, (140, 2))
        matrix, agree, _ = consensus(model, source, target, 2.0, 20000, 0)
        assert agree[140:].mean() > 0.95
        assert agree[:140].sum() <= 3
        assert np.abs(project(matrix, source[140:]) - project(truth, source[140:])).max() < 1.5


def test_fits_reach_the_peers() -> None:
    source = RANDOM.uniform(0, 300, (40, 2))
    target = project(motion("homography", (300, 300), 40, np.random.default_rng(1)), source)
    target += RANDOM.normal(0, 0.5, target.shape)
    peer, _ = cv2.findHomography(source, target, 0)
    ours, _, _ = consensus("homography", source, target, 100.0, 10, 0)
    cost = [((project(m, source) - target) ** 2).sum() for m in (ours, peer)]
    assert cost[0] <= cost[1] * (1 + 1e-6)
    exact = fit("affine", source[:3], target[:3])
    assert np.abs(exact[:2] - cv2.getAffineTransform(np.float32(source[:3]), np.float32(target[:3]))).max() < 1e-3
    on_a_line = np.stack([np.arange(5.0), np.arange(5.0)], axis=1)
    assert np.isnan(fit("homography", on_a_line, on_a_line)).any()
    assert all(fit(m, source, source) == pytest.approx(np.eye(3), abs=1e-9) for m in LEAST)


def test_corner_strength_is_that_of_its_definition() -> None:
    gray = cv2.GaussianBlur(RANDOM.random((60, 70)), (0, 0), 2).astype(np.float32)
    blurred = cv2.GaussianBlur(gray.astype(float), (0, 0), 1.0)
    dx, dy = cv2.Sobel(blurred, -1, 1, 0) / 8, cv2.Sobel(blurred, -1, 0, 1) / 8
    xx, xy, yy = (cv2.GaussianBlur(p, (0, 0), 1.5) for p in (dx * dx, dx * dy, dy * dy))
    wanted = (xx * yy - xy * xy) / (xx + yy + 1e-12)
    assert np.abs(corner_strength(gray) - wanted)[12:-12, 12:-12].max() < 0.01 * wanted.max()
    square = np.zeros((41, 51), np.float32)
    square[12:30, 15:35] = 1
    found = corners_of(square, 4)
    truth = np.array([(14.5, 11.5), (34.5, 11.5), (14.5, 29.5), (34.5, 29.5)])
    assert np.abs(found[:, None] - truth[None]).max(axis=2).min(axis=0).max() < 2


def test_the_search_finds_one_pixel() -> None:
    scene = cv2.GaussianBlur(RANDOM.random((90, 121)).astype(np.float32), (0, 0), 3)
    a, b = scene[:, 1:].copy(), scene[:, :-1].copy()
    level = levels_of(a, b)[-1]
    found, score, steps = maximise(level, "translation", np.eye(3), 30, 1e-4)
    assert found[0, 2] == pytest.approx(1, abs=0.02)
    assert abs(found[1, 2]) < 0.02
    assert score > 0.999
    assert steps < 30


def test_the_same_seed_gives_the_same_bits(photos: dict[str, np.ndarray]) -> None:
    fixed, moving, _ = warped_pair(large(photos)[0], "homography")
    a, b = (sl.image.register(fixed, moving, seed=3) for _ in range(2))
    assert a.matrix.tobytes() == b.matrix.tobytes()


@pytest.mark.parametrize("method", ["features", "phase", "intensity"])
def test_steps_end_in_the_record(method: str, photos: dict[str, np.ndarray]) -> None:
    fixed, moving, _ = warped_pair(large(photos)[0][:200, :240], "rigid", 4)
    steps = sl.trace(sl.image.register, fixed, moving, "rigid", method=method).steps
    names = [step.name for step in steps]
    assert names[-1] == "registration"
    assert steps[-1].value.matrix.tobytes() == sl.image.register(fixed, moving, "rigid", method=method).matrix.tobytes()
    assert {"fixed", "moving", "aligned", "difference"} <= set(names)
    assert ("inliers" in names) == (method == "features")
    assert all(step.picture() is not None for step in steps)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "afine"}, "register: model must be one of .* Did you mean 'affine'"),
        ({"method": "sift"}, "register: method must be one of"),
        ({"method": "phase"}, "register: model must be one of .* with method 'phase'; got 'homography'"),
        ({"points": 3}, "register: points must be a whole number"),
        ({"ratio": 0}, "register: ratio must be a number"),
        ({"tolerance": float("nan")}, "register: tolerance must be a number"),
        ({"iterations": 0}, "register: iterations must be a whole number"),
        ({"eps": -1}, "register: eps must be a number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"method": "intensity", "start": np.zeros((3, 3))}, "register: start must not be singular"),
        ({"method": "intensity", "start": np.eye(2)}, "register: start must be 3×3"),
        ({"method": "features", "start": [[1, 0, 0], [0, 1, 0], [0, 1]]}, "register: start must be 3×3"),
    ],
)
def test_refusals(options: dict[str, Any], sentence: str) -> None:
    image = RANDOM.integers(0, 256, (60, 70), np.uint8)
    with pytest.raises(InputError, match=sentence):
        sl.image.register(image, image, **options)


def test_other_scenes_are_refused() -> None:
    a, b = (RANDOM.integers(0, 256, (120, 130, 3), np.uint8) for _ in range(2))
    with pytest.raises(InputError, match=r"register: moving must show the scene of fixed; got \d+ matches"):
        sl.image.register(a, b)
    with pytest.raises(InputError, match="register: moving must show the scene of fixed; got 0 matches"):
        sl.image.register(np.zeros((50, 60), np.uint8), b)
    far = np.array([[1, 0, 1e4], [0, 1, 0], [0, 0, 1]])
    with pytest.raises(InputError, match="register: moving must overlap with fixed; got none"):
        sl.image.register(a, b, method="intensity", start=far)
    with pytest.raises(InputError, match="register: fixed must be finite; got 1 NaN"):
        sl.image.register(np.where(np.arange(100).reshape(10, 10) == 5, np.nan, 0).astype(np.float32), b)
    with pytest.raises(InputError, match="register: moving must have at least 8×8 pixels"):
        sl.image.register(a, b[:4])
