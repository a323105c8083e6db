"""What a detector found in many pictures or frames, written in the forms that other programs read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import InputError
from sightline.core.files import write_text
from sightline.core.results import Detections

_COLUMNS = ("source", "frame", "x1", "y1", "x2", "y2", "score", "label", "name")


@dataclass(frozen=True)
class Seen:
    """What was found in one picture.

    Parameters
    ----------
    source
        The picture's path, or that of the video.
    shape
        (height, width) in pixels.
    found
        In pixels of the picture.
    frame
        Number of the video's frame, from 1; 0 for a picture.
    """

    source: str
    shape: tuple[int, int]
    found: Detections
    frame: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        place = {"source": self.source, **({"frame": self.frame} if self.frame else {})}
        return {**place, "height": self.shape[0], "width": self.shape[1], "detections": self.found.to_json()}


def coco_text(seen: Sequence[Seen]) -> str:
    """Return COCO's results: a list of records; pictures are numbered from 1 in order, classes from 1.

    Parameters
    ----------
    seen
        In order.
    """
    rows = []
    for number, item in enumerate(seen, 1):
        categories = range(1, 1 + int(item.found.labels.max(initial=-1)) + 1)
        rows += [{**row, "file_name": item.source} for row in item.found.to_coco(number, categories)]
    return json.dumps(rows, ensure_ascii=False) + "\n"


def yolo_text(item: Seen) -> str:
    r"""Return YOLO's lines: class, centre x, centre y, width, height (shares of the picture's), score.

    Parameters
    ----------
    item
        One picture.

    Examples
    --------
    >>> yolo_text(Seen("a.jpg", (100, 200), Detections([[50, 25, 150, 75]], [0.5], [3])))
    '3 0.500000 0.500000 0.500000 0.500000 0.5000\n'
    """
    height, width = item.shape
    lines = []
    for (x1, y1, x2, y2), score, label in zip(item.found.boxes, item.found.scores, item.found.labels, strict=True):
        shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.append(f"{label} {' '.join(f'{share:.6f}' for share in shares)} {score:.4f}\n")
    return "".join(lines)


def csv_text(seen: Sequence[Seen]) -> str:
    """Return a table with a row for each box.

    Parameters
    ----------
    seen
        In order.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for item in seen:
        for row in item.found.to_json():
            box = [f"{edge:.2f}" for edge in row["box"]]
            table.writerow(
                [item.source, item.frame or "", *box, f"{row['score']:.4g}", row["label"], row.get("name", "")]
            )
    return text.getvalue()


def lines_text(seen: Sequence[Seen]) -> str:
    """Return one line of JSON for each picture.

    Parameters
    ----------
    seen
        In order.
    """
    return "".join(json.dumps(item.to_json(), ensure_ascii=False) + "\n" for item in seen)


@dataclass(frozen=True)
class Forms:
    """What is written of detections.

    Parameters
    ----------
    coco
        Detectors: file for COCO's results.
    yolo
        Detectors: folder for YOLO's text files.
    csv
        Detectors: file for a table with a row for each box.
    lines
        Detectors: file for one line of JSON an image or frame.
    """

    coco: Path | None = None
    yolo: Path | None = None
    csv: Path | None = None
    lines: Path | None = None

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return any(path is not None for path in (self.coco, self.yolo, self.csv, self.lines))

    def check(self, command: str) -> None:
        """Refuse a file whose folder is not there.

        Parameters
        ----------
        command
            Who asks, for errors.
        """
        for target in (self.coco, self.csv, self.lines):
            if target is not None and not target.parent.is_dir():
                raise InputError(f"{command}: folder '{target.parent}' must exist; it does not. Make it first.")


NOTHING = Forms()


def write_seen(seen: Sequence[Seen], forms: Forms) -> list[str]:
    """Write the forms that are asked for; return the paths of what was written.

    Parameters
    ----------
    seen
        In order.
    forms
        Files, and the folder of one text file for each picture.
    """
    written = []
    for path, text in ((forms.coco, coco_text), (forms.csv, csv_text), (forms.lines, lines_text)):
        if path is not None:
            write_text(path, text(seen))
            written.append(str(path))
    if forms.yolo is not None:
        forms.yolo.mkdir(parents=True, exist_ok=True)
        for item in seen:
            write_text(free(forms.yolo / f"{stem_of(item)}.txt"), yolo_text(item))
        written.append(str(forms.yolo))
    return written


def write_crops(folder: Path, image: np.ndarray, item: Seen) -> list[str]:
    """Write each thing as a picture of its own, in a folder of its class; return the paths.

    Parameters
    ----------
    folder
        Where they go.
    image
        H×W or H×W×3, the picture that they were found in.
    item
        What was found.
    """
    from sightline.image.write import write

    written = []
    for i, box in enumerate(item.found.boxes):
        x1, y1 = np.floor(box[:2]).astype(int).clip(0)
        x2, y2 = np.ceil(box[2:]).astype(int)
        part = image[y1:y2, x1:x2]
        if not part.size:
            continue
        name = item.found.name(i).replace("/", "-").replace("\\", "-").strip(". ") or "unnamed"
        target = folder / name / f"{stem_of(item)}-{i + 1}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        write(free(target), np.ascontiguousarray(part))
        written.append(str(target))
    return written


def stem_of(item: Seen) -> str:
    """Return the start of the names of what is written of a picture.

    Parameters
    ----------
    item
        One picture or frame.
    """
    stem = Path(item.source).stem or "stdin"
    return f"{stem}-{item.frame:06d}" if item.frame else stem


def free(target: Path) -> Path:
    """Return a path that is not taken: ``name-2.png`` and so on beside ``name.png``.

    Parameters
    ----------
    target
        The path that one would like.
    """
    found, number = target, 2
    while found.exists():  # equal names from several folders stay apart, and nothing is overwritten
        found = target.with_name(f"{target.stem}-{number}{target.suffix}")
        number += 1
    return found
