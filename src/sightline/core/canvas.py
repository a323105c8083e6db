"""Drawing over an image: what results, `image.draw` and reports use. Pillow does the rasterising.

Coordinates are points (the centre of the top-left pixel is (0, 0)) except for boxes, which have continuous edges.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from sightline.core.checks import as_image
from sightline.core.conversions import to_uint8

Colour = tuple[int, int, int]

_BAND = 64  # rows, or four times as many columns, that are worked on at a time
_THRICE = np.frombuffer(bytes((1, 1, 1, 0)), np.uint32)  # times a level, that level in red, green and blue
# Okabe and Ito 2008: distinguishable with every kind of colour vision.
PALETTE: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


def colour_of(index: int) -> Colour:
    """Return the palette's colour for a class index or an identity; the same index, the same colour, always."""
    return PALETTE[index % len(PALETTE)]


def label_colours(labels: np.ndarray) -> np.ndarray:
    """Return a label map, whole numbers H×W, as H×W×3 uint8: 0 is black, near labels have far colours."""
    turn = np.arange(1, 1025) * 0.6180339887498949 % 1  # the golden ratio spreads hues
    wave = np.abs((turn[:, None] * 6 + (3, 1, 5)) % 6 - 3) - 1
    shade = 0.62 + 0.38 * (np.arange(1024)[:, None] % 3 / 2)
    table = np.rint(255 * shade * (0.25 + 0.75 * np.clip(wave, 0, 1))).astype(np.uint8)
    return np.where((labels == 0)[..., None], np.uint8(0), table[(labels - 1) % 1024])


class Canvas:
    """A private RGB uint8 copy of an image that is drawn on.

    Parameters
    ----------
    image
        H×W, H×W×3; uint8, uint16 or float32. Never changed.
    function
        Name for the error's sentence when it is none of those.
    """

    def __init__(self, image: np.ndarray, *, function: str = "draw") -> None:
        image = as_image(function, image)
        self._memory = _of_four_bytes(image)
        self._picture = _shared(self._memory)
        self._draw = ImageDraw.Draw(self._picture)
        self.width = max(1, round(min(image.shape[:2]) / 240))  # of lines, in pixels
        self.letters(max(10, round(min(image.shape[:2]) / 32)))

    def letters(self, size: int) -> None:
        """Make letters ``size`` pixels high from now on."""
        self._font, self._pad = _font(size), max(2, size // 5)

    def image(self) -> np.ndarray:
        """Return what was drawn, H×W×3 uint8."""
        drawn = np.empty((*self._memory.shape[:2], 3), np.uint8)
        _pack(self._memory, drawn)
        return drawn

    def finished(self) -> np.ndarray:
        """Return what was drawn, H×W×3 uint8, in the memory of the canvas, on which nothing can be drawn any more."""
        memory = self._memory
        del self._memory, self._picture, self._draw  # Pillow must not know memory that is given back
        shape = (*memory.shape[:2], 3)
        _pack(memory, memory.reshape(-1)[: np.prod(shape)].reshape(shape))
        memory.resize(shape, refcheck=False)
        return memory

    def box(self, box: Sequence[float] | np.ndarray, colour: Colour, label: str = "") -> None:
        """Outline ``box`` (xyxy, continuous edges) and write ``label`` above it, or inside when there is no room."""
        x1, y1, x2, y2 = (_whole(float(v)) for v in box)
        corners = (x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))  # edges to pixel indices
        self._draw.rectangle(corners, outline=colour, width=self.width)
        if label:
            height = self._patch(_spelt(label))[1]
            self.text(label, (x1, y1 - height if y1 >= height else y1), colour)

    def text(self, text: str, at: tuple[float, float], colour: Colour) -> None:
        """Write ``text`` on a patch of ``colour``, black or white by contrast.

        Parameters
        ----------
        text
            One line or several. The font has Latin letters without accents: é is written e, × is written x, and a sign
            of another script is a box.
        at
            Top-left corner of the patch; moved as far as needed to keep the patch inside the picture.
        colour
            Of the patch.
        """
        text = _spelt(text)
        width, height = self._patch(text)
        x = max(0, min(round(at[0]), self._picture.width - width))
        y = max(0, min(round(at[1]), self._picture.height - height))
        self._draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
        luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
        ink = (0, 0, 0) if luma > 128 else (255, 255, 255)
        self._draw.multiline_text((x + self._pad, y + self._pad // 2), text, font=self._font, fill=ink)

    def _patch(self, text: str) -> tuple[int, int]:
        """Return the width and height of the patch behind ``text``; every line is of one height."""
        ruler = "\n".join("Äg" for _ in text.split("\n"))
        right = self._draw.multiline_textbbox((0, 0), text, font=self._font)[2]
        bottom = self._draw.multiline_textbbox((0, 0), ruler, font=self._font)[3]
        return round(right) + 2 * self._pad, round(bottom) + self._pad

    def line(self, points: np.ndarray, colour: Colour, *, closed: bool = False) -> None:
        """Draw a polyline through N×2 points (x, y)."""
        path = [(_whole(float(x)), _whole(float(y))) for x, y in points]
        self._draw.line([*path, path[0]] if closed else path, fill=colour, width=self.width, joint="curve")

    def dots(self, points: np.ndarray, colour: Colour, radius: float | None = None) -> None:
        """Draw a filled disc at each of N×2 points."""
        r = 2.0 * self.width if radius is None else radius
        rim = (0, 0, 0) if r >= 4 else None  # keeps a dot visible on its own colour
        for x, y in ((_whole(float(x)), _whole(float(y))) for x, y in points):
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=rim)

    def ring(self, centre: tuple[float, float], axes: tuple[float, float], angle: float, colour: Colour) -> None:
        """Draw an ellipse: the pixels within half a width of it, to first order of the distance.

        Parameters
        ----------
        centre, axes
            (x, y) and the half axes, in pixels.
        angle
            Of the first axis to the x axis, towards the y axis, in radians.
        colour
            Of the stroke.
        """
        half = max(self.width, 1) / 2
        a, b = (max(axis, 0.25) for axis in axes)
        c, s = math.cos(angle), math.sin(angle)
        reach = math.hypot(a * c, b * s) + half, math.hypot(a * s, b * c) + half
        x0, y0 = (max(0, math.ceil(at - to)) for at, to in zip(centre, reach, strict=True))
        x1 = min(self._picture.width, math.floor(centre[0] + reach[0]) + 1)
        y1 = min(self._picture.height, math.floor(centre[1] + reach[1]) + 1)
        if x0 >= x1:
            return
        x = np.arange(x0, x1) - centre[0]
        for top in range(y0, y1, _BAND):
            y = np.arange(top, min(top + _BAND, y1))[:, None] - centre[1]
            u, v = (c * x + s * y) / a, (c * y - s * x) / b
            root = np.hypot(u, v)  # 1 on the ellipse
            steep = np.hypot(u / a, v / b)
            near = np.abs(root - 1) * root < half * steep  # the centre, where both sides are 0, is none
            self._picture.paste(colour, (x0, top), PillowImage.fromarray(near.astype(np.uint8) * np.uint8(255)))

    def mask(self, mask: np.ndarray, colour: Colour, opacity: float = 0.45) -> None:
        """Tint the true pixels of a bool H×W mask."""
        rows = np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            return
        for y in range(rows[0], rows[-1] + 1, _BAND):
            band = np.where(mask[y : min(y + _BAND, rows[-1] + 1)], np.uint8(round(255 * opacity)), np.uint8(0))
            self._picture.paste(colour, (0, y), PillowImage.fromarray(band))

    def heat(self, values: np.ndarray, opacity: float = 0.5) -> None:
        """Blend a 2-D heat map (0–1, any size) over the picture, in colours of rising lightness."""
        width, height = self._picture.size
        if values.shape == (height, width):
            for y in range(0, height, _BAND):
                colours = _shared(_of_four_bytes(heat_colours(values[y : y + _BAND])))
                under = _shared(self._memory[y : y + _BAND])
                self._picture.paste(PillowImage.blend(under, colours, opacity), (0, y))
            return
        # Where Pillow makes columns longer it does so last, in bytes, each by itself: it may be done strip by strip.
        wide = PillowImage.fromarray(heat_colours(values)).resize((width, min(len(values), height)), _BILINEAR)
        for x in range(0, width, 4 * _BAND):
            end = min(x + 4 * _BAND, width)
            colours = wide.crop((x, 0, end, wide.height)).resize((end - x, height), _BILINEAR).convert("RGBX")
            under = self._picture.crop((x, 0, end, height))
            self._picture.paste(PillowImage.blend(under, colours, opacity), (x, 0))


_BILINEAR = PillowImage.Resampling.BILINEAR


def _whole(value: float) -> float:
    """Return the pixel that a coordinate falls on: Pillow by itself cuts the fraction off, up to a pixel too far."""
    return math.floor(value + 0.5) if math.isfinite(value) else value


def _of_four_bytes(image: np.ndarray) -> np.ndarray:
    """Return an image as H×W×4 uint8: red, green, blue, and a byte that means nothing, as Pillow holds colours."""
    memory = np.empty((*image.shape[:2], 4), np.uint8)
    for y in range(0, len(image), _BAND):
        band, levels = memory[y : y + _BAND], to_uint8(image[y : y + _BAND])
        if levels.ndim == 2:
            np.multiply(levels, _THRICE, out=band.view(np.uint32)[..., 0])
        else:
            _shared(band).frombytes(levels.tobytes(), "raw", "RGB")
    return memory


def _shared(memory: np.ndarray) -> PillowImage.Image:
    """Return a Pillow image in the memory of H×W×4 uint8, C-contiguous: what is drawn on one is seen in the other."""
    picture = PillowImage.frombuffer("RGBX", memory.shape[1::-1], memory, "raw", "RGBX", 0, 1)
    picture.readonly = 0  # Pillow takes what it did not allocate for constant, and would draw on a copy
    return picture


def _pack(memory: np.ndarray, drawn: np.ndarray) -> None:
    """Write the first three bytes of H×W×4 uint8 to H×W×3, which may begin where ``memory`` does."""
    for y in range(0, len(memory), _BAND):
        band = _shared(memory[y : y + _BAND]).tobytes("raw", "RGB")
        drawn[y : y + _BAND] = np.frombuffer(band, np.uint8).reshape(-1, *drawn.shape[1:])


# Every sixteenth colour of "inferno" (van der Walt and Smith 2015), interpolated in RGB: lightness rises evenly, so it
# reads in grey and with every kind of colour vision.
_HEAT = np.array(
    [
        (0, 0, 4),
        (11, 7, 36),
        (33, 12, 74),
        (61, 9, 101),
        (86, 16, 110),
        (112, 25, 110),
        (137, 34, 106),
        (163, 44, 97),
        (187, 54, 84),
        (209, 69, 69),
        (227, 89, 50),
        (241, 114, 30),
        (249, 140, 10),
        (252, 170, 15),
        (249, 201, 50),
        (242, 232, 101),
        (252, 255, 164),
    ],
    np.float32,
)


def heat_colours(values: np.ndarray) -> np.ndarray:
    """Return H×W×3 uint8 colours for values in 0–1 (clipped; NaN is grey)."""
    colours = np.empty((*values.shape, 3), np.uint8)
    few = _BAND // 8  # on the way there are a hundred bytes a value
    for y in range(0, len(values), few):
        colours[y : y + few] = _heat_colours(values[y : y + few])
    return colours


def _heat_colours(values: np.ndarray) -> np.ndarray:
    bad = np.isnan(values)
    position = np.clip(np.where(bad, 0, values), 0, 1).astype(np.float32) * (len(_HEAT) - 1)
    low = np.minimum(position.astype(np.int64), len(_HEAT) - 2)
    share = (position - low)[..., None]
    colours = _HEAT[low] * (1 - share) + _HEAT[low + 1] * share
    colours[bad] = 128
    return np.rint(colours).astype(np.uint8)


# Signs beyond ASCII that Pillow's font has, and what stands for some that it lacks.
_HAD = frozenset("©«°±´·»‘’“”…‹›⁄™")
_PLAIN = (
    dict(zip("×÷−–—„•ØøŁłĐđıµμ", "x/---“·OoLlDdiuu", strict=True))
    | {"→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
    | {"α": "alpha", "ε": "eps", "λ": "lambda", "σ": "sigma"}
)
_STANDS_FOR = {ord(sign): plain for sign, plain in _PLAIN.items()}


def _spelt(text: str) -> str:
    """Return ``text`` in signs that the font has, as far as there are any: a letter without its accent, x for ×."""
    if text.isascii():
        return text
    return "".join(
        sign
        if sign in _HAD
        else "".join(s for s in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(s))
        for sign in unicodedata.normalize("NFC", text).translate(_STANDS_FOR)
    )


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
