"""A thread that helps leaves the processor of the one it helps, and may use all of them afterwards."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from sightline.core import kernels
from sightline.core.shared_strips import POSTER, meets, new_board, stand_on

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which processor a thread is on")


def test_only_who_is_on_the_same_processor_meets() -> None:
    board = new_board()
    assert not meets(board)  # nobody shared anything out
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        stand_on(board)
        assert board[POSTER] == min(allowed)
        assert meets(board)
        if len(allowed) > 1:
            os.sched_setaffinity(0, {max(allowed)})
            assert not meets(board)
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("forbidden", [False, True])
def test_who_meets_goes_elsewhere_and_stays_free(forbidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[int]] = []

    def choose(thread: int, processors: set[int]) -> None:
        asked.append(set(processors))
        if forbidden:
            raise PermissionError

    pool = kernels._Pool(0)
    pool.turns = 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: {0, 1, 5})
    monkeypatch.setattr(os, "sched_setaffinity", choose)
    monkeypatch.setattr(kernels, "meets", lambda board: board[POSTER] >= 0)
    pool._step_aside()
    assert asked == []
    pool.board[POSTER] = 5
    pool._step_aside()
    pool._step_aside()
    assert asked == ([{0, 1}] if forbidden else 2 * [{0, 1}, {0, 1, 5}])  # forbidden, it is not asked for again
    np.testing.assert_array_equal(pool.board[POSTER], -1 if forbidden else 5)
