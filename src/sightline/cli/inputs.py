"""What the words of a command line mean to an image method: pictures, masks, label maps, tables of numbers."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightline.cli.sources import Source
from sightline.core.catalogue import Method
from sightline.core.errors import FormatError, InputError, MissingFileError

FILE_KINDS = ("image", "mask", "labels", "flow", "points", "boxes", "array")  # parameters that are named by a file
_TABLES = (".npy", ".json", ".csv", ".txt")


def read_first(entry: Method, source: Source, *, gray: bool) -> np.ndarray:
    """Return a source as the method's first argument: a picture, a mask (white is true) or a label map.

    Parameters
    ----------
    entry
        The method.
    source
        Where the picture comes from.
    gray
        Whether colour is turned to grey first.
    """
    return first_argument(entry, source.read("gray" if gray else "stored"), gray=gray)


def first_argument(entry: Method, image: np.ndarray, *, gray: bool = False) -> np.ndarray:
    """Return a picture as the method's first argument; see :func:`read_first`."""
    from sightline.image.convert import convert

    kind = entry.parameters[0].kind
    if image.ndim == 3 and (gray or kind != "image"):
        image = convert(image, "rgb", "gray")
    if kind == "mask":
        return _as_mask(image)
    return image.astype(np.int32) if kind == "labels" else image


def _as_mask(gray: np.ndarray) -> np.ndarray:
    middle = 0.5 if gray.dtype == np.float32 else np.iinfo(gray.dtype).max // 2
    return gray > middle


def read_options(entry: Method, values: Mapping[str, Any], image: np.ndarray | None) -> dict[str, Any]:
    """Return the options with their files read.

    Parameters
    ----------
    entry
        The method.
    values
        Options by name, as the command line gave them.
    image
        The first argument: a second picture is read in grey or in colour as that one is.
    """
    kinds = {parameter.name: parameter.kind for parameter in entry.parameters}
    return {
        name: _read(entry, name, kinds[name], value, image) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _read(entry: Method, name: str, kind: str, word: str, image: np.ndarray | None) -> Any:
    if kind == "image":
        gray = image is not None and image.ndim == 2
        return Source(word).read("gray" if gray else "rgb")
    if kind == "mask":
        return _as_mask(Source(word).read("gray"))
    if kind == "labels":
        if Path(word).suffix == ".npy":
            return numbers(entry.name, name, word).astype(np.int32)
        return Source(word).read("gray").astype(np.int32)
    return numbers(entry.name, name, word) if kind in FILE_KINDS else word


def numbers(function: str, argument: str, word: str) -> np.ndarray:
    """Return a table of numbers: a ``.npy .json .csv .txt`` file, or the rows themselves, ``"1,0,5; 0,1,3"``.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    word
        The path or the rows.
    """
    path = Path(word)
    if path.suffix.lower() in _TABLES:
        if not path.is_file():
            raise MissingFileError(f"{function}: {argument} '{word}' does not exist.")
        try:
            return _table(path)
        except (ValueError, OSError, EOFError) as error:
            raise FormatError(f"{function}: {argument} '{word}' is no table of numbers: {error}.") from error
    rows = [re.split(r"[,\s]+", row.strip()) for row in word.split(";") if row.strip()]
    try:
        table = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError as error:
        raise InputError(
            f"{function}: {argument} must be a file ({' '.join(_TABLES)}) or rows of numbers like '1,0,5; 0,1,3'; "
            f"got '{word}'."
        ) from error
    return table[0] if len(table) == 1 and ";" not in word else table


def _table(path: Path) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    if suffix == ".json":
        return np.asarray(json.loads(path.read_text("utf-8")), np.float64)
    text = path.read_text("utf-8")
    return np.loadtxt(io.StringIO(text.replace(",", " ")), ndmin=2)
