"""A detector in one ONNX file: pictures of any size go in as bytes, boxes come out. It needs no PyTorch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.core.checks import as_image, number
from sightline.core.errors import InputError, suggest
from sightline.core.exported_file import ExportedFile
from sightline.core.results import Detections
from sightline.core.types import PathLike
from sightline.detect.prepare import CONFIDENCE, colour

# Of M boxes: xyxy in pixels of their picture, scores, classes, numbers of the pictures; picture by picture, best first.
BOXES, SCORES, LABELS, PICTURES = OUTPUTS = ("boxes", "scores", "labels", "pictures")
_BATCH = 8


class ExportedDetector(ExportedFile):
    """An exported detector, run by ONNX Runtime.

    Parameters
    ----------
    path
        The file, as ``sightline export`` writes it; or one that is open, whose session is taken.
    threads
        Of one operation, ≥ 0; 0 takes one for each core.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When it is no ONNX model, or does not say what a picture becomes and what its classes are called.
    """

    def __init__(self, path: PathLike | ExportedFile, *, threads: int = 0) -> None:
        super().__init__(path, threads=threads, needed=("recipe", "classes", "size", "square"))

    def predict(self, images: Any, *, confidence: float = CONFIDENCE, **others: Any) -> Any:
        """Return the :class:`Detections` in an image (array or path), or in each of a list of them, best first.

        Parameters
        ----------
        images
            H×W, H×W×3 or H×W×4 array (uint8, uint16 or float32), path, or a list or tuple of them.
        confidence
            Lowest score that is told, in 0–1.
        **others
            None: what a run offers besides is not in the file.
        """
        number("predict", "confidence", confidence, 0.0, 1.0)
        for name in others:
            raise InputError(
                f"predict: an exported detector has no option '{name}'.{suggest(name, ('confidence',))} Of its own, "
                "there is confidence; tiles, mirrored pictures and sizes are offered by the run."
            )
        single = isinstance(images, (np.ndarray, str, os.PathLike))
        found = self.find([_read(image) for image in ([images] if single else images)])
        kept = [some[some.scores >= confidence] for some in found]
        return kept[0] if single else kept

    def find(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Return all that the file tells of N pictures of any sizes; those of one size go through together.

        Parameters
        ----------
        images
            H×W, H×W×3 or H×W×4 arrays.
        """
        coloured = [colour(as_image("predict", image)) for image in images]
        found: list[Detections | None] = [None] * len(coloured)
        for shape in dict.fromkeys(image.shape for image in coloured):
            alike = [index for index, image in enumerate(coloured) if image.shape == shape]
            for first in range(0, len(alike), _BATCH):
                some = alike[first : first + _BATCH]
                boxes, scores, labels, pictures = self.run(OUTPUTS, np.stack([coloured[i] for i in some]))
                for number_, index in enumerate(some):
                    own = pictures == number_
                    found[index] = Detections(boxes[own], scores[own], labels[own], self.classes)
        return [some for some in found if some is not None]


def _read(image: Any) -> np.ndarray:
    if isinstance(image, (str, os.PathLike)):
        from sightline.image.read import read

        return read(image)
    return image
