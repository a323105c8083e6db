"""The runnable files of ``bench/`` and ``reproduce/``, by name."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from sightline.core.errors import InputError, MissingFileError, suggest
from sightline.core.shipped import folder_of


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
