"""Unpacking LZW as TIFF files hold it: codes of 9 to 12 bits, the highest bit first, wider one code early.

Welch 1984, "A Technique for High-Performance Data Compression", Computer 17(6); TIFF 6.0, Adobe 1992, section 13.
"""

import numpy as np

from sightline.core.kernels import kernel

_CLEAR, _END, _FIRST, _CODES = 256, 257, 258, 4096


@kernel
def unpack_lzw(data, out):
    """Write what the codes stand for, and return how many bytes that is: up to the end, damage or a full ``out``.

    ``data`` and ``out`` are arrays of bytes. Every string of the table is a piece of what is written already: the one
    before, and the first byte after it.
    """
    starts, lengths = np.zeros(_CODES, np.int64), np.ones(_CODES, np.int64)
    written, known, width, before = 0, _FIRST, 9, -1
    held, bits, place = 0, 0, 0
    while written < len(out):
        while bits < width and place < len(data):
            held, bits, place = ((held << 8) | data[place]) & 0xFFFFFFF, bits + 8, place + 1
        if bits < width:
            return written
        code = (held >> (bits - width)) & ((1 << width) - 1)
        bits -= width
        if code == _END:
            return written
        if code == _CLEAR:
            known, width, before = _FIRST, 9, -1
            continue
        if code > known or (before < 0 and code > _CLEAR):
            return written
        if before >= 0 and known < _CODES:
            starts[known], lengths[known] = before, written - before + 1
            known += 1
        before = written
        if code < _CLEAR:
            out[written] = code
            written += 1
        else:
            for i in range(starts[code], starts[code] + lengths[code]):
                if written < len(out):
                    out[written] = out[i]
                    written += 1
        if known >= (1 << width) - 1 and width < 12:
            width += 1
    return written
