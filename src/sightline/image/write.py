"""Writing an image file: the suffix names the format, nothing is lost silently, the old file survives every failure.

16-bit colour PNG follows W3C, "Portable Network Graphics Specification (Third Edition)", 2025.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image as Pillow

from sightline.core.catalogue import method
from sightline.core.checks import IMAGE_DTYPES, as_image, describe, integer
from sightline.core.errors import InputError, suggest
from sightline.core.files import write_bytes
from sightline.core.types import Image, Mask, PathLike, Range
from sightline.image.deep_tiff import deep_tiff

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".avif": "AVIF",
    ".ppm": "PPM",
    ".pgm": "PGM",
}
# Channels that a format keeps, by dtype.
_HOLDS: dict[str, dict[str, tuple[int, ...]]] = {
    "PNG": {"bool": (1,), "uint8": (1, 2, 3, 4), "uint16": (1, 2, 3, 4)},
    "JPEG": {"uint8": (1, 3)},
    "WEBP": {"uint8": (3, 4)},
    "TIFF": {"bool": (1,), "uint8": (1, 2, 3, 4), "uint16": (1, 3, 4), "float32": (1, 2, 3, 4)},
    "BMP": {"bool": (1,), "uint8": (1, 3)},
    "AVIF": {"uint8": (3, 4)},
    "PPM": {"uint8": (3,)},
    "PGM": {"uint8": (1,), "uint16": (1,)},
}
_LOSSY = {"JPEG": 90, "WEBP": 85, "AVIF": 75}  # default quality


@method(task="files", paper="W3C PNG 2025", lesson="w1d1", example={"image": np.zeros((2, 3), np.uint8)})
def write(path: PathLike, image: Image | Mask, *, quality: Annotated[int, Range(1, 100)] | None = None) -> str:
    """Write an image or a mask to ``path`` in the format that the suffix names; return the file's SHA-256.

    The file appears whole or not at all, so writing over the file that was read is safe. NaN and infinity are kept by
    floating-point TIFF, the only format that takes floats.

    Parameters
    ----------
    path
        File to write: ``.png .jpg .jpeg .webp .tif .tiff .bmp .avif .ppm .pgm``. Its folder must exist.
    image
        H×W, H×W×2 (grey, alpha), H×W×3 or H×W×4 (RGB, alpha); uint8, uint16 or float32, as far as the format holds
        them: PNG all of uint8 and uint16, TIFF all (uint16 but for grey with alpha), JPEG grey and RGB uint8, WebP and
        AVIF RGB and RGBA uint8. A bool H×W mask becomes 1-bit PNG, TIFF or BMP.
    quality
        Of JPEG, WebP and AVIF, 1 (small) to 100 (close to the original); None is 90, 85 and 75. The other formats are
        lossless and take none.

    Returns
    -------
    str
        SHA-256 of the written file, hexadecimal.

    Raises
    ------
    InputError
        When the suffix is unknown or the format cannot hold the image.
    DiskError
        When the disk is full or the folder may not be written to; a file that was there is unchanged.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, sightline as sl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "ramp.png"
    ...     digest = sl.write(target, np.arange(6, dtype=np.uint16).reshape(2, 3))
    ...     sl.read(target, mode="unchanged")
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint16)
    """
    form = _format("write", path)
    pixels = as_image("write", image, channels=(), dtypes=("bool", *IMAGE_DTYPES))
    _check_holds(form, pixels)
    if quality is None:
        quality = _LOSSY.get(form)
    elif form not in _LOSSY:
        raise InputError(f"write: quality must be None for {form}, which is lossless; got {quality!r}.")
    else:
        integer("write", "quality", quality, 1, 100)
    return write_bytes(path, encode(pixels, form, quality))


def encode(pixels: np.ndarray, form: str, quality: int | None = None) -> bytes:
    """Return the bytes of an image file.

    Parameters
    ----------
    pixels
        C-contiguous image or mask that the format holds.
    form
        ``PNG JPEG WEBP TIFF BMP AVIF PPM PGM``.
    quality
        1–100 for a lossy format.
    """
    if form == "PNG" and pixels.dtype == np.uint16 and pixels.ndim == 3:
        return _deep_png(pixels)
    if form == "TIFF" and pixels.dtype != np.uint8 and pixels.ndim == 3:
        return deep_tiff(pixels)
    # Run lengths after PNG's filters: as small as a search for repeats in photos, and much quicker.
    options: dict[str, Any] = {
        "PNG": {"compress_level": 1, "compress_type": zlib.Z_RLE},
        "TIFF": {"compression": "tiff_lzw"},
    }.get(form, {})
    if quality is not None:
        options["quality"] = quality
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, "PPM" if form == "PGM" else form, **options)
    return stream.getvalue()


def _format(function: str, path: PathLike) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"{function}: path must be a path; got {describe(path)}.")
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        got = f"'{suffix}'" if suffix else "none"
        listed = " ".join(_FORMATS)
        hint = suggest(suffix, _FORMATS)
        if suffix in (".gif", ".apng", ".mp4", ".mkv", ".webm", ".mov", ".avi"):
            hint = " Moving pictures are written by sightline.image.write_frames."
        raise InputError(f"{function}: path must end in one of {listed}; got {got}.{hint}")
    return _FORMATS[suffix]


def _check_holds(form: str, pixels: np.ndarray) -> None:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if channels in _HOLDS[form].get(pixels.dtype.name, ()) and pixels.shape[2:] != (1,):
        return
    held = [
        f"{dtype} {'/'.join('H×W' if c == 1 else f'H×W×{c}' for c in counts)}" for dtype, counts in _HOLDS[form].items()
    ]
    others = [name for name, holds in _HOLDS.items() if channels in holds.get(pixels.dtype.name, ())]
    fix = f"Write a {' or a '.join(s for s, name in (('.png', 'PNG'), ('.tiff', 'TIFF')) if name in others)}."
    if not others:
        fix = "Write 1 to 4 of its channels, or several files: image[..., :3]."
    if pixels.shape[2:] == (1,):
        fix = "Drop the last axis: image[..., 0]."
    elif pixels.dtype.name not in _HOLDS[form]:
        other = f" or write a {'.tiff' if 'TIFF' in others and 'PNG' not in others else '.png'}" if others else ""
        fix = f"Use sightline.to_uint8(image){other}."
    elif channels == 4 and 3 in _HOLDS[form][pixels.dtype.name]:
        fix = "Drop the alpha channel, image[..., :3], or write a .png."
    elif channels == 1:
        fix = 'Use sightline.image.convert(image, "gray", "rgb"), or write a .png.'
    raise InputError(f"write: image must be {', '.join(held)} for {form}; got {describe(pixels)}. {fix}")


def _deep_png(pixels: np.ndarray) -> bytes:
    """Return a PNG of 16-bit grey with alpha, RGB or RGBA, which Pillow does not write."""
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels, ">u2").view(np.uint8).reshape(height, width * channels * 2)
    # Filter type 2, "up": each byte minus the one above it, modulo 256. The first row is kept.
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    colour = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 4)), (b"IEND", b""))
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)
