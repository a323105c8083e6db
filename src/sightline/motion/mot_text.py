"""MOTChallenge's text files: one box a line, of detections, of the truth, or of a tracker.

Leal-Taixé, Milan, Reid, Roth & Schindler 2015, "MOTChallenge 2015: Towards a Benchmark for Multi-Target Tracking".
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sightline.core.errors import FormatError, MissingFileError
from sightline.core.files import write_text
from sightline.core.results import Detections
from sightline.core.tracks import Tracks
from sightline.core.types import Array, PathLike


def read_detections(path: PathLike) -> list[Detections]:
    """Return the boxes of each frame, from the first frame to the last one that has any.

    Parameters
    ----------
    path
        Lines of frame, id (not read), left, top, width, height, score; frames and edges count from 1.

    Raises
    ------
    MissingFileError, FormatError
        When there is no such file, or a line of it is not of this form.
    """
    rows = _rows("read_detections", path)
    return [Detections(_boxes(part), part[:, 6], np.zeros(len(part))) for part in _frames(rows)]


def read_tracks(path: PathLike) -> list[Tracks]:
    """Return the tracks of each frame, from the first frame to the last one that has any.

    Parameters
    ----------
    path
        Lines of frame, id, left, top, width, height, and, where there is one, score; of a truth, lines whose seventh
        number is 0 are to be left out of the count, and are.

    Raises
    ------
    MissingFileError, FormatError
        When there is no such file, a line of it is not of this form, or an id stands twice in a frame.
    """
    rows = _rows("read_tracks", path)
    rows = rows[rows[:, 6] != 0]
    made = []
    for number, part in enumerate(_frames(rows), 1):
        ids = part[:, 1].astype(np.int64)
        if len(np.unique(ids)) != len(ids):
            raise FormatError(f"read_tracks: '{path}' has an id twice in frame {number}.")
        made.append(Tracks(ids, _boxes(part), np.clip(part[:, 6], 0, 1), frame=number))
    return made


def write_tracks(path: PathLike, tracks: Iterable[Tracks]) -> str:
    """Write tracks frame by frame, atomically; return the file's SHA-256.

    Parameters
    ----------
    path
        File to write.
    tracks
        In order; each knows the number of its frame.
    """
    return write_text(path, "".join(item.to_mot() for item in tracks))


def _rows(function: str, path: PathLike) -> Array:
    """Return N×7: frame, id, left, top, width, height, score."""
    if not Path(path).is_file():
        raise MissingFileError(f"{function}: '{path}' does not exist.")
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{function}: '{path}' is no text.") from error
    made = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = [float(word) for word in line.replace(",", " ").split()]
        except ValueError:
            values = []
        if len(values) < 6 or not np.isfinite(values[:2]).all() or values[0] < 1 or values[0] % 1:
            raise FormatError(
                f"{function}: line {number} of '{path}' must be frame, id, left, top, width, height, score, the frame "
                f"from 1; got '{line[:60]}'."
            )
        made.append([*values, 1.0][:7])
    return np.array(made, np.float64).reshape(-1, 7)


def _frames(rows: Array) -> list[Array]:
    frames = rows[:, 0].astype(np.int64)
    order = np.argsort(frames, kind="stable")
    ends = np.searchsorted(frames[order], np.arange(1, int(frames.max(initial=0)) + 1), side="right")
    return np.split(rows[order], ends[:-1]) if len(ends) else []


def _boxes(rows: Array) -> Array:
    left, top, width, height = rows[:, 2:6].T
    return np.stack([left - 1, top - 1, left - 1 + width, top - 1 + height], axis=1)
