"""Duplicates: images with the same pixels, and images that look the same.

Same pixels are found by SHA-256. Two images look the same when their perceptual hashes differ in a few bits only and
their thumbnails correlate: the hash finds candidates quickly, the correlation throws out those that merely resemble.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightline.core.errors import DataError, SightlineError
from sightline.data.detection_set import DetectionSet
from sightline.data.image_set import ImageSet
from sightline.data.perceptual_hash import hash_of_thumbnail, thumbnail

SMALLEST = 64  # pixels; smaller images, such as digits, look alike without being duplicates
MAX_BITS = 6
MIN_CORRELATION = 0.95
_BLOCK = 512


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of an image to compare it with all others.

    Parameters
    ----------
    sha256
        Digest of its shape and pixels.
    shape
        Its shape.
    constant
        Whether all pixels are equal.
    look
        Perceptual hash, 64 bits.
    small
        32×32 thumbnail, uint8; None for an image with a side below 64 pixels, which is compared by its pixels only.
    """

    sha256: str
    shape: tuple[int, ...]
    constant: bool
    look: int
    small: np.ndarray | None


def fingerprint(image: np.ndarray) -> Fingerprint:
    """Return the fingerprint of an image.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    """
    pixels = np.ascontiguousarray(image)
    digest = hashlib.sha256(f"{image.shape}".encode() + pixels.tobytes()).hexdigest()
    constant = bool((pixels == pixels[:1, :1]).all())
    if min(image.shape[:2]) < SMALLEST or constant:
        return Fingerprint(digest, image.shape, constant, 0, None)
    small = thumbnail(pixels)
    return Fingerprint(digest, image.shape, constant, hash_of_thumbnail(small), np.rint(small).astype(np.uint8))


def same_pixels(prints: Sequence[Fingerprint | None]) -> list[list[int]]:
    """Return groups of two or more images with equal pixels, as indices.

    Parameters
    ----------
    prints
        One fingerprint for each image, None for one that could not be read.
    """
    found: dict[str, list[int]] = {}
    for index, item in enumerate(prints):
        if item is not None:
            found.setdefault(item.sha256, []).append(index)
    return [group for group in found.values() if len(group) > 1]


def look_alikes(prints: Sequence[Fingerprint | None]) -> list[tuple[int, int]]:
    """Return pairs ``(i, j)``, i < j, of images that look the same but differ in their pixels.

    Parameters
    ----------
    prints
        One fingerprint for each image, None for one that could not be read.
    """
    usable = [(index, item) for index, item in enumerate(prints) if item is not None and item.small is not None]
    if len(usable) < 2:
        return []
    looks = np.array([item.look for _, item in usable], np.uint64)
    smalls = np.array([item.small for _, item in usable])
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(looks), _BLOCK):
        bits = np.bitwise_count(looks[start : start + _BLOCK, None] ^ looks[None, start:])
        for row, column in np.argwhere(bits <= MAX_BITS).tolist():
            (i, a), (j, b) = usable[start + row], usable[start + column]
            candidate = row < column and a.sha256 != b.sha256
            if candidate and _correlation(smalls[start + row], smalls[start + column]) >= MIN_CORRELATION:
                pairs.append((i, j))
    return pairs


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    x, y = x - x.mean(), y - y.mean()
    length = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / length if length else 0.0


def duplicate_groups(found: ImageSet | DetectionSet) -> np.ndarray:
    """Return one number for each sample of all splits; samples that are (near-)duplicates of one another share it.

    Parameters
    ----------
    found
        An opened set; every image is read once.

    Returns
    -------
    numpy.ndarray
        N whole numbers, in the order of ``found.splits``: what ``merge_and_split`` takes.
    """
    pool = found.pool()
    prints: list[Fingerprint | None] = []
    for index, key in enumerate(pool.keys):
        try:
            prints.append(fingerprint(pool[index][0]))
        except SightlineError as error:
            raise DataError(f"duplicate_groups: '{key}' cannot be read: {error}") from error
    links = look_alikes(prints) + [(group[0], other) for group in same_pixels(prints) for other in group[1:]]
    return connect(len(pool), links)


def connect(count: int, links: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the group of each of ``count`` items when linked items belong together (also over others).

    Parameters
    ----------
    count
        Number of items, ≥ 0.
    links
        Pairs of indices.
    """
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in links:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    return np.array([root(item) for item in range(count)], np.int64)
