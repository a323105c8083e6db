"""Codes that are made, against segno (module for module) and zxing-cpp (which reads them)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import segno
import segno.encoder
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.codes.qr_encode import encode, penalty
from sightline.image.codes.qr_grid import alignment_centres, format_word, layout, version_word
from sightline.image.codes.qr_text import MODES, bits_of, segments_of

make = sl.image.make_code
LEVELS = "LMQH"


def modules(image: np.ndarray) -> np.ndarray:
    """Return which modules are dark, of a code made with scale=1 and border=0."""
    return image < 128


def by_segno(text: str, version: int, level: str, mask: int) -> np.ndarray:
    symbol = segno.make(text, error=level, version=version, mask=mask, boost_error=False, micro=False)
    return np.array([list(row) for row in symbol.matrix]) != 0


def differing(version: int, level: str, mask: int) -> int:
    # Not texts whose bits end with a byte: there segno adds eight zeros more, against ISO/IEC 18004, 7.4.10.
    text = ("HELLO", "12345")[version % 2]
    ours = modules(make(text, level=level, version=version, mask=mask, scale=1, border=0))
    peer = by_segno(text, version, level, mask)
    return int((ours != peer).sum()) if ours.shape == peer.shape else peer.size


@evidence.equals("image.make_code", peer="segno", tolerance="identical, module for module", data="40 versions")
def test_equals_segno(measured: Callable[[float], None]) -> None:
    wrong = sum(differing(version, LEVELS[version % 4], version % 8) for version in range(1, 41))
    wrong += sum(differing(2, level, mask) for level in LEVELS for mask in range(8))
    measured(wrong)
    assert wrong == 0


@pytest.mark.slow
@pytest.mark.parametrize("version", range(1, 41))
def test_equals_segno_at_every_level_and_mask(version: int) -> None:
    assert sum(differing(version, level, mask) for level in LEVELS for mask in range(8)) == 0


def test_penalties_are_those_of_segno() -> None:
    random = np.random.default_rng(4)
    off = []
    for index in range(60):
        text = "".join(random.choice(list("abcdefgh"), random.integers(1, 120)))
        symbol = encode(text, "M", None, index % 8).modules
        rows = [bytearray(row.astype(np.uint8).tobytes()) for row in symbol]
        off.append(penalty(symbol) - segno.encoder.evaluate_mask(rows, len(rows), len(rows)))
    # segno does not count a finder that overlaps the one before it: 40 points each, seldom.
    assert set(off) <= {0, 40, 80}
    assert off.count(0) >= 50


def test_the_chosen_mask_has_the_least_penalty() -> None:
    scores = [penalty(encode("SIGHTLINE", "Q", None, mask).modules) for mask in range(8)]
    assert encode("SIGHTLINE", "Q", None, None).mask == int(np.argmin(scores))


def test_words_of_the_standard() -> None:
    # ISO/IEC 18004, annexes C, D and E.
    assert format_word("M", 5) == 0b100000011001110
    assert version_word(7) == 0b000111110010010100
    assert alignment_centres(32) == (6, 34, 60, 86, 112, 138)
    assert layout(40).size == 177


def read_by_zxing(image: np.ndarray) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image)]


ALPHABETS = {
    "numeric": "0123456789",
    "alphanumeric": "ABCXYZ019 $%*+-./:",
    "byte": "abcÄöß€😀,;0A",
    "kanji": "点茗漢字日本語",
    "mixed": "aA0点b1234567",
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_zxing_reads_what_was_written(alphabet: str, data: st.DataObject) -> None:
    text = data.draw(st.text(ALPHABETS[alphabet], min_size=1, max_size=80))
    level = data.draw(st.sampled_from(LEVELS))
    assert read_by_zxing(make(text, level=level, scale=3)) == [text]


def same_upce(digits: str) -> bool:
    """Return whether zxing-cpp reads our UPC-E of seven digits as what it makes of these digits itself."""
    barcode = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.UPCE)
    found = [(code.text, code.format) for code in zxingcpp.read_barcodes(make(digits, "upce", scale=2))]
    return found == [(barcode.text, zxingcpp.BarcodeFormat.UPCE)]


@evidence.equals("image.make_code", peer="zxing-cpp", tolerance="every text read back", data="bars of five kinds")
def test_zxing_reads_the_bars(measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(8)
    wrong = 0
    for _ in range(12):
        digits = "".join(random.choice(list("0123456789"), 12))
        for kind, count in (("ean13", 12), ("upca", 11), ("ean8", 7)):
            image = make(digits[:count], kind)
            (text,) = read_by_zxing(image) or [""]
            wrong += text.lstrip("0") != (digits[:count] + text[-1]).lstrip("0")
        wrong += not same_upce(f"{int(digits[0]) % 2}{digits[1:6]}{int(digits[6]) % 3}")
        text = "".join(random.choice(list("abcXYZ0123456789 -\tÄö"), random.integers(1, 25))).strip() or "x"
        wrong += [found.bytes for found in zxingcpp.read_barcodes(make(text, "code128"))] != [text.encode("latin-1")]
    measured(wrong)
    assert wrong == 0


def test_code128_is_short() -> None:
    def characters(text: str) -> int:
        return (make(text, "code128", scale=1, border=0, height=1).shape[1] - 35) // 11

    assert characters("12345678") == 4
    assert characters("abcdef") == 6
    assert characters("ab1234567890") == 2 + 1 + 5
    assert characters("AB\tab") == 5 + 1


def test_gs1_data() -> None:
    for kind in ("qr", "code128"):
        (found,) = zxingcpp.read_barcodes(make("0104012345123456" + "10ABC\x1d17300101", kind, gs1=True))
        assert found.content_type == zxingcpp.ContentType.GS1
        assert found.bytes == b"010401234512345610ABC\x1d17300101"


def test_runs_take_the_shortest_mode() -> None:
    assert encode("1" * 41, "L", None, 0).version == 1  # numbers: 41 fit, as capitals only 25
    assert encode("A" * 25, "L", None, 0).version == 1
    assert encode("http://x.org/?id=" + "7" * 18, "M", None, 0).version == 2  # as bytes alone: version 3


@settings(max_examples=60, deadline=None)
@given(st.text("A1a", min_size=1, max_size=7), st.sampled_from([1, 10, 27]))
def test_no_other_runs_are_shorter(unit: str, version: int) -> None:
    parts = [character * 4 for character in unit]  # runs long enough for a change of mode to pay
    shortest = min(
        len(bits_of(list(zip(modes, parts, strict=True)), version) or "")
        for joined in [merged(parts, modes) for modes in itertools.product(MODES[:3], repeat=len(parts))]
        if joined is not None
        for modes, parts in [joined]
    )
    assert (
        len(bits_of(segments_of(unit_text := "".join(c * 4 for c in unit), version) or [], version) or "") == shortest
    )
    assert "".join(str(run) for _, run in segments_of(unit_text, version) or []) == unit_text


def merged(parts: list[str], modes: tuple[str, ...]) -> tuple[list[str], list[str]] | None:
    """Return the runs of equal mode, None when a part does not go into its mode."""
    if any(segments_of(part, 1, mode) is None for part, mode in zip(parts, modes, strict=True)):
        return None
    groups = [list(group) for _, group in itertools.groupby(range(len(parts)), key=lambda i: modes[i])]
    return [modes[group[0]] for group in groups], ["".join(parts[i] for i in group) for group in groups]


@pytest.mark.parametrize(("level", "most"), [("L", 7089), ("M", 5596), ("Q", 3993), ("H", 3057)])
def test_the_most_that_fits(level: str, most: int) -> None:
    assert make("1" * most, level=level, mask=0, scale=1, border=0).shape == (177, 177)
    with pytest.raises(InputError, match=r"make_code: text must fit into the \d+ bytes of version 40"):
        make("1" * (most + 1), level=level)


def test_scale_and_border() -> None:
    small = make("A", scale=1, border=0)
    large = make("A", scale=3, border=2)
    assert large.shape == (75, 75)
    assert np.array_equal(large[6:-6:3, 6:-6:3], small)
    assert (large[:6] == 255).all()
    assert make("A", "code128", height=7, scale=2, border=0).shape[0] == 14


def test_the_check_digit() -> None:
    assert np.array_equal(make("400638133393", "ean13"), make("4006381333931", "ean13"))
    with pytest.raises(InputError, match="text must end in its check digit 1; got '4006381333932'"):
        make("4006381333932", "ean13")


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("12", {"kind": "ean13"}, "text must be 12 digits, or 13 with the check digit, for kind 'ean13'; got '12'"),
        ("12345678901x", {"kind": "ean13"}, "text must be 12 digits"),
        ("１２３４５６７", {"kind": "ean8"}, "text must be 7 digits"),  # wide digits are none
        ("€", {"kind": "code128"}, "text must consist of Latin-1 characters for kind 'code128'; got '€'"),
        ("", {"kind": "code128"}, "got an empty text"),
        ("012345", {"kind": "upce"}, "text must be 7 digits, or 8 with the check digit, for kind 'upce'; got '012345'"),
        ("2123456", {"kind": "upce"}, "text must begin with number system 0 or 1 for kind 'upce'; got '2123456'"),
        (
            "0120453",
            {"kind": "upce"},
            "text must be '0120450' for kind 'upce', the short form of 01200000045; got",
        ),
        ("01234560", {"kind": "upce"}, "text must end in its check digit 5; got '01234560'"),
        (b"1", {"kind": "ean8"}, "text must be text for kind 'ean8'"),
        ("a", {"kind": "code12"}, "Did you mean 'code128'"),
        ("a", {"level": "X"}, "level must be one of 'L', 'M', 'Q', 'H'"),
        ("a", {"version": 41}, "version must be a whole number in 1–40; got 41"),
        ("a", {"mask": 8}, "mask must be a whole number in 0–7; got 8"),
        ("a", {"mode": "numeric"}, "text must consist of what mode 'numeric' can say"),
        ("a" * 100, {"version": 1}, "text must fit into the 16 bytes of version 1 at level M; got"),
        ("a\ud800", {}, "text must be Unicode without lone surrogates"),
        ("a", {"scale": 0}, "scale must be a whole number in 1–64; got 0"),
        (42, {}, "text must be text or bytes; got int 42"),
    ],
)
def test_refusals(text: object, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match="make_code: ") as caught:
        make(text, **options)
    assert sentence in str(caught.value)
