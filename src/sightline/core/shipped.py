"""Folders of a checkout that travel inside the package: ``bench/``, ``lessons/`` and ``reproduce/``."""

from __future__ import annotations

from pathlib import Path

from sightline.core.errors import MissingFileError

_PACKAGE = Path(__file__).parent.parent


def folder_of(name: str) -> Path:
    """Return the checkout's folder ``name`` (``bench``, ``reproduce``), or the copy that came with the package."""
    checkout = _PACKAGE.parent.parent
    places = (checkout / name, _PACKAGE / f"_{name}")
    for place in places:
        if place.is_dir() and (place.parent == _PACKAGE or (checkout / "pyproject.toml").exists()):
            return place
    raise MissingFileError(f"{name}: neither '{places[0]}' nor '{places[1]}' exists. Install sightline again.")
