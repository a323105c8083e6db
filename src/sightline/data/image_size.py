"""The size of an image file, from its header."""

from __future__ import annotations

from sightline.core.types import PathLike
from sightline.image.decode import MAX_PIXELS, Fenced, orientation
from sightline.image.source import name_of, open_source


def image_size(path: PathLike) -> tuple[int, int]:
    """Return ``(height, width)`` in pixels as :func:`sightline.read` gives it, upright; no pixel is decoded.

    Parameters
    ----------
    path
        An image file.
    """
    name = name_of("image_size", path)
    with open_source("image_size", path, name) as stream:
        picture = Fenced("image_size", name, stream, MAX_PIXELS).picture
        width, height = picture.size
        return (width, height) if orientation(picture) >= 5 else (height, width)
