"""Who found what, as COCO's evaluation decides it: the surest first, the free thing that it overlaps most.

Lin et al. 2014, "Microsoft COCO: Common Objects in Context", ECCV; the rules for crowds, sizes and numbers of
detections are those of its public evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightline.core.box_overlap import area_of, overlap_of
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.metrics.box_set import BoxSet

WRONG, RIGHT, IGNORED = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Sorted:
    """All detections and all true boxes, class by class, and image by image within a class.

    Parameters
    ----------
    classes
        The labels of the true boxes, rising: class k is ``classes[k]``.
    groups
        G×5 int64: class, first and last detection + 1, first and last true box + 1 of one class in one image.
    boxes, scores, areas
        Of D detections, the surest of a group first, at most as many as count.
    ranks
        D: place in its group.
    kinds
        D: its class.
    true_boxes, true_areas, crowd, ignore, true_kinds
        Of T true boxes.
    runs, true_runs
        Run lengths of their masks, empty for boxes.
    """

    classes: Array
    groups: Array
    boxes: Array
    scores: Array
    areas: Array
    ranks: Array
    kinds: Array
    true_boxes: Array
    true_areas: Array
    crowd: Array
    ignore: Array
    true_kinds: Array
    runs: tuple[Array, ...]
    true_runs: tuple[Array, ...]


def sort_boxes(function: str, found: Sequence[BoxSet], truth: Sequence[BoxSet], most: int, *, masks: bool) -> Sorted:
    """Return the boxes of all images in groups of one class in one image.

    Parameters
    ----------
    function
        Name for an error's sentence.
    found, truth
        One set an image.
    most
        Detections of a class in an image that count, the surest ones.
    masks
        Whether run lengths are needed.
    """
    if len(found) != len(truth):
        raise InputError(
            f"{function}: found and truth must have one entry for each image; got {len(found)} and {len(truth)}."
        )
    for argument, sets in (("found", found), ("truth", truth)):
        _check_sets(function, argument, sets, masks)
    images = len(truth)
    true_labels, true_image = _column(truth, "labels", np.int64), _image_of(truth)
    classes = np.unique(true_labels)
    labels, image, scores = _column(found, "labels", np.int64), _image_of(found), _column(found, "scores", np.float64)
    if np.isnan(scores).any():
        raise InputError(f"{function}: found must have scores that are numbers; got {np.isnan(scores).sum()} NaN.")
    # A class without a true box says nothing about a detector.
    kinds = np.searchsorted(classes, labels).clip(max=max(len(classes) - 1, 0))
    known = classes[kinds] == labels if len(classes) else np.zeros(len(labels), np.bool_)
    key, true_key = kinds * images + image, np.searchsorted(classes, true_labels) * images + true_image
    order, key, ranks = _surest(key, scores, known, most)
    true_order = np.argsort(true_key, kind="stable")
    true_key = true_key[true_order]
    keys = np.unique(np.concatenate([key, true_key]))
    ends = [np.searchsorted(column, keys, side) for column in (key, true_key) for side in ("left", "right")]
    return Sorted(
        classes,
        np.stack([keys // max(images, 1), *ends], axis=1).astype(np.int64),
        _column(found, "boxes", np.float64)[order],
        scores[order],
        _column(found, "areas", np.float64)[order],
        ranks,
        kinds[order],
        _column(truth, "boxes", np.float64)[true_order],
        _column(truth, "areas", np.float64)[true_order],
        _column(truth, "crowd", np.bool_)[true_order],
        (_column(truth, "crowd", np.bool_) | _column(truth, "ignore", np.bool_))[true_order],
        true_key // max(images, 1),
        _runs(found, order) if masks else (),
        _runs(truth, true_order) if masks else (),
    )


def _surest(key: Array, scores: Array, known: Array, most: int) -> tuple[Array, Array, Array]:
    """Return which detections count, group by group, the surest first; their groups, and their places in them."""
    order = np.lexsort((-scores, key))  # stable: of equal scores, the one that came first
    order = order[known[order]]
    ranks = np.arange(len(order)) - np.searchsorted(key[order], key[order])
    order, ranks = order[ranks < most], ranks[ranks < most]
    return order, key[order], ranks


def _check_sets(function: str, argument: str, sets: Sequence[BoxSet], masks: bool) -> None:
    for i, one in enumerate(sets):
        if argument == "found" and len(one.scores) != len(one):
            raise InputError(f"{function}: found[{i}] must have a score for each box; got {len(one.scores)}.")
        if masks and len(one.runs) != len(one):
            raise InputError(
                f'{function}: {argument}[{i}] must have masks; got {len(one)} boxes alone. Leave of="boxes" as it is.'
            )


def _column(sets: Sequence[BoxSet], name: str, dtype: type) -> Array:
    empty = np.zeros((0, 4) if name == "boxes" else 0, dtype)
    return np.concatenate([empty, *(getattr(one, name) for one in sets)]).astype(dtype)


def _image_of(sets: Sequence[BoxSet]) -> Array:
    return np.repeat(np.arange(len(sets)), [len(one) for one in sets]).astype(np.int64)


def _runs(sets: Sequence[BoxSet], order: Array) -> tuple[Array, ...]:
    every = [run for one in sets for run in one.runs]
    return tuple(every[i] for i in order)


def judge(boxes: Sorted, thresholds: Array, sizes: Array) -> tuple[Array, Array]:
    """Return what becomes of each detection, A×T×D uint8, and which true boxes do not count, A×N bool.

    Parameters
    ----------
    boxes
        What was found and what is true.
    thresholds
        T overlaps that a match needs.
    sizes
        A×2: smallest and largest area of the things that count.
    """
    outside = (boxes.true_areas < sizes[:, :1]) | (boxes.true_areas > sizes[:, 1:]) | boxes.ignore
    beyond = (boxes.areas < sizes[:, :1]) | (boxes.areas > sizes[:, 1:])
    verdicts = np.zeros((len(sizes), len(thresholds), len(boxes.scores)), np.uint8)
    pairs = (boxes.groups[:, 2] - boxes.groups[:, 1]) * (boxes.groups[:, 4] - boxes.groups[:, 3])
    starts = np.concatenate([[0], np.cumsum(pairs)]).astype(np.int64)
    table = np.zeros(starts[-1])
    if boxes.runs:
        cells, ends = _joined(boxes.runs)
        true_cells, true_ends = _joined(boxes.true_runs)
        columns = (cells, ends, true_cells, true_ends, boxes.crowd)
        over_rows(_mask_overlaps, len(boxes.groups), boxes.groups, starts, *columns, table, strip=32)
    else:
        columns = (boxes.boxes, boxes.areas, boxes.true_boxes, boxes.crowd)
        over_rows(_box_overlaps, len(boxes.groups), boxes.groups, starts, *columns, table, strip=256)
    least = np.minimum(thresholds, 1 - 1e-10)
    order, taken = np.empty(
        (2, len(boxes.crowd)), np.int64
    )  # made here: to make arrays costs a kernel its compile time
    given = (boxes.groups, starts, table, least, outside, beyond, boxes.crowd, order, taken, verdicts)
    over_rows(_judge_groups, len(boxes.groups), *given, strip=64)
    return verdicts, outside


def _joined(runs: Sequence[Array]) -> tuple[Array, Array]:
    """Return all run lengths in one row, and where each mask's end."""
    ends = np.cumsum([0, *(len(one) for one in runs)]).astype(np.int64)
    return np.concatenate([np.zeros(0, np.int64), *runs]), ends


@kernel
def _box_overlaps(groups, starts, boxes, areas, true_boxes, crowd, table, g0, g1):
    for g in range(g0, g1):
        at = starts[g]
        for d in range(groups[g, 1], groups[g, 2]):
            own = area_of(boxes[d])
            for t in range(groups[g, 3], groups[g, 4]):
                inside = overlap_of(boxes[d], true_boxes[t])
                # Of a crowd, a box need not cover all: what counts is how much of it lies in the crowd.
                whole = own if crowd[t] else own + area_of(true_boxes[t]) - inside
                table[at] = inside / whole if inside > 0 and whole > 0 else 0.0
                at += 1


@kernel
def _mask_overlaps(groups, starts, cells, ends, true_cells, true_ends, crowd, table, g0, g1):
    for g in range(g0, g1):
        at = starts[g]
        for d in range(groups[g, 1], groups[g, 2]):
            own = _pixels(cells, ends[d], ends[d + 1])
            for t in range(groups[g, 3], groups[g, 4]):
                inside = _shared(cells, ends[d], ends[d + 1], true_cells, true_ends[t], true_ends[t + 1])
                whole = own if crowd[t] else own + _pixels(true_cells, true_ends[t], true_ends[t + 1]) - inside
                table[at] = inside / whole if inside > 0 else 0.0
                at += 1


@kernel
def _pixels(cells, start, end):
    """Return how many pixels a mask has."""
    total = 0
    for i in range(start + 1, end, 2):
        total += cells[i]
    return total


@kernel
def _shared(a, i, a1, b, j, b1):
    """Return how many pixels two masks have in common: runs ``i`` to ``a1`` of one, ``j`` to ``b1`` of the other."""
    total, at, in_a, in_b = 0, 0, False, False
    end_a, end_b = a[i] if i < a1 else 0, b[j] if j < b1 else 0
    while i < a1 and j < b1:
        end = min(end_a, end_b)
        if in_a and in_b:
            total += end - at
        at = end
        if end_a == end:
            i += 1
            in_a = not in_a
            end_a += a[i] if i < a1 else 0
        if end_b == end:
            j += 1
            in_b = not in_b
            end_b += b[j] if j < b1 else 0
    return total


@kernel
def _judge_groups(groups, starts, table, least, outside, beyond, crowd, order, taken, verdicts, g0, g1):
    for g in range(g0, g1):
        d0, d1, t0, t1 = groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        for a in range(outside.shape[0]):
            put = t0
            for ignored in range(2):  # the things that count come first
                for t in range(t0, t1):
                    if outside[a, t] == (ignored == 1):
                        order[put] = t
                        put += 1
            for k in range(len(least)):
                for t in range(t0, t1):
                    taken[t] = 0
                for d in range(d0, d1):
                    at = starts[g] + (d - d0) * (t1 - t0) - t0
                    # The free thing with the largest overlap that is enough; one that counts goes before others.
                    best, most = -1, least[k]
                    for i in range(t0, t1):
                        t = order[i]
                        if taken[t]:
                            continue
                        if best >= 0 and not outside[a, best] and outside[a, t]:
                            break
                        if table[at + t] >= most:
                            best, most = t, table[at + t]
                    if best < 0:
                        verdicts[a, k, d] = IGNORED if beyond[a, d] else WRONG
                    else:
                        verdicts[a, k, d] = IGNORED if outside[a, best] else RIGHT
                        if not crowd[best]:  # which can be found again
                            taken[best] = 1
