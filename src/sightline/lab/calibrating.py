"""A camera from a folder of photos of a chessboard, view by view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.serve.workers import Stop

LEAST, MOST = 3, 60  # views


def corners_of(stop: Stop, pictures: Mapping[str, Array], shape: tuple[int, int]) -> dict[str, Array | None]:
    """Return the board's corners in each picture, None where it is not seen as a whole."""
    from sightline.geometry import find_chessboard

    found = {}
    for name, picture in pictures.items():
        found[name] = find_chessboard(picture, shape)
        stop()
    return found


def calibrated(
    corners: Mapping[str, Array | None], size: tuple[int, int], shape: tuple[int, int], lens: str, aside: Sequence[str]
) -> tuple[dict[str, Any], Any]:
    """Return the camera and, for each view, where the corners were found and where the camera sees them.

    Parameters
    ----------
    corners
        As :func:`corners_of` gives them.
    size
        (height, width) of the pictures.
    shape
        (columns, rows) of the board's inner corners.
    lens
        As in :func:`sightline.geometry.calibrate`.
    aside
        Names of views that are left out of the fit; how well the camera sees them is told nevertheless.
    """
    from sightline.geometry import calibrate, pnp, project

    board = np.array([[x, y, 0] for y in range(shape[1]) for x in range(shape[0])], float)
    used = [name for name, found in corners.items() if found is not None and name not in aside]
    if len(used) < LEAST:
        seen = sum(found is not None for found in corners.values())
        raise InputError(
            f"calibration: a {shape[0]}×{shape[1]} board must be seen as a whole in {LEAST} or more views; it is in "
            f"{seen} of {len(corners)}, {len(used)} of them in use. Count the inner corners, where four squares meet."
        )
    result = calibrate(board, [corners[name] for name in used], size, lens=lens)
    views: list[dict[str, Any]] = []
    for name, found in corners.items():
        if found is None:
            views.append({"name": name, "corners": None, "seen": None, "error": None, "used": False})
            continue
        if name in used:
            number = used.index(name)
            rotation, translation = result.rotations[number], result.translations[number]
        else:
            pose = pnp(board, found, result.camera)
            rotation, translation = pose.rotation, pose.translation
        seen = project(board, result.camera, rotation, translation)
        error = float(np.sqrt(((seen - found) ** 2).sum(axis=1).mean()))
        views.append({"name": name, "corners": found, "seen": seen, "error": error, "used": name in used})
    camera = result.camera
    told = {"views": views, "rms": result.rms, "camera": camera.to_json()}
    return told, camera
