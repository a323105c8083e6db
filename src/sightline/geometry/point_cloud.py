"""Clouds of points as files: PLY, which every viewer of point clouds opens.

Turk 1994, "The PLY Polygon File Format", Stanford University.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.files import write_bytes
from sightline.core.types import PathLike


def write_ply(path: PathLike, points: Any, colours: Any = None) -> None:
    """Write N×3 points, and N×3 uint8 colours where there are some, as a binary PLY file.

    Parameters
    ----------
    path
        File to write; it is replaced as a whole.
    points
        N×3 numbers; they are kept as float32.
    colours
        N×3 uint8, or None.
    """
    parts = [("place", "<f4", 3)] + ([] if colours is None else [("colour", "u1", 3)])
    rows = np.zeros(len(points), np.dtype(parts))
    rows["place"] = points
    names = [f"property float {axis}" for axis in "xyz"]
    if colours is not None:
        rows["colour"] = colours
        names += [f"property uchar {name}" for name in ("red", "green", "blue")]
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}", *names, "end_header", ""]
    write_bytes(path, "\n".join(head).encode("ascii") + rows.tobytes())
