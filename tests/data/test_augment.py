"""Augmentation for classification: each change against a peer, and what all of them promise."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.data import (
    Augment,
    adjust_colour,
    affine,
    cutmix,
    cutout,
    mixup,
    one_hot,
    rand_augment,
    random_affine,
    random_colour,
    random_crop,
    random_flip,
    random_resized_crop,
    trivial_augment,
)
from sightline.data.augment import POLICIES
from sightline.data.crop import draw_rectangle
from sightline.data.rand_augment import OPERATIONS
from sightline.data.trivial_augment import WIDE_MOVES, WIDE_TONES, draw_operation

Measured = Callable[[float], None]
CHANGES = (
    random_flip,
    random_crop,
    random_resized_crop,
    random_affine,
    random_colour,
    cutout,
    rand_augment,
    trivial_augment,
)


def levels_apart(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape
    assert a.dtype == b.dtype == np.uint8
    return int(np.abs(a.astype(int) - b).max())


def small_photos(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return parts of the photos, at most 150 pixels long, gray and RGB."""
    return [np.ascontiguousarray(image[:149, :150]) for image in photos.values()]


# --- against peers ---


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


def test_no_change_is_no_change(photos: dict[str, np.ndarray]) -> None:
    for image in small_photos(photos):
        assert np.array_equal(affine(image), image)
        assert np.array_equal(adjust_colour(image), image)
        for operation in ("rotate", "shear_x", "shift_y", "solarize", "posterize", "brightness", "sharpness"):
            assert np.array_equal(OPERATIONS[operation](image, 0.0), image)


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


# --- mixing ---


def batch(seed: int, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random((count, 3, 10, 12), np.float32), one_hot(random.integers(0, 4, count), 4)


@evidence.equals("data.mixup", peer="numpy", tolerance="1e-6", data="random batches")
def test_mixup_is_a_weighted_sum(measured: Measured) -> None:
    worst = 0.0
    for seed in range(20):
        images, targets = batch(seed)
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
        share, partner = random.beta(0.4, 0.4), random.permutation(6)
        mixed, mixed_targets = mixup(images, targets, alpha=0.4, seed=seed)
        worst = max(worst, float(np.abs(mixed - (share * images + (1 - share) * images[partner])).max()))
        worst = max(worst, float(np.abs(mixed_targets - (share * targets + (1 - share) * targets[partner])).max()))
    measured(worst)
    assert worst < 1e-6


@evidence.equals("data.cutmix", peer="numpy", tolerance="identical pixels, targets to 1e-6", data="random batches")
def test_cutmix_mixes_targets_by_area(measured: Measured) -> None:
    worst = 0.0
    for seed in range(40):
        images, targets = batch(seed)
        mixed, mixed_targets = cutmix(images, targets, seed=seed)
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
        random.beta(1.0, 1.0)
        partner = random.permutation(6)
        moved = (mixed != images).any(axis=(0, 1))
        assert np.array_equal(mixed, np.where(moved, images[partner], images))
        assert moved.sum() == moved.any(axis=1).sum() * moved.any(axis=0).sum()  # one rectangle
        area = np.float32(moved.mean())
        worst = max(worst, float(np.abs(mixed_targets - ((1 - area) * targets + area * targets[partner])).max()))
    measured(worst)
    assert worst < 1e-6


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_mixing_keeps_its_inputs_and_the_sum_of_targets(mix: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    images, targets = batch(1)
    before = images.copy(), targets.copy()
    mixed, mixed_targets = mix(images, targets, seed=3)
    mixed.fill(0)
    assert np.array_equal(images, before[0])
    assert np.array_equal(targets, before[1])
    assert np.allclose(mixed_targets.sum(axis=1), 1)
    assert np.array_equal(mix(images, targets, alpha=0.0)[0], images)


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_mixing_refuses_labels_and_bytes(mix: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    images, targets = batch(1)
    with pytest.raises(InputError, match=rf"{mix.__name__}: targets must be B×K float32; got 6 int64. Use one_hot"):
        mix(images, np.arange(6))
    with pytest.raises(InputError, match=rf"{mix.__name__}: images must be B×C×H×W float32; got 6×3×10×12 uint8"):
        mix(images.astype(np.uint8), targets)
    with pytest.raises(InputError, match=rf"{mix.__name__}: targets must be 6×K float32; got 5×4"):
        mix(images, targets[:5])


def test_cutmix_tells_channels_last_from_channels_first() -> None:
    images, targets = batch(1)
    with pytest.raises(InputError, match=r"got 6×10×12×3 float32\. For B×H×W×C use np\.moveaxis\(images, 3, 1\)"):
        cutmix(np.ascontiguousarray(np.moveaxis(images, 1, 3)), targets)
    with pytest.raises(InputError, match=r"got 6×10×12 float32\. For one channel use images\[:, None\]"):
        cutmix(images[:, 0], targets)


# --- what all of them promise ---


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 2**32))
def test_changes_keep_shape_dtype_and_input(
    change: Callable[..., np.ndarray], height: int, width: int, colour: bool, seed: int
) -> None:
    shape = (height, width, 3) if colour else (height, width)
    image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    changed = change(image, seed=seed)
    assert changed.shape == shape
    assert changed.dtype == np.uint8
    assert not np.shares_memory(changed, image)
    assert np.array_equal(image, before)
    strided = np.asfortranarray(image)[::-1][::-1]
    strided.flags.writeable = False
    assert np.array_equal(change(strided, seed=seed), changed)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changes_refuse_what_is_no_image(change: Callable[..., np.ndarray]) -> None:
    for wrong in (None, np.zeros((3, 4), np.int64), np.zeros((0, 4), np.uint8), np.zeros((2, 3, 4, 5), np.uint8)):
        with pytest.raises(InputError, match=rf"{change.__name__}: image must .*got "):
            change(wrong)
    with pytest.raises(InputError, match="seed must be a whole number"):
        change(np.zeros((8, 8), np.uint8), seed=-1)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_option_is_checked(change: Callable[..., np.ndarray]) -> None:
    for name, parameter in inspect.signature(change).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in ("seed", "shape"):
            with pytest.raises(InputError, match=f"{change.__name__}: {name} must be"):
                change(np.zeros((8, 8), np.uint8), **{name: "wrong"})
            with pytest.raises(InputError, match=f"{change.__name__}: {name} must be"):
                change(np.zeros((8, 8), np.uint8), **{name: math.nan})


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_seeded_by_sample_not_by_order(policy: str) -> None:
    images = np.random.default_rng(2).integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    augment = Augment(policy)
    order = [augment.sample(images[index], seed=7, epoch=1, index=index) for index in range(24)]
    backward = [augment.sample(images[index], seed=7, epoch=1, index=index) for index in reversed(range(24))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda index: augment.sample(images[index], seed=7, epoch=1, index=index), range(24)))
    assert all(np.array_equal(a, b) for a, b in zip(order, reversed(backward), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(order, together, strict=True))
    if policy != "none":
        later = [augment.sample(images[index], seed=7, epoch=2, index=index) for index in range(24)]
        assert not all(np.array_equal(a, b) for a, b in zip(order, later, strict=True))


def test_digits_are_not_mirrored() -> None:
    assert "mirror every second image" in Augment("light").describe()
    assert Augment("light", mirror=False).describe() == ("shift by up to 1/8 of a side",)
    image = np.tile(np.arange(16, dtype=np.uint8) * 16, (16, 1))
    for seed in range(40):
        inner = Augment("light", mirror=False)(image, seed)[8, 3:-3].astype(int)
        assert (np.diff(inner) >= 0).all()


def test_a_policy_may_resize_a_part() -> None:
    augment = Augment("randaugment", shape=(24, 20))
    assert augment(np.zeros((60, 50, 3), np.uint8), 3).shape == (24, 20, 3)
    assert augment.describe()[1] == "random part, resized to 24×20"


def test_none_changes_nothing() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert np.array_equal(Augment("none").sample(image, seed=1, epoch=2, index=3), image)


def test_an_unknown_policy_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'standard'"):
        Augment("standart")
