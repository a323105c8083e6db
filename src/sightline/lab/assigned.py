"""Anchors over a picture, and which thing each of them is taught to find."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.types import Array

STRIDES = (8, 16, 32, 64, 128)  # levels 3 to 7 of a pyramid
_SHOWN = 200  # anchors of a kind that are drawn


def assignment(shape: tuple[int, int], ask: Any) -> dict[str, Any]:
    """Return the anchors of each level and what they stand for.

    Parameters
    ----------
    shape
        Height and width of the picture.
    ask
        Things ``truth``; ``size`` of an anchor in strides, its ``octaves`` and ``ratios``; ``high``, ``low`` and
        ``best`` of the rule; ``level`` and ``place`` that are looked at.

    Returns
    -------
    dict
        ``levels`` with their counts; ``matched`` and ``neither``, the boxes that overlap most; of each of ``things``,
        how well it is covered; of the level looked at, ``verdicts``, what its places stand for, row by row; and
        ``here``, the anchors at one place. A ``thing`` is −1 for background and −2 for neither, as ``match`` has it.
    """
    from sightline.detect import anchors, iou, match
    from sightline.detect.match import NEITHER

    sizes = [tuple(ask.size * stride * 2 ** (k / ask.octaves) for k in range(ask.octaves)) for stride in STRIDES]
    levels = anchors(shape, STRIDES, sizes, tuple(ask.ratios))
    every = np.concatenate(levels)
    truth = np.array(ask.truth, np.float64).reshape(-1, 4)
    found = match(every, truth, ask.high, min(ask.low, ask.high), ask.best)
    overlaps = iou(every.astype(np.float64), truth)
    most = overlaps.max(axis=1, initial=0)
    of_level = np.repeat(np.arange(len(levels)), [len(level) for level in levels])

    def told(chosen: Array) -> list[dict[str, Any]]:
        return [{"box": every[i], "overlap": most[i], "thing": found[i], "level": of_level[i]} for i in chosen[:_SHOWN]]

    def level(k: int) -> dict[str, Any]:
        rows, columns = grids[k]
        mine = found[of_level == k]
        counts = {"anchors": len(mine), "matched": (mine >= 0).sum(), "neither": (mine == NEITHER).sum()}
        return {"stride": STRIDES[k], "rows": rows, "columns": columns, "sizes": sizes[k], **counts}

    surest = np.argsort(-most, kind="stable")
    looked = np.flatnonzero(of_level == min(ask.level, len(levels) - 1))
    kinds = ask.octaves * len(ask.ratios)
    grids = [(-(-shape[0] // stride), -(-shape[1] // stride)) for stride in STRIDES]
    return {
        "levels": [level(k) for k in range(len(levels))],
        "matched": told(surest[found[surest] >= 0]),
        "neither": told(surest[found[surest] == NEITHER]),
        "things": [_covered(found == k, overlaps[:, k], most < ask.high) for k in range(len(truth))],
        "verdicts": _of_places(found[looked].reshape(-1, kinds)),
        "here": told(_at_place(looked.reshape(*grids[of_level[looked[0]]], kinds), ask.place)),
    }


def _covered(mine: Array, overlap: Array, low: Array) -> dict[str, Any]:
    # Of one thing: low are its best anchors, though they overlap it too little.
    return {"best": overlap.max(), "anchors": mine.sum(), "low": (mine & low).sum()}


def _of_places(found: Array) -> Array:
    """Return for each place, N×K, the thing that one of its anchors stands for, else neither, else background."""
    from sightline.detect.match import BACKGROUND, NEITHER

    otherwise = np.where((found == NEITHER).any(axis=1), NEITHER, BACKGROUND)
    return np.where((found >= 0).any(axis=1), found.max(axis=1), otherwise)


def _at_place(level: Array, place: tuple[int, int] | None) -> Array:
    """Return the anchors, of H×W×K, at a column and row, or at the nearest that there is."""
    if place is None:
        return level[0, 0, :0]
    rows, columns = level.shape[:2]
    return level[min(max(place[1], 0), rows - 1), min(max(place[0], 0), columns - 1)]
