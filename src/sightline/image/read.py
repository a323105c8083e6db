"""Reading an image file: upright, RGB, values as they were stored.

Orientation follows CIPA DC-008, "Exchangeable image file format for digital still cameras: Exif", tag 274.
"""

from __future__ import annotations

from typing import Annotated

from sightline.core.catalogue import method
from sightline.core.types import Choice, Image, Range
from sightline.image.decode import MAX_PIXELS, decode
from sightline.image.source import Source


@method(task="files", paper="CIPA DC-008", lesson="w1d1")
def read(
    path: Source,
    *,
    mode: Annotated[str, Choice("rgb", "gray", "unchanged")] = "rgb",
    max_pixels: Annotated[int, Range(1, 10_000_000_000)] = MAX_PIXELS,
    truncated: bool = False,
) -> Image:
    """Return the pixels of an image file: PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or PNM.

    The picture is turned upright by its EXIF orientation; of several frames the first one is read. Values are kept:
    8-bit and narrower samples give uint8 (1-bit ones 0 and 255), 16-bit ones uint16, floating-point ones float32.
    Palettes become their colours and CMYK becomes RGB as Pillow does it; embedded colour profiles are not applied.
    NaN and infinity in floating-point files are kept.

    Parameters
    ----------
    path
        A path, the bytes of a file, or a file object opened in binary mode.
    mode
        ``rgb``: H×W×3 whatever the file holds, grey repeated in each channel, transparency laid on white. ``gray``:
        H×W, colour weighted as in ``convert(image, "rgb", "gray")``. ``unchanged``: the channels of the file, that is
        H×W (grey), H×W×2 (grey, alpha), H×W×3 or H×W×4 (RGB, alpha).
    max_pixels
        Largest width × height that is accepted, in pixels; checked before anything is decoded. Of 16-bit and
        floating-point pixels a sixth to two thirds as many are, so that none takes much more than 1 GB at the default.
    truncated
        Whether to accept a PNG, JPEG, TIFF, BMP or PNM file that is cut off. A warning then says how many of its rows
        are real; the others are filler.

    Returns
    -------
    Image
        A fresh H×W or H×W×C array.

    Raises
    ------
    MissingFileError
        When there is no such file, or it may not be opened.
    FormatError
        When it is no image of these types, is damaged or cut off, or is larger than ``max_pixels``.

    Examples
    --------
    >>> import sightline as sl
    >>> sl.read(b"P2 3 1 255 0 128 255", mode="gray")
    array([[  0, 128, 255]], dtype=uint8)
    """
    return decode(path, mode=mode, max_pixels=max_pixels, truncated=truncated)
