"""The catalogue as the lab's first page needs it: a short record of every method, none of them imported."""

from __future__ import annotations

import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from sightline.apply.runnable import why_not
from sightline.apply.showing import sample_for
from sightline.core.catalogue import Method
from sightline.core.errors import InputError, MissingFileError, suggest
from sightline.core.evidence import ledger
from sightline.core.index import Entry, Index

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
        Where it is kept what was read anew; the user's cache when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, Any]] | None = None
        self._entries: dict[str, Entry] = {}
        self._whole = threading.Event()

    def rows(self, *, whole: bool = False) -> dict[str, dict[str, Any]]:
        """Return the records by ``field.name``, first of all those whose sources are as the index says.

        Parameters
        ----------
        whole
            Whether to wait for those that have to be imported because their source changed.
        """
        with self._lock:
            if self._rows is None:
                index = Index(folder=self._folder)
                self._rows = self._list(index)
                threading.Thread(target=self._complete, args=(index,), name="sightline-list", daemon=True).start()
        if whole:
            self._whole.wait(_WHOLE_SECONDS)
        return self._rows

    @property
    def whole(self) -> bool:
        """Whether all methods are listed."""
        return self._whole.is_set()

    def _complete(self, index: Index) -> None:
        try:
            if index.stale:
                index.refresh()
                self._rows = self._list(index)
        finally:
            self._whole.set()

    def _list(self, index: Index) -> dict[str, dict[str, Any]]:
        self._entries = {f"{entry.field}.{entry.name}": entry for entry in index.entries()}
        proven = Counter(f"{claim.field}.{claim.method}" for claim in ledger() if claim.holds)
        return {name: _record(entry, proven[name]) for name, entry in self._entries.items()}

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

    def told(self) -> dict[str, Any]:
        """Return what a page asks for first: the fields, and whether they are whole."""
        return {"fields": self.fields(), "whole": self.whole}

    def find(self, name: str) -> Method:
        """Return the method ``field.name``; only what it needs itself is imported."""
        rows = self.rows()
        if name not in rows:
            rows = self.rows(whole=True)
        if name not in rows:
            near = suggest(name, rows) or suggest(name.rpartition(".")[2], [key.partition(".")[2] for key in rows])
            raise MissingFileError(f"methods: no method is named '{name}'.{near}")
        return self._entries[name].method


def _record(entry: Entry, proven: int) -> dict[str, Any]:
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
        "steps": entry.steps,
        "returns": entry.returns,
        "first": entry.parameters[0].kind if entry.parameters else "none",
        "runs": not reason,
        "why_not": reason,
        "sample": f"sample:{sample_for(entry.name)}",
        "evidence": proven,
    }


def short_name(name: str) -> str:
    """Return ``field.name`` for what may be said without its field; raise when it is no name at all."""
    if not re.fullmatch(r"[a-z_0-9]+(\.[a-z_0-9]+)?", name):
        raise InputError(f"methods: name must be like image.canny; got {name!r}.")
    return name
