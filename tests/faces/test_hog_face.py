"""The window of gradients: its numbers against scikit-image, its scores against plain products, and what it finds."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.trace import trace
from sightline.detect import iou
from sightline.faces import HogFace
from sightline.features.hog_windows import levels_of, peaks, score_map, windows_at

hog = pytest.importorskip("skimage.feature").hog
CELL, SIZE = 6, (30, 24)


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    return sl.image.resize(sl.image.convert(sl.data.sample("astronaut"), "rgb", "gray"), (90, 110))


@pytest.fixture(scope="module")
def crosses() -> tuple[HogFace, np.ndarray]:
    """Return a detector that was taught crosses, and a picture of one on its grounds."""
    random = np.random.default_rng(3)
    made = []
    for _ in range(20):
        face = random.normal(90, 12, (24, 24))
        at = random.integers(9, 12)
        face[at : at + 4], face[:, at : at + 4] = 200, 200
        made.append(np.clip(face, 0, 255).astype(np.uint8))
    grounds = [sl.image.gaussian_blur(random.integers(0, 256, (90, 120), dtype=np.uint8), s) for s in (1.0, 2.0, 4.0)]
    scene = grounds[2].copy()
    scene[30:66, 50:86] = sl.image.resize(made[0], (36, 36))
    return HogFace.train(made[1:], grounds, size=(24, 24), cell=4, negatives=150, seed=1), scene


@evidence.equals("faces.HogFace", peer="scikit-image", tolerance=1e-5, data="windows of a photo, all sizes")
def test_a_windows_numbers_are_those_of_scikit_image(gray: np.ndarray, measured: Callable[[float], None]) -> None:
    worst, m, n = 0.0, SIZE[0] // CELL - 1, SIZE[1] // CELL - 1
    for level in levels_of(gray, SIZE, CELL, 9, 1.4):
        height, width = (round(side / factor) for side, factor in zip(gray.shape, level.factors, strict=True))
        way = "area" if level.factors[0] > 1.45 else "bilinear"
        shrunk = gray if level.factors[0] == 1 else sl.image.resize(gray, (height, width), way)
        theirs = hog(shrunk / 255, 9, (CELL, CELL), (2, 2), "L2-Hys", feature_vector=False)
        y, x = (np.array([0, length - size]) for length, size in zip(level.blocks.shape, (m, n), strict=False))
        ours = windows_at(level.blocks, (m, n), y, x)
        for k in range(2):
            peer = theirs[y[k] : y[k] + m, x[k] : x[k] + n].ravel()
            worst = max(worst, float(np.abs(ours[k] - peer).max()))
    measured(worst)
    assert worst < 1e-5


@evidence.equals("faces.HogFace", peer="numpy", tolerance=1e-5, data="each window of a photo alone")
def test_scores_are_the_product_of_each_window(gray: np.ndarray, measured: Callable[[float], None]) -> None:
    weights = np.random.default_rng(0).normal(0, 0.1, (4, 3, 36)).astype(np.float32)
    level = next(levels_of(gray, SIZE, CELL, 9, 1.4))
    scores = score_map(level.blocks, weights, 0.25)
    worst = 0.0
    for y, x in np.ndindex(*scores.shape):
        plain = float((level.blocks[y : y + 4, x : x + 3].astype(np.float64) * weights).sum()) + 0.25
        worst = max(worst, abs(plain - scores[y, x]))
    measured(worst)
    assert scores.shape == (11, 15)
    assert worst < 1e-5
    assert score_map(level.blocks[:2], weights, 0.0).shape == (0, 15)


def test_only_the_best_of_boxes_on_one_another_is_kept() -> None:
    random = np.random.default_rng(0)
    corners = random.uniform(0, 60, (80, 2))
    boxes = np.concatenate([corners, corners + random.uniform(10, 30, (80, 2))], axis=1).astype(np.float32)
    scores = random.normal(0, 1, 80)
    kept = peaks(boxes, scores, 0.3)
    pairs = iou(boxes, boxes)
    assert np.all(np.diff(scores[kept]) <= 0)
    assert np.all(pairs[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] <= 0.3)
    for lost in np.setdiff1d(np.arange(80), kept):
        assert np.any((pairs[lost, kept] > 0.3) & (scores[kept] >= scores[lost]))


def test_what_was_taught_is_found(crosses: tuple[HogFace, np.ndarray]) -> None:
    detector, scene = crosses
    found = detector.detect(scene)
    assert iou(found.boxes[:1], np.array([[50, 30, 86, 66]]))[0, 0] > 0.6
    assert detector.history[-1].hit_rate == 1.0
    assert detector.history[-1].windows >= detector.history[0].windows
    small = sl.image.resize(scene, (45, 60))
    assert len(detector.detect(small, min_size=14)) >= 1  # the picture is enlarged
    assert len(detector.detect(scene, min_size=70)) == len(detector.detect(scene, max_size=23)) == 0
    assert len(detector.detect(scene[:20, :20])) == 0
    assert len(detector.detect(scene, threshold=-1)) >= len(found) > 0
    colour = np.repeat(scene[..., None], 3, axis=2)
    assert np.array_equal(detector.detect(colour).boxes, found.boxes)
    every = detector.detect(scene, stride=2, threshold=-1).boxes
    assert np.all(every <= [120, 90, 120, 90])
    assert np.all(every >= 0)


def test_its_steps_end_with_the_boxes(crosses: tuple[HogFace, np.ndarray]) -> None:
    detector, scene = crosses
    steps = trace(HogFace, detector, scene)
    assert np.array_equal(steps.result.boxes, detector.detect(scene).boxes)
    assert steps["template"].value.shape == (2, 6 * 16, 6 * 16)
    assert all(step.picture() is not None for step in steps if step.name != "sizes")
    nothing = trace(HogFace, detector, scene[:20, :20])
    assert len(nothing.result) == 0


def test_it_comes_back_from_a_file(crosses: tuple[HogFace, np.ndarray], tmp_path: Path) -> None:
    detector, scene = crosses
    detector.save(tmp_path / "crosses.npz")
    back = HogFace.load(tmp_path / "crosses.npz")
    assert np.array_equal(back.detect(scene).boxes, detector.detect(scene).boxes)
    assert (back.size, back.bins, back.name) == ((24, 24), 9, "face")
    np.savez(tmp_path / "other.npz", kind="eigenfaces")
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    for name in ("other", "bad"):
        with pytest.raises(FormatError, match="is not an archive of a HogFace"):
            HogFace.load(tmp_path / f"{name}.npz")
    with pytest.raises(MissingFileError):
        HogFace.load(tmp_path / "none.npz")


def test_refuses_by_name(gray: np.ndarray) -> None:
    detector = HogFace(np.zeros((4, 3, 36)))
    with pytest.raises(InputError, match=r"weights must be M×N×\(4 · bins\) finite numbers"):
        HogFace(np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"HogFace\.detect: image must be H×W"):
        detector.detect(gray.astype(np.int64))
    with pytest.raises(InputError, match="stride must be a whole number"):
        detector.detect(gray, stride=0)
    with pytest.raises(InputError, match="min_size must be a whole number ≥ 1"):
        detector.detect(gray, min_size=0)
    with pytest.raises(InputError, match="size must be whole cells of 6 pixels"):
        HogFace.train([gray], [gray], size=(50, 50))
    with pytest.raises(InputError, match="got 0 cutouts and 1 such backgrounds"):
        HogFace.train([], [gray])


@pytest.mark.slow
@evidence.equals("faces.HogFace", peer="ground truth", tolerance="≥ 90 % of the faces", data="LFW: 150 teach, 40 asked")
def test_faces_of_other_people_are_found(shared_data: Path, measured: Callable[[float], None]) -> None:
    with tarfile.open(shared_data / "lfw_pairs/images_160.tar") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda m: m.name)[::5][:190]
        photos = [sl.read(io.BytesIO(archive.extractfile(member).read()), mode="gray") for member in members]
    ground = [
        sl.read(shared_data / f"bsds500/images/test/{name}.jpg", mode="gray")
        for name in ("100039", "107072", "145079", "69000", "78098")
    ]
    detector = HogFace.train([photo[23:137, 23:137] for photo in photos[:150]], ground, negatives=1000)
    hits = [
        iou(detector.detect(photo).boxes[:1].reshape(-1, 4), np.array([[23, 23, 137, 137]])).max(initial=0) >= 0.5
        for photo in photos[150:]
    ]
    measured(float(np.mean(hits)))
    assert np.mean(hits) >= 0.9
