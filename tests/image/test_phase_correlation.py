"""Phase correlation against scikit-image and OpenCV, on shifts that we made."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from scipy.ndimage import fourier_shift
from skimage.registration import phase_cross_correlation

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(12)


def shifted(picture: np.ndarray, dx: float, dy: float) -> np.ndarray:
    return np.fft.ifft2(fourier_shift(np.fft.fft2(picture), (dy, dx))).real.astype(np.float32)


def gray(photo: np.ndarray) -> np.ndarray:
    plane = photo if photo.ndim == 2 else photo[..., 1]
    return plane[:300, :300].astype(np.float32) / 255


@evidence.equals("image.phase_correlation", peer="scikit-image", tolerance="0.011 pixels", data="photos")
def test_shifts_equal_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        a = gray(photo)
        if min(a.shape) < 40:
            continue
        for dx, dy in ((3.25, -7.6), (-12.0, 5.0), (0.4, 0.1)):
            b = shifted(a, dx, dy)
            ours = sl.image.phase_correlation(a, b, taper=False)
            peer = -phase_cross_correlation(a, b, upsample_factor=100)[0]
            worst = max(worst, abs(ours.dx - peer[1]), abs(ours.dy - peer[0]))
    measured(worst)
    assert worst < 0.011


def test_nearer_to_the_truth_than_opencv(photos: dict[str, np.ndarray]) -> None:
    for photo in photos.values():
        whole = gray(photo)
        if min(whole.shape) < 250:
            continue
        for dx, dy in ((3.25, -7.6), (12.5, 20.33)):
            a, b = (np.ascontiguousarray(p[40:260, 40:260]) for p in (whole, shifted(whole, dx, dy)))
            ours = sl.image.phase_correlation(a, b)
            window = cv2.createHanningWindow(a.shape[::-1], cv2.CV_32F)
            (x, y), _ = cv2.phaseCorrelate(a, b, window)
            assert np.hypot(ours.dx - dx, ours.dy - dy) <= 0.03
            assert np.hypot(ours.dx - dx, ours.dy - dy) < np.hypot(x - dx, y - dy)


def test_whole_shifts_are_exact_in_every_dtype_and_direction() -> None:
    photo = RANDOM.integers(0, 256, (61, 80, 3), dtype=np.uint8)
    for dtype, scale in ((np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)):
        a = (photo * np.float32(scale)).astype(dtype)
        for dx, dy in ((0, 0), (7, -3), (-40 + 1, 30)):
            found = sl.image.phase_correlation(a, np.roll(a, (dy, dx), (0, 1)), taper=False)
            assert (found.dx, found.dy) == (dx, dy)
            assert found.response == pytest.approx(1, abs=0.01)
    back = sl.image.phase_correlation(np.roll(photo, (2, 5), (0, 1)), photo, upsample=1)
    assert (back.dx, back.dy) == (-5, -2)


def test_brightness_does_not_matter_and_noise_lowers_the_peak() -> None:
    a = RANDOM.random((64, 70), np.float32)
    b = np.roll(a, (4, 9), (0, 1))
    found = sl.image.phase_correlation(a, 0.3 * b + 0.1)
    assert (round(found.dx, 1), round(found.dy, 1)) == (9, 4)
    spoiled = sl.image.phase_correlation(a, b + RANDOM.normal(0, 0.2, b.shape).astype(np.float32))
    assert (round(spoiled.dx), round(spoiled.dy)) == (9, 4)
    assert spoiled.response < found.response
    nothing = sl.image.phase_correlation(np.zeros((8, 9), np.uint8), np.zeros((8, 9), np.uint8))
    assert np.isfinite(nothing.response)


def test_narrow_numbers_of_large_pictures_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("sightline.image.phase_correlation")
    for height, width in ((333, 300), (301, 257), (20, 999), (1500, 1), (1, 1500)):
        rough = RANDOM.integers(0, 256, (height // 4 + 1, width // 4 + 1), np.uint8)
        whole = sl.image.resize(rough, (height, width), "bicubic")
        moved = np.roll(whole, (7 % height, -5 % width), (0, 1)) + RANDOM.normal(0, 4, whole.shape)
        other = np.clip(moved, 0, 255).astype(np.uint8)
        found = []
        for large, huge in ((1 << 21, 1 << 24), (0, 1 << 24), (0, 0)):  # in floats, in narrow numbers, and in two parts
            monkeypatch.setattr(module, "_LARGE", large)
            monkeypatch.setattr(module, "_HUGE", huge)
            found.append(sl.image.phase_correlation(whole, other))
        assert found[1] == found[2]
        assert (found[1].dx, found[1].dy) == pytest.approx((found[0].dx, found[0].dy), abs=0.011)
        assert found[1].response == pytest.approx(found[0].response, rel=2e-3)


def test_one_row_or_column() -> None:
    row = RANDOM.random((1, 40), np.float32)
    found = sl.image.phase_correlation(row, np.roll(row, 6, 1), taper=False)
    assert (found.dx, found.dy) == (6, 0)
    found = sl.image.phase_correlation(row.T, np.roll(row, 6, 1).T, taper=False)
    assert (found.dx, found.dy) == (0, 6)


def test_its_trace_can_be_kept() -> None:
    a = RANDOM.random((30, 40), np.float32)
    trace = sl.trace(sl.image.phase_correlation, a, np.roll(a, (3, 5), (0, 1)))
    found = trace.steps[-1].value
    assert (round(found.dx, 1), round(found.dy, 1)) == (5, 3)
    assert b'"dx": ' in trace.to_bytes()


def test_what_is_wrong_is_refused_by_name() -> None:
    a = np.zeros((6, 7), np.float32)
    with pytest.raises(InputError, match="phase_correlation: b must have the height and width of a, 6×7; got 7×6"):
        sl.image.phase_correlation(a, a.T)
    with pytest.raises(InputError, match="phase_correlation: upsample must be a whole number"):
        sl.image.phase_correlation(a, a, upsample=0)
    with pytest.raises(InputError, match="phase_correlation: image must be H×W"):
        sl.image.phase_correlation(a, None)
    spoiled = a.copy()
    spoiled[0, 0] = np.nan
    with pytest.raises(InputError, match="phase_correlation: image must be finite"):
        sl.image.phase_correlation(a, spoiled)
