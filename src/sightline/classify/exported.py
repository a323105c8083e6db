"""A classifier in one ONNX file: pictures of any size go in as bytes, probabilities come out. It needs no PyTorch."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.classify.prepare import Form
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.results import Classification
from sightline.core.sessions import open_session
from sightline.core.types import PathLike

IMAGES, PROBABILITIES, ABOUT = "images", "probabilities", "sightline"
_BATCH = 32


class ExportedClassifier:
    """An exported classifier, run by ONNX Runtime.

    Parameters
    ----------
    path
        The file, as ``sightline export`` writes it.
    threads
        Of one operation, ≥ 0; 0 takes one for each core.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When it is no ONNX model, or does not say what a picture becomes and what its classes are called.
    """

    def __init__(self, path: PathLike, *, threads: int = 0) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MissingFileError(f"load: '{path}' does not exist.")
        self._session = open_session(self.path.read_bytes(), threads=threads, name=f"'{path}'")
        self.about = _about(self._session.get_modelmeta().custom_metadata_map, self.path)
        self.classes = tuple(self.about["classes"])
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
                found[some] = self._session.run([PROBABILITIES], {IMAGES: batch})[0]
        return found

    def evaluate(self, data: Any = None, split: str | None = None) -> dict[str, Any]:
        """Refuse: what is measured on datasets is the run."""
        raise InputError(f"evaluate: '{self.path}' is an exported file; evaluate the run that it was made from.")

    def __repr__(self) -> str:
        return f"ExportedClassifier({str(self.path)!r}, {self.about['recipe']})"


def _about(given: dict[str, str], path: Path) -> dict[str, Any]:
    try:
        about = json.loads(given[ABOUT])
        named = {name: about[name] for name in ("recipe", "classes", "size", "channels", "share")}
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"load: '{path}' does not say what its classes are called and what a picture becomes; "
            "only files that sightline export has written do."
        ) from error
    return {**about, **named}


def _read(image: Any) -> np.ndarray:
    if isinstance(image, (str, os.PathLike)):
        from sightline.image.read import read

        return read(image)
    return image
