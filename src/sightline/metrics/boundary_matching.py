"""Boundaries of one pixel's width, matched one to one within a distance.

Martin, Fowlkes & Malik 2004, "Learning to Detect Natural Image Boundaries Using Local Brightness, Color, and Texture
Cues", IEEE PAMI 26(5), section 3: a pixel that was found is right when it can be paired with a pixel of the truth, and
each is paired once. There, a pixel left alone costs far more than any distance, so that the cheapest assignment has the
greatest possible number of pairs; that number is what counts, and is found here by augmenting paths.

Guo & Hall 1989, "Parallel thinning with two-subiteration algorithms", Communications of the ACM 32(3).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, number
from sightline.core.kernels import kernel
from sightline.core.types import Mask, Range

TOLERANCE = 0.0075  # of the image's diagonal: 4.3 pixels of a 481×321 photo


@method(
    task="metric",
    paper="Martin 2004",
    lesson="w4d5",
    example={"boundary": np.eye(5, dtype=bool), "truth": np.eye(5, k=1, dtype=bool)},
)
def match_boundaries(
    boundary: Mask, truth: Mask, *, tolerance: Annotated[float, Range(0, 1, 0.0005)] = TOLERANCE
) -> tuple[Mask, Mask]:
    """Return which pixels of two boundaries have a partner in the other one, when as many as possible are paired.

    Each pixel is paired at most once. Masks have no NaN.

    Parameters
    ----------
    boundary
        H×W bool, the boundary that was found.
    truth
        H×W bool, the true one.
    tolerance
        Greatest distance of two partners, as a share of the image's diagonal; 0–1. The benchmark's is 0.0075.

    Returns
    -------
    matched_boundary, matched_truth
        H×W bool each, with the same number of true pixels.

    Raises
    ------
    InputError
        When the masks have different shapes.

    References
    ----------
    D. R. Martin, C. C. Fowlkes, J. Malik, "Learning to Detect Natural Image Boundaries Using Local Brightness, Color,
    and Texture Cues", IEEE Transactions on Pattern Analysis and Machine Intelligence 26(5), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> boundary, truth = np.zeros((2, 1, 5), bool)
    >>> boundary[0, [0, 1]] = truth[0, [1, 4]] = True
    >>> [mask.astype(int).tolist() for mask in match_boundaries(boundary, truth, tolerance=0.2)]
    [[[0, 1, 0, 0, 0]], [[0, 1, 0, 0, 0]]]
    """
    boundary = as_mask("match_boundaries", boundary, argument="boundary")
    truth = as_mask("match_boundaries", truth, argument="truth", shape=boundary.shape)
    tolerance = number("match_boundaries", "tolerance", tolerance, 0, 1, unit="of the diagonal")
    return paired(boundary, truth, tolerance)


def paired(boundary: np.ndarray, truth: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the matched pixels of both masks, which were checked before."""
    height, width = boundary.shape
    reach = tolerance * float(np.hypot(height, width))
    side = int(reach)
    dy, dx = (a.ravel() for a in np.mgrid[-side : side + 1, -side : side + 1])
    square = dy * dy + dx * dx
    order = np.argsort(square, kind="stable")[: np.count_nonzero(square <= reach * reach)]
    partners = np.full((2, height * width), -1, np.int32)
    _pair(boundary, truth, dy[order], dx[order], partners[0], partners[1])
    return partners[0].reshape(boundary.shape) >= 0, partners[1].reshape(boundary.shape) >= 0


def thinned(mask: Any) -> np.ndarray:
    """Return a bool mask thinned to lines of one pixel, after Guo & Hall."""
    frame = np.pad(mask.astype(np.uint8), 1)
    _thin(frame)
    return frame[1:-1, 1:-1].astype(np.bool_)


@kernel
def _pair(boundary, truth, dy, dx, partner, truth_partner):
    """Pair the nearest first, then lengthen the matching by alternating paths until no path is left."""
    height, width = boundary.shape
    points = np.flatnonzero(boundary)
    for o in range(dy.size):
        for p in points:
            y, x = p // width + dy[o], p % width + dx[o]
            if partner[p] < 0 and 0 <= y < height and 0 <= x < width and truth[y, x]:
                q = y * width + x
                if truth_partner[q] < 0:
                    partner[p], truth_partner[q] = q, p
    seen, came_from = np.zeros(boundary.size, np.bool_), np.empty(boundary.size, np.int32)
    queue, reached = np.empty(points.size + 1, np.int32), np.empty(boundary.size, np.int32)
    for start in points:
        if partner[start] >= 0:
            continue
        queue[0], at, end, visits, free = start, 0, 1, 0, -1
        while at < end and free < 0:
            p = np.int64(queue[at])
            at += 1
            for o in range(dy.size):
                y, x = p // width + dy[o], p % width + dx[o]
                if not (0 <= y < height and 0 <= x < width and truth[y, x]):
                    continue
                q = y * width + x
                if seen[q]:
                    continue
                seen[q], came_from[q], reached[visits] = True, p, q
                visits += 1
                if truth_partner[q] < 0:
                    free = q
                    break
                queue[end] = truth_partner[q]
                end += 1
        if free < 0:
            continue  # what a vain search has seen leads nowhere for later ones either: it stays seen
        while free >= 0:
            p = came_from[free]
            truth_partner[free] = p
            before, partner[p] = partner[p], free
            free = before
        for i in range(visits):
            seen[reached[i]] = False


@kernel
def _thin(image):
    """Delete pixels of a framed 0/1 image from two sides in turn, until none can go."""
    height, width = image.shape
    doomed = np.empty(image.size, np.int32)
    changed = True
    while changed:
        changed = False
        for side in range(2):
            count = 0
            for y in range(1, height - 1):
                for x in range(1, width - 1):
                    if image[y, x] == 0:
                        continue
                    p2, p3, p4 = image[y - 1, x], image[y - 1, x + 1], image[y, x + 1]
                    p5, p6, p7 = image[y + 1, x + 1], image[y + 1, x], image[y + 1, x - 1]
                    p8, p9 = image[y, x - 1], image[y - 1, x - 1]
                    crossings = (1 - p2) * (p3 | p4) + (1 - p4) * (p5 | p6)
                    crossings += (1 - p6) * (p7 | p8) + (1 - p8) * (p9 | p2)
                    if crossings != 1:
                        continue
                    one, two = (
                        (p9 | p2) + (p3 | p4) + (p5 | p6) + (p7 | p8),
                        (p2 | p3) + (p4 | p5) + (p6 | p7) + (p8 | p9),
                    )
                    if not 2 <= min(one, two) <= 3:
                        continue
                    if (((p2 | p3 | (1 - p5)) & p4) if side == 0 else ((p6 | p7 | (1 - p9)) & p8)) == 0:
                        doomed[count] = y * width + x
                        count += 1
            for i in range(count):
                image[doomed[i] // width, doomed[i] % width] = 0
            changed |= count > 0
