"""Sampling of bytes, gray or RGB: neighbours are fetched as words at any address, and mixed in 16-bit integers.

One word of 32 bits holds four neighbours of a gray row, one of 64 bits two RGB pixels. An RGB pixel is four lanes of
which the fourth is idle. Words are gathered in a loop of their own; what follows is arithmetic on contiguous rows.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.lanes import put_word_32, word_32, word_64
from sightline.image.sampling_places import (
    BICUBIC,
    BILINEAR,
    COLUMNS,
    NEAREST,
    PITCH,
    ROWS,
    bicubic_weights,
    call_for,
    deliver,
    places,
    scratch,
)

ONE, MOST = np.float32(32768), np.float32(32767)  # a fraction of 1 in 16-bit integers, and the largest there
THREE_BYTES = np.uint64(24)
EIGHT, LOW = np.uint16(8), np.uint16(0xFF)
ROUND = np.uint16(33)  # ½ of 1/64, and what three products lost on average


@kernel
def nearest_bytes(source, frame, matrix, field, result, y0, y1):
    """Fill rows ``y0`` to ``y1`` of ``result`` with the nearest pixel of ``source``."""
    channels = frame[5]
    width, n = result.shape[1] // channels, ROWS * frame[6]
    tile, (tile_at, tile_spots) = np.empty(n * channels + 1, np.uint8), scratch()
    at = tile_at.reshape(-1)
    for y in range(y0, y1, ROWS):
        for x0 in range(0, width, COLUMNS):
            places(matrix, field, frame, NEAREST, y, x0, tile_at, tile_spots)
            call_for(source, tile_at, np.uint32(0))
            if channels == 1:
                _pick(source, at, n, tile)
            else:
                _pick_pixels(source, at, n, tile)
            deliver(tile, result, y, y1, x0 * channels, channels)


@kernel
def bilinear_bytes(source, frame, matrix, field, result, y0, y1):
    """Fill rows ``y0`` to ``y1`` of ``result`` with the mean of 2×2 pixels of ``source``, weighted by distance."""
    channels, down = frame[5], np.uint32(frame[3])
    width, n = result.shape[1] // channels, ROWS * frame[6]
    tile, (tile_at, tile_spots) = np.empty(n * channels, np.uint8), scratch()
    at, spots, words = tile_at.reshape(-1), tile_spots.reshape(-1), np.empty(4 * PITCH, np.uint32)
    weights, mixed = np.empty(4 * PITCH, np.int32), np.empty(4 * PITCH, np.uint8)
    means = np.empty(8 * PITCH, np.uint16)
    lanes, lane_weights = words.view(np.uint8), weights.view(np.int16)
    for y in range(y0, y1, ROWS):
        for x0 in range(0, width, COLUMNS):
            places(matrix, field, frame, BILINEAR, y, x0, tile_at, tile_spots)
            call_for(source, tile_at, down)
            if channels == 1:
                _fixed(spots, n, lane_weights)
                _fetch_squares(source, at, down, n, words)
                _mix_squares(words, lane_weights, n, means)
                _mix_down(means, lane_weights, n, tile)
            else:
                _fixed_lanes(spots, n, weights)
                _fetch_pixels(source, at, down, n, words)
                _mix_across(lanes, lane_weights, 4 * n, means)
                _mix_down(means, lane_weights, 4 * n, mixed)
                _unspread(mixed, tile)
            deliver(tile, result, y, y1, x0 * channels, channels)


@kernel
def _pick(source, at, n, row):
    for i in range(n):
        row[i] = source[at[i]]


@kernel
def _pick_pixels(source, at, n, row):
    """Copy RGB and the byte after it, which the next pixel overwrites."""
    for i in range(n):
        put_word_32(row, 3 * i, word_32(source, at[i]))


@kernel
def _fetch_squares(source, at, down, n, words):
    """Fetch two neighbours of each of two rows: a uint32."""
    for i in range(n):
        above, below = word_32(source, at[i]), word_32(source, at[i] + down)
        words[i] = (above & np.uint32(0xFFFF)) | (below << np.uint32(16))


@kernel
def _fetch_pixels(source, at, down, n, words):
    """Fetch two RGB neighbours of each of two rows: four uint32."""
    for i in range(n):
        above, below = word_64(source, at[i]), word_64(source, at[i] + down)
        words[i], words[i + PITCH] = np.uint32(above), np.uint32(above >> THREE_BYTES)
        words[i + 2 * PITCH], words[i + 3 * PITCH] = np.uint32(below), np.uint32(below >> THREE_BYTES)


@kernel
def _fixed(spots, n, weights):
    for i in range(n):
        weights[i] = np.int16(np.int32(min(spots[i] * ONE, MOST)))
        weights[i + 4 * PITCH] = np.int16(np.int32(min(spots[i + PITCH] * ONE, MOST)))


@kernel
def _fixed_lanes(spots, n, weights):
    for i in range(n):
        across, upright = np.int32(min(spots[i] * ONE, MOST)), np.int32(min(spots[i + PITCH] * ONE, MOST))
        across, upright = across | (across << np.int32(16)), upright | (upright << np.int32(16))
        weights[2 * i], weights[2 * i + 1] = across, across
        weights[2 * i + 2 * PITCH], weights[2 * i + 2 * PITCH + 1] = upright, upright


@kernel(inline=True)
def _product(a, b):
    # The upper half of a signed product: one instruction for many lanes.
    return np.uint16((np.int32(np.int16(a)) * np.int32(b)) >> np.int32(16))


@kernel(inline=True)
def _step(a, b, weight):
    """Return the mean of two bytes in 1/64."""
    return np.uint16(np.uint16(a << np.uint16(6)) + _product(np.uint16(np.uint16(b - a) << np.uint16(7)), weight))


@kernel
def _mix_squares(words, weights, n, means):
    for i in range(n):
        above, below = np.uint16(words[i]), np.uint16(words[i] >> np.uint32(16))
        means[i] = _step(np.uint16(above & LOW), np.uint16(above >> EIGHT), weights[i])
        means[i + 4 * PITCH] = _step(np.uint16(below & LOW), np.uint16(below >> EIGHT), weights[i])


@kernel
def _mix_across(lanes, weights, n, means):
    for i in range(n):
        means[i] = _step(np.uint16(lanes[i]), np.uint16(lanes[i + 4 * PITCH]), weights[i])
        means[i + 4 * PITCH] = _step(np.uint16(lanes[i + 8 * PITCH]), np.uint16(lanes[i + 12 * PITCH]), weights[i])


@kernel
def _mix_down(means, weights, n, row):
    for i in range(n):
        upper, lower = means[i], means[i + 4 * PITCH]
        step = _product(np.uint16(np.uint16(lower - upper) << np.uint16(1)), weights[i + 4 * PITCH])
        row[i] = np.uint8(np.uint16(np.uint16(upper + step) + ROUND) >> np.uint16(6))


@kernel
def _unspread(lanes, row):
    """Copy RGB from four lanes a pixel to three."""
    for i in range(row.size // 3):
        row[3 * i], row[3 * i + 1], row[3 * i + 2] = lanes[4 * i], lanes[4 * i + 1], lanes[4 * i + 2]


@kernel(contract=True)
def bicubic_bytes(source, frame, matrix, field, result, y0, y1):
    """Fill rows ``y0`` to ``y1`` of ``result`` with a weighted mean of 4×4 pixels of ``source``."""
    channels, down = frame[5], np.uint32(frame[3])
    width, n = result.shape[1] // channels, ROWS * frame[6]
    tile, (tile_at, tile_spots) = np.empty(n * channels, np.uint8), scratch()
    at, spots, words = tile_at.reshape(-1), tile_spots.reshape(-1), np.empty(4 * PITCH, np.uint32)
    across, upright = np.empty(4 * PITCH, np.float32), np.empty(4 * PITCH, np.float32)
    total = np.empty(3 * PITCH, np.float32)
    for y in range(y0, y1, ROWS):
        for x0 in range(0, width, COLUMNS):
            places(matrix, field, frame, BICUBIC, y, x0, tile_at, tile_spots)
            call_for(source, tile_at, np.uint32(3) * down)
            bicubic_weights(spots, n, across)
            bicubic_weights(spots[PITCH:], n, upright)
            total[:] = np.float32(0.5)
            for k in range(4):
                weight = upright[k * PITCH :]
                if channels == 1:
                    _fetch_row(source, at, np.uint32(k) * down, n, words)
                    _weigh_row(words, across, weight, n, total)
                else:
                    _fetch_four(source, at, np.uint32(k) * down, n, words)
                    for channel in range(3):
                        _weigh_four(words, across, weight, np.uint32(8 * channel), n, total[channel * PITCH :])
            if channels == 1:
                _clip(total, tile)
            else:
                _clip_pixels(total, tile)
            deliver(tile, result, y, y1, x0 * channels, channels)


@kernel
def _fetch_row(source, at, down, n, words):
    for i in range(n):
        words[i] = word_32(source, at[i] + down)


@kernel
def _fetch_four(source, at, down, n, words):
    """Fetch four RGB neighbours of a row: four uint32."""
    for i in range(n):
        left, right = word_64(source, at[i] + down), word_64(source, at[i] + down + np.uint32(6))
        words[i], words[i + PITCH] = np.uint32(left), np.uint32(left >> THREE_BYTES)
        words[i + 2 * PITCH], words[i + 3 * PITCH] = np.uint32(right), np.uint32(right >> THREE_BYTES)


@kernel(inline=True)
def _octet(word, shift):
    return np.float32(np.int32((word >> shift) & np.uint32(255)))


@kernel(contract=True)
def _weigh_row(words, across, weight, n, total):
    for i in range(n):
        word = words[i]
        left = across[i] * _octet(word, np.uint32(0)) + across[i + PITCH] * _octet(word, np.uint32(8))
        right = across[i + 2 * PITCH] * _octet(word, np.uint32(16)) + across[i + 3 * PITCH] * _octet(
            word, np.uint32(24)
        )
        total[i] += weight[i] * (left + right)


@kernel(contract=True)
def _weigh_four(words, across, weight, shift, n, total):
    for i in range(n):
        left = across[i] * _octet(words[i], shift) + across[i + PITCH] * _octet(words[i + PITCH], shift)
        third, fourth = _octet(words[i + 2 * PITCH], shift), _octet(words[i + 3 * PITCH], shift)
        right = across[i + 2 * PITCH] * third + across[i + 3 * PITCH] * fourth
        total[i] += weight[i] * (left + right)


@kernel(inline=True)
def _level(total):
    return np.uint8(np.int32(min(max(total, np.float32(0)), np.float32(255))))


@kernel
def _clip(total, row):
    for i in range(row.size):
        row[i] = _level(total[i])


@kernel
def _clip_pixels(total, row):
    for i in range(row.size // 3):
        row[3 * i], row[3 * i + 1] = _level(total[i]), _level(total[i + PITCH])
        row[3 * i + 2] = _level(total[i + 2 * PITCH])
