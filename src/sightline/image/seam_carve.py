"""Seam carving: an image gets narrower by losing the seams, winding from edge to edge, that are missed the least.

Avidan & Shamir 2007, "Seam carving for content-aware image resizing", ACM Transactions on Graphics (SIGGRAPH) 26(3),
which the code follows in its order; Rubinstein, Shamir & Avidan 2008, "Improved seam carving for video retargeting",
ACM Transactions on Graphics 27(3), for forward energy: what a removal adds, not what it takes away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np

from sightline.core import buffers
from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, choice, size_2d
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Mask, NewImage
from sightline.image.convert import convert
from sightline.image.seams import accumulate, energies, mark_seams, with_seams_twice, without_seams

LEVELS = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}  # makes grey levels of each dtype's values
LARGEST = 1 << 28  # pixels in a result
MOST = 4  # times its own height and width that an image is enlarged to: the work grows with the square of that


def _smaller(image: Any) -> tuple[int, int]:
    """Return a shape that is a little smaller, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    return max(1, height - 3), max(1, width - 5)


class _State(NamedTuple):
    """An image on its way, and what its pixels are biased by: 1 to protect, -1 to remove, times ``weight``; or None."""

    image: Array
    bias: Array | None
    weight: float
    forward: bool

    def turned(self) -> _State:
        bias = None if self.bias is None else np.ascontiguousarray(self.bias.T)
        return self._replace(image=np.ascontiguousarray(self.image.swapaxes(0, 1)), bias=bias)


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
    given = _start(image, protect, remove, energy)
    _bound(given.image, height, width)
    state = _to_width(_without(given), width)
    if height != state.image.shape[0]:
        state = state.turned()
        state = _to_width(state, height)
        state = state.turned()
    return state.image.copy() if state.image is given.image else state.image


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
    gray = _gray(one_way.image).astype(np.float32) * np.float32(LEVELS[one_way.image.dtype.name])
    costs = energies(gray)
    yield Step("energy", Heat(turn(costs)), note="How much each pixel differs from its neighbours, in grey levels.")
    total = accumulate(gray, one_way.bias, one_way.weight, one_way.forward)
    yield Step("cumulative energy", Heat(turn(total)), note="Of the cheapest seam from the edge to each pixel.")
    count = abs(width - image.shape[1]) if upright else abs(height - image.shape[0])
    bits = _seams(one_way, min(count, one_way.image.shape[1] - 1))
    seams = np.unpackbits(bits, axis=1, count=one_way.image.shape[1], bitorder="little").view(np.bool_)
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
    bias = None if protect is None and remove is None else np.zeros(image.shape[:2], np.int8)
    for name, mask, sign in (("protect", protect, 1), ("remove", remove, -1)):
        if mask is not None and bias is not None:
            bias[as_mask("seam_carve", mask, argument=name, shape=image.shape[:2])] = sign
    most = 4 * 255 * max(image.shape[:2])  # no seam's own energy is larger
    return _State(image, bias, most, forward)


def _without(state: _State) -> _State:
    """Remove seams through what is to go until nothing of it is left."""
    marked = np.zeros((1, 1), np.bool_) if state.bias is None else state.bias < 0
    if not marked.any():
        return state
    if np.ptp(np.flatnonzero(marked.any(axis=1))) < np.ptp(np.flatnonzero(marked.any(axis=0))):
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
    """Return a copy of the image, or its brightness, in its own dtype."""
    if image.ndim == 3:
        return convert(image, "rgb", "gray")
    gray = buffers.empty(image.shape, image.dtype)
    gray[...] = image
    return gray


def _seams(state: _State, count: int) -> Array:
    """Return where the first ``count`` seams are, a bit for each pixel."""
    level = LEVELS[state.image.dtype.name]
    bias = None if state.bias is None else state.bias.copy()
    return mark_seams(_gray(state.image), level, bias, state.weight, count, state.forward)


def _narrowed(state: _State, count: int) -> _State:
    gone = _seams(state, count)
    bias = None if state.bias is None else without_seams(state.bias, gone, count)
    return state._replace(image=without_seams(state.image, gone, count), bias=bias)


def _widened(state: _State, count: int) -> _State:
    """Double ``count`` seams: the new pixels are the means of their two neighbours."""
    gone = _seams(state, count)
    bias = None if state.bias is None else with_seams_twice(state.bias, gone, count, mixed=False)
    return state._replace(image=with_seams_twice(state.image, gone, count, mixed=True), bias=bias)
