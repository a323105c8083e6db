"""Codes that are read: what we made ourselves, turned, tilted, spoiled; what others made; photos."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.codes.code import Code
from sightline.image.codes.linear_decode import read_values
from sightline.image.codes.linear_encode import code128_values
from sightline.image.codes.linear_regions import ANGLES, directions_of, lines_over, pieces_over

make, scan = sl.image.make_code, sl.image.scan_codes
LEVELS = "LMQH"
TEXTS = {"qr": "SIGHTLINE 2026", "ean13": "4006381333931", "upca": "036000291452", "ean8": "96385074"}
TEXTS["code128"] = "Sightline-128 42"


def photograph(
    code: np.ndarray, shape: tuple[int, int] = (480, 640), angle: float = 0.0, tilt: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return a grey scene with a code turned about the middle and tilted (degrees), and the homography into it."""
    height, width = code.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64) - (width / 2, height / 2)
    a, t = math.radians(angle), math.radians(tilt)
    turned = corners @ np.array([(math.cos(a), math.sin(a)), (-math.sin(a), math.cos(a))])
    focal = 1.6 * max(shape)
    depth = focal + turned[:, 1] * math.sin(t)
    seen = np.stack([turned[:, 0], turned[:, 1] * math.cos(t)], axis=1) * focal / depth[:, None]
    seen += (shape[1] / 2, shape[0] / 2)
    before = (corners + np.array((width / 2, height / 2)) - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(before, (seen - 0.5).astype(np.float32))
    return cv2.warpPerspective(code, matrix, shape[::-1], borderValue=165), matrix


def texts(image: np.ndarray, **options: object) -> list[str]:
    return [code.text for code in scan(image, **options)]


def as_pixels(picture: object) -> np.ndarray:
    return np.array([list(row) for row in picture.matrix_iter(scale=3, border=4)], np.uint8) == 0


# --- round trips ---


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


@settings(max_examples=40, deadline=None)
@given(st.text([chr(i) for i in range(256)], min_size=1, max_size=40), st.booleans())
def test_any_code128_comes_back(text: str, gs1: bool) -> None:
    if gs1:
        text = text.replace("\x1d", "") or "x"
    assert read_values(code128_values(text, gs1=gs1)) == (text, gs1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**12 - 1), st.sampled_from(["ean13", "upca", "ean8", "code128"]))
def test_any_bars_come_back(number: int, kind: str) -> None:
    length = {"ean13": 12, "upca": 11, "ean8": 7, "code128": 12}[kind]
    digits = str(number).zfill(12)[-length:]
    if kind == "ean13":
        digits = "4" + digits[1:]  # with a zero in front it is a UPC-A
    (code,) = scan(make(digits, kind, scale=2))
    assert code.kind == kind
    assert code.text[:length] == digits


# --- what others wrote ---


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


def test_gs1_data() -> None:
    for kind in ("qr", "code128"):
        (code,) = scan(make("010401234512345610ABC\x1d17300101", kind, gs1=True))
        assert code.gs1
        assert code.text == "010401234512345610ABC\x1d17300101"


@evidence.equals("image.scan_codes", peer="zxing-cpp", tolerance="same texts", data="codes written by zxing-cpp")
def test_reads_what_zxing_wrote(measured: Callable[[float], None]) -> None:
    formats = {"QRCode": "qr", "EAN13": "ean13", "UPCA": "upca", "EAN8": "ean8", "Code128": "code128"}
    wrong = 0
    for name, kind in formats.items():
        for text in (TEXTS[kind], "Grüße 😀") if kind == "qr" else (TEXTS[kind],):
            barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, name))
            picture = np.array(zxingcpp.write_barcode_to_image(barcode, scale=3, add_quiet_zones=True))
            wrong += [(code.kind, code.text) for code in scan(picture)] != [(kind, text)]
    measured(wrong)
    assert wrong == 0


# --- where they lie ---


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


def test_corners_of_bars() -> None:
    image, matrix = photograph(make(TEXTS["ean13"], "ean13", scale=3), angle=20)
    (code,) = scan(image)
    width, height = 95 * 3, 69 * 3
    corners = np.array([[(33, 33), (33 + width, 33), (33 + width, 33 + height), (33, 33 + height)]], np.float64) - 0.5
    expected = cv2.perspectiveTransform(corners, matrix.astype(np.float64))[0]
    assert np.abs(code.corners - expected).max() < 60  # the outermost scan lines stay inside
    along = (code.corners[1] - code.corners[0]) / np.linalg.norm(code.corners[1] - code.corners[0])
    assert abs(math.degrees(math.atan2(along[1], along[0])) - 20) < 25


# --- hard pictures ---


@pytest.mark.parametrize("angle", range(0, 360, 37))
@pytest.mark.parametrize("kind", TEXTS)
def test_any_rotation(kind: str, angle: int) -> None:
    image, _ = photograph(make(TEXTS[kind], kind, scale=3 if kind == "qr" else 2), angle=angle)
    assert texts(image) == [TEXTS[kind]]


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


@pytest.mark.parametrize(("version", "tilt"), [(1, 45), (3, 45), (7, 40), (12, 35), (25, 30), (40, 20)])
def test_tilted(version: int, tilt: float) -> None:
    code = make("SIGHTLINE", version=version, scale=5)
    side = round(1.45 * len(code))
    assert texts(photograph(code, (side, side), 20, tilt)[0]) == ["SIGHTLINE"]


@pytest.mark.parametrize("kind", TEXTS)
def test_blurred_noisy_and_faint(kind: str) -> None:
    sharp, _ = photograph(make(TEXTS[kind], kind, scale=4 if kind == "qr" else 3), angle=9)
    random = np.random.default_rng(6)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 1.5)
    noisy = np.clip(sharp + random.normal(0, 25, sharp.shape), 0, 255).astype(np.uint8)
    faint = (110 + 0.12 * sharp).astype(np.uint8)
    shade = np.clip(sharp * np.linspace(0.25, 1, sharp.shape[1]), 0, 255).astype(np.uint8)
    for image in (blurred, noisy, faint, shade):
        assert texts(image) == [TEXTS[kind]]


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


def test_several_codes_in_one_picture() -> None:
    scene = np.full((900, 1100), 190, np.uint8)
    places = [("qr", 30, 40), ("ean13", 330, 60), ("code128", 620, 40), ("ean8", 40, 500), ("upca", 350, 560)]
    for kind, y, x in places:
        code = make(TEXTS[kind], kind, scale=4 if kind == "qr" else 2)
        scene[y : y + code.shape[0], x : x + code.shape[1]] = code
    second = make("another one", scale=5)
    scene[560 : 560 + len(second), 700 : 700 + len(second)] = second
    scene[730:846, 420:536] = 255 - make(TEXTS["qr"], scale=4)
    assert sorted(texts(scene)) == sorted([*TEXTS.values(), "another one", TEXTS["qr"]])
    assert sorted(texts(scene, kinds=["ean8", "upca"])) == sorted([TEXTS["ean8"], TEXTS["upca"]])


def test_dtypes_and_colours_give_the_same() -> None:
    image, _ = photograph(make(TEXTS["qr"], scale=4), angle=5)
    for same in (image, sl.to_float(image), image.astype(np.uint16) * np.uint16(257), np.dstack([image] * 3)):
        (code,) = scan(same)
        assert code.text == TEXTS["qr"]


def test_no_codes_in_photos_without(photos: dict[str, np.ndarray]) -> None:
    for image in photos.values():
        assert scan(image) == []


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


def test_no_codes_in_noise_and_stripes() -> None:
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:200, 0:300]
    assert scan(random.integers(0, 256, (300, 300), dtype=np.uint8)) == []
    assert scan((random.random((60, 60)) > 0.5).repeat(5, 0).repeat(5, 1).astype(np.uint8) * np.uint8(255)) == []
    assert scan((random.random((1, 100)) > 0.5).repeat(200, 0).repeat(3, 1).astype(np.uint8) * np.uint8(255)) == []
    assert scan((x // 3 % 2 * 255).astype(np.uint8)) == []
    assert scan(((x + y) // 4 % 2 * 255).astype(np.uint8)) == []


# --- photos ---


def photos_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))


@pytest.mark.parametrize(("name", "least"), [("qrcode-1", 20), ("qrcode-6", 15), ("ean13-1", 32), ("code128-1", 7)])
def test_photos_of_the_black_box_sets(name: str, least: int, shared_data: Path) -> None:
    if not (shared_data / "barcodes").is_dir():
        pytest.skip("no barcodes in the data folder")
    right = 0
    for path in photos_of(shared_data / "barcodes" / name):
        wanted = path.with_suffix(".txt").read_bytes().decode("utf-8")
        found = texts(sl.read(path))
        assert found in ([wanted], []), f"{path.name}: {found}"
        right += found == [wanted]
    assert right >= least


@evidence.equals(
    "image.scan_codes", peer="opencv", tolerance="every text that OpenCV reads", data="35 photos of QR codes"
)
def test_reads_what_opencv_reads(shared_data: Path, measured: Callable[[float], None]) -> None:
    if not (shared_data / "barcodes").is_dir():
        pytest.skip("no barcodes in the data folder")
    detector = cv2.QRCodeDetector()
    missed = 0
    for name in ("qrcode-1", "qrcode-6"):
        for path in photos_of(shared_data / "barcodes" / name):
            image = sl.read(path)
            _, peers, _, _ = detector.detectAndDecodeMulti(image)
            missed += len({text for text in peers if text} - set(texts(image, kinds=["qr"])))
    measured(missed)
    assert missed == 0


# --- records, steps, refusals ---


def test_a_record_as_json() -> None:
    (code,) = scan(make("A", scale=4))
    assert isinstance(code, Code)
    row = code.to_json()
    assert row["kind"] == "qr"
    assert row["data"] == "41"
    assert np.abs(np.array(row["corners"]) - [[15.5, 15.5], [99.5, 15.5], [99.5, 99.5], [15.5, 99.5]]).max() < 0.5


def test_steps_end_in_the_codes() -> None:
    image, _ = photograph(make(TEXTS["qr"], scale=5), angle=10)
    trace = sl.trace(scan, image)
    names = [step.name for step in trace]
    assert names == ["grey", "black and white", "eyes", "modules", "codes"]
    assert len(trace["eyes"].value) >= 3
    assert trace["modules"].picture().shape == (84, 84, 3)
    assert [code.text for code in trace.result] == [TEXTS["qr"]]
    bars, _ = photograph(make(TEXTS["ean13"], "ean13", scale=3), angle=10)
    lines = sl.trace(scan, bars, kinds=["ean13"])
    assert [step.name for step in lines] == ["grey", "scan lines", "codes"]
    assert lines["scan lines"].value.shape[1] == 4


@pytest.mark.parametrize("effort", ["quick", "thorough"])
def test_efforts(effort: str) -> None:
    for kind, text in TEXTS.items():
        assert texts(photograph(make(text, kind, scale=3), angle=12)[0], effort=effort) == [text]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kinds": "qr"}, "kinds must be some of qr, ean13, upca, ean8, code128, or None; got str 'qr'"),
        ({"kinds": []}, "kinds must be some of"),
        ({"kinds": 3}, "kinds must be some of"),
        ({"kinds": ["ean31"]}, "Did you mean 'ean13'"),
        ({"effort": "thorogh"}, "Did you mean 'thorough'"),
    ],
)
def test_refusals(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match="scan_codes: ") as caught:
        scan(np.zeros((50, 50), np.uint8), **options)
    assert sentence in str(caught.value)


def test_nan_is_refused() -> None:
    image = np.ones((40, 40), np.float32)
    image[3, 4] = np.nan
    with pytest.raises(InputError, match="scan_codes: image must be finite"):
        scan(image)


def test_a_code_draws_its_outline_and_its_text() -> None:
    picture = np.pad(sl.image.make_code("drawn", scale=4), 40, constant_values=255)
    (code,) = sl.image.scan_codes(picture)
    drawn = code.draw(picture)
    assert drawn.shape == (*picture.shape, 3)
    changed = (drawn != picture[..., None]).any(axis=2)
    for x, y in np.rint(code.corners).astype(int):
        assert changed[y - 2 : y + 3, x - 2 : x + 3].any(), "a line through each corner"
    assert changed[int(code.corners[:, 1].max()) + 4 :].any(), "the text below"
