"""A CSV table of image paths: the columns ``path,label`` and, where there are splits, ``split``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.core.errors import DataError, FormatError
from sightline.data.digest import digest_of_files
from sightline.data.image_set import FileImages, ImageSet, Split
from sightline.data.naming import entries, shorten, sort_classes, split_of

FORM = "a CSV table with the columns path,label and perhaps split"

_COLUMNS = {
    "path": ("path", "file", "filename", "image"),
    "label": ("label", "class"),
    "split": ("split", "set", "subset"),
}


def sniff(path: Path) -> bool:
    """Tell whether a file is a table, or a folder holds exactly one with the columns ``path`` and ``label``.

    Parameters
    ----------
    path
        Anything that exists.
    """
    if path.is_dir():
        return len(_tables(path)) == 1
    return path.suffix.lower() in (".csv", ".tsv")


def open(path: Path) -> ImageSet:
    """Open the images that a table names; paths are relative to the table's folder.

    Parameters
    ----------
    path
        The table, or the folder that holds it.
    """
    table = _tables(path)[0] if path.is_dir() else path
    if _columns(table) is None:
        raise DataError(
            f"open_dataset: '{table}' must begin with the columns path,label in UTF-8; got {_header(table)}."
        )
    rows = list(_rows(table))
    if not rows:
        raise DataError(f"open_dataset: '{table}' names no images.")
    _refuse_missing(table, rows)
    classes = sort_classes(label for _, _, label, _ in rows)
    number = {label: place for place, label in enumerate(classes)}
    has_split = any(split for *_, split in rows)
    splits: dict[str, Split] = {}
    for name in ("train", "val", "test") if has_split else ("all",):
        chosen = [(file, label) for _, file, label, split in rows if split == name or not has_split]
        if chosen:
            files = [str(file) for file, _ in chosen]
            labels = np.array([number[label] for _, label in chosen], np.int64)
            splits[name] = Split(FileImages(files), labels, files)
    _refuse_unlearnt(table, rows, "train" in splits)
    files = [str(file) for _, file, _, _ in rows]
    digest = digest_of_files(files, [number[label] for _, _, label, _ in rows], table.parent)
    return ImageSet(table.resolve().parent.name, classes, splits, str(path), digest)


def _tables(folder: Path) -> list[Path]:
    return [item for item in entries(folder) if item.suffix.lower() in (".csv", ".tsv") and _columns(item) is not None]


def _columns(table: Path) -> dict[str, int] | None:
    """Return the place of each known column, None when path or label is not among them."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline(65536)
    except (UnicodeDecodeError, OSError):
        return None
    names = [name.strip().strip('"').lower() for name in header.split(_delimiter(header))]
    found = {
        column: next(index for index, name in enumerate(names) if name in spellings)
        for column, spellings in _COLUMNS.items()
        if any(name in spellings for name in names)
    }
    return found if "path" in found and "label" in found else None


def _header(table: Path) -> str:
    with table.open("rb") as stream:
        line = stream.readline(200).decode("utf-8", "backslashreplace").strip()
    return f"'{line}'" if line else "an empty file"


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _rows(table: Path) -> Iterator[tuple[int, Path, str, str]]:
    """Yield line number, file, label and split of every row; refuse what is incomplete, with its line."""
    columns = _columns(table) or {}
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            delimiter = _delimiter(stream.readline())
            stream.seek(0)
            reader = csv.reader(stream, delimiter=delimiter)
            next(reader)
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield (reader.line_num, *_parse(table, reader.line_num, row, columns))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"open_dataset: '{table}' is not a CSV table in UTF-8: {error}.") from error


def _parse(table: Path, line: int, row: list[str], columns: dict[str, int]) -> tuple[Path, str, str]:
    cells = {column: row[place].strip() if place < len(row) else "" for column, place in columns.items()}
    for column in ("path", "label"):
        if not cells[column]:
            raise DataError(f"open_dataset: '{table}' line {line}: the {column} is missing.")
    word = cells.get("split", "")
    if "split" in columns and split_of(word) is None:
        raise DataError(f"open_dataset: '{table}' line {line}: split must be train, val or test; got '{word}'.")
    return table.parent / cells["path"], cells["label"], split_of(word) or ""


def _refuse_missing(table: Path, rows: list[tuple[int, Path, str, str]]) -> None:
    missing = [(line, file) for line, file, _, _ in rows if not file.is_file()]
    if missing:
        listed = "; ".join(f"line {line}: '{file}'" for line, file in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DataError(
            f"open_dataset: '{table}' names images that do not exist ({listed}{more}). "
            f"Paths are relative to '{table.parent}'."
        )


def _refuse_unlearnt(table: Path, rows: list[tuple[int, Path, str, str]], has_train: bool) -> None:
    learnt = {label for *_, label, split in rows if split == "train"}
    for line, _, label, split in rows:
        if has_train and label not in learnt:
            raise DataError(
                f"open_dataset: '{table}' line {line}: class {shorten([label])} is in {split} but never in train: "
                f"what is never learnt cannot be recognised."
            )
