"""Where the pixels of a block come from: an offset into the image with its margin, and fractions to the next pixel."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

BLOCK = 512  # columns handled together: short enough that float32 steps are exact to 1/30000 of a pixel
MARGIN = 4  # pixels around the image: a bicubic window reaches that far at most
CONSTANT, REFLECT, EDGE, WRAP = 0, 1, 2, 3
NEAREST, BILINEAR, BICUBIC = 0, 1, 2


@kernel
def places(matrix, field, frame, method, y, x0, n, at, spots):
    """Write where the windows of the ``n`` pixels from (x0, y) on lie: offsets to ``at``, fractions to ``spots``.

    A window is one pixel for nearest, 2×2 for bilinear and 4×4 for bicubic; its offset is that of its upper left pixel.
    The fractions, 0 to 1, are along x in ``spots[:n]`` and along y from ``spots[BLOCK]`` on.
    """
    height, width, channels, stride, border = frame[0], frame[1], frame[2], frame[3], frame[4]
    near_x, near_y = _origins(matrix, field, height, width, y, x0, n, spots)
    if border == REFLECT or border == WRAP:
        _fold(spots, near_x, width, border, n)
        _fold(spots[BLOCK:], near_y, height, border, n)
        near_x, near_y = 0, 0
    beyond = 0 if border != CONSTANT else 2 if method == BICUBIC else 1
    last = 0 if border == WRAP else -1
    x_span = np.float32(-beyond - near_x), np.float32(width + last + beyond - near_x)
    y_span = np.float32(-beyond - near_y), np.float32(height + last + beyond - near_y)
    margin = MARGIN - (1 if method == BICUBIC else 0)
    first = np.int32((near_y + margin) * stride + (near_x + margin) * channels)
    half = np.float32(0.5) if method == NEAREST else np.float32(0)
    _split(spots, x_span, y_span, half, (np.int32(channels), np.int32(stride), first), n, at)


@kernel(contract=True)
def _origins(matrix, field, height, width, y, x0, n, spots):
    """Write where pixels come from, less the pixel (x, y) near by that is returned.

    The distance from a pixel near by is short, so that float32 holds it exactly enough.
    """
    if field.size:
        part = field[y, 2 * x0 : 2 * (x0 + n)]
        for i in range(n):
            spots[i], spots[i + BLOCK] = part[2 * i], part[2 * i + 1]
        return 0, 0
    x = matrix[0, 0] * x0 + matrix[0, 1] * y + matrix[0, 2]
    u = matrix[1, 0] * x0 + matrix[1, 1] * y + matrix[1, 2]
    w = matrix[2, 0] * x0 + matrix[2, 1] * y + matrix[2, 2]
    near_x, near_y = np.floor(x / w), np.floor(u / w)
    near_x = min(near_x, np.float64(width)) if near_x > 0 else 0.0
    near_y = min(near_y, np.float64(height)) if near_y > 0 else 0.0
    x, u = x - near_x * w, u - near_y * w
    dx, du, dw = matrix[0, 0] - near_x * matrix[2, 0], matrix[1, 0] - near_y * matrix[2, 0], matrix[2, 0]
    if dw == 0:
        x, u, dx, du = np.float32(x / w), np.float32(u / w), np.float32(dx / w), np.float32(du / w)
        for i in range(n):
            t = np.float32(np.int32(i))
            spots[i], spots[i + BLOCK] = x + t * dx, u + t * du
    else:
        x, u, w, dx, du, dw = (
            np.float32(x),
            np.float32(u),
            np.float32(w),
            np.float32(dx),
            np.float32(du),
            np.float32(dw),
        )
        for i in range(n):
            t = np.float32(np.int32(i))
            scale = np.float32(1) / (w + t * dw)
            spots[i], spots[i + BLOCK] = (x + t * dx) * scale, (u + t * du) * scale
    return np.int64(near_x), np.int64(near_y)


@kernel
def _split(spots, x_span, y_span, half, steps, n, at):
    left, right = x_span
    top, bottom = y_span
    across, down, first = steps
    for i in range(n):
        x, y = spots[i] + half, spots[i + BLOCK] + half
        x, y = x if x > left else left, y if y > top else top  # NaN too
        x, y = x if x < right else right, y if y < bottom else bottom
        column, row = np.floor(x), np.floor(y)
        spots[i], spots[i + BLOCK] = x - column, y - row
        at[i] = np.uint32(np.int32(np.int32(row) * down) + np.int32(np.int32(column) * across) + first)


@kernel
def _fold(spots, near, size, border, n):
    """Replace positions relative to ``near`` by those inside the image that the border stands for."""
    period = size if border == WRAP else max(1, 2 * (size - 1))
    for i in range(n):
        s = spots[i]
        s = s if s > np.float32(-1e9) else np.float32(-1e9)
        s = s if s < np.float32(1e9) else np.float32(1e9)
        whole = np.floor(s)
        folded = np.float32((np.int64(whole) + near) % period) + (s - whole)
        if border == REFLECT and folded > np.float32(size - 1):
            folded = np.float32(2 * (size - 1)) - folded
        spots[i] = folded


@kernel(contract=True)
def bicubic_weights(fraction, n, weights):
    """Write the four weights of Keys's cubic with a = −¾ for pixels −1, 0, 1 and 2 at each fraction, BLOCK apart."""
    a, one = np.float32(-0.75), np.float32(1)
    for i in range(n):
        t = fraction[i]
        r = one - t
        weights[i] = a * t * r * r
        weights[i + BLOCK] = ((a + np.float32(2)) * t - (a + np.float32(3))) * t * t + one
        weights[i + 2 * BLOCK] = ((a + np.float32(2)) * r - (a + np.float32(3))) * r * r + one
        weights[i + 3 * BLOCK] = a * r * t * t
