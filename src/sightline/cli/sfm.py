"""``sightline sfm FOLDER``: from a folder of photos to where they were taken, and a coloured cloud of points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.terminal import Answer, bar, program
from sightline.core.errors import DataError, MissingFileError
from sightline.core.files import write_json, write_text
from sightline.data.naming import is_image_name

if TYPE_CHECKING:
    from sightline.geometry.reconstruction import Reconstruction

RESULT, CLOUD, CAMERAS, REPORT, KEPT, MATCHES = (
    "reconstruction.npz", "cloud.ply", "cameras.json", "report.html", "kept", "matches",
)  # fmt: skip
_DRAWN, _LINES = 6, 120  # pairs of photos that are drawn, and matches in each
_WIDE = 1200  # pixels of a picture in the report
_WORDS = {"features": "Finding features", "matches": "Matching pairs", "photos": "Placing photos"}


def sfm(
    folder: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    camera: Path | None = None,
    keep_camera: Annotated[bool, Parameter(negative="")] = False,
    max_features: int = 8000,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Reconstruct a scene from a folder of photos: where each was taken, and a coloured cloud of points.

    Parameters
    ----------
    folder
        Photos of one scene that does not move, taken from different places, each overlapping others by more than half.
    out
        Folder of the run; runs/sfm-NAME when left out. A run that was stopped goes on: what it had found is kept there.
    camera
        Camera file (JSON or OpenCV's YAML), where the camera is known.
    keep_camera
        Keep focal length and distortion as they are in the camera file.
    max_features
        At most so many features in a photo.
    seed
        Seed of the samples; the same seed gives the same result.
    json
        Give registered, images, points, mean_reprojection_px and seconds, and the files, as JSON.
    """
    from sightline.geometry import Camera, structure_from_motion

    photos = _photos(folder)
    target = Path("runs") / f"sfm-{folder.resolve().name}" if out is None else out
    (target / KEPT).mkdir(parents=True, exist_ok=True)
    try:
        with _Bars() as progress:
            found = structure_from_motion(
                photos,
                None if camera is None else Camera.read(camera),
                refine=() if keep_camera else ("focal", "k1"),
                max_features=max_features,
                seed=seed,
                folder=target / KEPT,
                progress=progress,
            )
    except KeyboardInterrupt as error:
        again = f"{program()} sfm {folder} --out {target}"
        raise KeyboardInterrupt(f"sfm: stopped; what was found is kept. Go on with: {again}") from error
    value = _write(found, photos, target)

    def show(console: Console) -> None:
        console.print(
            f"{value['registered']} of {value['images']} photos placed, {value['points']} points, mean reprojection "
            f"error {value['mean_reprojection_px']:.3f} pixels, {value['seconds']:.1f} s."
        )
        if value["left_out"]:
            console.print(f"Left out: {', '.join(value['left_out'])}.", markup=False)
        console.print(f"Open {target / REPORT}; the cloud is in {target / CLOUD}.", soft_wrap=True, markup=False)

    return Answer(value, show, json)


def _photos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MissingFileError(f"sfm: '{folder}' must be a folder of photos; there is none.")
    found = sorted(item for item in folder.iterdir() if item.is_file() and is_image_name(item.name))
    if not found:
        raise DataError(f"sfm: folder '{folder}' holds no photo.")
    return found


def _write(found: Reconstruction, photos: list[Path], target: Path) -> dict[str, Any]:
    """Write the run folder; return what ``--json`` says."""
    from sightline.geometry.reconstruction_report import report_page
    from sightline.image import draw, read, resize, write

    (target / MATCHES).mkdir(exist_ok=True)
    pictures = {}
    for first, second in _most_shared(found):
        lines = found.shared(first, second)
        both = draw.matches(read(photos[first]), read(photos[second]), lines, most=_LINES)
        name = f"{photos[first].stem}-{photos[second].stem}"
        write(target / MATCHES / f"{name}.jpg", both)
        caption = f"{found.names[first]} and {found.names[second]}: some of the {len(lines)} points that both see"
        height, width = both.shape[:2]
        pictures[caption] = resize(both, (round(height * _WIDE / width), _WIDE), "area") if width > _WIDE else both
    found.save(target / RESULT)
    found.write_ply(target / CLOUD)
    value = found.to_json()
    write_json(target / CAMERAS, value["cameras"])
    write_text(target / REPORT, report_page(found, pictures))
    value.pop("cameras")
    return {**value, "timings": found.seconds, "out": str(target)}


def _most_shared(found: Reconstruction) -> list[tuple[int, int]]:
    """Return the pairs of photos that share most, no photo first more than once."""
    order = np.argsort(-found.pairs[:, 3], kind="stable")
    chosen: dict[int, tuple[int, int]] = {}
    for first, second in found.pairs[order, :2].astype(int).tolist():
        if found.registered[first] and found.registered[second]:
            chosen.setdefault(first, (first, second))
    return list(chosen.values())[:_DRAWN]


class _Bars:
    """One progress bar after another, by what is being done; on a terminal only."""

    def __enter__(self) -> _Bars:
        self.what, self.shown = "", None
        return self

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self.what:
            self.__exit__()
            self.what, self.shown = what, bar(_WORDS[what])
            self.tell = self.shown.__enter__()
        self.tell(done, total)

    def __exit__(self, *_: object) -> None:
        if self.shown is not None:
            self.shown.__exit__(None, None, None)
        self.shown = None
