"""A model in one ONNX file that ``sightline export`` wrote: opened, and asked what it is. It needs no PyTorch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.sessions import open_session
from sightline.core.types import PathLike

ABOUT, IMAGES = "sightline", "images"  # the note that a file carries, and what its input is called


class ExportedFile:
    """A session of ONNX Runtime and what its file says of itself.

    Parameters
    ----------
    path
        The file, as ``sightline export`` writes it; or one that is open, whose session is taken.
    threads
        Of one operation, ≥ 0; 0 takes one for each core.
    needed
        What the file must say.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When it is no ONNX model, or does not say what is needed.
    """

    def __init__(
        self, path: PathLike | ExportedFile, *, threads: int = 0, needed: Sequence[str] = ("recipe", "classes")
    ) -> None:
        if isinstance(path, ExportedFile):
            self.path, self._session = path.path, path._session
        else:
            self.path = Path(path)
            if not self.path.is_file():
                raise MissingFileError(f"load: '{path}' does not exist.")
            self._session = open_session(self.path.read_bytes(), threads=threads, name=f"'{path}'")
        self.about = self._told(needed)
        self.classes = tuple(self.about["classes"])

    def run(self, outputs: Sequence[str], images: Any) -> list[Any]:
        """Return outputs of the graph by name for a batch of images, uint8 N×H×W×C."""
        return self._session.run(list(outputs), {IMAGES: images})

    def evaluate(self, data: Any = None, split: str | None = None) -> dict[str, Any]:
        """Refuse: what is measured on datasets is the run."""
        raise InputError(f"evaluate: '{self.path}' is an exported file; evaluate the run that it was made from.")

    def _told(self, needed: Sequence[str]) -> dict[str, Any]:
        try:
            about = json.loads(self._session.get_modelmeta().custom_metadata_map[ABOUT])
            return {**about, **{name: about[name] for name in needed}}
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f"load: '{self.path}' does not say what its classes are called and what a picture becomes; "
                "only files that sightline export has written do."
            ) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, {self.about['recipe']})"
