"""A classifier in one ONNX file: pictures of any size go in as bytes, probabilities come out. It needs no PyTorch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.classify.prepare import Form
from sightline.core.exported_file import ExportedFile
from sightline.core.results import Classification
from sightline.core.types import PathLike

PROBABILITIES = "probabilities"
_BATCH = 32


class ExportedClassifier(ExportedFile):
    """An exported classifier, run by ONNX Runtime.

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
        super().__init__(path, threads=threads, needed=("recipe", "classes", "size", "channels", "share"))
        size = self.about["size"]
        self.form = Form((size[0], size[1]), self.about["channels"], self.about["share"])

    def predict(self, images: Any) -> Any:
        """Predict on an image (array or path), or on a list of them; return one result, or a list.

        Parameters
        ----------
        images
            H×W, H×W×3 or H×W×4 array (uint8, uint16 or float32), path, or a list or tuple of them.
        """
        single = isinstance(images, (np.ndarray, str, os.PathLike))
        arrays = [_read(image) for image in ([images] if single else images)]
        found = [Classification.ranked(self.classes, row) for row in self.probabilities(arrays)]
        return found[0] if single else found

    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return N×classes probabilities of N pictures of any sizes; those of one size go through together.

        Parameters
        ----------
        images
            H×W, H×W×3 or H×W×4 arrays.
        """
        coloured = [self.form.coloured(image) for image in images]
        found = np.empty((len(coloured), len(self.classes)), np.float32)
        places: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(coloured):
            places.setdefault(image.shape, []).append(index)
        for alike in places.values():
            for first in range(0, len(alike), _BATCH):
                some = alike[first : first + _BATCH]
                batch = np.stack([coloured[index] for index in some])  # N×H×W×C
                found[some] = self.run([PROBABILITIES], batch)[0]
        return found


def _read(image: Any) -> np.ndarray:
    if isinstance(image, (str, os.PathLike)):
        from sightline.image.read import read

        return read(image)
    return image
