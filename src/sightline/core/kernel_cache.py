"""When machine code on disk is out of date: Numba asks a kernel's own file only, we ask every file it is compiled from.

A kernel compiles the kernels and intrinsics that it calls into itself. When one of those changes and its caller's file
does not, the caller's old code would be loaded, and might write where nothing lies any more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0] + "."
_behind: dict[str, frozenset[str]] = {}  # of modules that are wholly imported: the files that their kernels need


def watch_all_files(compiled: Any, function: Callable[..., Any]) -> None:
    """Make a compiled function's code on disk hold only as long as no file that it was compiled from changes.

    Parameters
    ----------
    compiled
        What ``numba.njit(cache=True)`` returned.
    function
        The function that it was made from; its module has imported the kernels that it calls.
    """
    kept = compiled._cache._cache_file  # Numba has no public way to say what code depends on
    files = set().union(*(files_behind(name) for name in _called(function.__globals__, function.__module__)))
    kept._source_stamp = (kept._source_stamp, tuple(sorted(_stamp(file) for file in files)))


def files_behind(module: str) -> frozenset[str]:
    """Return the files of a module and of all modules whose kernels and intrinsics it uses, directly or not."""
    if module not in _behind:
        found: ModuleType = sys.modules[module]
        files = {str(found.__file__)}
        for other in _called(vars(found), module):
            files |= files_behind(other)
        _behind[module] = frozenset(files)
    return _behind[module]


def _called(names: dict[str, Any], module: str) -> set[str]:
    """Return the modules of the package, other than ``module``, that compiled things under ``names`` come from."""
    found = set()
    for value in list(names.values()):
        if hasattr(value, "py_func") or type(value).__name__ == "_Intrinsic":
            owner = str(getattr(value, "__module__", ""))
            if owner.startswith(_PACKAGE) and owner != module:
                found.add(owner)
    return found


@lru_cache(maxsize=1024)
def _stamp(file: str) -> tuple[str, float, int]:
    path = Path(file)
    status = path.stat()
    return path.name, status.st_mtime, status.st_size
