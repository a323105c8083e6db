"""Lucas and Kanade's flow: a small window moves as one, by the step that explains best how its pixels changed.

Lucas & Kanade 1981, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI; from
coarse to fine as Bouguet 2001, "Pyramidal Implementation of the Lucas Kanade Feature Tracker", whose order the code
follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Flow, Image, Points, Range
from sightline.image.draw_motion import flow as draw_flow
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.motion.flow_pair import as_pair, example_next, grid_of, levels_worth
from sightline.motion.flow_windows import STRIP, follow
from sightline.motion.point_flow import PointFlow

ITERATIONS = 30
PLAIN = 0.32  # grey levels per pixel: OpenCV's least eigenvalue of 0.0001


@method(task="optical flow", paper="Lucas & Kanade 1981", lesson="w3d6", example={"b": example_next, "points": grid_of})
def lucas_kanade(
    a: Image,
    b: AnyImage,
    points: Points | None = None,
    window: Annotated[int, Range(3, 63, 2)] = 21,
    levels: Annotated[int, Range(0, 8, 1)] = 3,
    *,
    iterations: Annotated[int, Range(1, 100, 1)] = ITERATIONS,
    texture: Annotated[float, Range(0, 50, 0.01)] = PLAIN,
) -> Flow | PointFlow:
    """Return where points of a picture are in the next one; without points, where each pixel is.

    A point is lost where its window is too plain, so that its motion cannot be told, and where it leaves the picture.
    Beyond the border, pictures are mirrored. NaN and infinity are refused.

    Parameters
    ----------
    a, b
        The two pictures, H×W, or H×W×3, which are turned to grey; uint8, uint16 or finite float32; of one size.
    points
        N×2 (x, y) in pixels of ``a``; None for every pixel.
    window
        Side of the square that moves as one, in pixels, odd, 3–63.
    levels
        How many times the pictures are halved, 0–8, for motion of more than a few pixels; the coarsest is larger than
        the window in any case.
    iterations
        Most steps on a level, 1–100; a step below 0.01 pixels is the last one.
    texture
        A window is plain when its brightness, in the direction in which it changes least, changes by less than this:
        root mean square, grey levels of 255 per pixel, 0–50.

    Returns
    -------
    PointFlow or ndarray
        The points with what was found (it unpacks as points, found, errors); or the flow, H×W×2 float32 (dx, dy), NaN
        where it cannot be told.

    Raises
    ------
    InputError
        When the pictures differ in size, points are not N×2 finite numbers, or an option is out of its range.

    References
    ----------
    B. D. Lucas, T. Kanade, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI,
    1981. J.-Y. Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature Tracker", Intel, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:60, :80]
    >>> a = np.uint8(127 + 60 * np.sin(x / 4) + 60 * np.cos(y / 5))
    >>> moved = lucas_kanade(a, np.roll(a, (1, 2), (0, 1)), np.array([[40.0, 30.0]]))
    >>> moved.points.round(1).tolist(), moved.found.tolist()
    ([[42.0, 31.0]], [True])
    """
    first, second = as_pair("lucas_kanade", a, b)
    window = integer("lucas_kanade", "window", window, 3, 63, odd=True)
    levels = integer("lucas_kanade", "levels", levels, 0, 8)
    iterations = integer("lucas_kanade", "iterations", iterations, 1, 100)
    texture = number("lucas_kanade", "texture", texture, 0, 50, unit="grey levels per pixel")
    starts = _every_pixel(first.shape) if points is None else _as_points(points)
    old, new = pyramids(first, levels, window), pyramids(second, levels, window)
    *_, last = from_coarse_to_fine(old, new, starts, window, iterations, texture)
    return _as_flow(last, first.shape) if points is None else last


@lucas_kanade.steps
def _steps(
    a: Image, b: AnyImage, points: Any = None, window: int = 21, levels: int = 3, **options: Any
) -> Iterator[Step]:
    first, second = as_pair("lucas_kanade", a, b)
    yield Step("pair", Picture(a), Picture(b), note="Every window of the first picture is sought in the second one.")
    starts = _every_pixel(first.shape) if points is None else _as_points(points)
    old, new = pyramids(first, levels, window), pyramids(second, levels, window)
    *before, last = from_coarse_to_fine(old, new, starts, window, **options)
    coarse = len(before)
    for index, state in enumerate(before):
        shown = draw_flow(_as_flow(state, first.shape)) if points is None else state.draw(first.astype(np.uint8))
        yield Step(f"level {coarse - index}", Picture(shown), note=f"At 1/{1 << (coarse - index)} of the size.")
    if points is None:
        flow = _as_flow(last, first.shape)
        yield Step("flow", Value(flow), Picture(draw_flow(flow)), note="Hue: where to. Black: too plain to be told.")
    else:
        note = f"{int(last.found.sum())} of {len(last)} points were found again."
        yield Step("flow", Value(last), Picture(last.draw(first.astype(np.uint8))), note=note)


def pyramids(a: Array, levels: int, window: int) -> list[Array]:
    """Return a picture and its halves, as many of up to ``levels`` as are larger than the window."""
    return pyramid_of(a, levels_worth(a.shape, levels, window) + 1)


def from_coarse_to_fine(
    old: list[Array], new: list[Array], starts: Array, window: int, iterations: int = ITERATIONS, texture: float = PLAIN
) -> Iterator[PointFlow]:
    """Yield how far points (N×2 float32) have come after each level of two pyramids, in pixels of the pictures."""
    ends = starts * np.float32(0.5 ** (len(old) - 1))
    found, errors = np.ones(len(starts), np.bool_), np.zeros(len(starts), np.float32)
    for level in range(len(old) - 1, -1, -1):
        options = (window, iterations, np.float32(texture * texture), level == 0)
        scale = np.float32(0.5**level)
        over_rows(
            follow, len(starts), old[level], new[level], starts, scale, *options, ends, found, errors, strip=STRIP
        )
        if level > 0:
            yield PointFlow(starts, ends / scale, found.copy(), errors.copy())
            ends *= np.float32(2)
    ends[~found], errors[~found] = np.nan, np.nan
    yield PointFlow(starts, ends, found, errors)


def _as_points(points: Any) -> Array:
    array = np.asarray(points) if not isinstance(points, np.ndarray) else points
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise InputError(f"lucas_kanade: points must be N×2 finite numbers (x, y); got {describe(points)}.")
    return np.array(np.clip(array, -1e6, 1e6), np.float32)


def _every_pixel(shape: tuple[int, ...]) -> Array:
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y], axis=2).reshape(-1, 2)


def _as_flow(moved: PointFlow, shape: tuple[int, ...]) -> Array:
    return moved.flow.reshape(*shape, 2)
