"""Digests that tell whether two image sets are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def digest_of_arrays(*arrays: np.ndarray) -> str:
    """Return the SHA-256 of arrays' shapes, dtypes and bytes.

    Parameters
    ----------
    *arrays
        Any arrays without Python objects.
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_of_files(paths: Sequence[str], labels: Sequence[int], root: Path) -> str:
    """Return the SHA-256 of files' names below ``root``, labels and byte sizes; their pixels are not read.

    Parameters
    ----------
    paths, labels
        Files and their labels, in sample order.
    root
        Folder that names are taken relative to, so that a copied folder keeps its digest.
    """
    digest = hashlib.sha256()
    for path, label in zip(paths, labels, strict=True):
        file = Path(path)
        name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
        digest.update(f"{name}\0{label}\0{file.stat().st_size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
