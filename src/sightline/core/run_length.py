"""Run lengths: a mask as the lengths of its runs, down the columns, outside first; and polygons as masks.

The form is that of COCO (Lin et al. 2014, "Microsoft COCO: Common objects in context", ECCV, and its public tools): the
pixels are counted column by column, the first run is of pixels outside, and the text packs each length, from the third
on as a difference to the one two places before, in groups of five bits.
"""

from __future__ import annotations

import numpy as np

from sightline.core.checks import as_mask
from sightline.core.errors import FormatError
from sightline.core.kernels import kernel

_MOST_LETTERS = 12  # of a number: 60 bits
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
    codes = np.frombuffer(text.encode("utf-8"), np.uint8)
    counts = np.empty(codes.size, np.int64)
    number, place, letters = _unpack(codes, counts)
    if place < 0:
        return counts[:number].copy()
    if place == codes.size:
        raise FormatError("runs_of_text: the text ends within a number.")
    if letters > _MOST_LETTERS:
        raise FormatError(
            f"runs_of_text: {letters} letters in a number are no part of COCO's run lengths (≤ {_MOST_LETTERS})."
        )
    raise FormatError(f"runs_of_text: letter {place} of the text is no part of COCO's run lengths (0 to o).")


@kernel
def _unpack(codes, counts):
    """Fill the lengths; return how many there are, the place of the letter at fault or −1, letters of its number."""
    number, value, letters = 0, 0, 0
    for i in range(len(codes)):
        code = int(codes[i]) - 48
        letters += 1
        if code < 0 or code > 63 or letters > _MOST_LETTERS:
            return number, i, letters
        value |= (code & 31) << (5 * (letters - 1))
        if code < 32:  # the group that ends a number; its top bit is the sign
            if code & 16:
                value -= 1 << (5 * letters)
            counts[number] = value + counts[number - 2] if number > 2 else value
            number, value, letters = number + 1, 0, 0
    return number, len(codes) if letters else -1, letters


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
    corners = np.trunc(_FINE * np.asarray(points, np.float64) + 0.5).astype(np.int64)
    steps = np.abs(corners - np.roll(corners, -1, axis=0)).max(axis=1).sum() + len(corners)
    columns, rows = np.empty((2, int(steps)), np.int64)
    count = _walk(corners, shape[0], shape[1], columns, rows)
    return columns[:count], rows[:count]


@kernel
def _walk(corners, height, width, columns, rows):
    """Walk along all sides, one grid point after the other, and note each crossing; return how many there are."""
    count, started, before_x, before_y = 0, False, 0, 0
    for i in range(len(corners)):
        x0, y0 = corners[i, 0], corners[i, 1]
        x1, y1 = corners[(i + 1) % len(corners), 0], corners[(i + 1) % len(corners), 1]
        flat = abs(x1 - x0) >= abs(y1 - y0)
        # A side is drawn from its left (or upper) end whichever way it is walked: both ways give the same points.
        turned = x0 > x1 if flat else y0 > y1
        if turned:
            x0, y0, x1, y1 = x1, y1, x0, y0
        length = x1 - x0 if flat else y1 - y0
        slope = (y1 - y0 if flat else x1 - x0) / max(length, 1)
        for k in range(length + 1):
            step = length - k if turned else k
            slow = int((y0 if flat else x0) + slope * step + 0.5)
            x, y = (x0 + step, slow) if flat else (slow, y0 + step)
            if started and x != before_x:
                column = (min(x, before_x) + 0.5) / _FINE - 0.5
                if np.floor(column) == column and 0 <= column <= width - 1:
                    row = (min(y, before_y) + 0.5) / _FINE - 0.5
                    columns[count], rows[count] = int(column), int(np.ceil(min(max(row, 0.0), float(height))))
                    count += 1
            started, before_x, before_y = True, x, y
    return count
