"""The photos of a scene: their features, the colours there, and the focal length that a file tells.

Features are kept in a folder as they are found, by the photo's content, so that a run that was stopped goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.core.archives import write_arrays
from sightline.core.checks import as_image, describe
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError, MissingFileError
from sightline.core.types import Array
from sightline.features.keypoints import Features
from sightline.features.sift import sift
from sightline.geometry.kept_arrays import kept_arrays
from sightline.image.read import read
from sightline.image.resize import resize

Progress = Callable[[str, int, int], None]  # what is done, how many are done, of how many
_EXIF, _FOCAL, _FOCAL_35, _WIDTH, _HEIGHT = 0x8769, 0x920A, 0xA405, 0xA002, 0xA003
_DENSITY, _DENSITY_UNIT, _MILLIMETRES = 0xA20E, 0xA210, {2: 25.4, 3: 10.0, 4: 1.0}
_FILM = 43.267  # millimetres, the diagonal of 36×24
_KEPT = ("points", "scales", "angles", "descriptors", "responses", "colours", "size", "focal")
_PLAUSIBLE = (0.3, 5.0)  # focal length over the longer side


@dataclass(frozen=True, eq=False)
class Photo:
    """What is kept of a photo.

    Parameters
    ----------
    name
        Of the file, or its number.
    size
        (height, width) in pixels.
    features
        In pixels of the photo.
    colours
        N×3 uint8 at the features.
    focal
        Focal length in pixels that the file tells; None when it tells none.
    key
        Digest of the content.
    """

    name: str
    size: tuple[int, int]
    features: Features
    colours: Array
    focal: float | None
    key: str


def read_photos(
    images: Sequence[Any], max_features: int, max_size: int, folder: Path | None, progress: Progress
) -> list[Photo]:
    """Return the photos with their features; each is opened, searched and closed before the next one.

    Parameters
    ----------
    images
        Arrays, or paths of files.
    max_features, max_size
        At most so many features, sought in the photo shrunk to at most so many pixels on its longer side.
    folder
        Where features are kept, and found again; None keeps none.
    progress
        Called with ``"features"``, and how many photos are done.
    """
    photos = []
    for number, image in enumerate(images):
        progress("features", number, len(images))
        photos.append(_photo(image, number, max_features, max_size, folder))
    progress("features", len(images), len(images))
    return photos


def _photo(image: Any, number: int, max_features: int, max_size: int, folder: Path | None) -> Photo:
    path = Path(image) if isinstance(image, (str, Path)) else None
    if path is None and not isinstance(image, np.ndarray):
        raise InputError(
            f"structure_from_motion: images must be arrays or paths of photos; got {describe(image)} at {number}."
        )
    if path is not None and not path.is_file():
        raise MissingFileError(f"structure_from_motion: '{path}' does not exist.")
    name = f"image {number}" if path is None else path.name
    checked = as_image("structure_from_motion", image, argument="images", finite=True) if path is None else None
    digest = hashlib.sha256(b"" if path is None else path.read_bytes())
    if checked is not None:
        digest.update(checked.tobytes() + f"{checked.shape} {checked.dtype}".encode())
    digest.update(f"sift {max_features} {max_size} 1".encode())
    key = digest.hexdigest()[:20]
    kept = folder / f"features-{key}.npz" if folder else None
    if kept is not None and (found := _load(kept, name, key)) is not None:
        return found
    pixels = to_uint8(np.asarray(checked) if path is None else read(path))
    height, width = pixels.shape[:2]
    factor = min(1.0, max_size / max(height, width))
    small = pixels if factor == 1 else resize(pixels, (round(height * factor), round(width * factor)), method="area")
    features = sift(small, max_features, root=True)
    scale = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
    points = (features.points + 0.5) * scale - 0.5
    features = Features(points, features.scales * scale[0], features.angles, features.descriptors, features.responses)
    x, y = np.rint(points).astype(int).T
    at = pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    colours = np.ascontiguousarray(at if at.ndim == 2 else np.repeat(at[:, None], 3, axis=1))
    focal = None if path is None else focal_of_file(path, (height, width))
    photo = Photo(name, (height, width), features, colours, focal, key)
    if kept is not None:
        _save(kept, photo)
    return photo


def focal_of_file(path: Any, size: tuple[int, int]) -> float | None:
    """Return the focal length in pixels that a photo's EXIF tells, or None.

    Parameters
    ----------
    path
        File of the photo.
    size
        (height, width) of its pixels.
    """
    with PillowImage.open(path) as picture:
        tags = picture.getexif().get_ifd(_EXIF)
    longer = max(size)
    focal: float | None = None
    try:
        if tags.get(_FOCAL_35):
            focal = float(tags[_FOCAL_35]) / _FILM * float(np.hypot(*size))
        elif tags.get(_FOCAL) and tags.get(_DENSITY) and tags.get(_DENSITY_UNIT) in _MILLIMETRES:
            whole = max(float(tags.get(_WIDTH, longer)), float(tags.get(_HEIGHT, 0)))
            density = float(tags[_DENSITY]) / _MILLIMETRES[tags[_DENSITY_UNIT]]
            focal = float(tags[_FOCAL]) * density * longer / whole
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    # A program that shrank the photo may have changed the width in the tags and not the density.
    return focal if focal is not None and _PLAUSIBLE[0] < focal / longer < _PLAUSIBLE[1] else None


def _save(path: Path, photo: Photo) -> None:
    found = photo.features
    codes = found.descriptors if found.descriptors is not None else np.zeros((len(found), 128), np.float32)
    parts = (found.points, found.scales, found.angles, codes, found.responses, photo.colours)
    values = (*parts, np.array(photo.size), np.array(photo.focal or 0.0))
    write_arrays(path, dict(zip(_KEPT, values, strict=True)))


def _load(path: Path, name: str, key: str) -> Photo | None:
    held = kept_arrays(path, _KEPT)
    if held is None:
        return None
    height, width = (int(n) for n in held["size"])
    features = Features(*(held[part] for part in _KEPT[:5]))
    return Photo(name, (height, width), features, held["colours"], float(held["focal"]) or None, key)
