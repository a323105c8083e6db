"""QR codes that are read: what we made ourselves, turned, tilted, spoiled; what segno made."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from image.code_scenes import LEVELS, TEXTS, as_pixels, make, photograph, scan, texts


def survives(version: int, level: str, mask: int) -> None:
    (code,) = scan(make("SIGHTLINE", version=version, level=level, mask=mask, scale=2))
    assert (code.kind, code.text, code.data) == ("qr", "SIGHTLINE", b"SIGHTLINE")
    assert (code.version, code.level, code.mask, code.corrected) == (version, level, mask, 0)
    assert (code.mirrored, code.inverted, code.gs1) == (False, False, False)


@pytest.mark.parametrize("version", range(1, 41))
def test_every_version(version: int) -> None:
    survives(version, LEVELS[version % 4], version % 8)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("mask", range(8))
def test_every_mask_and_level(level: str, mask: int) -> None:
    survives(2, level, mask)


@pytest.mark.slow
@pytest.mark.parametrize("version", range(1, 41))
def test_every_version_level_and_mask(version: int) -> None:
    for level in LEVELS:
        for mask in range(8):
            survives(version, level, mask)


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=60).filter(lambda text: "\0" not in text), st.sampled_from(LEVELS))
def test_any_text_comes_back(text: str, level: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert texts(make(text, level=level, mask=2, scale=2), kinds=["qr"]) == [text]


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=90))
def test_any_bytes_come_back(data: bytes) -> None:
    (code,) = scan(make(data, scale=2), kinds=["qr"])
    assert code.data == data


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("Grüße", {"encoding": "latin-1"}, "Grüße"),
        ("Grüße €", {"encoding": "utf-8"}, "Grüße €"),
        ("Grüße", {"encoding": "utf-8", "eci": True}, "Grüße"),
        ("Привет", {"encoding": "iso-8859-5", "eci": True}, "Привет"),
        ("点茗漢字", {"mode": "kanji"}, "点茗漢字"),
        ("日本語テキスト", {"encoding": "shift_jis", "mode": "byte"}, "日本語テキスト"),
        ("0123456789", {}, "0123456789"),
    ],
)
def test_character_sets(content: str, options: dict[str, object], expected: str) -> None:
    (code,) = scan(np.where(as_pixels(segno.make(content, micro=False, **options)), 255, 0).astype(np.uint8))
    assert code.text == expected
    assert (code.charset is not None) == bool(options.get("eci"))


def test_a_text_over_several_symbols() -> None:
    sequence = segno.make_sequence("A long text that is spread over some symbols, 0123456789.", symbol_count=3)
    parts = [scan(np.where(as_pixels(symbol), 255, 0).astype(np.uint8))[0] for symbol in sequence]
    assert [code.part[:2] for code in parts] == [(0, 3), (1, 3), (2, 3)]
    assert len({code.part[2] for code in parts}) == 1
    assert "".join(code.text for code in parts) == "A long text that is spread over some symbols, 0123456789."


@pytest.mark.parametrize("angle", [0, 15, 44, 90, 140, 200, 271, 333])
def test_corners_follow_the_code(angle: float) -> None:
    image, matrix = photograph(make(TEXTS["qr"], version=2, scale=6), angle=angle, tilt=25)
    (code,) = scan(image)
    n = 25 * 6  # behind a border of 24 pixels
    corners = np.array([[(24, 24), (24 + n, 24), (24 + n, 24 + n), (24, 24 + n)]], np.float64) - 0.5
    expected = cv2.perspectiveTransform(corners, matrix.astype(np.float64))[0]
    assert code.corners.dtype == np.float32
    assert np.abs(code.corners - expected).max() < 2.0
    assert code.box[0] == code.corners[:, 0].min() + 0.5


@pytest.mark.parametrize(("version", "tilt"), [(1, 45), (3, 45), (7, 40), (12, 35), (25, 30), (40, 20)])
def test_tilted(version: int, tilt: float) -> None:
    code = make("SIGHTLINE", version=version, scale=5)
    side = round(1.45 * len(code))
    assert texts(photograph(code, (side, side), 20, tilt)[0]) == ["SIGHTLINE"]


def test_light_on_dark_and_mirrored() -> None:
    image, _ = photograph(make(TEXTS["qr"], scale=5), angle=31)
    (code,) = scan(255 - image)
    assert (code.text, code.inverted, code.mirrored) == (TEXTS["qr"], True, False)
    (code,) = scan(np.ascontiguousarray(image[:, ::-1]))
    assert (code.text, code.inverted, code.mirrored) == (TEXTS["qr"], False, True)


@pytest.mark.parametrize(("level", "share"), [("L", 0.1), ("M", 0.2), ("Q", 0.27), ("H", 0.3)])
def test_damaged(level: str, share: float) -> None:
    code = make(TEXTS["qr"] * 5, level=level, scale=4)
    size = len(code)
    stain = round(share * size)
    code[size // 2 : size // 2 + stain, size // 2 - stain // 2 : size // 2 + stain // 2] = 255
    (found,) = scan(code)
    assert found.text == TEXTS["qr"] * 5
    assert found.corrected > 0


def test_what_is_lost_is_not_invented() -> None:
    code = make(TEXTS["qr"] * 5, level="L", scale=4)
    size = len(code)
    code[size // 3 : 2 * size // 3, 48 : size - 48] = 255
    assert scan(code) == []
