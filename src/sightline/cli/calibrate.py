"""``sightline calibrate FOLDER``: a camera from photos of a chessboard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.terminal import Answer, counted, table
from sightline.core.errors import DataError, InputError, MissingFileError, SightlineError
from sightline.core.files import write_json, write_text
from sightline.core.layers import Curve, Picture, Points, Value
from sightline.core.layers import Table as Rows
from sightline.core.trace import Step, Trace
from sightline.data.naming import is_image_name

if TYPE_CHECKING:
    from sightline.geometry import Calibration

CAMERA, YAML, REPORT, PREVIEW, PAIR = "camera.json", "camera.yml", "report.html", "undistorted.jpg", "pair.json"
_LEAST = 3  # views
_FAR = 3.0  # a view is bad when its error is as many times the median of all, and
_WORTH = 0.5  # pixels at least


@dataclass(frozen=True)
class _Photo:
    """A photo in which the board was found: its file, its picture and the corners."""

    path: Path
    picture: np.ndarray
    corners: np.ndarray


def calibrate(
    folder: Path,
    /,
    *,
    board: str = "9x6",
    square: float = 1.0,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    lens: Literal["none", "radial", "brown", "full"] = "full",
    right: Path | None = None,
    yaml: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Calibrate a camera from photos of a chessboard: its focal length, centre and lens.

    Parameters
    ----------
    folder
        Photos of one camera, of one size, in which a flat board is seen tilted in different ways.
    board
        How many inner corners lie along a row and along a column, such as 9x6.
    square
        Side of a square, in the unit of length that distances shall have, such as 0.025 for metres.
    out
        Folder of the result; runs/calibrate-NAME when left out.
    lens
        How much of the lens is looked for: none, radial (k1, k2), brown (with p1, p2) or full (with k3).
    right
        Photos of a second camera that stands to the right and took each board at the same moment: the photos of both
        folders belong together in the order of their names. The pair is written for ``sightline stereo``.
    yaml
        Write OpenCV's YAML beside the JSON.
    json
        Give the camera and each view's error as JSON.
    """
    columns, rows = _board(board)
    if not (np.isfinite(square) and square > 0):
        raise InputError(f"calibrate: square must be a length > 0; got {square}.")
    points = np.array([[x * square, y * square, 0] for y in range(rows) for x in range(columns)])
    photos, missing = _found(folder, (columns, rows))
    others = None if right is None else _found(right, (columns, rows))[0]
    target = Path("runs") / f"calibrate-{folder.resolve().name}" if out is None else out
    target.mkdir(parents=True, exist_ok=True)
    value = _write_one(points, photos, lens, target, yaml=yaml) | {"without_board": missing, "out": str(target)}
    if right is not None and others is not None:
        value["pair"] = _write_pair(points, (folder, right), (photos, others), lens, target)

    def show(console: Console) -> None:
        rows = [(name, f"{error:.3f}") for name, error in value["errors"].items()]
        console.print(table(("photo", "error, pixels"), rows))
        console.print(f"{value['words']}; error {value['rms']:.3f} pixels (RMS).")
        for name, error in value["set_aside"].items():
            console.print(f"Set aside: {name}, {error:.2f} pixels.", markup=False)
        if missing:
            console.print(f"No {board} board was found in {', '.join(missing)}.", markup=False)
        if right is not None:
            console.print(
                f"The pair's error is {value['pair']['rms']:.3f} pixels; it is in {target / PAIR}.", soft_wrap=True
            )
        console.print(f"The camera is in {target / CAMERA}; open {target / REPORT}.", soft_wrap=True, markup=False)

    return Answer(value, show, json)


def _board(words: str) -> tuple[int, int]:
    parts = words.lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.strip().isdigit() and int(part) >= 3 for part in parts):
        raise InputError(
            f"calibrate: board must be the inner corners along a row and a column, like 9x6; got '{words}'."
        )
    return int(parts[0]), int(parts[1])


def _found(folder: Path, shape: tuple[int, int]) -> tuple[list[_Photo], list[str]]:
    """Return the photos with a board, and the names of those without."""
    from sightline.geometry import find_chessboard
    from sightline.image import read

    if not folder.is_dir():
        raise MissingFileError(f"calibrate: '{folder}' must be a folder of photos; there is none.")
    paths = [folder / name for name in _names(folder)]
    if not paths:
        raise DataError(f"calibrate: folder '{folder}' holds no photo.")
    photos, missing = [], []
    for path in counted(paths, "Looking for boards"):
        try:
            picture = read(path)
        except SightlineError:
            missing.append(path.name)
            continue
        corners = find_chessboard(picture, shape)
        if corners is None:
            missing.append(path.name)
        else:
            photos.append(_Photo(path, picture, corners))
    if len(photos) < _LEAST:
        raise DataError(
            f"calibrate: a {shape[0]}×{shape[1]} board must be seen as a whole in {_LEAST} or more photos; it is in "
            f"{len(photos)} of {len(paths)} in '{folder}'. Count the inner corners, where four squares meet."
        )
    sizes = {photo.picture.shape[:2] for photo in photos}
    if len(sizes) > 1:
        listed = ", ".join(sorted(f"{width}×{height}" for height, width in sizes))
        raise DataError(f"calibrate: the photos must be of one camera and one size; got {listed}.")
    return photos, missing


def _without_bad(
    points: np.ndarray, photos: list[_Photo], size: tuple[int, int], lens: str
) -> tuple[Calibration, list[_Photo], dict[str, float]]:
    """Return the calibration without the views that do not fit to the others, what is left, and their errors."""
    from sightline.geometry import calibrate as solve

    aside: dict[str, float] = {}
    while True:
        result = solve(points, [photo.corners for photo in photos], size, lens=lens)
        worst = int(result.errors.argmax())
        limit = max(_WORTH, _FAR * float(np.median(result.errors)))
        if result.errors[worst] <= limit or len(photos) == _LEAST:
            return result, photos, aside
        aside[photos[worst].path.name] = float(result.errors[worst])
        photos = photos[:worst] + photos[worst + 1 :]


def _write_one(points: np.ndarray, photos: list[_Photo], lens: str, target: Path, *, yaml: bool) -> dict[str, Any]:
    """Calibrate, write what was found, and return it as JSON values."""
    from sightline.geometry import undistort
    from sightline.image import write

    result, photos, aside = _without_bad(points, photos, photos[0].picture.shape[:2], lens)
    result.camera.write(target / CAMERA)
    if yaml:
        result.camera.write(target / YAML)
    (fx, fy), (cx, cy) = result.camera.focal, result.camera.center
    words = f"Focal lengths {fx:.2f}, {fy:.2f}; centre {cx:.2f}, {cy:.2f}"
    straight = undistort(photos[0].picture, result.camera)
    write(target / PREVIEW, straight)
    _write_report(result, photos, words, straight, target)
    errors = {photo.path.name: float(error) for photo, error in zip(photos, result.errors, strict=True)}
    return {"camera": result.camera.to_json(), "words": words, "rms": result.rms, "errors": errors, "set_aside": aside}


def _write_pair(
    points: np.ndarray, folders: tuple[Path, Path], found: tuple[list[_Photo], list[_Photo]], lens: str, target: Path
) -> dict[str, Any]:
    """Calibrate both cameras to one another from the boards that both saw; write the pair and return it."""
    from sightline.geometry import calibrate as solve
    from sightline.geometry import stereo_calibrate

    names = [_names(folder) for folder in folders]
    if len(names[0]) != len(names[1]):
        raise DataError(
            f"calibrate: '{folders[1]}' must have as many photos as '{folders[0]}', {len(names[0])}; "
            f"got {len(names[1])}."
        )
    seen = [{names[k].index(photo.path.name): photo.corners for photo in found[k]} for k in range(2)]
    both = sorted(set(seen[0]) & set(seen[1]))
    if len(both) < _LEAST:
        raise DataError(
            f"calibrate: both cameras must see the board in {_LEAST} or more pairs of photos; got {len(both)}."
        )
    corners = [[views[k] for k in both] for views in seen]
    cameras = [
        solve(points, views, photos[0].picture.shape[:2], lens=lens).camera
        for views, photos in zip(corners, found, strict=True)
    ]
    pair = stereo_calibrate(points, corners[0], corners[1], cameras[0], cameras[1])
    write_json(target / PAIR, pair.to_json())
    return pair.to_json()


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.is_file() and is_image_name(item.name))


def _write_report(result: Calibration, photos: list[_Photo], words: str, straight: np.ndarray, target: Path) -> None:
    error = np.column_stack([np.arange(len(photos)), result.errors])
    axes = ("photo", "error, pixels")
    lens = ", ".join(f"{number:.5f}" for number in result.camera.distortion) or "none"
    note = f"Lens: {lens}. Error {result.rms:.3f} pixels (RMS) over {len(photos)} photos."
    steps = [
        Step("camera", Value(words), note=note),
        Step("errors", Curve(error, axes), Rows(error, axes)),
        Step("as taken", Picture(photos[0].picture), note=photos[0].path.name),
        Step("without the lens", Picture(straight), note="Straight things are straight."),
    ]
    for photo, value in zip(photos, result.errors, strict=True):
        note = f"{len(photo.corners)} corners, {value:.3f} pixels (RMS) from where the camera sees them."
        steps.append(Step(photo.path.name, Picture(photo.picture), Points(photo.corners), note=note))
    write_text(target / REPORT, Trace("geometry.calibrate", steps=tuple(steps)).to_html())
