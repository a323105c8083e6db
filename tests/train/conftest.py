"""A tiny recipe, one torch thread, and a short way to train."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sightline.train.run import Run
from sightline.train.train import train
from train import toy


@pytest.fixture(autouse=True)
def _toy_recipes() -> Iterator[None]:
    toy.install()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    sys.modules.pop("sightline.toy.recipe", None)


@pytest.fixture
def fit(tmp_path: Path) -> Callable[..., Run]:
    """Train silently in ``tmp_path / name``."""

    def fit(name: str = "run", recipe: str = "toy/mlp", **settings: Any) -> Run:
        settings = {"out": tmp_path / name, "progress": False, "report": False, "device": "cpu", **settings}
        return train(recipe, "points", **settings)

    return fit


@pytest.fixture
def digest() -> Callable[[Run], str]:
    """SHA-256 of a run's last weights."""
    return lambda run: hashlib.sha256((run.folder / "checkpoints/last.safetensors").read_bytes()).hexdigest()
