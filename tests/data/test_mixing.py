"""Mixup and CutMix: two pictures in one, and their targets by the same shares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.data import cutmix, mixup, one_hot

Measured = Callable[[float], None]


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
