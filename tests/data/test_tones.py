"""Changes of values, each against a peer: colour, squares painted over, RandAugment and TrivialAugment."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from photo_parts import levels_apart, small_photos
from sightline.core import evidence
from sightline.core.seeds import generator
from sightline.data import adjust_colour, cutout, rand_augment, random_colour
from sightline.data.rand_augment import OPERATIONS
from sightline.data.trivial_augment import WIDE_MOVES, WIDE_TONES, draw_operation

Measured = Callable[[float], None]


@evidence.equals("data.random_colour", peer="pillow", tolerance="±1 level for each of three changes", data="photos")
def test_colour_is_pillows(photos: dict[str, np.ndarray], measured: Measured) -> None:
    peers = {
        "brightness": ImageEnhance.Brightness,
        "contrast": ImageEnhance.Contrast,
        "saturation": ImageEnhance.Color,
    }
    worst = 0
    off = dict.fromkeys(peers, 0.0)
    for number, image in enumerate(small_photos(photos)):
        for place, (name, enhancer) in enumerate(peers.items()):
            seed = 10 * number + place
            factor = 1 + 0.8 * float(generator(seed).uniform(-1, 1, 4)[place])
            peer = np.asarray(enhancer(Image.fromarray(image)).enhance(factor))
            worst = max(worst, levels_apart(random_colour(image, **{**off, name: 0.8}, seed=seed), peer))
    measured(worst)
    assert worst <= 1


def test_hue_turns_as_in_hsv(photos: dict[str, np.ndarray]) -> None:
    from skimage.color import hsv2rgb, rgb2hsv

    for image in (item for item in small_photos(photos) if item.ndim == 3):
        hsv = rgb2hsv(image)
        hsv[..., 0] = (hsv[..., 0] + 0.15) % 1
        peer = np.rint(hsv2rgb(hsv) * 255).astype(np.uint8)
        assert levels_apart(adjust_colour(image, hue=0.3 * math.pi), peer) <= 1


@evidence.equals("data.cutout", peer="numpy", tolerance="identical", data="photos")
def test_cutout_paints_one_square(photos: dict[str, np.ndarray], measured: Measured) -> None:
    worst = 0
    for seed, image in enumerate(small_photos(photos)):
        height, width = image.shape[:2]
        side = round(0.4 * min(height, width))
        random = generator(seed)
        y, x = random.integers(height) - side // 2, random.integers(width) - side // 2
        rows, columns = np.arange(height)[:, None], np.arange(width)
        inside = (rows >= y) & (rows < y + side) & (columns >= x) & (columns < x + side)
        peer = np.where(inside if image.ndim == 2 else inside[..., None], np.uint8(9), image)
        worst = max(worst, levels_apart(cutout(image, size=0.4, fill=9, seed=seed), peer))
    measured(worst)
    assert worst == 0


PEERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "autocontrast": ImageOps.autocontrast,
    "equalize": ImageOps.equalize,
    "solarize": lambda image: ImageOps.solarize(image, 77),
    "posterize": lambda image: ImageOps.posterize(image, 5),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.63),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.63),
    "saturation": lambda image: ImageEnhance.Color(image).enhance(1.63),
    "sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(1.63),
}


@evidence.equals(
    "data.rand_augment",
    peer="pillow",
    tolerance="±1 level, each of eight operations",
    data="photos",
)
def test_the_operations_are_pillows(photos: dict[str, np.ndarray], measured: Measured) -> None:
    worst = 0
    for image in small_photos(photos):
        for name, peer in PEERS.items():
            worst = max(worst, levels_apart(OPERATIONS[name](image, 0.7), np.asarray(peer(Image.fromarray(image)))))
    measured(worst)
    assert worst <= 1


def test_rand_augment_draws_all_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for name in OPERATIONS:
        monkeypatch.setitem(OPERATIONS, name, lambda image, strength, name=name: drawn.append(name) or image)
    for seed in range(200):
        rand_augment(np.zeros((4, 4), np.uint8), count=3, seed=seed)
    assert len(drawn) == 600
    assert set(drawn) == set(OPERATIONS)


WIDE_PEERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "solarize": lambda image: ImageOps.solarize(image, 154),
    "posterize": lambda image: ImageOps.posterize(image, 6),
    **{
        name: lambda image, kind=kind: kind(image).enhance(0.604)
        for name, kind in (
            ("brightness", ImageEnhance.Brightness),
            ("contrast", ImageEnhance.Contrast),
            ("saturation", ImageEnhance.Color),
            ("sharpness", ImageEnhance.Sharpness),
        )
    },
}


@evidence.equals(
    "data.trivial_augment", peer="pillow", tolerance="±1 level, each of six operations that have a range", data="photos"
)
def test_the_wide_operations_are_pillows(photos: dict[str, np.ndarray], measured: Measured) -> None:
    worst = 0
    for image in small_photos(photos):
        for name, peer in WIDE_PEERS.items():
            worst = max(worst, levels_apart(WIDE_TONES[name](image, -0.4), np.asarray(peer(Image.fromarray(image)))))
    measured(worst)
    assert worst <= 1


def test_trivial_augment_draws_every_operation_at_every_strength() -> None:
    drawn = [draw_operation(generator(seed)) for seed in range(3000)]
    assert {name for name, _ in drawn} == {*WIDE_TONES, *WIDE_MOVES} == set(OPERATIONS)
    assert {round(30 * strength) for _, strength in drawn} == set(range(-30, 31))
    quarter = WIDE_MOVES["rotate"]((9, 9), 2 / 3)  # 90 of 135°
    assert np.allclose(quarter.points(np.array([[8.0, 4.0]])), [[4.0, 0.0]])
    assert np.allclose(WIDE_MOVES["shift_x"]((9, 9), -0.5).points(np.array([[20.0, 4.0]])), [[4.0, 4.0]])


def test_three_changes_of_colour_at_once_are_pillows_one_after_the_other(photos: dict[str, np.ndarray]) -> None:
    for image in small_photos(photos):
        peer = Image.fromarray(image)
        for enhancer, factor in (
            (ImageEnhance.Brightness, 1.2),
            (ImageEnhance.Contrast, 0.8),
            (ImageEnhance.Color, 1.3),
        ):
            peer = enhancer(peer).enhance(factor)
        ours = adjust_colour(image, brightness=1.2, contrast=0.8, saturation=1.3)
        assert levels_apart(ours, np.asarray(peer)) <= 4  # Pillow cuts off where we round, three times
