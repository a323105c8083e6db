"""Convolution and correlation against SciPy and OpenCV, on every kind of kernel, border, stride and padding."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import scipy.ndimage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image import correlation
from sightline.image.correlation import factors

PEER_BORDERS = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "constant": "constant", "wrap": "wrap"}
PAIRS = ((sl.image.convolve, scipy.ndimage.convolve), (sl.image.correlate, scipy.ndimage.correlate))


def kernel_of(*size: int, product: bool = False) -> np.ndarray:
    weights = np.random.default_rng(size[0]).normal(size=size)
    weights = np.outer(weights[:, 0], weights[0]) if product else weights
    return weights / np.abs(weights).sum()


KERNELS = {
    "3×3": kernel_of(3, 3),
    "2×4": kernel_of(2, 4),
    "7×1": kernel_of(7, 1),
    "1×6": kernel_of(1, 6),
    "product": kernel_of(9, 5, product=True),
    "large": kernel_of(23, 26),
    "one": np.ones((1, 1)),
    "zero": np.zeros((3, 3)),
}


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


@evidence.equals("image.correlate", peer="opencv", tolerance="within 1 grey level (uint8)", data="photos")
def test_bytes_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for picture in photos.values():
        for kernel in KERNELS.values():
            peer = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE).reshape(picture.shape)
            worst = max(worst, int(cv2.absdiff(sl.image.correlate(picture, kernel, border="edge"), peer).max()))
    measured(worst)
    assert worst <= 1


@evidence.equals("image.convolve", peer="scipy", tolerance="within 1e-5 (float32)", data="photos")
def test_floats_agree_with_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in (p[:200, :301] for p in photos.values()):
        values = sl.to_float(picture)
        for kernel in KERNELS.values():
            weights = kernel[..., None] if picture.ndim == 3 else kernel
            peer = scipy.ndimage.convolve(values.astype(np.float64), weights, mode="mirror")
            worst = max(worst, float(np.abs(sl.image.convolve(values, kernel) - peer).max()))
    measured(worst)
    assert worst <= 1e-5


@pytest.mark.parametrize("border", list(PEER_BORDERS))
@pytest.mark.parametrize("name", list(KERNELS))
@pytest.mark.parametrize("shape", [(40, 51), (21, 30, 3), (1, 7), (7, 1), (1, 1)])
def test_borders_and_even_sizes_agree_with_scipy(border: str, name: str, shape: tuple[int, ...]) -> None:
    picture, kernel = noise(shape, "float32"), KERNELS[name]
    weights = kernel[..., None] if picture.ndim == 3 else kernel
    for ours, theirs in PAIRS:
        peer = theirs(picture.astype(np.float64), weights, mode=PEER_BORDERS[border], cval=0.25)
        np.testing.assert_allclose(ours(picture, kernel, border=border, value=0.25), peer, atol=1e-6)


@pytest.mark.parametrize("name", list(KERNELS))
@pytest.mark.parametrize("stride", [1, 2, 5, (3, 1), (1, 4)])
@pytest.mark.parametrize("shape", [(40, 51), (31, 40, 3)])
def test_strides_and_valid_windows_are_parts_of_the_whole(name: str, stride: object, shape: tuple[int, ...]) -> None:
    picture, kernel = noise(shape), KERNELS[name]
    down, across = stride if isinstance(stride, tuple) else (stride, stride)
    for function, _ in PAIRS:
        whole = function(picture, kernel, signed=True)
        np.testing.assert_allclose(function(picture, kernel, stride, signed=True), whole[::down, ::across], atol=2e-3)
        anchor = [s // 2 if function is sl.image.correlate else s - 1 - s // 2 for s in kernel.shape]
        inner = whole[anchor[0] :, anchor[1] :][: shape[0] - kernel.shape[0] + 1, : shape[1] - kernel.shape[1] + 1]
        valid = function(picture, kernel, stride, "valid", signed=True)
        np.testing.assert_allclose(valid, inner[::down, ::across], atol=2e-3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("name", list(KERNELS))
def test_integers_are_the_signed_sums_rounded_and_clipped(dtype: str, name: str) -> None:
    picture, kernel = noise((30, 41), dtype), 3 * KERNELS[name]
    sums = sl.image.convolve(picture, kernel, signed=True)
    assert sums.dtype == np.float32
    error = np.abs(sl.image.convolve(picture, kernel) - np.clip(sums, 0, np.iinfo(dtype).max).astype(np.float64))
    assert error.max() <= 0.5


def test_a_product_is_found_and_only_a_product() -> None:
    column, row = factors(kernel_of(9, 5, product=True).astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(np.outer(column, row), kernel_of(9, 5, product=True), atol=1e-8)
    assert factors(np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])) is None


def test_convolution_is_linear_and_associative() -> None:
    picture, a, b = noise((30, 40), "float32"), kernel_of(3, 3), kernel_of(5, 3)
    one = sl.image.convolve(sl.image.convolve(picture, a, border="wrap"), b, border="wrap")
    two = sl.image.convolve(picture, scipy.signal.convolve2d(a, b), border="wrap")
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_correlation_is_convolution_with_the_turned_kernel() -> None:
    picture, kernel = noise((30, 40)), kernel_of(5, 3)
    np.testing.assert_array_equal(
        sl.image.correlate(picture, kernel), sl.image.convolve(picture, np.ascontiguousarray(kernel[::-1, ::-1]))
    )


@pytest.mark.parametrize("border", ["reflect", "constant", "wrap"])
def test_strips_of_blocks_are_as_the_whole(border: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = ((700, 90), 1, "uint8"), ((400, 60, 3), (2, 3), "uint16"), ((500, 61), (3, 1), "float32")
    arguments = [(noise(shape, dtype), KERNELS["large"], stride) for shape, stride, dtype in cases]
    whole = [sl.image.correlate(*given, border=border) for given in arguments]
    monkeypatch.setattr(correlation, "_PIXELS", 1)
    for given, expected in zip(arguments, whole, strict=True):
        np.testing.assert_array_equal(sl.image.correlate(*given, border=border), expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_goes_where_a_weight_takes_it(bad: float) -> None:
    for kernel in (np.array([[1, 0, 2], [0, 3, 0]]), np.array([[1, 0, -1]]), np.outer([1, 0, 1], [1, 1])):
        picture = np.zeros((11, 12), np.float32)
        picture[5, 5] = bad
        reached = sl.image.convolve((np.arange(132).reshape(11, 12) == 65).astype(np.float32), kernel) != 0
        np.testing.assert_array_equal(~np.isfinite(sl.image.convolve(picture, kernel)), reached)
    large = np.ones((31, 31)) + np.eye(31)
    picture = noise((64, 64), "float32")
    picture[0, 0] = bad
    assert np.isfinite(sl.image.convolve(picture, large)).sum() == 64 * 64 - 16 * 16


def test_steps_show_kernel_picture_and_response() -> None:
    for options in ({}, {"signed": True}):
        played = sl.trace(sl.image.convolve, noise((20, 25, 3)), KERNELS["3×3"], **options)
        assert [step.name for step in played] == ["kernel", "picture", "response"]


def test_out_is_filled_and_returned() -> None:
    picture, kernel = noise((20, 25)), KERNELS["3×3"]
    out = np.empty((10, 25), np.uint8)
    assert sl.image.convolve(picture, kernel, (2, 1), out=out) is out
    np.testing.assert_array_equal(out, sl.image.convolve(picture, kernel, (2, 1)))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kernel": [[1]]}, "kernel must be rows × columns"),
        ({"kernel": np.ones(3)}, "kernel must be rows × columns"),
        ({"kernel": np.ones((0, 3))}, "kernel must be rows × columns"),
        ({"kernel": np.ones((2, 2), complex)}, "kernel must be rows × columns"),
        ({"kernel": np.array([[np.nan]])}, "kernel must be finite"),
        ({"kernel": np.array([[1e300]])}, "kernel must be finite"),
        ({"kernel": np.ones((5, 4)), "padding": "valid"}, "kernel must fit into the image"),
        ({"padding": "full"}, "padding must be one of"),
        ({"border": "reflekt"}, "border must be one of"),
        ({"stride": 0}, "stride must be a whole number"),
        ({"stride": (1, 2, 3)}, r"stride must be \(height, width\)"),
        ({"border": "constant", "value": 256}, "value must be a number in 0–255"),
        ({"value": np.nan}, "value must be a number"),
    ],
)
def test_refusals_say_what_is_wrong(options: dict[str, object], sentence: str) -> None:
    for function in (sl.image.convolve, sl.image.correlate):
        with pytest.raises(InputError, match=f"{function.__name__}: {sentence}"):
            function(**{"image": noise((4, 6)), "kernel": np.ones((3, 3)), **options})
