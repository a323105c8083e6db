"""One picture, by the path of its file or by its bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np


class Source:
    """One image to work on.

    Parameters
    ----------
    name
        What it is called in answers: its path, or ``-`` for stdin.
    data
        The encoded bytes, where it is not a file.

    Attributes
    ----------
    stem
        File name without suffix, for the names of what is written; longer where several sources share it.
    """

    def __init__(self, name: str, data: bytes | None = None) -> None:
        self.name, self._data = name, data
        self.stem = "stdin" if data is not None else Path(name).stem

    def read(self, mode: str = "rgb") -> np.ndarray:
        """Return the image: ``rgb`` H×W×3, ``gray`` H×W, ``stored`` H×W for grey files and H×W×3 for all others."""
        from sightline.image.read import read

        data = self.name if self._data is None else self._data
        if mode != "stored":
            return read(data, mode=mode)
        image = read(data, mode="unchanged")
        return image if image.ndim == 2 or image.shape[2] == 3 else read(data)
