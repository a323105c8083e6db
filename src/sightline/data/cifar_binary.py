"""The binary version of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3,072 bytes red, green, blue.

Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images". The "python version" is a pickle, which could
execute code, and is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightline.core.errors import DataError, FormatError, MissingFileError
from sightline.data.digest import digest_of_arrays
from sightline.data.image_set import ImageSet, Split

FORM = "CIFAR's binary files (data_batch_1.bin … test_batch.bin with batches.meta.txt; or train.bin, test.bin)"

_TEN = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
_HUNDRED = {"train": ["train.bin"], "test": ["test.bin"]}
_FOLDERS = ("", "cifar-10-batches-bin", "cifar-100-binary")
_PICKLES = ("cifar-10-batches-py", "cifar-100-python", "data_batch_1", "batches.meta")


def sniff(path: Path) -> bool:
    """Tell whether a folder holds CIFAR's files, of the binary or of the python version.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return path.is_dir() and (_place(path) is not None or any((path / name).exists() for name in _PICKLES))


def open(path: Path) -> ImageSet:
    """Open the binary version; CIFAR-100 gets its 100 fine classes.

    Parameters
    ----------
    path
        The folder of the files, or the one above it.
    """
    folder = _place(path)
    if folder is None:
        raise DataError(
            f"open_dataset: '{path}' holds CIFAR's python version, which is made of pickles that could run code. "
            f"Fetch the binary version: cifar-10-binary.tar.gz or cifar-100-binary.tar.gz."
        )
    ten = (folder / "data_batch_1.bin").exists()
    names = folder / ("batches.meta.txt" if ten else "fine_label_names.txt")
    classes = tuple(word.strip() for word in _read(names).decode("ascii", "replace").splitlines() if word.strip())
    title = "cifar10" if ten else "cifar100"
    splits, arrays = {}, []
    for split, files in (_TEN if ten else _HUNDRED).items():
        parts = [_records(folder / file, 1 if ten else 2) for file in files]
        images, labels = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
        splits[split] = Split(images, labels, [f"{title}/{split}/{number}" for number in range(len(labels))])
        arrays += [images, labels]
    return ImageSet(title, classes, splits, str(path), digest_of_arrays(*arrays))


def _place(path: Path) -> Path | None:
    files = ("data_batch_1.bin", "train.bin")
    return next((path / name for name in _FOLDERS if any((path / name / file).is_file() for file in files)), None)


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise MissingFileError(
            f"open_dataset: '{file}' is missing beside CIFAR's other files. Fetch the archive again."
        )
    return file.read_bytes()


def _records(file: Path, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return N×32×32×3 images and N labels (the last label byte: CIFAR-100's fine one)."""
    data = np.frombuffer(_read(file), np.uint8)
    size = label_bytes + 3072
    if data.size == 0 or data.size % size:
        raise FormatError(f"open_dataset: '{file}' has {data.size} bytes, no multiple of a record's {size}.")
    rows = data.reshape(-1, size)
    planes = rows[:, label_bytes:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, label_bytes - 1].astype(np.int64)
