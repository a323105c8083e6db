"""What layers of a network do to maps of few pixels, one after the other, as work that threads share out among them.

A *step* is cut into *items*. Each thread takes items of the first step until there are none left, waits until the
others have done theirs, and goes on with the next one: no thread is sent to sleep or called between layers, which a
small network does a hundred of in a few milliseconds. A thread that the system does not run meanwhile delays the others
only while it has an item.

Maps are flat, B×H×W×C.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from sightline.core.kernels import kernel
from sightline.core.spinning import breathe
from sightline.nn.matrix_panels import LANES
from sightline.nn.row_products import (
    PIXELS,
    average_vectors,
    copy_bytes,
    copy_vector,
    filter_pixels,
    largest_short_vector,
    largest_vector,
    multiply_rows,
    multiply_short_rows,
    scale_vectors,
)
from sightline.nn.torch_threads import give_way, pointer_to, read, take, threads_kernel
from sightline.nn.winograd_work import JOB, do_item

MATRIX, FILTER, AVERAGE, LARGEST, SCALE, FRAME, WINOGRAD = range(7)  # what a step does
SHORT = 2  # bytes of a bfloat16
WIDE = 2 * LANES  # columns of a panel
HEAD = 64  # bytes before the first step

# Counters have lines of the cache of their own. Addresses are of float32,
# but maps whose largest numbers are looked for, and panels of weights, have as many bytes a number as is said: 4, or 2
# of bfloat16.
_COUNTERS = [("next", np.int64), ("apart", np.int64, 7), ("done", np.int64), ("apart_too", np.int64, 7)]
_ADDRESSES = ("x", "y", "beside", "weights", "bias", "formula")
_SIZES = ("images", "high", "wide", "channels", "answers_high", "answers_wide", "filters", "side", "stride", "padding")
# Of products: rows at once; blocks of rows in a line of answers; how many and which of them, and panels, are an item.
_CUTS = ("rows", "blocks", "lines", "blocks_each", "panels", "panels_each", "beside_apart", "band")
# Of Winograd's convolution: the address of its job, and which step of that this is.
_NUMBERS = ("kind", "items", "bytes", "weight_bytes", "job", "part", *_ADDRESSES, *_SIZES, *_CUTS)
STEP = np.dtype([*_COUNTERS, *((name, np.int64) for name in _NUMBERS)], align=True)
PROGRAM = np.dtype([(name, np.int64) for name in ("seats", "count", "spare", "spare_each")])
_SIZE = STEP.itemsize
_DONE = STEP.fields["done"][1]  # type: ignore[index]
_LOOKS = 4000  # at a counter, before a thread lets others have its processor


@kernel
def _multiply(step, item):
    """Multiply some blocks of rows with some panels."""
    parts = (step.panels + step.panels_each - 1) // step.panels_each
    first = item // parts * step.blocks_each
    last = min(first + step.blocks_each, step.lines * step.blocks)
    panel, end = item % parts * step.panels_each, min((item % parts + 1) * step.panels_each, step.panels)
    depth = step.side * step.channels
    apart, below = 4 * step.stride * step.channels, 4 * step.wide * step.channels
    while panel < end:
        column = min(panel * WIDE, max(step.filters - WIDE, 0))
        second = min(LANES, step.filters - LANES)
        weights = step.weights + step.weight_bytes * panel * step.side * depth * WIDE
        for block in range(first, last):
            line, place = divmod(block, step.blocks)
            start = max(0, min(place * step.rows, step.answers_wide - step.rows))
            image, top = divmod(line, step.answers_high)
            x = step.x + (image * step.high + top * step.stride) * below + start * apart
            pixel = (line * step.answers_wide + start) * step.filters + column
            left = x, step.stride * step.channels, step.side, step.wide * step.channels, depth
            added = step.beside + 4 * (pixel if step.beside_apart else column), step.beside_apart
            y, bias = (step.y + 4 * pixel, step.filters), step.bias + 4 * column
            if step.weight_bytes == SHORT:
                multiply_short_rows(step.rows, left, weights, bias, second, added, y, step.formula)
            else:
                multiply_rows(step.rows, left, weights, bias, second, added, y, step.formula)
        panel += 1


@kernel
def _frame_band(step, image, top, count, channel, spare, across):
    """Copy a vector of channels of some lines, with zeros around them, to memory of one's own."""
    for line in range(count):
        y = top + line
        for column in range(across):
            x = column - step.padding
            inside = 0 <= y < step.high and 0 <= x < step.wide
            pixel = ((image * step.high + y) * step.wide + x) * step.channels + channel
            copy_vector(step.x + 4 * pixel if inside else 0, spare + 4 * (line * across + column) * LANES)


@kernel
def _filter(step, item, spare):
    """Filter a vector of channels of a band of answers."""
    vectors = (step.channels + LANES - 1) // LANES
    bands = (step.answers_high + step.band - 1) // step.band
    place, vector = divmod(item, vectors)
    image, band = divmod(place, bands)
    channel = min(vector * LANES, step.channels - LANES)
    first, last = band * step.band, min((band + 1) * step.band, step.answers_high)
    across = (step.answers_wide - 1) * step.stride + step.side
    count = (last - first - 1) * step.stride + step.side
    _frame_band(step, image, first * step.stride - step.padding, count, channel, spare, across)
    pixels = PIXELS if step.answers_wide >= PIXELS else 1
    for line in range(first, last):
        source = spare + 4 * (line - first) * step.stride * across * LANES
        for place in range(0, step.answers_wide, pixels):
            column = min(place, step.answers_wide - pixels)
            pixel = (image * step.answers_high + line) * step.answers_wide + column
            x = source + 4 * column * step.stride * LANES, step.stride * LANES, across * LANES
            y = step.y + 4 * (pixel * step.channels + channel), step.channels
            weights = step.weights + 4 * channel, step.channels
            filter_pixels(pixels, x, step.side, weights, step.bias + 4 * channel, y, step.formula)


@kernel
def _average(step, item):
    """Average a vector of channels over all pixels of an image."""
    image, vector = divmod(item, (step.channels + LANES - 1) // LANES)
    channel, pixels = min(vector * LANES, step.channels - LANES), step.high * step.wide
    x = step.x + 4 * (image * pixels * step.channels + channel)
    average_vectors(x, step.channels, pixels, step.y + 4 * (image * step.channels + channel))


@kernel
def _largest(step, item):
    """Take the largest number of each window along a line of answers, channel by channel."""
    image, line = divmod(item, step.answers_high)
    first = max(line * step.stride - step.padding, 0)
    high = min(line * step.stride - step.padding + step.side, step.high) - first
    apart = step.bytes * step.channels
    for column in range(step.answers_wide):
        left = max(column * step.stride - step.padding, 0)
        wide = min(column * step.stride - step.padding + step.side, step.wide) - left
        x = step.x + ((image * step.high + first) * step.wide + left) * apart
        y = step.y + (item * step.answers_wide + column) * apart
        for vector in range(0, step.channels, LANES):
            at = step.bytes * min(vector, step.channels - LANES)
            if step.bytes == SHORT:
                largest_short_vector(x + at, high, step.wide * step.channels, wide, step.channels, y + at)
            else:
                largest_vector(x + at, high, step.wide * step.channels, wide, step.channels, y + at)


@kernel
def _scale(step, item):
    """Multiply a line of pixels with the shares of their channels."""
    share = step.beside + 4 * (item // step.high) * step.channels
    for pixel in range(item * step.wide, (item + 1) * step.wide):
        scale_vectors(step.x + 4 * pixel * step.channels, share, step.channels, step.y + 4 * pixel * step.channels)


@kernel
def _frame(step, item):
    """Copy a line of an image, with pixels of one colour left and right; lines above and below are of that colour."""
    image, line = divmod(item, step.answers_high)
    y, size = step.y + 4 * item * step.answers_wide * step.channels, 4 * step.channels
    inside = 0 <= line - step.padding < step.high
    for column in range(step.answers_wide):
        if not inside or not 0 <= column - step.padding < step.wide:
            copy_bytes(step.bias, y + column * size, size)
    if inside:
        source = step.x + ((image * step.high + line - step.padding) * step.wide) * size
        copy_bytes(source, y + step.padding * size, step.wide * size)


@threads_kernel
def run_steps(at):
    """Do the steps of the program at an address."""
    program = carray(pointer_to(at), 1, PROGRAM)[0]
    seat = take(at)
    spare = program.spare + seat * program.spare_each
    for number in range(program.count):
        counter = at + HEAD + number * _SIZE
        step = carray(pointer_to(counter), 1, STEP)[0]
        items, kind = step.items, step.kind
        while True:
            item = take(counter)
            if item >= items:
                break
            if kind == MATRIX:
                _multiply(step, item)
            elif kind == FILTER:
                _filter(step, item, spare)
            elif kind == AVERAGE:
                _average(step, item)
            elif kind == LARGEST:
                _largest(step, item)
            elif kind == SCALE:
                _scale(step, item)
            elif kind == WINOGRAD:
                do_item(carray(pointer_to(step.job), 1, JOB)[0], step.part, item, seat)
            else:
                _frame(step, item)
            take(counter + _DONE)
        looks = 0
        while read(counter + _DONE) < items:
            breathe()
            looks += 1
            if looks % _LOOKS == 0:
                give_way()
