"""Pages found in scenes made of real photos with known corners, beside OpenCV's contours, and in real photos."""

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
from sightline.image.fit_transform import fit
from sightline.image.page_outline import page_shape

WIDE, TALL = 800, 600
FOCAL = 900.0


def tilted(seed: int, proportions: float, tilt: float = 0.5) -> np.ndarray:
    """Return the corners of a page in space, seen by a camera: 4×2 with the clock from the top left."""
    random = np.random.default_rng(seed)
    turn = cv2.Rodrigues(random.uniform(-tilt, tilt, 3) * (1, 1, 0.6))[0]
    page = np.array([(-0.5, -0.5 * proportions, 0), (0.5, -0.5 * proportions, 0)])
    page = np.vstack([page, -page]) * 0.55 * min(WIDE, TALL / proportions)
    seen = page @ turn.T + (random.uniform(-40, 40), random.uniform(-30, 30), FOCAL)
    return seen[:, :2] / seen[:, 2:] * FOCAL + ((WIDE - 1) / 2, (TALL - 1) / 2)


def paper(height: int, width: int) -> np.ndarray:
    page = np.full((height, width), 235, np.uint8)
    for y in range(40, height - 40, 26):
        page[y : y + 8, 30 : width - 30 - (y * 37) % 90 : 1] = 60
    return page


def scene(photo: np.ndarray, corners: np.ndarray, page: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a page on a photo, lit from one side, with noise, drawn at three times the size and shrunk."""
    height, width = page.shape
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    finer = np.array([[3, 0, 1], [0, 3, 1], [0, 0, 1.0]]) @ fit("homography", frame, corners)
    big = (3 * WIDE, 3 * TALL)
    drawn = cv2.warpPerspective(page, finer, big, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpPerspective(np.full(page.shape, 255, np.uint8), finer, big) / 255.0
    small, share = (cv2.resize(p, (WIDE, TALL), interpolation=cv2.INTER_AREA) for p in (drawn, inside))
    ground = cv2.resize(photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), (WIDE, TALL))
    lit = (small * share + 0.5 * ground * (1 - share)) * np.linspace(0.75, 1, WIDE)
    return np.clip(lit + np.random.default_rng(seed).normal(0, 2, lit.shape), 0, 255).astype(np.uint8)


def grounds(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    names = [name for name in ("fruits", "building", "chelsea") if name in photos]
    return [photos[name] for name in names] or [photos["rings"]]


def error(found: np.ndarray, truth: np.ndarray) -> float:
    assert len(found) == 4
    return min(float(np.abs(np.roll(found, k, axis=0) - truth).max()) for k in range(4))


def contour_corners(image: np.ndarray) -> np.ndarray | None:
    """Return the corners by OpenCV's usual recipe: blur, Otsu, the largest contour, a polygon of four."""
    _, mask = cv2.threshold(cv2.GaussianBlur(image, (5, 5), 0), 0, 255, cv2.THRESH_OTSU)
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    best = max(found, key=cv2.contourArea)
    corners = cv2.approxPolyDP(best, 0.02 * cv2.arcLength(best, True), True)[:, 0]
    return corners.astype(float) if len(corners) == 4 else None


@evidence.equals("image.find_page", peer="opencv", tolerance="corners 0.3 pixels from the truth", data="photos")
def test_corners_are_nearer_to_the_truth_than_opencvs_contours(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst, won, compared = 0.0, 0, 0
    for seed, photo in enumerate(grounds(photos) * 2):
        truth = tilted(seed, 1.4 if seed % 2 else 0.75)
        image = scene(photo, truth, paper(700, 500) if seed % 2 else paper(450, 600), seed)
        ours = error(sl.image.find_page(image), truth)
        peer = contour_corners(image)
        compared += 1
        won += peer is None or ours < min(
            np.abs(np.roll(p, k, axis=0) - truth).max() for p in (peer, peer[::-1]) for k in range(4)
        )
        worst = max(worst, ours)
    measured(worst)
    assert worst < 0.3
    assert won == compared


@evidence.equals("image.scan_document", peer="opencv", tolerance="1 grey level", data="photos")
def test_a_page_laid_flat_equals_opencvs_warp(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for seed, photo in enumerate(grounds(photos)):
        corners = tilted(seed, 1.3)
        ours = sl.image.scan_document(photo, corners * (0.3, 0.3))
        height, width = ours.shape[:2]
        frame = np.float32([(0, 0), (width, 0), (width, height), (0, height)]) - np.float32(0.5)
        matrix = cv2.getPerspectiveTransform(np.float32(corners * (0.3, 0.3)), frame)
        peer = cv2.warpPerspective(
            photo, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        worst = max(worst, float(np.percentile(np.abs(ours.astype(int) - peer), 99.5)))
    measured(worst)
    assert worst <= 1


def test_the_proportions_are_those_of_the_page() -> None:
    for seed in range(20):
        for proportions in (0.7, 1.0, 1.414):
            corners = tilted(seed, proportions, 0.7)
            height, width = page_shape(corners, (TALL, WIDE))
            sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
            mean = (sides[1] + sides[3]) / (sides[0] + sides[2])
            assert height / width == pytest.approx(proportions, rel=0.02) or height / width == pytest.approx(mean)
            assert min(height - max(sides[1], sides[3]), width - max(sides[0], sides[2])) > -1e-6
    straight = np.array([(10, 10), (109, 10), (109, 209), (10, 209)], float)
    assert page_shape(straight, (300, 300)) == pytest.approx((199, 99))


def test_what_was_written_is_read_back(photos: dict[str, np.ndarray]) -> None:
    page = paper(450, 600)
    image = scene(grounds(photos)[0], tilted(4, 0.75), page)
    flat = sl.image.scan_document(image, black_and_white=True, height=450, margin=6)
    assert set(np.unique(flat)) <= {0, 255}
    wanted = cv2.resize(page, (round(438 * 600 / 450), 438)) if flat.shape[0] != 438 else page[6:-6, 6:-6]
    wanted = cv2.resize(wanted, flat.shape[1::-1]) > 150
    assert ((flat > 0) == wanted).mean() > 0.95


def test_a_plain_page_exactly() -> None:
    for dtype, scale in ((np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)):
        photo = np.full((120, 160, 3), 40, np.float32)
        photo[20:100, 30:130] = 230
        photo = (photo * np.float32(scale)).astype(dtype)
        page = sl.image.scan_document(photo)
        assert page.shape == (80, 100, 3)
        assert page.dtype == dtype
        assert (
            np.abs(sl.image.find_page(photo) - [(29.5, 19.5), (129.5, 19.5), (129.5, 99.5), (29.5, 99.5)]).max() < 0.1
        )
        dark = sl.image.find_page((np.float64(photo.max()) + photo.min() - photo).astype(dtype))
        assert np.abs(dark - sl.image.find_page(photo)).max() < 0.1


def test_lines_are_the_same_in_however_many_parts_their_surroundings_are_blurred(
    photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.rot90(scene(grounds(photos)[0], tilted(3, 1.2, 0.9), paper(500, 420)), k=1)
    cut = image[: len(image) // 2 + 60]  # the picture's border cuts the page
    for picture in (image, cut):
        found = []
        for pixels in (1, 4000, 1 << 40):
            monkeypatch.setattr("sightline.image.page_outline._PART", pixels)
            found.append(sl.image.find_page(picture))
        assert len(found[0]) == 4
        assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


def test_photos_of_no_page(photos: dict[str, np.ndarray]) -> None:
    for name in ("camera", "coffee", "fruits", "chelsea"):
        if name in photos:
            assert sl.image.find_page(photos[name]).shape == (0, 2), name
            with pytest.raises(InputError, match="scan_document: image must show a page with four straight sides"):
                sl.image.scan_document(photos[name])


def test_the_real_board_holds_the_squares_that_opencv_finds(shared_data: Path) -> None:
    photo = sl.image.read(shared_data / "opencv_samples" / "left12.jpg", mode="gray")
    corners = sl.image.find_page(photo)
    assert len(corners) == 4
    found, squares = cv2.findChessboardCorners(photo, (9, 6))
    assert found
    outline = corners[:, None].astype(np.float32)
    assert all(cv2.pointPolygonTest(outline, p.ravel().tolist(), True) > 10 for p in squares)


def test_steps_end_in_the_page(photos: dict[str, np.ndarray]) -> None:
    image = scene(grounds(photos)[0], tilted(2, 1.3), paper(500, 400))
    steps = sl.trace(sl.image.scan_document, image, black_and_white=True).steps
    assert [s.name for s in steps] == ["photo", "edges", "candidates", "quadrilateral", "rectified", "page"]
    assert np.array_equal(steps[-1].value, sl.image.scan_document(image, black_and_white=True))


SQUARE = np.array([(5, 5), (40, 5), (40, 30), (5, 30)])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"corners": SQUARE[::-1]}, "scan_document: corners must be 4×2 with the clock"),
        ({"corners": SQUARE[:3]}, "scan_document: corners must be 4×2 with the clock"),
        ({"corners": SQUARE * np.nan}, "scan_document: corners must be finite"),
        ({"corners": SQUARE, "height": 0}, "scan_document: height must be a whole number"),
        ({"corners": SQUARE, "height": 10**8}, "scan_document: height must leave 1 to"),
        ({"corners": SQUARE, "margin": 20}, "scan_document: height must leave 1 to"),
        ({"corners": SQUARE, "margin": -1}, "scan_document: margin must be a number"),
        ({"least_area": 0}, "scan_document: least_area must be a number"),
    ],
)
def test_refusals(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        sl.image.scan_document(np.zeros((50, 60), np.uint8), **options)
