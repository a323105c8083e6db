"""What words and files mean to an image method: pictures, masks, label maps, tables of numbers."""

from __future__ import annotations

import io
import json
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightline.apply.source import Source
from sightline.core.catalogue import Method
from sightline.core.conversions import to_float, to_uint8
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.parameters import Parameter
from sightline.data.naming import is_image_name

FILE_KINDS = ("image", "mask", "labels", "flow", "points", "boxes", "array")  # parameters that are named by a file
_TABLES = (".npy", ".json", ".csv", ".txt")


def read_first(entry: Method, source: Source, *, gray: bool) -> np.ndarray:
    """Return a source as the method's first argument: a picture, a mask (white is true) or a label map.

    A mask of edges is that of the picture's edges (:func:`sightline.image.canny`) where it is a photo, not a drawing.

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
    if image.ndim == 3 and (gray or kind in ("mask", "labels")):
        image = convert(image, "rgb", "gray")
    if kind == "mask" and "true on edges" in entry.parameters[0].text and not _is_black_and_white(image):
        from sightline.image.canny import canny

        return canny(image)
    if kind == "mask":
        return _as_mask(image)
    return image.astype(np.int32) if kind == "labels" else image


def says_true_or_false(entry: Method, name: str) -> bool:
    """Return whether an array parameter takes truth values: the mask of a template, a footprint."""
    return name in ("mask", "masks") or any("bool" in dtypes for dtypes in _dtypes_of(entry, name))


def _says_floats(entry: Method, name: str) -> bool:
    """Return whether an array parameter takes floats alone: weights, a heat map."""
    dtypes = [dtype for several in _dtypes_of(entry, name) for dtype in several]
    return bool(dtypes) and all("float" in dtype for dtype in dtypes)


def _dtypes_of(entry: Method, name: str) -> list[tuple[str, ...]]:
    return [tuple(map(str, getattr(part, "dtypes", ()))) for part in _parts_of(entry, name)]


def _says_rows(entry: Method, name: str) -> bool:
    """Return whether a parameter takes nothing but tables of rows: points, boxes, segments."""
    dims = [getattr(part, "dims", None) for part in _parts_of(entry, name) if part is not type(None)]
    return all(sizes is not None and len(sizes) == 2 for sizes in dims)


def _parts_of(entry: Method, name: str) -> tuple[Any, ...]:
    hint = typing.get_type_hints(entry.function).get(name)
    return typing.get_args(hint) or (hint,)


def _is_black_and_white(gray: np.ndarray) -> bool:
    """Return whether nearly all of a picture is black or white, give or take what compression changes."""
    top = 1.0 if gray.dtype == np.float32 else np.iinfo(gray.dtype).max
    return float(((gray > 0.1 * top) & (gray < 0.9 * top)).mean()) < 0.02


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
    known = {parameter.name: parameter for parameter in entry.parameters}
    return {
        name: _read(entry, known[name], value, image) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _read(entry: Method, parameter: Parameter, word: str, image: np.ndarray | None) -> Any:
    name, kind = parameter.name, parameter.kind
    if parameter.words.startswith("float | str"):
        return _several(entry, name, word)
    if kind == "image" or (kind == "array" and name == "image"):
        gray = image is not None and image.ndim == 2
        return in_units_of(Source(word).read("gray" if gray else "rgb"), image)
    if kind == "mask":
        return _as_mask(Source(word).read("gray"))
    if kind == "labels":
        if Path(word).suffix == ".npy":
            table = numbers(entry.name, name, word)
            if not np.isfinite(table).all():
                raise InputError(f"{entry.name}: {name} must be whole numbers; '{word}' holds NaN or infinity.")
            return table.astype(np.int32)
        return Source(word).read("gray").astype(np.int32)
    if kind == "array":
        true_or_false = says_true_or_false(entry, name)
        if is_image_name(word):
            gray_values = Source(word).read("gray")
            if true_or_false:
                return _as_mask(gray_values)
            return to_float(gray_values) if _says_floats(entry, name) else gray_values
        table = _rows(entry, name, word)
        return table != 0 if true_or_false and set(np.unique(table)) <= {0, 1} else table
    if kind == "int":
        table = numbers(entry.name, name, word)
        if table.ndim != 1:
            return table != 0
        return tuple(int(value) if float(value).is_integer() else float(value) for value in table.tolist())
    return _rows(entry, name, word) if kind in FILE_KINDS else word


def _several(entry: Method, name: str, word: str) -> tuple[float, ...]:
    """Return the numbers of ``"1.5,3"``."""
    try:
        return tuple(float(part) for part in re.split(r"[,\s]+", word.strip()))
    except ValueError as error:
        raise InputError(f"{entry.name}: {name} must be a number, or some like '1.5,3'; got '{word}'.") from error


def _rows(entry: Method, name: str, word: str) -> np.ndarray:
    """Return a table of numbers; a single row that is given where a table of rows is wanted is a table of one."""
    table = numbers(entry.name, name, word)
    return table[None] if table.ndim == 1 and _says_rows(entry, name) else table


def in_units_of(picture: np.ndarray, image: np.ndarray | None) -> np.ndarray:
    """Return a second picture with the dtype of the first one, the same brightness in its units."""
    if image is None or picture.dtype == image.dtype:
        return picture
    if image.dtype == np.uint16:
        return np.rint(to_float(picture) * np.float32(65535)).astype(np.uint16)
    if image.dtype == np.uint8:
        return to_uint8(picture)
    return to_float(picture) if image.dtype == np.float32 else picture


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
            table = _table(path)
        except (ValueError, OSError, EOFError) as error:
            raise FormatError(f"{function}: {argument} '{word}' is no table of numbers: {error}.") from error
        if table.dtype.kind not in "biuf":
            raise FormatError(f"{function}: {argument} '{word}' is no table of numbers: it holds {table.dtype}.")
        return table
    rows = [re.split(r"[,\s]+", row.strip()) for row in word.split(";") if row.strip()]
    try:
        if not rows:
            raise ValueError("no rows")
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
