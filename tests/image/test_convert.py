"""Colour spaces against OpenCV, on every dtype."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import color

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

FULL = {"uint8": 255, "uint16": 65535, "float32": 1}


def colours(dtype: str, seed: int = 7) -> np.ndarray:
    """Return random colours and all corners of the cube."""
    values = np.random.default_rng(seed).random((61, 83, 3), np.float32)
    values[0, :8] = [[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]
    values[1] = values[1, :, :1]  # grays
    return values if dtype == "float32" else np.rint(values * FULL[dtype]).astype(dtype)


@evidence.equals("image.convert", peer="opencv", tolerance="rgb→gray identical (uint8, uint16)", data="photos")
def test_gray_is_identical_to_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for picture in [image for image in photos.values() if image.ndim == 3] + [colours("uint16")]:
        ours, peer = sl.image.convert(picture, "rgb", "gray"), cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        worst = max(worst, int(cv2.absdiff(ours, peer).max()))
    measured(worst)
    assert worst == 0


@evidence.equals("image.convert", peer="opencv", tolerance="rgb→hsv identical (uint8)", data="all pairs and photos")
def test_hsv_is_identical_to_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    value, low = np.mgrid[:256, :256].astype(np.uint8)
    pairs = np.stack([value, np.minimum(value, low), (value // 2 + low // 2).astype(np.uint8)], -1)
    turned = [np.ascontiguousarray(pairs[..., order]) for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2])]
    worst = 0
    for picture in [*turned, *(image for image in photos.values() if image.ndim == 3)]:
        ours, peer = sl.image.convert(picture, "rgb", "hsv"), cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        worst = max(worst, int(cv2.absdiff(ours, peer).max()))
    measured(worst)
    assert worst == 0


@evidence.equals("image.convert", peer="opencv", tolerance="float32 within 1e-5 (gray, HSV with hue in turns)")
def test_float_agrees_with_opencv(measured: Callable[[float], None]) -> None:
    picture = colours("float32")
    gray = np.abs(sl.image.convert(picture, "rgb", "gray") - cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)).max()
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV) / np.float32([360, 1, 1])
    error = max(gray, np.abs(sl.image.convert(picture, "rgb", "hsv") - hsv).max())
    measured(error)
    assert error <= 1e-5


@evidence.equals("image.convert", peer="opencv", tolerance="hsv→rgb within 1 grey level (uint8), 1e-5 (float32)")
def test_hsv_to_rgb_agrees_with_opencv(measured: Callable[[float], None]) -> None:
    hsv = colours("uint8")
    hsv[..., 0] %= 180
    error = int(cv2.absdiff(sl.image.convert(hsv, "hsv", "rgb"), cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).max())
    hsv = colours("float32")
    peer = cv2.cvtColor(hsv * np.float32([360, 1, 1]), cv2.COLOR_HSV2RGB)
    float_error = np.abs(sl.image.convert(hsv, "hsv", "rgb") - peer).max()
    measured(error)
    assert error <= 1
    assert float_error <= 1e-5


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_hsv_returns_to_the_same_colour(dtype: str) -> None:
    picture = colours(dtype)
    back = sl.image.convert(sl.image.convert(picture, "rgb", "hsv"), "hsv", "rgb")
    assert np.abs(back.astype(np.float64) - picture).max() <= (2e-6 if dtype == "float32" else 4)


def test_uint16_hsv_is_the_float_one_in_steps() -> None:
    picture = colours("uint16")
    exact = sl.image.convert(sl.to_float(picture), "rgb", "hsv") * 65535
    assert np.abs(sl.image.convert(picture, "rgb", "hsv") - exact).max() <= 0.6


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_gray_to_rgb_repeats_and_to_hsv_has_no_hue(dtype: str) -> None:
    gray = colours(dtype)[..., 0]
    assert (sl.image.convert(gray, "gray", "rgb") == gray[..., None]).all()
    hsv = sl.image.convert(gray, "gray", "hsv")
    assert not hsv[..., :2].any()
    np.testing.assert_array_equal(hsv[..., 2], gray)


def test_the_same_space_is_a_copy() -> None:
    picture = colours("uint8")
    same = sl.image.convert(picture, "rgb", "rgb")
    assert same is not picture
    np.testing.assert_array_equal(same, picture)


def test_out_is_filled_and_returned() -> None:
    picture = colours("uint8")
    out = np.empty(picture.shape[:2], np.uint8)
    assert sl.image.convert(picture, "rgb", "gray", out=out) is out
    np.testing.assert_array_equal(out, sl.image.convert(picture, "rgb", "gray"))


def test_hue_counts_modulo_a_turn() -> None:
    hsv = np.float32([[[0.25, 1, 1], [1.25, 1, 1], [-0.75, 1, 1]]])
    rgb = sl.image.convert(hsv, "hsv", "rgb")
    np.testing.assert_allclose(rgb[0], [rgb[0, 0]] * 3, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(("source", "target"), [("rgb", "gray"), ("rgb", "hsv"), ("hsv", "rgb")])
def test_what_is_not_finite_stays_in_its_pixel(bad: float, source: str, target: str) -> None:
    picture = colours("float32")
    clean = sl.image.convert(picture, source, target)
    picture[5, 7, 1] = bad
    spoilt = sl.image.convert(picture, source, target)
    assert not np.isfinite(spoilt[5, 7]).any()
    keep = np.ones(picture.shape[:2], bool)
    keep[5, 7] = False
    np.testing.assert_array_equal(spoilt[keep], clean[keep])


def test_an_unknown_space_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"convert: target must be one of .*; got 'grey'. Did you mean 'gray'\?"):
        sl.image.convert(colours("uint8"), "rgb", "grey")


def test_channels_must_fit_the_source() -> None:
    with pytest.raises(InputError, match="convert: image must be H×W×3"):
        sl.image.convert(colours("uint8")[..., 0], "rgb", "gray")


# --- the spaces beyond gray and HSV ---

SPACES = ("cmyk", "gray", "hsl", "hsv", "lab", "luv", "rgb", "xyz", "ycrcb")
CODES = {"hsl": "HLS", "lab": "Lab", "luv": "Luv", "xyz": "XYZ", "ycrcb": "YCrCb"}


def by_opencv(image: np.ndarray, space: str) -> np.ndarray:
    """Return OpenCV's conversion with its channels in our order."""
    peer = cv2.cvtColor(image, getattr(cv2, f"COLOR_RGB2{CODES[space]}"))
    return peer[..., [0, 2, 1]] if space == "hsl" else peer


def gap(a: np.ndarray, b: np.ndarray, space: str, turn: float) -> float:
    """Return the greatest difference, hues taken around the circle."""
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
    if space in ("hsl", "hsv"):
        apart[..., 0] = np.minimum(apart[..., 0], turn - apart[..., 0])
    return float(apart.max())


@pytest.mark.parametrize("space", CODES)
@evidence.equals(
    "image.convert", peer="opencv", tolerance="rgb→hsl, lab, luv, xyz, ycrcb: 1 level (uint8)", data="photos"
)
def test_bytes_are_opencv_s(space: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    gamma, worst = "linear" if space == "xyz" else "srgb", 0.0
    for picture in [colours("uint8"), *(image for image in photos.values() if image.ndim == 3)]:
        worst = max(
            worst, gap(sl.image.convert(picture, "rgb", space, gamma=gamma), by_opencv(picture, space), space, 180)
        )
    measured(worst)
    assert worst <= 1


@pytest.mark.parametrize("space", CODES)
@evidence.equals(
    "image.convert", peer="opencv", tolerance="back to rgb: 1 level but for 1 in 10⁴ (uint8)", data="photos"
)
def test_bytes_come_back_as_opencv_s(
    space: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    gamma, apart = "linear" if space == "xyz" else "srgb", []
    for picture in [colours("uint8"), *(image for image in photos.values() if image.ndim == 3)]:
        theirs = by_opencv(picture, space)
        ordered = np.ascontiguousarray(theirs[..., [0, 2, 1]]) if space == "hsl" else theirs
        peer = cv2.cvtColor(ordered, getattr(cv2, f"COLOR_{CODES[space]}2RGB"))
        apart.append(cv2.absdiff(sl.image.convert(theirs, space, "rgb", gamma=gamma), peer).ravel())
    levels = np.concatenate(apart)
    measured((levels > 1).mean())
    assert (
        levels > 1
    ).mean() <= 1e-4  # OpenCV's own whole numbers are 1.5 levels off there, or the colour is near black
    assert space == "luv" or levels.max() <= 2


@pytest.mark.parametrize(
    ("space", "peer", "tolerance"), [("xyz", "rgb2xyz", 2e-6), ("lab", "rgb2lab", 6e-3), ("luv", "rgb2luv", 1e-2)]
)
@evidence.equals(
    "image.convert", peer="scikit-image", tolerance="float32 within 6e-5 of the range (XYZ 2e-6)", data="photos"
)
def test_floats_are_scikit_image_s(
    space: str, peer: str, tolerance: float, photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    # Their white has five digits (0.95047, 1, 1.08883), ours is the sum of the primaries: greys have no colour here.
    worst = 0.0
    for picture in [colours("float32"), *(sl.to_float(image) for image in photos.values() if image.ndim == 3)]:
        theirs = getattr(color, peer)(picture.astype(np.float64))
        worst = max(worst, float(np.abs(sl.image.convert(picture, "rgb", space) - theirs).max()))
    measured(worst)
    assert worst <= tolerance


@evidence.equals("image.convert", peer="opencv", tolerance="float32 luv, ycrcb, hsl within 2e-2, 2e-7, 2e-6")
def test_other_floats_are_opencv_s(measured: Callable[[float], None]) -> None:
    picture = colours("float32")
    errors = {
        space: gap(sl.image.convert(picture, "rgb", space), by_opencv(picture, space), "", 0)
        for space in ("luv", "ycrcb")
    }
    hsl = by_opencv(picture, "hsl") / np.float32([360, 1, 1])
    errors["hsl"] = gap(sl.image.convert(picture, "rgb", "hsl"), hsl, "hsl", 1)
    measured(errors["ycrcb"])
    assert errors["luv"] <= 2e-2  # their cube root is a table
    assert errors["ycrcb"] <= 2e-7
    assert errors["hsl"] <= 2e-6


@evidence.equals("image.convert", peer="pillow", tolerance="cmyk→rgb within 1 level (uint8)", data="random inks")
def test_inks_print_as_in_pillow(measured: Callable[[float], None]) -> None:
    inks = np.random.default_rng(3).integers(0, 256, (40, 50, 4), np.uint8)
    worst = cv2.absdiff(
        sl.image.convert(inks, "cmyk", "rgb"), np.asarray(Image.fromarray(inks, "CMYK").convert("RGB"))
    ).max()
    picture = colours("uint8")
    printed = sl.image.convert(picture, "rgb", "cmyk")
    assert (printed[..., :3].min(axis=-1) == 0).all()  # what all inks share is black
    worst = max(worst, cv2.absdiff(np.asarray(Image.fromarray(printed, "CMYK").convert("RGB")), picture).max())
    measured(worst)
    assert worst <= 1


@pytest.mark.parametrize("space", [space for space in SPACES if space != "gray"])
def test_every_space_leads_back(space: str) -> None:
    picture = colours("float32")
    back = sl.image.convert(sl.image.convert(picture, "rgb", space), space, "rgb")
    assert np.abs(back - picture).max() <= (5e-4 if space == "ycrcb" else 5e-5)  # BT.601's factors have three digits
    deep = colours("uint16")
    back = sl.image.convert(sl.image.convert(deep, "rgb", space), space, "rgb").astype(np.int64)
    clipped = (
        (sl.image.convert(deep, "rgb", "xyz") == 65535).any(axis=-1)
        if space == "xyz"
        else np.zeros(deep.shape[:2], bool)
    )
    assert np.abs(back - deep)[~clipped].max() <= (40 if space in ("lab", "luv", "ycrcb", "xyz") else 6)


@pytest.mark.parametrize("dtype", ["uint8", pytest.param("uint16", marks=pytest.mark.slow), "float32"])
@pytest.mark.parametrize("source", SPACES)
def test_every_pair_agrees_with_the_way_over_rgb(source: str, dtype: str) -> None:
    start = sl.image.convert(colours(dtype), "rgb", source)
    rgb = sl.image.convert(start, source, "rgb")
    exact = sl.image.convert(colours("float32"), "rgb", source)
    for target in SPACES:
        ours = sl.image.convert(start, source, target)
        assert ours.dtype == dtype
        assert ours.shape == (*start.shape[:2], *((4,) if target == "cmyk" else () if target == "gray" else (3,)))
        if dtype == "float32" and source != "gray":
            over = sl.image.convert(sl.image.convert(exact, source, "rgb"), "rgb", target)
            limit = {"lab": 0.05, "luv": 0.1, "hsl": 2e-2, "hsv": 2e-2, "cmyk": 1e-2}.get(target, 1e-3)
            assert np.percentile(np.abs(ours - over), 99.5) <= limit, target
        if target == "gray":
            assert (
                np.abs(ours.astype(float) - sl.image.convert(rgb, "rgb", "gray")).max()
                <= ({"float32": 1e-4, "uint16": 8, "uint8": 1}[dtype])
            )


def test_greys_have_no_colour() -> None:
    gray = np.linspace(0, 1, 256, dtype=np.float32)[None]
    for space in ("lab", "luv"):
        assert np.abs(sl.image.convert(gray, "gray", space)[..., 1:]).max() < 1e-3
    white = sl.image.convert(np.full((1, 1), 255, np.uint8), "gray", "lab")
    assert white.tolist() == [[[255, 128, 128]]]


def test_light_may_be_linear_already() -> None:
    picture = colours("float32")
    peer = cv2.cvtColor(picture, cv2.COLOR_LRGB2Luv)
    assert np.abs(sl.image.convert(picture, "rgb", "luv", gamma="linear") - peer).max() < 2e-2
    xyz = sl.image.convert(picture, "rgb", "xyz", gamma="linear")
    assert np.abs(xyz - cv2.cvtColor(picture, cv2.COLOR_RGB2XYZ)).max() < 1e-6


@pytest.mark.parametrize(
    ("source", "target"), [("rgb", "lab"), ("luv", "rgb"), ("lab", "hsv"), ("rgb", "xyz"), ("cmyk", "rgb")]
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_takes_its_pixel(bad: float, source: str, target: str) -> None:
    picture = sl.image.convert(colours("float32"), "rgb", source)
    clean = sl.image.convert(picture, source, target)
    picture[5, 7, 1] = bad
    spoilt = sl.image.convert(picture, source, target)
    assert np.isnan(spoilt[5, 7]).all()
    keep = np.ones(picture.shape[:2], bool)
    keep[5, 7] = False
    np.testing.assert_array_equal(spoilt[keep], clean[keep])
