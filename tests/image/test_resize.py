"""Resize against OpenCV (without antialiasing) and Pillow (with it), on every dtype."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

OPENCV = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
METHODS = ("nearest", "bilinear", "bicubic", "lanczos", "area")


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


def new_shapes(picture: np.ndarray) -> list[tuple[int, int]]:
    height, width = picture.shape[:2]
    return [(max(1, height // 2), max(1, width // 3)), (max(1, 2 * height // 3), width + 7), (31, 47)]


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


@evidence.equals("image.resize", peer="opencv", tolerance="within 1 grey level, antialias off", data="photos")
def test_without_antialiasing_it_is_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for shape in new_shapes(picture):
            for method, flag in OPENCV.items():
                ours = sl.image.resize(picture, shape, method, antialias=False)
                worst = max(worst, difference(ours, cv2.resize(picture, shape[::-1], interpolation=flag)))
    measured(worst)
    assert worst <= 1


def pillow(picture: np.ndarray, shape: tuple[int, int], method: str) -> np.ndarray:
    """Return Pillow's result of each channel as floats, rounded once; its bytes round and clip between the passes."""
    channels = picture[..., None] if picture.ndim == 2 else picture
    planes = [Image.fromarray(channels[..., c].astype(np.float32)) for c in range(channels.shape[2])]
    exact = np.stack([np.asarray(plane.resize(shape[::-1], PILLOW[method])) for plane in planes], -1)
    return np.clip(np.rint(exact), 0, 255).astype(np.uint8).reshape(*shape, *picture.shape[2:])


@evidence.equals("image.resize", peer="pillow", tolerance="within 1 grey level, antialias on", data="photos")
def test_with_antialiasing_it_is_pillow(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for shape in new_shapes(picture):
            for method in PILLOW:
                ours = sl.image.resize(picture, shape, method, antialias=True)
                worst = max(worst, difference(ours, pillow(picture, shape, method)))
            peer = np.asarray(Image.fromarray(picture).resize(shape[::-1], PILLOW["bilinear"]))
            worst = max(worst, difference(sl.image.resize(picture, shape, antialias=True), peer))
    measured(worst)
    assert worst <= 1


@evidence.equals(
    "image.resize",
    peer="opencv",
    tolerance="identical (INTER_NEAREST_EXACT) where no centre falls between two pixels",
    data="noise",
)
def test_nearest_is_opencv(measured: Callable[[float], None]) -> None:
    worst = 0.0  # from odd to even sizes no centre falls between two pixels, where the peer's fixed point may err
    for dtype in ("uint8", "uint16", "float32"):
        for source in ((41, 61), (41, 61, 3), (41, 61, 2)):
            for shape in ((20, 30), (92, 134), (8, 100)):
                picture = noise(source, dtype)
                peer = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
                worst = max(worst, difference(sl.image.resize(picture, shape, "nearest"), peer))
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(40, 61), (40, 61, 2), (40, 61, 3), (40, 61, 4)])
def test_nearest_takes_whole_pixels(dtype: str, shape: tuple[int, ...]) -> None:
    picture = noise(shape, dtype)
    rows, columns = (np.arange(20) * 2 + 1) * 40 // 40, (np.arange(90) * 2 + 1) * 61 // 180
    np.testing.assert_array_equal(sl.image.resize(picture, (20, 90), "nearest"), picture[rows][:, columns])


@evidence.equals("image.resize", peer="opencv", tolerance="within 1 grey level (area, shrinking)", data="photos")
def test_area_is_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        if min(picture.shape[:2]) > 3:
            height, width = picture.shape[:2]
            for shape in ((height // 2, width // 2), (height // 3, 2 * width // 3)):
                peer = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA)
                worst = max(worst, difference(sl.image.resize(picture, shape, "area"), peer))
    measured(worst)
    assert worst <= 1


@pytest.mark.parametrize("shape", [(64, 90), (64, 90, 3)])
def test_exactly_half_is_identical_to_opencv(shape: tuple[int, ...]) -> None:
    picture = noise(shape)
    ours = sl.image.resize(picture, (32, 45), antialias=False)
    np.testing.assert_array_equal(ours, cv2.resize(picture, (45, 32), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize("method", list(OPENCV))
@pytest.mark.parametrize(("dtype", "tolerance"), [("uint16", 40), ("float32", 6e-4)])
def test_other_dtypes_agree_with_opencv(method: str, dtype: str, tolerance: float) -> None:
    picture = noise((37, 53, 3), dtype)
    for shape in ((20, 31), (80, 91)):
        peer = cv2.resize(picture, shape[::-1], interpolation=OPENCV[method])
        assert difference(sl.image.resize(picture, shape, method, antialias=False), peer) <= tolerance


@pytest.mark.parametrize("method", list(PILLOW))
def test_floats_agree_with_pillow(method: str) -> None:
    picture = noise((37, 53), "float32")
    peer = np.asarray(Image.fromarray(picture).resize((31, 20), PILLOW[method]))
    assert difference(sl.image.resize(picture, (20, 31), method), peer) <= 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_same_size_is_an_equal_copy(method: str, dtype: str) -> None:
    picture = noise((9, 14, 3), dtype)
    for antialias in (None, True, False):
        same = sl.image.resize(picture, (9, 14), method, antialias)
        assert same is not picture
        np.testing.assert_array_equal(same, picture)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (5, 6)])
def test_a_flat_image_stays_flat(method: str, shape: tuple[int, int]) -> None:
    for source in ((1, 1), (2, 3), (30, 17)):
        picture = np.full((*source, 3), 200, np.uint8)
        assert (sl.image.resize(picture, shape, method) == 200).all()


def test_shrinking_antialiases_unless_told() -> None:
    picture = np.zeros((4, 64), np.uint8)
    picture[:, ::4] = 255
    assert np.ptp(sl.image.resize(picture, (4, 16))[:, 2:-2]) == 0
    np.testing.assert_array_equal(sl.image.resize(picture, (4, 16)), sl.image.resize(picture, (4, 16), antialias=True))
    assert sl.image.resize(picture, (4, 16), antialias=False).max() == 0


def test_what_is_not_finite_stays_within_its_window() -> None:
    picture = noise((40, 40), "float32")
    clean = sl.image.resize(picture, (20, 20))
    picture[20, 20] = np.nan
    spoilt = sl.image.resize(picture, (20, 20))
    rows, columns = np.nonzero(~np.isfinite(spoilt))
    assert rows.size > 0
    assert np.abs(np.stack([rows, columns]) - 10).max() <= 2
    keep = np.isfinite(spoilt)
    np.testing.assert_array_equal(spoilt[keep], clean[keep])


def test_out_is_filled_and_returned() -> None:
    picture = noise((20, 25, 3))
    out = np.empty((11, 13, 3), np.uint8)
    assert sl.image.resize(picture, (11, 13), out=out) is out
    np.testing.assert_array_equal(out, sl.image.resize(picture, (11, 13)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (((0, 5),), r"resize: shape\[0\] \(height\) must be a whole number ≥ 1; got 0"),
        ((7,), r"resize: shape must be \(height, width\); got int 7"),
        (((5, 5), "bilinar"), r"method must be one of .* Did you mean 'bilinear'\?"),
        (((5, 5), "area", "yes"), "antialias must be True, False or None; got 'yes'"),
    ],
)
def test_arguments_are_refused_by_name(arguments: tuple, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        sl.image.resize(noise((4, 4)), *arguments)


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("source", [(1, 1), (2, 3), (3, 2), (5, 4), (200, 70), (200, 70, 3), (4, 700, 3)])
def test_bytes_agree_with_opencv_on_noise(method: str, source: tuple[int, ...]) -> None:
    picture = noise(source) // 128 * 255  # steps from black to white: what overshoots most
    for shape in ((1, 1), (7, 300), (190, 61), (431, 90)):
        peer = cv2.resize(picture, shape[::-1], interpolation=OPENCV[method])
        assert difference(sl.image.resize(picture, shape, method, antialias=False), peer) <= 1
