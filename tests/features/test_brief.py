"""BRIEF: bits that survive noise and light, and match no worse than scikit-image's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage import feature

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.features.binary_tests import REACH, TESTS, candidates, learn
from sightline.features.brief import describe_bits


def two_views(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo, and the same moved by (6, −4), darker and noisy."""
    photo = np.ascontiguousarray(sl.data.sample("coffee")[..., 1][:300, :400])
    moved = np.roll(photo, (-4, 6), (0, 1)).astype(np.float64)
    noise = np.random.default_rng(seed).normal(0, 12, moved.shape)
    return photo, np.clip(0.7 * moved + 10 + noise, 0, 255).astype(np.uint8)


def right(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of points whose match lies (6, −4) on."""
    return float((np.abs(b - a - (6, -4)).max(axis=1) <= 0.5).mean()) * len(a)


@evidence.equals(
    "features.brief", peer="scikit-image", tolerance="as many right matches or more", data="coffee: moved, dark, noisy"
)
def test_matches_no_worse_than_scikit_image(measured: Callable[[float], None]) -> None:
    photo, moved = two_views()
    found = sl.features.fast(photo, 20).best(400)
    other = sl.features.Features(found.points + np.array([6, -4]), found.scales, found.angles, None, found.responses)
    ours = [sl.features.brief(image, points) for image, points in ((photo, found), (moved, other))]
    pairs = sl.features.match(*ours, 1, cross_check=True)
    peer = feature.BRIEF(descriptor_size=256, patch_size=31, sigma=2, rng=1)
    theirs = []
    for image, points in ((photo, found.points), (moved, other.points)):
        peer.extract(image, points[:, ::-1])
        theirs.append((points[peer.mask], peer.descriptors))
    (places, codes), (far, far_codes) = theirs
    rows = feature.match_descriptors(codes, far_codes, cross_check=True)
    count, expected = right(pairs.points_a, pairs.points_b), right(places[rows[:, 0]], far[rows[:, 1]])
    measured(count / expected)
    assert expected > 100
    assert count >= expected


def test_a_turned_picture_has_the_same_bits_under_turned_tests() -> None:
    image = np.random.default_rng(1).integers(0, 256, (65, 65), dtype=np.uint8)
    middle, none = np.float32([[32, 32]]), np.zeros(1, np.float32)
    upright = describe_bits(image, middle, none)
    for quarter in (1, 2, 3):  # rot90 turns against the clock, angles go with it
        turned = describe_bits(np.rot90(image, quarter).copy(), middle, none - quarter * np.float32(np.pi / 2))
        assert np.array_equal(upright, turned)
    assert not np.array_equal(upright, describe_bits(image, middle, none + 1))


def test_bits_say_which_pixel_is_darker() -> None:
    image = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    bits = np.unpackbits(describe_bits(image, np.float32([[30, 30]]), np.zeros(1, np.float32))[0])
    assert np.array_equal(bits, TESTS[:, 0] < TESTS[:, 2])


def test_the_tests_are_different_and_within_reach() -> None:
    assert TESTS.shape == (256, 4)
    assert len(np.unique(TESTS, axis=0)) == 256
    assert np.hypot(TESTS[:, 0::2], TESTS[:, 1::2]).max() <= REACH


def test_learning_takes_what_is_even_and_new() -> None:
    random = np.random.default_rng(2)
    bits = random.random((500, 12)) < 0.5
    bits[:, 3] = bits[:, 7]  # says nothing new
    bits[:, 5] = True  # says nothing at all
    chosen = learn(bits, 10)
    assert 5 not in chosen
    assert not {3, 7} <= set(chosen.tolist())
    assert candidates(50, random).shape == (50, 4)


def test_what_lies_near_the_border_is_left_out_and_what_is_no_feature_refused() -> None:
    image = np.zeros((40, 40), np.uint8)
    none = np.zeros(3, np.float32)
    found = sl.features.Features([[20, 20], [3, 20], [np.nan, 1]], none, none, None, none)
    assert sl.features.brief(image, found).points.tolist() == [[20, 20]]
    with pytest.raises(InputError, match=r"brief: features must be Features"):
        sl.features.brief(image, found.points)
