"""Evidence: what shows that a method is right, and the ledger that a test run writes of it.

A test carries :func:`equals` (same output as a peer, within a tolerance) or :func:`reaches` (a published figure on
the same data) and records what it measured; the run merges that into ``evidence.json`` inside the package.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from sightline.core.errors import FormatError
from sightline.core.files import write_text

F = TypeVar("F", bound=Callable[..., Any])

LEDGER = Path(__file__).parent.parent / "evidence.json"
_DISTRIBUTIONS = {"opencv": "opencv-python-headless", "pytorch-grad-cam": "grad-cam"}


@dataclass(frozen=True)
class Evidence:
    """One entry of the ledger.

    Parameters
    ----------
    method, field
        What it is evidence for.
    kind
        ``equals`` (a peer's output) or ``reaches`` (a published figure).
    peer, figure
        The peer's name, or what the figure is; the other one is empty.
    tolerance, published
        The bound in words, or the published number.
    source
        Where the figure was published.
    data
        What it ran on.
    measured
        The error, agreement or figure that the last run found.
    holds
        Whether the last run passed.
    version
        The peer's version in that run.
    command
        The command that repeats it.
    """

    method: str
    field: str
    kind: str
    peer: str = ""
    figure: str = ""
    tolerance: str = ""
    published: float | None = None
    source: str = ""
    data: str = ""
    measured: float | None = None
    holds: bool = False
    version: str = ""
    command: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes two entries the same claim."""
        return (self.field, self.method, self.kind, self.peer or self.figure, self.command)

    def to_json(self) -> dict[str, Any]:
        """Return the entry without the fields that do not apply to its kind."""
        unused = ("figure", "published", "source") if self.kind == "equals" else ("peer", "tolerance", "version")
        return {name: value for name, value in asdict(self).items() if name not in unused}


def equals(method: str, *, peer: str, tolerance: str, data: str = "") -> Callable[[F], F]:
    """Mark a test as evidence that a method gives a peer's output.

    Parameters
    ----------
    method
        ``field.name``, for example ``"image.canny"``.
    peer
        The reference: ``"opencv"``, ``"pillow"``, ``"scikit-learn"``.
    tolerance
        The bound that the test holds, in words.
    data
        What it runs on.
    """
    folder, _, name = method.rpartition(".")
    return _mark(Evidence(name, folder, "equals", peer=peer, tolerance=tolerance, data=data))


def reaches(method: str, *, figure: str, published: float, source: str, data: str = "") -> Callable[[F], F]:
    """Mark a test or a reproduction as evidence that a method reaches a published figure.

    Parameters
    ----------
    method
        ``field.name``.
    figure
        What is measured, with its unit.
    published
        The published number.
    source
        Author, year and table.
    data
        What it runs on.
    """
    folder, _, name = method.rpartition(".")
    return _mark(Evidence(name, folder, "reaches", figure=figure, published=published, source=source, data=data))


def _mark(entry: Evidence) -> Callable[[F], F]:
    def mark(test: F) -> F:
        test.__evidence__ = [*getattr(test, "__evidence__", []), entry]  # type: ignore[attr-defined]
        return test

    return mark


@lru_cache(maxsize=1)
def ledger() -> tuple[Evidence, ...]:
    """Return the entries of the ledger that came with the package; empty before the first test run."""
    if not LEDGER.exists():
        return ()
    try:
        return tuple(Evidence(**row) for row in json.loads(LEDGER.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise FormatError(f"evidence: '{LEDGER}' is not a ledger: {error}.") from error


def evidence_of(field: str, method: str) -> list[Evidence]:
    """Return what the ledger holds for one method."""
    return [entry for entry in ledger() if (entry.field, entry.method) == (field, method)]


def record(entries: list[Evidence], still_there: Callable[[Evidence], bool] = lambda _: True) -> None:
    """Merge ``entries`` into the ledger: a claim that ran again replaces its old line, the others stay.

    Parameters
    ----------
    entries
        Claims with what was measured.
    still_there
        Says of an old claim whether its test still exists; the others are dropped.
    """
    ledger.cache_clear()
    merged = {entry.key: entry for entry in ledger() if still_there(entry)}
    for entry in entries:
        version = peer_version(entry.peer) if entry.peer else ""
        measured = None if entry.measured is None else float(f"{entry.measured:.4g}")
        merged[entry.key] = replace(entry, version=version, measured=measured)
    rows = [asdict(merged[key]) for key in sorted(merged)]
    text = json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if not LEDGER.exists() or LEDGER.read_text("utf-8") != text:
        write_text(LEDGER, text)
    ledger.cache_clear()


def peer_version(peer: str) -> str:
    """Return the installed version of a peer, empty when it is not installed."""
    try:
        return metadata.version(_DISTRIBUTIONS.get(peer, peer))
    except metadata.PackageNotFoundError:
        return ""
