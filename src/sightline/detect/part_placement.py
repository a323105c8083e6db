"""Where a part sits best, for each place of its anchor at once: the generalised distance transform.

Felzenszwalb & Huttenlocher 2012, "Distance Transforms of Sampled Functions", Theory of Computing 8: the upper envelope
of parabolas, one for each place of the part, found in one pass along each axis.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array


def place(responses: Array, deformation: Array) -> tuple[Array, Array, Array]:
    """Return the best score of a part for each anchor, and the row and column at which it has it.

    ``scores[p] = max over q of responses[q] - a · (q - p) - b · (q - p)²``, for rows and columns both.

    Parameters
    ----------
    responses
        R×C float32: what the part's filter says at each place.
    deformation
        (a across, a down, b across, b down), both b > 0: the price of a place off the anchor.

    Returns
    -------
    scores
        R×C float32.
    rows, columns
        R×C int32.
    """
    a_across, a_down, b_across, b_down = (float(value) for value in deformation)
    along, columns = np.zeros(responses.shape, np.float32), np.zeros(responses.shape, np.int32)
    _envelopes(np.ascontiguousarray(responses, np.float32), a_across, b_across, along, columns)
    scores, rows = np.zeros(along.T.shape, np.float32), np.zeros(along.T.shape, np.int32)
    _envelopes(np.ascontiguousarray(along.T), a_down, b_down, scores, rows)
    rows = np.ascontiguousarray(rows.T)
    return np.ascontiguousarray(scores.T), rows, np.take_along_axis(columns, rows, axis=0)


@kernel
def _envelopes(lines, a, b, scores, sources):
    """Write the upper envelope of the parabolas of each line, and which parabola it is at each place."""
    length = lines.shape[1]
    if length == 0:
        return
    kept, starts = np.empty(length, np.int64), np.empty(length + 1)
    heights = np.empty(length)
    for i in range(len(lines)):
        for q in range(length):
            heights[q] = b * q * q + a * q - lines[i, q]
        count = 1
        kept[0], starts[0] = 0, -np.inf
        for q in range(1, length):
            meet = 0.0
            while True:
                other = kept[count - 1]
                meet = (heights[q] - heights[other]) / (2 * b * (q - other))
                if count == 1 or meet > starts[count - 1]:
                    break
                count -= 1
            kept[count], starts[count] = q, meet
            count += 1
        starts[count] = np.inf
        k = 0
        for p in range(length):
            while starts[k + 1] < p:
                k += 1
            q = kept[k]
            sources[i, p] = q
            scores[i, p] = lines[i, q] - a * (q - p) - b * (q - p) * (q - p)
