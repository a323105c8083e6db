"""Anchors: the same few shapes at every place of every level of a pyramid, for a detector to start from.

Ren, He, Girshick & Sun 2015, "Faster R-CNN", NIPS, section 3.1.1; one size for each level after Lin et al. 2017,
"Feature Pyramid Networks for Object Detection", CVPR, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.layers import Boxes as BoxLayer
from sightline.core.layers import Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Range

_MOST = 50_000_000  # boxes: 800 MB


@method(
    task="anchors",
    paper="Ren 2015",
    lesson="w7d1",
    example={"shape": (128, 192), "strides": (32, 64), "sizes": (32.0, 64.0)},
)
def anchors(
    shape: tuple[int, int],
    strides: Sequence[int] = (4, 8, 16, 32, 64),
    sizes: Sequence[float] | Sequence[Sequence[float]] = (32.0, 64.0, 128.0, 256.0, 512.0),
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
    offset: Annotated[float, Range(0, 1)] = 0.5,
    whole: bool = False,
) -> list[Array]:
    """Return the anchors of each level of a pyramid, row by row, those of one place together.

    Parameters
    ----------
    shape
        (height, width) of the image in pixels.
    strides
        Pixels between two places, for each level ≥ 1; a level has ⌈height / stride⌉ × ⌈width / stride⌉ places.
    sizes
        Square root of an anchor's area in pixels, for each level a number > 0 or several.
    ratios
        Heights divided by widths, each > 0.
    offset
        Where in its cell an anchor's centre lies, as a share of the stride: 0.5 is the middle, 0 the corner.
    whole
        Whether half the sides are rounded to whole pixels, as the public Faster R-CNN checkpoints expect it.

    Returns
    -------
    list of Array
        For each level (rows · columns · sizes · ratios)×4 float32 xyxy, which may reach beyond the image; of one place
        ratio by ratio, and of one ratio size by size.

    References
    ----------
    S. Ren, K. He, R. Girshick and J. Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal
    Networks", NIPS 2015; T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.

    Examples
    --------
    >>> anchors((16, 32), strides=(16,), sizes=(8,), ratios=(1.0,))[0].tolist()
    [[4.0, 4.0, 12.0, 12.0], [20.0, 4.0, 28.0, 12.0]]
    """
    height, width = size_2d("anchors", "shape", shape)
    steps = _numbers("strides", strides)
    slopes = np.array([number("anchors", "ratios", ratio, above=0) for ratio in _numbers("ratios", ratios)])
    levels = [_numbers("sizes", level) if isinstance(level, (tuple, list)) else [level] for level in _listed(sizes)]
    if len(levels) != len(steps):
        raise InputError(
            f"anchors: sizes must have an entry for each of {len(steps)} strides; got {len(levels)}. "
            "A level with several sizes is a tuple of them."
        )
    offset, whole = number("anchors", "offset", offset, 0, 1), flag("anchors", "whole", whole)
    return [
        _level((height, width), integer("anchors", "strides", stride, 1), level, slopes, offset, whole)
        for stride, level in zip(steps, levels, strict=True)
    ]


def _level(
    shape: tuple[int, int], stride: int, sizes: Sequence[Any], ratios: Array, offset: float, whole: bool
) -> Array:
    scales = np.array([number("anchors", "sizes", size, above=0) for size in sizes])
    root = np.sqrt(ratios)[:, None]
    half = np.stack([(scales / root).ravel(), (scales * root).ravel()], axis=1) / 2
    around = np.concatenate([-half, half], axis=1)
    if whole:
        around = np.rint(around)
    rows, columns = -(-shape[0] // stride), -(-shape[1] // stride)
    if rows * columns * len(around) > _MOST:
        raise InputError(
            f"anchors: shape and strides must give ≤ {_MOST:,} boxes a level; got {rows * columns * len(around):,}. "
            "Take a larger stride."
        )
    y, x = (np.arange(rows) + offset) * stride, (np.arange(columns) + offset) * stride
    centres = np.stack([*np.broadcast_arrays(x, y[:, None])] * 2, axis=2)  # rows×columns×4: x, y, x, y
    return (centres[:, :, None] + around).astype(np.float32).reshape(-1, 4)


def _listed(values: Any) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values if isinstance(values, (tuple, list)) else ()


def _numbers(argument: str, values: Any) -> Sequence[Any]:
    found = _listed(values)
    if not len(found):
        raise InputError(f"anchors: {argument} must be a tuple of at least one number; got {describe(values)}.")
    return found


@anchors.steps
def _(shape: tuple[int, int], **options: Any) -> Iterator[Step]:
    """Yield for each level its places and the shapes at the middle one."""
    levels = anchors(shape, **options)
    page = Picture(np.full((*shape, 3), 235, np.uint8))
    ratios = options.get("ratios", (0.5, 1.0, 2.0))
    for at, level in enumerate(levels, 1):
        sizes = _listed(options.get("sizes", ()))
        several = sizes[at - 1] if len(sizes) else 1
        kinds = len(ratios) * (len(several) if isinstance(several, (tuple, list)) else 1)
        centres = (level[::kinds, :2] + level[::kinds, 2:]) / 2
        middle = int(np.abs(centres - np.array(shape[::-1]) / 2).sum(axis=1).argmin()) * kinds
        told = f"{len(level) // kinds} places, {kinds} shapes at each: {len(level)} anchors."
        yield Step(f"level {at}", page, Points(centres - 0.5), BoxLayer(level[middle : middle + kinds]), note=told)
    yield Step("anchors", Value(levels), page, note=f"{sum(map(len, levels))} boxes for the network to correct.")
