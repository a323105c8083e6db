"""The idx files of MNIST and its kin: ``train-images-idx3-ubyte`` with ``train-labels-idx1-ubyte``, plain or gzipped.

LeCun, Cortes, Burges 1998, "The MNIST database of handwritten digits": a magic number (two zero bytes, a type, the
number of axes), the axes as big-endian 32-bit numbers, then the values.
"""

from __future__ import annotations

import builtins
import gzip
import math
import re
import zlib
from pathlib import Path

import numpy as np

from sightline.core.errors import DataError, FormatError
from sightline.data.digest import digest_of_arrays
from sightline.data.image_set import ImageSet, Split
from sightline.data.naming import entries, sort_classes, split_of

FORM = "idx files (train-images-idx3-ubyte and train-labels-idx1-ubyte, .gz or not)"

_NAME = re.compile(r"^(?:(?P<prefix>[\w.-]+)[-_.])?images[-_.]idx3[-_.]ubyte(?P<gz>\.gz)?$", re.IGNORECASE)
_RATIO = 1100  # deflate cannot expand further than 1032 times; a header that promises more lies


def sniff(path: Path) -> bool:
    """Tell whether a file is called like idx images, or a folder holds such a file.

    Parameters
    ----------
    path
        Anything that exists.
    """
    if path.is_dir():
        return any(_NAME.match(item.name) for item in entries(path))
    return _NAME.match(path.name) is not None


def open(path: Path) -> ImageSet:
    """Open idx images with their labels; the classes are the label values.

    Parameters
    ----------
    path
        A folder, or the file of the images; the labels are searched beside it.
    """
    files = [item for item in entries(path) if _NAME.match(item.name)] if path.is_dir() else [path]
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for file in files:
        match = _NAME.match(file.name)
        words = re.split(r"[-_.]", (match.group("prefix") if match else None) or "")
        name = next((split for split in map(split_of, words) if split), "all") if len(files) > 1 else "all"
        if name in found:
            raise DataError(f"open_dataset: '{path}' has two idx files for {name}, '{file.name}' is one. Keep one.")
        found[name] = _read_pair(file)
    values = sort_classes(str(label) for _, labels in found.values() for label in np.unique(labels))
    index = {int(value): place for place, value in enumerate(values)}
    splits = {}
    for name in sorted(found, key=lambda item: ("train", "val", "test").index(item) if split_of(item) else 3):
        images, labels = found[name]
        mapped = np.array([index[int(label)] for label in labels], np.int64)
        stem = path.resolve().name if path.is_dir() else path.resolve().parent.name
        splits[name] = Split(images, mapped, [f"{stem}/{name}/{number}" for number in range(len(mapped))])
    digest = digest_of_arrays(*(array for pair in found.values() for array in pair))
    return ImageSet(path.resolve().name.split(".")[0], values, splits, str(path), digest, mirror=False)


def _read_pair(file: Path) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(file)
    partner = re.sub(r"idx3", "idx1", re.sub(r"images", "labels", file.name))
    plain = partner.removesuffix(".gz")
    choices = [file.with_name(name) for name in dict.fromkeys((partner, plain, plain + ".gz"))]
    labels_file = next((choice for choice in choices if choice.exists()), None)
    if labels_file is None:
        raise DataError(f"open_dataset: '{file}' has no labels beside it; expected '{plain}' or '{plain}.gz'.")
    labels = read_idx(labels_file)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(
            f"open_dataset: '{file.name}' and '{labels_file.name}' in '{file.parent}' do not belong together: "
            f"images {'×'.join(map(str, images.shape))}, labels {'×'.join(map(str, labels.shape))}."
        )
    return images, labels


def read_idx(path: Path) -> np.ndarray:
    """Read one idx file of bytes, plain or gzipped; never more of it than its header declares.

    Parameters
    ----------
    path
        The file; ``.gz`` at the end of its name means gzip.
    """
    size = path.stat().st_size
    opener = gzip.open if path.suffix.lower() == ".gz" else builtins.open
    try:
        with opener(path, "rb") as stream:
            magic = stream.read(4)
            if len(magic) != 4 or magic[:2] != b"\0\0" or magic[2] != 8 or not 1 <= magic[3] <= 4:
                raise FormatError(f"open_dataset: '{path}' is not an idx file of bytes; it begins with {magic!r}.")
            axes = stream.read(4 * magic[3])
            shape = tuple(int.from_bytes(axes[4 * axis : 4 * axis + 4], "big") for axis in range(magic[3]))
            count = math.prod(shape)
            if len(axes) != 4 * magic[3] or count > _RATIO * max(size, 1):
                raise FormatError(
                    f"open_dataset: '{path}' declares {shape} values, more than its {size} bytes can hold."
                )
            data = stream.read(count + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"open_dataset: '{path}' is cut off or damaged: {error}. Fetch it again.") from error
    if len(data) != count:
        relation = "more" if len(data) > count else f"only {len(data)}"
        raise FormatError(f"open_dataset: '{path}' declares {count} values but holds {relation}. Fetch it again.")
    return np.frombuffer(data, np.uint8).reshape(shape)
