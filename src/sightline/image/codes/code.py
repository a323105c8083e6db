"""The record of one code that was read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.canvas import Canvas, colour_of
from sightline.core.types import Image, NewImage

KINDS = ("qr", "ean13", "upca", "ean8", "code128", "upce")
_LONGEST = 40  # letters that are written over a picture


@dataclass(frozen=True, eq=False)
class Code:
    """A code in a picture.

    Parameters
    ----------
    kind
        ``qr``, ``ean13``, ``upca``, ``ean8``, ``code128`` or ``upce``.
    text
        What it says; check digits of the retail codes are part of it, and a UPC-E stays as short as it is printed:
        number system, six digits, check digit. The group separator (29) parts GS1 fields.
    data
        The bytes that a QR code stores, before any character set; the text in Latin-1 for the others.
    corners
        4×2 points (x, y): top left, top right, bottom right, bottom left of the code as it is read, so that its turn
        and tilt can be seen. Of bars, the part that scan lines crossed.
    version, level, mask
        Of a QR code: 1–40, ``L M Q H`` and 0–7; None for the others.
    corrected
        Number of wrong bytes that were put right in a QR code.
    mirrored, inverted
        Whether a QR code was seen in a mirror, or light on dark.
    gs1
        Whether the text is GS1 data.
    charset
        ECI number of the character set, where the code names one.
    part
        ``(index from 0, number of symbols, parity)`` of a text that is spread over several QR codes.
    """

    kind: str
    text: str
    data: bytes
    corners: Float32[np.ndarray, "4 2"]
    version: int | None = None
    level: str | None = None
    mask: int | None = None
    corrected: int = 0
    mirrored: bool = False
    inverted: bool = False
    gs1: bool = False
    charset: int | None = None
    part: tuple[int, int, int] | None = None

    @property
    def box(self) -> Float32[np.ndarray, " 4"]:
        """The upright box around the corners, xyxy with continuous edges."""
        return np.concatenate([self.corners.min(axis=0), self.corners.max(axis=0)]) + np.float32(0.5)

    def draw(self, image: Image) -> NewImage:
        """Return a copy of the picture, H×W×3 uint8, with the code's outline and its text."""
        canvas = Canvas(image, function="Code.draw")
        colour = colour_of(KINDS.index(self.kind))
        canvas.line(self.corners, colour, closed=True)
        low = self.corners[self.corners[:, 1].argmax()]
        text = self.text if len(self.text) <= _LONGEST else f"{self.text[:_LONGEST]} …"
        canvas.text(text, (float(self.corners[:, 0].min()), float(low[1]) + 4), colour)
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return the code as plain JSON values; bytes as hexadecimal digits."""
        row = {item.name: getattr(self, item.name) for item in fields(self)}
        row["data"] = self.data.hex()
        row["corners"] = [[round(float(v), 3) for v in point] for point in self.corners]
        return row
