"""The user's cache: a folder for what can be made again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.core.files import write_text


def cache_folder() -> Path:
    """Return the folder, which need not exist."""
    if sys.platform == "darwin":
        base = "~/Library/Caches"
    elif sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "sightline"


def cached_text(path: Path, make: Callable[[], str]) -> str:
    """Return a text that takes long to make: as it was kept, or made and kept.

    Parameters
    ----------
    path
        Where it is kept, as :func:`keep_text` does; its name must change with what it is made from.
    make
        Makes it.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        text = make()
        keep_text(path, text)
        return text


def keep_text(path: Path, text: str) -> bool:
    """Write a text that can be made again; return whether there is a place for it.

    Parameters
    ----------
    path
        Its folder is made. Files beside it that are called alike up to the last dash are removed.
    text
        What is written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        if "-" in path.name:
            for old in path.parent.glob(f"{path.name.rpartition('-')[0]}-*"):
                if old != path:
                    old.unlink(missing_ok=True)
    except (OSError, SightlineError):
        return False
    return True
