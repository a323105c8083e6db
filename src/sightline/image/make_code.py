"""Make a QR code, or the bars of an EAN, a UPC or a Code 128.

ISO/IEC 18004:2015, "QR Code bar code symbology specification"; ISO/IEC 15420:2009, "EAN/UPC bar code symbology
specification"; ISO/IEC 15417:2007, "Code 128 bar code symbology specification"; UPC-E: GS1 General Specifications, 5.2.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import UInt8

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.types import Choice, Range
from sightline.image.codes.code import KINDS
from sightline.image.codes.linear_encode import code128_modules, ean_modules
from sightline.image.codes.qr_encode import encode
from sightline.image.codes.qr_grid import LEVELS, VERSIONS
from sightline.image.codes.qr_text import MODES

QUIET = {"qr": 4, "ean13": 11, "upca": 11, "ean8": 7, "code128": 10, "upce": 9}  # modules that stay white around a code
_BARS = {"ean13": 69, "upca": 69, "ean8": 55, "code128": 50, "upce": 69}  # height in modules
_LARGEST = 1 << 28  # pixels


@method(task="codes", paper="ISO/IEC 18004", lesson="w2d6", example={"text": "SIGHTLINE"})
def make_code(
    text: str | bytes,
    kind: Annotated[str, Choice("qr", "ean13", "upca", "ean8", "code128", "upce")] = "qr",
    *,
    level: Annotated[str, Choice("L", "M", "Q", "H")] = "M",
    version: Annotated[int | None, Range(1, 40, 1)] = None,
    mask: Annotated[int | None, Range(0, 7, 1)] = None,
    mode: Annotated[str, Choice("auto", "numeric", "alphanumeric", "byte", "kanji")] = "auto",
    gs1: bool = False,
    scale: Annotated[int, Range(1, 64, 1)] = 4,
    border: Annotated[int | None, Range(0, 64, 1)] = None,
    height: Annotated[int | None, Range(1, 1000, 1)] = None,
) -> UInt8[np.ndarray, "h w"]:
    """Return the picture of a code: 0 where it is dark, 255 where it is light.

    A QR code stores the text in runs of numbers, capitals, bytes or kanji, whichever are shortest, adds parity bytes
    after Reed and Solomon, and turns its modules over with one of eight masks, the one that gives a reader least
    trouble. Bytes beyond ASCII are UTF-8, and said to be. There is no pixel to be NaN, and none becomes NaN.

    Parameters
    ----------
    text
        What it says. ``bytes`` are stored as they are (QR only). Retail codes take digits, the check digit of which
        may be left away; a UPC-E is number system (0 or 1) and six digits before it. Code 128 takes Latin-1.
    kind
        ``qr``, ``ean13``, ``upca``, ``ean8``, ``code128`` or ``upce``.
    level
        How much of a QR code may be lost: ``L`` 7 %, ``M`` 15 %, ``Q`` 25 %, ``H`` 30 % of its codewords.
    version
        Size of a QR code, 1 (21×21 modules) to 40 (177×177); None takes the smallest that holds the text.
    mask
        Mask of a QR code, 0–7; None takes the one of least penalty.
    mode
        Store all of the text in this mode of a QR code; ``auto`` takes the shortest runs.
    gs1
        Mark the text as GS1 data (``qr``, ``code128``); the group separator (character 29) in it ends a
        field of variable length.
    scale
        Pixels of a module, 1–64.
    border
        White modules around it; None takes what the standard asks for: 4 (QR), 11, 7 (EAN-8), 9 (UPC-E) or
        10 (Code 128).
    height
        Length of the bars, in modules; None takes 69 (EAN-13, UPC-A, UPC-E), 55 (EAN-8) or 50. QR codes are square.

    Returns
    -------
    image
        H×W uint8.

    Raises
    ------
    InputError
        When the text does not fit, or is not what the kind can say, or ends in a wrong check digit.

    References
    ----------
    ISO/IEC 18004:2015, "Information technology. Automatic identification and data capture techniques. QR Code bar
    code symbology specification".

    Examples
    --------
    >>> make_code("SIGHTLINE", scale=1).shape
    (29, 29)
    >>> make_code("400638133393", "ean13", scale=1, height=1, border=0)[0, :10].tolist()
    [0, 255, 0, 255, 255, 255, 0, 0, 255, 0]
    """
    kind = choice("make_code", "kind", kind, KINDS)
    if not isinstance(text, (str, bytes)):
        raise InputError(f"make_code: text must be text or bytes; got {describe(text)}. Use str(text).")
    if isinstance(text, bytes) and kind != "qr":
        raise InputError(f"make_code: text must be text for kind '{kind}'; got {describe(text)}. Use text.decode().")
    level = choice("make_code", "level", level, LEVELS)
    mode = choice("make_code", "mode", mode, ("auto", *MODES))
    gs1 = flag("make_code", "gs1", gs1)
    version = None if version is None else integer("make_code", "version", version, 1, VERSIONS)
    mask = None if mask is None else integer("make_code", "mask", mask, 0, 7)
    scale = integer("make_code", "scale", scale, 1, 64)
    border = QUIET[kind] if border is None else integer("make_code", "border", border, 0, 64)
    tall = _BARS.get(kind, 0) if height is None else integer("make_code", "height", height, 1, 1000)
    if kind == "qr":
        dark = encode(_sound(text), level, version, mask, mode, gs1=gs1).modules
    else:
        modules = code128_modules(str(text), gs1=gs1) if kind == "code128" else ean_modules(kind, str(text))
        dark = np.broadcast_to(modules, (tall, len(modules)))
    if (dark.shape[0] + 2 * border) * (dark.shape[1] + 2 * border) * scale * scale > _LARGEST:
        raise InputError(f"make_code: scale must keep the picture below {_LARGEST} pixels; got {scale}. Lower it.")
    picture = np.pad(np.where(dark, np.uint8(0), np.uint8(255)), border, constant_values=255)
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def _sound(text: str | bytes) -> str | bytes:
    """Return text as it is when it can be stored as UTF-8."""
    if isinstance(text, str):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"make_code: text must be Unicode without lone surrogates; got {text[error.start]!r} at {error.start}."
            ) from error
    return text
