"""Errors: one sentence that names the function, the argument, what was expected, what came, and the likely fix."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class SightlineError(Exception):
    """The family of every error that Sightline raises on purpose."""


class InputError(SightlineError, ValueError):
    """An argument is not what the function accepts."""


class FormatError(SightlineError, ValueError):
    """A file is not (or no longer) what its format promises."""


class WeightsError(SightlineError, ValueError):
    """A weight file or checkpoint does not fit the model, or was changed since it was written."""


class DataError(SightlineError, ValueError):
    """A dataset is missing, incomplete or contradicts itself."""


class MissingFileError(SightlineError, FileNotFoundError):
    """A path that was named does not exist or cannot be opened."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DiskError(SightlineError, OSError):
    """A file cannot be written: the disk is full, read-only, or permission is missing. What was there is untouched."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class MissingExtraError(SightlineError, ImportError):
    """An optional part of Sightline is not installed."""


# What brings an optional module: the extra's name by the module's top-level name.
EXTRAS = {
    "torch": "deep",
    "safetensors": "deep",
    "matplotlib": "plot",
    "av": "video",
    "onnx": "export",
    "onnxruntime": "export",
    "fastapi": "lab",
    "uvicorn": "lab",
    "websockets": "lab",
    "tensorboard": "cluster",
    "usearch": "ann",
}


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty string when none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""


def require(module: str) -> ModuleType:
    """Import an optional dependency, or raise :class:`MissingExtraError` with the line that installs it.

    Parameters
    ----------
    module
        Import name, for example ``"torch"``; its top-level name must stand in :data:`EXTRAS`.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_extra(error) from error


def missing_extra(error: ModuleNotFoundError) -> ImportError:
    """Return the error to raise for a failed import: with the install line when an extra would have brought it."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        return error
    extra = EXTRAS[module]
    return MissingExtraError(
        f"{module} is not installed; it comes with the extra '{extra}': pip install 'sightline[{extra}]'", name=module
    )
