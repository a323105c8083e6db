"""Named arrays in one file: an ``.npz`` archive, written whole or not at all, and read without running anything."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import FormatError, MissingFileError
from sightline.core.files import write_bytes
from sightline.core.types import Array, PathLike


def write_arrays(path: PathLike, arrays: Mapping[str, Any], *, compress: bool = False) -> str:
    """Write named arrays to an archive, as :func:`numpy.savez` does; return its SHA-256.

    Parameters
    ----------
    path
        The file.
    arrays
        By name. An array of objects raises ValueError.
    compress
        Whether the archive is packed.
    """
    content = io.BytesIO()  # written here, since numpy.savez of NumPy 2.0 cannot refuse objects
    with zipfile.ZipFile(content, "w") as archive:
        for name, values in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asanyarray(values), allow_pickle=False)
            packing = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getbuffer(), packing)
    return write_bytes(path, content.getvalue())


@contextlib.contextmanager
def read_arrays(asked: str, path: PathLike, what: str) -> Iterator[dict[str, Array]]:
    """Give the arrays of an archive to the block, which makes of them what they stand for.

    Parameters
    ----------
    asked
        Who asks, for the error: ``"Solver.load"``.
    path
        The file.
    what
        What it should be: ``"an archive of features"``.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When it is no archive or cut off, or when its arrays are missing or refused in the block.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"{asked}: '{path}' does not exist.")
    try:
        content = Path(path).read_bytes()
        if not content.startswith(b"PK"):  # NumPy would take it for a pickle, and recommend to trust it
            raise zipfile.BadZipFile("it is no .npz archive")
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        yield arrays
    except FormatError:
        raise
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError, AttributeError, EOFError, OSError) as error:
        raise FormatError(f"{asked}: '{path}' is not {what}: {str(error).rstrip('.')}.") from error
