"""Floating-point TIFF files that Pillow does not open: colour, half and double precision.

TIFF 6.0, Adobe 1992, sections 2 to 4, 14 (differences) and 15 (tiles); Deflate and the floating-point
differences from Adobe's Photoshop TIFF Technical Notes 2002 and TIFF Technical Note 3 (2005).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO, Any, Protocol

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from sightline.core.buffers import empty

_COMPRESSIONS = {1: "none", 5: "LZW", 8: "Deflate", 32946: "Deflate"}
_KINDS = {1: "whole numbers", 2: "signed whole numbers", 3: "floating-point numbers"}
_PHOTOMETRIC = {1: 1, 2: 3}  # black is zero, RGB: channels before the extra ones


class Fence(Protocol):
    """Who says no, in one sentence that names the file."""

    def refuse(self, reason: str) -> Any:
        """Raise."""


class FloatTiff:
    """The first page of a TIFF file of floating-point samples; as much of Pillow's interface as the fence asks for.

    Parameters
    ----------
    stream
        Seekable.
    fence
        Refuses what cannot be read.
    """

    mode, format = "F", "TIFF"

    def __init__(self, stream: IO[bytes], fence: Fence) -> None:
        self.stream, self.fence, self.info, self.tile = stream, fence, {}, []
        stream.seek(0)
        head = stream.read(8)
        self.tags = ImageFileDirectory_v2(head + (stream.read(8) if head[2:4] in (b"+\0", b"\0+") else b""))
        stream.seek(self.tags.next)
        self.tags.load(stream)
        self.order = "<" if head[:2] == b"II" else ">"
        self.width, self.height = self.size = self._number(256), self._number(257)
        self.channels = self._number(277, 1)
        self.bits = self._all_of(258, 1)
        self._check()
        self.dtype = np.dtype(f"{self.order}f{self.bits // 8}")
        self.planes = self.channels if self._number(284, 1) == 2 else 1
        tiled = 322 in self.tags
        self.wide = self._number(322) if tiled else self.width
        self.tall = self._number(323) if tiled else min(self._number(278, self.height), self.height)
        self.tiled = tiled
        if min(self.width, self.height, self.wide, self.tall) < 1:
            fence.refuse("is a TIFF of no pixels")

    def _number(self, tag: int, default: int = 0) -> int:
        value = self.tags.get(tag, default)
        return int(value[0] if isinstance(value, tuple) else value)

    def _all_of(self, tag: int, default: int) -> int:
        """Return what a tag says of every channel; 0 where it says different things."""
        value = self.tags.get(tag, default)
        values = {int(one) for one in value} if isinstance(value, tuple) else {int(value)}
        return values.pop() if len(values) == 1 else 0

    def _check(self) -> None:
        kind, photometric = self._all_of(339, 1), self._number(262, -1)
        colours = _PHOTOMETRIC.get(photometric, 0)
        if kind != 3 or self.bits not in (16, 32, 64) or not 0 <= self.channels - colours <= 1 or not colours:
            self.fence.refuse(
                f"is a TIFF of {self.channels} channels of {self.bits or 'several numbers of'} bits, "
                f"{_KINDS.get(kind, 'of several kinds')} (photometric {photometric}), which cannot be read. "
                "Save it as grey or RGB of 8 or 16 bits or of floating-point numbers"
            )
        compression = self._number(259, 1)
        if compression not in _COMPRESSIONS:
            self.fence.refuse(
                f"is a floating-point TIFF of compression {compression}, which cannot be read. "
                "Save it without, or with LZW or Deflate"
            )
        if self._number(317, 1) not in (1, 2, 3) or self._number(266, 1) != 1:
            self.fence.refuse("is a floating-point TIFF with differences or an order of bits that are not known")

    @property
    def weight(self) -> int:
        """Bytes a pixel while decoding, by which the limit of pixels is lowered."""
        return 12 if self.bits < 64 else 24

    def getexif(self) -> Any:
        """Return the tags, which hold the orientation."""
        return self.tags

    def seek(self, number: int) -> None:
        """Refuse to leave out pages in silence."""
        if self.tags.next:
            self.fence.refuse("has several pages of floating-point colour, of which only read(…) gives the first")

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return H×W or H×W×C float32, as stored but for alpha that was multiplied in, and H bool: the rows that are
        whole; the others are partly zeros. A number beyond float32 is refused.
        """
        out = empty((self.height, self.width, self.channels), np.float32)
        whole = np.ones(self.height, bool)
        for y, x, plane, values, rows in self._chunks():
            part = out[y : y + self.tall, x : x + self.wide, plane]
            with np.errstate(over="ignore"):
                part[...] = values[: part.shape[0], : part.shape[1]]
            if self.bits == 64 and np.any(np.isinf(part) & np.isfinite(values[: part.shape[0], : part.shape[1]])):
                self.fence.refuse("holds numbers beyond what float32 can keep")
            whole[y + rows : y + len(part)] = False
        if self._number(338) == 1 and self.channels in (2, 4):  # multiplied in
            alpha = out[..., -1:]
            np.divide(out[..., :-1], alpha, out=out[..., :-1], where=alpha > 0)
        return _upright(out[..., 0] if self.channels == 1 else out, self._number(274, 1)), whole

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels in (2, 4) and self._number(338) in (1, 2)

    def _chunks(self) -> Iterator[tuple[int, int, Any, np.ndarray, int]]:
        """Yield the strips or tiles: first row and column, plane, tall×wide×channels values, rows that are real."""
        offsets, counts = (324, 325) if self.tiled else (273, 279)
        starts, sizes = (np.atleast_1d(self.tags.get(tag, ())) for tag in (offsets, counts))
        places = [
            (y, x, plane if self.planes > 1 else None)
            for plane in range(self.planes)
            for y in range(0, self.height, self.tall)
            for x in range(0, self.width, self.wide)
        ]
        if len(starts) < len(places) or len(sizes) < len(places):
            raise OSError(f"it has {min(len(starts), len(sizes))} of {len(places)} parts")
        for (y, x, plane), start, size in zip(places, starts, sizes, strict=False):
            rows = self.tall if self.tiled else min(self.tall, self.height - y)
            channels = self.channels if plane is None else 1
            most = 4096 + 2 * rows * self.wide * channels * self.dtype.itemsize  # however many parts share their bytes
            self.stream.seek(int(start))
            values, real = self._values(self.stream.read(min(int(size), most)), rows, channels)
            yield y, x, slice(None) if plane is None else slice(plane, plane + 1), values, real

    def _values(self, data: bytes, rows: int, channels: int) -> tuple[np.ndarray, int]:
        """Return rows×wide×channels values, and how many of the rows the data reach to."""
        row_bytes = self.wide * channels * self.dtype.itemsize
        raw = np.zeros(rows * row_bytes, np.uint8)
        compression = _COMPRESSIONS[self._number(259, 1)]
        if compression == "LZW":
            from sightline.image.lzw import unpack_lzw  # compiled; reading files needs no compiler otherwise

            written = unpack_lzw(np.frombuffer(data, np.uint8), raw)
        else:
            plain = _inflate(data, raw.size) if compression == "Deflate" else data[: raw.size]
            written = len(plain)
            raw[:written] = np.frombuffer(plain, np.uint8)
        return self._sums(raw.reshape(rows, row_bytes), channels), written // row_bytes

    def _sums(self, raw: np.ndarray, channels: int) -> np.ndarray:
        """Undo the differences: of whole numbers of the samples' width, or of bytes that were sorted by their rank."""
        predictor, size, shape = self._number(317, 1), self.dtype.itemsize, (len(raw), self.wide, channels)
        if predictor == 2:
            whole = raw.view(f"{self.order}u{size}").reshape(shape)
            return np.cumsum(whole, axis=1, dtype=f"u{size}").view(f"f{size}")
        if predictor == 3:
            sums = np.cumsum(raw.reshape(len(raw), -1, channels), axis=1, dtype=np.uint8)
            ranks = sums.reshape(len(raw), size, -1).transpose(0, 2, 1)
            return np.ascontiguousarray(ranks).view(f">f{size}").reshape(shape)
        return raw.view(self.dtype).reshape(shape)


def _inflate(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error as error:
        raise OSError(f"broken data: {error}") from error


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels by the tag Orientation, 1 to 8; another value leaves them."""
    if 5 <= orientation <= 8:
        pixels = pixels.swapaxes(0, 1)  # 5: rows and columns change places
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}.get(orientation, ())
    return np.ascontiguousarray(np.flip(pixels, flips))
