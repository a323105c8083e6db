"""Reconstructions under the lab's root: started from a folder of photos, watched, and looked at."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.core.errors import InputError, MissingFileError
from sightline.core.files import write_bytes
from sightline.core.layers import Cloud
from sightline.core.trace import Step, Trace
from sightline.core.types import Array
from sightline.lab.places import under
from sightline.lab.process import Process
from sightline.lab.scenes import SCENES, scene_bytes
from sightline.serve.failures import RequestError

if TYPE_CHECKING:
    from sightline.geometry.reconstruction import Reconstruction

RESULT = "reconstruction.npz"
SAMPLE = "scene:desk"
_SHOWN = 30_000  # points of a cloud
_BARS = 40
_RIM = ((-1, -1), (1, -1), (1, 1), (-1, 1))
_ORANGE = (0.84, 0.37, 0.0)


class Reconstructions:
    """The runs of ``sightline sfm`` below ``root``, and the one that this lab has started.

    Parameters
    ----------
    root
        The lab's root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._name = ""

    def folders(self) -> dict[str, Path]:
        """Return the finished ones by their path below the root, the newest first."""
        places = [path.parent for pattern in ("*", "runs/*") for path in self.root.glob(f"{pattern}/{RESULT}")]
        places.sort(key=lambda place: (place / RESULT).stat().st_mtime, reverse=True)
        return {place.relative_to(self.root).as_posix(): place for place in places}

    def load(self, name: str) -> Reconstruction:
        """Return a finished one."""
        from sightline.geometry.reconstruction import Reconstruction

        under(self.root, name)
        if name not in (known := self.folders()):
            raise MissingFileError(f"reconstructions: none is named '{name}' under the lab's root.")
        return Reconstruction.load(known[name] / RESULT)

    def start(self, folder: str) -> str:
        """Start one from ``file:folder`` or from the made photos, and return its name; 409 while another runs.

        Parameters
        ----------
        folder
            Reference of a folder under the root, or ``scene:desk``.
        """
        with self._lock:
            if self.running:
                raise RequestError(409, f"reconstructions: '{self._name}' is running, and one runs at a time.")
            place = self._sample() if folder == SAMPLE else under(self.root, folder.removeprefix("file:"))
            if not place.is_dir() or not folder.startswith(("file:", "scene:")):
                raise InputError(f"reconstructions: folder must be a folder under the root (file:…); got '{folder}'.")
            self._name = f"runs/sfm-{place.resolve().name}"
            words = ["sfm", str(place), "--out", str(self.root / self._name)]
            self._process = Process([sys.executable, "-m", "sightline", *words], self.root)
        return self._name

    def _sample(self) -> Path:
        place = self.root / "sample-desk"
        place.mkdir(exist_ok=True)
        for number in range(SCENES["desk"]):
            write_bytes(place / f"desk-{number}.jpg", scene_bytes(f"desk-{number}"))
        return place

    @property
    def running(self) -> bool:
        """Whether one runs."""
        return self._process is not None and self._process.code is None

    def state(self) -> dict[str, Any]:
        """Return what was started last: its name, its state, the tail of what it says."""
        process = self._process
        if process is None:
            return {"name": None, "state": "none", "log": []}
        code = process.code
        state = "running" if code is None else "finished" if code == 0 else "stopped" if process.stopping else "failed"
        return {"name": self._name, "state": state, "log": list(process.lines)[-40:]}

    def stop(self) -> None:
        """Stop what runs; what it has found is kept, and goes on when it is started again."""
        if not self.running or self._process is None:
            raise RequestError(409, "reconstructions: none is running.")
        self._process.stop()

    def close(self) -> None:
        """Stop what runs, and wait until it has ended."""
        if self._process is not None:
            self._process.stop()
            self._process.finish()


def told(found: Reconstruction, matches: Mapping[str, str]) -> dict[str, Any]:
    """Return a reconstruction's figures: photos, pairs, the distribution of errors, and pictures of matches."""
    errors = found.errors
    counts = np.bincount(found.camera_of, minlength=len(found.names))
    sums = np.bincount(found.camera_of, errors, minlength=len(found.names))
    top = max(float(np.percentile(errors, 99.5)), 1e-9) if len(errors) else 1.0
    bars, edges = np.histogram(np.minimum(errors, top), _BARS, (0, top))
    photos = [
        {"name": name, "placed": bool(known), "points": int(counts[i]), "error": float(sums[i] / max(counts[i], 1))}
        for i, (name, known) in enumerate(zip(found.names, found.registered, strict=True))
    ]
    pairs = [
        [found.names[int(a)], found.names[int(b)], int(matched), int(agree), float(flat)]
        for a, b, matched, agree, flat in sorted(found.pairs.tolist(), key=lambda row: -row[3])[:60]
    ]
    facts = found.to_json()
    facts.pop("cameras")
    focal = found.intrinsics[found.group_of[found.registered][0]][0] if len(found) else None
    return {
        **facts,
        "focal": focal,
        "median_px": float(np.median(errors)) if len(errors) else None,
        "photos": photos,
        "pairs": pairs,
        "histogram": {"counts": bars, "edges": edges},
        "timings": found.seconds,
        "matches": dict(matches),
    }


def cloud(found: Reconstruction) -> bytes:
    """Return the cloud with its cameras as a trace; each camera is a place, and dots along the edges of its view."""
    rows = found.cloud()
    is_point = rows[:, 6] == 1
    step = max(1, -(-int(is_point.sum()) // _SHOWN))
    shown = np.concatenate([rows[is_point][::step], rows[~is_point], _views(found)]).astype(np.float32)
    return Trace("geometry.structure_from_motion", {}, (Step("cloud", Cloud(shown)),)).to_bytes()


def _views(found: Reconstruction) -> Array:
    """Return dots along the edges of each camera's view, N×7."""
    placed = np.flatnonzero(found.registered)
    centres = found.centres
    spread = np.linalg.norm(np.ptp(centres[placed], axis=0)) if len(placed) > 1 else 1.0
    dots = []
    for number in placed:
        height, width = found.sizes[number]
        focal = found.intrinsics[found.group_of[number]][0]
        rim = np.array([(x * width / 2 / focal, y * height / 2 / focal, 1) for x, y in _RIM])
        rim = rim @ found.rotation(int(number)) * 0.09 * spread + centres[number]
        ends = [(centres[number], corner) for corner in rim] + list(zip(rim, np.roll(rim, -1, axis=0), strict=True))
        along = np.linspace(0, 1, 14)[:, None]
        dots += [start + along * (end - start) for start, end in ends]
    places = np.concatenate(dots) if dots else np.zeros((0, 3))
    return np.hstack([places, np.broadcast_to((*_ORANGE, 0.5), (len(places), 4))])
