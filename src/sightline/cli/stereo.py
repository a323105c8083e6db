"""``sightline stereo LEFT RIGHT``: disparities, depth and a cloud of points from two photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.terminal import Answer
from sightline.core.canvas import heat_colours
from sightline.core.errors import FormatError, InputError
from sightline.core.files import atomic_writer, read_json

DISPARITY, DEPTH, PICTURE, CLOUD = "disparity.npy", "depth.npy", "disparity.png", "cloud.ply"


def stereo(
    left: Path,
    right: Path,
    /,
    *,
    camera: Path | None = None,
    disparities: int = 64,
    out: Annotated[Path, Parameter(alias="-o")] = Path("runs/stereo"),
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Find how far away things are from two photos, taken side by side.

    Parameters
    ----------
    left
        Photo of the left camera.
    right
        Photo of the right camera, of the same size.
    camera
        JSON file of the pair: left and right camera, rotation and translation, as StereoCalibration.to_json gives it.
        Or of one camera with a baseline, for photos that are rectified already. Without it, the photos are taken as
        rectified, and no depth is written.
    disparities
        How many disparities are tried, in pixels.
    out
        Folder of the result.
    json
        Give the files, the share of known pixels and the middle depth as JSON.
    """
    from sightline.geometry import disparity_to_depth, sgm
    from sightline.image import read, write

    a, b = read(left), read(right)
    focal, center, baseline = None, (0.0, 0.0), 0.0
    if camera is not None:
        a, b, focal, center, baseline = _rectified(read_json(camera), camera, a, b)
    found = sgm(a, b, disparities)
    known = np.isfinite(found)
    if not known.any():
        raise InputError(
            f"stereo: '{left}' and '{right}' must show one scene, seen from side by side, the left photo first; no "
            f"pixel of them matches within {disparities} pixels."
        )
    out.mkdir(parents=True, exist_ok=True)
    _save(out / DISPARITY, found)
    write(out / PICTURE, heat_colours(found / np.nanmax(found)))
    value: dict[str, Any] = {
        "known": float(known.mean()), "disparity": float(np.median(found[known])), "out": str(out),
        "files": [DISPARITY, PICTURE],
    }  # fmt: skip
    if focal is not None:
        depth = disparity_to_depth(found, focal, baseline)
        _save(out / DEPTH, depth)
        seen = known & np.isfinite(depth)
        _write_cloud(out / CLOUD, depth, seen, a, focal, center)
        value |= {"depth": float(np.median(depth[seen])) if seen.any() else None, "points": int(seen.sum())}
        value["files"] += [DEPTH, CLOUD]

    def show(console: Console) -> None:
        console.print(
            f"{100 * value['known']:.1f} % of the pixels are known; their middle disparity is {value['disparity']:.2f}."
        )
        if value.get("depth") is not None:
            console.print(
                f"Middle depth {value['depth']:.3f}, {value['points']} points in {out / CLOUD}.", soft_wrap=True
            )
        console.print(f"Look at {out / PICTURE}.", soft_wrap=True, markup=False)

    return Answer(value, show, json)


def _rectified(
    said: Any, path: Path, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float, tuple[float, float], float]:
    """Return both photos rectified, the focal length, the centre and the baseline."""
    from sightline.geometry import Camera, rectify

    if isinstance(said, dict) and {"left", "right", "rotation", "translation"} <= set(said):
        pair = rectify(
            Camera.from_json(said["left"]), Camera.from_json(said["right"]), np.array(said["rotation"], float),
            np.array(said["translation"], float), a.shape[:2],
        )  # fmt: skip
        if pair.baseline < 0:
            raise InputError(
                f"stereo: the right camera of '{path}' must stand to the right of the left one; swap them."
            )
        return *pair.apply(a, b), pair.camera.focal[0], pair.camera.center, pair.baseline
    if isinstance(said, dict) and {"matrix", "baseline"} <= set(said):
        one = Camera.from_json(said)
        return a, b, one.focal[0], one.center, float(said["baseline"])
    raise FormatError(
        f"stereo: '{path}' must hold left, right, rotation and translation (StereoCalibration.to_json), or a matrix "
        "and a baseline."
    )


def _save(path: Path, values: np.ndarray) -> None:
    with atomic_writer(path) as stream:
        np.lib.format.write_array(stream, values, allow_pickle=False)


def _write_cloud(
    path: Path, depth: np.ndarray, seen: np.ndarray, picture: np.ndarray, focal: float, center: tuple[float, float]
) -> None:
    from sightline.core.conversions import to_uint8
    from sightline.geometry.point_cloud import write_ply

    y, x = np.nonzero(seen)
    z = depth[seen]
    points = np.column_stack([(x - center[0]) * z / focal, (y - center[1]) * z / focal, z])
    colours = to_uint8(picture)[seen]
    write_ply(path, points, colours if colours.ndim == 2 else np.repeat(colours[:, None], 3, axis=1))
