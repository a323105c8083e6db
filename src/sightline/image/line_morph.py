"""Line morph: lines drawn on two pictures say what becomes what, and every pixel follows the lines near it.

Beier & Neely 1992, "Feature-based image metamorphosis", SIGGRAPH, which the code follows, in its letters: a pixel X of
the new picture lies u along and v beside a line PQ, and X' lies so beside its partner P'Q'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Real

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Lines, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.mesh_morph import as_two, example_mirrored, mixed
from sightline.image.warp import warp_by_bands

Segments = Real[np.ndarray, "n 4"]


def _upright(image: Any) -> Array:
    """Return an upright and a level line, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    size = np.array([width, height, width, height])
    return np.array([(0.4, 0.2, 0.4, 0.8), (0.1, 0.5, 0.9, 0.5)]) * size


def _leaning(image: Any) -> Array:
    """Return the same lines, leaning."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    return _upright(image) + np.array([(0.1, 0, 0.2, 0), (0, 0, 0, 0.1)]) * np.array([width, height, width, height])


@method(
    task="morphing",
    paper="Beier & Neely 1992",
    lesson="w2d7",
    example={"b": example_mirrored, "lines_a": _upright, "lines_b": _leaning},
)
def line_morph(
    a: Image,
    b: Image,
    lines_a: Segments,
    lines_b: Segments,
    t: Annotated[float, Range(0, 1, 0.05)] = 0.5,
    *,
    softness: Annotated[float, Range(0.01, 100)] = 1.0,
    falloff: Annotated[float, Range(0, 4, 0.1)] = 2.0,
    length_power: Annotated[float, Range(0, 1, 0.1)] = 0.0,
) -> Image:
    """Return the picture that is the share ``t`` of the way from one to the other.

    Lines stand between their two places, both pictures are warped to them, and then mixed. A line counts
    (length^p / (a + distance))^b. Beyond a picture its border pixels repeat. NaN and infinity in a picture spoil the
    pixels that they reach; among the lines they are refused.

    Parameters
    ----------
    a, b
        The two pictures, H×W or H×W×C of one shape and dtype; uint8, uint16 or float32.
    lines_a, lines_b
        N×4 ``(x1, y1, x2, y2)`` of the same N ≥ 1 features in each picture, in pixels; each longer than 0.
    t
        0 gives ``a``, 1 gives ``b``.
    softness
        The paper's a in pixels, 0.01–100: the smaller, the more strictly pixels on a line follow it.
    falloff
        The paper's b, 0–4: how fast a line's pull fades with distance; 0 lets all count alike.
    length_power
        The paper's p, 0–1: how much longer lines count more.

    Returns
    -------
    The picture between them, same dtype.

    Raises
    ------
    InputError
        When the pictures or the lists of lines do not match, or a line has no length.

    References
    ----------
    T. Beier, S. Neely, "Feature-based image metamorphosis", Computer Graphics (SIGGRAPH) 26(2), 1992.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.zeros((2, 5, 7), np.uint8)
    >>> a[:, 2], b[:, 4] = 200, 100
    >>> line_morph(a, b, np.array([[2, 0, 2, 4]]), np.array([[4, 0, 4, 4]]))[2]
    array([  0,   0,   0, 150,   0,   0,   0], dtype=uint8)
    """
    a, b = as_two("line_morph", a, b)
    t = number("line_morph", "t", t, 0, 1)
    weighing = (
        number("line_morph", "softness", softness, 0.01, 100, unit="pixels"),
        number("line_morph", "falloff", falloff, 0, 4),
        number("line_morph", "length_power", length_power, 0, 1),
    )
    old_a, old_b, between = _lines(lines_a, lines_b, t)
    return mixed(_warped(a, old_a, between, weighing), _warped(b, old_b, between, weighing), t)


@line_morph.steps
def _steps(
    a: Image,
    b: Image,
    lines_a: Segments,
    lines_b: Segments,
    t: float = 0.5,
    *,
    softness: float = 1.0,
    falloff: float = 2.0,
    length_power: float = 0.0,
) -> Iterator[Step]:
    a, b = as_two("line_morph", a, b)
    old_a, old_b, between = _lines(lines_a, lines_b, t)
    weighing = float(softness), float(falloff), float(length_power)
    yield Step("a", Picture(a), Lines(old_a.astype(np.float32)))
    yield Step("b", Picture(b), Lines(old_b.astype(np.float32)))
    for name, picture, old in (("warped a", a, old_a), ("warped b", b, old_b)):
        warped = _warped(picture, old, between, weighing)
        yield Step(name, Picture(warped), Lines(between.astype(np.float32)), note="To the lines in between.")
    options = {"softness": softness, "falloff": falloff, "length_power": length_power}
    yield Step("mix", Picture(line_morph(a, b, lines_a, lines_b, t, **options)), note=f"The second one counts {t:g}.")


def _lines(lines_a: Any, lines_b: Any, t: float) -> tuple[Array, Array, Array]:
    """Return both lists of lines and those in between, N×4 float64, or raise."""
    checked = []
    for name, lines in (("lines_a", lines_a), ("lines_b", lines_b)):
        if not isinstance(lines, np.ndarray) or lines.ndim != 2 or lines.shape[1] != 4 or lines.dtype.kind not in "iuf":
            raise InputError(f"line_morph: {name} must be N×4 of (x1, y1, x2, y2); got {describe(lines)}.")
        lines = lines.astype(np.float64)
        if len(lines) == 0 or not (np.abs(lines) < 1e7).all():
            raise InputError(
                f"line_morph: {name} must hold a line, finite and below 10⁷ pixels; got {describe(lines)}."
            )
        checked.append(lines)
    old_a, old_b = checked
    if len(old_a) != len(old_b):
        raise InputError(f"line_morph: lines_b must be as many as lines_a; got {len(old_a)} and {len(old_b)}.")
    between = (1 - t) * old_a + t * old_b
    for name, lines in (("lines_a", old_a), ("lines_b", old_b), ("lines between the two", between)):
        lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
        if (lengths < 1e-6).any():
            raise InputError(
                f"line_morph: {name} must be longer than 0; got one at row {int(lengths.argmin())} that is not."
            )
    return old_a, old_b, between


def _warped(picture: Array, old: Array, new: Array, weighing: tuple[float, float, float]) -> Array:
    """Return a picture with its ``old`` lines moved to the ``new`` ones."""
    if np.array_equal(old, new):
        return picture.copy()

    def band(y0: int, y1: int) -> Array:
        field = empty((y1 - y0, picture.shape[1], 2), np.float32)
        _follow(new, old, *weighing, field, y0, y1)
        return field

    return warp_by_bands("line_morph", picture, band, picture.shape[:2], "bilinear", "edge", 0)


@kernel
def _follow(new, old, softness, falloff, length_power, field, y0, y1):
    """Write the weighted mean of where each line would fetch the pixels of rows ``y0`` to ``y1``, the field's, from."""
    for y in range(y0, y1):
        for x in range(field.shape[1]):
            sum_x, sum_y, weights = 0.0, 0.0, 0.0
            for i in range(len(new)):
                px, py, qx, qy = new[i]
                rx, ry, sx, sy = old[i]
                dx, dy, ex, ey = qx - px, qy - py, sx - rx, sy - ry
                length, other = np.sqrt(dx * dx + dy * dy), np.sqrt(ex * ex + ey * ey)
                u = ((x - px) * dx + (y - py) * dy) / (length * length)
                v = ((y - py) * dx - (x - px) * dy) / length
                distance = abs(v)
                if u < 0:
                    distance = np.sqrt((x - px) ** 2 + (y - py) ** 2)
                elif u > 1:
                    distance = np.sqrt((x - qx) ** 2 + (y - qy) ** 2)
                weight = (length**length_power / (softness + distance)) ** falloff
                sum_x += weight * (rx + u * ex - v * ey / other - x)
                sum_y += weight * (ry + u * ey + v * ex / other - y)
                weights += weight
            field[y - y0, x, 0], field[y - y0, x, 1] = x + sum_x / weights, y + sum_y / weights
