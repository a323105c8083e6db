"""The Laplacian of Gaussian against SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.ndimage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

PEER_BORDERS = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "wrap": "wrap"}


@evidence.equals("image.laplacian_of_gaussian", peer="scipy", tolerance="1e-6 of the image's range", data="photos")
def test_agrees_with_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in (p[:151, :200] for p in photos.values()):
        for sigma in (0.7, 2.0, 6.3):
            peer = scipy.ndimage.gaussian_laplace(picture / 255.0, sigma) if picture.ndim == 2 else None
            if peer is None:
                channels = [scipy.ndimage.gaussian_laplace(picture[..., c] / 255.0, sigma) for c in range(3)]
                peer = np.stack(channels, axis=2)
            for image, unit in ((picture, 255), (picture.astype(np.uint16) * 257, 65535), (sl.to_float(picture), 1)):
                ours = sl.image.laplacian_of_gaussian(image, sigma) / np.float64(unit)
                worst = max(worst, float(np.abs(ours - peer).max()))
    measured(worst)
    assert worst <= 1e-6


@pytest.mark.parametrize("border", list(PEER_BORDERS))
def test_borders_agree_with_scipy(border: str) -> None:
    picture = np.random.default_rng(1).random((21, 30), np.float32)
    peer = scipy.ndimage.gaussian_laplace(picture.astype(np.float64), 3.0, mode=PEER_BORDERS[border])
    np.testing.assert_allclose(sl.image.laplacian_of_gaussian(picture, 3.0, border=border), peer, atol=1e-6)


def test_a_blob_is_deepest_at_its_own_scale() -> None:
    y, x = np.mgrid[-40:41, -40:41]
    blob = (np.hypot(x, y) <= 5 * np.sqrt(2)).astype(np.float32)
    depth = {s: -s * s * float(sl.image.laplacian_of_gaussian(blob, s)[40, 40]) for s in (3.0, 4.0, 5.0, 6.0, 7.0)}
    assert max(depth, key=depth.__getitem__) == 5.0


def test_nan_spoils_the_reach() -> None:
    picture = np.zeros((31, 31), np.float32)
    picture[15, 15] = np.nan
    spoilt = np.isnan(sl.image.laplacian_of_gaussian(picture, 1.3))
    assert spoilt.sum() >= 9 * 9
    assert not spoilt[:10].any()


def test_steps_show_kernel_picture_and_response() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (20, 25, 3), dtype=np.uint8)
    played = sl.trace(sl.image.laplacian_of_gaussian, picture, 2.0)
    assert [step.name for step in played] == ["kernel", "picture", "response"]
    gray = np.ascontiguousarray(picture[..., 0])
    direct = sl.image.correlate(gray, played["kernel"].value, border="symmetric", signed=True)
    np.testing.assert_allclose(played.result[..., 0], direct, atol=1e-3)


def test_out_is_filled_and_returned() -> None:
    out = np.empty((20, 25), np.float32)
    picture = np.random.default_rng(1).random((20, 25), np.float32)
    assert sl.image.laplacian_of_gaussian(picture, 2.0, out=out) is out
    np.testing.assert_array_equal(out, sl.image.laplacian_of_gaussian(picture, 2.0))


@pytest.mark.parametrize("sigma", [0, -1, 201, np.nan, "2", True])
def test_sigma_is_refused_by_name(sigma: object) -> None:
    with pytest.raises(InputError, match=r"laplacian_of_gaussian: sigma must be a number in 0\.1–200 pixels"):
        sl.image.laplacian_of_gaussian(np.zeros((4, 4), np.uint8), sigma)
