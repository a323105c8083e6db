"""The least number so far is what NumPy accumulates."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.running import EIGHT, least_from_left, least_from_right


@kernel
def run(row, least, back):
    if back:
        for x in range(row.size - EIGHT, -1, -EIGHT):
            least = least_from_right(row, x, least)
    else:
        for x in range(0, row.size, EIGHT):
            least = least_from_left(row, x, least)
    return least


def test_the_least_so_far_is_numpys() -> None:
    numbers = np.random.default_rng(3).integers(-(1 << 31), 1 << 31, 64, dtype=np.int32)
    numbers = np.concatenate([numbers // 3, np.sort(numbers), np.sort(numbers)[::-1]])
    for first in (np.int32(5), np.int32((1 << 31) - 1)):
        for back, part in ((False, numbers), (True, numbers[::-1])):
            wanted = np.minimum.accumulate(np.minimum(part, first))
            row = numbers.copy()
            last = run(row, first, back)
            np.testing.assert_array_equal(row[::-1] if back else row, wanted)
            assert last == wanted[-1]
