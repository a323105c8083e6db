"""What a reader of annotations found: images with their boxes, and whatever could not be understood.

A reader never stops at a bad record, and never leaves an image out for it: it writes down a flaw and goes on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.core.errors import FormatError
from sightline.data.annotation import Annotation
from sightline.data.naming import is_image_name, is_litter

MOST_PIXELS = 120_000_000  # of an image that an annotation speaks of: as many as are decoded
DIGITS = 9  # decimals of a pixel that are kept: sums and shares of decimal numbers are decimal again


@dataclass(frozen=True)
class Flaw:
    """One thing in a set's files that is not as it must be.

    Parameters
    ----------
    kind
        ``annotation``: a file that cannot be read; ``record``: one box that cannot be understood; ``missing``: an image
        that is not there; ``unannotated``, ``unlisted``: an image that no annotation, or no list of a split, names;
        ``shape``: a mark that has no box; ``outline``: an outline that cannot be understood, its box can.
    file
        The file, or the image.
    reason
        One sentence without its file.
    """

    kind: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"'{self.file}' {self.reason}"


@dataclass(frozen=True)
class FoundImage:
    """One image of a set.

    Parameters
    ----------
    path
        Its file.
    annotation
        What is on it.
    split
        ``train``, ``val``, ``test``; ``all`` in a set without splits.
    number
        What results name it by; None leaves that open.
    size
        ``(height, width)`` as the annotation says; None when it does not.
    """

    path: str
    annotation: Annotation
    split: str = "all"
    number: int | None = None
    size: tuple[int, int] | None = None


@dataclass
class Found:
    """All of a set.

    Parameters
    ----------
    classes
        Class names in order.
    images
        The images in order.
    flaws
        What could not be understood.
    category_ids
        What results name the classes by; empty leaves that open.
    notes
        What was decided on the way.
    """

    classes: tuple[str, ...]
    images: list[FoundImage]
    flaws: list[Flaw] = field(default_factory=list)
    category_ids: tuple[int, ...] = ()
    notes: list[str] = field(default_factory=list)


class ImageFinder:
    """The images below a folder, found by what annotations call them.

    Parameters
    ----------
    root
        Nothing outside it is ever looked at.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: list[str] = []
        self._ends: dict[str, list[str]] = {}
        for place, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if not is_litter(name))
            for name in sorted(files):
                if is_image_name(name) and not is_litter(name):
                    self.paths.append(os.path.join(place, name))  # noqa: PTH118
        for path in self.paths:
            for end in (os.path.basename(path), os.path.splitext(os.path.basename(path))[0]):  # noqa: PTH119, PTH122
                self._ends.setdefault(end, []).append(path)

    def find(self, name: str, beside: Path) -> str | None:
        """Return an image's file: at the name's place beside a folder, else the only one that ends like the name.

        Parameters
        ----------
        name
            As an annotation says: a name, or a path of whatever machine wrote it.
        beside
            The folder that relative names begin at.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts:
            return None
        wanted = os.path.normpath(os.path.join(beside, *parts))  # noqa: PTH118
        candidates = self._ends.get(parts[-1], [])
        if wanted in candidates:
            return wanted
        # Of several, those that share the most of the path's end.
        for length in range(len(parts), 0, -1):
            end = os.sep + os.path.join(*parts[-length:])  # noqa: PTH118
            fitting = [path for path in candidates if path.endswith(end)]
            if fitting:
                return fitting[0] if len(fitting) == 1 else None
        return None

    def find_stem(self, stem: str, beside: Path) -> str | None:
        """Return the image of this name without suffix: the one beside a folder, else the only one.

        Parameters
        ----------
        stem
            A file's name without its suffix.
        beside
            The folder that goes before others.
        """
        candidates = [path for path in self._ends.get(stem, []) if Path(path).stem == stem]
        near = [path for path in candidates if Path(path).parent == beside]
        return near[0] if len(near) == 1 else candidates[0] if len(candidates) == 1 else None


def finite(values: Sequence[Any]) -> list[float] | None:
    """Return values as finite numbers within ±10⁹; None when one is none.

    Parameters
    ----------
    values
        Texts or numbers.
    """
    try:
        numbers = [float(value) for value in values if not isinstance(value, bool)]
    except (TypeError, ValueError, OverflowError):
        return None
    inside = len(numbers) == len(values) and all(math.isfinite(value) and abs(value) <= 1e9 for value in numbers)
    return numbers if inside else None


def as_text(value: float) -> str:
    """Return a number as the shortest text that reads back the same, without a point where it is whole.

    Parameters
    ----------
    value
        Finite.
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def size_of(height: Any, width: Any) -> tuple[int, int] | None:
    """Return ``(height, width)`` as an annotation says it; None when it says none that an image may have.

    Parameters
    ----------
    height, width
        Texts or numbers.
    """
    size = finite([height, width])
    if size is None or min(size) < 1 or size[0] * size[1] > MOST_PIXELS:
        return None
    return int(size[0]), int(size[1])


def read_lines(file: Path) -> list[str]:
    """Return the lines of a text file; refuse what is no UTF-8.

    Parameters
    ----------
    file
        The file.
    """
    try:
        return file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"open_dataset: '{file}' is not text in UTF-8: {error}.") from error
