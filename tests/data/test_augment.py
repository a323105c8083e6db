"""What all changes promise, and the lists of them by name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photo_parts import small_photos
from sightline.core.errors import InputError
from sightline.data import (
    Augment,
    LabelledImage,
    adjust_colour,
    affine,
    augment,
    cutout,
    rand_augment,
    random_affine,
    random_colour,
    random_crop,
    random_flip,
    random_resized_crop,
    trivial_augment,
)
from sightline.data.augment import POLICIES
from sightline.data.rand_augment import OPERATIONS

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


def test_no_change_is_no_change(photos: dict[str, np.ndarray]) -> None:
    for image in small_photos(photos):
        assert np.array_equal(affine(image), image)
        assert np.array_equal(adjust_colour(image), image)
        for operation in ("rotate", "shear_x", "shift_y", "solarize", "posterize", "brightness", "sharpness"):
            assert np.array_equal(OPERATIONS[operation](image, 0.0), image)


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


@pytest.mark.parametrize("policy", [*POLICIES, ["mirror", ("rotate", {"angle": 0.5})]])
def test_one_call_does_what_the_list_does(policy: str, photos: dict[str, np.ndarray]) -> None:
    image = small_photos(photos)[0]
    np.testing.assert_array_equal(augment(image, policy, seed=7), Augment(policy)(image, 7))
    height, width = image.shape[:2]
    mask = np.zeros((1, height, width), bool)
    mask[0, 2:, 3:] = True
    whole = LabelledImage(image, boxes=[[3, 2, width, height]], masks=mask, keypoints=[[[4, 3]]])
    one, other = augment(whole, policy, seed=7, shape=(20, 24)), Augment(policy, shape=(20, 24))(whole, 7)
    assert one.image.shape[:2] == ((20, 24) if policy in POLICIES[1:] else other.image.shape[:2])
    for name in ("image", "boxes", "masks", "keypoints"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_digits_are_not_mirrored() -> None:
    assert "mirror every second image" in Augment("light").describe()
    assert Augment("light", mirror=False).describe() == ("shift by up to 1/8 of a side",)
    assert Augment("slight", mirror=False).describe() == ("shift by up to 1/16 of a side, the border mirrored",)
    assert not any("shift" in line for line in Augment("slight", shape=(8, 8)).describe())
    image = np.tile(np.arange(16, dtype=np.uint8) * 16, (16, 1))
    for seed in range(40):
        inner = Augment("light", mirror=False)(image, seed)[8, 3:-3].astype(int)
        assert (np.diff(inner) >= 0).all()


def test_in_turn_each_image_is_mirrored_in_every_second_epoch() -> None:
    image = np.arange(6 * 5, dtype=np.uint8).reshape(6, 5)
    augment = Augment([("mirror", {"in_turn": True})])
    seen = np.array(
        [
            [not np.array_equal(augment.sample(image, seed=3, epoch=e, index=i), image) for i in range(200)]
            for e in range(5)
        ]
    )
    assert 70 < seen[0].sum() < 130  # 100 ± 4 deviations
    assert (seen[1:] != seen[:-1]).all()
    assert np.array_equal(augment.sample(image, seed=3, epoch=int(not seen[0, 0]), index=0), image[:, ::-1])
    alone = [not np.array_equal(augment(image, seed), image) for seed in range(200)]
    assert 70 < sum(alone) < 130
    with pytest.raises(InputError, match=r"mirror in_turn shows half of all epochs mirrored; got probability 0\.3"):
        Augment([("mirror", {"in_turn": True, "probability": 0.3})])


@pytest.mark.parametrize("kind", [(), (3,)])
def test_a_shift_brings_in_the_mirrored_border(kind: tuple[int, ...]) -> None:
    image = np.random.default_rng(5).integers(0, 256, (16, 20, *kind), dtype=np.uint8)
    shift = ("shift", {"share": 1 / 4, "border": "reflect"})
    wide = np.pad(image, ((4, 4), (4, 4), *((0, 0),) * len(kind)), mode="reflect")
    places = {wide[y : y + 16, x : x + 20].tobytes(): (y, x) for y in range(9) for x in range(9)}
    found = {places[Augment([shift])(image, seed).tobytes()] for seed in range(300)}
    assert len(found) > 70  # nearly all of 81 places
    swapped = Augment([("mirror", {"probability": 1.0}), shift])
    assert all(swapped(image, seed)[:, ::-1].tobytes() in places for seed in range(20))
    turned = Augment([shift, "affine"])(np.full_like(image, 200), 1)
    assert (turned == 200).all()


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
