"""Kernels of bundle adjustment: residuals, their derivatives, the reduced camera system, and the way back.

Triggs, McLauchlan, Hartley & Fitzgibbon 2000, "Bundle Adjustment: A Modern Synthesis", section 6.1. Observations are
sorted by point. Each camera owns a block of ``B`` unknowns (a small turn, a shift and, where no other camera shares
them, its intrinsics); shared intrinsics follow behind all cameras as a border of ``M`` unknowns.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel


@kernel
def reproject(rotation, translation, intrinsics, group_of, points, seen, camera_of, point_of, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write the residuals of observations ``y0`` to ``y1``."""
    for o in range(y0, y1):
        c, p = camera_of[o], point_of[o]
        m, t, k = rotation[c], translation[c], intrinsics[group_of[c]]
        x3 = m[0, 0] * points[p, 0] + m[0, 1] * points[p, 1] + m[0, 2] * points[p, 2] + t[0]
        y3 = m[1, 0] * points[p, 0] + m[1, 1] * points[p, 1] + m[1, 2] * points[p, 2] + t[1]
        z3 = m[2, 0] * points[p, 0] + m[2, 1] * points[p, 1] + m[2, 2] * points[p, 2] + t[2]
        x, y = x3 / z3, y3 / z3
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k[4] + r2 * (k[5] + r2 * k[8]))
        xd = x * radial + 2.0 * k[6] * x * y + k[7] * (r2 + 2.0 * x * x)
        yd = y * radial + k[6] * (r2 + 2.0 * y * y) + 2.0 * k[7] * x * y
        out[o, 0] = k[0] * xd + k[2] - seen[o, 0]
        out[o, 1] = k[0] * k[1] * yd + k[3] - seen[o, 1]


@kernel(inline=True)
def _robust(loss, square, scale):  # type: ignore[no-untyped-def]
    """Return the loss of a squared residual, and its derivative: the weight."""
    b = scale * scale
    value, weight = square, 1.0
    if loss == 1 and square > b:
        root = np.sqrt(square)
        value, weight = 2.0 * scale * root - b, scale / root
    elif loss == 2:
        value, weight = b * np.log1p(square / b), 1.0 / (1.0 + square / b)
    elif loss == 3:
        root = np.sqrt(1.0 + square / b)
        value, weight = 2.0 * b * (root - 1.0), 1.0 / root
    return value, weight


@kernel
def robust_cost(residuals, loss, scale, y0, y1):  # type: ignore[no-untyped-def]
    """Return half the sum of the losses of observations ``y0`` to ``y1``."""
    total = 0.0
    for o in range(y0, y1):
        value, _ = _robust(loss, residuals[o, 0] ** 2 + residuals[o, 1] ** 2, scale)
        total += value
    return 0.5 * total


@kernel
def linearise(  # type: ignore[no-untyped-def]
    rotation, translation, intrinsics, group_of, points, seen, camera_of, starts, free, loss, scale,
    residual, by_camera, coupling, border, v, g, y0, y1,
):  # fmt: skip
    """Write residuals and derivatives of the points ``y0`` to ``y1``.

    ``residual`` N×2 and ``by_camera`` N×2×(6 + free) are weighted by the loss; ``coupling`` N×3×B and ``border``
    P×3×M are camera times point; ``v`` P×6 and ``g`` P×3 are a point's own block and gradient.
    """
    d = np.empty((2, 9))
    jp = np.empty((2, 3))
    block, many = coupling.shape[2], border.shape[2]
    width = by_camera.shape[2]
    for p in range(y0, y1):
        v[p] = 0.0
        g[p] = 0.0
        border[p] = 0.0
        for o in range(starts[p], starts[p + 1]):
            c = camera_of[o]
            m, t, k = rotation[c], translation[c], intrinsics[group_of[c]]
            q0 = m[0, 0] * points[p, 0] + m[0, 1] * points[p, 1] + m[0, 2] * points[p, 2]
            q1 = m[1, 0] * points[p, 0] + m[1, 1] * points[p, 1] + m[1, 2] * points[p, 2]
            q2 = m[2, 0] * points[p, 0] + m[2, 1] * points[p, 1] + m[2, 2] * points[p, 2]
            near = 1.0 / (q2 + t[2])
            x, y = (q0 + t[0]) * near, (q1 + t[1]) * near
            r2 = x * x + y * y
            radial = 1.0 + r2 * (k[4] + r2 * (k[5] + r2 * k[8]))
            slope = k[4] + r2 * (2.0 * k[5] + r2 * 3.0 * k[8])
            xd = x * radial + 2.0 * k[6] * x * y + k[7] * (r2 + 2.0 * x * x)
            yd = y * radial + k[6] * (r2 + 2.0 * y * y) + 2.0 * k[7] * x * y
            fx, fy = k[0], k[0] * k[1]
            ru, rv = fx * xd + k[2] - seen[o, 0], fy * yd + k[3] - seen[o, 1]
            _, weight = _robust(loss, ru * ru + rv * rv, scale)
            w = np.sqrt(weight)
            fx, fy = fx * w, fy * w
            residual[o, 0], residual[o, 1] = ru * w, rv * w
            mixed = 2.0 * (x * y * slope + k[6] * x + k[7] * y)
            d[0, 0], d[0, 1] = w * xd, 0.0
            d[1, 0], d[1, 1] = w * k[1] * yd, w * k[0] * yd
            d[0, 2], d[0, 3], d[1, 2], d[1, 3] = w, 0.0, 0.0, w
            d[0, 4], d[1, 4] = fx * x * r2, fy * y * r2
            d[0, 5], d[1, 5] = d[0, 4] * r2, d[1, 4] * r2
            d[0, 8], d[1, 8] = d[0, 5] * r2, d[1, 5] * r2
            d[0, 6], d[1, 6] = fx * 2.0 * x * y, fy * (r2 + 2.0 * y * y)
            d[0, 7], d[1, 7] = fx * (r2 + 2.0 * x * x), fy * 2.0 * x * y
            for e in range(2):
                f = fx if e == 0 else fy
                dx = radial + 2.0 * (x * x * slope + k[6] * y) + 6.0 * k[7] * x if e == 0 else mixed
                dy = mixed if e == 0 else radial + 2.0 * (y * y * slope + k[7] * x) + 6.0 * k[6] * y
                a0, a1, a2 = f * dx * near, f * dy * near, -f * (dx * x + dy * y) * near
                jc = by_camera[o, e]
                jc[0], jc[1], jc[2] = q1 * a2 - q2 * a1, q2 * a0 - q0 * a2, q0 * a1 - q1 * a0
                jc[3], jc[4], jc[5] = a0, a1, a2
                for i in range(6, width):
                    jc[i] = d[e, free[i - 6]]
                for i in range(3):
                    jp[e, i] = a0 * m[0, i] + a1 * m[1, i] + a2 * m[2, i]
            ju, jv = by_camera[o, 0], by_camera[o, 1]
            at = group_of[c] * (width - 6)
            for i in range(3):
                g[p, i] += jp[0, i] * residual[o, 0] + jp[1, i] * residual[o, 1]
                for j in range(block):
                    coupling[o, i, j] = ju[j] * jp[0, i] + jv[j] * jp[1, i]
                if many:
                    for j in range(6, width):
                        border[p, i, at + j - 6] += ju[j] * jp[0, i] + jv[j] * jp[1, i]
            v[p, 0] += jp[0, 0] * jp[0, 0] + jp[1, 0] * jp[1, 0]
            v[p, 1] += jp[0, 0] * jp[0, 1] + jp[1, 0] * jp[1, 1]
            v[p, 2] += jp[0, 0] * jp[0, 2] + jp[1, 0] * jp[1, 2]
            v[p, 3] += jp[0, 1] * jp[0, 1] + jp[1, 1] * jp[1, 1]
            v[p, 4] += jp[0, 1] * jp[0, 2] + jp[1, 1] * jp[1, 2]
            v[p, 5] += jp[0, 2] * jp[0, 2] + jp[1, 2] * jp[1, 2]


@kernel
def camera_blocks(residual, by_camera, order, starts, u, g, y0, y1):  # type: ignore[no-untyped-def]
    """Write each camera's own block C×W×W and gradient C×W (W = 6 + free), of the cameras ``y0`` to ``y1``."""
    width = by_camera.shape[2]
    for c in range(y0, y1):
        u[c] = 0.0
        g[c] = 0.0
        for s in range(starts[c], starts[c + 1]):
            o = order[s]
            ju, jv = by_camera[o, 0], by_camera[o, 1]
            for i in range(width):
                a, b = ju[i], jv[i]
                g[c, i] += a * residual[o, 0] + b * residual[o, 1]
                row = u[c, i]
                for j in range(width):
                    row[j] += a * ju[j] + b * jv[j]


@kernel
def damped_inverses(v, g, radius, inverse, step, y0, y1):  # type: ignore[no-untyped-def]
    """Write the inverse P×6 of each point's damped block, and its product with the gradient."""
    for p in range(y0, y1):
        a, b, c, d, e, f = v[p, 0], v[p, 1], v[p, 2], v[p, 3], v[p, 4], v[p, 5]
        a += min(max(a, 1e-6), 1e32) / radius
        d += min(max(d, 1e-6), 1e32) / radius
        f += min(max(f, 1e-6), 1e32) / radius
        c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
        det = 1.0 / (a * c00 + b * c01 + c * c02)
        inverse[p, 0], inverse[p, 1], inverse[p, 2] = c00 * det, c01 * det, c02 * det
        inverse[p, 3], inverse[p, 4], inverse[p, 5] = (
            (a * f - c * c) * det,
            (b * c - a * e) * det,
            (a * d - b * b) * det,
        )
        i = inverse[p]
        step[p, 0] = i[0] * g[p, 0] + i[1] * g[p, 1] + i[2] * g[p, 2]
        step[p, 1] = i[1] * g[p, 0] + i[3] * g[p, 1] + i[4] * g[p, 2]
        step[p, 2] = i[2] * g[p, 0] + i[4] * g[p, 1] + i[5] * g[p, 2]


@kernel
def reduced_rows(  # type: ignore[no-untyped-def]
    coupling, border, inverse, step, camera_of, point_of, starts, order, camera_starts, first, rows, right, y0, y1
):
    """Take the points out of the rows of the cameras ``y0`` to ``y1``: upper triangle, and the right side.

    ``rows`` begins with the row of camera ``first``; its columns are those of all cameras, then the border.
    """
    block, many = coupling.shape[2], border.shape[2]
    edge = rows.shape[1] - many
    y = np.empty((3, block))
    for c in range(y0, y1):
        for s in range(camera_starts[c], camera_starts[c + 1]):
            o = order[s]
            p = point_of[o]
            w, inv = coupling[o], inverse[p]
            for j in range(block):
                y[0, j] = w[0, j] * inv[0] + w[1, j] * inv[1] + w[2, j] * inv[2]
                y[1, j] = w[0, j] * inv[1] + w[1, j] * inv[3] + w[2, j] * inv[4]
                y[2, j] = w[0, j] * inv[2] + w[1, j] * inv[4] + w[2, j] * inv[5]
                right[c, j] += w[0, j] * step[p, 0] + w[1, j] * step[p, 1] + w[2, j] * step[p, 2]
            for other in range(starts[p], starts[p + 1]):
                partner = camera_of[other]
                if partner < c:
                    continue
                e = coupling[other]
                e0, e1, e2 = e[0], e[1], e[2]
                left = partner * block
                for i in range(block):
                    row = rows[(c - first) * block + i, left : left + block]
                    a0, a1, a2 = y[0, i], y[1, i], y[2, i]
                    for j in range(block):
                        row[j] -= a0 * e0[j] + a1 * e1[j] + a2 * e2[j]
            if many:
                e0, e1, e2 = border[p, 0], border[p, 1], border[p, 2]
                for i in range(block):
                    row = rows[(c - first) * block + i, edge:]
                    a0, a1, a2 = y[0, i], y[1, i], y[2, i]
                    for j in range(many):
                        row[j] -= a0 * e0[j] + a1 * e1[j] + a2 * e2[j]


@kernel
def back_substitute(coupling, border, inverse, g, camera_of, starts, by_camera, by_border, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write the steps of the points ``y0`` to ``y1`` that follow from those of the cameras (C×B and M)."""
    block, many = coupling.shape[2], border.shape[2]
    for p in range(y0, y1):
        b0, b1, b2 = g[p, 0], g[p, 1], g[p, 2]
        for o in range(starts[p], starts[p + 1]):
            w, d = coupling[o], by_camera[camera_of[o]]
            for j in range(block):
                b0 += w[0, j] * d[j]
                b1 += w[1, j] * d[j]
                b2 += w[2, j] * d[j]
        for j in range(many):
            b0 += border[p, 0, j] * by_border[j]
            b1 += border[p, 1, j] * by_border[j]
            b2 += border[p, 2, j] * by_border[j]
        i = inverse[p]
        out[p, 0] = -(i[0] * b0 + i[1] * b1 + i[2] * b2)
        out[p, 1] = -(i[1] * b0 + i[3] * b1 + i[4] * b2)
        out[p, 2] = -(i[2] * b0 + i[4] * b1 + i[5] * b2)
