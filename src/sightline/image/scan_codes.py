"""Read QR codes and bar codes: binarise, locate, rectify, sample, correct, decode.

ISO/IEC 18004:2015, "QR Code bar code symbology specification", section 11, whose order the code follows for QR codes:
black and white (``codes/binarise``), the three eyes (``codes/qr_find``), grids through them (``codes/qr_lay``), the one
in perspective (``codes/qr_sample``), format, mask and blocks (``codes/qr_decode`` with ``codes/reed_solomon``), text
(``codes/qr_text``). Bars (ISO/IEC 15420:2009 and 15417:2007; UPC-E: GS1 General Specifications, 5.2) are measured
along scan lines in eight directions (``codes/linear_scan``), where the picture changes along them
(``codes/linear_regions``), and lines that agree are a code (``codes/linear_find``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Boxes, Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image
from sightline.image.codes.binarise import Binary, Blocks, binarise, dark_of, gray_bytes
from sightline.image.codes.code import KINDS, Code
from sightline.image.codes.linear_find import find_bars
from sightline.image.codes.qr_decode import Decoded
from sightline.image.codes.qr_find import Eyes, Triple, find_eyes, triples_of
from sightline.image.codes.qr_lay import Laid, lay_grids
from sightline.image.codes.qr_sample import Sampled, read_symbol

_SMALLEST = 20  # pixels that a code takes at least
_LARGE = 900  # rows or columns above which bars are looked for in a smaller picture first
_TRIES = 12  # triples of eyes that are looked into, in one picture
_LIKELY = 0.6  # oddness of a triple that a code may well have


@method(task="codes", paper="ISO/IEC 18004", lesson="w2d6")
def scan_codes(
    image: Image,
    *,
    kinds: Sequence[str] | None = None,
    effort: Annotated[str, Choice("quick", "thorough")] = "thorough",
) -> list[Code]:
    """Return the QR codes, EAN-13, UPC-A, EAN-8, UPC-E and Code 128 in an image.

    Codes may be turned, tilted, mirrored (QR), light on dark (QR), blurred and several. What is returned has passed
    its check: the parity bytes of a QR code, the check digit of bars on lines that agree. The text of a
    UPC-E is its eight digits as printed, not the UPC-A that it stands for. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    kinds
        Which of ``qr ean13 upca ean8 code128 upce`` to look for; None looks for all of them.
    effort
        ``quick`` looks once, as for the frames of a video; ``thorough`` goes on while nothing is found: another
        threshold, half the size, a grid that is moved about.

    Returns
    -------
    codes
        A list of records: ``kind``, ``text``, ``data``, ``corners`` (4×2 points) and what else was learnt, QR codes
        first; empty when there is none.

    References
    ----------
    ISO/IEC 18004:2015, "Information technology. Automatic identification and data capture techniques. QR Code bar
    code symbology specification".

    Examples
    --------
    >>> import sightline as sl
    >>> codes = sl.image.scan_codes(sl.image.make_code("SIGHTLINE", level="Q"))
    >>> [(code.kind, code.text, code.version, code.level) for code in codes]
    [('qr', 'SIGHTLINE', 1, 'Q')]
    """
    gray = gray_bytes("scan_codes", image)
    wanted = _kinds(kinds)
    patient = choice("scan_codes", "effort", effort, ("quick", "thorough")) == "thorough"
    return _scan(gray, wanted, patient).codes


@scan_codes.steps
def _steps(image: Image, *, kinds: Sequence[str] | None = None, effort: str = "thorough") -> Iterator[Step]:
    gray = gray_bytes("scan_codes", image)
    found = _scan(gray, _kinds(kinds), effort == "thorough")
    yield Step("grey", Picture(gray))
    if found.thresholds is not None:
        black = dark_of(gray, found.thresholds) ^ np.uint8(1)
        picture = Picture(black * np.uint8(255))
        yield Step("black and white", picture, note="The threshold of each block of 8×8 pixels follows the light.")
        note = "Places that are cut 1 : 1 : 3 : 1 : 1 along rows, columns and a diagonal."
        yield Step("eyes", Points(found.eyes[:, :2] * found.scale), picture, Points(found.eyes[:, :2]), note=note)
    if found.grids:
        modules = np.where(found.grids[0].modules, np.uint8(0), np.uint8(255)).repeat(4, 0).repeat(4, 1)
        yield Step("modules", Picture(modules), note="The first symbol, sampled through its perspective.")
    if len(found.segments):
        yield Step("scan lines", Lines(found.segments), Picture(gray), Lines(found.segments), note="Lines that agree.")
    boxes = np.array([code.box for code in found.codes], np.float32).reshape(-1, 4)
    outlines = [np.concatenate([code.corners, np.roll(code.corners, -1, axis=0)], axis=1) for code in found.codes]
    lines = Lines(np.concatenate(outlines) if outlines else np.empty((0, 4), np.float32))
    labels = tuple(code.text[:30] for code in found.codes)
    note = f"{len(found.codes)} that passed their check."
    yield Step("codes", Value(found.codes), Picture(gray), lines, Boxes(boxes, labels), note=note)


@dataclass(eq=False)
class _Found:
    """What a scan came to, with what there is to see of it."""

    codes: list[Code] = field(default_factory=list)
    blocks: Blocks | None = None
    thresholds: Array | None = None
    eyes: Eyes = field(default_factory=lambda: np.empty((0, 6)))
    scale: float = 1.0
    grids: list[Sampled] = field(default_factory=list)
    segments: Array = field(default_factory=lambda: np.empty((0, 4)))


def _kinds(kinds: Any) -> set[str]:
    if kinds is None:
        return set(KINDS)
    if isinstance(kinds, str) or not isinstance(kinds, (Sequence, set, frozenset)) or not kinds:
        raise InputError(f"scan_codes: kinds must be some of {', '.join(KINDS)}, or None; got {describe(kinds)}.")
    return {choice("scan_codes", "kinds", kind, KINDS) for kind in kinds}


def _scan(gray: Array, kinds: set[str], patient: bool) -> _Found:
    found = _Found()
    if "qr" in kinds and min(gray.shape) >= _SMALLEST:
        _find_symbols(gray, found, patient)
    if kinds - {"qr"} and max(gray.shape) >= 2 * _SMALLEST:
        bars, found.segments = _find_bars(gray, patient)
        found.codes += [code for code in bars if code.kind in kinds]
    return found


# --- QR codes ---


def _find_symbols(gray: Array, found: _Found, patient: bool) -> None:
    """Look for symbols under one threshold after the other, until no triple of eyes is left that may be one."""
    for way, smaller in (("mean", 1), ("middle", 1), ("mean", 2), ("mean", 4)):
        if smaller > 1 and min(gray.shape) < 200 * smaller:
            continue
        left = _look(_shrink(gray, smaller), way, found, smaller, patient)
        if not patient or (found.grids and not left):
            return


def _look(picture: Array, way: str, found: _Found, smaller: int, patient: bool) -> int:
    """Look for symbols under one threshold; return how many likely triples remain that lie in none."""
    binary = binarise(picture, way, found.blocks if smaller == 1 else None)
    eyes = find_eyes(binary)
    if found.thresholds is None:
        found.blocks, found.thresholds, found.eyes = binary.blocks, binary.thresholds, eyes
    return _read_all(binary, triples_of(eyes), found, smaller, patient)


def _read_all(binary: Binary, triples: list[Triple], found: _Found, smaller: int, patient: bool) -> int:
    """Read the symbols of a picture; return how many likely triples remain that lie in none."""
    used: set[int] = set()
    tries = left = 0
    laid: list[list[Laid]] = []
    for index, triple in enumerate(triples):
        if not used.isdisjoint(triple.indices) or _inside(triple.centres, found.codes, smaller):
            continue
        if tries >= _TRIES:
            break
        if index >= len(laid):
            some = triples[len(laid) : index + _TRIES]
            centres, inverted = np.array([t.centres for t in some]), np.array([t.inverted for t in some])
            laid += lay_grids(binary, centres, inverted)
        tries += 1
        read = read_symbol(binary, triple, laid[index], patient=patient) if laid[index] else None
        if read is None:
            left += triple.oddness < _LIKELY
            continue
        used |= set(triple.indices)
        found.codes.append(_code(*read, triple.inverted, smaller))
        found.grids.append(read[1])
    return left


def _inside(points: Array, codes: list[Code], smaller: int) -> bool:
    """Return whether one of the points lies in a code that was read."""
    if not codes:
        return False
    outlines = [code.corners.tolist() for code in codes]
    shift = (smaller - 1) / 2
    return any(_lies_in(x * smaller + shift, y * smaller + shift, o) for x, y in points.tolist() for o in outlines)


def _lies_in(x: float, y: float, outline: list[list[float]]) -> bool:
    """Return whether a point lies on the same side of all edges."""
    sides = [
        (c - a) * (y - b) - (d - b) * (x - a) for (a, b), (c, d) in zip(outline, outline[1:] + outline[:1], strict=True)
    ]
    return min(sides) > 0 or max(sides) < 0


def _code(decoded: Decoded, sampled: Sampled, inverted: bool, smaller: int) -> Code:
    corners = sampled.corners * smaller + (smaller - 1) / 2
    if decoded.mirrored:
        corners = corners[[0, 3, 2, 1]]
    message = decoded.message
    return Code(
        "qr",
        message.text,
        message.data,
        corners.astype(np.float32),
        decoded.version,
        decoded.level,
        decoded.mask,
        decoded.corrected,
        decoded.mirrored,
        inverted,
        message.gs1,
        message.charset,
        message.part,
    )


def _shrink(gray: Array, smaller: int) -> Array:
    """Return the picture with blocks of smaller×smaller pixels replaced by their mean."""
    if smaller == 1:
        return gray
    small = np.empty((gray.shape[0] // smaller, gray.shape[1] // smaller), np.uint8)
    over_rows(_average, len(small), gray, smaller, small, strip=512)
    return small


@kernel
def _average(gray, size, small, y0, y1):
    """Write the means of the blocks in rows ``y0`` to ``y1``, rounded down."""
    columns = small.shape[1]
    line = np.empty(columns * size, np.uint32)
    for y in range(y0, y1):
        line[:] = 0
        for j in range(size):
            row = gray[y * size + j]
            for x in range(columns * size):
                line[x] += row[x]
        to = small[y]
        if size == 2:
            for x in range(columns):
                to[x] = (line[2 * x] + line[2 * x + 1]) >> 2
        else:
            for x in range(columns):
                to[x] = line[x * size : x * size + size].sum() // (size * size)


# --- bars ---


def _find_bars(gray: Array, patient: bool) -> tuple[list[Code], Array]:
    smaller = 1
    while max(gray.shape) > 2 * smaller * _LARGE and min(gray.shape) >= 2 * smaller:
        smaller *= 2
    while True:
        picture = _shrink(gray, smaller)
        spacing = max(4.0, min(picture.shape) / 160) * (1 if patient else 2)
        codes, segments = find_bars(picture, spacing, patient=patient)
        if codes or smaller == 1 or not patient:
            shift = (smaller - 1) / 2
            for code in codes:
                code.corners[...] = code.corners * smaller + shift
            return codes, segments * smaller + shift
        smaller //= 2
