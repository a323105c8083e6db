"""Seam carving: an image gets narrower by losing the seams, winding from edge to edge, that are missed the least.

Avidan & Shamir 2007, "Seam carving for content-aware image resizing", ACM Transactions on Graphics (SIGGRAPH) 26(3),
which the code follows in its order; Rubinstein, Shamir & Avidan 2008, "Improved seam carving for video retargeting",
ACM Transactions on Graphics 27(3), for forward energy: what a removal adds, not what it takes away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, choice, size_2d
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Mask, NewImage
from sightline.image.convert import convert
from sightline.image.seams import accumulate, energies, remove_seams

LEVELS = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}  # makes grey levels of each dtype's values
LARGEST = 1 << 28  # pixels in a result
_ROWS = 64  # that are picked from at a time
MOST = 4  # times its own height and width that an image is enlarged to: the work grows with the square of that


def _smaller(image: Any) -> tuple[int, int]:
    """Return a shape that is a little smaller, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    return max(1, height - 3), max(1, width - 5)


class _State(NamedTuple):
    """An image on its way, and what each of its pixels is biased by: large to protect, negative to remove, or None."""

    image: Array
    bias: Array | None
    forward: bool

    def turned(self) -> _State:
        bias = None if self.bias is None else np.ascontiguousarray(self.bias.T)
        return _State(np.ascontiguousarray(self.image.swapaxes(0, 1)), bias, self.forward)


@method(task="sampling", paper="Avidan & Shamir 2007", lesson="w2d7", example={"shape": _smaller})
def seam_carve(
    image: Image,
    shape: tuple[int, int],
    protect: Mask | None = None,
    remove: Mask | None = None,
    *,
    energy: Annotated[str, Choice("backward", "forward")] = "backward",
) -> NewImage:
    """Return the image at another size, with its content kept in proportion.

    What is marked for removal is carved out first, across its shorter side. Then columns are adjusted, and rows after
    them: seams are removed one by one, or, to enlarge, those that would go first are doubled, half the image's width at
    most in one round. The time grows with the pixels times the seams. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    shape
        ``(height, width)`` of the result in pixels, each at most 4 times the image's; the image's own returns an equal
        copy where nothing is removed.
    protect
        H×W bool, true where seams should not pass; None for nowhere.
    remove
        H×W bool, true for what is to go; None for nothing.
    energy
        ``backward``: the gradient of what a seam takes away. ``forward``: the edges that its removal makes.

    Returns
    -------
    The image at its new size, same dtype.

    Raises
    ------
    InputError
        When a mask is not of the image's shape, nothing would be left, or the result would be more than 4 times as
        high or wide, or have more than 2²⁸ pixels.

    References
    ----------
    S. Avidan, A. Shamir, "Seam carving for content-aware image resizing", ACM Transactions on Graphics 26(3), 2007.
    M. Rubinstein, A. Shamir, S. Avidan, "Improved seam carving for video retargeting", ACM Transactions on Graphics
    27(3), 2008.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[90, 0, 0, 0, 90], [90, 0, 0, 0, 90]], np.uint8)
    >>> seam_carve(image, (2, 4))
    array([[90,  0,  0, 90],
           [90,  0,  0, 90]], dtype=uint8)
    """
    height, width = size_2d("seam_carve", "shape", shape)
    state = _start(image, protect, remove, energy)
    _bound(state.image, height, width)
    state = _to_width(_without(state), width)
    state = _to_width(state.turned(), height).turned()
    return np.array(state.image)


@seam_carve.steps
def _steps(
    image: Image, shape: tuple[int, int], protect: Any = None, remove: Any = None, *, energy: str = "backward"
) -> Iterator[Step]:
    height, width = size_2d("seam_carve", "shape", shape)
    state = _start(image, protect, remove, energy)
    _bound(state.image, height, width)
    upright = width != state.image.shape[1] or height == state.image.shape[0]
    turn = (lambda part: part) if upright else (lambda part: np.ascontiguousarray(part.swapaxes(0, 1)))
    one_way = state if upright else state.turned()
    gray = _gray(one_way.image)
    costs = energies(gray)
    yield Step("energy", Heat(turn(costs)), note="How much each pixel differs from its neighbours, in grey levels.")
    total = accumulate(gray, costs if one_way.bias is None else costs + one_way.bias, one_way.forward)
    yield Step("cumulative energy", Heat(turn(total)), note="Of the cheapest seam from the edge to each pixel.")
    count = abs(width - image.shape[1]) if upright else abs(height - image.shape[0])
    seams = _seams(one_way, min(count, one_way.image.shape[1] - 1))[1]
    yield Step("seams", Picture(image), MaskLayer(turn(seams)), note="The first ones to go, or to be doubled.")
    yield Step("carved", Picture(seam_carve(image, shape, protect, remove, energy=energy)))


def _bound(image: Array, height: int, width: int) -> None:
    if height * width > LARGEST:
        raise InputError(f"seam_carve: shape must hold at most 2²⁸ pixels; got {height}×{width}.")
    if height > MOST * image.shape[0] or width > MOST * image.shape[1]:
        raise InputError(
            f"seam_carve: shape must be at most {MOST} times the image's height and width, "
            f"{image.shape[0]}×{image.shape[1]}; got {height}×{width}. Enlarge with resize first."
        )


def _start(image: Any, protect: Any, remove: Any, energy: str) -> _State:
    image = as_image("seam_carve", image, finite=True, most=1e12)
    forward = choice("seam_carve", "energy", energy, ("backward", "forward")) == "forward"
    bias = None if protect is None and remove is None else np.zeros(image.shape[:2], np.float32)
    most = np.float32(4 * 255 * max(image.shape[:2]))  # no seam's own energy is larger
    for name, mask, sign in (("protect", protect, 1), ("remove", remove, -1)):
        if mask is not None and bias is not None:
            bias[as_mask("seam_carve", mask, argument=name, shape=image.shape[:2])] = sign * most
    return _State(image, bias, forward)


def _without(state: _State) -> _State:
    """Remove seams through what is to go until nothing of it is left."""
    rows, columns = np.nonzero(np.zeros((1, 1)) if state.bias is None else state.bias < 0)
    if not len(rows):
        return state
    if np.ptp(rows) < np.ptp(columns):
        return _without_across(state.turned()).turned()
    return _without_across(state)


def _without_across(state: _State) -> _State:
    while state.bias is not None and (count := int((state.bias < 0).sum(axis=1).max())):
        if count >= state.image.shape[1]:
            raise InputError("seam_carve: remove must leave a pixel in each row and column; got a mask that does not.")
        state = _narrowed(state, count)
    return state


def _to_width(state: _State, width: int) -> _State:
    while width > state.image.shape[1]:
        # All pixels of a row would be doubled alike if every seam were taken: half of them at a time.
        state = _widened(state, min(width - state.image.shape[1], max(1, state.image.shape[1] // 2)))
    return _narrowed(state, state.image.shape[1] - width) if width < state.image.shape[1] else state


def _gray(image: Array) -> Array:
    """Return the image in grey levels, H×W float32."""
    gray = image if image.ndim == 2 else convert(image, "rgb", "gray")
    return gray.astype(np.float32) * np.float32(LEVELS[image.dtype.name])


def _seams(state: _State, count: int) -> tuple[Array, Array]:
    """Return the columns that stay in each row when ``count`` seams go, and where the seams are, H×W bool."""
    kept = remove_seams(_gray(state.image), state.bias, count, state.forward)
    gone = np.ones(state.image.shape[:2], np.bool_)
    np.put_along_axis(gone, kept.astype(np.int64), False, axis=1)
    return kept, gone


def _narrowed(state: _State, count: int) -> _State:
    return _picked(state, remove_seams(_gray(state.image), state.bias, count, state.forward))


def _picked(state: _State, columns: Array) -> _State:
    """Return the pixels of these columns, H×N."""
    bias = None if state.bias is None else _at(state.bias, columns)
    return _State(_at(state.image, columns), bias, state.forward)


def _at(part: Array, columns: Array) -> Array:
    picked = np.empty((*columns.shape, *part.shape[2:]), part.dtype)
    for y in range(0, len(columns), _ROWS):  # NumPy makes numbers of eight bytes of what it indexes with
        few = columns[y : y + _ROWS]
        picked[y : y + _ROWS] = part[np.arange(y, y + len(few))[:, None], few]
    return picked


def _widened(state: _State, count: int) -> _State:
    """Double ``count`` seams: the new pixels are the means of their two neighbours."""
    height, width = state.image.shape[:2]
    doubled = _seams(state, count)[1] if width > 1 else np.ones((height, 1), np.bool_)
    columns = np.repeat(np.tile(np.arange(width), height), 1 + doubled.ravel()).reshape(height, width + count)
    wide = _picked(state, columns)
    second = np.zeros(columns.shape, np.bool_)
    second[:, 1:] = columns[:, 1:] == columns[:, :-1]
    rows, places = np.nonzero(second)
    right = state.image[rows, np.minimum(columns[rows, places] + 1, width - 1)].astype(np.float32)
    mean = (wide.image[rows, places].astype(np.float32) + right) / 2
    wide.image[rows, places] = mean if wide.image.dtype == np.float32 else np.rint(mean)
    return wide
