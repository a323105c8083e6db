"""Checks of w1d3: stretch the levels between two bounds."""

import numpy as np

from sightline.lab.grading import Case


def solution(image, low, high):
    """Return the straight line, clipped."""
    line = (image.astype(np.float64) - low) * (255 / (high - low))
    return np.rint(np.clip(line, 0, 255)).astype(np.uint8)


def cases():
    """Yield ramps and bounds."""
    ramp = np.arange(0, 256, 5, dtype=np.uint8).reshape(4, 13)
    yield Case("the middle half", (ramp, 64, 191), 0)
    yield Case("nothing to do", (ramp, 0, 255), 0)
    yield Case("a colour picture", (np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10, 50, 150), 0)
    yield Case("dark photo", (ramp[:2], 0, 100), 0, "Levels at or above high become 255, not more: clip.")
    yield Case("neighbouring bounds", (np.array([[9, 10, 11, 12]], np.uint8), 10, 11), 0)


def wrong_wraps(image, low, high):
    """Do not clip."""
    return ((image.astype(float) - low) * 255 / (high - low)).astype(np.int64).astype(np.uint8)


def wrong_truncates(image, low, high):
    """Cut decimals off instead of rounding."""
    return np.clip((image.astype(float) - low) * 255 / (high - low), 0, 255).astype(np.uint8)


def wrong_by_high(image, low, high):
    """Divide by high instead of by the distance."""
    return np.rint(np.clip((image.astype(float) - low) * 255 / high, 0, 255)).astype(np.uint8)
