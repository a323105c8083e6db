"""Arrays kept in a file between two runs: what cannot be read again is made anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightline.core.archives import read_arrays
from sightline.core.errors import FormatError, MissingFileError
from sightline.core.types import Array


def kept_arrays(path: Path, names: Sequence[str]) -> dict[str, Array] | None:
    """Return the named arrays of a file; None when it is not there, cut off, or lacks one."""
    try:
        with read_arrays("kept_arrays", path, "an archive") as held:
            return {name: held[name] for name in names}
    except (FormatError, MissingFileError):
        return None
