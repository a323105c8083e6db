"""The steps of Winograd's convolution that only training takes, as work that threads share out among them.

Filters are spread anew at each step, as they are for the answers, or turned and with channels and filters exchanged for
the gradient of the input. The gradient of the filters is found for some tiles after the other, a *chunk*: its tiles and
the gradients of their answers are spread to 36 matrices each, whose products are added up. A *part* of them is WIDTH
channels by some filters. Maps are flat, B×H×W×C, and so are filters, out×3×3×in.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from sightline.core.kernels import kernel
from sightline.nn.matrix_panels import LANES, WIDTH
from sightline.nn.torch_threads import pointer_to, take, threads_kernel
from sightline.nn.winograd_filters import (
    SUMMED,
    TAPS,
    gather_filter,
    spread_answers,
    spread_filter,
    spread_turned_filter,
    sum_products,
    transpose_square,
)
from sightline.nn.winograd_tiles import ANSWERS, PRODUCTS, TILE, address, numbers_at, spread_tile

SPREAD, MULTIPLY, FILTERS = 0, 1, 2  # what a step does
TILES = 8  # of an item that spreads
SUM = 64  # tiles whose products are added up one by one; then such sums are, or they would err more
BLOCK = 16  # channels of an item that spreads filters: what layers have a multiple of
SQUARES = TAPS * LANES * LANES  # numbers that a thread needs to spread filters

_COUNTERS = ("next", "seats", "items", "step")
# All of float32, but for places, int64. "left" are gradients, 36 × filters/LANES × tiles × LANES; "right" are maps,
# 36 × channels/WIDTH × tiles × WIDTH. Products are those of a part, 36 × rows × WIDTH.
_ADDRESSES = ("x", "y", "zeros", "left", "right", "products", "places", "filters", "out")
_SIZES = ("high", "wide", "channels", "padding", "answers_high", "answers_wide", "answers", "down", "across")
# Of a chunk: its first tile and how many there are; whether sums go on; whether they are complete.
_CHUNK = ("first", "tiles", "adds", "complete")
# Whether filters are turned; those of a part; whether each part has products of its own, or each thread; how far the 36
# matrices are apart.
_CUTS = ("turned", "rows", "parted", "left_step", "right_step", "product_step")
JOB = np.dtype([(name, np.int64) for name in (*_COUNTERS, *_ADDRESSES, *_SIZES, *_CHUNK, *_CUTS)])


@kernel
def _spread_chunk(job, item, x, y, zeros, places, left, right):
    """Spread some tiles of maps, and the gradients of their answers."""
    image, gradient, nothing = address(x), address(y), address(zeros)
    channels, answers, high, wide = job.channels, job.answers, job.high, job.wide
    for number in range(item * TILES, min((item + 1) * TILES, job.tiles)):
        n, place = divmod(job.first + number, job.down * job.across)
        top, beside = place // job.across * ANSWERS, place % job.across * ANSWERS
        for i in range(TILE):
            for j in range(TILE):
                down, across = top + i - job.padding, beside + j - job.padding
                inside = 0 <= down < high and 0 <= across < wide
                pixel = image + 4 * channels * ((n * high + down) * wide + across)
                places[i * TILE + j] = pixel if inside else nothing
        for channel in range(0, channels, LANES):
            group, lane = divmod(channel, WIDTH)
            at = (group * job.tiles + number) * WIDTH + lane
            spread_tile(places, channel, ANSWERS * channels, right, at, job.right_step)
        for i in range(ANSWERS):
            for j in range(ANSWERS):
                inside = top + i < job.answers_high and beside + j < job.answers_wide
                pixel = gradient + 4 * answers * ((n * job.answers_high + top + i) * job.answers_wide + beside + j)
                places[i * ANSWERS + j] = pixel if inside else nothing
        for channel in range(0, answers, LANES):
            spread_answers(places, channel, left, channel * job.tiles + number * LANES, job.left_step)


@kernel
def _multiply_part(job, group, first, last, left, right, products, out):
    """Add the products of a chunk to those of a part, and gather its filters where they are complete."""
    for k in range(PRODUCTS):
        for row in range(first, last, SUMMED):
            a = k * job.left_step + row // LANES * LANES * job.tiles + row % LANES
            b = k * job.right_step + group * job.tiles * WIDTH
            at = k * job.product_step + (row - first) * WIDTH
            for tile in range(0, job.tiles, SUM):
                depth, more = min(SUM, job.tiles - tile), job.adds or tile > 0
                sum_products(left, a + tile * LANES, right, b + tile * WIDTH, depth, products, at, more)
    if not job.complete:
        return
    for row in range(first, last):
        for channel in range(group * WIDTH, min((group + 1) * WIDTH, job.channels), LANES):
            at = (row - first) * WIDTH + channel % WIDTH
            to = row * TAPS * job.channels + channel
            gather_filter(products, at, job.product_step, out, to, job.channels)


@kernel
def spread_filters(job, group, first, last, filters, squares, out, start, step):
    """Spread a group of filters, of which channels ``first`` to ``last`` are read.

    They are written from number ``start`` on, WIDTH filters a channel, and the 36 matrices ``step`` numbers apart.
    Where the job turns filters, they lie as those of a convolution whose filters are this one's channels.
    """
    for filter_ in range(group * WIDTH, min((group + 1) * WIDTH, job.answers), LANES):
        half = filter_ % WIDTH
        if job.turned:
            for channel in range(first, last):
                at = channel * TAPS * job.answers + filter_
                to = start + (channel - first) * WIDTH + half
                spread_turned_filter(filters, at, job.answers, out, to, step)
            continue
        for channel in range(first, last, LANES):
            for tap in range(TAPS):
                at = (filter_ * TAPS + tap) * job.channels + channel
                transpose_square(filters, at, TAPS * job.channels, squares, tap * LANES * LANES)
            for lane in range(LANES):
                to = start + (channel - first + lane) * WIDTH + half
                spread_filter(squares, lane * LANES, LANES * LANES, out, to, step)


@threads_kernel
def filter_work(at):
    """Do items of the job at an address until there are none left."""
    job = carray(pointer_to(at), 1, JOB)[0]
    seat = take(at + 8)
    x, y, zeros, filters, out = (
        numbers_at(job.x),
        numbers_at(job.y),
        numbers_at(job.zeros),
        numbers_at(job.filters),
        numbers_at(job.out),
    )
    left, right = numbers_at(job.left), numbers_at(job.right)
    places = carray(pointer_to(job.places + 8 * seat * PRODUCTS), 1, np.int64)
    parts = (job.answers + job.rows - 1) // job.rows
    while True:
        item = take(at)
        if item >= job.items:
            return
        if job.step == SPREAD:
            _spread_chunk(job, item, x, y, zeros, places, left, right)
        elif job.step == MULTIPLY:
            group, part = divmod(item, parts)
            first, last = part * job.rows, min((part + 1) * job.rows, job.answers)
            mine = item if job.parted else seat
            products = numbers_at(job.products + 4 * mine * PRODUCTS * job.product_step)
            _multiply_part(job, group, first, last, left, right, products, out)
        else:
            group, block = divmod(item, job.channels // BLOCK)
            first, size = block * BLOCK, job.channels * WIDTH
            squares = numbers_at(job.products + 4 * seat * SQUARES)
            start = group * PRODUCTS * size + first * WIDTH
            spread_filters(job, group, first, first + BLOCK, filters, squares, out, start, size)
