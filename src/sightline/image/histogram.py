"""Histogram: how often each value occurs, per channel or for channels together.

Swain & Ballard 1991, "Color Indexing", International Journal of Computer Vision 7(1): a joint histogram of colours
knows an object, wherever it lies; :func:`back_project` looks for it with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from jaxtyping import Int64

from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, integer
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range
from sightline.image.counting import binned, count_joint, level_counts

_MOST = 1 << 24  # bins of a joint histogram
_ABSENT = -(1 << 28)  # added to the number of a bin, this leaves it negative
_STRIP = 1 << 17

Counts = Int64[np.ndarray, "..."]


@method(task="tone", paper="Swain & Ballard 1991", lesson="w1d3")
def histogram(
    image: Image,
    bins: Annotated[int, Range(1, 65535)] | Sequence[int] = 256,
    *,
    channels: Sequence[int] | None = None,
    limits: Sequence[Any] | None = None,
    mask: Mask | None = None,
) -> Counts:
    """Return how often the values of an image occur, in bins of equal width.

    NaN and infinity are refused, but where a mask leaves them out; values outside the limits are not counted.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    bins
        Number of bins, 1–65535; for a joint histogram also one number a channel, 2²⁴ in all at most.
    channels
        None counts each channel on its own; one to three numbers of channels (0 is the first) count these jointly: how
        often a value of the one meets a value of the other.
    limits
        ``(low, high)`` that the bins share out, or one such pair a counted channel; None stands for all values of the
        dtype: 0–256, 0–65536 or 0–1. ``high`` itself is outside for whole numbers and in the last bin for floats.
    mask
        H×W bool: only the pixels where it is true are counted; None counts all.

    Returns
    -------
    counts
        int64: ``bins`` of them for H×W, C×bins for H×W×C, one axis a channel for a joint histogram.

    Raises
    ------
    InputError
        When the bins, channels or limits do not fit the image.

    References
    ----------
    M. J. Swain, D. H. Ballard, "Color Indexing", International Journal of Computer Vision 7(1), 1991.

    Examples
    --------
    >>> import numpy as np
    >>> histogram(np.array([[0, 1, 1, 255]], np.uint8), 4).tolist()
    [3, 0, 0, 1]
    >>> pixels = np.array([[[10, 200, 0], [20, 250, 0]]], np.uint8)
    >>> histogram(pixels, 2, channels=(0, 1)).tolist()
    [[0, 2], [0, 0]]
    """
    image = as_image("histogram", image, channels=(), finite=mask is None)
    if mask is not None:
        pixels = image[as_mask("histogram", mask, argument="mask", shape=image.shape[:2])][:, None]
        if not len(pixels):  # no pixel: the same counts, all of them 0
            one = np.zeros((1, 1, *image.shape[2:]), image.dtype)
            return np.zeros_like(histogram(one, bins, channels=channels, limits=limits))
        image = as_image("histogram", pixels, channels=(), finite=True)
    planes = image.shape[2] if image.ndim == 3 else 1
    if channels is not None:
        return _joint("histogram", image, bins, channels, limits)
    count = integer("histogram", "bins", bins, 1, 65535)
    low, high = spans("histogram", limits, planes, image.dtype)
    if image.dtype == np.float32:
        places = binned(image, np.full(planes, count, np.float64), low, high)
        counts = level_counts(places)[:, :count]
    else:
        counts = level_counts(image)
        levels = np.arange(counts.shape[1])
        places = np.stack([bins_of(levels, count, *span) for span in zip(low, high, strict=True)])
        if not (places == levels).all():
            wanted = np.zeros((planes, count + 1), np.int64)  # the last one takes what is outside
            for channel in range(planes):
                np.add.at(wanted[channel], places[channel], counts[channel])
            counts = wanted[:, :count]
    return np.ascontiguousarray(counts if image.ndim == 3 else counts[0])


@histogram.steps
def _steps(
    image: Image,
    bins: Any = 256,
    *,
    channels: Sequence[int] | None = None,
    limits: Sequence[Any] | None = None,
    mask: Mask | None = None,
) -> Iterator[Step]:
    image = as_image("histogram", image, channels=(), finite=mask is None)
    yield Step("image", Picture(image))
    if mask is not None:
        yield Step("mask", MaskLayer(mask), note="Only these pixels are counted.")
    counts = histogram(image, bins, channels=channels, limits=limits, mask=mask)
    rows = counts.reshape(-1, counts.shape[-1]).sum(axis=0)
    curve = np.stack([np.arange(rows.size), rows], axis=1).astype(np.float64)
    yield Step("histogram", Value(counts), Curve(curve, ("bin", "values")), note="How often each value occurs.")


def _joint(function: str, image: Array, bins: Any, channels: Any, limits: Any) -> Array:
    levels, chosen, tables, shape = joint_tables(function, image, bins, channels, limits)
    size = int(np.prod(shape))
    planes = image.shape[2] if image.ndim == 3 else 1
    pixels = levels.size // planes
    strip = max(_STRIP, 16 * size)  # the tables of the strips have to be summed
    strips = over_rows(count_joint, pixels, levels.reshape(-1), planes, chosen, tables, size, strip=strip)
    return np.stack(strips)[:, 1:].sum(axis=0, dtype=np.int64).reshape(shape)


def joint_tables(
    function: str, image: Array, bins: Any, channels: Any, limits: Any
) -> tuple[Array, Array, Array, tuple[int, ...]]:
    """Return what the kernels of joint histograms take, and the histogram's shape.

    Parameters
    ----------
    function
        Name for an error's sentence.
    image
        H×W or H×W×C, checked.
    bins, channels, limits
        As in :func:`histogram`.
    """
    planes = image.shape[2] if image.ndim == 3 else 1
    if not isinstance(channels, Sequence) or isinstance(channels, str) or not 1 <= len(channels) <= 3:
        raise InputError(f"{function}: channels must be None or one to three numbers; got {describe(channels)}.")
    wanted = [integer(function, f"channels[{i}]", channel, 0, planes - 1) for i, channel in enumerate(channels)]
    if len(set(wanted)) < len(wanted):
        raise InputError(f"{function}: channels must be different ones; got {tuple(wanted)}.")
    each = list(bins) if isinstance(bins, Sequence) and not isinstance(bins, str) else [bins] * len(wanted)
    if len(each) != len(wanted):
        raise InputError(f"{function}: bins must be one number or one a channel ({len(wanted)}); got {len(each)}.")
    shape = tuple(integer(function, f"bins[{i}]", count, 1, 65535) for i, count in enumerate(each))
    if np.prod(shape, dtype=np.float64) > _MOST:
        raise InputError(f"{function}: bins must be 2^24 at most in all; got {'×'.join(map(str, shape))}.")
    low, high = spans(function, limits, len(wanted), image.dtype)
    chosen = np.array([*wanted, 0, 0][:3])
    if image.dtype == np.float32:
        all_bins, lows, highs = np.ones(planes), np.zeros(planes), np.ones(planes)
        all_bins[wanted], lows[wanted], highs[wanted] = shape, low, high
        image = binned(image, all_bins, lows, highs)
        low, high = np.zeros(len(shape)), np.array(shape, np.float64)  # the bins are the levels now
    return image, chosen, _level_tables(int(np.iinfo(image.dtype).max) + 1, shape, tuple(low), tuple(high)), shape


@lru_cache(maxsize=16)  # a tracker asks for the same ones in every frame
def _level_tables(count: int, shape: tuple[int, ...], low: tuple[float, ...], high: tuple[float, ...]) -> Array:
    """Return 3×``count`` int32: what each level of a channel adds to the number of the bin; far below 0 outside."""
    levels = np.arange(count)
    tables = np.zeros((3, count), np.int32)
    for i, bins in enumerate(shape):
        places = bins_of(levels, bins, low[i], high[i])
        stride = int(np.prod(shape[i + 1 :]))
        tables[i] = np.where(places < bins, places * stride, _ABSENT)
    tables.flags.writeable = False
    return tables


def bins_of(levels: Array, count: int, low: float, high: float) -> Array:
    """Return the bin of each whole number; ``count`` where it lies outside."""
    places = np.floor((levels - low) * (count / (high - low))).astype(np.int64)
    return np.where((levels >= low) & (levels < high), np.minimum(places, count - 1), count)


def spans(function: str, limits: Any, count: int, dtype: np.dtype) -> tuple[Array, Array]:
    """Return the lower and the upper limit of each counted channel, as float64."""
    full = (0.0, {"uint8": 256.0, "uint16": 65536.0, "float32": 1.0}[dtype.name])
    try:
        pairs = np.asarray(full if limits is None else limits, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{function}: limits must be (low, high) or pairs of them; got {describe(limits)}.") from error
    if pairs.shape not in ((2,), (count, 2)) or not np.isfinite(pairs).all():
        raise InputError(
            f"{function}: limits must be (low, high), or {count} such pairs, finite; got {describe(limits)}."
        )
    pairs = np.broadcast_to(pairs, (count, 2))
    if not (pairs[:, 0] < pairs[:, 1]).all():
        raise InputError(f"{function}: limits must be (low, high) with low < high; got {describe(limits)}.")
    return pairs[:, 0].copy(), pairs[:, 1].copy()
