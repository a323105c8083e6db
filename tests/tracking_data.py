"""The tracking benchmark's two sequences with a truth: read for the tests of trackers and of their metrics."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from sightline.core.results import Detections
from sightline.core.tracks import Tracks
from sightline.motion import read_detections, read_tracks

SEQUENCES = {"TUD-Campus": 71, "TUD-Stadtmitte": 179}  # and their frames


def truth_of(data: Path, name: str) -> list[Tracks]:
    """Return the truth of a sequence."""
    return read_tracks(data / "mot" / name / "gt.txt")


def given_result(data: Path, name: str) -> list[Tracks]:
    """Return the tracker's result that came with the truth."""
    return read_tracks(data / "mot" / name / "test.txt")


def detections_of(data: Path, name: str, folder: Path) -> list[Detections]:
    """Return the public detections, one entry for each frame."""
    with zipfile.ZipFile(data / "mot" / "mot15_detections_sort.zip") as archive:
        (folder / "det.txt").write_bytes(archive.read(f"train/{name}/det/det.txt"))
    found = read_detections(folder / "det.txt")
    return found + [Detections(np.zeros((0, 4)), [], [])] * (SEQUENCES[name] - len(found))
