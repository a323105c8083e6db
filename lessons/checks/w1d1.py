"""Checks of w1d1: brighter without wrapping around."""

import numpy as np

from sightline.lab.grading import Case


def solution(image, amount):
    """Widen, add, clip, narrow."""
    return np.clip(image.astype(np.int32) + amount, 0, 255).astype(np.uint8)


def cases():
    """Yield small pictures at both ends of the range."""
    ramp = np.arange(0, 256, 5, dtype=np.uint8).reshape(4, 13)
    yield Case("a little brighter", (ramp[:2], 10))
    yield Case("past 255", (ramp, 60), hint="uint8 starts again at 0: widen the numbers before you add.")
    yield Case("below 0", (ramp, -60), hint="Negative amounts darken; the least value is 0.")
    yield Case("a colour picture", (np.full((2, 2, 3), 250, np.uint8), 300))
    yield Case("nothing added", (ramp, 0))


def wrong_wraps(image, amount):
    """Add in uint8."""
    return (image + amount).astype(np.uint8)


def wrong_in_place(image, amount):
    """Change what was handed in."""
    image[:] = np.clip(image.astype(int) + amount, 0, 255)
    return image


def wrong_wide(image, amount):
    """Forget to come back to uint8."""
    return np.clip(image.astype(int) + amount, 0, 255)


def wrong_one_end(image, amount):
    """Clip at the top only."""
    return np.minimum(image.astype(int) + amount, 255).astype(np.uint8)
