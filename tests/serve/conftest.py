"""A tiny trained run to serve."""

from __future__ import annotations

from pathlib import Path

import pytest

import sightline as sl


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run: a small perceptron that saw the digits once."""
    place = tmp_path_factory.mktemp("runs") / "digits-1"
    sl.train("classify/mlp", "digits", epochs=1, out=place, progress=False, report=False, hidden=(16,))
    return place
