"""Parts of photos, and how far two pictures are apart, for the tests of augmentation."""

from __future__ import annotations

import numpy as np


def levels_apart(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape
    assert a.dtype == b.dtype == np.uint8
    return int(np.abs(a.astype(int) - b).max())


def small_photos(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return parts of the photos, at most 150 pixels long, gray and RGB."""
    return [np.ascontiguousarray(image[:149, :150]) for image in photos.values()]
