"""From photos of any size to what a detector reads: fitted into a frame, with the way back for its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sightline.core.conversions import to_uint8
from sightline.core.results import Detections
from sightline.data import LabelledImage
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSplit
from sightline.data.letterbox import centred
from sightline.data.move import Shape
from sightline.data.placement import Placement
from sightline.metrics.box_set import BoxSet

STRIDE = 32  # pixels: both sides of what a detector reads are a multiple of it
CONFIDENCE = 0.25  # lowest score that is told, unless the user says otherwise
_BUDGET = 2**30  # bytes of pictures that are kept


def frame_of(shape: Shape, size: int, square: bool = False) -> Placement:
    """Return the placement of a picture in the smallest frame that fits, its shape kept.

    Parameters
    ----------
    shape
        (height, width) of the picture.
    size
        What its longer side becomes, in pixels.
    square
        Whether the frame is size×size, whatever the picture's shape.

    Examples
    --------
    >>> frame_of((100, 200), 64).new
    (32, 64)
    """
    if square:
        return centred(shape, (size, size))
    height, width = (max(1, round(side * size / max(shape))) for side in shape)
    return centred(shape, (-(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE))


def back(found: Detections, place: Placement, names: tuple[str, ...]) -> Detections:
    """Return detections of a frame in pixels of the picture in it; what lies outside the picture goes.

    Parameters
    ----------
    found
        In pixels of the frame.
    place
        From :func:`frame_of`.
    names
        Class names.
    """
    boxes = place.back(found.boxes)
    kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes[kept], found.scores[kept], found.labels[kept], names)


def colour(image: np.ndarray) -> np.ndarray:
    """Return a picture as H×W×3 uint8.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    """
    image = to_uint8(image)
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


class Prepared:
    """A split's pictures, none larger than the model reads: ``prepared[i]`` is a labelled picture.

    Parameters
    ----------
    split
        Where they come from.
    size
        What the longer side becomes, in pixels.
    keep
        Whether to decode all of them on first use and keep them, as long as they take less than 1 GiB.
    """

    def __init__(self, split: DetectionSplit, size: int, keep: bool = True) -> None:
        self.split, self.size = split, size
        self._keep = keep and len(split) * size * size * 3 <= _BUDGET
        self._kept: list[LabelledImage] | None = None

    def __len__(self) -> int:
        return len(self.split)

    @property
    def keys(self) -> Sequence[str]:
        """Where each picture comes from."""
        return self.split.keys

    def __getitem__(self, index: int) -> LabelledImage:
        return self._read(index) if self._kept is None else self._kept[index]

    def load(self) -> Prepared:
        """Decode all pictures now, where they are to be kept: before worker processes start, which then share them."""
        if self._kept is None and self._keep:
            with ThreadPoolExecutor(max_workers=4) as pool:  # decoding releases the interpreter's lock
                self._kept = list(pool.map(self._read, range(len(self))))
        return self

    def _read(self, index: int) -> LabelledImage:
        whole = labelled(self.split, index)
        height, width = whole.image.shape[:2]
        scale = self.size / max(height, width)
        small = (max(1, round(height * scale)), max(1, round(width * scale)))
        return whole.moved(Placement.of((height, width), small, (0, 0), small), keep=0.0)


def labelled(split: DetectionSplit, index: int) -> LabelledImage:
    """Return a picture of a detection set with the boxes that are to be learnt, in colour, as it came.

    Parameters
    ----------
    split
        Of a detection set.
    index
        Number of the picture.
    """
    image, item = split[index]
    real = (item.boxes[:, 2:] > item.boxes[:, :2]).all(axis=1)
    return item.take(real & ~item.crowd).on(colour(image))  # a crowd is no thing; what has no area cannot be learnt


def truth_of(item: Annotation, numbers: np.ndarray) -> BoxSet:
    """Return what is to be found on a picture.

    Parameters
    ----------
    item
        As a person marked it.
    numbers
        The model's number of each class of the set.
    """
    return BoxSet(item.boxes, numbers[item.labels], crowd=item.crowd, ignore=item.ignore | item.crowd, areas=item.areas)
