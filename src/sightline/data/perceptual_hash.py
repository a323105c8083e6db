"""Perceptual hash: 64 bits that hardly change when an image is saved again, resized or made a little lighter.

Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", section 3.2: shrink, take the
discrete cosine transform, keep its low frequencies, and ask of each whether it is above their median.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer
from sightline.core.types import Image
from sightline.data.colour import gray_of

_SIDE, _KEPT = 32, 8


@method(task="data checking", paper="Zauner 2010", lesson="w4d2")
def perceptual_hash(image: Image) -> int:
    """Return a 64-bit hash of what an image looks like; near-identical images differ in few bits.

    Two unrelated images differ in about 32 bits; a copy that was compressed or resized, in 0 to 6.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.

    Returns
    -------
    int
        Row by row from the lowest frequency, the first bit highest.

    References
    ----------
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", thesis, Upper Austria University of
    Applied Sciences, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = np.random.default_rng(1).integers(0, 200, (8, 8), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    >>> (perceptual_hash(blocks) ^ perceptual_hash(blocks + np.uint8(20))).bit_count()
    0
    """
    return hash_of_thumbnail(thumbnail(as_image("perceptual_hash", image, dtypes=("uint8",))))


def hash_of_thumbnail(small: np.ndarray) -> int:
    """Return the hash of an image that was shrunk by :func:`thumbnail`.

    Parameters
    ----------
    small
        32×32 float64.
    """
    low = dctn(small, norm="ortho")[:_KEPT, :_KEPT]
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def thumbnail(image: np.ndarray, side: int = _SIDE) -> np.ndarray:
    """Return the luma of an image averaged to ``side``×``side`` cells, float64 0–255.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8, of any size; sides below ``side`` repeat their pixels.
    side
        Cells along each side, ≥ 1.
    """
    side = integer("thumbnail", "side", side, 1)
    gray = gray_of(image)
    for axis in (0, 1):
        size = gray.shape[axis]
        if size < side:
            gray = np.take(gray, np.arange(side) * size // side, axis=axis)
    rows, columns = (np.arange(side) * size // side for size in gray.shape)
    sums = np.add.reduceat(np.add.reduceat(gray.astype(np.float64), rows, axis=0), columns, axis=1)
    heights, widths = (np.diff(np.append(start, size)) for start, size in zip((rows, columns), gray.shape, strict=True))
    return sums / np.outer(heights, widths)
