"""Darknet's two files: ``.cfg``, which says what the network is, and ``.weights``, its numbers in that order.

Redmon 2013–2016, "Darknet: Open Source Neural Networks in C": sections of ``name=value`` lines; float32 after a header
of three whole numbers and the number of images seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sightline.core.errors import FormatError, MissingFileError
from sightline.core.types import PathLike


@dataclass(frozen=True)
class Section:
    """One layer, or the settings of the whole network.

    Parameters
    ----------
    kind
        ``net``, ``convolutional``, ``maxpool``, ``route``, ``shortcut``, ``upsample``, ``yolo`` …
    values
        Words by name, as they stand in the file.
    place
        What errors call it: its number and kind.
    """

    kind: str
    values: Mapping[str, str]
    place: str

    def integer(self, name: str, default: int) -> int:
        """Return a whole number; raise :class:`FormatError` for anything else."""
        return self.integers(name, [default])[0]

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """Return whole numbers that commas part."""
        return [int(value) for value in self.numbers(name, default)]

    def numbers(self, name: str, default: Sequence[float] = ()) -> list[float]:
        """Return numbers that commas part."""
        text = self.values.get(name)
        if text is None:
            return list(default)
        try:
            return [float(word) for word in text.replace(",", " ").split()]
        except ValueError as error:
            raise FormatError(f"read_darknet: {name} of {self.place} must be numbers; got '{text}'.") from error


def parse(text: str, name: str = "cfg") -> list[Section]:
    r"""Return the sections of a ``.cfg``, the first of which is ``net``.

    Parameters
    ----------
    text
        Of the file.
    name
        What errors call it.

    Examples
    --------
    >>> [section.kind for section in parse("[net]\nwidth=416\n[convolutional]\nfilters=8")]
    ['net', 'convolutional']
    """
    sections: list[Section] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].partition(";")[0].strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            kind = line[1:-1].strip()
            sections.append(Section(kind, {}, f"layer {len(sections) - 1} [{kind}] of '{name}'"))
            continue
        key, sign, value = line.partition("=")
        if not sign or not sections:
            raise FormatError(f"read_darknet: line {number} of '{name}' is neither [section] nor name=value: '{line}'.")
        dict.__setitem__(sections[-1].values, key.strip(), value.strip())  # pyrefly: ignore
    if not sections or sections[0].kind not in ("net", "network"):
        raise FormatError(f"read_darknet: '{name}' does not begin with [net]. Is it a darknet .cfg?")
    return sections


def with_classes(sections: Sequence[Section], classes: int) -> list[Section]:
    """Return the same network for another number of classes: its ``yolo`` layers, and the convolutions before them.

    Parameters
    ----------
    sections
        From :func:`parse`.
    classes
        Number of classes, ≥ 1.
    """
    changed = list(sections)
    for place, section in enumerate(sections):
        if section.kind == "yolo" and place:
            anchors = len(section.numbers("anchors")) // 2
            filters = len(section.integers("mask", range(anchors))) * (5 + classes)
            changed[place] = replace(section, values={**section.values, "classes": str(classes)})
            before = sections[place - 1]
            changed[place - 1] = replace(before, values={**before.values, "filters": str(filters)})
    return changed


def read_sections(source: PathLike) -> list[Section]:
    """Return the sections of a ``.cfg``.

    Parameters
    ----------
    source
        The file, or its text.
    """
    name = "cfg" if "\n" in str(source) else str(source)
    return parse(network_text(source), name)


def network_text(source: PathLike) -> str:
    """Return the text of a ``.cfg``.

    Parameters
    ----------
    source
        The file, or its text already.
    """
    if "\n" in str(source):
        return str(source)
    try:
        return Path(source).read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFileError(f"read_darknet: '{source}' does not exist, or is no file.") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"read_darknet: '{source}' is no text. Are cfg and weights swapped?") from error


def read_numbers(path: PathLike) -> np.ndarray:
    """Return the float32 numbers of a ``.weights`` file, without its header.

    Parameters
    ----------
    path
        The file.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f"read_darknet: '{path}' does not exist.") from error
    if len(data) < 16:
        raise FormatError(f"read_darknet: '{path}' has {len(data)} bytes: too few for a darknet .weights file.")
    major, minor = np.frombuffer(data, "<i4", 2).tolist()
    if not (0 <= major < 1000 and 0 <= minor < 1000):
        raise FormatError(f"read_darknet: '{path}' does not begin like a darknet .weights file.")
    header = 20 if major * 10 + minor >= 2 else 16  # the number of images seen became 64 bits in version 0.2
    body = data[header:]
    if len(body) % 4:
        raise FormatError(f"read_darknet: '{path}' ends in the middle of a number: it was cut short.")
    return np.frombuffer(body, "<f4").astype(np.float32)
