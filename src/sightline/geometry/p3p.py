"""Pose from three points: up to four places from which a camera sees three points under given angles.

Grunert 1841, in the form of Haralick, Lee, Ottenberg & Nölle 1994, "Review and Analysis of Solutions of the Three Point
Perspective Pose Estimation Problem", International Journal of Computer Vision 13(3); roots polished by Newton's method.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.features.models import Kind
from sightline.geometry.real_roots import real_roots


def p3p(rows: Array, picks: Array) -> Array:
    """Return candidates B×4×12 (rotation row by row, translation) of B triples of rows (ray x, y, and X, Y, Z)."""
    out = np.full((len(picks), 4, 12), np.nan)
    _solve_triples(rows, picks, out)
    return out


def ray_squares(poses: Array, columns: Array) -> Array:
    """Return squared distances K×N at depth 1 between rays and projected points (columns 5×N); infinity behind."""
    out = np.empty((len(poses), columns.shape[1]))
    over_rows(_ray_rows, len(poses), poses, columns, out, strip=max(1, 65536 // (columns.shape[1] + 1)))
    return out


def pose_kind(refine: object) -> Kind:
    """Return the pose as a model of consensus; ``refine`` improves it over the rows that agree."""
    return Kind("pose", 3, 5, (12,), p3p, ray_squares, refine)  # type: ignore[arg-type]


@kernel(contract=True)
def _ray_rows(poses, columns, out, y0, y1):
    us, vs, xs, ys, zs = columns[0], columns[1], columns[2], columns[3], columns[4]
    for m in range(y0, y1):
        row, p = out[m], poses[m]
        for k in range(row.size):
            x, y, z = xs[k], ys[k], zs[k]
            depth = p[6] * x + p[7] * y + p[8] * z + p[11]
            u = (p[0] * x + p[1] * y + p[2] * z + p[9]) / depth - us[k]
            v = (p[3] * x + p[4] * y + p[5] * z + p[10]) / depth - vs[k]
            square = u * u + v * v
            row[k] = square if depth > 0 and square < np.inf else np.inf


@kernel
def _solve_triples(rows, picks, out):
    rays, world, seen = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    frame, other = np.empty((3, 3)), np.empty((3, 3))
    squares, cosines, lengths = np.empty(3), np.empty(3), np.empty(3)
    quartic, roots = np.empty(5), np.empty(6)
    for s in range(picks.shape[0]):
        for k in range(3):
            row = rows[picks[s, k]]
            size = 1 / np.sqrt(row[0] * row[0] + row[1] * row[1] + 1)
            rays[k, 0], rays[k, 1], rays[k, 2] = row[0] * size, row[1] * size, size
            world[k, 0], world[k, 1], world[k, 2] = row[2], row[3], row[4]
        for k in range(3):  # the side across from each point, and the angle that it is seen under
            i, j = (k + 1) % 3, (k + 2) % 3
            squares[k], cosines[k] = 0, 0
            for d in range(3):
                squares[k] += (world[i, d] - world[j, d]) ** 2
                cosines[k] += rays[i, d] * rays[j, d]
        if not _fill_frame(world, frame):
            continue
        _fill_quartic(squares, cosines, quartic)
        count = real_roots(quartic, quartic.size - 1, roots)
        found = 0
        for r in range(count):
            if found < 4 and _distances(squares, cosines, roots[r], lengths):
                for k in range(3):
                    for d in range(3):
                        seen[k, d] = rays[k, d] * lengths[k]
                if _fill_frame(seen, other):
                    _fill_pose(frame, other, world, seen, out[s, found])
                    found += 1


@kernel
def _fill_quartic(squares, cosines, quartic):
    """Fill the equation of v, the ratio of the third distance to the first one."""
    a, b, c = squares[0], squares[1], squares[2]
    ca, cb, cg = cosines[0], cosines[1], cosines[2]
    p, q = (a - c) / b, (a + c) / b
    quartic[4] = (p - 1) ** 2 - 4 * c / b * ca * ca
    quartic[3] = 4 * (p * (1 - p) * cb - (1 - q) * ca * cg + 2 * c / b * ca * ca * cb)
    quartic[2] = 2 * (
        p * p - 1 + 2 * p * p * cb * cb + 2 * (b - c) / b * ca * ca - 4 * q * ca * cb * cg + 2 * (b - a) / b * cg * cg
    )
    quartic[1] = 4 * (-p * (1 + p) * cb + 2 * a / b * cg * cg * cb - (1 - q) * ca * cg)
    quartic[0] = (1 + p) ** 2 - 4 * a / b * cg * cg


@kernel
def _distances(squares, cosines, v, lengths):
    """Fill the distances of the three points for a root, polished; False when it is none that a camera could have."""
    a, b, c = squares[0], squares[1], squares[2]
    ca, cb, cg = cosines[0], cosines[1], cosines[2]
    p, below = (a - c) / b, 2 * (cg - v * ca)
    if not v > 0 or not abs(below) > 1e-12:
        return False
    u = ((p - 1) * v * v - 2 * p * cb * v + 1 + p) / below
    around = 1 + v * v - 2 * v * cb
    if not u > 0 or not around > 0:
        return False
    x = np.sqrt(b / around)
    y, z = u * x, v * x
    for _ in range(3):
        f, g, h = (
            y * y + z * z - 2 * y * z * ca - a,
            x * x + z * z - 2 * x * z * cb - b,
            x * x + y * y - 2 * x * y * cg - c,
        )
        fy, fz, gx, gz = 2 * (y - z * ca), 2 * (z - y * ca), 2 * (x - z * cb), 2 * (z - x * cb)
        hx, hy = 2 * (x - y * cg), 2 * (y - x * cg)
        det = fy * gz * hx + fz * gx * hy
        if not abs(det) > 1e-14 * (a + b + c) ** 1.5:
            break
        x -= (-f * gz * hy + fy * gz * h + fz * g * hy) / det
        y -= (f * gz * hx + fz * gx * h - fz * g * hx) / det
        z -= (f * gx * hy - fy * gx * h + fy * g * hx) / det
    lengths[0], lengths[1], lengths[2] = x, y, z
    return min(x, min(y, z)) > 0


@kernel
def _fill_frame(points, frame):
    """Fill the rows of ``frame`` with right-angled axes of a triangle; False when it is flat."""
    size, along = 0.0, 0.0
    for d in range(3):
        frame[0, d] = points[1, d] - points[0, d]
        size += frame[0, d] ** 2
    if not size > 0:
        return False
    length = np.sqrt(size)
    for d in range(3):
        frame[0, d] /= length
        along += frame[0, d] * (points[2, d] - points[0, d])
    across = 0.0
    for d in range(3):
        frame[1, d] = points[2, d] - points[0, d] - along * frame[0, d]
        across += frame[1, d] ** 2
    if not across > 1e-14 * (size + along * along):
        return False
    width = np.sqrt(across)
    for d in range(3):
        frame[1, d] /= width
    for d in range(3):
        i, j = (d + 1) % 3, (d + 2) % 3
        frame[2, d] = frame[0, i] * frame[1, j] - frame[0, j] * frame[1, i]
    return True


@kernel
def _fill_pose(frame, other, world, seen, pose):
    """Fill the motion that takes one triangle with its axes to the other."""
    for i in range(3):
        for j in range(3):
            pose[3 * i + j] = 0
            for k in range(3):
                pose[3 * i + j] += other[k, i] * frame[k, j]
    for i in range(3):
        pose[9 + i] = seen[0, i]
        for j in range(3):
            pose[9 + i] -= pose[3 * i + j] * world[0, j]
