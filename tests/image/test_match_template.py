"""Template scores against OpenCV, sums by brute force, and what holds for any template."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.signal

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.template_products import products

module = importlib.import_module("sightline.image.match_template")  # which the function's name hides
match_template = sl.image.match_template
PEER = {
    "ncc": cv2.TM_CCOEFF_NORMED,
    "covariance": cv2.TM_CCOEFF,
    "normed_correlation": cv2.TM_CCORR_NORMED,
    "correlation": cv2.TM_CCORR,
    "normed_difference": cv2.TM_SQDIFF_NORMED,
    "difference": cv2.TM_SQDIFF,
}


def is_normed(score: str) -> bool:
    return score == "ncc" or score.startswith("normed")


def error(ours: np.ndarray, peer: np.ndarray, score: str, share: float = 1.0) -> float:
    """Return the difference that a share of places keeps; of scores without a norm, as a share of the largest."""
    if score == "normed_difference":
        peer = np.minimum(peer, 1)  # the peer does so without a mask
    return float(np.quantile(np.abs(ours - peer), share) / (1 if is_normed(score) else np.abs(peer).max()))


def cut(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = min(size[0], picture.shape[0]), min(size[1], picture.shape[1])
    y, x = (picture.shape[0] - height) // 3, (picture.shape[1] - width) // 2
    return picture[y : y + height, x : x + width].copy()


@evidence.equals(
    "image.match_template",
    peer="opencv",
    tolerance="within 1e-4 at 90 % of places, 2e-3 at all (six scores; the rest is the peer's rounding)",
    data="photos",
)
def test_scores_are_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name in photos.keys() - {"sudoku", "building", "coffee"}:
        for picture in (photos[name], sl.to_float(photos[name])):
            for size in ((24, 17), (5, 40)):
                template = cut(picture, size)
                for score, number in PEER.items():
                    peer = cv2.matchTemplate(picture, template, number)
                    ours = match_template(picture, template, score)
                    if template.shape[1] > 1:  # five pixels that hardly differ are all rounding
                        worst = max(worst, error(ours, peer, score, 0.9))
                    assert error(ours, peer, score) < 2e-3
    measured(worst)
    assert worst < 1e-4


def exact_ncc(image: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Return the normalised cross-correlation in double precision."""
    image, template = np.atleast_3d(image).astype(np.float64), np.atleast_3d(template).astype(np.float64)
    ones, count = np.ones(template.shape[:2]), template[..., 0].size
    dot, power, contrast = 0.0, 0.0, 0.0
    for channel in range(image.shape[2]):
        plane = image[..., channel] - image[..., channel].mean()
        part = template[..., channel] - template[..., channel].mean()
        sums = scipy.signal.oaconvolve(plane, ones, "valid")
        dot = dot + scipy.signal.oaconvolve(plane, part[::-1, ::-1], "valid")
        power = power + scipy.signal.oaconvolve(plane**2, ones, "valid") - sums**2 / count
        contrast += (part**2).sum()
    return dot / np.sqrt(power * contrast)


@evidence.equals("image.match_template", peer="scipy", tolerance="ncc within 5e-5 of double precision", data="photos")
def test_ncc_is_that_of_double_precision(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name in photos.keys() & {"rings", "noise", "camera", "coins", "chelsea", "fruits"}:
        for picture in (photos[name], sl.to_float(photos[name])):
            template = cut(picture, (24, 17))
            worst = max(worst, error(match_template(picture, template), exact_ncc(picture, template), "ncc"))
    measured(worst)
    assert worst < 5e-5


@evidence.equals("image.match_template", peer="opencv", tolerance="within 1e-4 (under a mask)", data="photos")
def test_scores_under_a_mask_are_those_of_opencv(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    y, x = np.mgrid[0:31, 0:25]
    mask = ((y - 15) / 15) ** 2 + ((x - 12) / 12) ** 2 <= 1
    for picture in (photos["rings"], photos["noise"], sl.to_float(photos["noise"])):
        template = cut(picture, mask.shape)
        for score, number in PEER.items():
            weights = np.ascontiguousarray(np.broadcast_to(mask[..., None], (31, 25, 3))).astype(np.uint8)
            weights = weights if picture.ndim == 3 else mask.astype(np.uint8)
            peer = cv2.matchTemplate(picture, template, number, mask=weights)
            worst = max(worst, error(match_template(picture, template, score, mask=mask), peer, score))
    measured(worst)
    assert worst < 1e-4


@pytest.mark.parametrize("score", list(PEER))
def test_sums_are_those_of_the_formula(score: str) -> None:
    random = np.random.default_rng(3)
    image = random.integers(0, 65536, (23, 31, 3), dtype=np.uint16)
    template = random.integers(0, 65536, (6, 9, 3), dtype=np.uint16)
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(float), (6, 9), axis=(0, 1))
    T = template.astype(float).transpose(2, 0, 1)
    if score in ("ncc", "covariance"):
        windows, T = windows - windows.mean((-2, -1), keepdims=True), T - T.mean((-2, -1), keepdims=True)
    dot, power = (windows * T).sum((2, 3, 4)), (windows**2).sum((2, 3, 4))
    expected = ((windows - T) ** 2).sum((2, 3, 4)) if "difference" in score else dot
    if is_normed(score):
        expected = np.minimum(expected / np.sqrt(power * (T**2).sum()), 1)
    ours = match_template(image, template, score)
    np.testing.assert_allclose(ours, expected, rtol=2e-6, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("image", "template"),
    [
        ((1, 1), (1, 1)),
        ((40, 1), (7, 1)),
        ((1, 300), (1, 300)),
        ((300, 270), (20, 30)),
        ((270, 513), (100, 3)),
        ((600, 90), (290, 61)),
    ],
)
def test_products_of_any_size(image: tuple[int, int], template: tuple[int, int]) -> None:
    random = np.random.default_rng(5)
    a, b = random.standard_normal(image, np.float32), random.standard_normal(template, np.float32)
    expected = cv2.filter2D(a.astype(float), -1, b.astype(float), anchor=(0, 0))
    expected = expected[: image[0] - template[0] + 1, : image[1] - template[1] + 1]
    np.testing.assert_allclose(products("test", a, b), expected, atol=1e-6 * np.abs(expected).max() + 1e-6)


@pytest.mark.parametrize("score", PEER)
def test_strips_are_as_the_whole(score: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    for shape, size in (((700, 90), (5, 4)), ((900, 40, 3), (21, 9))):
        picture = random.integers(0, 65536, shape, dtype=np.uint16)
        template = picture[30 : 30 + size[0], 20 : 20 + size[1]]
        monkeypatch.setattr(module, "_PIXELS", 1 << 21)
        whole = match_template(picture, template, score)
        monkeypatch.setattr(module, "_PIXELS", 1)
        np.testing.assert_array_equal(match_template(picture, template, score), whole)


def test_the_place_that_it_was_cut_from_is_the_best(photos: dict[str, np.ndarray]) -> None:
    picture = photos["noise"]
    for score in PEER:
        if score in ("covariance", "correlation"):  # brighter places may win
            continue
        scores = match_template(picture, picture[20:33, 11:30], score)
        place = scores.argmin() if "difference" in score else scores.argmax()
        assert np.unravel_index(place, scores.shape) == (20, 11)
        assert scores[20, 11] == pytest.approx(0 if "difference" in score else 1, abs=1e-4 if is_normed(score) else 60)


def test_ncc_does_not_see_brightness_and_contrast(photos: dict[str, np.ndarray]) -> None:
    picture = sl.to_float(photos["rings"])
    scores = match_template(picture, cut(picture, (20, 20)))
    np.testing.assert_allclose(match_template(0.3 * picture + 0.5, cut(picture, (20, 20))), scores, atol=2e-5)
    np.testing.assert_allclose(match_template(1 - picture, cut(picture, (20, 20))), -scores, atol=2e-5)


def test_a_full_mask_changes_nothing(photos: dict[str, np.ndarray]) -> None:
    picture = photos["rings"]
    template = cut(picture, (12, 15))
    for score in PEER:
        plain, masked = (match_template(picture, template, score, mask=m) for m in (None, np.ones((12, 15), bool)))
        np.testing.assert_allclose(masked, plain, rtol=1e-4, atol=1e-4 * np.abs(plain).max())


def test_what_the_mask_hides_does_not_count(photos: dict[str, np.ndarray]) -> None:
    picture = photos["rings"]
    template = cut(picture, (12, 15))
    mask = np.ones((12, 15), bool)
    mask[3:6, 4:9] = False
    other = template.copy()
    other[~mask] = 0
    np.testing.assert_allclose(
        match_template(picture, other, mask=mask), match_template(picture, template, mask=mask), atol=1e-6
    )


def test_flat_windows_fit_nothing() -> None:
    image = np.full((40, 40), 77, np.uint8)
    image[:12, :12] = np.arange(144).reshape(12, 12)
    for picture in (image, sl.to_float(image)):
        scores = match_template(picture, picture[2:10, 2:10])
        assert (scores[14:, 14:] == 0).all()
        assert scores[2, 2] == pytest.approx(1)
    black = np.zeros((20, 20), np.uint8)
    black[:5, :5] = 9
    assert match_template(black, black[:4, :4], "normed_correlation")[10, 10] == 0
    assert match_template(black, black[:4, :4], "normed_difference")[10, 10] == 1


def test_out_is_filled_and_returned(photos: dict[str, np.ndarray]) -> None:
    picture = photos["rings"]
    template = cut(picture, (12, 15))
    out = np.empty((picture.shape[0] - 11, picture.shape[1] - 14), np.float32)
    assert match_template(picture, template, out=out) is out
    np.testing.assert_array_equal(out, match_template(picture, template))


def test_steps_end_in_the_scores(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(match_template, photos["noise"], photos["noise"][20:33, 11:30])
    assert [step.name for step in trace] == ["image", "template", "best place", "scores"]
    assert trace["best place"].value.tolist() == [[11, 20, 30, 33]]


@pytest.mark.parametrize(
    ("template", "options", "sentence"),
    [
        (np.zeros((9, 3), np.uint8), {}, "template must be no larger than the image; got 9×3 uint8 for 8×8 uint8"),
        (np.zeros((3, 3), np.float32), {}, "template must have the image's dtype and channels"),
        (np.zeros((3, 3, 3), np.uint8), {}, "template must have the image's dtype and channels"),
        (np.full((3, 3), 5, np.uint8), {}, "template must have contrast for the score 'ncc'"),
        (np.zeros((3, 3), np.uint8), {"score": "normed_difference"}, "template must not be all zeros"),
        (np.eye(3, dtype=np.uint8), {"score": "nnc"}, "score must be one of .* Did you mean 'ncc'"),
        (np.eye(3, dtype=np.uint8), {"mask": np.zeros((3, 3), bool)}, "mask must have a true pixel"),
        (np.eye(3, dtype=np.uint8), {"mask": np.ones((2, 3), bool)}, "mask must have the template's shape 3×3"),
        (None, {}, "template must be H×W"),
    ],
)
def test_bad_arguments_are_refused(template: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=f"match_template: {sentence}"):
        match_template(np.zeros((8, 8), np.uint8), template, **options)


def test_nan_is_refused_on_both_sides() -> None:
    image, template = np.random.default_rng(0).random((9, 9), np.float32), np.eye(3, dtype=np.float32)
    spoilt = image.copy()
    spoilt[4, 4] = np.nan
    with pytest.raises(InputError, match="match_template: image must be finite"):
        match_template(spoilt, template)
    with pytest.raises(InputError, match="match_template: template must be finite"):
        match_template(image, spoilt[3:6, 3:6])
