"""Seam carving against the paper in NumPy and against every seam there is."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.seams import accumulate, energies


def gradient_energy(gray: np.ndarray) -> np.ndarray:
    p = np.pad(gray.astype(np.float32), 1, mode="edge")
    return np.abs(p[1:-1, 2:] - p[1:-1, :-2]) + np.abs(p[2:, 1:-1] - p[:-2, 1:-1])


def forward_total(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cumulative cost of Rubinstein's forward energy, and the step that each pixel came by."""
    p = np.pad(gray.astype(np.float32), ((0, 0), (1, 1)), mode="edge")
    total, steps = np.abs(p[:, 2:] - p[:, :-2]), np.zeros(gray.shape, int)
    for y in range(1, len(gray)):
        before = np.pad(total[y - 1], 1, constant_values=np.inf)
        above, left, right = p[y - 1, 1:-1], p[y, :-2], p[y, 2:]
        options = np.stack([before[:-2] + np.abs(above - left), before[1:-1], before[2:] + np.abs(above - right)])
        total[y] += options.min(axis=0)
        steps[y] = options.argmin(axis=0) - 1
    return total, steps


def carved(gray: np.ndarray, count: int, forward: bool) -> np.ndarray:
    for _ in range(count):
        height, width = gray.shape
        if forward:
            total, steps = forward_total(gray)
        else:
            total, steps = gradient_energy(gray), np.zeros(gray.shape, int)
            for y in range(1, height):
                before = np.pad(total[y - 1], 1, constant_values=np.inf)
                options = np.stack([before[:-2], before[1:-1], before[2:]])
                total[y] += options.min(axis=0)
                steps[y] = options.argmin(axis=0) - 1
        x, kept = int(total[-1].argmin()), np.ones(gray.shape, bool)
        for y in range(height - 1, -1, -1):
            kept[y, x] = False
            x += steps[y, x]
        gray = gray[kept].reshape(height, width - 1)
    return gray


@pytest.mark.parametrize("energy", ["backward", "forward"])
@evidence.equals("image.seam_carve", peer="numpy", tolerance="identical to the papers in NumPy", data="photos")
def test_carving_is_the_papers_in_numpy(
    energy: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    for picture in photos.values():
        gray = (picture if picture.ndim == 2 else picture[..., 1])[:120, :140]
        height, width = gray.shape
        count = min(9, width - 1)
        expected = carved(gray, count, energy == "forward")
        ours = sl.image.seam_carve(gray, (height, width - count), energy=energy)
        worst = max(worst, float(np.abs(ours.astype(int) - expected).max()))
        turned = sl.image.seam_carve(np.ascontiguousarray(gray.T), (width - count, height), energy=energy)
        np.testing.assert_array_equal(turned, ours.T)
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("energy", ["backward", "forward"])
def test_many_seams_and_slanting_ones_are_the_papers(energy: str) -> None:
    few_levels = np.random.default_rng(2).integers(0, 3, (70, 80), dtype=np.uint8)
    y, x = np.mgrid[0:70, 0:80]
    slanting = ((x - y) % 37 * 5 + few_levels).astype(np.uint8)  # a seam strays by a column a row, all the way
    for gray in (few_levels, slanting, slanting[:, ::-1].copy()):
        ours = sl.image.seam_carve(gray, (70, 11), energy=energy)
        np.testing.assert_array_equal(ours, carved(gray, 69, energy == "forward"))


def test_the_first_seam_is_the_cheapest_there_is() -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        gray = random.permutation(256)[:30].reshape(6, 5).astype(np.uint8)
        energy = gradient_energy(gray)
        paths = (np.cumsum((start, *steps)) for start in range(5) for steps in itertools.product((-1, 0, 1), repeat=5))
        rows = np.arange(6)
        cheapest = min(energy[rows, path].sum() for path in paths if path.min() >= 0 and path.max() < 5)
        result = sl.image.seam_carve(gray, (6, 4))
        gone = [next(x for x in range(5) if gray[y, x] not in result[y]) for y in range(6)]
        assert energy[rows, gone].sum() == cheapest
        np.testing.assert_array_equal(energies(gray.astype(np.float32)), energy)
        assert accumulate(gray.astype(np.float32), None, 0, False)[-1].min() == cheapest


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_every_dtype_and_direction_and_size(dtype: str) -> None:
    values = np.random.default_rng(3).random((40, 50, 3))
    image = (values * {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]).astype(dtype)
    for shape in ((40, 50), (30, 50), (40, 31), (52, 71), (33, 140), (95, 44)):
        for picture in (image, image[..., 0].copy()):
            result = sl.image.seam_carve(picture, shape)
            assert result.shape == (*shape, *picture.shape[2:])
            assert result.dtype == picture.dtype
            assert picture.min() <= result.min() <= result.max() <= picture.max()
    np.testing.assert_array_equal(sl.image.seam_carve(image, (40, 50)), image)


def test_enlarging_keeps_what_was_there() -> None:
    image = np.random.default_rng(3).integers(0, 256, (12, 20), dtype=np.uint8)
    wide = sl.image.seam_carve(image, (12, 27))
    for old, new in zip(image, wide, strict=True):
        rest = iter(new.tolist())
        assert all(level in rest for level in old.tolist())  # in this order


def test_protected_pixels_stay_and_removed_ones_go() -> None:
    image = np.full((30, 40), 100, np.uint8)
    image[10:20, 10:18] = np.random.default_rng(1).integers(0, 100, (10, 8))
    image[5:12, 25:30] = 255
    protect, remove = np.zeros((2, 30, 40), bool)
    protect[10:20, 10:18] = True
    remove[5:12, 25:30] = True
    small = sl.image.seam_carve(image, (30, 25), protect=protect)
    spots = np.flatnonzero((small == image[10, 10]).any(axis=0))
    assert any(np.array_equal(small[10:20, x : x + 8], image[10:20, 10:18]) for x in spots)
    for shape in ((30, 40), (28, 30), (30, 36)):
        gone = sl.image.seam_carve(image, shape, protect=protect, remove=remove)
        assert gone.shape == shape
        assert (gone != 255).all()


def test_bad_arguments_are_refused_by_name() -> None:
    image, mask = np.zeros((6, 7), np.uint8), np.zeros((6, 7), bool)
    with pytest.raises(InputError, match="seam_carve: protect must have the image's shape 6×7"):
        sl.image.seam_carve(image, (5, 5), mask[1:])
    with pytest.raises(InputError, match="seam_carve: remove must be H×W bool"):
        sl.image.seam_carve(image, (5, 5), remove=image)
    with pytest.raises(InputError, match="seam_carve: remove must leave a pixel"):
        sl.image.seam_carve(image, (5, 5), remove=~mask)
    with pytest.raises(InputError, match="seam_carve: shape"):
        sl.image.seam_carve(image, (0, 5))
    with pytest.raises(InputError, match="seam_carve: shape must hold at most"):
        sl.image.seam_carve(image, (1 << 20, 1 << 20))
    for shape in ((100, 100_000), (25, 7), (6, 29)):
        with pytest.raises(
            InputError, match="seam_carve: shape must be at most 4 times the image's height and width, 6×7"
        ):
            sl.image.seam_carve(image, shape)
    assert sl.image.seam_carve(image, (24, 28)).shape == (24, 28)
    with pytest.raises(InputError, match="seam_carve: energy must be one of"):
        sl.image.seam_carve(image, (5, 5), energy="entropy")
    with pytest.raises(InputError, match="seam_carve: image must be finite"):
        sl.image.seam_carve(np.full((5, 5), np.nan, np.float32), (4, 4))
