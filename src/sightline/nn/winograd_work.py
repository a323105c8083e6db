"""The steps of Winograd's convolution over the tiles of a batch, as work that threads share out among them.

A *panel* is up to ROWS tiles, spread, and a *block* some panels; a *group* is WIDTH filters. Maps are flat, B×H×W×C.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from sightline.core.kernels import kernel
from sightline.nn.matrix_panels import LANES, WIDTH, multiply
from sightline.nn.torch_threads import pointer_to, take, threads_kernel
from sightline.nn.winograd_tiles import (
    ANSWERS,
    PRODUCTS,
    TILE,
    address,
    gather_short_tile,
    gather_tile,
    numbers_at,
    spread_short_tile,
    spread_tile,
)

NUMBERS = PRODUCTS * WIDTH  # a tile's products with a group of filters
PLACES = 2 * ANSWERS * ANSWERS  # addresses that a tile's answers need
APART = 16  # numbers between the matrices of a panel, so that not all of them claim the same places of a cache
SHORT = 2  # bytes of a number of maps in bfloat16
# What a job is: all steps for the tiles of a block; or the first for a panel; or the others for a block and a group.
WHOLE, SPREAD, GATHER = 0, 1, 2

# Addresses are of float32, but for places, of int64, and x, y and added, whose numbers have as many bytes as is said:
# 2 of bfloat16, or 4. What each thread has of its own is numbers_each float32 (for answers outside the map, products,
# spread tiles) and places_each int64.
_COUNTERS = ("next", "seats", "items", "step")
_ADDRESSES = ("x", "y", "added", "adds", "zeros", "filters", "bias", "spread", "numbers", "places")
_SIZES = ("numbers_each", "places_each", "high", "wide", "channels", "padding", "answers_high", "answers_wide", "bytes")
_COUNTS = ("answers", "down", "across", "tiles", "rows", "panels")
_FIELDS = [(name, np.int64) for name in (*_COUNTERS, *_ADDRESSES, *_SIZES, *_COUNTS)]
JOB = np.dtype([*_FIELDS, ("lowest", np.float64)])
PLACE = {name: place for place, name in enumerate(JOB.names or ())}  # all fields have eight bytes


def tell(job: np.ndarray, **known: float) -> np.ndarray:
    """Set fields of a job; return it."""
    for name, value in known.items():
        job[name] = value
    return job


@kernel
def _spread_panel(job, panel, x, zeros, places, out):
    """Spread the tiles of a panel."""
    image, nothing = address(x), address(zeros)
    channels, high, wide, rows = job.channels, job.high, job.wide, job.rows
    apart = rows * channels + APART
    first = panel * rows
    for tile in range(first, min(first + rows, job.tiles)):
        n, place = divmod(tile, job.down * job.across)
        top = place // job.across * ANSWERS - job.padding
        left = place % job.across * ANSWERS - job.padding
        for i in range(TILE):
            for j in range(TILE):
                inside = 0 <= top + i < high and 0 <= left + j < wide
                pixel = image + job.bytes * channels * ((n * high + top + i) * wide + left + j)
                places[i * TILE + j] = pixel if inside else nothing
        row = (tile - first) * LANES
        for channel in range(0, channels, LANES):
            if job.bytes == SHORT:
                spread_short_tile(places, channel, ANSWERS * channels, out, row + channel * rows, apart)
            else:
                spread_tile(places, channel, ANSWERS * channels, out, row + channel * rows, apart)


@kernel
def _multiply_block(job, group, panels, spread, filters, products):
    """Multiply the panels of a block with a group of filters."""
    channels, rows = job.channels, job.rows
    apart = rows * channels + APART
    for k in range(PRODUCTS):
        right = (group * PRODUCTS + k) * channels * WIDTH
        for panel in range(panels):
            left = (panel * PRODUCTS + k) * apart
            out = panel * rows * NUMBERS + k * WIDTH
            multiply(
                spread,
                left,
                filters,
                right,
                channels * WIDTH if panel == 0 else 0,
                products,
                out,
                NUMBERS,
                rows,
                channels // LANES,
            )


@kernel
def _find_places(job, first, last, y, added, zeros, spare, places):
    """List where the answers of a block's tiles are written, and what is added to them."""
    target, other, nothing, away = address(y), address(added), address(zeros), address(spare)
    high, wide, channels = job.answers_high, job.answers_wide, job.answers
    for tile in range(first, last):
        n, place = divmod(tile, job.down * job.across)
        top = place // job.across * ANSWERS
        left = place % job.across * ANSWERS
        at = (tile - first) * PLACES
        for i in range(ANSWERS):
            for j in range(ANSWERS):
                inside = top + i < high and left + j < wide
                pixel = job.bytes * channels * ((n * high + top + i) * wide + left + j)
                places[at + i * ANSWERS + j] = target + pixel if inside else away
                places[at + PLACES // 2 + i * ANSWERS + j] = other + pixel if inside and job.adds else nothing


@kernel
def _gather_block(job, group, tiles, products, bias, places):
    """Gather the answers of a block's tiles to a group of filters."""
    lowest = np.float32(job.lowest)
    for tile in range(tiles):
        for half in range(2):
            channel = group * WIDTH + half * LANES
            if channel < job.answers:
                at = tile * NUMBERS + half * LANES
                if job.bytes == SHORT:
                    gather_short_tile(products, at, bias, channel, lowest, places, tile * PLACES)
                else:
                    gather_tile(products, at, bias, channel, lowest, places, tile * PLACES)


@kernel
def do_item(job, step, item, seat):
    """Do one item of a step of a job, on the thread with a number."""
    size = job.rows * job.panels  # tiles of a block
    panel_size = 4 * PRODUCTS * (job.rows * job.channels + APART)
    x, y, added, zeros = numbers_at(job.x), numbers_at(job.y), numbers_at(job.added), numbers_at(job.zeros)
    filters, bias = numbers_at(job.filters), numbers_at(job.bias)
    own = job.numbers + 4 * seat * job.numbers_each
    spare, products = numbers_at(own), numbers_at(own + 4 * job.answers)
    places = carray(pointer_to(job.places + 8 * seat * job.places_each), 1, np.int64)
    if step == SPREAD:
        _spread_panel(job, item, x, zeros, places, numbers_at(job.spread + item * panel_size))
        return
    groups = (job.answers + WIDTH - 1) // WIDTH
    blocks = (job.tiles + size - 1) // size
    block = item % blocks
    first, last = block * size, min((block + 1) * size, job.tiles)
    panels = (last - first + job.rows - 1) // job.rows
    from_group, to_group = 0, groups
    if step == WHOLE:
        source = own + 4 * (job.answers + size * NUMBERS)
        for panel in range(panels):
            _spread_panel(job, block * job.panels + panel, x, zeros, places, numbers_at(source + panel * panel_size))
    else:
        source = job.spread + block * job.panels * panel_size
        from_group = item // blocks
        to_group = from_group + 1
    spread = numbers_at(source)
    _find_places(job, first, last, y, added, zeros, spare, places)
    for group in range(from_group, to_group):
        _multiply_block(job, group, panels, spread, filters, products)
        _gather_block(job, group, last - first, products, bias, places)


@threads_kernel
def work(at):
    """Do items of the job at an address until there are none left."""
    job = carray(pointer_to(at), 1, JOB)[0]
    seat = take(at + 8)
    while True:
        item = take(at)
        if item >= job.items:
            return
        do_item(job, job.step, item, seat)
