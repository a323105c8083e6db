"""Draw the sample pictures that nobody photographed: a page, a sheet on a table, shapes, codes, a road.

Run as a script; the files appear beside it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import sightline as sl

HERE = Path(__file__).parent
_TEXT = (
    "In the beginning was the pixel. Light falls unevenly on a page: what is white in the shadow is darker than what "
    "is black in the sun, and no single threshold parts them. A threshold that follows the light does. Look at a "
    "window around each pixel, take its mean, and ask whether the pixel is darker than that by more than noise. So "
    "Niblack did, and Sauvola let the deviation decide how much darker is dark enough."
)


def _grain(shape: tuple[int, ...], strength: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, strength, shape)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def page() -> np.ndarray:
    """Return a page of text in uneven light, H×W uint8."""
    sheet = Image.new("L", (480, 320), 235)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(17)
    x, y = 24, 20
    for word in _TEXT.split():
        width = pen.textlength(word + " ", font)
        if x + width > 464:
            x, y = 24, y + 27
        pen.text((x, y), word, 40, font)
        x += width
    rows, columns = np.mgrid[0:320, 0:480]
    light = 1.0 - 0.68 * np.exp(-(((columns - 400) / 210) ** 2 + ((rows - 250) / 170) ** 2))
    return _bytes(np.asarray(sheet) * light + _grain((320, 480), 4, 1))


def _grid(side: int = 360) -> np.ndarray:
    sheet = Image.new("L", (side, side), 244)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(24)
    cell, left = 36, 18
    digits = np.random.default_rng(5)
    for i in range(10):
        width = 4 if i % 3 == 0 else 2
        pen.line([(left + i * cell, left), (left + i * cell, left + 9 * cell)], 30, width)
        pen.line([(left, left + i * cell), (left + 9 * cell, left + i * cell)], 30, width)
    for row in range(9):
        for column in range(9):
            if digits.random() < 0.38:
                text = str((row * 3 + row // 3 + column) % 9 + 1)
                pen.text((left + column * cell + 11, left + row * cell + 4), text, 60, font)
    return np.repeat(np.asarray(sheet)[..., None], 3, axis=2)


def _placed(sheet: np.ndarray, corners: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Return the sheet laid on the ground with its corners (x, y; clockwise from the top left) in given places."""
    height, width = sheet.shape[:2]
    own = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(own, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    matrix = np.append(np.linalg.solve(np.array(rows), corners.ravel()), 1).reshape(3, 3)
    shape = ground.shape[0], ground.shape[1]
    laid = sl.image.warp_perspective(sheet, matrix, shape, border="constant")
    there = sl.image.warp_perspective(np.full(sheet.shape[:2], 255, np.uint8), matrix, shape, border="constant")
    share = there[..., None] / 255
    return laid * share + ground * (1 - share)


def _table(height: int, width: int) -> np.ndarray:
    """Return a wooden table."""
    y, x = np.mgrid[0:height, 0:width]
    rings = np.sin((y + 9 * np.sin(x / 97) + 4 * np.sin(x / 31)) / 5.5) + 0.5 * np.sin(y / 2.1 + x / 200)
    return np.array([118.0, 78.0, 48.0]) + rings[..., None] * np.array([13.0, 10.0, 7.0])


def sheet() -> np.ndarray:
    """Return a puzzle on a sheet of paper on a table, photographed at an angle, H×W×3 uint8."""
    corners = np.array([[118.0, 38], [392, 62], [440, 352], [52, 318]])
    scene = _placed(_grid(), corners, _table(384, 512))
    y, x = np.mgrid[0:384, 0:512]
    light = 0.72 + 0.36 * np.exp(-(((x - 190) / 260) ** 2 + ((y - 120) / 220) ** 2))
    return _bytes(scene * light[..., None] + _grain((384, 512, 3), 3, 2))


def shapes() -> np.ndarray:
    """Return ellipses and discs of many sizes, H×W uint8."""
    scale = 4
    made = Image.new("L", (420 * scale, 300 * scale), 226)
    pen = ImageDraw.Draw(made)
    for x, y, a, b, shade in (
        (84, 84, 58, 58, 60), (230, 66, 66, 34, 96), (352, 98, 40, 64, 40), (70, 222, 30, 30, 120),
        (168, 190, 18, 18, 30), (224, 236, 44, 24, 80), (322, 236, 26, 26, 20), (386, 230, 14, 14, 100),
        (146, 266, 10, 10, 50), (282, 160, 8, 8, 60), (166, 128, 6, 6, 40),
    ):  # fmt: skip
        pen.ellipse([(x - a) * scale, (y - b) * scale, (x + a) * scale, (y + b) * scale], shade)
    small = np.asarray(made.resize((420, 300), Image.Resampling.BOX), np.float64)
    return _bytes(small + _grain((300, 420), 3, 3))


def codes() -> np.ndarray:
    """Return a QR code and two bar codes on a table, at an angle, H×W×3 uint8."""
    scene = _table(384, 512) + 60
    places = (
        ("https://example.org/sightline", "qr", 6, [[48.0, 60], [226, 44], [240, 226], [58, 240]]),
        ("5901234123457", "ean13", 3, [[276.0, 40], [478, 62], [470, 160], [268, 142]]),
        ("SIGHT", "code128", 3, [[250.0, 268], [478, 236], [486, 318], [256, 352]]),
    )
    for text, kind, scale, corners in places:
        made = sl.image.make_code(text, kind, scale=scale)
        picture = np.where(made, 255, 0).astype(np.uint8) if made.dtype == np.bool_ else made
        scene = _placed(np.repeat(picture[..., None], 3, axis=2), np.array(corners), scene)
    return _bytes(sl.image.gaussian_blur(_bytes(scene), 0.6) * 0.94 + _grain(scene.shape, 4, 4))


def road() -> np.ndarray:
    """Return a road with two lanes from behind the wheel, H×W×3 uint8."""
    scale, height, width = 2, 360, 640
    made = Image.new("RGB", (width * scale, height * scale), (150, 178, 206))
    pen = ImageDraw.Draw(made)
    horizon, middle = 190, 330.0

    def at(offset: float, depth: float) -> tuple[float, float]:
        """Return where a point of the ground lies: metres to the right, share of the way to the horizon."""
        bend = 60 * depth**3
        return (middle + bend + offset * (1 - depth) * 115) * scale, (height - (height - horizon) * depth) * scale

    def stripe(offset: float, half: float, start: float, end: float, colour: tuple[int, int, int]) -> None:
        depths = np.linspace(start, end, 30)
        left = [at(offset - half, d) for d in depths]
        pen.polygon(left + [at(offset + half, d) for d in depths[::-1]], colour)

    pen.rectangle([0, horizon * scale, width * scale, height * scale], (92, 112, 70))
    stripe(0.0, 4.6, 0.0, 0.995, (84, 84, 88))
    stripe(-2.0, 0.09, 0.0, 0.97, (236, 232, 220))
    for near in np.arange(0.0, 1.0, 0.09):
        far = 1 - (1 - near) * 0.955
        stripe(2.0, 0.08, near, min(far, 0.97), (236, 236, 232))
    stripe(-4.4, 0.07, 0.0, 0.97, (222, 222, 214))
    stripe(4.4, 0.07, 0.0, 0.97, (222, 222, 214))
    small = np.asarray(made.resize((width, height), Image.Resampling.BOX), np.float64)
    return _bytes(small + _grain((height, width, 3), 5, 6))


if __name__ == "__main__":
    for name, suffix, draw in (
        ("page", ".jpg", page),
        ("sheet", ".jpg", sheet),
        ("shapes", ".jpg", shapes),
        ("codes", ".jpg", codes),
        ("road", ".jpg", road),
    ):
        sl.write(HERE / f"{name}{suffix}", draw(), quality=85)
