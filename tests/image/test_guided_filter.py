"""Guided filter against Algorithm 1 of the paper in ten lines of NumPy and SciPy."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

guided = importlib.import_module("sightline.image.guided_filter")  # the module, which the function's name hides
RANDOM = np.random.default_rng(6)
MODES = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap"}


def twin(image: np.ndarray, guide: np.ndarray, size: int, eps: float, mode: str = "reflect") -> np.ndarray:
    """Return the filter of one channel in float64, intensities 0–1; equations 14 to 16 where the guide is in colour."""

    def mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, size, mode=mode, axes=(0, 1))

    colours = guide.reshape(*guide.shape[:2], -1)
    centre, level = mean(colours), mean(image)
    products = mean(colours[..., :, None] * colours[..., None, :])
    covariance = products - centre[..., :, None] * centre[..., None, :] + eps * np.eye(colours.shape[2])
    together = mean(colours * image[..., None]) - centre * level[..., None]
    a = np.linalg.solve(covariance, together[..., None])[..., 0]
    b = level - (a * centre).sum(axis=2)
    return (mean(a) * colours).sum(axis=2) + mean(b)


def unit(picture: np.ndarray) -> np.ndarray:
    return picture / {"uint8": 255.0, "uint16": 65535.0}.get(picture.dtype.name, 1.0)


def worst_difference(ours: np.ndarray, image: np.ndarray, guide: np.ndarray, *options: object) -> float:
    planes = unit(image).astype(float).reshape(*image.shape[:2], -1)
    pages = [twin(planes[..., c], unit(guide).astype(float), *options) for c in range(planes.shape[2])]
    expected = np.stack(pages, axis=2) if image.dtype == np.float32 else np.clip(np.stack(pages, axis=2), 0, 1)
    return float(np.abs(unit(ours).reshape(planes.shape) - expected).max())


@evidence.equals("image.guided_filter", peer="scipy", tolerance="half a grey level (uint8)", data="photos")
def test_the_paper_s_algorithm(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        piece = photo[:90, :150]
        for size, eps in ((3, 0.04), (9, 0.01), (25, 1e-4)):
            worst = max(
                worst, worst_difference(sl.image.guided_filter(piece, None, size, eps), piece, piece, size, eps)
            )
    measured(worst * 255)
    assert worst * 255 < 0.52


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (70, 33)])
@pytest.mark.parametrize("colours", [((), ()), ((3,), ()), ((), (3,)), ((3,), (3,))])
def test_gray_and_colour_guides(shape: tuple[int, int], colours: tuple[tuple[int, ...], ...], border: str) -> None:
    image, guide = (RANDOM.random((*shape, *extra), np.float32) for extra in colours)
    ours = sl.image.guided_filter(image, guide, 7, 0.003, border=border)
    assert worst_difference(ours, image, guide, 7, 0.003, MODES[border]) < 2e-5


@pytest.mark.parametrize("border", MODES)
def test_strips_are_as_the_whole(border: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gray, colour = (RANDOM.integers(0, 256, shape, dtype=np.uint8) for shape in ((1100, 9), (1100, 9, 3)))
    cases = [(gray, None, 9), (colour, None, 5), (gray, colour, 71), ((gray / np.float32(255)), gray, 3)]
    whole = [sl.image.guided_filter(*case, border=border) for case in cases]
    monkeypatch.setattr(guided, "_FLOATS", 1)
    for case, expected in zip(cases, whole, strict=True):
        np.testing.assert_array_equal(sl.image.guided_filter(*case, border=border), expected)


def test_dtypes_share_their_unit() -> None:
    image = RANDOM.integers(0, 256, (40, 50), dtype=np.uint8)
    guide = RANDOM.integers(0, 65536, (40, 50), dtype=np.uint16)
    ours = sl.image.guided_filter(image, guide, 9, 0.02)
    assert ours.dtype == np.uint8
    assert worst_difference(ours, image, guide, 9, 0.02) * 255 < 0.52


def test_limits() -> None:
    picture = RANDOM.random((30, 40), np.float32)
    np.testing.assert_allclose(sl.image.guided_filter(picture, None, 5, 1e-9), picture, atol=1e-5)
    twice = uniform_filter(uniform_filter(picture.astype(float), 5), 5)
    np.testing.assert_allclose(sl.image.guided_filter(picture, None, 5, 1e9), twice, atol=1e-5)
    flat = np.full((30, 40, 3), 77, np.uint8)
    np.testing.assert_array_equal(sl.image.guided_filter(flat), flat)
    out = np.empty_like(flat)
    assert sl.image.guided_filter(flat, out=out) is out


def test_the_guide_s_edge_is_given_to_the_image() -> None:
    guide = np.where(np.arange(60) < 30, 0.1, 0.9).astype(np.float32) * np.ones((40, 1), np.float32)
    noisy = guide + RANDOM.normal(0, 0.2, guide.shape).astype(np.float32)
    ours = sl.image.guided_filter(noisy, guide, 9, 1e-4)
    assert (ours - guide).std() < 0.2 * (noisy - guide).std()
    assert (ours[:, 30] - ours[:, 29]).mean() > 0.7


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((6, 7), np.float32)
    with pytest.raises(InputError, match="guided_filter: guide must have the image's height and width 6×7; got 7×6"):
        sl.image.guided_filter(picture, picture.T)
    with pytest.raises(InputError, match="guided_filter: size must be an odd whole number"):
        sl.image.guided_filter(picture, None, 4)
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="guided_filter: eps must be a number > 0"):
            sl.image.guided_filter(picture, None, 5, wrong)
    with pytest.raises(InputError, match="border must be one of"):
        sl.image.guided_filter(picture, border="constant")
    spoiled = picture.copy()
    spoiled[1, 1] = np.nan
    for arguments in ((spoiled,), (picture, spoiled)):
        with pytest.raises(InputError, match=r"guided_filter: (image|guide) must be finite"):
            sl.image.guided_filter(*arguments)
