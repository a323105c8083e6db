"""Work on how light a picture is: on a grey image itself, on L* of a colour image, whose colours stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightline.core.checks import output
from sightline.core.types import Array
from sightline.image.convert import convert


def as_levels(lightness: Array) -> Array:
    """Return H×W uint8 and uint16 as they are, float32 0–1 in 65536 levels."""
    if lightness.dtype != np.float32:
        return lightness
    return np.rint(np.clip(lightness, 0, 1) * np.float32(65535)).astype(np.uint16)


def lightness_of(image: Array) -> Array:
    """Return a grey image as it is, and of H×W×3 L* of Lab as levels that fill the dtype."""
    if image.ndim == 2:
        return as_levels(image)
    lightness = np.ascontiguousarray(convert(image, "rgb", "lab")[..., 0])
    return as_levels(lightness / np.float32(100) if image.dtype == np.float32 else lightness)


def relight(function: str, image: Array, change: Callable[[Array, Array], Array], out: Array | None) -> Array:
    """Return ``image`` with the levels of its lightness replaced by ``change`` of them.

    Parameters
    ----------
    function
        Name for an error's sentence.
    image
        H×W or H×W×3, checked.
    change
        Takes H×W uint8 or uint16 and an array to write the new ones to, and returns that.
    out
        Array for the result, or None.
    """
    result = output(function, out, image.shape, image.dtype, [image])
    floats = image.dtype == np.float32
    if image.ndim == 2:
        if not floats:
            return change(image, result)
        levels = as_levels(image)
        return np.multiply(change(levels, np.empty_like(levels)), np.float32(1 / 65535), out=result)
    lab = convert(image, "rgb", "lab")
    lightness = np.ascontiguousarray(lab[..., 0])
    levels = as_levels(lightness / np.float32(100)) if floats else lightness
    changed = change(levels, np.empty_like(levels))
    lab[..., 0] = changed * np.float32(100 / 65535) if floats else changed
    return convert(lab, "lab", "rgb", out=result)
