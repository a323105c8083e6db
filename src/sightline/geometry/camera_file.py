"""Camera files of OpenCV: the few lines of YAML in which it writes matrices, read and written.

The form is that of OpenCV's FileStorage: ``name: !!opencv-matrix`` with rows, cols, dt and data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.core.errors import FormatError
from sightline.core.types import Array

_MATRIX = re.compile(
    r"^([A-Za-z_]\w*)\s*:\s*!!opencv-(?:nd-)?matrix\s*\n"
    r"\s+(?:rows:\s*(\d+)\s*\n\s+cols:\s*(\d+)|sizes:\s*\[([\d,\s]*)\])\s*\n\s+dt:\s*(\S+)\s*\n"
    r"\s+data:\s*\[([^\]]*)\]",
    re.MULTILINE,
)
_NUMBER = re.compile(r"^([A-Za-z_]\w*)\s*:\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*$", re.MULTILINE)
_MATRICES = ("camera_matrix", "camera_matrix_1", "K", "M1", "cameraMatrix", "intrinsic", "mtx", "M")
_LENSES = ("distortion_coefficients", "distortion", "D", "D1", "distCoeffs", "dist_coeffs", "dist", "k")
_MOST = 10_000  # numbers of a matrix that a camera file may hold


def matrices_of(name: str, text: str) -> dict[str, Any]:
    """Return the matrices (float64 arrays) and the plain numbers at the top of a file's text, by name.

    Parameters
    ----------
    name
        What to call the file in an error's sentence.
    text
        Its content.
    """
    if "%YAML" not in text[:200] and "!!opencv-matrix" not in text:
        raise FormatError(f"Camera.read: {name} is no YAML of OpenCV: it must begin with %YAML or hold opencv-matrix.")
    found: dict[str, Any] = {key: float(value) for key, value in _NUMBER.findall(text)}
    for key, rows, columns, sizes, kind, data in _MATRIX.findall(text):
        shape = [int(side) for side in (sizes.replace(",", " ").split() if sizes else (rows, columns))]
        words = data.replace(",", " ").split()
        if kind not in ("d", "f", "i", "u", "w", "s", "c") or math.prod(shape) != len(words) or len(words) > _MOST:
            continue  # points and other lists of pairs; no camera is made of them
        try:
            found[key] = np.array([float(word) for word in words]).reshape(shape)
        except ValueError as error:
            raise FormatError(f"Camera.read: {name} holds no numbers in '{key}': {error}.") from error
    return found


def camera_of(name: str, found: Mapping[str, Any]) -> tuple[Array, tuple[float, ...], tuple[int, int] | None]:
    """Return matrix, distortion and (height, width) of the one camera that was found in a file."""
    square = {key: value for key, value in found.items() if isinstance(value, np.ndarray) and value.shape == (3, 3)}
    known = [key for key in _MATRICES if key in square]
    if "M1" in square and "M2" in square:
        raise FormatError(f"Camera.read: {name} holds two cameras, M1 and M2; write each to a file of its own.")
    if not known and len(square) != 1:
        raise FormatError(
            f"Camera.read: {name} must hold one 3×3 'camera_matrix'; it holds {', '.join(sorted(found)) or 'nothing'}."
        )
    matrix = square[known[0] if known else next(iter(square))]
    lens = next((found[key] for key in _LENSES if isinstance(found.get(key), np.ndarray)), np.zeros(0))
    sides = found.get("image_height"), found.get("image_width")
    size = (int(sides[0]), int(sides[1])) if sides[0] and sides[1] else None
    return matrix, tuple(float(value) for value in lens.ravel()), size


def yaml_of(matrix: Array, distortion: tuple[float, ...], size: tuple[int, int] | None) -> str:
    """Return a camera as the text of a file that OpenCV's FileStorage reads."""
    lines = ["%YAML:1.0", "---"]
    if size is not None:
        lines += [f"image_width: {size[1]}", f"image_height: {size[0]}"]
    lines += _matrix_lines("camera_matrix", matrix)
    lines += _matrix_lines("distortion_coefficients", np.array(distortion or (0.0,) * 4)[:, None])
    return "\n".join(lines) + "\n"


def _matrix_lines(name: str, matrix: Array) -> list[str]:
    rows, columns = matrix.shape
    data = ", ".join(repr(float(value)) for value in matrix.ravel())
    return [f"{name}: !!opencv-matrix", f"   rows: {rows}", f"   cols: {columns}", "   dt: d", f"   data: [ {data} ]"]
