"""What a rehearsal tells: how long a batch takes, loaded in turn or beside the learning."""

from __future__ import annotations

import pytest

from sightline.train.outline import Rehearsal


@pytest.mark.parametrize(("workers", "seconds"), [(0, 5.0), (1, 3.0), (2, 2.0), (8, 2.0)])
def test_processes_load_while_it_learns(workers: int, seconds: float) -> None:
    assert Rehearsal(flops=1, loading=3.0, learning=2.0).seconds(workers) == seconds
