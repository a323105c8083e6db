"""Run lengths: a mask as the lengths of its runs, down the columns, outside first; and polygons as masks.

The form is that of COCO (Lin et al. 2014, "Microsoft COCO: Common objects in context", ECCV, and its public tools): the
pixels are counted column by column, the first run is of pixels outside, and the text packs each length, from the third
on as a difference to the one two places before, in groups of five bits.
"""

from __future__ import annotations

import numpy as np

from sightline.core.checks import as_mask
from sightline.core.errors import FormatError

_FINE = 5  # a polygon is drawn on a grid this much finer, then read at the pixels' centres


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """Return the run lengths of a mask, int64, beginning with pixels outside.

    Parameters
    ----------
    mask
        H×W bool.

    Examples
    --------
    >>> run_lengths(np.array([[False, True], [False, True]])).tolist()
    [2, 2]
    """
    flat = as_mask("run_lengths", mask).T.ravel()
    places = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], places] if not flat[0] else [[0, 0], places])
    return np.diff(np.append(starts, flat.size)).astype(np.int64)


def mask_of_runs(counts: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the H×W bool mask of run lengths.

    Parameters
    ----------
    counts
        Whole numbers ≥ 0 that sum to H·W, beginning with pixels outside.
    shape
        ``(height, width)``.
    """
    counts = np.asarray(counts, np.int64)
    if (counts.size and counts.min() < 0) or counts.sum() != shape[0] * shape[1]:
        raise FormatError(
            f"mask_of_runs: counts must be ≥ 0 and sum to {shape[0]}·{shape[1]} pixels; they sum to {counts.sum()}."
        )
    values = np.arange(counts.size) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, counts).reshape(shape[1], shape[0]).T)


def text_of_runs(counts: np.ndarray) -> str:
    """Return run lengths as COCO's compressed text.

    Parameters
    ----------
    counts
        Whole numbers ≥ 0.
    """
    letters = []
    values = [int(count) for count in counts]
    for index, count in enumerate(values):
        rest = count - values[index - 2] if index > 2 else count
        more = True
        while more:
            five, rest = rest & 31, rest >> 5
            more = rest != (-1 if five & 16 else 0)  # the last group's top bit is the sign
            letters.append(chr(48 + five + (32 if more else 0)))
    return "".join(letters)


def runs_of_text(text: str) -> np.ndarray:
    """Return the run lengths of COCO's compressed text, int64.

    Parameters
    ----------
    text
        Characters ``0`` to ``o``, as :func:`text_of_runs` writes them.
    """
    codes = np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64) - 48
    strange = np.flatnonzero((codes < 0) | (codes > 63))
    if strange.size:
        raise FormatError(f"runs_of_text: letter {strange[0]} of the text is no part of COCO's run lengths (0 to o).")
    if not codes.size:
        return np.zeros(0, np.int64)
    last = np.flatnonzero(codes < 32)  # the group that ends a number
    if not last.size or last[-1] != codes.size - 1:
        raise FormatError("runs_of_text: the text ends within a number.")
    first = np.concatenate([[0], last[:-1] + 1])
    groups = last - first + 1
    if groups.max() > 12:
        raise FormatError(f"runs_of_text: {groups.max()} letters in a number are no part of COCO's run lengths (≤ 12).")
    shifts = 5 * (np.arange(codes.size) - np.repeat(first, groups))
    counts = np.add.reduceat((codes & 31) << shifts, first)
    counts -= np.where(codes[last] & 16, 1 << (5 * groups), 0)
    for parity in (1, 2):
        counts[parity::2] = np.cumsum(counts[parity::2])
    return counts


def mask_of_polygon(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels of a polygon as COCO's tools draw it, H×W bool.

    The outline is walked on a grid five times finer; in each column of pixels, what lies between an odd and the next
    even crossing is inside.

    Parameters
    ----------
    points
        N×2 corners (x, y) in continuous edges: the top-left pixel reaches from (0, 0) to (1, 1).
    shape
        ``(height, width)``.
    """
    height, _ = shape
    columns, rows = _crossings(points, shape)
    mask = np.zeros(shape, np.bool_)
    if columns.size:
        left, top, wide, high = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
        crossings = np.bincount((rows - top) * wide + columns - left, minlength=wide * high).reshape(high, wide)
        inside = np.cumsum(crossings.astype(np.uint8), axis=0, dtype=np.uint8) & 1  # parity outlives the overflow
        mask[top : top + high, left : left + wide] = inside[: height - top] == 1
    return mask


def runs_of_polygon(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the run lengths of :func:`mask_of_polygon`, without the mask.

    Parameters
    ----------
    points, shape
        As there.
    """
    columns, rows = _crossings(points, shape)
    places, times = np.unique(columns * shape[0] + rows, return_counts=True)
    places = places[times % 2 == 1]  # in and out at one place is neither
    ends = np.append(places[places < shape[0] * shape[1]], shape[0] * shape[1])
    return np.diff(ends, prepend=0).astype(np.int64)


def _crossings(points: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return where the outline crosses the middle of a column: the column, and the first row below."""
    height, width = shape
    corners = np.trunc(_FINE * np.asarray(points, np.float64) + 0.5).astype(np.int64)
    across, down = _walk(corners, np.roll(corners, -1, axis=0))
    step = np.flatnonzero(across[1:] != across[:-1])
    x = (np.minimum(across[step], across[step + 1]) + 0.5) / _FINE - 0.5
    y = (np.minimum(down[step], down[step + 1]) + 0.5) / _FINE - 0.5
    kept = (np.floor(x) == x) & (x >= 0) & (x <= width - 1)
    return x[kept].astype(np.int64), np.ceil(np.clip(y[kept], 0, height)).astype(np.int64)


def _walk(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the grid points along all sides, one after the other."""
    span = np.abs(ends - starts)
    flat = span[:, 0] >= span[:, 1]
    # A side is drawn from its left (or upper) end whichever way it is walked: both ways give the same points.
    turned = np.where(flat, starts[:, 0] > ends[:, 0], starts[:, 1] > ends[:, 1])
    low, high = np.where(turned[:, None], ends, starts), np.where(turned[:, None], starts, ends)
    length = span.max(axis=1)
    run, rise = np.where(flat[:, None], high - low, (high - low)[:, ::-1]).T
    slope = np.divide(rise, run, out=np.zeros(len(run)), where=run != 0)
    side = np.repeat(np.arange(len(starts)), length + 1)
    step = np.arange(side.size) - np.repeat(np.cumsum(length + 1) - length - 1, length + 1)
    step = np.where(turned[side], length[side] - step, step)
    slow = np.where(flat, low[:, 1], low[:, 0])[side]
    fast = np.where(flat, low[:, 0], low[:, 1])[side] + step
    slow = np.trunc(slow + slope[side] * step + 0.5).astype(np.int64)
    return np.where(flat[side], fast, slow), np.where(flat[side], slow, fast)
