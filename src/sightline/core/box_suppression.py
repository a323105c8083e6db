"""Greedy suppression: of boxes that overlap, the best stays. Detectors, text and face finders end in it."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array


def suppress(boxes: Array, scores: Array, threshold: float, labels: Array | None = None) -> Array:
    """Return the int64 indices of the boxes that stay, the best first; of equal scores the earlier one is better.

    Parameters
    ----------
    boxes
        N×4 xyxy. One with NaN, or without area, overlaps nothing and stays.
    scores
        N, without NaN.
    threshold
        A box goes when it overlaps one that stays by more than this.
    labels
        N classes; boxes of different ones leave one another alone. One class when None.
    """
    order = np.argsort(-scores, kind="stable")
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]  # class by class, the best of each first
        starts = np.flatnonzero(np.diff(labels[order])) + 1
        ends = np.append(starts, len(order))
    else:
        ends = np.array([len(order)])
    gone = np.zeros(len(order), np.int64)
    sides = np.ascontiguousarray(np.asarray(boxes, np.float64)[order].T)
    mark_suppressed(sides, ends, float(threshold), gone)
    kept = order[gone == 0]
    return kept if labels is None else kept[np.lexsort((kept, -scores[kept]))]


@kernel
def mark_suppressed(sides, ends, threshold, gone):
    """Set ``gone`` for each box of a group that overlaps an earlier one of it which stays.

    ``sides`` is 4×N float64 (x1, y1, x2, y2), the best of a group first; a group ends before ``ends[g]``.
    """
    left, top, right, bottom = sides[0], sides[1], sides[2], sides[3]
    area = np.empty(len(gone))
    for i in range(len(gone)):
        area[i] = max(right[i] - left[i], 0.0) * max(bottom[i] - top[i], 0.0)
    start = 0
    for g in range(len(ends)):
        end = ends[g]
        for i in range(start, end):
            if gone[i] == 0:
                _mark_later(left[i:end], top[i:end], right[i:end], bottom[i:end], area[i:end], threshold, gone[i:end])
        start = end


@kernel
def _mark_later(left, top, right, bottom, area, threshold, gone):
    """Set ``gone`` where a box overlaps the first one: choices instead of branches, so that four go at once."""
    x1, y1, x2, y2, own = left[0], top[0], right[0], bottom[0], area[0]
    left, top, right, bottom, area, gone = left[1:], top[1:], right[1:], bottom[1:], area[1:], gone[1:]
    for j in range(len(gone)):
        width = (x2 if x2 < right[j] else right[j]) - (x1 if x1 > left[j] else left[j])
        height = (y2 if y2 < bottom[j] else bottom[j]) - (y1 if y1 > top[j] else top[j])
        inside = (width if width > 0 else 0.0) * (height if height > 0 else 0.0)
        gone[j] = 1 if inside / (own + area[j] - inside) > threshold else gone[j]
