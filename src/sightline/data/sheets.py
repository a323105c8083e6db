"""Contact sheets: many small images of one size as tiles of a few large ones, with ``train_labels.npy`` beside them.

Tile ``i`` lies on sheet ``i // tiles``, row by row. ``classes.txt`` names the classes. The size of a tile and
the number on a sheet follow from the number of labels, the number of sheets and the size of a sheet.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import DataError, FormatError
from sightline.data.digest import digest_of_arrays
from sightline.data.image_set import ImageSet, Split
from sightline.data.naming import entries, is_image_name, split_of

FORM = "contact sheets (train_00.jpg … with train_labels.npy and classes.txt)"

_SIZES = (28, 32)  # tiles are 28 or 32 pixels square


def sniff(path: Path) -> bool:
    """Tell whether a folder holds ``classes.txt`` and ``…_labels.npy``.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return path.is_dir() and (path / "classes.txt").is_file() and bool(_labels_of(path))


def open(path: Path) -> ImageSet:
    """Open sheets; all tiles are unpacked into memory.

    Parameters
    ----------
    path
        The folder.
    """
    classes = tuple(line.strip() for line in (path / "classes.txt").read_text("utf-8").splitlines() if line.strip())
    title, splits, arrays = path.resolve().name, {}, []
    found = _labels_of(path)
    for split in (name for name in ("train", "val", "test") if name in found):
        labels = _load_labels(found[split])
        prefix = found[split].name.removesuffix("_labels.npy")
        images = _unpack(path, prefix, len(labels))
        splits[split] = Split(images, labels, [f"{title}/{split}/{number}" for number in range(len(labels))])
        arrays += [images, labels]
    return ImageSet(title, classes, splits, str(path), digest_of_arrays(*arrays))


def _labels_of(path: Path) -> dict[str, Path]:
    files = (item for item in entries(path) if item.name.endswith("_labels.npy"))
    named = {split_of(file.name.removesuffix("_labels.npy")): file for file in files}
    return {name: file for name, file in named.items() if name is not None}


def _load_labels(file: Path) -> np.ndarray:
    try:
        labels = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise FormatError(f"open_dataset: '{file}' is not a plain .npy array: {error}.") from error
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
        raise DataError(f"open_dataset: '{file}' must hold N whole numbers; got {describe(labels)}.")
    return labels


def _unpack(path: Path, prefix: str, count: int) -> np.ndarray:
    from sightline.image.read import read  # sets in other forms do without a decoder

    pattern = re.compile(rf"^{re.escape(prefix)}_(\d+)\.\w+$")
    sheets = [item for item in entries(path) if pattern.match(item.name) and is_image_name(item.name)]
    tiles: list[np.ndarray] = []
    for sheet in sheets:
        image = read(str(sheet))
        size = next((side for side in _SIZES if _fits(image, side, len(sheets), count)), None)
        if size is None:
            raise DataError(
                f"open_dataset: sheet '{sheet}' ({describe(image)}) does not hold its share of {count} tiles."
            )
        tiles.append(_cut(image, size))
    pixels = np.concatenate(tiles) if tiles else np.empty((0, 1, 1), np.uint8)
    if len(pixels) < count:
        raise DataError(f"open_dataset: '{path}' has {len(pixels)} tiles for {count} labels of {prefix}.")
    pixels = pixels[:count]
    if pixels.ndim == 4 and all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2)):
        return np.ascontiguousarray(pixels[..., 0])  # gray tiles in a format that has no gray
    return pixels


def _fits(image: np.ndarray, side: int, sheets: int, count: int) -> bool:
    height, width = image.shape[:2]
    held = (height // side) * (width // side)
    return height % side == 0 and width % side == 0 and (sheets - 1) * held < count <= sheets * held


def _cut(image: np.ndarray, side: int) -> np.ndarray:
    rows, columns = image.shape[0] // side, image.shape[1] // side
    grid = image.reshape(rows, side, columns, side, *image.shape[2:])
    return np.ascontiguousarray(grid.swapaxes(1, 2)).reshape(rows * columns, side, side, *image.shape[2:])
