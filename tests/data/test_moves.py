"""Changes that move pixels, each against a peer: mirrors, crops, affine maps."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from photo_parts import levels_apart, small_photos
from sightline.core import evidence
from sightline.core.seeds import generator
from sightline.data import affine, random_affine, random_crop, random_flip, random_resized_crop
from sightline.data.crop import draw_rectangle

Measured = Callable[[float], None]


@evidence.equals("data.random_flip", peer="numpy", tolerance="identical", data="photos, both directions")
def test_a_flip_is_numpys(photos: dict[str, np.ndarray], measured: Measured) -> None:
    worst = 0
    for image in small_photos(photos):
        for direction, peer in (("horizontal", np.fliplr), ("vertical", np.flipud)):
            worst = max(worst, levels_apart(random_flip(image, probability=1.0, direction=direction), peer(image)))
            worst = max(worst, levels_apart(random_flip(image, probability=0.0, direction=direction), image))
    measured(worst)
    assert worst == 0


def test_half_of_all_images_are_mirrored() -> None:
    image = np.array([[1, 2]], np.uint8)
    mirrored = sum(int(random_flip(image, seed=seed)[0, 0] == 2) for seed in range(1000))
    assert 440 < mirrored < 560


@evidence.equals("data.random_crop", peer="numpy", tolerance="identical", data="photos, three borders")
def test_a_crop_is_pad_and_slice(photos: dict[str, np.ndarray], measured: Measured) -> None:
    modes = {"zero": "constant", "edge": "edge", "reflect": "reflect"}
    worst = 0
    for image in small_photos(photos):
        for seed, (border, mode) in enumerate(modes.items()):
            draws = generator(seed)
            down, right = int(draws.random() * 19) - 9, int(draws.random() * 19) - 9
            wide = np.pad(image, [(9, 9), (9, 9), (0, 0)][: image.ndim], mode=mode)
            peer = wide[9 + down : 9 + down + image.shape[0], 9 + right : 9 + right + image.shape[1]]
            worst = max(worst, levels_apart(random_crop(image, padding=9, border=border, seed=seed), peer))
    measured(worst)
    assert worst == 0


def test_a_crop_reaches_every_place() -> None:
    image = np.zeros((9, 9), np.uint8)
    image[4, 4] = 1
    places = {tuple(np.argwhere(random_crop(image, padding=2, seed=seed))[0].tolist()) for seed in range(400)}
    assert places == {(y, x) for y in range(2, 7) for x in range(2, 7)}


@evidence.equals(
    "data.random_resized_crop",
    peer="pillow",
    tolerance="±1 level",
    data="photos, a part enlarged bilinearly",
)
def test_a_resized_crop_is_pillows(photos: dict[str, np.ndarray], measured: Measured) -> None:
    worst = 0
    for seed, image in enumerate(item for item in small_photos(photos) if min(item.shape[:2]) > 40):
        top, left, height, width = draw_rectangle(*image.shape[:2], 0.3, 1.5, seed)
        part = Image.fromarray(image[top : top + height, left : left + width])
        peer = np.asarray(part.resize((211, 223), Image.Resampling.BILINEAR))
        ours = random_resized_crop(image, shape=(223, 211), smallest=0.3, stretch=1.5, seed=seed)
        worst = max(worst, levels_apart(ours, peer))
    measured(worst)
    assert worst <= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0.05, 1), st.floats(1, 3), st.integers(0, 10**6))
def test_rectangles_lie_inside(height: int, width: int, smallest: float, stretch: float, seed: int) -> None:
    top, left, h, w = draw_rectangle(height, width, smallest, stretch, seed)
    assert 0 <= top <= top + h <= height
    assert 0 <= left <= left + w <= width
    assert h >= 1
    assert w >= 1


@evidence.equals("data.random_affine", peer="opencv", tolerance="±1 level", data="photos, three borders")
def test_an_affine_map_is_opencvs(photos: dict[str, np.ndarray], measured: Measured) -> None:
    borders = {"zero": cv2.BORDER_CONSTANT, "edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}
    worst = 0
    for number, image in enumerate(small_photos(photos)):
        for seed, (border, flag) in enumerate(borders.items(), start=10 * number):
            height, width = image.shape[:2]
            turn, right, down, size, shear = generator(seed).uniform(-1, 1, 5)
            # OpenCV's own matrix of a turn about the centre; the shear goes before it.
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 25 * turn, 1 + 0.2 * size)
            matrix[:, 2] += (0.1 * width * right, 0.1 * height * down)
            tangent = math.tan(0.3 * shear)
            slant = np.array([[1, tangent, -tangent * (height - 1) / 2], [0, 1, 0], [0, 0, 1]])
            peer = cv2.warpAffine(image, matrix @ slant, (width, height), flags=cv2.INTER_LINEAR, borderMode=flag)
            ours = random_affine(
                image, angle=math.radians(25), shift=0.1, scale=0.2, shear=0.3, border=border, seed=seed
            )
            worst = max(worst, levels_apart(ours, peer))
    measured(worst)
    assert worst <= 1


def test_affine_turns_against_the_clock() -> None:
    image = np.zeros((5, 5), np.uint8)
    image[2, 4] = 255
    turned = affine(image, angle=math.pi / 2)
    assert turned[0, 2] == 255
    assert np.array_equal(turned, np.rot90(image))


def test_a_map_that_flattens_the_image_leaves_the_border() -> None:
    image = np.full((5, 5), 9, np.uint8)
    assert affine(image, shear=(math.pi / 4, math.pi / 4))[0, 0] == 0
    assert affine(image, shear=(math.pi / 4, math.pi / 4), border="edge")[0, 0] == 9
