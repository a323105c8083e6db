"""Bars that are read: EAN, UPC and Code 128, in any direction."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from image.code_scenes import TEXTS, make, photograph, scan, texts
from sightline.image.codes.linear_decode import read_values
from sightline.image.codes.linear_encode import code128_values
from sightline.image.codes.linear_regions import ANGLES, directions_of, lines_over, pieces_over
from sightline.image.codes.linear_scan import _sample, framed


@settings(max_examples=40, deadline=None)
@given(st.text([chr(i) for i in range(256)], min_size=1, max_size=40), st.booleans())
def test_any_code128_comes_back(text: str, gs1: bool) -> None:
    if gs1:
        text = text.replace("\x1d", "") or "x"
    assert read_values(code128_values(text, gs1=gs1)) == (text, gs1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**12 - 1), st.sampled_from(["ean13", "upca", "ean8", "code128", "upce"]))
def test_any_bars_come_back(number: int, kind: str) -> None:
    length = {"ean13": 12, "upca": 11, "ean8": 7, "code128": 12, "upce": 7}[kind]
    digits = str(number).zfill(12)[-length:]
    if kind == "ean13":
        digits = "4" + digits[1:]  # with a zero in front it is a UPC-A
    if kind == "upce":
        digits = str(number % 2) + digits[1:6] + str(number % 3)  # before 3 to 9 not every number is a short form
    (code,) = scan(make(digits, kind, scale=2))
    assert code.kind == kind
    assert code.text[:length] == digits


def test_corners_of_bars() -> None:
    image, matrix = photograph(make(TEXTS["ean13"], "ean13", scale=3), angle=20)
    (code,) = scan(image)
    width, height = 95 * 3, 69 * 3
    corners = np.array([[(33, 33), (33 + width, 33), (33 + width, 33 + height), (33, 33 + height)]], np.float64) - 0.5
    expected = cv2.perspectiveTransform(corners, matrix.astype(np.float64))[0]
    assert np.abs(code.corners - expected).max() < 60  # the outermost scan lines stay inside
    along = (code.corners[1] - code.corners[0]) / np.linalg.norm(code.corners[1] - code.corners[0])
    assert abs(math.degrees(math.atan2(along[1], along[0])) - 20) < 25


@pytest.mark.parametrize("eighth", range(8))
@pytest.mark.parametrize("effort", ["quick", "thorough"])
def test_low_bars_are_crossed_in_each_direction(eighth: int, effort: str) -> None:
    code = make(TEXTS["code128"], "code128", scale=2, height=20)  # none but the lines along it see all of it
    assert texts(photograph(code, angle=22.5 * eighth)[0], effort=effort) == [TEXTS["code128"]]


@pytest.mark.parametrize("digits", ["00545159876", "40011205096", "29940613146", "90478321838"])
def test_a_code_that_holds_what_looks_like_a_shorter_one(digits: str) -> None:
    (code,) = scan(make(digits, "upca", scale=2))
    assert (code.kind, code.text[:11]) == ("upca", digits)


def test_smooth_pictures_have_nothing_to_cross() -> None:
    y, x = np.mgrid[0:200, 0:300]
    random = np.random.default_rng(3)
    for picture in (x / 2 + y / 4, 128 + 60 * np.sin(x / 40), 128 + random.normal(0, 6, x.shape)):
        directions = directions_of(picture.astype(np.uint8), ANGLES)
        lines, turns = lines_over(picture.shape, tuple(range(8)), 4.0)
        pieces, _ = pieces_over(directions, lines, turns)
        assert pieces[:, 4].sum() < 0.02 * lines[:, 4].sum()


def test_lines_cross_bars_where_they_are() -> None:
    picture = np.full((200, 300), 200, np.uint8)
    picture[60:120, 80:240] = np.where(np.arange(160) // 3 % 2 == 0, 40, 200)
    lines, turns = lines_over(picture.shape, tuple(range(8)), 4.0)
    pieces, owners = pieces_over(directions_of(picture, ANGLES), lines, turns)
    across = pieces[turns[owners] == 0]
    assert len(across) > 10
    assert (across[:, 0] <= 80).all()
    assert (across[:, 0] + across[:, 4] >= 239).all()
    assert ((across[:, 1] > 40) & (across[:, 1] < 140)).all()
    assert not np.isin(turns[owners], [3]).any(), "lines along the bars"


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (3, 9000), (2, 30_000)])
def test_lines_of_pixels_hold_no_codes(shape: tuple[int, int]) -> None:
    for effort in ("quick", "thorough"):
        assert scan(np.random.default_rng(2).integers(0, 256, shape, np.uint8), effort=effort) == []


def test_a_code_across_a_very_wide_picture_is_found_at_once() -> None:
    code = make("WIDE", kind="code128", scale=64, height=10, border=10)
    picture = np.pad(code, ((0, 0), (0, 30_000 - code.shape[1])), constant_values=255)
    grey = np.where(picture > 0, np.uint8(190), np.uint8(60))
    (found,) = scan(grey, effort="quick")  # in a picture of every 32nd pixel
    assert found.text == "WIDE"


@pytest.mark.parametrize("shape", [(50, 70), (1, 60), (60, 1)])
def test_lines_see_bilinear_means_of_three_pixels_across(shape: tuple[int, int]) -> None:
    gray = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    height, width = shape
    (x, y), (dx, dy) = ((width - 1) * 0.3, (height - 1) * 0.2), ((width - 1) / 80, (height - 1) / 90)
    ends = np.array([[x, y], [0, 0], [width - 1, height - 1]])
    lines = np.hstack([ends, [[dx, dy], [1.0 * (width > 1), 1.0 * (width == 1)], [0, 0]], [[50.0], [30], [9]]])
    border = np.pad(gray.astype(np.float64), 1, mode="edge")
    for aside, down in ((0, 1), (1, 0), (1, -1), (1, 1)):
        rows, columns = np.mgrid[1 : height + 1, 1 : width + 1]
        sums = sum(border[rows + k * down, columns + k * aside] for k in (-1, 0, 1))
        for line in lines:
            steps = np.arange(int(line[4]) + 1)
            places = np.stack([line[1] + steps * line[3], line[0] + steps * line[2]])
            room = len(steps) + 8
            shares, profile = np.empty((2, room), np.float32), np.empty(room, np.float32)
            picture = framed(gray)
            across = abs(down * picture.shape[1] + aside)
            assert _sample(picture, across, line, np.empty(room, np.uint32), *shares, profile) == len(steps)
            wanted = ndimage.map_coordinates(sums, places, order=1, mode="nearest")
            np.testing.assert_allclose(profile[: len(steps)], wanted, atol=2e-2)


@pytest.mark.parametrize("kind", ["upca", "ean8"])
def test_bars_blurred_beyond_reading_say_next_to_nothing_wrong(kind: str) -> None:
    """Blur of 1.2 pixels on modules of 2: all lines see the same wrong bars, so that they agree counts for little."""
    random, wrong, read = np.random.default_rng(5), 0, 0
    for _ in range(40):
        text = "".join(str(digit) for digit in random.integers(0, 10, 11 if kind == "upca" else 7))
        picture = make(text, kind=kind, scale=2)
        turn = cv2.getRotationMatrix2D((90, 60), random.uniform(-9, 9), 1)
        turn[:, 2] += random.uniform(20, 21, 2)
        photo = cv2.warpAffine(picture, turn, (picture.shape[1] + 60, picture.shape[0] + 60), borderValue=255)
        photo = ndimage.gaussian_filter(photo.astype(np.float32), 1.2) + random.normal(0, 3, photo.shape)
        found = texts(np.clip(np.rint(photo), 0, 255).astype(np.uint8))
        read += any(text in one for one in found)
        wrong += any(text not in one for one in found)
    assert wrong <= 2, (wrong, read)
