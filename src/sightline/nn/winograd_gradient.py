"""Winograd's convolution and its two gradients, for filters that change at each step, on the CPU.

Winograd 1980, "Arithmetic Complexity of Computations"; Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", CVPR (arXiv 1509.09308): F(4, 3). The gradient of the input is the convolution of the answers' gradient with
the filters turned by half, channels and filters exchanged. That of the filters is the transposed map, and takes as few
multiplications: see :mod:`sightline.nn.winograd_filters`.

Against float64, with 64 to 512 channels of 4² to 56² numbers drawn from a normal distribution, answers and gradients of
the input are off by 0.8 to 1.4e-6 of their norm (directly in float32 0.4 to 1.1e-6), gradients of the filters by 0.5 to
1.0e-6 (0.1 to 0.8e-6). Bits do not depend on the number of threads.

All tensors are float32, in memory of the CPU, and channels last, which the caller sees to; so are results. Channels and
filters are multiples of 16.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from sightline.nn import winograd_fused_work as fused
from sightline.nn.matrix_panels import LANES, ROWS, WIDTH
from sightline.nn.torch_threads import on_torch_threads
from sightline.nn.winograd import Plan
from sightline.nn.winograd_filter_work import (
    BLOCK,
    FILTERS,
    JOB,
    MULTIPLY,
    SPREAD,
    SQUARES,
    TILES,
    filter_work,
)
from sightline.nn.winograd_tiles import ANSWERS, PRODUCTS
from sightline.nn.winograd_work import APART, tell
from sightline.nn.workspace import aligned, workspace

_CHUNK = 4 << 20  # bytes of spread numbers that lie in the last cache while they are multiplied
_ROWS = 64  # filters of a part: with as much as a second cache holds of products
_FEW = 128  # tiles up to which filters are spread only once they are multiplied, for each block of tiles anew
_PANELS = 4  # of such a block, at most
_DEPTH = 128  # channels of such filters at once: as much as a second cache holds
_PLANS = 256  # sizes of maps that plans are kept for

_plan = lru_cache(maxsize=_PLANS)(Plan.of)


def answers(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """Return the convolution B×out×H'×W' of maps.

    Parameters
    ----------
    x
        B×in×H×W.
    weight
        Out×in×3×3.
    bias
        Out; none where None.
    padding
        Zeros at each border: 0, 1 or 2.
    """
    return _convolve(x, weight, bias, padding, turned=False)


def input_gradient(gradient: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Return the gradient B×in×H×W of what was convolved.

    Parameters
    ----------
    gradient
        Of the answers, B×out×H'×W'.
    weight
        Out×in×3×3.
    padding
        Of the convolution: 0, 1 or 2.
    """
    return _convolve(gradient, weight, None, 2 - padding, turned=True)


def filter_gradient(gradient: Tensor, x: Tensor, padding: int) -> Tensor:
    """Return the gradient out×in×3×3 of the filters.

    Parameters
    ----------
    gradient
        Of the answers, B×out×H'×W'.
    x
        What was convolved, B×in×H×W.
    padding
        Of the convolution: 0, 1 or 2.
    """
    threads = torch.get_num_threads()
    plan, sizes = _gradient_plan(tuple(x.shape), tuple(gradient.shape), padding, threads)
    filters, channels = gradient.shape[1], x.shape[1]
    found = torch.empty((filters, channels, 3, 3), memory_format=torch.channels_last)
    held = {name: workspace.hold(name, size) for name, size in sizes.items()}  # alive while this runs
    job = tell(plan.copy(), **{name: array.ctypes.data for name, array in held.items()})
    tell(job, x=x.data_ptr(), y=gradient.data_ptr(), out=found.data_ptr())
    zeros = _zeros(max(filters, channels))
    tell(job, zeros=zeros.ctypes.data)
    chunk = int(job["tiles"][0])
    tiles, parts = len(x) * int(job["down"][0] * job["across"][0]), -(-filters // int(job["rows"][0]))
    for first in range(0, tiles, chunk):
        count = min(chunk, tiles - first)
        tell(job, first=first, tiles=count, adds=first > 0, complete=first + count == tiles)
        for step, items in ((SPREAD, -(-count // TILES)), (MULTIPLY, parts * -(-channels // WIDTH))):
            tell(job, next=0, seats=0, step=step, items=items)
            on_torch_threads(filter_work, job, min(threads, items))
    return found


@lru_cache(maxsize=_PLANS)
def _gradient_plan(
    size: tuple[int, ...], answers: tuple[int, ...], padding: int, threads: int
) -> tuple[np.ndarray, dict[str, int]]:
    """Return what the kernel is told of the filters' gradient, but for addresses, and the bytes that it needs."""
    images, channels, high, wide = size
    filters, answers_high, answers_wide = answers[1:]
    down, across = -(-answers_high // ANSWERS), -(-answers_wide // ANSWERS)
    tiles, full = images * down * across, -(-channels // WIDTH) * WIDTH
    chunks = -(-tiles * 4 * PRODUCTS * (full + filters) // _CHUNK)
    chunk = max(TILES, -(-tiles // chunks))
    rows = max(LANES, min(_ROWS, filters) // LANES * LANES)
    while rows > LANES and -(-filters // rows) * (full // WIDTH) < threads:  # a part for each
        rows = rows // 2 // LANES * LANES
    left, right, product = filters * chunk + APART, full * chunk + APART, rows * WIDTH + APART
    parts = -(-filters // rows) * (full // WIDTH)
    job = tell(np.zeros(1, JOB), high=high, wide=wide, channels=channels, padding=padding, answers=filters)
    tell(job, answers_high=answers_high, answers_wide=answers_wide, down=down, across=across, tiles=chunk, rows=rows)
    tell(job, parted=tiles > chunk, left_step=left, right_step=right, product_step=product)
    products = PRODUCTS * product * (parts if tiles > chunk else threads)
    memory = {"left": 4 * PRODUCTS * left, "right": 4 * PRODUCTS * right, "products": 4 * products}
    return job, {**memory, "places": 8 * PRODUCTS * threads}


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, turned: bool) -> Tensor:
    threads = torch.get_num_threads()
    filters, size = weight.shape[1 if turned else 0], tuple(x.shape)
    zeros = _zeros(max(weight.shape[:2]))
    given = {"x": x.data_ptr(), "zeros": zeros.ctypes.data}
    given["bias"] = zeros.ctypes.data if bias is None else bias.data_ptr()
    few, memory = _few_plan(size, filters, padding, threads)
    high, wide = (side + 2 * padding - 2 for side in size[2:])
    y = torch.empty((size[0], filters, high, wide), memory_format=torch.channels_last)
    if few["tiles"][0] > _FEW:
        spread = _spread(weight, turned, threads)
        plan = _plan(size, filters, padding, threads)
        plan.run(threads, y=y.data_ptr(), filters=spread.ctypes.data, lowest=-np.inf, **given)
        return y
    held = {name: workspace.hold(name, count) for name, count in memory.items()}  # alive while this runs
    job = tell(few.copy(), **given, **{name: array.ctypes.data for name, array in held.items()})
    tell(job, y=y.data_ptr(), filters=weight.data_ptr(), turned=turned)
    panels = -(-int(few["tiles"][0]) // int(few["rows"][0]))
    blocks = -(-panels // int(few["panels"][0]))
    for step, items in ((fused.SPREAD, panels), (fused.MULTIPLY, blocks * -(-filters // WIDTH))):
        tell(job, next=0, seats=0, step=step, items=items)
        on_torch_threads(fused.fused_work, job, min(threads, items))
    return y


@lru_cache(maxsize=_PLANS)
def _few_plan(size: tuple[int, ...], filters: int, padding: int, threads: int) -> tuple[np.ndarray, dict[str, int]]:
    """Return what the kernel for few tiles is told, but for addresses, and the bytes that it needs."""
    images, channels, high, wide = size
    answers_high, answers_wide = high + 2 * padding - 2, wide + 2 * padding - 2
    down, across = -(-answers_high // ANSWERS), -(-answers_wide // ANSWERS)
    tiles = images * down * across
    panels = -(-tiles // ROWS)
    rows = -(-tiles // panels)
    panels = -(-tiles // rows)
    together = -(-panels // -(-panels // _PANELS))
    while together > 1 and -(-panels // together) * -(-filters // WIDTH) < threads:  # a block and a group for each
        together = -(-together // 2)
    depth = min(_DEPTH, channels)
    numbers = rows * together * fused.NUMBERS + rows * WIDTH + PRODUCTS * (depth * WIDTH + APART) + SQUARES + filters
    job = tell(np.zeros(1, fused.JOB), high=high, wide=wide, channels=channels, padding=padding, answers=filters)
    tell(job, answers_high=answers_high, answers_wide=answers_wide, down=down, across=across, tiles=tiles)
    tell(job, rows=rows, panels=together, depth=depth, numbers_each=numbers, places_each=PRODUCTS)
    spread = 4 * panels * PRODUCTS * (rows * channels + APART)
    return job, {"spread": spread, "numbers": 4 * threads * numbers, "places": 8 * threads * PRODUCTS}


def _spread(weight: Tensor, turned: bool, threads: int) -> np.ndarray:
    """Return G g Gᵀ of all filters, as a plan reads them; the memory is the workspace's."""
    filters, channels = weight.shape[:2]
    if turned:
        filters, channels = channels, filters
    groups = -(-filters // WIDTH)
    spread = workspace.hold("filters", 4 * groups * WIDTH * channels * PRODUCTS)
    squares = workspace.hold("squares", 4 * SQUARES * threads)
    items = groups * (channels // BLOCK)
    job = tell(np.zeros(1, JOB), step=FILTERS, turned=turned, items=items, channels=channels, answers=filters)
    tell(job, filters=weight.data_ptr(), out=spread.ctypes.data, products=squares.ctypes.data, rows=filters)
    on_torch_threads(filter_work, job, min(threads, items))
    return spread


@lru_cache(maxsize=8)
def _zeros(count: int) -> np.ndarray:
    """Return what is read outside the maps: zeros for at least ``count`` channels."""
    return aligned(4 * count)
