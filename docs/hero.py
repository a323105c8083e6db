"""Make the start page's moving picture: one photo going through the steps of a few methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import sightline as sl
from sightline.core.catalogue import find
from sightline.core.trace import trace

SIZE = (480, 320)  # width and height of a frame, in pixels; the caption stands below
CAPTION = 34
MILLISECONDS = 1100
SHOWN: tuple[tuple[str, dict[str, object]], ...] = (
    ("canny", {"low": 40.0, "high": 110.0}),
    ("kmeans_segment", {"k": 5, "seed": 0}),
    ("slic", {"segments": 150}),
    ("gaussian_pyramid", {"levels": 4}),
)


def write(path: Path, photo: np.ndarray) -> None:
    """Write the animation, WebP."""
    wide = sl.image.resize(photo, (SIZE[1], round(photo.shape[1] * SIZE[1] / photo.shape[0])))
    left = (wide.shape[1] - SIZE[0]) // 2
    photo = np.ascontiguousarray(wide[:, left : left + SIZE[0]])
    frames = [frame(photo, "a photo is a grid of numbers")]
    for name, options in SHOWN:
        for step in trace(find(f"image.{name}").function, photo, **options):
            picture = step.picture()
            if picture is not None:
                frames.append(frame(picture, f"{name}: {step.name}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = frames
    first.save(path, "webp", save_all=True, append_images=others, duration=MILLISECONDS, loop=0, quality=80)


def frame(picture: np.ndarray, caption: str) -> Image.Image:
    """Return one frame: the picture fitted into the window, and its caption below."""
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] + CAPTION), (17, 24, 39))
    fitted = Image.fromarray(picture)
    scale = min(SIZE[0] / fitted.width, SIZE[1] / fitted.height)
    fitted = fitted.resize((round(fitted.width * scale), round(fitted.height * scale)), Image.Resampling.BILINEAR)
    sheet.paste(fitted, ((SIZE[0] - fitted.width) // 2, (SIZE[1] - fitted.height) // 2))
    font = ImageFont.load_default(size=17)
    ImageDraw.Draw(sheet).text((12, SIZE[1] + 7), caption, fill=(229, 231, 235), font=font)
    return sheet
