"""An image set: splits of labelled images, in memory or read from disk when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from sightline.core.checks import describe
from sightline.core.conversions import to_uint8
from sightline.core.errors import DataError, InputError
from sightline.data.named_splits import NamedSplits


class Images(Protocol):
    """Where a split's pixels come from: anything that has a length and gives image ``i`` as an array."""

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def __getitem__(self, index: int, /) -> np.ndarray:
        """Return image ``index``, H×W or H×W×3."""
        ...


class FileImages:
    """Images that are read from disk, one by one, when they are asked for: H×W×3 uint8, whatever the file holds.

    Parameters
    ----------
    paths
        Files in sample order.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        from sightline.image.read import read  # sets in memory do without a decoder

        return to_uint8(read(self.paths[index]))


class Sourced(Protocol):
    """A split as the images of several need it: samples that begin with an image, and where that lies."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: int, /) -> tuple[np.ndarray, Any]:
        """Return sample ``index``, its image first."""
        ...

    def path(self, index: int) -> str | None:
        """Return the file of a sample; None where it lives in memory."""
        ...


class JoinedImages:
    """The images of several splits, one after the other.

    Parameters
    ----------
    splits
        At least one split.
    """

    def __init__(self, splits: Sequence[Sourced]) -> None:
        self._splits = tuple(splits)
        self._starts = np.cumsum([0, *(len(split) for split in splits)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._splits[part][index - int(self._starts[part])][0]

    def path(self, index: int) -> str | None:
        """Return the file of a sample; None where it lives in memory.

        Parameters
        ----------
        index
            Whole number in 0 … len − 1.
        """
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._splits[part].path(index - int(self._starts[part]))


class Split:
    """One split of a set: ``len(split)``, ``split[i] -> (image, label)``, labels and keys of all samples.

    Parameters
    ----------
    images
        N×H×W or N×H×W×3 array (it is kept, read-only, not copied), or an object that reads image ``i`` when asked.
    labels
        N whole numbers ≥ 0, indices into the set's classes.
    keys
        N names that tell where a sample comes from: a path, or ``"mnist/train/17"``.
    """

    def __init__(self, images: np.ndarray | Images, labels: np.ndarray | Sequence[int], keys: Sequence[str]) -> None:
        array = np.asarray(labels)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise DataError(f"Split: labels must be N whole numbers; got {describe(array)}.")
        if not len(images) == len(array) == len(keys):
            raise DataError(
                f"Split: images, labels and keys must be of one length; got {len(images)}, {len(array)}, {len(keys)}."
            )
        if isinstance(images, np.ndarray):
            images = images.view()
            images.flags.writeable = False
        self._images: np.ndarray | Images = images
        self._index: np.ndarray | None = None
        self._labels = array.astype(np.int64)
        self._labels.flags.writeable = False
        self._keys: Sequence[str] = tuple(keys)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        index = index % len(self)
        place = index if self._index is None else int(self._index[index])
        return self._images[place], int(self._labels[index])

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Split({len(self)} images, {np.unique(self._labels).size} classes)"

    @property
    def labels(self) -> np.ndarray:
        """The labels of all samples, int64, read-only; no image is read for it."""
        return self._labels

    @property
    def strata(self) -> np.ndarray:
        """What is shared out evenly when a set is divided: the labels."""
        return self._labels

    @property
    def keys(self) -> Sequence[str]:
        """Where each sample comes from: a path, or ``"mnist/train/17"``."""
        return self._keys

    @property
    def array(self) -> np.ndarray | None:
        """All images as one array N×H×W or N×H×W×3 where the set lives in memory; None where it is read from disk."""
        if not isinstance(self._images, np.ndarray):
            return None
        return self._images if self._index is None else self._images[self._index]

    def path(self, index: int) -> str | None:
        """Return the file of a sample; None where the set lives in memory.

        Parameters
        ----------
        index
            Whole number in 0 … len − 1.
        """
        place = index if self._index is None else int(self._index[index])
        if isinstance(self._images, FileImages):
            return self._images.paths[place]
        return self._images.path(place) if isinstance(self._images, JoinedImages) else None

    def subset(self, indices: np.ndarray | Sequence[int]) -> Self:
        """Return the samples at ``indices``, in that order, without copying images.

        Parameters
        ----------
        indices
            Whole numbers in 0 … len − 1.
        """
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise InputError(f"subset: indices must be a list of whole numbers; got {describe(chosen)}.")
        chosen = chosen.astype(np.int64)
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(self)):
            raise InputError(f"subset: indices must be in 0–{len(self) - 1}; got {chosen.min()} to {chosen.max()}.")
        part = type(self).__new__(type(self))
        part._images = self._images
        part._index = chosen if self._index is None else self._index[chosen]
        part._labels = self._labels[chosen]
        part._labels.flags.writeable = False
        part._keys = tuple(self._keys[index] for index in chosen)
        return part

    def counts(self, classes: int) -> np.ndarray:
        """Return how many samples each of ``classes`` classes has, int64.

        Parameters
        ----------
        classes
            Number of classes of the set, ≥ 1.
        """
        return np.bincount(self._labels, minlength=classes).astype(np.int64)


def join(splits: Sequence[Split]) -> Split:
    """Return the samples of several splits as one split, in order.

    Parameters
    ----------
    splits
        At least one split.
    """
    labels = np.concatenate([split.labels for split in splits])
    return Split(JoinedImages(splits), labels, [key for split in splits for key in split.keys])


@dataclass(frozen=True)
class ImageSet(NamedSplits[Split]):
    """Labelled images in named splits.

    Splits are called ``train``, ``val`` and ``test``. ``train`` is what is learnt from. ``val`` decides which
    checkpoint is the best; a set that has none gets one by :meth:`split_off`. ``test`` is looked at last; where a set
    has only ``train`` and ``val``, :attr:`test` is ``val``, its only held-out images.

    Parameters
    ----------
    name
        Short name, for titles and run folders.
    classes
        Class names; a label is an index into them.
    splits
        The splits by name.
    source
        Where the set was opened from: a path or a name.
    digest
        SHA-256 of what was opened: pixels and labels of a set in memory; names, labels and byte sizes of one on disk.
    notes
        Sentences on what was decided when it was opened, such as how it was split.
    mirror
        Whether a mirrored image still means the same: not so for digits and letters.
    """

    def __post_init__(self) -> None:
        for name, split in self.splits.items():
            if len(split) and not (split.labels.min() >= 0 and split.labels.max() < len(self.classes)):
                raise DataError(
                    f"ImageSet: labels of '{self.name}' {name} must be in 0–{len(self.classes) - 1}; "
                    f"got {split.labels.min()} to {split.labels.max()}."
                )

    def pool(self) -> Split:
        """Return the samples of all splits as one split, in order."""
        return join(list(self.splits.values()))
