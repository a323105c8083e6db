"""Arrays kept in a file between two runs: what cannot be read again is made anew."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sightline.core.files import write_bytes
from sightline.core.types import Array


def keep_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Write named arrays to an ``.npz`` file, whole or not at all."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    write_bytes(path, stream.getvalue())


def kept_arrays(path: Path, names: Sequence[str]) -> dict[str, Array] | None:
    """Return the named arrays of a file; None when it is not there, cut off, or lacks one."""
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            return {name: held[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
