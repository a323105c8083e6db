"""The catalogue as the lab's first page needs it, kept on disk: to read it off the methods takes seconds."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

from sightline import __version__
from sightline.core import catalogue
from sightline.core.errors import InputError, MissingFileError, SightlineError, suggest
from sightline.core.files import write_text

_SOURCES = Path(__file__).parents[1]
_LEAN = ("data", "features", "geometry", "image", "learn", "metrics", "motion")  # fields that need no torch
_WHOLE_SECONDS = 120.0
# Title and floor of each folder, as the house is built.
FIELDS = {
    "image": ("The pixel grid", 1),
    "features": ("Features", 2),
    "geometry": ("Geometry", 2),
    "motion": ("Motion", 2),
    "learn": ("Learning", 2),
    "metrics": ("Metrics", 2),
    "data": ("Data", 3),
    "nn": ("Blocks and losses", 3),
    "train": ("Training", 4),
    "zoo": ("Public weights", 4),
    "classify": ("Classification", 5),
    "detect": ("Detection", 5),
    "segment": ("Segmentation", 5),
    "faces": ("Faces", 5),
    "text": ("Text", 5),
    "pose": ("Pose", 5),
    "video": ("Video", 5),
    "language": ("Vision and language", 5),
    "pretrain": ("Self-supervision", 5),
    "generate": ("Generation", 5),
    "graph": ("Graphs", 5),
    "scene": ("Scenes", 5),
    "explain": ("Explanation", 6),
    "attack": ("Attacks", 6),
}


class Listing:
    """Every catalogued method as a short record, and the way from its name to the method.

    Parameters
    ----------
    folder
        Where the records are kept; the user's cache when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _cache()
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, Any]] | None = None
        self._whole = threading.Event()

    def rows(self, *, whole: bool = False) -> dict[str, dict[str, Any]]:
        """Return the records by ``field.name``: from the cache where the sources are as they were.

        Parameters
        ----------
        whole
            Whether to wait for the fields that need torch; without a cache they come seconds after the others.
        """
        with self._lock:
            if self._rows is None:
                kept = self._folder / f"catalogue-{_digest()}.json"
                self._rows = _read(kept)
                if self._rows is None:
                    here = set(catalogue.fields())
                    self._rows = _records([name for name in _LEAN if name in here])
                    threading.Thread(target=self._complete, args=(kept,), name="sightline-list", daemon=True).start()
                else:
                    self._whole.set()
        if whole:
            self._whole.wait(_WHOLE_SECONDS)
        return self._rows

    @property
    def whole(self) -> bool:
        """Whether all fields are listed."""
        return self._whole.is_set()

    def _complete(self, kept: Path) -> None:
        try:
            self._rows = {f"{e.field}.{e.name}": _record(e) for e in catalogue.methods()}
            self._write(kept)
        finally:
            self._whole.set()

    def _write(self, kept: Path) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for old in self._folder.glob("catalogue-*.json"):
                old.unlink(missing_ok=True)
            write_text(kept, json.dumps(self._rows, ensure_ascii=False))
        except (OSError, SightlineError):
            return  # without a place to keep it, it is read off again the next time

    def fields(self) -> list[dict[str, Any]]:
        """Return the fields from the lowest floor up, each with its methods."""
        rows = self.rows().values()
        names = sorted({row["field"] for row in rows}, key=lambda name: (FIELDS.get(name, ("", 9))[1], name))
        return [
            {
                "name": name,
                "title": FIELDS.get(name, (name.capitalize(), 9))[0],
                "floor": FIELDS.get(name, (name, 9))[1],
                "methods": [row for row in rows if row["field"] == name],
            }
            for name in names
        ]

    def find(self, name: str) -> catalogue.Method:
        """Return the method ``field.name``; only what it needs itself is imported."""
        rows = self.rows()
        if name not in rows:
            rows = self.rows(whole=True)
        if name not in rows:
            near = suggest(name, rows) or suggest(name.rpartition(".")[2], [key.partition(".")[2] for key in rows])
            raise MissingFileError(f"methods: no method is named '{name}'.{near}")
        module, _, attribute = rows[name]["path"].rpartition(".")
        package, _, inner = module.rpartition(".")
        if package.count(".") == 1:  # sightline.image.draw: a module that its package exports
            owner: Any = getattr(importlib.import_module(package), inner)
        else:
            owner = importlib.import_module(module)
        return catalogue.method_of(getattr(owner, attribute))


def _records(fields: list[str]) -> dict[str, dict[str, Any]]:
    return {f"{entry.field}.{entry.name}": _record(entry) for name in fields for entry in catalogue.methods(name)}


def _record(entry: catalogue.Method) -> dict[str, Any]:
    from sightline.apply.call import why_not
    from sightline.apply.showing import sample_for

    year = re.search(r"\b(1[89]|20)\d\d\b", entry.paper)
    reason = why_not(entry)
    return {
        "name": entry.name,
        "field": entry.field,
        "path": entry.path,
        "task": entry.task,
        "summary": entry.summary,
        "paper": entry.paper,
        "year": int(year[0]) if year else None,
        "lesson": entry.lesson,
        "steps": entry.steps is not None,
        "returns": entry.returns,
        "first": entry.parameters[0].kind if entry.parameters else "none",
        "runs": not reason,
        "why_not": reason,
        "sample": f"sample:{sample_for(entry.name)}",
        "evidence": sum(claim.holds for claim in entry.evidence),
    }


def _digest() -> str:
    """Return a digest of what the records are read off: every source's name, size and time, and what is installed."""
    seen = hashlib.sha256(f"{__version__} {sys.version} {_installed('torch')}".encode())
    for path in sorted([*_SOURCES.rglob("*.py"), *_SOURCES.rglob("*.pyi"), _SOURCES / "evidence.json"]):
        found = path.stat()
        seen.update(f"{path.relative_to(_SOURCES)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return seen.hexdigest()[:16]


def _installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _read(path: Path) -> dict[str, dict[str, Any]] | None:
    try:
        rows = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, dict) and rows else None


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Caches/sightline").expanduser()
    base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    return Path(base or "~/.cache").expanduser() / "sightline"


def short_name(name: str) -> str:
    """Return ``field.name`` for what may be said without its field; raise when it is no name at all."""
    if not re.fullmatch(r"[a-z_0-9]+(\.[a-z_0-9]+)?", name):
        raise InputError(f"methods: name must be like image.canny; got {name!r}.")
    return name
