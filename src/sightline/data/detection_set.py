"""A detection set: splits of images with the boxes that are on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import DataError, InputError
from sightline.data.annotation import Annotation
from sightline.data.image_set import FileImages, Images, JoinedImages
from sightline.data.image_size import image_size
from sightline.data.named_splits import NamedSplits


class DetectionSplit:
    """One split of a set: ``len(split)``, ``split[i] -> (image, annotation)``, annotations and keys of all samples.

    Parameters
    ----------
    images
        A sequence of H×W×3 arrays, or an object that reads image ``i`` when asked.
    annotations
        One for each image.
    keys
        N names that tell where a sample comes from: a path.
    ids
        N numbers that results name the images by (COCO's ``image_id``); None numbers them from 1.
    sizes
        N×2 (height, width) of the images, 0 where not known; None knows none.
    """

    def __init__(
        self,
        images: Images | Sequence[np.ndarray],
        annotations: Sequence[Annotation],
        keys: Sequence[str],
        *,
        ids: Sequence[int] | None = None,
        sizes: np.ndarray | None = None,
    ) -> None:
        count = len(annotations)
        if not len(images) == count == len(keys):
            raise DataError(
                f"DetectionSplit: images, annotations and keys must be of one length; "
                f"got {len(images)}, {count}, {len(keys)}."
            )
        self._images = images
        self._annotations, self._keys = tuple(annotations), tuple(keys)
        self._ids = tuple(range(1, count + 1)) if ids is None else tuple(int(number) for number in ids)
        self._sizes = np.zeros((count, 2), np.int64) if sizes is None else np.array(sizes, np.int64).reshape(-1, 2)
        if not len(self._ids) == len(self._sizes) == count:
            raise DataError(f"DetectionSplit: ids and sizes must have {count} rows, one an image.")
        self._index = np.arange(count)

    def __len__(self) -> int:
        return len(self._annotations)

    def __getitem__(self, index: int) -> tuple[np.ndarray, Annotation]:
        place = self._place(index)
        return self._images[int(self._index[place])], self._annotations[place]

    def __iter__(self) -> Iterator[tuple[np.ndarray, Annotation]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"DetectionSplit({len(self)} images, {sum(map(len, self._annotations))} boxes)"

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The annotations of all samples; no image is read for it."""
        return self._annotations

    @property
    def keys(self) -> tuple[str, ...]:
        """Where each sample comes from: a path."""
        return self._keys

    @property
    def ids(self) -> tuple[int, ...]:
        """The number that results name each image by."""
        return self._ids

    @property
    def strata(self) -> np.ndarray:
        """What is shared out evenly when a set is divided: the rarest class on each image, 0 for images without boxes.

        Classes count from 1 here.
        """
        counts = self.counts(1 + max((int(item.labels.max(initial=0)) for item in self._annotations), default=0))
        rarest = [
            min(item.labels.tolist(), key=lambda label: (counts[label], label), default=-1)
            for item in self._annotations
        ]
        return np.array(rarest, np.int64) + 1

    def size(self, index: int) -> tuple[int, int]:
        """Return ``(height, width)`` of a sample: as the annotations say, else as its file's header says.

        Parameters
        ----------
        index
            Whole number in 0 … len − 1.
        """
        place = self._place(index)
        if not self._sizes[place].all():
            path = self.path(place)
            self._sizes[place] = self[place][0].shape[:2] if path is None else image_size(path)
        height, width = self._sizes[place].tolist()
        return height, width

    def path(self, index: int) -> str | None:
        """Return the file of a sample; None where the set lives in memory.

        Parameters
        ----------
        index
            Whole number in 0 … len − 1.
        """
        place = int(self._index[index])
        if isinstance(self._images, FileImages):
            return self._images.paths[place]
        return self._images.path(place) if isinstance(self._images, JoinedImages) else None

    def subset(self, indices: np.ndarray | Sequence[int]) -> Self:
        """Return the samples of these indices, in their order; no image is read or copied.

        Parameters
        ----------
        indices
            Whole numbers in 0 … len − 1.
        """
        chosen = np.asarray(indices, None if len(indices) else np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise InputError(f"subset: indices must be a list of whole numbers; got {describe(chosen)}.")
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(self)):
            raise InputError(f"subset: indices must be in 0–{len(self) - 1}; got {chosen.min()} to {chosen.max()}.")
        return self._like([self._annotations[index] for index in chosen], chosen)

    def with_annotations(self, annotations: Sequence[Annotation]) -> Self:
        """Return the same images with other annotations.

        Parameters
        ----------
        annotations
            One for each image.
        """
        if len(annotations) != len(self):
            raise InputError(f"with_annotations: annotations must be {len(self)}; got {len(annotations)}.")
        return self._like(annotations, np.arange(len(self)))

    def counts(self, classes: int) -> np.ndarray:
        """Return how many boxes each of ``classes`` classes has, int64.

        Parameters
        ----------
        classes
            Number of classes of the set, ≥ 1.
        """
        labels = [item.labels for item in self._annotations]
        return np.bincount(np.concatenate(labels) if labels else np.zeros(0, np.int64), minlength=classes)

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return index % len(self)

    def _like(self, annotations: Sequence[Annotation], chosen: np.ndarray) -> Self:
        part = type(self).__new__(type(self))
        part._images, part._annotations = self._images, tuple(annotations)
        part._keys = tuple(self._keys[index] for index in chosen)
        part._ids = tuple(self._ids[index] for index in chosen)
        part._sizes, part._index = self._sizes[chosen], self._index[chosen]
        return part


def join_detections(splits: Sequence[DetectionSplit]) -> DetectionSplit:
    """Return the samples of several splits as one split, in order; numbered anew where two have one number.

    Parameters
    ----------
    splits
        At least one split.
    """
    annotations = [item for split in splits for item in split.annotations]
    keys, ids = [key for split in splits for key in split.keys], [number for split in splits for number in split.ids]
    ids = ids if len(set(ids)) == len(ids) else list(range(1, len(ids) + 1))
    sizes = np.concatenate([split._sizes for split in splits])
    return DetectionSplit(JoinedImages(splits), annotations, keys, ids=ids, sizes=sizes)


@dataclass(frozen=True)
class DetectionSet(NamedSplits[DetectionSplit]):
    """Images with boxes, in named splits.

    Splits are called ``train``, ``val`` and ``test``, as those of :class:`ImageSet`, and are divided by the same
    methods.

    Parameters
    ----------
    name
        Short name, for titles and run folders.
    classes
        Class names; a label is an index into them.
    splits
        The splits by name.
    source
        Where the set was opened from.
    digest
        SHA-256 of the annotations and of the images' names and byte sizes.
    notes
        Sentences on what was decided when it was opened.
    mirror
        Whether a mirrored image still means the same.
    form
        The form that it lay in: ``voc``, ``coco``, ``yolo``, ``cvat``, ``labelme``, ``masks``.
    category_ids
        The number that results name each class by (COCO's ``category_id``); empty numbers them from 1.

    Examples
    --------
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> cat = Annotation(np.array([[10, 5, 30, 25]]), np.array([0]))
    >>> train = DetectionSplit([image], [cat], ["cat.jpg"])
    >>> pets = DetectionSet("pets", ("cat",), {"train": train}, "memory", "")
    >>> pets.train[0][1].boxes.tolist()
    [[10.0, 5.0, 30.0, 25.0]]
    """

    form: str = ""
    category_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.category_ids:
            object.__setattr__(self, "category_ids", tuple(range(1, len(self.classes) + 1)))
        if len(self.category_ids) != len(self.classes):
            raise DataError(
                f"DetectionSet: category_ids must be {len(self.classes)}, one a class; got {len(self.category_ids)}."
            )
        for name, split in self.splits.items():
            labels = np.concatenate([np.zeros(0, np.int64), *(item.labels for item in split.annotations)])
            if labels.size and not (labels.min() >= 0 and labels.max() < len(self.classes)):
                raise DataError(
                    f"DetectionSet: labels of '{self.name}' {name} must be in 0–{len(self.classes) - 1}; "
                    f"got {labels.min()} to {labels.max()}."
                )

    def pool(self) -> DetectionSplit:
        """Return the samples of all splits as one split, in order."""
        return join_detections(list(self.splits.values()))

    def to_json(self) -> dict[str, Any]:
        """Return what the set is as plain JSON values, with the number of boxes of each split."""
        boxes = {name: sum(map(len, split.annotations)) for name, split in self.splits.items()}
        return super().to_json() | {"form": self.form, "boxes": boxes}
