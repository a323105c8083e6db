"""NumPy archives: ``images`` and ``labels``, or ``x_train, y_train, x_test, y_test``; nothing in them is executed."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import DataError, FormatError
from sightline.data.digest import digest_of_arrays
from sightline.data.image_set import ImageSet, Split
from sightline.data.naming import SPLITS, shorten, sort_classes, split_of

FORM = "an .npz file (images and labels; or x_train, y_train, x_test, y_test)"

_IMAGES = ("images", "image", "x", "data")
_LABELS = ("labels", "label", "y", "targets", "target")
_CLASSES = ("classes", "class_names", "label_names")
_MOST = 1 << 36  # bytes that an archive may unpack to
_RATIO = 1100  # deflate cannot expand further than 1032 times


def sniff(path: Path) -> bool:
    """Tell whether a file ends with ``.npz``.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return path.is_file() and path.suffix.lower() == ".npz"


def open(path: Path) -> ImageSet:
    """Open an archive of uint8 images N×H×W or N×H×W×3 and N labels (numbers or words).

    Parameters
    ----------
    path
        The file.
    """
    arrays = _load(path)
    pairs = _pairs(path, arrays)
    names = [array for key, array in arrays.items() if key.lower() in _CLASSES]
    labels = {split: _labels(path, pair[1]) for split, pair in pairs.items()}
    distinct = sort_classes(word for words in labels.values() for word in words)
    classes = tuple(str(name) for name in names[0]) if names else distinct
    if names:
        index = {str(number): number for number in range(len(classes))} | {name: i for i, name in enumerate(classes)}
    else:
        index = {name: number for number, name in enumerate(classes)}
    unknown = [word for word in distinct if word not in index]
    if unknown:
        raise DataError(f"open_dataset: '{path}' has labels without a class name: {shorten(unknown)}.")
    splits = {}
    for split, (key, _) in pairs.items():
        images = _images(path, key, arrays[key], len(labels[split]))
        mapped = np.array([index[word] for word in labels[split]], np.int64)
        splits[split] = Split(images, mapped, [f"{path.stem}/{split}/{number}" for number in range(len(mapped))])
    digest = digest_of_arrays(*(array for key in sorted(arrays) for array in (np.asarray(arrays[key]),)))
    return ImageSet(path.stem, classes, splits, str(path), digest)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(item.file_size for item in archive.infolist())
        if declared > min(_MOST, _RATIO * path.stat().st_size):
            raise FormatError(f"open_dataset: '{path}' unpacks to {declared} bytes, more than its size can hold.")
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise FormatError(f"open_dataset: '{path}' is not a whole .npz file: {error}. Fetch it again.") from error
    except ValueError as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(
            f"open_dataset: '{path}' holds Python objects or a damaged array ({error}). Save plain arrays only."
        ) from error


def _pairs(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, tuple[str, np.ndarray]]:
    """Return ``{split: (key of the images, labels)}``, in the order train, val, test."""
    images: dict[str, str] = {}
    labels: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        words = [word for word in re.split(r"[_\-. /]+", key.lower()) if word]
        split = next((split_of(word) for word in words if word in SPLITS), None) or "all"
        rest = [word for word in words if word not in SPLITS]
        if len(rest) == 1 and rest[0] in _IMAGES:
            images[split] = key
        elif len(rest) == 1 and rest[0] in _LABELS:
            labels[split] = array
    order = [split for split in ("train", "val", "test", "all") if split in images and split in labels]
    if not order or set(images) != set(labels):
        raise DataError(
            f"open_dataset: '{path}' holds {shorten(arrays, 8)}; understood are images (or x) with labels (or y), each "
            f"also with train, val or test in its name."
        )
    return {split: (images[split], labels[split]) for split in order}


def _images(path: Path, key: str, array: np.ndarray, count: int) -> np.ndarray:
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    plain = array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3)
    if not plain or array.dtype != np.uint8 or 0 in array.shape or len(array) != count:
        hint = ""
        if array.ndim == 4 and array.shape[1] in (1, 3):
            hint = " Move the channels last: x.transpose(0, 2, 3, 1)."
        elif array.dtype.kind == "f":
            hint = " Scale to 0–255 and use astype(np.uint8)."
        raise DataError(
            f"open_dataset: '{key}' in '{path}' must be {count}×H×W or {count}×H×W×3 uint8; "
            f"got {describe(array)}.{hint}"
        )
    return array


def _labels(path: Path, array: np.ndarray) -> list[str]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    whole = array.dtype.kind in "iuU" or (array.dtype.kind == "f" and bool((array == np.rint(array)).all()))
    if array.ndim != 1 or not whole:
        hint = " One-hot labels: y.argmax(1)." if array.ndim == 2 else ""
        raise DataError(
            f"open_dataset: labels in '{path}' must be N whole numbers or words; got {describe(array)}.{hint}"
        )
    return [str(word) for word in (array.astype(np.int64) if array.dtype.kind == "f" else array).tolist()]
