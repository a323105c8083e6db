"""Drawing over an image: what results, `image.draw` and reports use. Pillow does the rasterising.

Coordinates are points (the centre of the top-left pixel is (0, 0)) except for boxes, which have continuous edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from sightline.core.checks import as_image
from sightline.core.conversions import to_uint8

Colour = tuple[int, int, int]

_BAND = 64  # rows that are copied at a time
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
        self._picture = PillowImage.new("RGB", image.shape[1::-1])
        for y in range(0, len(image), _BAND):  # Pillow copies what it is given
            band = to_uint8(image[y : y + _BAND])
            band = np.repeat(band[..., None], 3, axis=2) if band.ndim == 2 else band
            self._picture.paste(PillowImage.fromarray(band), (0, y))
        self._draw = ImageDraw.Draw(self._picture)
        self.width = max(1, round(min(image.shape[:2]) / 240))  # of lines, in pixels
        size = max(10, round(min(image.shape[:2]) / 32))
        self._font, self._pad = _font(size), max(2, size // 5)

    def image(self) -> np.ndarray:
        """Return what was drawn, H×W×3 uint8."""
        width, height = self._picture.size
        drawn = np.empty((height, width, 3), np.uint8)
        for y in range(0, height, _BAND):
            drawn[y : y + _BAND] = np.asarray(self._picture.crop((0, y, width, min(y + _BAND, height))))
        return drawn

    def box(self, box: Sequence[float] | np.ndarray, colour: Colour, label: str = "") -> None:
        """Outline ``box`` (xyxy, continuous edges) and write ``label`` above it, or inside when there is no room."""
        x1, y1, x2, y2 = (float(v) for v in box)
        corners = (x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))  # edges to pixel indices
        self._draw.rectangle(corners, outline=colour, width=self.width)
        if label:
            height = self._patch(label)[1]
            self.text(label, (x1, y1 - height if y1 >= height else y1), colour)

    def text(self, text: str, at: tuple[float, float], colour: Colour) -> None:
        """Write ``text`` on a patch of ``colour``, black or white by contrast.

        Parameters
        ----------
        text
            One line or several.
        at
            Top-left corner of the patch; moved as far as needed to keep the patch inside the picture.
        colour
            Of the patch.
        """
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
        path = [(float(x), float(y)) for x, y in points]
        self._draw.line([*path, path[0]] if closed else path, fill=colour, width=self.width, joint="curve")

    def dots(self, points: np.ndarray, colour: Colour, radius: float | None = None) -> None:
        """Draw a filled disc at each of N×2 points."""
        r = 2.0 * self.width if radius is None else radius
        rim = (0, 0, 0) if r >= 4 else None  # keeps a dot visible on its own colour
        for x, y in points:
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=rim)

    def mask(self, mask: np.ndarray, colour: Colour, opacity: float = 0.45) -> None:
        """Tint the true pixels of a bool H×W mask."""
        for y in range(0, len(mask), _BAND):
            band = np.where(mask[y : y + _BAND], np.uint8(round(255 * opacity)), np.uint8(0))
            self._picture.paste(colour, (0, y), PillowImage.fromarray(band))

    def heat(self, values: np.ndarray, opacity: float = 0.5) -> None:
        """Blend a 2-D heat map (0–1, any size) over the picture, in colours of rising lightness."""
        colours = PillowImage.fromarray(heat_colours(values))
        if colours.size != self._picture.size:
            colours = colours.resize(self._picture.size, PillowImage.Resampling.BILINEAR)
        for y in range(0, colours.height, _BAND):
            band = 0, y, colours.width, min(y + _BAND, colours.height)
            self._picture.paste(PillowImage.blend(self._picture.crop(band), colours.crop(band), opacity), (0, y))


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
    bad = np.isnan(values)
    position = np.clip(np.where(bad, 0, values), 0, 1).astype(np.float32) * (len(_HEAT) - 1)
    low = np.minimum(position.astype(np.int64), len(_HEAT) - 2)
    share = (position - low)[..., None]
    colours = _HEAT[low] * (1 - share) + _HEAT[low + 1] * share
    colours[bad] = 128
    return np.rint(colours).astype(np.uint8)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
