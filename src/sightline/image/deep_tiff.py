"""TIFF files of 16-bit and floating-point colour, which Pillow does not write: tags, then strips of plain samples.

TIFF 6.0, Adobe 1992, sections 2 (structure), 6 (RGB), 18 (alpha) and 19 (kinds of samples).
"""

from __future__ import annotations

import struct

import numpy as np

from sightline.core.errors import InputError

_STRIP = 1 << 16  # bytes of a strip, about: readers may take a file strip by strip
_SHORT, _LONG = 3, 4  # kinds of numbers in a tag
_LIMIT = 1 << 32  # places in a file are 32-bit numbers


def deep_tiff(pixels: np.ndarray) -> bytes:
    """Return a TIFF file, without compression.

    Parameters
    ----------
    pixels
        H×W×C uint16 or float32: 2 channels are grey and alpha, 3 RGB, 4 RGB and alpha, which is not multiplied in.
    """
    height, width, channels = pixels.shape
    samples = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).reshape(height, -1)
    across = samples.shape[1] * samples.itemsize
    rows = max(1, min(height, _STRIP // across))
    counts = [across * min(rows, height - y) for y in range(0, height, rows)]
    bits, kind = 8 * pixels.itemsize, 3 if pixels.dtype.kind == "f" else 1
    tags = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [bits] * channels),
        259: (_SHORT, [1]),  # no compression
        262: (_SHORT, [2 if channels > 2 else 1]),  # RGB, or grey where 0 is black
        273: (_LONG, [0] * len(counts)),  # where the strips lie: known when all tags are
        277: (_SHORT, [channels]),
        278: (_LONG, [rows]),
        279: (_LONG, counts),
        284: (_SHORT, [1]),  # the channels of a pixel side by side
        **({338: (_SHORT, [2])} if channels % 2 == 0 else {}),  # alpha, not multiplied in
        339: (_SHORT, [kind] * channels),
    }
    start = len(_directory(tags))
    if start + height * across >= _LIMIT:
        raise InputError(f"write: image must take less than 4 GiB in a TIFF; got {height}×{width}×{channels}.")
    tags[273] = (_LONG, [start + rows * across * index for index in range(len(counts))])
    return _directory(tags) + samples.tobytes()


def _directory(tags: dict[int, tuple[int, list[int]]]) -> bytes:
    """Return the head of the file and the tags, with what does not fit into a tag's four bytes behind them."""
    after = 8 + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        data = struct.pack(f"<{len(numbers)}{'H' if kind == _SHORT else 'I'}", *numbers)
        if len(data) > 4:
            place = struct.pack("<I", after + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, len(numbers)) + place
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0\0\0\0" + values
