"""Lanes of roads that OpenCV rendered from known curves, and of real photos from a car."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

WIDE, TALL = 640, 400
REGION = np.array([(270.0, 230), (370, 230), (640, 390), (0, 390)])
GROUND = np.array([(0.0, 0), (400, 0), (400, 800), (0, 800)])


def road(bend: float, shift: float = 0, gray: bool = False, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a picture of a road and its two markings, N×2; the left one is dashed, the right one yellow."""
    random = np.random.default_rng(seed)
    ground = np.full((800, 400, 3), 90, np.uint8)
    y = np.arange(800.0)
    t = 1 - y / 799
    to_image = cv2.getPerspectiveTransform(np.float32(GROUND), np.float32(REGION))
    lines = []
    for x0, colour, dash in ((140 + shift, (230, 230, 230), True), (260 + shift, (220, 190, 60), False)):
        x = x0 + bend * t * t
        for a in range(0, 800, 80):
            part = np.stack([x, y], axis=1)[a : a + (45 if dash else 81)]
            cv2.polylines(ground, [np.rint(part * 16).astype(np.int32)], False, colour, 6, cv2.LINE_AA, 4)
        lines.append(cv2.perspectiveTransform(np.stack([x, y], axis=1)[None], to_image)[0])
    picture = np.full((TALL, WIDE, 3), 90, np.uint8)
    picture[:225] = (150, 180, 220)
    seen = cv2.warpPerspective(ground, to_image, (WIDE, TALL), flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full((800, 400), 255, np.uint8), to_image, (WIDE, TALL)) > 128
    picture[inside] = seen[inside]
    picture = np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    return (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if gray else picture), lines


def away(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the greatest distance along rows of found points from the curve."""
    order = np.argsort(truth[:, 1])
    near = found[(found[:, 1] > 235) & (found[:, 1] < 388)]
    assert len(near) > 20
    return float(np.abs(near[:, 0] - np.interp(near[:, 1], truth[order, 1], truth[order, 0])).max())


@evidence.equals("image.find_lanes", peer="opencv", tolerance="10 pixels at the bumper", data="rendered roads")
def test_rendered_markings_are_found(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for seed, (bend, shift) in enumerate([(0, 0), (60, 0), (-60, 10), (30, -25)]):
        picture, truth = road(bend, shift, seed=seed)
        lanes = sl.image.find_lanes(picture, region=REGION)
        worst = max(worst, *(away(a, b) for a, b in zip((lanes.left, lanes.right), truth, strict=True)))
        assert np.sign(round(lanes.curvature * 1e4)) == np.sign(bend)
        assert lanes.offset == pytest.approx(-shift / 120, abs=0.06)
    measured(worst)
    assert worst < 10


def test_grey_and_other_dtypes_see_the_same_lanes() -> None:
    picture, truth = road(40)
    for image in (road(40, gray=True)[0], picture.astype(np.uint16) * 257, (picture / 255).astype(np.float32)):
        lanes = sl.image.find_lanes(image, region=REGION)
        assert away(lanes.left, truth[0]) < 10
        assert away(lanes.right, truth[1]) < 10


def test_the_road_is_found_without_a_region() -> None:
    picture, truth = road(0)
    lanes = sl.image.find_lanes(picture)
    assert away(lanes.left, truth[0]) < 6
    assert away(lanes.right, truth[1]) < 6
    drawn = lanes.draw(picture)
    assert drawn.shape == picture.shape
    assert (drawn != picture).any()


def test_an_empty_road_has_no_lanes() -> None:
    lanes = sl.image.find_lanes(np.full((200, 300), 90, np.uint8))
    assert lanes.left.shape == lanes.right.shape == (0, 2)
    assert np.isnan(lanes.offset)
    assert np.isnan(lanes.curvature)
    assert lanes.draw(np.zeros((200, 300), np.uint8)).max() == 0


def test_real_streets(shared_data: Path) -> None:
    for name in ("Seq05VD_f00420", "Seq05VD_f04920"):
        photo = sl.image.read(shared_data / "camvid" / "test" / f"{name}.jpg")
        lanes = sl.image.find_lanes(photo)
        assert len(lanes.left) > 20
        assert len(lanes.right) > 20
        near = np.array([lanes.left[0, 0], lanes.right[0, 0]])
        assert 40 < near[0] < 200 < 300 < near[1] < 460
        assert abs(lanes.offset) < 0.3


def test_steps_end_in_the_lanes() -> None:
    picture, _ = road(20)
    steps = sl.trace(sl.image.find_lanes, picture, region=REGION).steps
    assert [s.name for s in steps] == ["road", "bird's eye", "mask", "histogram", "windows", "fit", "lanes"]
    assert np.array_equal(steps[-1].value.left, sl.image.find_lanes(picture, region=REGION).left)


def test_refusals() -> None:
    image = np.zeros((60, 80), np.uint8)
    for options, sentence in (
        ({"region": REGION[::-1]}, "find_lanes: region must be 4×2"),
        ({"region": REGION[:2]}, "find_lanes: region must be 4×2"),
        ({"contrast": 0}, "find_lanes: contrast must be a number"),
        ({"windows": 1}, "find_lanes: windows must be a whole number"),
    ):
        with pytest.raises(InputError, match=sentence):
            sl.image.find_lanes(image, **options)
    with pytest.raises(InputError, match="find_lanes: image must have at least 16×16 pixels"):
        sl.image.find_lanes(image[:10])
