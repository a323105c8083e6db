"""The one door through which image files become arrays: Pillow, behind a fence.

Only regular files are opened, the type is told from the first bytes, every limit is checked against the header before
a pixel is decoded, and whatever goes wrong is one :class:`FormatError` (or :class:`MissingFileError`) that names the
file.
"""

from __future__ import annotations

import ctypes
import io
import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, Any, NoReturn

import numpy as np
from PIL import AvifImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL import Image as Pillow

from sightline.core.buffers import empty
from sightline.core.checks import choice, integer
from sightline.core.errors import FormatError, SightlineError
from sightline.image import signature
from sightline.image.float_tiff import FloatTiff
from sightline.image.source import Source, name_of, open_source, reason_of

MAX_PIXELS = 120_000_000  # a 100-megapixel camera fits; at most about 1 GB while decoding
_MAX_SCANS = 100  # of a progressive JPEG: real ones have about ten
_MAX_SCANNED = 20 * MAX_PIXELS  # pixels times scans: a few seconds
_MAX_CHUNKS, _MAX_TEXTS = 500_000, 16  # of a PNG; each text may unpack to 1 MB
_MAX_TAGS = 1 << 24  # bytes that the tags of a TIFF may claim beyond the size of the file
_WEIGHTS = {"I;16": 6, "I": 12, "F": 12}  # bytes a pixel at the end, of modes with more than 4
_CUT_OFF = ("PNG", "JPEG", "TIFF", "BMP", "PPM")  # decoded row by row, so that a part of them is something
_PLUGINS = (AvifImagePlugin, TiffImagePlugin, WebPImagePlugin)

_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}

Pillow.preinit()
logging.getLogger("PIL").addHandler(logging.NullHandler())  # without any handler its errors would go to stderr
with suppress(OSError, AttributeError):  # libtiff writes its errors to stderr, besides reporting them to Pillow
    ctypes.CDLL(Pillow.core.__file__).TIFFSetErrorHandler(None)


def decode(
    source: Source, *, mode: str = "rgb", max_pixels: int = MAX_PIXELS, truncated: bool = False, function: str = "read"
) -> np.ndarray:
    """Return the pixels of an image file; see :func:`sightline.image.read`, which is this function made public.

    Parameters
    ----------
    source
        Path, the bytes of a file, or a binary file object (read from where it stands).
    mode
        ``rgb``, ``gray`` or ``unchanged``.
    max_pixels
        Largest width × height that is decoded.
    truncated
        Accept a file that is cut off, with a warning that counts its real rows.
    function
        Name for the error's sentence.
    """
    choice(function, "mode", mode, ("rgb", "gray", "unchanged"))
    integer(function, "max_pixels", max_pixels, 1)
    name = name_of(function, source)
    with open_source(function, source, name) as stream:
        try:
            file = Fenced(function, name, stream, max_pixels)
            pixels = file.pixels(mode, truncated)
        except SightlineError:
            raise
        except Exception as error:  # a fence: whatever a decoder raises, the caller gets one error that names the file
            raise FormatError(f"{function}: {name} cannot be decoded: {reason_of(error)}.") from error
    return pixels


class Fenced:
    """An image file whose header was found harmless.

    Parameters
    ----------
    function, name
        For the error's sentence.
    stream
        Seekable, at its start.
    max_pixels
        Largest width × height.
    """

    def __init__(self, function: str, name: str, stream: IO[bytes], max_pixels: int) -> None:
        self.function, self.name, self.stream, self.max_pixels = function, name, stream, max_pixels
        head = stream.read(signature.HEAD_BYTES)
        if not head:
            self.refuse("is empty (0 bytes)")
        self.format = signature.format_of(head)
        if not self.format:
            found = signature.describe_head(head)
            self.refuse(f"is {found}, not an image that can be read (PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, PNM)")
        self.check_size(signature.declared_size(self.format, head))
        scans = self.check_structure()
        self.picture = self.open()
        self.check_size(self.picture.size)
        if scans * self.picture.width * self.picture.height > max(_MAX_SCANNED, 20 * max_pixels):
            self.refuse(
                f"has {scans} scans of {self.picture.width}×{self.picture.height} pixels, too much work for one"
            )

    def refuse(self, reason: str) -> NoReturn:
        """Raise the one sentence about this file."""
        raise FormatError(f"{self.function}: {self.name} {reason}.")

    def check_size(self, size: tuple[int, int] | None, weight: int = 4) -> None:
        """Refuse more than ``max_pixels``; what costs more than 4 bytes a pixel to hold weighs more."""
        limit = self.max_pixels * 4 // weight
        if size is not None and size[0] * size[1] > limit:
            wide = "" if weight == 4 else " of more than 8 bits a channel"
            self.refuse(
                f"declares {size[0]}×{size[1]} pixels{wide}, more than the limit of {limit:,}. "
                "Pass a larger max_pixels if you trust it"
            )

    def check_structure(self) -> int:
        """Refuse what costs out of proportion to the pixels; return the number of scans, which is 1 but for JPEG."""
        scans = signature.count_scans(self.stream, _MAX_SCANS) if self.format == "JPEG" else 1
        if scans > _MAX_SCANS:
            self.refuse(f"has {scans} or more scans, more than the limit of {_MAX_SCANS}")
        if self.format == "PNG":
            chunks, texts = signature.count_chunks(self.stream, _MAX_CHUNKS)
            if chunks == _MAX_CHUNKS or texts > _MAX_TEXTS:
                self.refuse(f"has {chunks} chunks, {texts} of them texts; at most {_MAX_TEXTS} texts are read")
        if self.format in ("TIFF", "JPEG"):
            tags = self.stream if self.format == "TIFF" else io.BytesIO(signature.jpeg_exif(self.stream))
            claimed, size = signature.tag_bytes(tags), self.stream.seek(0, io.SEEK_END)
            if claimed > size + _MAX_TAGS:
                self.refuse(f"has tags that claim {claimed:,} bytes in a file of {size:,}")
        return scans

    def open(self) -> Any:
        """Parse the header again and return Pillow's image of it, nothing decoded yet."""
        # Not Image.open: its own pixel limit is one global number, and it warns.
        self.stream.seek(0)
        with _quiet():
            try:
                return Pillow.OPEN[self.format][0](self.stream, "")
            except SyntaxError as error:
                if self.format != "TIFF" or "unknown pixel mode" not in str(error):
                    raise
                return FloatTiff(self.stream, self)

    def pixels(self, mode: str, truncated: bool) -> np.ndarray:
        """Decode, turn upright, and arrange the channels as ``mode`` asks."""
        if isinstance(self.picture, FloatTiff):
            return self.float_pixels(self.picture, mode, truncated)
        if _is_planar(self.picture) and any(bits != 8 for bits in self.picture.tag_v2.get(258, ())):
            self.refuse("holds channels in planes of other than 8 bits, which the decoder would misread")
        deep = _DEEP.fullmatch(_rawmode(self.picture))
        if deep and self.picture.mode in ("RGB", "RGBA"):
            self.check_size(self.picture.size, 12 if "A" in deep.group(1) else 8)
            return arrange(self.deep_pixels(deep, truncated), mode)
        self.check_size(self.picture.size, _WEIGHTS.get(self.picture.mode[:4], 4))
        picture = self.load(self.picture, truncated)
        if picture.mode == "I":
            values = to_array(picture)
            if self.format == "PPM":
                return arrange(values.astype(np.uint16), mode)
            if max(-int(values.min()), int(values.max())) > 1 << 24:
                self.refuse("holds whole numbers beyond ±16,777,216, which float32 cannot keep")
            return arrange(values.astype(np.float32), mode)
        if picture.mode == "F" or picture.mode.startswith("I;16"):
            return arrange(to_array(picture), mode)
        return arrange(to_array(picture, partial(eight_bits, keep_alpha=mode == "unchanged")), mode)

    def deep_pixels(self, deep: re.Match[str], truncated: bool) -> np.ndarray:
        """Decode 16-bit colour, which Pillow narrows to the high bytes: once for those and once for the low ones."""
        layout, order = deep.group(1), deep.group(2)
        if layout not in ("RGB", "RGBA", "RGBX", "LA"):
            self.refuse(f"holds 16-bit channels laid out as {layout}, which cannot be read without loss")
        if layout == "LA":  # four bytes a pixel: luminance high and low, alpha high and low
            return to_array(self.load(self.picture, truncated, rawmode="RGBA"), _pairs)
        little = order == "L" or (order == "N" and np.little_endian)
        high, low = ("16L", "16B") if little else ("16B", "16L")
        first = self.load(self.picture, truncated, rawmode=f"{layout};{high}")
        pixels = to_array(first, lambda strip: np.asarray(strip).astype(np.uint16) << 8)
        del first
        self.picture = self.open()  # lets go of the first one
        for y, strip in _strips(self.load(self.picture, truncated, rawmode=f"{layout};{low}")):
            pixels[y : y + strip.height] |= np.asarray(strip)
        return pixels

    def float_pixels(self, picture: FloatTiff, mode: str, truncated: bool) -> np.ndarray:
        """Decode floating-point samples that Pillow does not read."""
        for size in (picture.size, (picture.wide, picture.tall)):
            self.check_size(size, picture.weight)
        pixels, whole = picture.pixels()
        if not whole.all():
            cut = OSError(f"image file is truncated ({np.count_nonzero(whole)} of {whole.size} rows are whole)")
            if not truncated:
                self.advise(cut)
            self.warn(int(np.count_nonzero(whole)), whole.size, cut)
        if mode != "unchanged" and picture.channels in (2, 4) and not picture.has_alpha:
            pixels = pixels[..., 0] if picture.channels == 2 else pixels[..., :3]
        return arrange(pixels, mode)

    def load(self, picture: Any, truncated: bool, rawmode: str = "") -> Any:
        """Decode ``picture`` and turn it upright; where asked, keep what a cut-off file holds."""
        if rawmode:
            picture.tile = [_with_rawmode(tile, rawmode) for tile in picture.tile]
        try:
            picture.load()
        except Exception as error:
            if self.format not in _CUT_OFF:
                raise
            if not truncated:
                self.advise(error)
            picture = self.salvage(rawmode, error)
        turn = _TURNS.get(orientation(picture))
        if turn is not None:
            self.picture = picture = picture.transpose(turn)
        return picture

    def advise(self, error: Exception) -> NoReturn:
        """Raise what stopped the decoder; of a file that ends too early say also how to have its rows."""
        if not isinstance(error, OSError) or "truncated" not in str(error):
            raise error
        raise FormatError(
            f"{self.function}: {self.name} is cut off: {reason_of(error)}. "
            "Use sightline.read(…, truncated=True) to have the rows that are there."
        ) from error

    def salvage(self, rawmode: str, error: Exception) -> Any:
        """Decode a cut-off file over black and over white: the rows on which both agree are the real ones."""
        attempts = []
        for shade in (0, 255):
            picture = self.open()
            if rawmode:
                picture.tile = [_with_rawmode(tile, rawmode) for tile in picture.tile]
            bands = len(picture.getbands())
            picture.im = Pillow.new(picture.mode, picture.size, shade if bands == 1 else (shade,) * bands).im
            try:
                picture.load()
            except Exception:  # the reason is in `error`, and what came before it is in the picture
                picture.tile = []
            attempts.append(picture)
        black, white = (np.asarray(attempt) for attempt in attempts)
        differ = (black != white).reshape(len(black), -1).any(axis=1)
        self.warn(len(black) - int(np.count_nonzero(differ)), len(black), error, stacklevel=7)
        return attempts[0]

    def warn(self, real: int, rows: int, error: Exception, stacklevel: int = 6) -> None:
        """Say how many rows of a cut-off file are real; refuse it where none is."""
        if real == 0:
            self.refuse(f"is cut off before its first row is complete: {reason_of(error)}")
        message = f"{self.function}: {self.name} is cut off: {real} of {rows} rows are real, the others are filler."
        warnings.warn(message, stacklevel=stacklevel)


_DEEP = re.compile(r"(\w+);16([BLN])")


def _rawmode(picture: Any) -> str:
    """Return how the first tile's samples are laid out in the file."""
    if not picture.tile:
        return ""
    args = picture.tile[0][3]
    first = args if isinstance(args, str) else args[0] if isinstance(args, tuple) and args else ""
    if first == "RGB" and picture.tile[0][0] == "ppm" and args[1] > 255:
        return "PPM;16B"
    return first if isinstance(first, str) else ""


def _with_rawmode(tile: Any, rawmode: str) -> Any:
    args = tile[3]
    changed = rawmode if isinstance(args, str) else (rawmode, *args[1:])
    return type(tile)(tile[0], tile[1], tile[2], changed)


def _is_planar(picture: Any) -> bool:
    tags = getattr(picture, "tag_v2", {})
    return tags.get(284, 1) == 2 and tags.get(277, 1) > 1


def orientation(picture: Any) -> int:
    """Return EXIF's orientation, 1–8; 1 when there is none or it is damaged."""
    blob = picture.info.get("exif", b"")
    if isinstance(blob, bytes) and signature.tag_bytes(io.BytesIO(blob.removeprefix(b"Exif\x00\x00"))) > _MAX_TAGS:
        return 1
    with _quiet():
        try:
            return int(picture.getexif().get(0x0112, 1))
        except Exception:  # the picture is whole, and a damaged note about it is no reason to refuse it
            return 1


def eight_bits(picture: Any, *, keep_alpha: bool) -> Any:
    """Return a picture of an 8-bit mode as H×W, H×W×2, H×W×3 or H×W×4; without alpha it lies on white."""
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        gray = picture.mode in ("1", "L", "LA", "La")
        picture = picture.convert("RGBA")
        if not keep_alpha:
            white = Pillow.new("RGBA", picture.size, (255, 255, 255, 255))
            picture = Pillow.alpha_composite(white, picture).convert("RGB")
        if gray:
            picture = picture.getchannel("R") if not keep_alpha else picture.convert("LA")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    return picture


def _strips(picture: Any) -> Iterator[tuple[int, Any]]:
    """Yield the picture in strips of rows that stay in the processor's cache, each with its first row's number."""
    width, height = picture.size
    rows = height if width >= 1 << 20 else max(1, (1 << 18) // width)
    for y in range(0, height, rows):
        yield y, picture if rows >= height else picture.crop((0, y, width, min(y + rows, height)))


def to_array(picture: Any, convert: Callable[[Any], Any] = np.asarray) -> np.ndarray:
    """Return the pixels in native byte order; ``convert`` works on a strip, so that no whole copy is made."""
    pixels: np.ndarray | None = None
    for y, strip in _strips(picture):
        part = np.asarray(convert(strip))
        if pixels is None:
            pixels = empty((picture.height, *part.shape[1:]), part.dtype.newbyteorder("="))
        pixels[y : y + len(part)] = part
    if pixels is None:
        raise ValueError("it has no rows")
    return pixels


def _pairs(picture: Any) -> np.ndarray:
    """Return bytes as big-endian 16-bit channels, half as many."""
    raw = np.asarray(picture).astype(np.uint16)
    return raw[..., 0::2] << 8 | raw[..., 1::2]


def arrange(pixels: np.ndarray, mode: str) -> np.ndarray:
    """Return H×W or H×W×C pixels as ``mode`` asks, C-contiguous."""
    if mode != "unchanged" and pixels.ndim == 3 and pixels.shape[2] in (2, 4):  # 8-bit ones have no alpha any more
        pixels = _over_white(pixels)
    if mode == "rgb" and pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if mode == "gray" and pixels.ndim == 3:
        from sightline.image.convert import convert

        pixels = convert(pixels, "rgb", "gray")
    return np.ascontiguousarray(pixels)


def _over_white(pixels: np.ndarray) -> np.ndarray:
    """Return 16-bit or floating-point pixels without their alpha, on white."""
    height, width, channels = pixels.shape
    if pixels.dtype == np.float32:
        alpha = pixels[..., -1:]
        blend = pixels[..., :-1] * alpha + (1 - alpha)
        return blend[..., 0] if channels == 2 else blend
    mixed = empty((height, width, channels - 1), np.uint16)
    for row, target in zip(pixels, mixed, strict=True):
        colour, alpha = row[:, :-1].astype(np.uint32), row[:, -1:].astype(np.uint32)
        target[...] = (colour * alpha + 65535 * (65535 - alpha) + 32767) // 65535
    return mixed[..., 0] if channels == 2 else mixed


_warnings_lock = threading.Lock()


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore warnings about metadata. One thread at a time: the filters are global; headers only, so it is brief."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _new_lock() -> None:
    global _warnings_lock
    _warnings_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)
