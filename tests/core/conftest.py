"""What every test of the core leaves as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sightline.core.kernels import set_threads, threads


@pytest.fixture(autouse=True)
def _keep_threads() -> Iterator[None]:
    before = threads()
    yield
    set_threads(before)
