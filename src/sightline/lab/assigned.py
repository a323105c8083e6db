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
        ``levels`` with their counts; ``matched`` and ``neither``, boxes with their overlaps; of each thing, ``things``:
        how well it is covered; of the level looked at, ``verdicts``, the best kind at each place, row by row; and
        ``here``, the anchors at one place.
    """
    from sightline.detect import anchors, iou, match
    from sightline.detect.match import BACKGROUND, NEITHER

    sizes = [tuple(ask.size * stride * 2 ** (k / ask.octaves) for k in range(ask.octaves)) for stride in STRIDES]
    levels = anchors(shape, STRIDES, sizes, tuple(ask.ratios))
    every = np.concatenate(levels)
    truth = np.array(ask.truth, np.float64).reshape(-1, 4)
    found = match(every, truth, ask.high, min(ask.low, ask.high), ask.best)
    overlaps = iou(every.astype(np.float64), truth)
    most = overlaps.max(axis=1, initial=0)
    of_level = np.repeat(np.arange(len(levels)), [len(level) for level in levels])
    kinds = ask.octaves * len(ask.ratios)
    looked = min(ask.level, len(levels) - 1)
    return {
        "levels": [_counts(found[of_level == k], stride, shape, sizes[k]) for k, stride in enumerate(STRIDES)],
        "kinds": kinds,
        "matched": _rows(every, most, found, of_level, np.flatnonzero(found >= 0)),
        "neither": _rows(every, most, found, of_level, np.flatnonzero(found == NEITHER)),
        "things": [
            {
                "best": float(overlaps[:, k].max()),
                "anchors": int((found == k).sum()),
                "low": int(_low(k, found, most, ask.high)),
            }
            for k in range(len(truth))
        ],
        "verdicts": _best_kind(found[of_level == looked].reshape(-1, kinds)),
        "here": _here(every, most, found, np.flatnonzero(of_level == looked), shape, looked, kinds, ask.place),
        "background": BACKGROUND,
    }


def _low(thing: int, found: Array, most: Array, high: float) -> int:
    """Return how many anchors stand for a thing though they overlap it too little: its best ones."""
    return int(((found == thing) & (most < high)).sum())


def _counts(found: Array, stride: int, shape: tuple[int, int], sizes: tuple[float, ...]) -> dict[str, Any]:
    rows, columns = -(-shape[0] // stride), -(-shape[1] // stride)
    return {
        "stride": stride,
        "rows": rows,
        "columns": columns,
        "sizes": sizes,
        "anchors": len(found),
        "matched": int((found >= 0).sum()),
        "neither": int((found == -2).sum()),
    }


def _rows(every: Array, most: Array, found: Array, of_level: Array, chosen: Array) -> list[dict[str, Any]]:
    """Return the chosen anchors that overlap most, at most so many."""
    chosen = chosen[np.argsort(-most[chosen], kind="stable")][:_SHOWN]
    return [
        {"box": every[i], "overlap": float(most[i]), "thing": int(found[i]), "level": int(of_level[i])} for i in chosen
    ]


def _best_kind(found: Array) -> Array:
    """Return for each place the thing that one of its anchors stands for, else −2 for neither, else −1."""
    neither = (found == -2).any(axis=1)
    return np.where((found >= 0).any(axis=1), found.max(axis=1), np.where(neither, -2, -1))


def _here(
    every: Array, most: Array, found: Array, of_level: Array, shape: tuple[int, int], level: int, kinds: int, place: Any
) -> list[dict[str, Any]]:
    if place is None:
        return []
    rows, columns = (-(-side // STRIDES[level]) for side in shape)
    column, row = min(max(place[0], 0), columns - 1), min(max(place[1], 0), rows - 1)
    first = (row * columns + column) * kinds
    chosen = of_level[first : first + kinds]
    return [{"box": every[i], "overlap": float(most[i]), "thing": int(found[i]), "level": level} for i in chosen]
