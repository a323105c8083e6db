"""Codes of every kind that are read: made by ourselves and by others, in photos, several at once; and no codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp

import sightline as sl
from image.code_scenes import TEXTS, make, photograph, scan, texts
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.codes.code import Code


def test_gs1_data() -> None:
    for kind in ("qr", "code128"):
        (code,) = scan(make("010401234512345610ABC\x1d17300101", kind, gs1=True))
        assert code.gs1
        assert code.text == "010401234512345610ABC\x1d17300101"


@evidence.equals("image.scan_codes", peer="zxing-cpp", tolerance="same texts", data="codes written by zxing-cpp")
def test_reads_what_zxing_wrote(measured: Callable[[float], None]) -> None:
    formats = {"QRCode": "qr", "EAN13": "ean13", "UPCA": "upca", "EAN8": "ean8", "Code128": "code128", "UPCE": "upce"}
    wrong = 0
    for name, kind in formats.items():
        for text in (TEXTS[kind], "Grüße 😀") if kind == "qr" else (TEXTS[kind],):
            barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, name))
            picture = np.array(zxingcpp.write_barcode_to_image(barcode, scale=3, add_quiet_zones=True))
            wrong += [(code.kind, code.text) for code in scan(picture)] != [(kind, text)]
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("angle", range(0, 360, 37))
@pytest.mark.parametrize("kind", TEXTS)
def test_any_rotation(kind: str, angle: int) -> None:
    image, _ = photograph(make(TEXTS[kind], kind, scale=3 if kind == "qr" else 2), angle=angle)
    assert texts(image) == [TEXTS[kind]]


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


def test_several_codes_in_one_picture() -> None:
    scene = np.full((900, 1100), 190, np.uint8)
    places = [
        ("qr", 30, 40),
        ("ean13", 330, 60),
        ("code128", 620, 40),
        ("ean8", 40, 500),
        ("upca", 350, 560),
        ("upce", 40, 750),
    ]
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


def test_no_codes_in_noise_and_stripes() -> None:
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:200, 0:300]
    assert scan(random.integers(0, 256, (300, 300), dtype=np.uint8)) == []
    assert scan((random.random((60, 60)) > 0.5).repeat(5, 0).repeat(5, 1).astype(np.uint8) * np.uint8(255)) == []
    assert scan((random.random((1, 100)) > 0.5).repeat(200, 0).repeat(3, 1).astype(np.uint8) * np.uint8(255)) == []
    assert scan((x // 3 % 2 * 255).astype(np.uint8)) == []
    assert scan(((x + y) // 4 % 2 * 255).astype(np.uint8)) == []


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
        ({"kinds": "qr"}, "kinds must be some of qr, ean13, upca, ean8, code128, upce, or None; got str 'qr'"),
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
