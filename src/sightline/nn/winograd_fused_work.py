"""Winograd's convolution with filters that are spread only once they are multiplied, as work that threads share out.

Spread, filters take four times the memory. Where few tiles are multiplied with many filters, to write them down and to
read them again takes longer than all else. So they are spread here for a group of filters and some channels at once, as
much as the second cache holds, and multiplied with the tiles of a block: a *panel* is up to ROWS tiles, a *block* some
panels, a *group* WIDTH filters. Maps are flat, B×H×W×C, and so are filters, out×3×3×in.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from sightline.core.kernels import kernel
from sightline.nn.matrix_panels import LANES, WIDTH, multiply
from sightline.nn.torch_threads import pointer_to, take, threads_kernel
from sightline.nn.winograd_filter_work import SQUARES, spread_filters
from sightline.nn.winograd_tiles import ANSWERS, PRODUCTS, TILE, address, gather_tile, numbers_at, spread_tile

SPREAD, MULTIPLY = 0, 1  # what a step does: to the tiles of a panel; to a block and a group
NUMBERS = PRODUCTS * WIDTH  # a tile's products with a group of filters
PLACES = 2 * ANSWERS * ANSWERS  # addresses that a tile's answers need
APART = 16  # numbers between matrices, so that not all of them claim the same places of a cache

_COUNTERS = ("next", "seats", "items", "step")
# Of float32, but for places, int64. Each thread has numbers_each and places_each of its own.
_ADDRESSES = ("x", "y", "zeros", "filters", "bias", "spread", "numbers", "places")
_SIZES = ("high", "wide", "channels", "padding", "answers_high", "answers_wide", "answers", "down", "across")
_CUTS = ("turned", "tiles", "rows", "panels", "depth", "numbers_each", "places_each")  # depth: channels at once
JOB = np.dtype([(name, np.int64) for name in (*_COUNTERS, *_ADDRESSES, *_SIZES, *_CUTS)])


@kernel
def _spread_tiles(job, panel, x, zeros, places, out):
    """Spread the tiles of a panel."""
    image, nothing = address(x), address(zeros)
    first = panel * job.rows
    apart = job.rows * job.channels + APART
    for tile in range(first, min(first + job.rows, job.tiles)):
        n, place = divmod(tile, job.down * job.across)
        top = place // job.across * ANSWERS - job.padding
        left = place % job.across * ANSWERS - job.padding
        for k in range(PRODUCTS):
            i, j = top + k // TILE, left + k % TILE
            inside = 0 <= i < job.high and 0 <= j < job.wide
            places[k] = image + 4 * job.channels * ((n * job.high + i) * job.wide + j) if inside else nothing
        row = panel * PRODUCTS * apart + (tile - first) * LANES
        for channel in range(0, job.channels, LANES):
            spread_tile(places, channel, ANSWERS * job.channels, out, row + channel * job.rows, apart)


@kernel
def _multiply_chunk(job, block, panels, first, last, spread, chunk, step, fresh, products):
    """Add what some channels of a block and of a group of spread filters make to the products."""
    rows = job.rows
    apart = rows * job.channels + APART
    for k in range(PRODUCTS):
        for panel in range(panels):
            left = ((block * job.panels + panel) * PRODUCTS + k) * apart + first * rows
            vectors = (last - first) // LANES
            out = panel * rows * NUMBERS + k * WIDTH
            if first == 0:
                multiply(spread, left, chunk, k * step, 0, products, out, NUMBERS, rows, vectors)
                continue
            multiply(spread, left, chunk, k * step, 0, fresh, 0, WIDTH, rows, vectors)
            for row in range(rows):
                for column in range(WIDTH):
                    products[out + row * NUMBERS + column] += fresh[row * WIDTH + column]


@kernel
def _gather_tiles(job, group, first, last, products, y, bias, zeros, spare, places):
    """Gather the answers of a block's tiles to a group of filters."""
    target, nothing, away = address(y), address(zeros), address(spare)
    for tile in range(first, last):
        n, place = divmod(tile, job.down * job.across)
        top, left = place // job.across * ANSWERS, place % job.across * ANSWERS
        for k in range(ANSWERS * ANSWERS):
            i, j = top + k // ANSWERS, left + k % ANSWERS
            inside = i < job.answers_high and j < job.answers_wide
            pixel = 4 * job.answers * ((n * job.answers_high + i) * job.answers_wide + j)
            places[k] = target + pixel if inside else away
            places[PLACES // 2 + k] = nothing
        for channel in range(group * WIDTH, min((group + 1) * WIDTH, job.answers), LANES):
            at = (tile - first) * NUMBERS + channel % WIDTH
            gather_tile(products, at, bias, channel, np.float32(-np.inf), places, 0)


@threads_kernel
def fused_work(at):
    """Do items of the job at an address until there are none left."""
    job = carray(pointer_to(at), 1, JOB)[0]
    seat = take(at + 8)
    x, y, zeros, filters, bias = (
        numbers_at(job.x),
        numbers_at(job.y),
        numbers_at(job.zeros),
        numbers_at(job.filters),
        numbers_at(job.bias),
    )
    spread, size, step = numbers_at(job.spread), job.rows * job.panels, job.depth * WIDTH + APART
    blocks = (job.tiles + size - 1) // size
    places = carray(pointer_to(job.places + 8 * seat * job.places_each), 1, np.int64)
    products_at = job.numbers + 4 * seat * job.numbers_each
    fresh_at = products_at + 4 * size * NUMBERS
    chunk_at = fresh_at + 4 * job.rows * WIDTH
    squares_at = chunk_at + 4 * PRODUCTS * step
    products, fresh, chunk, squares = (
        numbers_at(products_at),
        numbers_at(fresh_at),
        numbers_at(chunk_at),
        numbers_at(squares_at),
    )
    spare = numbers_at(squares_at + 4 * SQUARES)
    while True:
        item = take(at)
        if item >= job.items:
            return
        if job.step == SPREAD:
            _spread_tiles(job, item, x, zeros, places, spread)
            continue
        group, block = divmod(item, blocks)
        first, last = block * size, min((block + 1) * size, job.tiles)
        panels = (last - first + job.rows - 1) // job.rows
        for channel in range(0, job.channels, job.depth):
            end = min(channel + job.depth, job.channels)
            spread_filters(job, group, channel, end, filters, squares, chunk, 0, step)
            _multiply_chunk(job, block, panels, channel, end, spread, chunk, step, fresh, products)
        _gather_tiles(job, group, first, last, products, y, bias, zeros, spare, places)
