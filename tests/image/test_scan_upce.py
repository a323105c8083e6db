"""UPC-E: read as it was made and as zxing-cpp writes it, and never where there is another code."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import zxingcpp

import sightline as sl
from image.code_scenes import TEXTS, make, photograph, scan
from sightline.image.codes.linear_decode import FIRST, UPCE_SETS, _text, check_digit, expanded
from sightline.image.codes.linear_encode import shortened
from sightline.image.codes.linear_scan import UPCE


def numbers(count: int, seed: int) -> list[str]:
    """Return UPC-E numbers without check digit, with every last digit and both number systems."""
    random = np.random.default_rng(seed)
    some = [f"{i % 2}{random.integers(10**5):05d}{i // 2 % 10}" for i in range(count)]
    return [digits for digits in some if shortened(expanded(digits)) == digits]


def told(image: np.ndarray) -> list[tuple[str, str]]:
    return [(code.kind, code.text) for code in scan(image)]


def test_short_forms_are_those_of_zxing() -> None:
    refused = 0
    for number in range(0, 2_000_000, 4321):
        digits = f"{number:07d}"
        if shortened(expanded(digits)) == digits:
            zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.UPCE)
            continue
        refused += 1
        with pytest.raises(ValueError, match="UPC-E zero suppression"):
            zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.UPCE)
    assert refused > 20
    assert shortened("51200000045") is None
    assert shortened("01234567890") is None


def test_a_longer_form_is_read_though_not_made() -> None:
    assert _text(UPCE, bytes(map(int, "0120453" + check_digit("01200000045")))) is not None


def test_expansion_is_that_of_zxing() -> None:
    for digits in numbers(60, 1):
        barcode = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.UPCE)
        full = expanded(digits)
        assert barcode.text == "0" + full + check_digit(full)


def test_each_check_digit_has_its_sets() -> None:
    every = {*UPCE_SETS[0], *UPCE_SETS[1]}
    assert len(every) == 20
    assert every == {"".join(sets) for sets in itertools.product("AB", repeat=6) if sets.count("B") == 3}
    assert UPCE_SETS[1][1:] == FIRST[1:]


def test_reads_what_zxing_writes_and_the_reverse() -> None:
    for digits in numbers(40, 2):
        barcode = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.UPCE)
        text = digits + check_digit(expanded(digits))
        theirs = np.array(zxingcpp.write_barcode_to_image(barcode, scale=2, add_quiet_zones=True))
        assert told(theirs) == [("upce", text)]
        assert told(np.ascontiguousarray(make(text, "upce", scale=2)[::-1, ::-1])) == [("upce", text)]


@pytest.mark.parametrize("side", ["left", "right"])
def test_both_sides_must_be_quiet(side: str) -> None:
    code = np.pad(make(TEXTS["upce"], "upce", scale=3, border=0), ((0, 0), (30, 30)), constant_values=255)
    assert told(code) == [("upce", TEXTS["upce"])]
    code[:, slice(0, 18) if side == "left" else slice(-18, None)] = 0  # four modules stay white
    assert told(code) == []


def test_an_ean13_that_begins_like_a_upce_is_none() -> None:
    # The left half, the middle guard and the narrow bar after it are a whole UPC-E where the check digit agrees.
    found = 0
    for first, number in itertools.product(range(1, 10), numbers(40, 3)):
        if check_digit(expanded("1" + number[1:])) != str(first):
            continue
        found += 1
        code = make(f"{first}{number[1:]}{'013679'[found % 6]}48213"[:12], "ean13", scale=2)
        assert [kind for kind, _ in told(code)] == ["ean13"]
        assert [kind for kind, _ in told(np.ascontiguousarray(code[:, ::-1]))] == ["ean13"]
    assert found > 20


@pytest.mark.parametrize("kind", ["ean13", "upca", "ean8", "code128"])
def test_other_bars_that_are_cut_are_none(kind: str) -> None:
    random = np.random.default_rng(4)
    for _ in range(15):
        digits = "".join(random.choice(list("0123456789"), 12))
        code = make(digits[: {"ean13": 12, "upca": 11, "ean8": 7, "code128": 12}[kind]], kind, scale=2)
        width = int(code.shape[1] * random.uniform(0.4, 0.9))
        assert all(found != "upce" for found, _ in told(code[:, :width]))
        assert all(found != "upce" for found, _ in told(code[:, -width:]))


def test_one_line_is_not_enough() -> None:
    image, _ = photograph(make(TEXTS["upce"], "upce", scale=3, height=1))
    assert told(image) == []


def test_photos_of_other_codes_hold_none(shared_data: Path) -> None:
    folder = shared_data / "barcodes"
    if not folder.is_dir():
        pytest.skip("no barcodes in the data folder")
    photos = sorted(path for path in folder.glob("*/*") if path.suffix in (".png", ".jpg"))
    assert len(photos) > 70
    for path in photos:
        image = np.asarray(sl.read(path, mode="rgb"))
        assert all(code.kind != "upce" for code in scan(image)), path.name
