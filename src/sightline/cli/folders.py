"""The folders of runnable files: ``bench/`` and ``reproduce/`` of a checkout, or their copies inside the package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from sightline.core.errors import InputError, MissingFileError, suggest

_PACKAGE = Path(__file__).parent.parent


def folder_of(name: str) -> Path:
    """Return the checkout's folder ``name`` (``bench``, ``reproduce``), or the copy that came with the package."""
    checkout = _PACKAGE.parent.parent
    places = (checkout / name, _PACKAGE / f"_{name}")
    for place in places:
        if place.is_dir() and (place.parent == _PACKAGE or (checkout / "pyproject.toml").exists()):
            return place
    raise MissingFileError(f"{name}: neither '{places[0]}' nor '{places[1]}' exists. Install sightline again.")


def file_names(folder: str) -> list[str]:
    """Return the names of the runnable files in ``folder``, as a command line writes them (``lenet5-mnist``)."""
    return sorted(path.stem.replace("_", "-") for path in folder_of(folder).glob("*.py") if path.stem[0] != "_")


def load_file(folder: str, name: str) -> ModuleType:
    """Import one file of ``folder`` by its name; dashes and underscores are the same."""
    known = file_names(folder)
    wanted = name.replace("_", "-").removesuffix(".py")
    if wanted not in known:
        raise InputError(f"{folder}: nothing is named '{name}'.{suggest(wanted, known)} Known: {', '.join(known)}.")
    path = folder_of(folder) / f"{wanted.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"_sightline_{folder}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise MissingFileError(f"{folder}: '{path}' cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
